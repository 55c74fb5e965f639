/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes that moved between two snapshots. */
#ifndef VIEWER_RATES_H
#define VIEWER_RATES_H

#include "entry.h"

bool rates_compute(struct entry *entries, const struct sockstat_table *now,
		   const struct sockstat_table *before, double seconds);

#endif /* VIEWER_RATES_H */
