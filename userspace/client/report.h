/* SPDX-License-Identifier: GPL-2.0-only */
/* Printing the results. */
#ifndef SOCKSTAT_CLIENT_REPORT_H
#define SOCKSTAT_CLIENT_REPORT_H

#include "run.h"

/**
 * struct results - the results of all runs
 * @done: copies of the runs that have ended
 * @total: number of runs
 * @n: length of @done
 * @uncompared: passed runs of a dry run that compared nothing
 */
struct results {
	struct run *done;
	unsigned int total, n;
	unsigned int passed, failed, skipped, uncompared;
};

void report_begin(const struct results *res, const struct options *opt);
void report_run(struct results *res, const struct run *r);
void report_end(const struct results *res, const struct options *opt);

#endif
