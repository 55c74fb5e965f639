/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef VIEWER_OPTIONS_H
#define VIEWER_OPTIONS_H

#include "filter.h"
#include "group.h"

#define STATUS_SHOWN 0
#define STATUS_NOTHING 1 /* with --exit-status */
#define STATUS_TROUBLE 2

#define MAX_VIEW_COLUMNS 48

enum mode {
	MODE_ONCE,
	MODE_WATCH,
	MODE_TOP,
};

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_CSV,
};

/**
 * struct options - the command line
 * @mode: one table, one table per interval, or a full screen
 * @format: the output format
 * @file: the path of a saved table, "-" for standard input; NULL: /proc/sockstat
 * @interval: the seconds between two snapshots
 * @count: the number of tables of --watch; 0: no limit
 * @quiet: print no header line and no remarks
 * @wide: do not shorten columns to the width of the terminal
 * @human: write bytes and rates with units, times as date and time of day
 * @state: add the column STATE to the default ones
 * @exit_status: exit with STATUS_NOTHING if no row was shown
 * @group: show totals of groups instead of rows
 * @sort: the column to sort by; NULL: the order of /proc/sockstat
 * @descending: sort the greatest value first
 * @columns_given: @columns are those of --columns, not the default ones
 * @columns: the columns that are shown, from left to right
 * @n_columns: the number of @columns
 * @filter: the selection of rows
 */
struct options {
	enum mode mode;
	enum format format;
	const char *file;
	double interval;
	unsigned long count;
	bool quiet;
	bool wide;
	bool human;
	bool state;
	bool exit_status;
	enum group_by group;
	const struct view_column *sort;
	bool descending;
	bool columns_given;
	const struct view_column *columns[MAX_VIEW_COLUMNS];
	size_t n_columns;
	struct filter filter;
};

void options_parse(struct options *opt, int argc, char **argv);

/* options_columns.c */
const struct view_column *options_column(enum group_by group, const char *name);
void options_default_columns(struct options *opt);
bool options_set_columns(struct options *opt, const char *list, char why[WHY_LEN]);
bool options_set_sort(struct options *opt, const char *word, char why[WHY_LEN]);
void options_print_columns(enum group_by group);

#endif /* VIEWER_OPTIONS_H */
