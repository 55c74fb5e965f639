// SPDX-License-Identifier: GPL-2.0-only
/* What the command line asks for. */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "options.h"

#define SHORTEST 0.1 /* seconds between snapshots: reading costs something */

enum {
	KEY_PID = 256,
	KEY_COMMAND,
	KEY_USER,
	KEY_STATE,
	KEY_REMOTE,
	KEY_NETNS,
	KEY_CLOSED,
	KEY_SINCE,
	KEY_SORT,
	KEY_COLUMNS,
	KEY_GROUP,
	KEY_JSON,
	KEY_CSV,
	KEY_WATCH,
	KEY_COUNT,
	KEY_TOP,
	KEY_FILE,
	KEY_RESOLVE,
};

static const struct argp_option option_table[] = {
	{ 0, 0, 0, 0, "Which rows (each option narrows, of one option's values any will do):", 1 },
	{ "ipv4", '4', 0, 0, "IPv4 only", 0 },
	{ "ipv6", '6', 0, 0, "IPv6 only; both: no rows without an address", 0 },
	{ "connected", 'c', 0, 0, "Sockets with a peer (with -l, --closed: these, too)", 0 },
	{ "listening", 'l', 0, 0, "Listening sockets", 0 },
	{ "closed", KEY_CLOSED, 0, 0, "Closed descriptors and connections; default: open ones", 0 },
	{ "all", 'a', 0, 0, "Open and closed ones", 0 },
	{ "port", 'p', "PORTS", 0, "Local or remote port: numbers and ranges, as 80,8000-8100", 0 },
	{ "pid", KEY_PID, "PIDS", 0, "Process ids, as 1,200-300", 0 },
	{ "command", KEY_COMMAND, "PATTERN", 0, "The process's name, as ssh or 'nginx*'", 0 },
	{ "user", KEY_USER, "USERS", 0, "Owner of the socket: names and numbers", 0 },
	{ "state", KEY_STATE, "STATES", 0, "TCP's states, as established,close_wait", 0 },
	{ "remote", KEY_REMOTE, "PEER", 0,
	  "CIDR, CIDR:PORTS or :PORTS, as 192.0.2.0/24 or [2001:db8::]/32:443", 0 },
	{ "netns", KEY_NETNS, "NETNS", 0,
	  "Network namespace: number, file (/proc/PID/ns/net) or name for ip netns", 0 },
	{ "since", KEY_SINCE, "TIME", 0, "Opened or closed in the last TIME, as 10s, 5m, 2h, 1d",
	  0 },
	{ 0, 0, 0, 0, "What of them:", 2 },
	{ "show-state", 's', 0, 0, "Add the column STATE", 0 },
	{ "columns", KEY_COLUMNS, "NAMES", 0, "These columns, as pid,fd,cookie; or all", 0 },
	{ "group-by", KEY_GROUP, "command|user|remote", 0, "Totals instead of rows", 0 },
	{ "sort", KEY_SORT, "[-]COLUMN", 0, "Sort by any column; with - the greatest first", 0 },
	{ 0, 0, 0, 0, "How:", 3 },
	{ "human", 'h', 0, 0, "Bytes and rates as 1.2K, 3.4M (powers of 1024), times of day", 0 },
	{ "numeric", 'n', 0, 0, "Numbers of users and ports (the default)", 0 },
	{ "resolve", KEY_RESOLVE, 0, 0, "Names of users and services instead", 0 },
	{ "quiet", 'q', 0, 0, "No header line", 0 },
	{ "wide", 'w', 0, 0,
	  "Cut no name and address; default: where a line is too long for the terminal", 0 },
	{ "json", KEY_JSON, 0, 0, "One JSON object; with --watch, one on each line", 0 },
	{ "csv", KEY_CSV, 0, 0, "Comma-separated values", 0 },
	{ 0, 0, 0, 0, "When:", 4 },
	{ "watch", KEY_WATCH, 0, 0,
	  "Again every SECONDS (2), with rates; also of what came and went in between", 0 },
	{ "count", KEY_COUNT, "N", 0, "So many times, then end", 0 },
	{ "top", KEY_TOP, 0, 0, "Full screen, every SECONDS (2); ? shows its keys", 0 },
	{ "file", KEY_FILE, "PATH", 0,
	  "Read a saved table (- for standard input); so does SOCKSTAT_FILE", 0 },
	{ 0 },
};

/* What can be looked at only when all is known */
struct words {
	struct options *opt;
	const char *sort;
	const char *columns;
	const char *interval;
};

static const struct view_column *columns_of(enum group_by group, size_t *n)
{
	*n = group ? GROUP_COLUMNS : ENTRY_COLUMNS;
	return group ? group_columns : entry_columns;
}

