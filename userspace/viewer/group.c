// SPDX-License-Identifier: GPL-2.0-only
/* The totals of the rows that have one command, user or remote host. */

#include <stdlib.h>
#include <strings.h>

#include "group.h"
#include "order.h"

static const char *const words[] = {
	[GROUP_COMMAND] = "command",
	[GROUP_USER] = "user",
	[GROUP_REMOTE] = "remote",
};

/**
 * group_parse - read the argument of --group-by
 * @word: command, user or remote, in any case
 * @by: the result
 *
 * Return: false if @word is none of these.
 */
bool group_parse(const char *word, enum group_by *by)
{
	size_t i;

	for (i = GROUP_COMMAND; i < ARRAY_SIZE(words); i++) {
		if (!strcasecmp(words[i], word)) {
			*by = i;
			return true;
		}
	}
	return false;
}

/**
 * group_word - get the argument of --group-by that selects a kind of group
 * @by: the kind, not GROUP_NONE
 *
 * Return: a static string.
 */
const char *group_word(enum group_by by)
{
	return words[by];
}

static void set_key(struct value *key, const struct sockstat_row *row, enum group_by by)
{
	switch (by) {
	case GROUP_NONE:
		key->kind = VALUE_NONE;
		break;
	case GROUP_COMMAND:
		row_command(row, key);
		break;
	case GROUP_USER:
		row_user(row, key);
		break;
	case GROUP_REMOTE:
		row_host(row, key);
		break;
	}
}

/* An entry and the value that it shares with the others of its group. */
struct member {
	const struct entry *e;
	struct value key;
};

/* The entries of one connection follow each other, so that connections can be counted. */
static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = column_compare(&x->key, &y->key);

	return order ? order : order_of(x->e->row->cookie, y->e->row->cookie);
}

/**
 * group_add - add a row to the totals
 * @group: the totals; the caller counts the connections
 * @e: the row
 */
void group_add(struct group *group, const struct entry *e)
{
	const struct sockstat_row *row = e->row;

	totals_add(&group->totals, &e->totals);
	group->row = row;
	group->descriptors++;
	group->tx_bytes += row->tx_bytes;
	group->rx_bytes += row->rx_bytes;
	group->tx_calls += row->tx_calls;
	group->rx_calls += row->rx_calls;
	/* the queues of a listener count connections */
	if (row->state == SOCKSTAT_LISTEN)
		return;
	group->tx_queue += row->tx_queue;
	group->rx_queue += row->rx_queue;
}

static bool begins_group(const struct member *members, size_t i)
{
	return !i || column_compare(&members[i].key, &members[i - 1].key);
}

static void add_members(struct group *groups, const struct member *members, size_t n)
{
	size_t i, used = 0;

	for (i = 0; i < n; i++) {
		const struct member *m = &members[i];
		bool first = begins_group(members, i);

		used += first;
		if (first || m->e->row->cookie != m[-1].e->row->cookie)
			groups[used - 1].connections++;
		group_add(&groups[used - 1], m->e);
	}
}

/**
 * group_make - compute the totals of rows
 * @entries: the rows, as pointers to struct entry
 * @n: the number of rows
 * @by: the kind of group, not GROUP_NONE
 * @n_groups: set to the number of groups
 *
 * Return: the groups, sorted by the value that their rows share; the caller frees
 * them. NULL if there is not enough memory.
 */
struct group *group_make(const void **entries, size_t n, enum group_by by, size_t *n_groups)
{
	struct member *members = calloc(n + 1, sizeof(*members));
	struct group *groups;
	size_t i;

	if (!members)
		return NULL;
	for (i = 0; i < n; i++) {
		members[i].e = entries[i];
		set_key(&members[i].key, members[i].e->row, by);
	}
	qsort(members, n, sizeof(*members), compare_members);
	*n_groups = 0;
	for (i = 0; i < n; i++)
		*n_groups += begins_group(members, i);
	groups = calloc(*n_groups + 1, sizeof(*groups));
	if (groups)
		add_members(groups, members, n);
	free(members);
	return groups;
}

#define GET(name, set)                                                  \
	static void get_##name(const void *record, struct value *value) \
	{                                                               \
		const struct group *group = record;                     \
                                                                        \
		set;                                                    \
	}

/* clang-format off */
GET(command, row_command(group->row, value))
GET(user, row_user(group->row, value))
GET(remote, row_host(group->row, value))
GET(uid, value_set_number(value, VALUE_NUMBER, group->row->uid))
GET(descriptors, value_set_number(value, VALUE_NUMBER, group->descriptors))
GET(connections, value_set_number(value, VALUE_NUMBER, group->connections))
GET(tx_bytes, value_set_number(value, VALUE_BYTES, group->tx_bytes))
GET(rx_bytes, value_set_number(value, VALUE_BYTES, group->rx_bytes))
GET(tx_calls, value_set_number(value, VALUE_NUMBER, group->tx_calls))
GET(rx_calls, value_set_number(value, VALUE_NUMBER, group->rx_calls))
GET(tx_queue, value_set_number(value, VALUE_BYTES, group->tx_queue))
GET(rx_queue, value_set_number(value, VALUE_BYTES, group->rx_queue))
/* clang-format on */

const struct view_column group_columns[GROUP_COLUMNS] = {
	{ "COMMAND", "COMMAND", 0, 10, get_command },
	{ "USER", "USER", 0, 8, get_user },
	{ "REMOTE", "FOREIGN HOST", 0, 21, get_remote },
	{ "UID", "UID", COLUMN_NUMBER, 0, get_uid },
	{ "DESCRIPTORS", "DESCRIPTORS", COLUMN_NUMBER, 0, get_descriptors },
	{ "CONNECTIONS", "CONNECTIONS", COLUMN_NUMBER | COLUMN_PAIR, 0, get_connections },
	TOTALS_COLUMNS,
	{ "TX_BYTES", "TX_BYTES", COLUMN_NUMBER, 0, get_tx_bytes },
	{ "RX_BYTES", "RX_BYTES", COLUMN_NUMBER | COLUMN_PAIR, 0, get_rx_bytes },
	{ "TX_CALLS", "TX_CALLS", COLUMN_NUMBER, 0, get_tx_calls },
	{ "RX_CALLS", "RX_CALLS", COLUMN_NUMBER | COLUMN_PAIR, 0, get_rx_calls },
	{ "TX_QUEUE", "TX_QUEUE", COLUMN_NUMBER, 0, get_tx_queue },
	{ "RX_QUEUE", "RX_QUEUE", COLUMN_NUMBER | COLUMN_PAIR, 0, get_rx_queue },
};

/**
 * group_has_column - test whether a kind of group has a column
 * @by: the kind, not GROUP_NONE
 * @column: one of group_columns
 *
 * COMMAND, USER and REMOTE belong to one kind each, and UID to that of USER.
 */
bool group_has_column(enum group_by by, const struct view_column *column)
{
	if (column->get == get_command)
		return by == GROUP_COMMAND;
	if (column->get == get_user || column->get == get_uid)
		return by == GROUP_USER;
	return column->get != get_remote || by == GROUP_REMOTE;
}
