// SPDX-License-Identifier: GPL-2.0-only
/* The view: the selected rows or totals of a snapshot. */

#include <stdio.h>
#include <stdlib.h>

#include "rates.h"
#include "view.h"

static bool no_memory(const struct sockstat_table *table, char *sentence)
{
	snprintf(sentence, SENTENCE_LEN, "there is not enough memory for %zu rows", table->n_rows);
	return false;
}

/**
 * view_read - take the next snapshot
 * @view: the view; before the first snapshot, everything except @opt is zero
 * @sentence: on failure, the reason and how to correct it
 *
 * Frees the previous snapshot: call view_select() before using the sheet again. On
 * failure, the view is unchanged.
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
		no_memory(&next.table, sentence);
		free(entries);
		snapshot_free(&next);
		return false;
	}
	free(view->entries);
	view->entries = entries;
	snapshot_free(&view->now);
	view->now = next;
	view->seconds = seconds;
	view->n_read++;
	return true;
}

/* Make the rows that the filter passes the records of the sheet. */
static bool select_entries(struct view *view, size_t n)
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

/* Replace the records of the sheet by their totals. */
static bool make_groups(struct view *view)
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
 * view_select - select, group and sort the rows of the newest snapshot
 * @view: the view, of which the sheet is set
 * @sentence: on failure, the reason
 *
 * Return: false, with no records in the sheet, if there is not enough memory.
 */
bool view_select(struct view *view, char sentence[SENTENCE_LEN])
{
	const struct options *opt = view->opt;

	view->sheet.columns = opt->columns;
	view->sheet.n_columns = opt->n_columns;
	if (select_entries(view, view->now.table.n_rows) && (!opt->group || make_groups(view)) &&
	    (!opt->sort || sheet_sort(&view->sheet, opt->sort, opt->descending)))
		return true;
	view->sheet.n_records = 0;
	return no_memory(&view->now.table, sentence);
}

/**
 * view_free - free the memory of a view
 * @view: the view, not used afterwards
 */
void view_free(struct view *view)
{
	snapshot_free(&view->now);
	free(view->entries);
	free(view->groups);
	free(view->sheet.records);
}
