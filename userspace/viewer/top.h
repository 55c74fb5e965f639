/* SPDX-License-Identifier: GPL-2.0-only */
/* The full-screen view. */
#ifndef VIEWER_TOP_H
#define VIEWER_TOP_H

#include "view.h"

#define TOP_HISTORY 512 /* samples of the throughput: as wide as most terminals */
#define TOP_LINES 8	/* least size of the terminal */
#define TOP_COLUMNS 60

enum top_input {
	INPUT_NONE,
	INPUT_HELP,
	INPUT_FILTER,
};

/**
 * struct top - the full-screen view
 * @opt: what is shown, as the keys have changed it
 * @view: of what
 * @sort: columns by which the keys sort, in their order; with @n_sort
 * @input: what the keys mean
 * @first: the first record on the screen
 * @help: the first line of the help on the screen
 * @kinds: the kinds of rows that the command line asks for
 * @states: the states that it asks for
 * @by_user: the user chose the order, it stays when other rows are shown
 * @paused: no snapshots are taken
 * @colour: the terminal has colours, and nobody objects
 * @unicode: it has block characters
 * @sentence: what is wrong, empty if nothing is
 * @rates: bytes per second of what was shown, the last one at @n_rates - 1
 */
struct top {
	struct options opt;
	struct view view;
	const struct view_column *sort[MAX_VIEW_COLUMNS];
	size_t n_sort;
	enum top_input input;
	size_t first;
	size_t help;
	unsigned int kinds;
	unsigned int states;
	bool by_user;
	bool paused;
	bool colour;
	bool unicode;
	char sentence[SENTENCE_LEN];
	double rates[TOP_HISTORY];
	size_t n_rates;
};

bool top_run(const struct options *opt, char sentence[SENTENCE_LEN]);

void top_arrange(struct top *top);
void top_select(struct top *top);
bool top_key(struct top *top, int key);
size_t top_page(void);
bool top_next_help(struct top *top);
void top_draw(const struct top *top);

#endif /* VIEWER_TOP_H */
