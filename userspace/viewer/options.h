/* SPDX-License-Identifier: GPL-2.0-only */
/* What the command line asks for. */
#ifndef VIEWER_OPTIONS_H
#define VIEWER_OPTIONS_H

#include "filter.h"
#include "group.h"

/* As grep has them. */
#define STATUS_SHOWN 0
#define STATUS_NOTHING 1
#define STATUS_TROUBLE 2

#define MAX_VIEW_COLUMNS 32

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
 * struct options - what the command line asks for
 * @mode: once, repeatedly or full screen
 * @format: how rows are written
 * @file: a saved table, NULL: the module's
 * @interval: seconds between two snapshots
 * @count: how often, 0: until stopped
 * @quiet: no header line, no remark
 * @wide: nothing is cut
 * @human: bytes, rates and times in units of people
 * @state: with a column for the state
 * @group: totals instead of rows
 * @sort: the column to sort by, NULL: none
 * @descending: the greatest first
 * @columns: what is shown, in this order
 * @n_columns: how many
 * @filter: which rows are shown
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
	enum group_by group;
	const struct view_column *sort;
	bool descending;
	const struct view_column *columns[MAX_VIEW_COLUMNS];
	size_t n_columns;
	struct filter filter;
};

void options_parse(struct options *opt, int argc, char **argv);
const struct view_column *options_column(enum group_by group, const char *name);
void options_default_columns(struct options *opt);

#endif /* VIEWER_OPTIONS_H */
