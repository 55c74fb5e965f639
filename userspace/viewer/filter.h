/* SPDX-License-Identifier: GPL-2.0-only */
/* The selection of the rows that are shown. */
#ifndef VIEWER_FILTER_H
#define VIEWER_FILTER_H

#include <net/if.h>

#include "entry.h"
#include "words.h"

#define SEARCH_LEN 64
#define KERNEL_COMM_LEN 15 /* TASK_COMM_LEN without the terminating NUL */

/**
 * struct network - the peers that one word of --remote selects
 * @family: AF_INET or AF_INET6; AF_UNSPEC for any address
 * @addr: the address, of which the first @bits count
 * @bits: the length of the prefix
 * @scope: the interface of a link-local address; empty for any
 * @port: the ports
 */
struct network {
	int family;
	unsigned char addr[16];
	unsigned int bits;
	char scope[IF_NAMESIZE];
	struct range port;
};

/* The kinds of rows that are shown; 0 selects all open ones */
enum {
	KIND_CONNECTED = 1,
	KIND_LISTENING = 2,
	KIND_CLOSED = 4,
	KIND_ALL = 8,
};

/**
 * struct filter - the selection of the rows that are shown
 * @kinds: KIND_*
 * @families: 1 << AF_INET, 1 << AF_INET6 or both; 0: any
 * @no_loopback: hide rows with a loopback address on either side
 * @ports: local or remote ports
 * @n_ports: the number of @ports
 * @pids: processes
 * @n_pids: the number of @pids
 * @uids: owners of the socket
 * @n_uids: the number of @uids
 * @netns: network namespaces
 * @n_netns: the number of @netns
 * @commands: names of processes, or patterns of names
 * @n_commands: the number of @commands
 * @remotes: peers
 * @n_remotes: the number of @remotes
 * @states: 1 << state; 0: any
 * @search: a part of the text of the row, in any case; empty: any
 * @since: show rows opened or closed at most this many ns before the snapshot; -1: all
 *
 * A row passes if it passes each member; it passes an array if it matches any one
 * of its elements, or the array is empty.
 */
struct filter {
	unsigned int kinds;
	uint64_t families;
	bool no_loopback;
	struct range *ports;
	size_t n_ports;
	struct range *pids;
	size_t n_pids;
	struct range *uids;
	size_t n_uids;
	struct range *netns;
	size_t n_netns;
	char **commands;
	size_t n_commands;
	struct network *remotes;
	size_t n_remotes;
	unsigned int states;
	char search[SEARCH_LEN];
	int64_t since;
};

/* filter_parse.c; false: @why has the reason */
bool filter_add_ports(struct filter *filter, const char *list, char why[WHY_LEN]);
bool filter_add_pids(struct filter *filter, const char *list, char why[WHY_LEN]);
bool filter_add_users(struct filter *filter, const char *list, char why[WHY_LEN]);
bool filter_add_commands(struct filter *filter, const char *list, char why[WHY_LEN]);
bool filter_add_protocols(struct filter *filter, const char *list, char why[WHY_LEN]);
bool filter_set_since(struct filter *filter, const char *text, char why[WHY_LEN]);
bool filter_add_range(struct range **ranges, size_t *n, struct range range, char why[WHY_LEN]);
bool filter_port(const char *word, struct range *range, char why[WHY_LEN]);
void filter_free(struct filter *filter);

/* filter_state.c */
bool filter_add_states(struct filter *filter, const char *list, char why[WHY_LEN]);
void filter_print_states(void);

/* filter_net.c */
bool filter_add_remotes(struct filter *filter, const char *list, char why[WHY_LEN]);
bool filter_add_netns(struct filter *filter, const char *list, char why[WHY_LEN]);

bool filter_passes(const struct filter *filter, const struct entry *e, int64_t now);

#endif /* VIEWER_FILTER_H */