/**
 * options_column - the column of a name
 * @group: of rows or of which totals
 * @name: which
 *
 * Return: the column, NULL if there is none of that name.
 */
const struct view_column *options_column(enum group_by group, const char *name)
{
	size_t n;
	const struct view_column *columns = columns_of(group, &n);
	const struct view_column *column = column_find(columns, n, name);

	/* of the columns that name the group only one is there */
	if (group && column && column < columns + GROUP_NAMES &&
	    column != column_find(columns, n, group_word(group)))
		return NULL;
	return column;
}

static void show(struct options *opt, const char *name)
{
	const struct view_column *column = options_column(opt->group, name);

	if (column && opt->n_columns < MAX_VIEW_COLUMNS)
		opt->columns[opt->n_columns++] = column;
}

static void show_all(struct options *opt)
{
	size_t n, i;
	const struct view_column *columns = columns_of(opt->group, &n);

	for (i = 0; i < n; i++) {
		/* what moved since the snapshot before, which is not there */
		if (opt->mode == MODE_ONCE && columns[i].flags & COLUMN_MOVED)
			continue;
		/* it repeats UID, as a number or a name; JSON's values do not change kind */
		if (columns[i].flags & COLUMN_USER && !opt->group && opt->format != FORMAT_TABLE && !names_resolved())
			continue;
		show(opt, columns[i].name);
	}
}

/**
 * options_default_columns - show what is shown if nothing else is asked for
 * @opt: changed
 *
 * FreeBSD's columns, and the bytes; for programs, all.
 */
void options_default_columns(struct options *opt)
{
	static const char *const names[] = { "command", "pid", "fd", "proto", "local", "remote" };
	bool closed = opt->filter.kinds & (KIND_CLOSED | KIND_ALL);
	size_t i;

	opt->n_columns = 0;
	if (opt->format != FORMAT_TABLE) {
		show_all(opt);
		return;
	}
	if (opt->group) {
		show(opt, group_word(opt->group));
		show(opt, "descriptors");
		show(opt, "connections");
	} else {
		show(opt, "user");
		for (i = 0; i < ARRAY_SIZE(names); i++)
			show(opt, names[i]);
		if (opt->state || closed || opt->filter.states || opt->mode != MODE_ONCE)
			show(opt, "state");
		if (closed)
			show(opt, "error");
	}
	if (opt->mode != MODE_ONCE) {
		show(opt, "tx_rate");
		show(opt, "rx_rate");
	}
	show(opt, "tx_bytes");
	show(opt, "rx_bytes");
}

static void set_columns(struct options *opt, const char *list, struct argp_state *state)
{
	char *copy = strdup(list), *word, *rest = copy;

	if (!strcasecmp(list, "all")) {
		show_all(opt);
	} else {
		while ((word = strsep(&rest, ","))) {
			if (!options_column(opt->group, word))
				argp_error(state, "there is no column \"%s\" here", word);
			if (opt->n_columns == MAX_VIEW_COLUMNS)
				argp_error(state, "more than %d columns", MAX_VIEW_COLUMNS);
			show(opt, word);
		}
	}
	free(copy);
}

static void set_sort(struct options *opt, const char *word, struct argp_state *state)
{
	opt->descending = *word == '-';
	opt->sort = options_column(opt->group, word + opt->descending);
	if (!opt->sort)
		argp_error(state, "there is no column \"%s\" to sort by", word + opt->descending);
}

static void set_mode(struct options *opt, enum mode mode, struct argp_state *state)
{
	if (opt->mode != MODE_ONCE && opt->mode != mode)
		argp_error(state, "--watch and --top exclude each other");
	opt->mode = mode;
}

static void set_format(struct options *opt, enum format format, struct argp_state *state)
{
	if (opt->format != FORMAT_TABLE && opt->format != format)
		argp_error(state, "--json and --csv exclude each other");
	opt->format = format;
}

static void finish(struct words *words, struct argp_state *state)
{
	struct options *opt = words->opt;
	const char *wrong;

	if (words->interval) {
		if (opt->mode == MODE_ONCE)
			argp_error(state, "\"%s\": only --watch and --top take SECONDS",
				   words->interval);
		wrong = parse_seconds(words->interval, &opt->interval);
		if (wrong)
			argp_error(state, "\"%s\" %s", words->interval, wrong);
		if (opt->interval < SHORTEST)
			argp_error(state, "\"%s\" is too short: %g s at least", words->interval,
				   SHORTEST);
	}
	if (opt->mode == MODE_TOP && opt->format != FORMAT_TABLE)
		argp_error(state, "--top is for people: use --watch with --json and --csv");
	if (opt->mode == MODE_TOP && words->columns)
		argp_error(state, "--top has its own columns: use --watch with --columns");
	if (opt->count && opt->mode != MODE_WATCH)
		argp_error(state, "only --watch takes --count");
	if (opt->mode != MODE_ONCE && opt->file && !strcmp(opt->file, "-"))
		argp_error(state, "standard input can be read only once");
	if (words->columns)
		set_columns(opt, words->columns, state);
	else
		options_default_columns(opt);
	if (words->sort)
		set_sort(opt, words->sort, state);
}

