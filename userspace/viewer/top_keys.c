// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: the effects of its keys. */

#include <curses.h>
#include <limits.h>

#include "names.h"
#include "top.h"

#define KEY_ESCAPE 27
#define KEY_DELETE 127
#define INTERVAL_MIN 0.1
#define INTERVAL_MAX 60.0

/*
 * --state overrides the open/closed selection, so drop it while `c` has chosen
 * another one and restore it when the cycle returns to the command line's.
 */
static void toggle_closed(struct top *top)
{
	const struct filter *given = &top->given->filter;
	unsigned int *kinds = &top->opt.filter.kinds;

	if (*kinds == KIND_CLOSED)
		*kinds = KIND_ALL;
	else if (*kinds == KIND_ALL)
		*kinds = given->kinds == KIND_CLOSED || given->kinds == KIND_ALL ? 0 : given->kinds;
	else
		*kinds = KIND_CLOSED;
	top->opt.filter.states = *kinds == given->kinds ? given->states : 0;
	top->by_user = false;
	top_arrange(top);
}

static void next_group(struct top *top)
{
	top->opt.group = top->opt.group == GROUP_REMOTE ? GROUP_NONE : top->opt.group + 1;
	top_cursor_release(top);
	top_arrange(top);
}

/* Sort by the column @step columns to the right; numbers begin with the greatest. */
static void change_sort(struct top *top, int step)
{
	size_t i;

	for (i = 0; i < top->n_sort && top->sort[i] != top->opt.sort; i++)
		;
	i = i == top->n_sort ? 0 : (i + top->n_sort + step) % top->n_sort;
	top->opt.sort = top->sort[i];
	top->opt.descending = top->sort[i]->flags & COLUMN_NUMBER;
	top->by_user = true;
}

/* An interval above INTERVAL_MAX can only come from the command line; it stays. */
static void lengthen_interval(struct top *top)
{
	double *interval = &top->opt.interval;

	if (*interval >= INTERVAL_MAX)
		return;
	*interval = *interval < INTERVAL_MAX / 2 ? *interval * 2 : INTERVAL_MAX;
	top_restart_rates(top);
}

static void shorten_interval(struct top *top)
{
	double *interval = &top->opt.interval;

	if (*interval <= INTERVAL_MIN)
		return;
	*interval = *interval > INTERVAL_MIN * 2 ? *interval / 2 : INTERVAL_MIN;
	top_restart_rates(top);
}

/* The first snapshot after a pause spans the pause. */
static void toggle_pause(struct top *top)
{
	top->paused = !top->paused;
	if (!top->paused)
		top_restart_rates(top);
}

/* Return the distance by which a key moves; 0 if it is another key. */
static long key_distance(int key, long page)
{
	switch (key) {
	case KEY_UP:
	case 'k':
		return -1;
	case KEY_DOWN:
	case 'j':
		return 1;
	case KEY_PPAGE:
		return -page;
	case KEY_NPAGE:
		return page;
	case KEY_HOME:
		return -LONG_MAX;
	case KEY_END:
		return LONG_MAX;
	}
	return 0;
}

/* Handle the keys that mean the same among the rows and in the details. */
static void common_key(struct top *top, int key)
{
	switch (key) {
	case ' ':
	case 'p':
		toggle_pause(top);
		break;
	case 'u':
		top->opt.human = !top->opt.human;
		break;
	case 'n':
		names_resolve(!names_resolved());
		break;
	case '+':
		lengthen_interval(top);
		break;
	case '-':
		shorten_interval(top);
		break;
	}
}

/* The rows are filtered while the filter is typed. Enter keeps it, Escape drops it. */
static void filter_key(struct top *top, int key)
{
	switch (key) {
	case '\n':
	case '\r':
	case KEY_ENTER:
		top->input = INPUT_ROWS;
		break;
	case KEY_ESCAPE:
		top->opt.filter.search[0] = '\0';
		top->input = INPUT_ROWS;
		break;
	case KEY_BACKSPACE:
	case '\b':
	case KEY_DELETE:
		top_search_erase(top);
		break;
	default:
		/* function keys have numbers above those of bytes */
		if (key <= UCHAR_MAX)
			top_search_byte(top, key);
		break;
	}
}

static void scroll_detail(struct top *top, long lines)
{
	size_t last = top_detail_last(top);

	/* a larger terminal has room for more lines */
	if (top->detail > last)
		top->detail = last;
	if (lines < 0)
		top->detail -= top->detail < (size_t)-lines ? top->detail : (size_t)-lines;
	else
		top->detail = (size_t)lines < last - top->detail ? top->detail + lines : last;
}

static void detail_key(struct top *top, int key)
{
	long lines = key_distance(key, top_page());

	switch (key) {
	case '\n':
	case '\r':
	case KEY_ENTER:
	case KEY_ESCAPE:
	case 'q':
		top->input = INPUT_ROWS;
		return;
	}
	if (lines)
		scroll_detail(top, lines);
	else
		common_key(top, key);
}

/* The first Escape drops the filter, the next one lets go of the marked row. */
static void escape_rows(struct top *top)
{
	if (top->opt.filter.search[0])
		top->opt.filter.search[0] = '\0';
	else
		top_cursor_release(top);
}

static void show_detail(struct top *top)
{
	if (!top_cursor_pick(top))
		return;
	top->input = INPUT_DETAIL;
	top->detail = 0;
}

/* Handle a key among the rows; return false if it quits. */
static bool row_key(struct top *top, int key)
{
	long rows = key_distance(key, top_page());

	if (rows) {
		top_cursor_move(top, rows);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case 'h':
	case '?':
		top->input = INPUT_HELP;
		top->help = 0;
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		show_detail(top);
		break;
	case '/':
		top->input = INPUT_FILTER;
		top->search.n = 0;
		break;
	case KEY_ESCAPE:
		escape_rows(top);
		break;
	case '>':
	case 's':
		change_sort(top, 1);
		break;
	case '<':
	case 'S':
		change_sort(top, -1);
		break;
	case 'r':
		top->opt.descending = !top->opt.descending;
		top->by_user = true;
		break;
	case 'c':
		toggle_closed(top);
		break;
	case 'g':
		next_group(top);
		break;
	default:
		common_key(top, key);
		break;
	}
	return true;
}

/**
 * top_key - handle a key
 * @top: the view
 * @key: from getch()
 *
 * Return: false if the key quits.
 */
bool top_key(struct top *top, int key)
{
	bool stay = true;

	if (key == KEY_RESIZE)
		;
	else if (top->input == INPUT_FILTER)
		filter_key(top, key);
	else if (top->input == INPUT_HELP)
		top->input = top_next_help(top) ? INPUT_HELP : INPUT_ROWS;
	else if (top->input == INPUT_DETAIL)
		detail_key(top, key);
	else
		stay = row_key(top, key);
	top_select(top);
	return stay;
}
