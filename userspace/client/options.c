// SPDX-License-Identifier: GPL-2.0-only
/* Parses the command line. */

#include <argp.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "random.h"

#define MAX_PATIENCE 1000
#define MAX_SECONDS 1000000
#define MAX_ACTIONS 1000000

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
	{ "list", KEY_LIST, 0, 0, "list the scenarios, all or those that are named", 0 },
	{ "family", KEY_FAMILY, "4|6|mapped", 0, "use only this address family (repeatable)", 0 },
	{ "bytes", KEY_BYTES, "N", 0, "move N bytes in a scenario (100000)", 0 },
	{ "connections", KEY_CONNECTIONS, "N", 0,
	  "repeat each scenario N times; in the group size, make N connections", 0 },
	{ "threads", KEY_THREADS, "N", 0, "use N threads in scenarios that have threads", 0 },
	{ "steps", KEY_STEPS, 0, 0,
	  "show the system calls of one connection, and its rows after each call", 0 },
	{ "tap", KEY_TAP, 0, 0, "print the results as KTAP", 0 },
	{ "dry-run", KEY_DRY_RUN, 0, 0,
	  "do without the module: compare the ledger with TCP_INFO only", 0 },
	{ "to", KEY_TO, "HOST:PORT", 0,
	  "connect to a server elsewhere that reads (scenarios marked @ in --list)", 0 },
	{ "random", KEY_RANDOM, "SEED", OPTION_ARG_OPTIONAL,
	  "mix all kinds of traffic at random; the same SEED repeats the same actions", 0 },
	{ "seconds", KEY_SECONDS, "N", 0, "stop --random after N seconds (10)", 0 },
	{ "actions", KEY_ACTIONS, "N", 0, "stop --random after N actions", 0 },
	{ "patience", KEY_PATIENCE, "N", 0, "multiply every timeout by N, for slow machines", 0 },
	{ 0 },
};

/* The name of the option or environment variable comes first in each message. */
static unsigned long number_parse(const char *name, const char *arg, unsigned long max,
				  struct argp_state *state)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (end == arg || *end || strspn(arg, "0123456789") != strlen(arg))
		argp_error(state, "%s: \"%s\" is not a positive decimal number", name, arg);
	if (errno || !n || n > max)
		argp_error(state, "%s: %s is out of range: from 1 to %lu", name, arg, max);
	return n;
}

static void family_parse(const char *arg, struct options *opt, struct argp_state *state)
{
	if (!strcmp(arg, "4"))
		opt->families |= 1 << FAMILY_4;
	else if (!strcmp(arg, "6"))
		opt->families |= 1 << FAMILY_6;
	else if (!strcmp(arg, "mapped"))
		opt->families |= 1 << FAMILY_MAPPED;
	else
		argp_error(state, "--family: \"%s\" is no address family: 4, 6 or mapped", arg);
}

static void to_parse(const char *arg, struct options *opt, struct argp_state *state)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	char *host = strdup(arg), *name = host;
	char *colon = host ? strrchr(host, ':') : NULL;
	int err;

	if (!colon)
		argp_error(state, "--to: \"%s\" has no port: HOST:PORT", arg);
	*colon = '\0';
	if (name[0] == '[' && colon > name && colon[-1] == ']') {
		colon[-1] = '\0';
		name++;
	}
	err = getaddrinfo(name, colon + 1, &hints, &ai);
	if (err)
		argp_error(state, "--to: \"%s\": %s", arg, gai_strerror(err));
	memcpy(&opt->to, ai->ai_addr, ai->ai_addrlen);
	opt->to_host = true;
	freeaddrinfo(ai);
	free(host);
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct request *req = state->input;
	struct options *opt = &req->opt;

	switch (key) {
	case KEY_LIST:
		req->list = true;
		break;
	case KEY_FAMILY:
		family_parse(arg, opt, state);
		break;
	case KEY_BYTES:
		opt->bytes = number_parse("--bytes", arg, SIZE_MAX, state);
		break;
	case KEY_CONNECTIONS:
		opt->connections = number_parse("--connections", arg, UINT32_MAX, state);
		break;
	case KEY_THREADS:
		opt->threads = number_parse("--threads", arg, UINT32_MAX, state);
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
		to_parse(arg, opt, state);
		break;
	case KEY_RANDOM:
		opt->random = true;
		opt->seed = arg ? number_parse("--random", arg, ULONG_MAX, state) : random_seed();
		break;
	case KEY_SECONDS:
		opt->seconds = number_parse("--seconds", arg, MAX_SECONDS, state);
		break;
	case KEY_ACTIONS:
		opt->actions = number_parse("--actions", arg, MAX_ACTIONS, state);
		break;
	case KEY_PATIENCE:
		opt->patience = number_parse("--patience", arg, MAX_PATIENCE, state);
		break;
	case ARGP_KEY_ARGS:
		req->words = state->argv + state->next;
		req->n_words = state->argc - state->next;
		break;
	case ARGP_KEY_END:
		arg = getenv("SOCKSTAT_PATIENCE");
		if (!opt->patience)
			opt->patience =
				arg ? number_parse("SOCKSTAT_PATIENCE", arg, MAX_PATIENCE, state) :
				      1;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/**
 * options_parse - parse the command line
 * @req: filled in; its words point into @argv
 * @argc: of main()
 * @argv: of main()
 *
 * Exits with EXIT_USAGE after a message if there is a mistake.
 */
void options_parse(struct request *req, int argc, char **argv)
{
	static char steps_word[] = "steps", *steps_words[] = { steps_word };
	static const struct argp argp = {
		.options = option_table,
		.parser = option_parse,
		.args_doc = "[SCENARIO|GROUP...]",
		.doc = "Make TCP traffic and compare every field of /proc/sockstat with it.",
	};

	*req = (struct request){ .opt = { .bytes = 100000 } };
	argp_program_version = "sockstat-client " SOCKSTAT_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, req))
		exit(EXIT_USAGE);
	if (req->opt.steps && !req->n_words) {
		req->words = steps_words;
		req->n_words = 1;
	}
	if (!req->opt.families)
		req->opt.families = req->opt.steps ? 1 << FAMILY_4 : (1 << N_FAMILIES) - 1;
}
