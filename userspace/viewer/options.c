// SPDX-License-Identifier: GPL-2.0-only
/* The command line. */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "names.h"
#include "options.h"

#define SHORTEST 0.1 /* seconds between snapshots: each costs time in the kernel */

#define TEXT_OF(macro) #macro
#define VALUE_OF(macro) TEXT_OF(macro)

const char *argp_program_version =
	"sockstat " SOCKSTAT_VERSION ", reads format version " VALUE_OF(SOCKSTAT_FORMAT_VERSION);

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
	KEY_EXIT_STATUS,
};

static const struct argp_option option_table[] = {
	{ 0, 0, 0, 0,
	  "Select rows (each option narrows the selection, several values of one widen it):", 1 },
	{ "all", 'a', 0, 0, "show open and closed descriptors", 0 },
	{ "closed", KEY_CLOSED, 0, 0, "show closed descriptors; without it, open ones", 0 },
	{ "command", KEY_COMMAND, "PATTERNS", 0, "show processes of these names, as 'nginx*,ssh'",
	  0 },
	{ "connected", 'c', 0, 0, "show sockets that have a peer", 0 },
	{ "ipv4", '4', 0, 0, "show IPv4 addresses only, also those of IPv6 sockets", 0 },
	{ "ipv6", '6', 0, 0,
	  "show IPv6 addresses only; with -4, hide only sockets without an address", 0 },
	{ "listening", 'l', 0, 0, "show listening sockets", 0 },
	{ "netns", KEY_NETNS, "NETNS", 0,
	  "show these network namespaces: numbers, files (/proc/PID/ns/net), names of ip netns",
	  0 },
	{ "no-loopback", 'L', 0, 0, "hide sockets with a loopback address on either side", 0 },
	{ "pid", KEY_PID, "PIDS", 0, "show these processes, as 1,200-300", 0 },
	{ "port", 'p', "PORTS", 0, "show these local or remote ports, as 80,https,8000-8100", 0 },
	{ "protocol", 'P', "PROTOCOLS", 0, "show these protocols: tcp, tcp4, tcp6", 0 },
	{ "remote", KEY_REMOTE, "PEERS", 0,
	  "show these peers, as 192.0.2.0/24, [2001:db8::1]:443 or :8000-8100", 0 },
	{ "since", KEY_SINCE, "TIME", 0,
	  "show descriptors opened or closed in the last TIME, as 10s, 5m, 2h or 1d", 0 },
	{ "state", KEY_STATE, "STATES", 0,
	  "show sockets in these states, as established,close-wait (\"help\" lists all)", 0 },
	{ "user", KEY_USER, "USERS", 0, "show sockets of these users, as www-data,1000", 0 },
	{ 0, 0, 0, 0, "Choose columns and order:", 2 },
	{ "columns", KEY_COLUMNS, "NAMES", 0,
	  "show these columns, as pid,fd,cookie, or all of them (\"help\" lists them)", 0 },
	{ "group-by", KEY_GROUP, "command|user|remote", 0,
	  "show totals of each command, user or remote host", 0 },
	{ "show-state", 's', 0, 0, "add the column STATE", 0 },
	{ "sort", KEY_SORT, "[-]COLUMN", 0,
	  "sort by a column; with -, show the greatest value first", 0 },
	{ 0, 0, 0, 0, "Choose the format:", 3 },
	{ "csv", KEY_CSV, 0, 0, "write comma-separated values", 0 },
	{ "human", 'h', 0, 0,
	  "write bytes and rates as 1.2K or 3.4M (powers of 1024), times as dates", 0 },
	{ "json", KEY_JSON, 0, 0, "write one JSON object; with --watch, one on each line", 0 },
	{ "numeric", 'n', 0, 0, "write users and ports as numbers", 0 },
	{ "quiet", 'q', 0, 0, "omit the header line", 0 },
	{ "resolve", KEY_RESOLVE, 0, 0, "write ports as names of services", 0 },
	{ "wide", 'w', 0, 0, "do not shorten names and addresses to fit the terminal", 0 },
	{ 0, 0, 0, 0, "Choose the source, repeat, report:", 4 },
	{ "count", KEY_COUNT, "N", 0, "stop --watch after N tables", 0 },
	{ "exit-status", KEY_EXIT_STATUS, 0, 0, "exit with 1 if no row was shown", 0 },
	{ "file", KEY_FILE, "PATH", 0,
	  "read a saved table (- for standard input), as SOCKSTAT_FILE does", 0 },
	{ "top", KEY_TOP, 0, 0,
	  "fill the screen, and update it every SECONDS (2); ? shows the keys", 0 },
	{ "watch", KEY_WATCH, 0, 0,
	  "show a table every SECONDS (2), with rates, also of connections in between", 0 },
	{ 0, 'A', 0, OPTION_HIDDEN, 0, 0 }, /* refusals[] has the reasons */
	{ 0, 'b', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'C', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'f', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'I', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'i', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'j', "JAIL", OPTION_HIDDEN, 0, 0 },
	{ 0, 'S', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'U', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'u', 0, OPTION_HIDDEN, 0, 0 },
	{ 0, 'v', 0, OPTION_HIDDEN, 0, 0 },
	{ 0 },
};

