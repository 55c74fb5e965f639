// SPDX-License-Identifier: GPL-2.0-only
/* The selection of rows: its options whose arguments are lists of numbers and names. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "filter.h"
#include "names.h"

#define NO_MEMORY "there is not enough memory for one more value"

/**
 * filter_add_range - append a range to an array
 * @ranges: the array, which is reallocated
 * @n: its length
 * @range: the range
 * @why: the reason of a failure
 */
bool filter_add_range(struct range **ranges, size_t *n, struct range range, char why[WHY_LEN])
{
	struct range *more = reallocarray(*ranges, *n + 1, sizeof(*more));

	if (!more)
		return words_wrong(why, NO_MEMORY);
	more[(*n)++] = range;
	*ranges = more;
	return true;
}

/**
 * filter_port - read a port, a range of ports or the name of a service
 * @word: the word
 * @range: the result
 * @why: the reason of a failure
 */
bool filter_port(const char *word, struct range *range, char why[WHY_LEN])
{
	static const struct number_kind kind = {
		"port", "ports", 65535, "numbers, ranges and services, as 80,https,8000-8100"
	};
	uint16_t port;

	if (!names_find_service(word, &port))
		return words_range(word, &kind, range, why);
	*range = (struct range){ port, port };
	return true;
}

static bool add_port(void *to, const char *word, char *why)
{
	struct filter *filter = to;
	struct range range;

	return filter_port(word, &range, why) &&
	       filter_add_range(&filter->ports, &filter->n_ports, range, why);
}

static bool add_pid(void *to, const char *word, char *why)
{
	static const struct number_kind kind = { "process id", "process ids", INT32_MAX,
						 "numbers and ranges, as 1,200-300" };
	struct filter *filter = to;
	struct range range;

	return words_range(word, &kind, &range, why) &&
	       filter_add_range(&filter->pids, &filter->n_pids, range, why);
}

static bool add_user(void *to, const char *word, char *why)
{
	struct filter *filter = to;
	struct range range;

	if (!names_find_user(word, &range.first))
		return words_wrong(why, "there is no user \"%.200s\": give names and numbers",
				   word);
	range.last = range.first;
	return filter_add_range(&filter->uids, &filter->n_uids, range, why);
}

/* The kernel keeps 15 bytes of a name, so more of them would match nothing. */
static void warn_of_long_name(const char *name)
{
	if (strlen(name) > KERNEL_COMM_LEN && !strpbrk(name, "*?[\\"))
		fprintf(stderr,
			"sockstat: --command: \"%s\" also matches \"%.*s\", since the kernel keeps "
			"%d bytes of a name\n",
			name, KERNEL_COMM_LEN, name, KERNEL_COMM_LEN);
}

static bool add_command(void *to, const char *word, char *why)
{
	struct filter *filter = to;
	char **more = reallocarray(filter->commands, filter->n_commands + 1, sizeof(*more));

	if (more) {
		filter->commands = more;
		more[filter->n_commands] = strdup(word);
	}
	if (!more || !more[filter->n_commands])
		return words_wrong(why, NO_MEMORY);
	filter->n_commands++;
	warn_of_long_name(word);
	return true;
}

static bool add_protocol(void *to, const char *word, char *why)
{
	struct filter *filter = to;

	if (!strcasecmp(word, "tcp"))
		filter->families |=
			(uint64_t)1 << AF_INET | (uint64_t)1 << AF_INET6 | (uint64_t)1 << AF_UNSPEC;
	else if (!strcasecmp(word, "tcp4"))
		filter->families |= (uint64_t)1 << AF_INET;
	else if (!strcasecmp(word, "tcp6"))
		filter->families |= (uint64_t)1 << AF_INET6;
	else
		return words_wrong(
			why, "\"%.200s\" is none of tcp, tcp4 and tcp6: use ss(8) for it", word);
	return true;
}

/**
 * filter_add_ports - select rows by local or remote port
 * @filter: the filter
 * @list: numbers, ranges and names of services
 * @why: the reason of a failure
 */
bool filter_add_ports(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_port, filter, why);
}

/**
 * filter_add_pids - select rows by process id
 * @filter: the filter
 * @list: numbers and ranges
 * @why: the reason of a failure
 */
bool filter_add_pids(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_pid, filter, why);
}

/**
 * filter_add_users - select rows by the owner of the socket
 * @filter: the filter
 * @list: names and numbers
 * @why: the reason of a failure
 */
bool filter_add_users(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_user, filter, why);
}

/**
 * filter_add_commands - select rows by the name of the process
 * @filter: the filter
 * @list: names, and patterns for fnmatch()
 * @why: the reason of a failure
 */
bool filter_add_commands(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_command, filter, why);
}

/**
 * filter_add_protocols - select rows by protocol
 * @filter: the filter
 * @list: tcp, tcp4 and tcp6
 * @why: the reason of a failure
 */
bool filter_add_protocols(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_protocol, filter, why);
}

/**
 * filter_set_since - select rows by the time at which they were opened or closed
 * @filter: the filter
 * @text: the greatest age
 * @why: the reason of a failure
 */
bool filter_set_since(struct filter *filter, const char *text, char why[WHY_LEN])
{
	double seconds;

	if (!words_seconds(text, &seconds, why))
		return false;
	filter->since = seconds * 1e9;
	return true;
}

/**
 * filter_free - free the memory of a filter
 * @filter: the filter, not used afterwards
 */
void filter_free(struct filter *filter)
{
	while (filter->n_commands)
		free(filter->commands[--filter->n_commands]);
	free(filter->commands);
	free(filter->ports);
	free(filter->pids);
	free(filter->uids);
	free(filter->netns);
	free(filter->remotes);
}
