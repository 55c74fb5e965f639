// SPDX-License-Identifier: GPL-2.0-only
/* What is shown: the rows or totals of a snapshot, and what moved since the one before. */

#include <stdio.h>
#include <stdlib.h>

#include "rates.h"
#include "view.h"

static bool no_memory(const struct view *view, char *sentence)
{
	snprintf(sentence, SENTENCE_LEN, "there is not enough memory for %zu rows",
		 view->now.table.n_rows);
	return false;
}

/**
 * view_read - take the next snapshot
 * @view: zero but for its options, or read before
 * @sentence: what is wrong and what to do, where it fails
 *
 * The view's sheet is that of the old snapshot until view_select(); where this
 * fails, all stays as it was.
 *
 * Return: whether it succeeded.
 */
bool view_read(struct view *view, char sentence[SENTENCE_LEN])
{
	struct snapshot next;
	struct entry *entries;
	double seconds = 0;

	if (!snapshot_take(&next, view->opt->file, sentence))
		return false;
	if (view->n_read)
		seconds = (next.clock - view->now.clock) / 1e9;
	entries = calloc(next.table.n_rows + 1, sizeof(*entries));
	if (!entries ||
	    !rates_compute(entries, &next.table, view->n_read ? &view->now.table : NULL, seconds)) {
		free(entries);
		snapshot_free(&next);
		return no_memory(view, sentence);
	}
	free(view->entries);
	view->entries = entries;
	snapshot_free(&view->now);
	view->now = next;
	view->seconds = seconds;
	view->n_read++;
	return true;
}

/* The rows that pass, as the sheet's records */
static bool take_entries(struct view *view, size_t n)
{
	struct sheet *sheet = &view->sheet;
	size_t i;

	free(sheet->records);
	sheet->n_records = 0;
	sheet->records = calloc(n + 1, sizeof(*sheet->records));
	if (!sheet->records)
		return false;
	view->sum = (struct group){ .totals.seconds = view->seconds };
	for (i = 0; i < n; i++) {
		const struct entry *e = &view->entries[i];

		if (!filter_passes(&view->opt->filter, e, view->now.time))
			continue;
		group_add(&view->sum, e);
		sheet->records[sheet->n_records++] = e;
	}
	return true;
}

/* Their totals, instead */
static bool take_groups(struct view *view)
{
	struct sheet *sheet = &view->sheet;
	size_t i, n = 0;

	free(view->groups);
	view->groups = group_make(sheet->records, sheet->n_records, view->opt->group, &n);
	if (!view->groups)
		return false;
	for (i = 0; i < n; i++)
		sheet->records[i] = &view->groups[i];
	sheet->n_records = n;
	return true;
}

/**
 * view_select - select, sum up and sort what is shown
 * @view: its sheet is changed
 * @sentence: what is wrong, where it fails
 *
 * Return: whether there was memory for it.
 */
bool view_select(struct view *view, char sentence[SENTENCE_LEN])
{
	const struct options *opt = view->opt;

	view->sheet.columns = opt->columns;
	view->sheet.n_columns = opt->n_columns;
	if (take_entries(view, view->now.table.n_rows) && (!opt->group || take_groups(view)) &&
	    (!opt->sort || sheet_sort(&view->sheet, opt->sort, opt->descending)))
		return true;
	view->sheet.n_records = 0;
	return no_memory(view, sentence);
}

/**
 * view_free - give its memory back
 * @view: what was read and selected
 */
void view_free(struct view *view)
{
	snapshot_free(&view->now);
	free(view->entries);
	free(view->groups);
	free(view->sheet.records);
}
