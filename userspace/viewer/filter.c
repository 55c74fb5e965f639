// SPDX-License-Identifier: GPL-2.0-only
/* The selection of the rows that are shown: the test of one row. */

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "display.h"
#include "filter.h"

#define LINE_LEN (16 * CELL_LEN) /* all cells that are searched */

static bool in_ranges(const struct range *ranges, size_t n, uint32_t value)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (value >= ranges[i].first && value <= ranges[i].last)
			return true;
	}
	return !n;
}

/* Return the address within its sockaddr; NULL for AF_UNSPEC. */
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

/* "*:*" has no port, not even 0. sin_port and sin6_port are at the same offset. */
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

/* Compare the printed scope: the machine that reads a saved table may lack the interface. */
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

/* A name without pattern characters also matches the 15 bytes of it that the kernel keeps. */
static bool is_truncated(const char *pattern, const char *comm)
{
	return strlen(comm) == KERNEL_COMM_LEN && strlen(pattern) > KERNEL_COMM_LEN &&
	       !strpbrk(pattern, "*?[\\") && !strncmp(pattern, comm, KERNEL_COMM_LEN);
}

/*
 * Match the pattern literally and as a glob, against the raw name and the escaped
 * one, and literally against the displayed one. (fnmatch() of older glibc fails on
 * bytes that are invalid in the locale; the escaped name still matches.)
 */
static bool has_command(const struct filter *filter, const struct sockstat_row *row)
{
	char shown[CELL_LEN];
	size_t i;

	if (filter->n_commands)
		display_text(row->comm, shown, sizeof(shown));
	for (i = 0; i < filter->n_commands; i++) {
		const char *pattern = filter->commands[i];

		if (!strcmp(pattern, row->comm) || !strcmp(pattern, row->comm_raw) ||
		    !strcmp(pattern, shown) || !fnmatch(pattern, row->comm, 0) ||
		    !fnmatch(pattern, row->comm_raw, 0) || is_truncated(pattern, row->comm))
			return true;
	}
	return !filter->n_commands;
}

/*
 * --state overrides the selection of kinds. A row that closed since the previous
 * snapshot is shown once more among the open ones: its bytes are part of the rates.
 */
static bool has_kind(const struct filter *filter, const struct entry *e)
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

/*
 * DURATION and AGO tell how long ago a row was opened and closed, even if the clock
 * has been set since. A table without these columns has the times only.
 */
static bool is_since(const struct filter *filter, const struct sockstat_row *row, int64_t now)
{
	if (filter->since >= 0 && row->ago >= 0)
		return row->ago <= filter->since;
	if (filter->since >= 0 && row->duration >= 0)
		return row->duration <= filter->since;
	return filter->since < 0 || (row->opened >= 0 && row->opened >= now - filter->since) ||
	       (row->closed >= 0 && row->closed >= now - filter->since);
}

static bool has_family(const struct filter *filter, const struct sockstat_row *row)
{
	return !filter->families || filter->families & (uint64_t)1 << row_family(row);
}

static bool is_loopback(const struct sockstat_addr *addr)
{
	const unsigned char *bytes = address_of(&addr->sa);

	if (addr->sa.ss_family == AF_INET)
		return bytes[0] == 127;
	return addr->sa.ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&addr->sa)->sin6_addr);
}

static void fold_case(const char *text, wchar_t *wide, size_t size)
{
	size_t n = mbstowcs(wide, text, size - 1), i;

	wide[n == (size_t)-1 ? 0 : n] = L'\0';
	for (i = 0; wide[i]; i++)
		wide[i] = towlower(wide[i]);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++) {
		if (*text & 0x80)
			return false;
	}
	return true;
}

/* strcasestr() folds ASCII only. */
static bool contains(const char *text, const char *part)
{
	wchar_t wide_text[LINE_LEN], wide_part[SEARCH_LEN];

	if (is_ascii(part))
		return strcasestr(text, part);
	fold_case(text, wide_text, LINE_LEN);
	fold_case(part, wide_part, SEARCH_LEN);
	return wide_part[0] && wcsstr(wide_text, wide_part);
}

/*
 * Search the cells as they are printed, with the names that are selected, and the
 * fields of /proc/sockstat of which a cell may show another text.
 */
static bool has_text(const struct filter *filter, const struct entry *e)
{
	const struct sockstat_row *row = e->row;
	char line[LINE_LEN], text[CELL_LEN];
	struct value value;
	size_t len = 0, i;

	if (!filter->search[0])
		return true;
	for (i = 0; i < ENTRY_COLUMNS; i++) {
		if (!(entry_columns[i].flags & COLUMN_SEARCH))
			continue;
		entry_columns[i].get(e, &value);
		column_text(&value, false, text);
		len += snprintf(line + len, sizeof(line) - len, "%s ", text);
	}
	snprintf(line + len, sizeof(line) - len, "%s %s %s", row->comm_raw, row->local.text,
		 row->remote.text);
	return contains(line, filter->search);
}

/**
 * filter_passes - test whether a row is shown
 * @filter: the filter
 * @e: the row
 * @now: the time of the snapshot, in ns since the epoch
 */
bool filter_passes(const struct filter *filter, const struct entry *e, int64_t now)
{
	const struct sockstat_row *row = e->row;

	return has_kind(filter, e) && has_family(filter, row) &&
	       !(filter->no_loopback && (is_loopback(&row->local) || is_loopback(&row->remote))) &&
	       (!filter->states || filter->states & 1u << row->state) && has_port(filter, row) &&
	       (!filter->n_pids || row->pid >= 0) &&
	       in_ranges(filter->pids, filter->n_pids, row->pid) &&
	       in_ranges(filter->uids, filter->n_uids, row->uid) &&
	       in_ranges(filter->netns, filter->n_netns, row->netns) && has_command(filter, row) &&
	       in_networks(filter, &row->remote) && is_since(filter, row, now) &&
	       has_text(filter, e);
}