/* The options of FreeBSD's sockstat(1) that have no meaning here */
static const struct {
	int key;
	const char *reason;
} refusals[] = {
	{ 'A', "kernel addresses are not shown: use --columns=cookie" },
	{ 'b', "Linux has no TCP black box log: use tcpdump(8)" },
	{ 'C', "congestion control is not shown: use ss(8) with -i" },
	{ 'f', "Linux sockets have no FIB: use --netns" },
	{ 'I', "Linux does not splice two sockets to each other: leave it out" },
	{ 'i', "Linux sockets have no generation count: use --columns=cookie" },
	{ 'j', "Linux has no jails: use --netns, --user or --pid" },
	{ 'S', "Linux has one TCP stack: use ss(8) with -i for its congestion control" },
	{ 'U', "UDP encapsulation is not shown: use ss(8) with -u" },
	{ 'u', "UNIX-domain sockets are not shown: use ss(8) with -x" },
	{ 'v', "there is no verbose output: use --columns=all" },
};

/* Arguments whose meaning depends on options that may follow them */
struct words {
	struct options *opt;
	const char *sort;
	const char *columns;
	const char *interval;
};

static const char *name_of_option(int key)
{
	size_t i;

	for (i = 0; option_table[i].key || option_table[i].doc; i++) {
		if (option_table[i].key == key && option_table[i].name)
			return option_table[i].name;
	}
	return "";
}

