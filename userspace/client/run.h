/* SPDX-License-Identifier: GPL-2.0-only */
/* Running scenarios: what main.c needs of run.c. */
#ifndef SOCKSTAT_CLIENT_RUN_H
#define SOCKSTAT_CLIENT_RUN_H

#include "scenario.h"

struct run *run_arena(void);
bool run_variant(const struct scenario *sc, const struct options *opt, enum family family,
		 bool nonblock);
void run_name(struct run *r, const char *group, const struct scenario *sc, enum family family,
	      bool nonblock);
void run_one(struct run *r, const struct options *opt);

#endif
