// SPDX-License-Identifier: GPL-2.0-only
/*
 * The full-screen view: which columns the screen has room for. The wider the
 * terminal, the earlier one of these steps suffices:
 * 1. columns are shortened to the width that a table has on a narrow terminal;
 * 2. titles, states and times are abbreviated;
 * 3. optional columns (TOP_OPTIONAL) are dropped;
 * 4. columns are shortened to &struct top_column.least;
 * 5. more columns are dropped, those of the highest rank first.
 */

#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "display.h"
#include "top_draw.h"
#include "write.h"

#define BAR_MIN 7 /* the length of its title */
#define BAR_MAX 30
#define RATE_MIN 5 /* rates change all the time: their columns keep this width at least */
#define CUT_MARK '~'

/* Write a title, or its first word if that is to suffice. */
static void title_text(const struct view_column *column, bool brief, char title[CELL_LEN])
{
	int len = brief ? strcspn(column->title, " ") : strlen(column->title);

	snprintf(title, CELL_LEN, "%.*s", len, column->title);
}

/* As ps(1) does: the time of day on the day of the snapshot, the date on other days. */
static void shorten_time(const struct top *top, char text[CELL_LEN])
{
	const struct value now = { .kind = VALUE_TIME, .time = top->view.now.time };
	char today[CELL_LEN];
	char *separator = strchr(text, 'T');
	size_t date = separator ? separator - text : 0;

	if (!separator)
		return;
	column_text(&now, true, today);
	if (strncmp(text, today, date))
		*separator = '\0';
	else
		memmove(text, separator + 1, strlen(separator));
}

/* ESTABLISHED is by far the longest name of a state, and ss(8) abbreviates it as well. */
static void cell_abbreviate(const struct top *top, const struct view_column *column,
			    const struct value *value, char text[CELL_LEN])
{
	if (column->flags & COLUMN_STATE && !strcmp(text, "ESTABLISHED"))
		strcpy(text, "ESTAB");
	else if (value->kind == VALUE_TIME)
		shorten_time(top, text);
}

static void cell_text(const struct top *top, const struct view_column *column, bool brief,
		      const void *record, struct value *value, char text[CELL_LEN])
{
	column->get(record, value);
	column_text(value, top->opt.human, text);
	if (brief)
		cell_abbreviate(top, column, value, text);
}

/* Shorten an address to @width columns without losing its port. */
static void shorten_address(char text[CELL_LEN], int width)
{
	char whole[CELL_LEN];
	const char *colon;
	int port, host;

	if (display_width(text) <= width)
		return;
	strcpy(whole, text);
	colon = strrchr(whole, ':');
	port = colon ? display_width(colon) : 0;
	host = width - 1 - port;
	if (colon && host >= 0)
		snprintf(text, CELL_LEN, "%.*s%c%s", (int)display_fit(whole, host, NULL), whole,
			 CUT_MARK, colon);
}

static void layout_measure(const struct top *top, struct top_layout *layout)
{
	const struct sheet *page = &layout->page;
	char text[CELL_LEN];
	struct value value;
	size_t c, i;
	int width;

	for (c = 0; c < page->n_columns; c++) {
		const struct view_column *column = layout->columns[c];

		title_text(column, layout->brief, text);
		layout->titles[c] = display_width(text);
		layout->texts[c] = column->flags & COLUMN_RATE ? RATE_MIN : 1;
		for (i = 0; i < page->n_records; i++) {
			cell_text(top, column, layout->brief, page->records[i], &value, text);
			width = display_width(text);
			if (layout->texts[c] < width)
				layout->texts[c] = width;
		}
	}
}

/* Return the width to which a column may be shortened; with @hard, as a last resort. */
static int least_width(const struct top *top, const struct top_layout *layout, size_t c, bool hard)
{
	int least = layout->columns[c]->cut;

	if (hard && top->columns[layout->order[c]].least)
		least = top->columns[layout->order[c]].least;
	if (!least || least > layout->texts[c])
		least = layout->texts[c];
	return least > layout->titles[c] ? least : layout->titles[c];
}

/* Shorten columns until they take no more than @room, or cannot become shorter. */
static int layout_squeeze(const struct top *top, struct top_layout *layout, int room, bool hard)
{
	int excess[MAX_VIEW_COLUMNS], length = -1;
	size_t c, most = 0;

	for (c = 0; c < layout->page.n_columns; c++) {
		int text = layout->texts[c], title = layout->titles[c];

		layout->widths[c] = text > title ? text : title;
		excess[c] = layout->widths[c] - least_width(top, layout, c, hard);
		length += layout->widths[c] + 1;
	}
	for (; length > room; length--) {
		for (c = 0; c < layout->page.n_columns; c++) {
			if (excess[c] > excess[most])
				most = c;
		}
		if (!excess[most])
			break;
		excess[most]--;
		layout->widths[most]--;
	}
	return length;
}

