/* SPDX-License-Identifier: GPL-2.0-only */
/* Running a scenario in a process of its own. */
#ifndef SOCKSTAT_CLIENT_RUNNER_H
#define SOCKSTAT_CLIENT_RUNNER_H

#include "run.h"

struct run *run_arena(void);
bool run_variant(const struct scenario *sc, const struct options *opt, enum family family,
		 bool nonblock);
void test_name(char *buf, size_t size, const char *group, const struct scenario *sc,
	       enum family family, bool nonblock);
void run_prepare(struct run *r, const char *group, const struct scenario *sc, enum family family,
		 bool nonblock);
void run_start(struct run *r, const struct options *opt);
void run_finish(struct run *r);

#endif
