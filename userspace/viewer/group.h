/* SPDX-License-Identifier: GPL-2.0-only */
/* The totals of the rows that have one command, user or remote host. */
#ifndef VIEWER_GROUP_H
#define VIEWER_GROUP_H

#include "entry.h"

enum group_by {
	GROUP_NONE,
	GROUP_COMMAND,
	GROUP_USER,
	GROUP_REMOTE,
};

/**
 * struct group - the totals of the rows that have one command, user or remote host
 * @totals: the bytes that moved through them since the previous snapshot
 * @row: one of the rows; lives as long as the snapshot
 * @descriptors: the number of rows
 * @connections: the number of different cookies
 *
 * The other members are sums of the columns of the same name.
 */
struct group {
	struct totals totals;
	const struct sockstat_row *row;
	uint64_t descriptors;
	uint64_t connections;
	uint64_t tx_bytes, rx_bytes;
	uint64_t tx_calls, rx_calls;
	uint64_t tx_queue, rx_queue;
};

#define GROUP_COLUMNS 17

extern const struct view_column group_columns[GROUP_COLUMNS];

bool group_parse(const char *word, enum group_by *by);
const char *group_word(enum group_by by);
bool group_has_column(enum group_by by, const struct view_column *column);
void group_add(struct group *group, const struct entry *e);
struct group *group_make(const void **entries, size_t n, enum group_by by, size_t *n_groups);

#endif /* VIEWER_GROUP_H */