static void set_count(struct options *opt, const char *arg, struct argp_state *state)
{
	char *end;

	errno = 0;
	opt->count = strtoul(arg, &end, 10);
	if (errno || *end || *arg == '-' || !opt->count)
		argp_error(state, "\"%s\" is not a positive number", arg);
}

/* The options that narrow; NULL, or what is wrong with the argument */
static const char *parse_filter(struct filter *filter, int key, char *arg, bool *known)
{
	*known = true;
	switch (key) {
	case '4':
		filter->families |= (uint64_t)1 << AF_INET;
		return NULL;
	case '6':
		filter->families |= (uint64_t)1 << AF_INET6;
		return NULL;
	case 'c':
		filter->kinds |= KIND_CONNECTED;
		return NULL;
	case 'l':
		filter->kinds |= KIND_LISTENING;
		return NULL;
	case KEY_CLOSED:
		filter->kinds |= KIND_CLOSED;
		return NULL;
	case 'a':
		filter->kinds |= KIND_ALL;
		return NULL;
	case 'p':
		return filter_add_ports(filter, arg);
	case KEY_PID:
		return filter_add_pids(filter, arg);
	case KEY_COMMAND:
		return filter_add_command(filter, arg);
	case KEY_USER:
		return filter_add_users(filter, arg);
	case KEY_STATE:
		return filter_add_states(filter, arg);
	case KEY_REMOTE:
		return filter_add_remote(filter, arg);
	case KEY_NETNS:
		return filter_add_netns(filter, arg);
	case KEY_SINCE:
		return filter_set_since(filter, arg);
	}
	*known = false;
	return NULL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct words *words = state->input;
	struct options *opt = words->opt;
	bool known;
	const char *wrong = parse_filter(&opt->filter, key, arg, &known);

	if (wrong)
		argp_error(state, "\"%s\" %s", arg, wrong);
	if (known)
		return 0;
	switch (key) {
	case 's':
		opt->state = true;
		break;
	case 'h':
		opt->human = true;
		break;
	case 'n':
		names_resolve(false);
		break;
	case KEY_RESOLVE:
		names_resolve(true);
		break;
	case 'q':
		opt->quiet = true;
		break;
	case 'w':
		opt->wide = true;
		break;
	case KEY_COLUMNS:
		words->columns = arg;
		break;
	case KEY_GROUP:
		opt->group = group_parse(arg);
		if (!opt->group)
			argp_error(state, "\"%s\" is none of command, user and remote", arg);
		break;
	case KEY_SORT:
		words->sort = arg;
		break;
	case KEY_JSON:
		set_format(opt, FORMAT_JSON, state);
		break;
	case KEY_CSV:
		set_format(opt, FORMAT_CSV, state);
		break;
	case KEY_WATCH:
		set_mode(opt, MODE_WATCH, state);
		break;
	case KEY_COUNT:
		set_count(opt, arg, state);
		break;
	case KEY_TOP:
		set_mode(opt, MODE_TOP, state);
		break;
	case KEY_FILE:
		opt->file = arg;
		break;
	case ARGP_KEY_ARG:
		if (words->interval)
			argp_error(state, "\"%s\" is one word too many", arg);
		words->interval = arg;
		break;
	case ARGP_KEY_END:
		finish(words, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/**
 * options_parse - read the command line
 * @opt: to be filled in
 * @argc: main's
 * @argv: main's
 *
 * Does not return if something is wrong, or help is asked for.
 */
void options_parse(struct options *opt, int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "[SECONDS]",
		.doc = "Show every TCP socket descriptor of every process, its peer and the bytes that "
		       "went through it."
		       "\v"
		       "Exit status: 0 if rows were shown, 1 if there were none to show, 2 if something "
		       "is wrong: a mistake in the command line, no module, no permission, a table of "
		       "another version, or output that cannot be written.",
	};
	struct words words = { .opt = opt };

	argp_err_exit_status = STATUS_TROUBLE;
	*opt = (struct options){ .interval = 2,
				 .filter.since = -1,
				 .file = getenv("SOCKSTAT_FILE") };
	if (opt->file && !*opt->file)
		opt->file = NULL;
	argp_parse(&argp, argc, argv, 0, NULL, &words);
}
