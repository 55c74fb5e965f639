/* SPDX-License-Identifier: GPL-2.0-only */
/* What is shown: the rows or totals of a snapshot, and what moved since the one before. */
#ifndef VIEWER_VIEW_H
#define VIEWER_VIEW_H

#include "options.h"
#include "snapshot.h"

/**
 * struct view - what is shown
 * @opt: what of it
 * @now: the newest snapshot
 * @n_read: how many there were
 * @seconds: since the one before, 0 if there was none
 * @entries: all rows of @now
 * @groups: totals, if they are shown
 * @sheet: what is shown of either, in this order
 * @sum: totals of the rows that pass
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