/* Print why the argument of an option is wrong, and exit. */
static void fail_option(struct argp_state *state, int key, const char *why)
{
	argp_error(state, "--%s: %s", name_of_option(key), why);
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

static void set_group(struct options *opt, const char *arg, struct argp_state *state)
{
	char why[WHY_LEN];

	if (!strcasecmp(arg, "help")) {
		puts("command\nuser\nremote");
		exit(STATUS_SHOWN);
	}
	if (group_parse(arg, &opt->group))
		return;
	words_wrong(why, "\"%.200s\" is none of command, user and remote", arg);
	fail_option(state, KEY_GROUP, why);
}

static void set_count(struct options *opt, const char *arg, struct argp_state *state)
{
	char why[WHY_LEN];
	char *end;

	errno = 0;
	opt->count = strtoul(arg, &end, 10);
	if (!errno && !*end && *arg != '-' && opt->count)
		return;
	words_wrong(why, "\"%.200s\" is not a positive number", arg);
	fail_option(state, KEY_COUNT, why);
}

static void set_file(struct options *opt, const char *arg, struct argp_state *state)
{
	if (!*arg)
		fail_option(state, KEY_FILE,
			    "the path is empty; without --file, /proc/sockstat is read");
	opt->file = arg;
}

static void set_interval(struct options *opt, const char *word, struct argp_state *state)
{
	char why[WHY_LEN];

	if (!word)
		return;
	if (opt->mode == MODE_ONCE)
		argp_error(state, "\"%s\": SECONDS needs --watch or --top", word);
	if (!words_seconds(word, &opt->interval, why))
		argp_error(state, "SECONDS: %s", why);
	if (opt->interval < SHORTEST)
		argp_error(state, "SECONDS: \"%s\" is too short: the shortest interval is %g s",
			   word, SHORTEST);
}

static void check_combination(const struct options *opt, struct argp_state *state)
{
	if (opt->mode == MODE_TOP && opt->format != FORMAT_TABLE)
		argp_error(state,
			   "--top writes to a terminal only: use --watch with --json and --csv");
	if (opt->count && opt->mode != MODE_WATCH)
		argp_error(state, "--count needs --watch");
	if (opt->mode != MODE_ONCE && opt->file && !strcmp(opt->file, "-"))
		argp_error(state, "--file: standard input can be read only once, so it excludes "
				  "--watch and --top");
}

static void set_columns(const struct words *words, struct argp_state *state)
{
	struct options *opt = words->opt;
	char why[WHY_LEN];

	if ((words->columns && !strcasecmp(words->columns, "help")) ||
	    (words->sort && !strcasecmp(words->sort, "help"))) {
		options_print_columns(opt->group);
		exit(STATUS_SHOWN);
	}
	if (!words->columns)
		options_default_columns(opt);
	else if (!options_set_columns(opt, words->columns, why))
		fail_option(state, KEY_COLUMNS, why);
	if (words->sort && !options_set_sort(opt, words->sort, why))
		fail_option(state, KEY_SORT, why);
}

static void finish_options(const struct words *words, struct argp_state *state)
{
	set_interval(words->opt, words->interval, state);
	check_combination(words->opt, state);
	set_columns(words, state);
}

static bool parse_state(struct filter *filter, const char *arg, char *why)
{
	if (!strcasecmp(arg, "help")) {
		filter_print_states();
		exit(STATUS_SHOWN);
	}
	return filter_add_states(filter, arg, why);
}

/* Handle an option that selects rows; return whether @key is one and its argument is right. */
static bool parse_filter(struct filter *filter, int key, const char *arg, char *why, bool *known)
{
	*known = true;
	switch (key) {
	case '4':
		filter->families |= (uint64_t)1 << AF_INET;
		return true;
	case '6':
		filter->families |= (uint64_t)1 << AF_INET6;
		return true;
	case 'c':
		filter->kinds |= KIND_CONNECTED;
		return true;
	case 'l':
		filter->kinds |= KIND_LISTENING;
		return true;
	case KEY_CLOSED:
		filter->kinds |= KIND_CLOSED;
		return true;
	case 'a':
		filter->kinds |= KIND_ALL;
		return true;
	case 'L':
		filter->no_loopback = true;
		return true;
	case 'P':
		return filter_add_protocols(filter, arg, why);
	case 'p':
		return filter_add_ports(filter, arg, why);
	case KEY_PID:
		return filter_add_pids(filter, arg, why);
	case KEY_COMMAND:
		return filter_add_commands(filter, arg, why);
	case KEY_USER:
		return filter_add_users(filter, arg, why);
	case KEY_STATE:
		return parse_state(filter, arg, why);
	case KEY_REMOTE:
		return filter_add_remotes(filter, arg, why);
	case KEY_NETNS:
		return filter_add_netns(filter, arg, why);
	case KEY_SINCE:
		return filter_set_since(filter, arg, why);
	}
	*known = false;
	return true;
}

static error_t refuse_option(int key, struct argp_state *state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i].key == key)
			argp_error(state, "-%c of FreeBSD's sockstat: %s", key, refusals[i].reason);
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct words *words = state->input;
	struct options *opt = words->opt;
	char why[WHY_LEN];
	bool known;

	if (!parse_filter(&opt->filter, key, arg, why, &known))
		fail_option(state, key, why);
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
	case KEY_EXIT_STATUS:
		opt->exit_status = true;
		break;
	case KEY_COLUMNS:
		words->columns = arg;
		break;
	case KEY_GROUP:
		set_group(opt, arg, state);
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
		set_file(opt, arg, state);
		break;
	case ARGP_KEY_ARG:
		if (words->interval)
			argp_error(state, "\"%s\": SECONDS is already \"%s\"", arg,
				   words->interval);
		words->interval = arg;
		break;
	case ARGP_KEY_END:
		finish_options(words, state);
		break;
	default:
		return refuse_option(key, state);
	}
	return 0;
}

/**
 * options_parse - read the command line and SOCKSTAT_FILE
 * @opt: the result; the caller frees its filter with filter_free()
 * @argc: the argument of main()
 * @argv: the argument of main()
 *
 * On an error, prints it and exits with STATUS_TROUBLE. Prints --help, --version
 * and the lists of --columns, --sort, --state and --group-by, and exits.
 */
void options_parse(struct options *opt, int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "[SECONDS]",
		.doc = "Show every TCP socket descriptor of every process, its peer, and the number of "
		       "bytes that went through it."
		       "\v"
		       "A list is separated by commas; \"\\,\" is a comma within a word. Exit status: 0, "
		       "or 2 after an error: in the command line, no module, no permission, a table "
		       "that is cut off or of another version, or output that cannot be written.",
	};
	struct words words = { .opt = opt };

	argp_err_exit_status = STATUS_TROUBLE;
	names_show_users(true);
	*opt = (struct options){ .interval = 2,
				 .filter.since = -1,
				 .file = getenv("SOCKSTAT_FILE") };
	if (opt->file && !*opt->file)
		opt->file = NULL;
	argp_parse(&argp, argc, argv, 0, NULL, &words);
}
