/* SPDX-License-Identifier: GPL-2.0-only */
/* The groups of scenarios, and which of them the command line selects. */
#ifndef SOCKSTAT_CLIENT_SELECT_H
#define SOCKSTAT_CLIENT_SELECT_H

#include "options.h"

bool select_words(const struct request *req, struct run *r);
unsigned int select_count(const struct request *req, struct run *r);
void select_list(const struct request *req);

typedef void (*select_fn)(struct run *r, const struct options *opt, void *arg);

void select_runs(const struct request *req, struct run *r, select_fn visit, void *arg);

#endif
