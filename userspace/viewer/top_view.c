// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: which columns and rows it shows, and the history of the throughput. */

#include <string.h>

#include "top.h"

struct choice {
	const char *name;
	int rank;
	int least;
};

/* clang-format off */
/* An address keeps its port, so a few characters of the host are enough. */
static const struct choice open_columns[] = {
	{ "command", 0, 7 },
	{ "pid", 2, 0 },
	{ "fd", 6, 0 },
	{ "local", 5, 9 },
	{ "remote", 1, 15 },
	{ "state", 4, 0 },
	{ "tx_rate", 3, 0 },
	{ "rx_rate", 3, 0 },
	{ "tx_bytes", TOP_OPTIONAL, 0 },
	{ "rx_bytes", TOP_OPTIONAL, 0 },
};

static const struct choice closed_columns[] = {
	{ "command", 0, 7 },
	{ "pid", 3, 0 },
	{ "fd", 7, 0 },
	{ "local", 5, 9 },
	{ "remote", 1, 15 },
	{ "role", TOP_OPTIONAL, 0 },
	{ "error", 2, 0 },
	{ "closed", 4, 0 },
	{ "tx_bytes", 6, 0 },
	{ "rx_bytes", 6, 0 },
};
/* clang-format on */

static void choose_rows_columns(struct top *top)
{
	bool closed = top->opt.filter.kinds == KIND_CLOSED;
	const struct choice *choices = closed ? closed_columns : open_columns;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(open_columns); i++)
		top->columns[top->n_columns++] = (struct top_column){
			options_column(GROUP_NONE, choices[i].name),
			choices[i].rank,
			choices[i].least,
		};
}

/* Of these, a narrow terminal shows the first ones. */
static void choose_listed_columns(struct top *top, const struct options *list)
{
	size_t i;

	for (i = 0; i < list->n_columns; i++)
		top->columns[top->n_columns++] =
			(struct top_column){ list->columns[i], i, list->columns[i]->cut };
}

static void choose_columns(struct top *top)
{
	top->n_columns = 0;
	if (top->given->columns_given && top->opt.group == top->given->group) {
		choose_listed_columns(top, top->given);
	} else if (top->opt.group) {
		options_default_columns(&top->opt);
		choose_listed_columns(top, &top->opt);
	} else {
		choose_rows_columns(top);
	}
}

/**
 * top_arrange - choose the columns, and the order unless the user has chosen one
 * @top: the view, after the kind of rows or the grouping has changed
 */
void top_arrange(struct top *top)
{
	struct options *opt = &top->opt;
	bool closed = opt->filter.kinds == KIND_CLOSED && !opt->group;
	const struct view_column *rate = options_column(opt->group, "rate"), *sort;
	bool has_rate = closed;
	size_t i;

	choose_columns(top);
	top->n_sort = 0;
	for (i = 0; i < top->n_columns; i++) {
		top->sort[top->n_sort++] = top->columns[i].column;
		has_rate |= top->columns[i].column == rate;
	}
	/* the bars show the rate */
	if (!has_rate)
		top->sort[top->n_sort++] = rate;
	sort = top->by_user ? options_column(opt->group, opt->sort->name) : NULL;
	if (sort) {
		opt->sort = sort;
	} else {
		opt->sort = closed ? options_column(opt->group, "closed") : rate;
		opt->descending = true;
	}
}

/**
 * top_select - select and sort the records of the newest snapshot
 * @top: the view, after a key or a new snapshot
 *
 * If there is not enough memory, @top->sentence says so and nothing is shown.
 */
void top_select(struct top *top)
{
	if (!view_select(&top->view, top->sentence)) {
		top->first = 0;
		top->cursor.at = 0;
		return;
	}
	top_cursor_follow(top);
}

/**
 * top_restart_rates - forget the history of the throughput
 * @top: the view, after the time between two samples has changed
 */
void top_restart_rates(struct top *top)
{
	top->n_rates = 0;
	top->irregular = true;
}

/* The history is of all rows, so that the selection of rows does not distort it. */
static void add_rate(struct top *top)
{
	const struct view *view = &top->view;
	double bytes = 0;
	size_t i;

	if (view->seconds <= 0)
		return;
	if (top->irregular) {
		top->irregular = false;
		return;
	}
	for (i = 0; i < view->now.table.n_rows; i++) {
		const struct totals *totals = &view->entries[i].totals;

		bytes += (double)totals->tx_delta + totals->rx_delta;
	}
	if (top->n_rates == TOP_HISTORY)
		memmove(top->rates, top->rates + 1, --top->n_rates * sizeof(*top->rates));
	top->rates[top->n_rates++] = bytes / view->seconds;
}

/**
 * top_read - take a snapshot and show it
 * @top: the view
 *
 * On failure @top->sentence gives the reason and the previous snapshot stays on
 * the screen; the next attempt may succeed, for example because the module has
 * been loaded again.
 */
void top_read(struct top *top)
{
	top->sentence[0] = '\0';
	if (!view_read(&top->view, top->sentence))
		return;
	top_select(top);
	add_rate(top);
}
