// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: the rows, the last line and the help. */

#include <curses.h>
#include <string.h>

#include "display.h"
#include "top_draw.h"
#include "write.h"

#define HELP_HEAD 2

/* tests/manual.sh compares the keys with those in sockstat(8). */
static const char *const help[] = {
	"q           quit",
	"space p     pause: the rows stay, all other keys work",
	"up down k j PgUp PgDn Home End    mark another row",
	"Enter       show all columns of the marked row",
	"< > s S     sort by another column",
	"r           reverse the order",
	"/           filter by text; Enter keeps it, Esc drops it",
	"Esc         drop the filter, then mark the first row",
	"c           show open, closed or all descriptors",
	"g           show totals by command, user or host, or rows",
	"u           show human-readable or exact numbers",
	"n           show names or numbers of services and users",
	"+ -         lengthen or shorten the interval",
	"h ?         show this help; any key leaves it",
};

static enum top_color row_color(const struct sockstat_row *row)
{
	if (row->error)
		return TOP_COLOR_BAD;
	if (row->state == SOCKSTAT_ESTABLISHED)
		return TOP_COLOR_GOOD;
	if (row->state == SOCKSTAT_LISTEN || row->state == SOCKSTAT_UNCONN)
		return 0;
	return TOP_COLOR_ENDING;
}

static double record_rate(const struct view_column *rate, const void *record)
{
	struct value value;

	rate->get(record, &value);
	return value.kind == VALUE_RATE ? value.rate : 0;
}

static double greatest_rate(const struct top *top, const struct view_column *rate)
{
	const struct sheet *sheet = &top->view.sheet;
	double max = 0, r;
	size_t i;

	for (i = 0; i < sheet->n_records; i++) {
		r = record_rate(rate, sheet->records[i]);
		max = r > max ? r : max;
	}
	return max;
}

static void draw_bar(const struct top *top, double part, int room)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int length = part * room * 8 + 0.5, i;

	if (part > 0 && !length)
		length = 1;
	top_color_on(top, TOP_COLOR_BAR);
	for (i = 0; i < length / 8; i++)
		addstr(top->unicode ? "█" : "#");
	if (length % 8)
		addstr(top->unicode ? eighths[length % 8] : ".");
	top_color_off(top, TOP_COLOR_BAR);
}

static void draw_title(const struct top *top, const struct top_layout *layout,
		       const struct view_column *rate)
{
	char title[CELL_LEN], cell[CELL_PADDED];
	size_t c;

	for (c = 0; c < layout->page.n_columns; c++) {
		const struct view_column *column = layout->columns[c];
		attr_t bold = column == top->opt.sort ? A_BOLD : 0;

		top_layout_title(layout, column, title);
		table_cell(column, title, layout->widths[c], cell);
		attron(A_REVERSE | bold);
		top_put(cell);
		attroff(A_BOLD);
		top_put(" ");
		attroff(A_REVERSE);
	}
	if (layout->bar) {
		attron(rate == top->opt.sort ? A_REVERSE | A_BOLD : A_REVERSE);
		top_putf("%-*s", layout->bar, rate->title);
		attroff(A_REVERSE | A_BOLD);
	}
}

static void draw_record(const struct top *top, const struct top_layout *layout, const void *record)
{
	enum top_color color = 0;
	char cell[CELL_PADDED];
	size_t c;

	if (!top->opt.group)
		color = row_color(((const struct entry *)record)->row);
	for (c = 0; c < layout->page.n_columns; c++) {
		bool colored = layout->columns[c]->flags & (COLUMN_STATE | COLUMN_ERROR);

		top_layout_cell(top, layout, c, record, cell);
		if (colored)
			top_color_on(top, color);
		top_put(cell);
		if (colored)
			top_color_off(top, color);
		top_put(" ");
	}
}

static void draw_rows(const struct top *top, const struct top_layout *layout)
{
	const struct view_column *rate = options_column(top->opt.group, "rate");
	double max = greatest_rate(top, rate);
	size_t i;

	move(TOP_HEAD_LINES - 1, 0);
	draw_title(top, layout, rate);
	for (i = 0; i < layout->page.n_records; i++) {
		const void *record = layout->page.records[i];

		move(TOP_HEAD_LINES + i, 0);
		if (top->first + i == top->cursor.at)
			attron(A_REVERSE);
		draw_record(top, layout, record);
		attroff(A_REVERSE);
		if (layout->bar && max > 0)
			draw_bar(top, record_rate(rate, record) / max, layout->bar);
	}
}

/* Draw the end of a long filter, where the next character is appended. */
static void draw_search(const char *search)
{
	int room;

	top_put("filter: ");
	room = top_room() - 1;
	while (display_width(search) > room) {
		size_t narrow = display_fit(search, 1, NULL);

		search += narrow ? narrow : display_fit(search, 2, NULL);
	}
	top_put(search);
	top_put("_");
}

/* Draw the hints that fit as a whole. */
static void draw_hints(void)
{
	static const char *const hints[] = { "q quit",	   "? help",   "space pause", "< > sort",
					     "Enter more", "/ filter", "c closed",    "g group" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hints) && (int)strlen(hints[i]) <= top_room(); i++) {
		top_put(hints[i]);
		top_put("  ");
	}
}

static void draw_foot(const struct top *top)
{
	move(LINES - 1, 0);
	if (top->input == INPUT_FILTER) {
		draw_search(top->opt.filter.search);
	} else if (top->sentence[0]) {
		top_color_on(top, TOP_COLOR_BAD);
		top_put(top->sentence);
		top_color_off(top, TOP_COLOR_BAD);
	} else {
		draw_hints();
	}
}

/* The number of lines of the help for which the screen has room */
static size_t help_page(void)
{
	int room = LINES - HELP_HEAD;

	return room > 0 ? room : 1;
}

/**
 * top_next_help - turn to the next page of the help
 * @top: the view
 *
 * Return: false if there is none.
 */
bool top_next_help(struct top *top)
{
	top->help += help_page();
	return top->help < ARRAY_SIZE(help);
}

static void draw_help(const struct top *top)
{
	bool last = top->help + help_page() >= ARRAY_SIZE(help);
	size_t i;

	move(0, 0);
	top_put("sockstat --top: its keys");
	top_put(last ? "" : " (any key: the rest of them)");
	for (i = top->help; i < ARRAY_SIZE(help) && i - top->help < help_page(); i++) {
		move(HELP_HEAD + i - top->help, 2);
		top_put(help[i]);
	}
}

static void draw_screen(const struct top *top)
{
	struct top_layout layout;

	top_layout(top, &layout);
	top_draw_head(top, &layout);
	draw_rows(top, &layout);
	draw_foot(top);
}

/**
 * top_draw - draw the screen
 * @top: the view
 */
void top_draw(const struct top *top)
{
	erase();
	move(0, 0);
	if (LINES < TOP_LINES || COLS < TOP_COLUMNS)
		top_putf("too small: make it %dx%d", TOP_COLUMNS, TOP_LINES);
	else if (top->input == INPUT_HELP)
		draw_help(top);
	else if (top->input == INPUT_DETAIL)
		top_draw_detail(top);
	else
		draw_screen(top);
	refresh();
}
