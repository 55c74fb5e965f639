// SPDX-License-Identifier: GPL-2.0-only
/* The selection of rows: the names of TCP's states, those of ss(8) among them. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "filter.h"

#define BIT(state) (1u << (state))
#define ALL_STATES (BIT(SOCKSTAT_UNCONN + 1) - BIT(SOCKSTAT_ESTABLISHED))
#define CONNECTED \
	(ALL_STATES & ~(BIT(SOCKSTAT_CLOSED) | BIT(SOCKSTAT_UNCONN) | BIT(SOCKSTAT_LISTEN)))
#define BUCKET (BIT(SOCKSTAT_SYN_RECV) | BIT(SOCKSTAT_TIME_WAIT))

/* Names besides those of STATE; scan_state() of iproute2 has the same groups. */
static const struct {
	const char *name;
	unsigned int states;
} aliases[] = {
	{ "estab", BIT(SOCKSTAT_ESTABLISHED) },
	{ "syn-rcv", BIT(SOCKSTAT_SYN_RECV) },
	{ "listening", BIT(SOCKSTAT_LISTEN) },
	{ "close", BIT(SOCKSTAT_CLOSED) },
	{ "unconnected", BIT(SOCKSTAT_UNCONN) },
	{ "all", ALL_STATES },
	{ "connected", CONNECTED },
	{ "synchronized", CONNECTED & ~BIT(SOCKSTAT_SYN_SENT) },
	{ "bucket", BUCKET },
	{ "big", ALL_STATES & ~BUCKET },
};

/* Compare without regard to case, "-" and "_": FIN_WAIT1 is fin-wait-1 to ss. */
static bool is_same_state(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "-_");
		b += strspn(b, "-_");
		if (!*a || tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return *a == *b;
	}
}

static void append_name(char *names, size_t size, const char *name)
{
	size_t len = strlen(names), i;

	len += snprintf(names + len, size - len, "%s", len ? ", " : "");
	for (i = 0; name[i] && len + 1 < size; i++)
		names[len++] = name[i] == '_' ? '-' : tolower((unsigned char)name[i]);
	names[len] = '\0';
}

static bool unknown_state(const char *word, char *why)
{
	char names[300] = "";
	unsigned int state;
	size_t i;

	for (state = SOCKSTAT_ESTABLISHED; state <= SOCKSTAT_UNCONN; state++)
		append_name(names, sizeof(names), sockstat_state_name(state));
	for (i = 0; i < ARRAY_SIZE(aliases); i++)
		append_name(names, sizeof(names), aliases[i].name);
	return words_wrong(why, "\"%.60s\" is not a state; the states are %s", word, names);
}

static bool add_state(void *to, const char *word, char *why)
{
	struct filter *filter = to;
	unsigned int state;
	size_t i;

	for (state = SOCKSTAT_ESTABLISHED; state <= SOCKSTAT_UNCONN; state++) {
		if (is_same_state(word, sockstat_state_name(state))) {
			filter->states |= BIT(state);
			return true;
		}
	}
	for (i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (is_same_state(word, aliases[i].name)) {
			filter->states |= aliases[i].states;
			return true;
		}
	}
	return unknown_state(word, why);
}

/**
 * filter_add_states - select rows by state
 * @filter: the filter
 * @list: names of states and of groups of states
 * @why: the reason of a failure
 */
bool filter_add_states(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_state, filter, why);
}

/**
 * filter_print_states - print the names that --state takes
 *
 * A line for each state, then a line for each other name and the states it selects.
 */
void filter_print_states(void)
{
	unsigned int state;
	size_t i;

	for (state = SOCKSTAT_ESTABLISHED; state <= SOCKSTAT_UNCONN; state++)
		printf("%s\n", sockstat_state_name(state));
	for (i = 0; i < ARRAY_SIZE(aliases); i++) {
		printf("%-12s", aliases[i].name);
		for (state = SOCKSTAT_ESTABLISHED; state <= SOCKSTAT_UNCONN; state++) {
			if (aliases[i].states & BIT(state))
				printf(" %s", sockstat_state_name(state));
		}
		putchar('\n');
	}
}
