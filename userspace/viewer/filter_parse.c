// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which rows are shown: what the command line says of it. Each function returns
 * NULL, or what is wrong with the word as the rest of a sentence about it.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "filter.h"
#include "names.h"

#define NO_MEMORY "is one value more than there is memory for"
#define WORD_LEN 128

static bool number(const char *word, uint32_t max, uint32_t *value)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(word, &end, 10);
	*value = n;
	return isdigit((unsigned char)*word) && !*end && !errno && n <= max;
}

/* "N" or "N-M" */
static bool parse_range(const char *word, uint32_t max, struct range *range)
{
	char first[WORD_LEN];
	const char *dash = strchr(word, '-');

	if (!dash) {
		range->last = 0;
		if (!number(word, max, &range->first))
			return false;
		range->last = range->first;
		return true;
	}
	snprintf(first, sizeof(first), "%.*s", (int)(dash - word), word);
	return number(first, max, &range->first) && number(dash + 1, max, &range->last) &&
	       range->first <= range->last;
}

static const char *add_range(struct range **ranges, size_t *n, struct range range)
{
	struct range *more = reallocarray(*ranges, *n + 1, sizeof(*more));

	if (!more)
		return NO_MEMORY;
	more[(*n)++] = range;
	*ranges = more;
	return NULL;
}

/* Calls @add for each word of a list with commas in between. */
static const char *each_word(struct filter *filter, const char *list,
			     const char *(*add)(struct filter *filter, const char *word))
{
	const char *wrong = NULL;
	char word[WORD_LEN];

	while (!wrong) {
		size_t len = strcspn(list, ",");

		if (!len || len >= sizeof(word))
			return "has a word that is empty or too long";
		memcpy(word, list, len);
		word[len] = '\0';
		wrong = add(filter, word);
		if (!list[len])
			break;
		list += len + 1;
	}
	return wrong;
}

static const char *add_port(struct filter *filter, const char *word)
{
	struct range range;

	if (!parse_range(word, 65535, &range))
		return "is not a list of ports and ranges, as 80,443,8000-8100";
	return add_range(&filter->ports, &filter->n_ports, range);
}

static const char *add_pid(struct filter *filter, const char *word)
{
	struct range range;

	if (!parse_range(word, INT32_MAX, &range))
		return "is not a list of process ids";
	return add_range(&filter->pids, &filter->n_pids, range);
}

static const char *add_user(struct filter *filter, const char *word)
{
	struct range range;

	if (!names_uid(word, &range.first))
		return "is not a user's name or number";
	range.last = range.first;
	return add_range(&filter->uids, &filter->n_uids, range);
}

static const char *add_state(struct filter *filter, const char *word)
{
	unsigned int state;

	for (state = SOCKSTAT_ESTABLISHED; state <= SOCKSTAT_UNCONN; state++) {
		if (!strcasecmp(word, sockstat_state_name(state))) {
			filter->states |= 1u << state;
			return NULL;
		}
	}
	return "is not a list of states, as established,close_wait";
}

/**
 * filter_add_ports - show rows of these local or remote ports
 * @filter: added to
 * @list: numbers and ranges, with commas in between
 */
const char *filter_add_ports(struct filter *filter, const char *list)
{
	return each_word(filter, list, add_port);
}

/**
 * filter_add_pids - show rows of these processes
 * @filter: added to
 * @list: numbers and ranges, with commas in between
 */
const char *filter_add_pids(struct filter *filter, const char *list)
{
	return each_word(filter, list, add_pid);
}

/**
 * filter_add_users - show rows of these users' sockets
 * @filter: added to
 * @list: names and numbers, with commas in between
 */
const char *filter_add_users(struct filter *filter, const char *list)
{
	return each_word(filter, list, add_user);
}

/**
 * filter_add_states - show rows in these states
 * @filter: added to
 * @list: names, with commas in between
 */
const char *filter_add_states(struct filter *filter, const char *list)
{
	return each_word(filter, list, add_state);
}

/* NULL and the number of the network namespace that a file is, or what is wrong */
static const char *netns_of(const char *path, uint32_t *inode)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct statfs fs;
	struct stat st;
	bool is;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return "may not be looked at: that needs root";
	/* the number of that ioctl may mean anything to a file that is no namespace */
	is = fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == NSFS_MAGIC &&
	     ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET && !fstat(fd, &st);
	if (is)
		*inode = st.st_ino;
	if (fd >= 0)
		close(fd);
	return is ? NULL :
		    "is not a network namespace: its number, its file or its name for ip netns";
}

/**
 * filter_add_netns - show rows of a network namespace
 * @filter: added to
 * @word: its inode's number, a file of it as /proc/PID/ns/net, or its name for ip netns
 */
