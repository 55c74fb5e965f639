/* SPDX-License-Identifier: GPL-2.0-only */
/* Totals of rows that have something in common. */
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
 * struct group - totals of rows that have something in common
 * @totals: the bytes that moved through all of them since the previous snapshot
 * @name: what they have in common, as text
 * @none: they have none: no process, no address; @name is "-"
 * @descriptors: how many rows
 * @connections: how many different cookies
 *
 * The others are sums of their columns.
 */
struct group {
	struct totals totals;
	char name[CELL_LEN];
	bool none;
	uint64_t descriptors;
	uint64_t connections;
	uint64_t tx_bytes, rx_bytes;
	uint64_t tx_calls, rx_calls;
	uint64_t tx_queue, rx_queue;
};

#define GROUP_COLUMNS 16
#define GROUP_NAMES 3 /* the first of them name the group, one way each */

extern const struct view_column group_columns[GROUP_COLUMNS];

enum group_by group_parse(const char *word);
const char *group_word(enum group_by by);
void group_add(struct group *group, const struct entry *e);
struct group *group_make(const void **entries, size_t n, enum group_by by, size_t *n_groups);

#endif /* VIEWER_GROUP_H */
