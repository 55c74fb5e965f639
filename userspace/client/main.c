// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockstat-client: makes TCP traffic, keeps the true count from what its own
 * system calls return, and compares every field of its rows in /proc/sockstat.
 *
 * Exit status: 0 all exact, 1 something differs, 2 cannot run (usage, or the
 * module is not loaded), 4 everything was skipped.
 */

#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random.h"
#include "runner.h"

#define EXIT_USAGE 2
#define EXIT_SKIP 4

#define GROUP(name, table) extern const struct scenario table[];
#include "groups.h"
#undef GROUP

static const struct group {
	const char *name;
	const struct scenario *scenarios;
} groups[] = {
#define GROUP(name, table) { name, table },
#include "groups.h"
#undef GROUP
};

enum {
	KEY_LIST = 256,
	KEY_FAMILY,
	KEY_BYTES,
	KEY_CONNECTIONS,
	KEY_THREADS,
	KEY_STEPS,
	KEY_TAP,
	KEY_DRY_RUN,
	KEY_TO,
	KEY_RANDOM,
	KEY_SECONDS,
	KEY_ACTIONS,
	KEY_PATIENCE
};

static const struct argp_option option_table[] = {
	{ "list", KEY_LIST, 0, 0, "Name the scenarios", 0 },
	{ "family", KEY_FAMILY, "4|6|mapped", 0, "Only this address family (repeatable)", 0 },
	{ "bytes", KEY_BYTES, "N", 0, "Bytes that a scenario moves (100000)", 0 },
	{ "connections", KEY_CONNECTIONS, "N", 0, "Connections that a scenario makes", 0 },
	{ "threads", KEY_THREADS, "N", 0, "Threads, of scenarios that have threads", 0 },
	{ "steps", KEY_STEPS, 0, 0,
	  "Walk through one connection's system calls, showing its row after each", 0 },
	{ "tap", KEY_TAP, 0, 0, "Print the results as KTAP", 0 },
	{ "dry-run", KEY_DRY_RUN, 0, 0,
	  "Do without the module: compare the ledger with TCP_INFO only", 0 },
	{ "to", KEY_TO, "HOST:PORT", 0,
	  "Be the client only, of a server that reads (scenarios marked @ in --list)", 0 },
	{ "random", KEY_RANDOM, "SEED", OPTION_ARG_OPTIONAL,
	  "Mix all kinds of traffic at random; the same SEED does the same again", 0 },
	{ "seconds", KEY_SECONDS, "N", 0, "How long --random goes on (10)", 0 },
	{ "actions", KEY_ACTIONS, "N", 0, "How many actions --random takes, however long", 0 },
	{ "patience", KEY_PATIENCE, "N", 0,
	  "Take a scenario for hung only N times as late, on a slow machine", 0 },
	{ 0 },
};

/* What the command line asks for, and which of its words found something */
struct request {
	struct options opt;
	bool list;
	char **words;
	bool *matched;
	int n_words;
};

static unsigned long number(const char *arg, struct argp_state *state)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (errno || end == arg || *end || *arg == '-' || !n)
		argp_error(state, "\"%s\" is not a positive number", arg);
	return n;
}

