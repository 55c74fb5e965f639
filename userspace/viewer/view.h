/* SPDX-License-Identifier: GPL-2.0-only */
/* The view: the selected rows or totals of a snapshot. */
#ifndef VIEWER_VIEW_H
#define VIEWER_VIEW_H

#include "options.h"
#include "snapshot.h"

/**
 * struct view - the selected rows or totals of a snapshot
 * @opt: the options that select, group and sort
 * @now: the newest snapshot
 * @n_read: the number of snapshots so far
 * @seconds: the time since the previous snapshot; 0 if there was none
 * @entries: all rows of @now
 * @groups: the totals, if --group-by is given
 * @sheet: the records and columns that are shown: pointers into @entries or @groups
 * @sum: the totals of the rows that the filter passes
 */
struct view {
	const struct options *opt;
	struct snapshot now;
	unsigned long n_read;
	double seconds;
	struct entry *entries;
	struct group *groups;
	struct sheet sheet;
	struct group sum;
};

bool view_read(struct view *view, char sentence[SENTENCE_LEN]);
bool view_select(struct view *view, char sentence[SENTENCE_LEN]);
void view_free(struct view *view);

#endif /* VIEWER_VIEW_H */
