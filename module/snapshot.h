/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot of all rows, for one reader. */
#ifndef SOCKSTAT_SNAPSHOT_H
#define SOCKSTAT_SNAPSHOT_H

#include <linux/list.h>

#include "row.h"

struct sockstat_access;
struct sockstat_quota;

/**
 * struct sockstat_snapshot - all rows that a reader may see
 * @quota: quota that the memory is charged to, or NULL
 * @charged: what is charged
 * @chunks: memory of the rows
 * @rows: pointers to the rows, in order
 * @nr_rows: number of rows
 * @nr_closed: number of closed rows, which are the last ones
 * @missed: probe hits that the kernel has skipped so far
 * @dropped: records that were not kept so far
 * @evicted: closed rows that the history let go before they could be in the snapshot
 *
 * An empty snapshot is all zero, except @quota, and with @chunks initialized.
 */
struct sockstat_snapshot {
	struct sockstat_quota *quota;
	size_t charged;
	struct list_head chunks;
	struct sockstat_row **rows;
	size_t nr_rows;
	size_t nr_closed;
	u64 missed;
	u64 dropped;
	u64 evicted;
};

int sockstat_snapshot_take(struct sockstat_snapshot *snap, const struct sockstat_access *access);
void sockstat_snapshot_free(struct sockstat_snapshot *snap);

#endif /* SOCKSTAT_SNAPSHOT_H */
