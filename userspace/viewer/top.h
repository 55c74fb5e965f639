/* SPDX-License-Identifier: GPL-2.0-only */
/* The full-screen view. */
#ifndef VIEWER_TOP_H
#define VIEWER_TOP_H

#include "view.h"

#define TOP_HISTORY 512 /* samples of the throughput: as wide as most terminals */
#define TOP_LINES 8	/* minimum size of the terminal */
#define TOP_COLUMNS 60

/* The meaning of the keys, and the contents of the screen */
enum top_input {
	INPUT_ROWS,
	INPUT_HELP,
	INPUT_FILTER,
	INPUT_DETAIL,
};

/**
 * struct top_column - a column that the rows may have on the screen
 * @column: the column
 * @rank: columns of one rank are dropped together if the terminal is too narrow, those
 *	of the highest rank first and the one of rank 0 never
 * @least: the width down to which a narrow terminal shortens the column, 0: never
 */
struct top_column {
	const struct view_column *column;
	int rank;
	int least;
};

#define TOP_OPTIONAL 100 /* columns from this rank on are dropped before others are shortened */

/**
 * struct top_cursor - the marked row
 * @follows: the cursor stays on its row when the order changes; else it marks the first row
 * @gone: the marked row or total is not in the newest snapshot
 * @at: its index among the records of the sheet
 * @entry: a copy of the marked row, if it is not a total
 * @group: a copy of the marked total
 * @row: the copy to which @entry or @group refers
 */
struct top_cursor {
	bool follows;
	bool gone;
	size_t at;
	struct entry entry;
	struct group group;
	struct sockstat_row row;
};

/**
 * struct top_search - the character being typed into the filter
 * @bytes: its first bytes
 * @n: their number
 */
struct top_search {
	char bytes[8];
	size_t n;
};

/**
 * struct top - the full-screen view
 * @given: the command line
 * @opt: the same options, as the keys have changed them
 * @view: the newest snapshot and the records selected from it
 * @columns: the columns, in their order on the screen
 * @n_columns: the number of @columns
 * @sort: the columns by which the keys sort, in their order
 * @n_sort: the number of @sort
 * @input: the meaning of the keys
 * @first: the index of the first record on the screen
 * @help: the first line of the help on the screen
 * @detail: the first line of the marked row's details on the screen
 * @cursor: the marked row
 * @search: the character being typed into the filter
 * @by_user: the user chose the order, so it stays when the selection of rows changes
 * @paused: no snapshots are taken
 * @color: colors are used
 * @unicode: block characters are used
 * @sentence: the last error, empty if there was none
 * @rates: the throughput of all rows of the table, bytes per second, the oldest first
 * @n_rates: the number of @rates
 * @irregular: the next sample does not span one interval, so it is not added to @rates
 */
struct top {
	const struct options *given;
	struct options opt;
	struct view view;
	struct top_column columns[MAX_VIEW_COLUMNS];
	size_t n_columns;
	const struct view_column *sort[MAX_VIEW_COLUMNS + 1];
	size_t n_sort;
	enum top_input input;
	size_t first;
	size_t help;
	size_t detail;
	struct top_cursor cursor;
	struct top_search search;
	bool by_user;
	bool paused;
	bool color;
	bool unicode;
	char sentence[SENTENCE_LEN];
	double rates[TOP_HISTORY];
	size_t n_rates;
	bool irregular;
};

bool top_run(const struct options *opt, char sentence[SENTENCE_LEN]);

void top_arrange(struct top *top);
void top_select(struct top *top);
void top_read(struct top *top);
void top_restart_rates(struct top *top);

void top_cursor_follow(struct top *top);
void top_cursor_move(struct top *top, long rows);
void top_cursor_release(struct top *top);
bool top_cursor_pick(struct top *top);

void top_search_byte(struct top *top, char byte);
void top_search_erase(struct top *top);

bool top_key(struct top *top, int key);

void top_draw(const struct top *top);
size_t top_page(void);
bool top_next_help(struct top *top);
size_t top_detail_last(const struct top *top);

#endif /* VIEWER_TOP_H */
