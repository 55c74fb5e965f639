/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef SOCKSTAT_CLIENT_OPTIONS_H
#define SOCKSTAT_CLIENT_OPTIONS_H

#include "run.h"

#define EXIT_USAGE 2

/**
 * struct request - the command line
 * @opt: the options that apply to each run
 * @list: --list
 * @words: names of groups, scenarios and tests, and patterns of such names
 * @n_words: length of @words; 0 selects all scenarios
 */
struct request {
	struct options opt;
	bool list;
	char **words;
	int n_words;
};

void options_parse(struct request *req, int argc, char **argv);

#endif