static void parse_to(const char *arg, struct options *opt, struct argp_state *state)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	char *host = strdup(arg), *name = host;
	char *colon = host ? strrchr(host, ':') : NULL;
	int err;

	if (!colon)
		argp_error(state, "\"%s\" is not HOST:PORT", arg);
	*colon = '\0';
	if (name[0] == '[' && colon > name && colon[-1] == ']') {
		colon[-1] = '\0';
		name++;
	}
	err = getaddrinfo(name, colon + 1, &hints, &ai);
	if (err)
		argp_error(state, "%s: %s", arg, gai_strerror(err));
	memcpy(&opt->to, ai->ai_addr, ai->ai_addrlen);
	opt->to_host = true;
	freeaddrinfo(ai);
	free(host);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *req = state->input;
	struct options *opt = &req->opt;

	switch (key) {
	case KEY_LIST:
		req->list = true;
		break;
	case KEY_FAMILY:
		if (!strcmp(arg, "4"))
			opt->families |= 1 << FAMILY_4;
		else if (!strcmp(arg, "6"))
			opt->families |= 1 << FAMILY_6;
		else if (!strcmp(arg, "mapped"))
			opt->families |= 1 << FAMILY_MAPPED;
		else
			argp_error(state, "\"%s\" is not a family: 4, 6 or mapped", arg);
		break;
	case KEY_BYTES:
		opt->bytes = number(arg, state);
		break;
	case KEY_CONNECTIONS:
		opt->connections = number(arg, state);
		break;
	case KEY_THREADS:
		opt->threads = number(arg, state);
		break;
	case KEY_STEPS:
		opt->steps = true;
		break;
	case KEY_TAP:
		opt->tap = true;
		break;
	case KEY_DRY_RUN:
		opt->dry_run = true;
		break;
	case KEY_TO:
		parse_to(arg, opt, state);
		break;
	case KEY_RANDOM:
		opt->random = true;
		opt->seed = arg ? number(arg, state) : random_seed();
		break;
	case KEY_SECONDS:
		opt->seconds = number(arg, state);
		break;
	case KEY_ACTIONS:
		opt->actions = number(arg, state);
		break;
	case KEY_PATIENCE:
		opt->patience = number(arg, state);
		break;
	case ARGP_KEY_ARGS:
		req->words = state->argv + state->next;
		req->n_words = state->argc - state->next;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/*
 * A word is a group, a scenario or a whole test's name, the last two with or
 * without their group; or a pattern for one of these.
 */
static bool wanted(struct request *req, const char *group, const struct scenario *sc,
		   const char *name)
{
	bool found = !req->n_words;
	char dotted[96];
	int i;

	snprintf(dotted, sizeof(dotted), "%s.%s", group, sc->name);
	for (i = 0; i < req->n_words; i++) {
		const char *word = req->words[i];

		if (fnmatch(word, group, 0) && fnmatch(word, sc->name, 0) &&
		    fnmatch(word, dotted, 0) && fnmatch(word, name, 0) &&
		    fnmatch(word, name + strlen(group) + 1, 0))
			continue;
		req->matched[i] = true;
		found = true;
	}
	return found;
}

static void list(void)
{
	const struct scenario *sc;
	size_t g;

	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		for (sc = groups[g].scenarios; sc->name; sc++) {
			char name[64];

			snprintf(name, sizeof(name), "%s.%s", groups[g].name, sc->name);
			printf("%-36s %c %s\n", name, sc->flags & SC_TO_HOST ? '@' : ' ',
			       sc->description ? sc->description : "");
		}
	}
}

typedef void (*visit_fn)(struct request *req, struct run *r, const char *group,
			 const struct scenario *sc, void *arg);

/* Calls @visit with the arena prepared for every variant that was asked for. */
static void visit_runs(struct request *req, struct run *r, visit_fn visit, void *arg)
{
	const struct scenario *sc;
	int family, nonblock;
	size_t g;

	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		for (sc = groups[g].scenarios; sc->name; sc++) {
			for (family = 0; family < N_FAMILIES; family++) {
				for (nonblock = 0; nonblock < 2; nonblock++) {
					if (!run_variant(sc, &req->opt, family, nonblock))
						continue;
					run_name(r, groups[g].name, sc, family, nonblock);
					if (wanted(req, groups[g].name, sc, r->name))
						visit(req, r, groups[g].name, sc, arg);
				}
			}
		}
	}
}

struct results {
	struct run *done;
	unsigned int total, n;
	unsigned int passed, failed, skipped;
};

static void count_run(struct request *req, struct run *r, const char *group,
		      const struct scenario *sc, void *arg)
{
	struct results *res = arg;

	(void)req;
	(void)r;
	(void)group;
	(void)sc;
	res->total++;
}

static void print_differences(const struct run *r, const char *indent)
{
	unsigned int i;

	for (i = 0; i < r->n_diffs && i < MAX_DIFFERENCES; i++) {
		const struct difference *d = &r->diffs[i];

		printf("%s%s: %s: expected %s, seen %s\n", indent, d->row, d->field,
		       d->want[0] ? d->want : "none", d->seen);
	}
	if (r->n_diffs > MAX_DIFFERENCES)
		printf("%sand %u more differences\n", indent, r->n_diffs - MAX_DIFFERENCES);
	if (r->opt->random && r->verdict == VERDICT_FAIL)
		random_tell(r, indent);
}

static void print_tap(const struct run *r, unsigned int number)
{
	print_differences(r, "# ");
	if (r->no_truth)
		printf("# %u rows of other processes without sock_diag's word\n", r->no_truth);
	if (r->notes[0])
		printf("# %s\n", r->notes);
	switch (r->verdict) {
	case VERDICT_PASS:
		printf("ok %u %s\n", number, r->name);
		break;
	case VERDICT_SKIP:
		printf("ok %u %s # SKIP %s\n", number, r->name, r->reason);
		break;
	default:
		printf("# %s\n", r->reason);
		printf("not ok %u %s\n", number, r->name);
		break;
	}
	fflush(stdout);
}

