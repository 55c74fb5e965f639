// SPDX-License-Identifier: GPL-2.0-only
/* The command line: the columns that are shown, and the one that sorts. */

#include <stdio.h>
#include <strings.h>

#include "options.h"

static const struct view_column *columns_of(enum group_by group, size_t *n)
{
	*n = group ? GROUP_COLUMNS : ENTRY_COLUMNS;
	return group ? group_columns : entry_columns;
}

/**
 * options_column - look up a column
 * @group: the kind of group whose columns are searched; GROUP_NONE: those of rows
 * @name: the name or the title of the column, in any case
 *
 * Return: the column, or NULL if records of this kind have none of that name.
 */
const struct view_column *options_column(enum group_by group, const char *name)
{
	size_t n;
	const struct view_column *columns = columns_of(group, &n);
	const struct view_column *column = column_find(columns, n, name);

	return column && group && !group_has_column(group, column) ? NULL : column;
}

static bool has_column(const struct options *opt, const struct view_column *column)
{
	size_t i;

	for (i = 0; i < opt->n_columns; i++) {
		if (opt->columns[i] == column)
			return true;
	}
	return false;
}

/* Append a column; a JSON object has each key once. Return false if there are too many. */
static bool append_column(struct options *opt, const struct view_column *column)
{
	if (opt->format == FORMAT_JSON && has_column(opt, column))
		return true;
	if (opt->n_columns == MAX_VIEW_COLUMNS)
		return false;
	opt->columns[opt->n_columns++] = column;
	return true;
}

static void add_column(struct options *opt, const char *name)
{
	append_column(opt, options_column(opt->group, name));
}

/* Rates and deltas have no value without a previous snapshot. */
static bool add_all_columns(struct options *opt)
{
	size_t n, i;
	const struct view_column *columns = columns_of(opt->group, &n);
	bool fit = true;

	for (i = 0; i < n; i++) {
		if (opt->mode == MODE_ONCE && columns[i].flags & COLUMN_MOVED)
			continue;
		if (!opt->group || group_has_column(opt->group, &columns[i]))
			fit &= append_column(opt, &columns[i]);
	}
	return fit;
}

static void add_row_columns(struct options *opt)
{
	static const char *const names[] = {
		"user", "command", "pid", "fd", "proto", "local", "remote",
	};
	bool closed = opt->filter.kinds & (KIND_CLOSED | KIND_ALL);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		add_column(opt, names[i]);
	if (opt->state || closed || opt->filter.states || opt->mode != MODE_ONCE)
		add_column(opt, "state");
	if (closed)
		add_column(opt, "error");
}

/**
 * options_default_columns - select the columns that are shown without --columns
 * @opt: the options, of which the columns are set
 *
 * A table has FreeBSD's columns and the bytes; CSV and JSON have all columns.
 */
void options_default_columns(struct options *opt)
{
	opt->n_columns = 0;
	if (opt->format != FORMAT_TABLE) {
		add_all_columns(opt);
		return;
	}
	if (opt->group) {
		add_column(opt, group_word(opt->group));
		add_column(opt, "descriptors");
		add_column(opt, "connections");
	} else {
		add_row_columns(opt);
	}
	if (opt->mode != MODE_ONCE) {
		add_column(opt, "tx_rate");
		add_column(opt, "rx_rate");
	}
	add_column(opt, "tx_bytes");
	add_column(opt, "rx_bytes");
}

static bool unknown_column(enum group_by group, const char *word, char *why)
{
	char list[WHY_LEN] = "", key[CELL_LEN];
	size_t n, i, len = 0;
	const struct view_column *columns = columns_of(group, &n);

	for (i = 0; i < n; i++) {
		column_key(&columns[i], key);
		if (options_column(group, key) && len < sizeof(list))
			len += snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					key);
	}
	return words_wrong(why, "there is no column \"%.60s\"%s%s; the columns are %s", word,
			   group ? " with --group-by=" : "", group ? group_word(group) : "", list);
}

/* Find a column that has values in this mode. */
static const struct view_column *find_column(const struct options *opt, const char *word, char *why)
{
	const struct view_column *column = options_column(opt->group, word);

	if (!column) {
		unknown_column(opt->group, word, why);
	} else if (opt->mode == MODE_ONCE && column->flags & COLUMN_MOVED) {
		words_wrong(why, "\"%.60s\" compares two snapshots: add --watch or --top", word);
		return NULL;
	}
	return column;
}

static bool add_word(void *to, const char *word, char *why)
{
	struct options *opt = to;
	const struct view_column *column;
	bool fit;

	if (!strcasecmp(word, "all")) {
		fit = add_all_columns(opt);
	} else {
		column = find_column(opt, word, why);
		if (!column)
			return false;
		fit = append_column(opt, column);
	}
	return fit || words_wrong(why, "there are more than %d columns", MAX_VIEW_COLUMNS);
}

/**
 * options_set_columns - select the columns of --columns
 * @opt: the options, of which the columns are set
 * @list: names or titles of columns, and "all"
 * @why: the reason of a failure
 */
bool options_set_columns(struct options *opt, const char *list, char why[WHY_LEN])
{
	opt->columns_given = true;
	opt->n_columns = 0;
	return words_each(list, add_word, opt, why);
}

/**
 * options_set_sort - select the column of --sort
 * @opt: the options, of which the sort order is set
 * @word: the name or title of a column; "-" before it sorts the greatest value first
 * @why: the reason of a failure
 */
bool options_set_sort(struct options *opt, const char *word, char why[WHY_LEN])
{
	opt->descending = *word == '-';
	opt->sort = find_column(opt, word + opt->descending, why);
	return opt->sort;
}

/**
 * options_print_columns - print the columns that --columns and --sort take
 * @group: the kind of group; GROUP_NONE: the columns of rows
 *
 * A line for each: its name, its title, and whether it needs --watch or --top.
 */
void options_print_columns(enum group_by group)
{
	size_t n, i;
	const struct view_column *columns = columns_of(group, &n);
	char key[CELL_LEN];

	for (i = 0; i < n; i++) {
		const char *needs = columns[i].flags & COLUMN_MOVED ? "--watch or --top" : "";

		column_key(&columns[i], key);
		if (options_column(group, key))
			printf(*needs ? "%-11s  %-15s  %s\n" : "%-11s  %s\n", key, columns[i].title,
			       needs);
	}
}
