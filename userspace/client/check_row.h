/* SPDX-License-Identifier: GPL-2.0-only */
/* Comparing one expected row with one row of /proc/sockstat. */
#ifndef SOCKSTAT_CLIENT_CHECK_ROW_H
#define SOCKSTAT_CLIENT_CHECK_ROW_H

#include "ledger.h"
#include "truth.h"

#define MAX_ROW_DIFFS 24

/**
 * struct row_diffs - the result of comparing one row
 * @d: the differences, with members field, want and seen
 * @n: number of differences
 * @fields: number of fields compared
 */
struct row_diffs {
	struct difference d[MAX_ROW_DIFFS];
	unsigned int n, fields;
};

/**
 * struct read_time - when the table was read, CLOCK_REALTIME ns
 * @lo: before the call
 * @hi: after it
 */
struct read_time {
	int64_t lo, hi;
};

void row_compare(struct row_diffs *rd, const struct end *e, const struct truth *t,
		 const struct sockstat_row *row, const struct read_time *read);
bool row_fits(const struct end *e, const struct sockstat_row *row);

#endif