static void visit_run(struct request *req, struct run *r, const char *group,
		      const struct scenario *sc, void *arg)
{
	struct results *res = arg;
	bool progress = !req->opt.tap && !req->opt.steps && isatty(STDERR_FILENO);

	(void)group;
	(void)sc;
	if (progress)
		fprintf(stderr, "\r\033[K[%u/%u] %s", res->n + 1, res->total, r->name);
	run_one(r, &req->opt);
	if (progress)
		fprintf(stderr, "\r\033[K");
	res->passed += r->verdict == VERDICT_PASS;
	res->skipped += r->verdict == VERDICT_SKIP;
	res->failed += r->verdict == VERDICT_FAIL;
	res->done[res->n++] = *r;
	if (req->opt.tap)
		print_tap(r, res->n);
}

static void print_table(const struct results *res)
{
	static const char *const words[] = { "?", "ok", "DIFFERS", "SKIP" };
	unsigned int i;

	printf("%-40s %5s %6s %14s %14s %14s %14s  %s\n", "SCENARIO", "ROWS", "FIELDS",
	       "TX EXPECTED", "TX SEEN", "RX EXPECTED", "RX SEEN", "RESULT");
	for (i = 0; i < res->n; i++) {
		const struct run *r = &res->done[i];

		printf("%-40s %5u %6u %14llu %14llu %14llu %14llu  %s", r->name, r->rows, r->fields,
		       (unsigned long long)r->tx_want, (unsigned long long)r->tx_seen,
		       (unsigned long long)r->rx_want, (unsigned long long)r->rx_seen,
		       words[r->verdict]);
		if (r->verdict != VERDICT_PASS)
			printf(" (%s)", r->reason);
		else if (r->notes[0])
			printf(" (%s)", r->notes);
		putchar('\n');
		print_differences(r, "    ");
	}
	printf("%u exact, %u differ, %u skipped\n", res->passed, res->failed, res->skipped);
}

static int run_all(struct request *req)
{
	struct results res = { 0 };
	struct run *arena = run_arena();
	int i;

	visit_runs(req, arena, count_run, &res);
	for (i = 0; i < req->n_words; i++) {
		if (!req->matched[i]) {
			fprintf(stderr, "sockstat-client: nothing is called \"%s\": see --list\n",
				req->words[i]);
			return EXIT_USAGE;
		}
	}
	if (!res.total) {
		fprintf(stderr, "sockstat-client: no scenario can be run this way\n");
		return EXIT_USAGE;
	}
	res.done = calloc(res.total, sizeof(*res.done));
	if (!res.done) {
		perror("sockstat-client");
		return EXIT_USAGE;
	}
	if (req->opt.tap)
		printf("TAP version 13\n1..%u\n", res.total);
	visit_runs(req, arena, visit_run, &res);
	if (req->opt.tap)
		printf("# %u passed, %u failed, %u skipped\n", res.passed, res.failed, res.skipped);
	else
		print_table(&res);
	free(res.done);
	if (res.failed)
		return EXIT_FAILURE;
	return res.skipped == res.total ? EXIT_SKIP : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static char steps_word[] = "steps", *steps_words[] = { steps_word };
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "[SCENARIO|GROUP...]",
		.doc = "Make TCP traffic and compare every field of /proc/sockstat with it.",
	};
	struct request req = { .opt = { .bytes = 100000, .patience = 1 } };
	int status;

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &req))
		return EXIT_USAGE;
	if (req.list) {
		list();
		return EXIT_SUCCESS;
	}
	if (req.opt.steps && !req.n_words) {
		req.words = steps_words;
		req.n_words = 1;
	}
	if (!req.opt.families)
		req.opt.families = req.opt.steps ? 1 << FAMILY_4 : (1 << N_FAMILIES) - 1;
	if (!req.opt.dry_run && access(SOCKSTAT_PROC_PATH, F_OK)) {
		fprintf(stderr,
			"sockstat-client: there is no " SOCKSTAT_PROC_PATH
			": load the module with \"insmod sockstat.ko\" as root, or \"make load\"\n");
		return EXIT_USAGE;
	}
	req.matched = calloc(req.n_words + 1, sizeof(*req.matched));
	if (!req.matched) {
		perror("sockstat-client");
		return EXIT_USAGE;
	}
	if (req.opt.random)
		random_prepare(&req.opt);
	status = run_all(&req);
	free(req.matched);
	return status;
}