const char *filter_add_netns(struct filter *filter, const char *word)
{
	struct range range = { 0, 0 };
	const char *wrong = NULL;
	char path[PATH_MAX];

	if (!number(word, UINT32_MAX, &range.first)) {
		snprintf(path, sizeof(path), "%s%s", strchr(word, '/') ? "" : "/run/netns/", word);
		wrong = netns_of(path, &range.first);
	}
	range.last = range.first;
	return wrong ? wrong : add_range(&filter->netns, &filter->n_netns, range);
}

/**
 * filter_add_command - show rows of the processes of a name
 * @filter: added to
 * @pattern: the name, or a pattern as the shell has them; has to live on
 */
const char *filter_add_command(struct filter *filter, const char *pattern)
{
	const char **more = reallocarray(filter->commands, filter->n_commands + 1, sizeof(*more));

	if (!more)
		return NO_MEMORY;
	more[filter->n_commands++] = pattern;
	filter->commands = more;
	return NULL;
}

/* Cuts "%SCOPE" off an IPv6 address. */
static bool cut_scope(char *text, struct network *net)
{
	char *percent = strchr(text, '%');

	if (!percent || net->family != AF_INET6)
		return true;
	*percent++ = '\0';
	if (!*percent || strlen(percent) >= sizeof(net->scope))
		return false;
	strcpy(net->scope, percent);
	return true;
}

/* "ADDRESS" or "ADDRESS/BITS" */
static bool parse_cidr(char *text, struct network *net)
{
	char *slash = strchr(text, '/');
	uint32_t bits;

	net->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	net->bits = net->family == AF_INET ? 32 : 128;
	if (slash) {
		*slash = '\0';
		if (!number(slash + 1, net->bits, &bits))
			return false;
		net->bits = bits;
	}
	return cut_scope(text, net) && inet_pton(net->family, text, net->addr) == 1;
}

/* Cuts ":PORT" or ":FIRST-LAST" off; the colons of a bare IPv6 address are not meant. */
static bool cut_port(char *text, struct range *port)
{
	char *colon = strrchr(text, ':');
	bool bare = colon && colon != strchr(text, ':') && text[0] != '[';

	*port = (struct range){ 0, 65535 };
	if (!colon || bare || strchr(colon, ']'))
		return true;
	*colon = '\0';
	return parse_range(colon + 1, 65535, port);
}

/**
 * filter_add_remote - show rows of these peers
 * @filter: added to
 * @text: ADDRESS, ADDRESS/BITS or nothing; then :PORT, :FIRST-LAST or nothing;
 *	an IPv6 address before a port stands in [], with or without its /BITS, and
 *	may have a %SCOPE
 */
const char *filter_add_remote(struct filter *filter, const char *text)
{
	static const char wrong[] =
		"is not a peer: as 192.0.2.0/24, 192.0.2.1:443, [2001:db8::]/32:443 or :8000-8100";
	struct network net = { .family = AF_UNSPEC }, *more;
	char copy[WORD_LEN], *addr = copy, *bracket;

	if (strlen(text) >= sizeof(copy) || !*text)
		return wrong;
	strcpy(copy, text);
	if (!cut_port(copy, &net.port))
		return wrong;
	if (*addr == '[') {
		bracket = strchr(addr++, ']');
		if (!bracket || (bracket[1] && bracket[1] != '/'))
			return wrong;
		memmove(bracket, bracket + 1, strlen(bracket));
	}
	if (*addr && strcmp(addr, "*") && !parse_cidr(addr, &net))
		return wrong;
	more = reallocarray(filter->remotes, filter->n_remotes + 1, sizeof(*more));
	if (!more)
		return NO_MEMORY;
	more[filter->n_remotes++] = net;
	filter->remotes = more;
	return NULL;
}

/**
 * parse_seconds - read a length of time
 * @text: a number, with or without s, m, h or d after it
 * @seconds: how long it is
 *
 * Return: NULL, or what is wrong.
 */
const char *parse_seconds(const char *text, double *seconds)
{
	static const char wrong[] = "is not a time, as 10, 0.5s, 5m, 2h or 1d";
	double unit = 1;
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return wrong;
	*seconds = strtod(text, &end);
	if (end == text || strlen(end) > 1)
		return wrong;
	switch (*end) {
	case '\0':
	case 's':
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	default:
		return wrong;
	}
	*seconds *= unit;
	return isfinite(*seconds) && *seconds < 1e9 ? NULL : wrong;
}

/**
 * filter_set_since - show only what was opened or closed of late
 * @filter: changed
 * @text: how late
 */
const char *filter_set_since(struct filter *filter, const char *text)
{
	double seconds;
	const char *wrong = parse_seconds(text, &seconds);

	if (!wrong)
		filter->since = seconds * 1e9;
	return wrong;
}

/**
 * filter_free - give its memory back
 * @filter: what was added to
 */
void filter_free(struct filter *filter)
{
	free(filter->ports);
	free(filter->pids);
	free(filter->uids);
	free(filter->netns);
	free(filter->commands);
	free(filter->remotes);
}
