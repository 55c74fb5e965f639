// SPDX-License-Identifier: GPL-2.0-only
/* Totals of rows that have something in common. */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "names.h"
#include "order.h"

static const char *const words[] = {
	[GROUP_COMMAND] = "command",
	[GROUP_USER] = "user",
	[GROUP_REMOTE] = "remote",
};

/**
 * group_parse - what to group by
 * @word: command, user or remote
 *
 * Return: one of the enum; GROUP_NONE for any other word.
 */
enum group_by group_parse(const char *word)
{
	size_t i;

	for (i = GROUP_COMMAND; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i], word))
			return i;
	}
	return GROUP_NONE;
}

/**
 * group_word - the word for a way to group
 * @by: not GROUP_NONE
 *
 * Return: a static string.
 */
const char *group_word(enum group_by by)
{
	return words[by];
}

/* The peer's host: one group whatever its port; false if there is none */
static bool host_name(const struct sockstat_addr *addr, char *name)
{
	const char *colon = strrchr(addr->text, ':');

	if (addr->sa.ss_family == AF_UNSPEC || !colon)
		return false;
	snprintf(name, CELL_LEN, "%.*s", (int)(colon - addr->text), addr->text);
	return true;
}

/* False if there is no such name: a process may be called "-", too. */
static bool name_of(const struct entry *e, enum group_by by, char *name)
{
	const struct sockstat_row *row = e->row;

	strcpy(name, "-");
	switch (by) {
	case GROUP_NONE:
		break;
	case GROUP_COMMAND:
		snprintf(name, CELL_LEN, "%s", row->comm);
		return row->pid >= 0 || strcmp(name, "-");
	case GROUP_USER:
		if (names_resolved())
			snprintf(name, CELL_LEN, "%s", names_user(row->uid));
		else
			snprintf(name, CELL_LEN, "%u", row->uid);
		return true;
	case GROUP_REMOTE:
		return host_name(&row->remote, name);
	}
	return false;
}

/* An entry and its group's name, to be sorted by name and connection. */
struct member {
	const struct entry *e;
	char *name;
	bool none;
};

/* Those without a name come first. */
static int compare_names(const struct member *x, const struct member *y)
{
	return x->none != y->none ? y->none - x->none : strcmp(x->name, y->name);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = compare_names(x, y);
	uint64_t i = x->e->row->cookie, j = y->e->row->cookie;

	return order ? order : order_of(i, j);
}

/**
 * group_add - count a row in
 * @group: where; its connections are the caller's to count
 * @e: the row
 */
void group_add(struct group *group, const struct entry *e)
{
	const struct sockstat_row *row = e->row;

	group->descriptors++;
	totals_add(&group->totals, &e->totals);
	group->tx_bytes += row->tx_bytes;
	group->rx_bytes += row->rx_bytes;
	group->tx_calls += row->tx_calls;
	group->rx_calls += row->rx_calls;
	group->tx_queue += row->tx_queue;
	group->rx_queue += row->rx_queue;
}

static size_t sum_up(struct group *groups, const struct member *members, size_t n)
{
	size_t i, used = 0;

	for (i = 0; i < n; i++) {
		const struct member *m = &members[i];
		bool first = !i || compare_names(m, m - 1);

		if (first) {
			groups[used].none = m->none;
			snprintf(groups[used++].name, CELL_LEN, "%s", m->name);
		}
		if (first || m->e->row->cookie != m[-1].e->row->cookie)
			groups[used - 1].connections++;
		group_add(&groups[used - 1], m->e);
	}
	return used;
}

static size_t count_names(const struct member *members, size_t n)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++)
		count += !i || compare_names(&members[i], &members[i - 1]);
	return count;
}

/**
 * group_make - sum up
 * @entries: of what
 * @n: how many
 * @by: what those of one group have in common
 * @n_groups: how many groups there are
 *
 * Return: the groups by name, for the caller to free; NULL for want of memory.
 */
struct group *group_make(const void **entries, size_t n, enum group_by by, size_t *n_groups)
{
	struct member *members = calloc(n + 1, sizeof(*members));
	struct group *groups = NULL;
	char name[CELL_LEN];
	bool whole = members;
	size_t i;

	for (i = 0; whole && i < n; i++) {
		bool named = name_of(entries[i], by, name);

		members[i] = (struct member){ entries[i], strdup(name), !named };
		whole = members[i].name;
	}
	if (whole) {
		qsort(members, n, sizeof(*members), compare_members);
		groups = calloc(count_names(members, n) + 1, sizeof(*groups));
	}
	if (groups)
		*n_groups = sum_up(groups, members, n);
	for (i = 0; members && i < n; i++)
		free(members[i].name);
	free(members);
	return groups;
}

static void get_name(const void *record, struct value *value)
{
	const struct group *group = record;

	value->kind = group->none ? VALUE_NONE : VALUE_TEXT;
	value->text = group->name;
}

static void get_user(const void *record, struct value *value)
{
	const struct group *group = record;

	get_name(record, value);
	if (names_resolved())
		return;
	value->kind = VALUE_NUMBER;
	value->number = strtoul(group->name, NULL, 10);
}

#define GET_NUMBER(name, number_kind, what)                             \
	static void get_##name(const void *record, struct value *value) \
	{                                                               \
		const struct group *group = record;                     \
                                                                        \
		value->kind = number_kind;                              \
		value->number = what;                                   \
	}

/* clang-format off */
GET_NUMBER(descriptors, VALUE_NUMBER, group->descriptors)
GET_NUMBER(connections, VALUE_NUMBER, group->connections)
GET_NUMBER(tx_bytes, VALUE_BYTES, group->tx_bytes)
GET_NUMBER(rx_bytes, VALUE_BYTES, group->rx_bytes)
GET_NUMBER(tx_calls, VALUE_NUMBER, group->tx_calls)
GET_NUMBER(rx_calls, VALUE_NUMBER, group->rx_calls)
GET_NUMBER(tx_queue, VALUE_BYTES, group->tx_queue)
GET_NUMBER(rx_queue, VALUE_BYTES, group->rx_queue)
/* clang-format on */

/* The first three are one column under three names: what is grouped by. */
const struct view_column group_columns[GROUP_COLUMNS] = {
	{ "COMMAND", "COMMAND", 0, 10, 0, get_name },
	{ "USER", "USER", COLUMN_USER, 8, 0, get_user },
	{ "REMOTE", "FOREIGN HOST", 0, 21, 0, get_name },
	{ "DESCRIPTORS", "DESCRIPTORS", COLUMN_NUMBER, 0, 0, get_descriptors },
	{ "CONNECTIONS", "CONNECTIONS", COLUMN_NUMBER, 0, 0, get_connections },
	TOTALS_COLUMNS,
	{ "TX_BYTES", "TX_BYTES", COLUMN_NUMBER, 0, 0, get_tx_bytes },
	{ "RX_BYTES", "RX_BYTES", COLUMN_NUMBER, 0, 0, get_rx_bytes },
	{ "TX_CALLS", "TX_CALLS", COLUMN_NUMBER, 0, 0, get_tx_calls },
	{ "RX_CALLS", "RX_CALLS", COLUMN_NUMBER, 0, 0, get_rx_calls },
	{ "TX_QUEUE", "TX_QUEUE", COLUMN_NUMBER, 0, 0, get_tx_queue },
	{ "RX_QUEUE", "RX_QUEUE", COLUMN_NUMBER, 0, 0, get_rx_queue },
};
