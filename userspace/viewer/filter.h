/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rows are shown. */
#ifndef VIEWER_FILTER_H
#define VIEWER_FILTER_H

#include <net/if.h>

#include "entry.h"

#define SEARCH_LEN 64

struct range {
	uint32_t first, last;
};

/* Addresses whose first @bits are those of @addr, of the ports in @port; empty @scope: any */
struct network {
	int family; /* AF_UNSPEC: any */
	unsigned char addr[16];
	unsigned int bits;
	char scope[IF_NAMESIZE];
	struct range port;
};

/* Which kinds of rows are shown; none of them: all that are open */
enum {
	KIND_CONNECTED = 1,
	KIND_LISTENING = 2,
	KIND_CLOSED = 4,
	KIND_ALL = 8,
};

/**
 * struct filter - which rows are shown
 * @kinds: of these kinds (KIND_*)
 * @families: 1 << AF_INET, 1 << AF_INET6 or both; 0: any
 * @ports: local or remote port
 * @pids: process
 * @uids: socket's owner
 * @netns: network namespace
 * @commands: patterns of the process's name
 * @remotes: the peer
 * @states: 1 << state; 0: any
 * @search: a part of what the row says, in any case; empty: any
 * @since: opened or closed at most so many ns before the snapshot; -1: whenever
 *
 * A row has to pass each, but only one value of each.
 */
struct filter {
	unsigned int kinds;
	uint64_t families;
	struct range *ports;
	size_t n_ports;
	struct range *pids;
	size_t n_pids;
	struct range *uids;
	size_t n_uids;
	struct range *netns;
	size_t n_netns;
	const char **commands;
	size_t n_commands;
	struct network *remotes;
	size_t n_remotes;
	unsigned int states;
	char search[SEARCH_LEN];
	int64_t since;
};

const char *filter_add_ports(struct filter *filter, const char *list);
const char *filter_add_pids(struct filter *filter, const char *list);
const char *filter_add_users(struct filter *filter, const char *list);
const char *filter_add_states(struct filter *filter, const char *list);
const char *filter_add_netns(struct filter *filter, const char *word);
const char *filter_add_command(struct filter *filter, const char *pattern);
const char *filter_add_remote(struct filter *filter, const char *text);
const char *filter_set_since(struct filter *filter, const char *text);
void filter_free(struct filter *filter);
const char *parse_seconds(const char *text, double *seconds);

bool filter_passes(const struct filter *filter, const struct entry *e, int64_t now);

#endif /* VIEWER_FILTER_H */
