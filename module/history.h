/* SPDX-License-Identifier: GPL-2.0-only */
/* The history: closed connections that snapshots still show, oldest first. */
#ifndef SOCKSTAT_HISTORY_H
#define SOCKSTAT_HISTORY_H

#include <linux/types.h>

struct sockstat_conn;
struct sockstat_past;

bool sockstat_history_add(struct sockstat_past *past);
bool sockstat_history_evict(struct list_head *evicted);
void sockstat_history_limit(unsigned int rows);

/**
 * struct sockstat_history_pass - a pass over the connections that were there at its beginning
 * @from: number of the first row that the limit allowed then
 * @end: number behind the last row then
 * @next: connection to visit next
 * @seq: number of its first row
 * @visited: number of rows that were visited
 */
struct sockstat_history_pass {
	u64 from;
	u64 end;
	struct sockstat_past *next;
	u64 seq;
	u64 visited;
};

void sockstat_history_begin(struct sockstat_history_pass *pass);
bool sockstat_history_for_each(struct sockstat_history_pass *pass,
			       bool (*show)(struct sockstat_conn *conn, void *arg), void *arg);
u64 sockstat_history_evicted(const struct sockstat_history_pass *pass);

#endif /* SOCKSTAT_HISTORY_H */