static int column_rank(const struct top *top, const struct top_layout *layout, size_t c)
{
	return top->columns[layout->order[c]].rank;
}

static int highest_rank(const struct top *top, const struct top_layout *layout)
{
	int rank, highest = 0;
	size_t c;

	for (c = 0; c < layout->page.n_columns; c++) {
		rank = column_rank(top, layout, c);
		highest = rank > highest ? rank : highest;
	}
	return highest;
}

/* Drop the columns of a rank; return false if it is the lowest, whose column always remains. */
static bool drop_rank(const struct top *top, struct top_layout *layout, int rank)
{
	size_t c, n = 0;

	if (!rank)
		return false;
	for (c = 0; c < layout->page.n_columns; c++) {
		if (column_rank(top, layout, c) == rank)
			continue;
		layout->columns[n] = layout->columns[c];
		layout->order[n] = layout->order[c];
		layout->texts[n] = layout->texts[c];
		layout->titles[n] = layout->titles[c];
		n++;
	}
	layout->page.n_columns = n;
	return true;
}

/* Bars show rates, which closed rows do not have. */
static int bar_least(const struct top *top)
{
	return top->opt.filter.kinds == KIND_CLOSED && !top->opt.group ? 0 : BAR_MIN;
}

/* Return the length of a line; the optional columns are only shown next to bars. */
static int layout_fit(const struct top *top, struct top_layout *layout)
{
	int room = COLS - 1, bar = bar_least(top), with_bar = bar ? room - bar - 1 : room, length;

	length = layout_squeeze(top, layout, with_bar, false);
	if (length <= with_bar)
		return length;
	layout->brief = true;
	layout_measure(top, layout);
	for (;;) {
		int highest = highest_rank(top, layout);
		bool optional = highest >= TOP_OPTIONAL;

		length = layout_squeeze(top, layout, with_bar, !optional);
		if (length <= (optional ? with_bar : room) || !drop_rank(top, layout, highest))
			return length;
	}
}

/**
 * top_layout - choose the columns that fit on the screen, and their widths
 * @top: the view
 * @layout: to be filled; valid until the view's records change
 */
void top_layout(const struct top *top, struct top_layout *layout)
{
	size_t n = top->view.sheet.n_records, c;
	int bar;

	*layout = (struct top_layout){ 0 };
	layout->page.columns = layout->columns;
	layout->page.records = top->view.sheet.records + top->first;
	layout->page.n_records = n - top->first < top_page() ? n - top->first : top_page();
	layout->page.n_columns = top->n_columns;
	for (c = 0; c < top->n_columns; c++) {
		layout->columns[c] = top->columns[c].column;
		layout->order[c] = c;
	}
	layout_measure(top, layout);
	bar = COLS - 1 - layout_fit(top, layout) - 1;
	if (bar_least(top) && bar >= BAR_MIN)
		layout->bar = bar < BAR_MAX ? bar : BAR_MAX;
}

/**
 * top_layout_title - get the title of a column as it is on the screen
 * @layout: the layout
 * @column: the column, which need not be on the screen
 * @title: the title
 */
void top_layout_title(const struct top_layout *layout, const struct view_column *column,
		      char title[CELL_LEN])
{
	bool brief = false;
	size_t c;

	for (c = 0; c < layout->page.n_columns; c++) {
		if (layout->columns[c] == column)
			brief = layout->widths[c] < (int)strlen(column->title);
	}
	title_text(column, brief, title);
}

/**
 * top_layout_cell - get a cell as it is on the screen
 * @top: the view
 * @layout: the layout
 * @c: the index of the column in the layout
 * @record: the record
 * @cell: the text, as wide as the column
 */
void top_layout_cell(const struct top *top, const struct top_layout *layout, size_t c,
		     const void *record, char cell[CELL_PADDED])
{
	char text[CELL_LEN];
	struct value value;

	cell_text(top, layout->columns[c], layout->brief, record, &value, text);
	if (value.kind == VALUE_ADDR)
		shorten_address(text, layout->widths[c]);
	table_cell(layout->columns[c], text, layout->widths[c], cell);
}
