// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: what its keys do. */

#include <curses.h>
#include <string.h>

#include "names.h"
#include "top.h"

#define ESCAPE 27
#define SHORTEST 0.1
#define LONGEST 60.0

/* States that were asked for say all: they come again with the kinds of the command line. */
static void toggle_closed(struct top *top)
{
	unsigned int *kinds = &top->opt.filter.kinds;

	if (*kinds == KIND_CLOSED)
		*kinds = KIND_ALL;
	else if (*kinds == KIND_ALL)
		*kinds = top->kinds == KIND_CLOSED || top->kinds == KIND_ALL ? 0 : top->kinds;
	else
		*kinds = KIND_CLOSED;
	top->opt.filter.states = *kinds == top->kinds ? top->states : 0;
	top->by_user = false;
	top->first = 0;
	top_arrange(top);
}

static void next_group(struct top *top)
{
	top->opt.group = top->opt.group == GROUP_REMOTE ? GROUP_NONE : top->opt.group + 1;
	top->first = 0;
	top_arrange(top);
}

/* To the next column, or the one before; numbers begin with the greatest. */
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

/* One that the command line made longer than the keys can stays as it is. */
static void longer(double *interval)
{
	if (*interval < LONGEST)
		*interval = *interval < LONGEST / 2 ? *interval * 2 : LONGEST;
}

static void shorter(double *interval)
{
	*interval = *interval > SHORTEST * 2 ? *interval / 2 : SHORTEST;
}

static void scroll_by(struct top *top, long rows)
{
	if (rows < 0 && top->first < (size_t)-rows)
		top->first = 0;
	else
		top->first += rows;
}

/* Whether the key moves the rows */
static bool move_key(struct top *top, int key)
{
	long page = top_page();

	switch (key) {
	case KEY_UP:
	case 'k':
		scroll_by(top, -1);
		break;
	case KEY_DOWN:
	case 'j':
		scroll_by(top, 1);
		break;
	case KEY_PPAGE:
		scroll_by(top, -page);
		break;
	case KEY_NPAGE:
		scroll_by(top, page);
		break;
	case KEY_HOME:
		top->first = 0;
		break;
	case KEY_END:
		top->first = top->view.sheet.n_records;
		break;
	default:
		return false;
	}
	return true;
}

/* Typed letters narrow at once; Enter keeps them, Escape takes them back. */
static void filter_key(struct top *top, int key)
{
	char *search = top->opt.filter.search;
	size_t len = strlen(search);

	switch (key) {
	case '\n':
	case '\r':
	case KEY_ENTER:
		top->input = INPUT_NONE;
		break;
	case ESCAPE:
		search[0] = '\0';
		top->input = INPUT_NONE;
		break;
	case KEY_BACKSPACE:
	case '\b':
	case 127:
		if (len)
			search[len - 1] = '\0';
		break;
	default:
		if (key >= ' ' && key <= '~' && len + 1 < SEARCH_LEN) {
			search[len] = key;
			search[len + 1] = '\0';
		}
		break;
	}
	top->first = 0;
}

/* What the keys mean among the rows; false for the one that ends it */
static bool row_key(struct top *top, int key)
{
	if (move_key(top, key))
		return true;
	switch (key) {
	case 'q':
		return false;
	case 'h':
	case '?':
		top->input = INPUT_HELP;
		top->help = 0;
		break;
	case ' ':
	case 'p':
		top->paused = !top->paused;
		break;
	case '/':
		top->input = INPUT_FILTER;
		break;
	case ESCAPE:
		top->opt.filter.search[0] = '\0';
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
	case 'u':
		top->opt.human = !top->opt.human;
		break;
	case 'n':
		names_resolve(!names_resolved());
		break;
	case '+':
		longer(&top->opt.interval);
		break;
	case '-':
		shorter(&top->opt.interval);
		break;
	}
	return true;
}

/**
 * top_key - do what a key says
 * @top: the view
 * @key: from getch()
 *
 * Return: false to end.
 */
bool top_key(struct top *top, int key)
{
	bool go_on = true;

	if (key == KEY_RESIZE)
		top_arrange(top);
	else if (top->input == INPUT_FILTER)
		filter_key(top, key);
	else if (top->input == INPUT_HELP)
		top->input = top_next_help(top) ? INPUT_HELP : INPUT_NONE;
	else
		go_on = row_key(top, key);
	top_select(top);
	return go_on;
}
