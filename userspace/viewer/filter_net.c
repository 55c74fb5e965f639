// SPDX-License-Identifier: GPL-2.0-only
/* The selection of rows: peers and network namespaces. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "filter.h"

#define PEER_LEN 128
#define NETNS_DIR "/run/netns/" /* ip netns keeps a file for each name here */

/* Store the inode number of a network namespace, given a file of it. */
static bool netns_inode(const char *word, const char *path, uint32_t *inode, char *why)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct statfs fs;
	struct stat st;
	bool is_netns;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return words_wrong(why, "\"%.200s\" cannot be opened: that needs root", word);
	/* other file systems may give the number of this ioctl another meaning */
	is_netns = fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == NSFS_MAGIC &&
		   ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET && !fstat(fd, &st);
	if (is_netns)
		*inode = st.st_ino;
	if (fd >= 0)
		close(fd);
	return is_netns ||
	       words_wrong(why,
			   "\"%.200s\" is not a network namespace: give its number, its "
			   "file, as /proc/PID/ns/net, or its name in ip netns",
			   word);
}

static bool add_netns(void *to, const char *word, char *why)
{
	struct filter *filter = to;
	struct range range = { 0, 0 };
	char path[WORD_LEN + sizeof(NETNS_DIR)];

	if (!words_number(word, UINT32_MAX, &range.first)) {
		snprintf(path, sizeof(path), "%s%s", strchr(word, '/') ? "" : NETNS_DIR, word);
		if (!netns_inode(word, path, &range.first, why))
			return false;
	}
	range.last = range.first;
	return filter_add_range(&filter->netns, &filter->n_netns, range, why);
}

/**
 * filter_add_netns - select rows by network namespace
 * @filter: the filter
 * @list: inode numbers, paths such as /proc/PID/ns/net, and names of ip netns
 * @why: the reason of a failure
 */
bool filter_add_netns(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_netns, filter, why);
}

static bool wrong_peer(const char *word, char *why)
{
	return words_wrong(why,
			   "\"%.200s\" is not an address: write 192.0.2.0/24, 192.0.2.1:443, "
			   "[2001:db8::]/32:443 or :8000-8100; names of hosts are not looked up",
			   word);
}

/* Cut "%SCOPE" off an IPv6 address. */
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

/* Read "ADDRESS" or "ADDRESS/BITS". */
static bool parse_cidr(const char *word, char *text, struct network *net, char *why)
{
	char *slash = strchr(text, '/');

	net->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	net->bits = net->family == AF_INET ? 32 : 128;
	if (slash)
		*slash = '\0';
	if (!cut_scope(text, net) || inet_pton(net->family, text, net->addr) != 1)
		return wrong_peer(word, why);
	if (slash && !words_number(slash + 1, net->bits, &net->bits))
		return words_wrong(why, "\"%.200s\" has a wrong prefix length: it is 0 to %d", word,
				   net->family == AF_INET ? 32 : 128);
	return true;
}

/* Cut ":PORT" or ":FIRST-LAST" off; an IPv6 address without brackets has no port. */
static bool cut_port(char *text, struct range *port, char *why)
{
	char *colon = strrchr(text, ':');
	bool bare = colon && colon != strchr(text, ':') && text[0] != '[';

	*port = (struct range){ 0, 65535 };
	if (!colon || bare || strchr(colon, ']'))
		return true;
	*colon = '\0';
	return filter_port(colon + 1, port, why);
}

static bool add_remote(void *to, const char *word, char *why)
{
	struct filter *filter = to;
	struct network net = { .family = AF_UNSPEC }, *more;
	char copy[PEER_LEN], *addr = copy, *bracket;

	if (strlen(word) >= sizeof(copy))
		return wrong_peer(word, why);
	strcpy(copy, word);
	if (!cut_port(copy, &net.port, why))
		return false;
	if (*addr == '[') {
		bracket = strchr(addr++, ']');
		if (!bracket || (bracket[1] && bracket[1] != '/'))
			return wrong_peer(word, why);
		memmove(bracket, bracket + 1, strlen(bracket));
	}
	if (*addr && strcmp(addr, "*") && !parse_cidr(word, addr, &net, why))
		return false;
	more = reallocarray(filter->remotes, filter->n_remotes + 1, sizeof(*more));
	if (!more)
		return words_wrong(why, "there is not enough memory for one more address");
	more[filter->n_remotes++] = net;
	filter->remotes = more;
	return true;
}

/**
 * filter_add_remotes - select rows by peer
 * @filter: the filter
 * @list: each word is ADDRESS, ADDRESS/BITS or nothing, and then :PORT, :FIRST-LAST
 *	or nothing. An IPv6 address before a port is in [], with its /BITS inside or
 *	outside; it may have a %SCOPE
 * @why: the reason of a failure
 */
bool filter_add_remotes(struct filter *filter, const char *list, char why[WHY_LEN])
{
	return words_each(list, add_remote, filter, why);
}
