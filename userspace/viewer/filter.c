// SPDX-License-Identifier: GPL-2.0-only
/* Which rows are shown: whether one passes. */

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "filter.h"

static bool in_ranges(const struct range *ranges, size_t n, uint32_t value)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (value >= ranges[i].first && value <= ranges[i].last)
			return true;
	}
	return !n;
}

/* Where an address begins in its sockaddr; NULL if it is none */
static const unsigned char *address_of(const struct sockaddr_storage *sa)
{
	switch (sa->ss_family) {
	case AF_INET:
		return (const void *)&((const struct sockaddr_in *)sa)->sin_addr;
	case AF_INET6:
		return (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
	}
	return NULL;
}

/* No address has no port, not even 0. The port's place is the same for both families. */
static bool in_ports(const struct range *ranges, size_t n, const struct sockaddr_storage *sa)
{
	return address_of(sa) &&
	       in_ranges(ranges, n, ntohs(((const struct sockaddr_in *)sa)->sin_port));
}

static bool has_port(const struct filter *filter, const struct sockstat_row *row)
{
	return !filter->n_ports || in_ports(filter->ports, filter->n_ports, &row->local.sa) ||
	       in_ports(filter->ports, filter->n_ports, &row->remote.sa);
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned int bits)
{
	unsigned int rest = bits % 8;

	if (memcmp(a, b, bits / 8))
		return false;
	return !rest || !((a[bits / 8] ^ b[bits / 8]) >> (8 - rest));
}

/* The scope as printed: its index is another one on another machine, or there is none. */
static bool has_scope(const struct sockstat_addr *addr, const char *scope)
{
	const char *percent = strchr(addr->text, '%');
	size_t len = strlen(scope);

	return percent && !strncmp(percent + 1, scope, len) &&
	       (percent[1 + len] == ']' || percent[1 + len] == ':');
}

static bool in_network(const struct network *net, const struct sockstat_addr *addr)
{
	const unsigned char *bytes = address_of(&addr->sa);

	if (!in_ports(&net->port, 1, &addr->sa) || (net->scope[0] && !has_scope(addr, net->scope)))
		return false;
	return net->family == AF_UNSPEC ||
	       (net->family == addr->sa.ss_family && same_bits(bytes, net->addr, net->bits));
}

static bool in_networks(const struct filter *filter, const struct sockstat_addr *addr)
{
	size_t i;

	for (i = 0; i < filter->n_remotes; i++) {
		if (in_network(&filter->remotes[i], addr))
			return true;
	}
	return !filter->n_remotes;
}

/*
 * A name may look like a pattern, and as printed it has escapes: both will do,
 * too. What is not text in this locale, older libraries match as printed only.
 */
static bool has_command(const struct filter *filter, const struct sockstat_row *row)
{
	size_t i;

	for (i = 0; i < filter->n_commands; i++) {
		const char *pattern = filter->commands[i];

		if (!strcmp(pattern, row->comm) || !strcmp(pattern, row->comm_raw) ||
		    !fnmatch(pattern, row->comm, 0) || !fnmatch(pattern, row->comm_raw, 0))
			return true;
	}
	return !filter->n_commands;
}

/*
 * A state that was asked for says all. What closed between two snapshots counts
 * among the open ones this once: its bytes are part of the rates.
 */
static bool of_kind(const struct filter *filter, const struct entry *e)
{
	const struct sockstat_row *row = e->row;
	bool closed = row->state == SOCKSTAT_CLOSED;
	bool connected = row->remote.sa.ss_family != AF_UNSPEC;

	if (filter->states || filter->kinds & KIND_ALL)
		return true;
	if (closed && filter->kinds & KIND_CLOSED)
		return true;
	if (closed && !e->just_closed)
		return false;
	if (connected && filter->kinds & KIND_CONNECTED)
		return true;
	if (row->state == SOCKSTAT_LISTEN && filter->kinds & KIND_LISTENING)
		return true;
	return !filter->kinds;
}

static bool is_since(const struct filter *filter, const struct sockstat_row *row, int64_t now)
{
	return filter->since < 0 || (row->opened >= 0 && row->opened >= now - filter->since) ||
	       (row->closed >= 0 && row->closed >= now - filter->since);
}

static bool of_family(const struct filter *filter, const struct sockstat_row *row)
{
	int family = row->local.sa.ss_family;

	if (family == AF_UNSPEC)
		family = row->remote.sa.ss_family;
	return !filter->families || filter->families & (uint64_t)1 << family;
}

/* What people see of a row */
static bool is_found(const struct filter *filter, const struct sockstat_row *row)
{
	char text[512];

	if (!filter->search[0])
		return true;
	snprintf(text, sizeof(text), "%s %d %d %s %s %s %s %s", row->comm_raw, row->pid, row->fd,
		 entry_proto(row), row->local.text, row->remote.text,
		 sockstat_state_name(row->state), row->error_text);
	return strcasestr(text, filter->search);
}

/**
 * filter_passes - whether a row is shown
 * @filter: which are
 * @e: the row
 * @now: when the snapshot was taken, ns since the epoch
 */
bool filter_passes(const struct filter *filter, const struct entry *e, int64_t now)
{
	const struct sockstat_row *row = e->row;

	return of_kind(filter, e) && of_family(filter, row) &&
	       (!filter->states || filter->states & 1u << row->state) && has_port(filter, row) &&
	       (!filter->n_pids || row->pid >= 0) &&
	       in_ranges(filter->pids, filter->n_pids, row->pid) &&
	       in_ranges(filter->uids, filter->n_uids, row->uid) &&
	       in_ranges(filter->netns, filter->n_netns, row->netns) && has_command(filter, row) &&
	       in_networks(filter, &row->remote) && is_since(filter, row, now) &&
	       is_found(filter, row);
}
