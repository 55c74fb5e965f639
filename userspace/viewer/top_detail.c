// SPDX-License-Identifier: GPL-2.0-only
/*
 * The full-screen view: all columns of the marked row, one below the other.
 * Numbers are short, so two that belong together, as TX_BYTES and RX_BYTES,
 * share a line (COLUMN_PAIR).
 */

#include <curses.h>
#include <stdio.h>

#include "display.h"
#include "top_draw.h"

#define HEAD_LINES 2
#define WIDE 80 /* see is_narrow() */

struct detail {
	const struct view_column *columns[ENTRY_COLUMNS];
	size_t n_columns;
	const void *record;
};

/* A narrow terminal shows the short names of the columns, one on each line. */
static bool is_narrow(void)
{
	return getmaxx(stdscr) < WIDE;
}

static void detail_columns(const struct top *top, struct detail *detail)
{
	const struct view_column *columns = top->opt.group ? group_columns : entry_columns;
	size_t n = top->opt.group ? GROUP_COLUMNS : ENTRY_COLUMNS, i;

	detail->n_columns = 0;
	detail->record = top->opt.group ? (const void *)&top->cursor.group : &top->cursor.entry;
	for (i = 0; i < n; i++) {
		/* of the columns that name a total, only one applies to this one */
		if (options_column(top->opt.group, columns[i].name))
			detail->columns[detail->n_columns++] = &columns[i];
	}
}

/* Return how many columns share the line that begins with column @at. */
static size_t line_columns(const struct detail *detail, size_t at)
{
	bool pair = at + 1 < detail->n_columns && detail->columns[at + 1]->flags & COLUMN_PAIR;

	return pair && !is_narrow() ? 2 : 1;
}

static size_t count_lines(const struct detail *detail)
{
	size_t at, lines = 0;

	for (at = 0; at < detail->n_columns; at += line_columns(detail, at))
		lines++;
	return lines;
}

static size_t detail_page(void)
{
	int room = LINES - HEAD_LINES - TOP_FOOT_LINES;

	return room > 0 ? room : 1;
}

/**
 * top_detail_last - get the greatest useful value of &struct top.detail
 * @top: the view
 *
 * Return: the index of the line with which the last page begins.
 */
size_t top_detail_last(const struct top *top)
{
	struct detail detail;
	size_t lines;

	detail_columns(top, &detail);
	lines = count_lines(&detail);
	return lines > detail_page() ? lines - detail_page() : 0;
}

static const char *column_label(const struct view_column *column)
{
	return is_narrow() ? column->name : column->title;
}

static int label_width(const struct detail *detail)
{
	int width, max = 0;
	size_t i;

	for (i = 0; i < detail->n_columns; i++) {
		width = display_width(column_label(detail->columns[i]));
		max = width > max ? width : max;
	}
	return max;
}

static void draw_column(const struct top *top, const struct detail *detail, size_t at)
{
	const struct view_column *column = detail->columns[at];
	const char *label = column_label(column);
	char text[CELL_LEN];
	struct value value;

	column->get(detail->record, &value);
	column_text(&value, top->opt.human, text);
	attron(A_BOLD);
	top_putf("%s:%*s ", label, label_width(detail) - display_width(label), "");
	attroff(A_BOLD);
	top_put(text);
}

static void draw_lines(const struct top *top, const struct detail *detail, size_t first)
{
	size_t at = 0, line, i, n;

	for (line = 0; at < detail->n_columns && line < first + detail_page(); line++) {
		n = line_columns(detail, at);
		for (i = 0; i < n && line >= first; i++) {
			move(HEAD_LINES + line - first, i * (WIDE / 2));
			draw_column(top, detail, at + i);
		}
		at += n;
	}
}

static void draw_heading(const struct top *top)
{
	attron(A_BOLD);
	top_put(top->opt.group ? "All columns of one total" : "All columns of one descriptor");
	attroff(A_BOLD);
	top_putf("  every %.3g s", top->opt.interval);
	if (top->paused)
		top_put("  PAUSED");
	if (top->cursor.gone)
		top_put("  no longer in the table: its last values");
}

static void draw_foot(const struct top *top, size_t last)
{
	if (top->sentence[0]) {
		top_color_on(top, TOP_COLOR_BAD);
		top_put(top->sentence);
		top_color_off(top, TOP_COLOR_BAD);
		return;
	}
	top_put("Esc back  space pause  u units  n names");
	if (last)
		top_put("  up down more");
}

/**
 * top_draw_detail - draw all columns of the marked row
 * @top: the view
 */
void top_draw_detail(const struct top *top)
{
	size_t last = top_detail_last(top);
	struct detail detail;

	detail_columns(top, &detail);
	move(0, 0);
	draw_heading(top);
	draw_lines(top, &detail, top->detail < last ? top->detail : last);
	move(LINES - 1, 0);
	draw_foot(top, last);
}
