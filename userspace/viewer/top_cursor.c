// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: the marked row. */

#include <string.h>

#include "top.h"

/*
 * How likely two rows of different snapshots are the same: 0 if it is another
 * descriptor or connection. Only a connection that connect(AF_UNSPEC) ended, or
 * a process that exec() replaced, leaves several rows with one cookie, PID and FD.
 */
static int row_likeness(const struct sockstat_row *a, const struct sockstat_row *b)
{
	if (a->cookie != b->cookie || a->pid != b->pid || a->fd != b->fd)
		return 0;
	return 1 + (a->opened == b->opened) + !strcmp(a->comm, b->comm);
}

/* Totals are the same if they are those of the same command, user or host. */
static bool same_group(const struct top *top, const struct group *group)
{
	const struct view_column *key = options_column(top->opt.group, group_word(top->opt.group));
	struct value a, b;

	key->get(group, &a);
	key->get(&top->cursor.group, &b);
	return !column_compare(&a, &b);
}

static int record_likeness(const struct top *top, const void *record)
{
	if (top->opt.group)
		return same_group(top, record);
	return row_likeness(((const struct entry *)record)->row, &top->cursor.row);
}

/* Return the index of the marked row among the records of the sheet, or their number. */
static size_t cursor_find_record(const struct top *top)
{
	const struct sheet *sheet = &top->view.sheet;
	size_t i, found = sheet->n_records;
	int best = 0;

	for (i = 0; i < sheet->n_records; i++) {
		int likeness = record_likeness(top, sheet->records[i]);

		if (likeness > best) {
			best = likeness;
			found = i;
		}
	}
	return found;
}

/* The row itself may have been closed or filtered out: search the whole snapshot. */
static const struct entry *cursor_find_entry(const struct top *top)
{
	const struct entry *found = NULL;
	int best = 0;
	size_t i;

	for (i = 0; i < top->view.now.table.n_rows; i++) {
		const struct entry *e = &top->view.entries[i];
		int likeness = row_likeness(e->row, &top->cursor.row);

		if (likeness > best) {
			best = likeness;
			found = e;
		}
	}
	return found;
}

/* Snapshots are freed and the marked row outlives them: copy it. */
static void cursor_copy(struct top *top, const void *record)
{
	struct top_cursor *cursor = &top->cursor;

	if (top->opt.group) {
		cursor->group = *(const struct group *)record;
		cursor->row = *cursor->group.row;
		cursor->group.row = &cursor->row;
		return;
	}
	cursor->entry = *(const struct entry *)record;
	cursor->row = *cursor->entry.row;
	cursor->entry.row = &cursor->row;
}

static void cursor_update_detail(struct top *top)
{
	const void *record;
	size_t at;

	if (top->opt.group) {
		at = cursor_find_record(top);
		record = at < top->view.sheet.n_records ? top->view.sheet.records[at] : NULL;
	} else {
		record = cursor_find_entry(top);
	}
	top->cursor.gone = !record;
	if (record)
		cursor_copy(top, record);
}

/* Scroll as little as possible so that the marked row is on the screen. */
static void cursor_scroll(struct top *top)
{
	size_t last = top->view.sheet.n_records, page = top_page();

	last -= last < page ? last : page;
	if (top->first > top->cursor.at)
		top->first = top->cursor.at;
	if (top->first + page <= top->cursor.at)
		top->first = top->cursor.at - page + 1;
	if (top->first > last)
		top->first = last;
}

/**
 * top_cursor_follow - find the marked row again
 * @top: the view, after its records have changed
 *
 * If the row is no longer among the records, the one that has taken its place is
 * marked. A row whose details are on the screen stays marked.
 */
void top_cursor_follow(struct top *top)
{
	struct top_cursor *cursor = &top->cursor;
	size_t n = top->view.sheet.n_records, found;

	if (top->input == INPUT_DETAIL) {
		cursor_update_detail(top);
		return;
	}
	found = cursor->follows ? cursor_find_record(top) : n;
	if (found < n)
		cursor->at = found;
	else if (!cursor->follows || top->input == INPUT_FILTER)
		cursor->at = 0;
	else if (cursor->at >= n)
		cursor->at = n ? n - 1 : 0;
	if (n)
		cursor_copy(top, top->view.sheet.records[cursor->at]);
	cursor_scroll(top);
}

/**
 * top_cursor_move - mark another row, and follow it from now on
 * @top: the view
 * @rows: the distance, negative: upwards; the first or last row is the limit
 */
void top_cursor_move(struct top *top, long rows)
{
	struct top_cursor *cursor = &top->cursor;
	size_t n = top->view.sheet.n_records;

	if (!n)
		return;
	if (rows < 0)
		cursor->at -= cursor->at < (size_t)-rows ? cursor->at : (size_t)-rows;
	else
		cursor->at = (size_t)rows < n - cursor->at ? cursor->at + rows : n - 1;
	cursor->follows = true;
	cursor_copy(top, top->view.sheet.records[cursor->at]);
}

/**
 * top_cursor_release - mark the first row, whichever it is
 * @top: the view
 */
void top_cursor_release(struct top *top)
{
	top->cursor.follows = false;
	top->first = 0;
}

/**
 * top_cursor_pick - follow the marked row in order to show its details
 * @top: the view
 *
 * Return: false if there are no rows.
 */
bool top_cursor_pick(struct top *top)
{
	top_cursor_move(top, 0);
	return top->view.sheet.n_records;
}
