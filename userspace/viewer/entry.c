// SPDX-License-Identifier: GPL-2.0-only
/* The columns of a row: those of /proc/sockstat, and those computed from them. */

#include "entry.h"
#include "names.h"

static const struct sockstat_row *row_of(const void *record)
{
	return ((const struct entry *)record)->row;
}

static void set_text(struct value *value, const char *text)
{
	value->kind = text[0] == '-' && !text[1] ? VALUE_NONE : VALUE_TEXT;
	value->text = text;
}

/* PID and FD are -1 where the table has "-" */
static void set_id(struct value *value, int64_t id)
{
	value_set_number(value, id < 0 ? VALUE_NONE : VALUE_NUMBER, id);
}

static void set_time(struct value *value, int64_t time)
{
	value->kind = time < 0 ? VALUE_NONE : VALUE_TIME;
	value->time = time;
}

static void set_span(struct value *value, int64_t span)
{
	value->kind = span < 0 ? VALUE_NONE : VALUE_SPAN;
	value->time = span;
}

/* The queues of a listener count connections. */
static void set_queue(struct value *value, const struct sockstat_row *row, uint64_t queue)
{
	value_set_number(value, row->state == SOCKSTAT_LISTEN ? VALUE_NUMBER : VALUE_BYTES, queue);
}

static void set_addr(struct value *value, const struct sockstat_addr *addr)
{
	value->kind = VALUE_ADDR;
	value->text = addr->text;
	value->sa = &addr->sa;
	value->service = names_service(&addr->sa);
}

/**
 * row_family - get the address family of a row
 * @row: the row
 *
 * Return: AF_INET or AF_INET6; AF_UNSPEC for a socket that has no address yet.
 */
int row_family(const struct sockstat_row *row)
{
	return row->local.sa.ss_family == AF_UNSPEC ? row->remote.sa.ss_family :
						      row->local.sa.ss_family;
}

static void set_proto(struct value *value, const struct sockstat_row *row)
{
	int family = row_family(row);

	set_text(value, family == AF_INET ? "tcp4" : family == AF_INET6 ? "tcp6" : "tcp");
}

/**
 * row_command - store the value of COMMAND
 * @row: the row
 * @value: the result; VALUE_NONE if the row has no process
 *
 * The name of a process may be "-", too.
 */
void row_command(const struct sockstat_row *row, struct value *value)
{
	set_text(value, row->comm);
	if (row->pid >= 0)
		value->kind = VALUE_TEXT;
}

/**
 * row_user - store the value of USER
 * @row: the row
 * @value: the result
 */
void row_user(const struct sockstat_row *row, struct value *value)
{
	value->kind = VALUE_USER;
	value->uid = row->uid;
	value->user = names_user(row->uid);
}

/**
 * row_host - store the remote address without its port
 * @row: the row
 * @value: the result; VALUE_NONE if the socket has no peer
 */
void row_host(const struct sockstat_row *row, struct value *value)
{
	set_addr(value, &row->remote);
	value->kind = row->remote.sa.ss_family == AF_UNSPEC ? VALUE_NONE : VALUE_HOST;
}

#define GET(name, set)                                                  \
	static void get_##name(const void *record, struct value *value) \
	{                                                               \
		const struct sockstat_row *row = row_of(record);        \
                                                                        \
		set;                                                    \
	}

/* clang-format off */
GET(pid, set_id(value, row->pid))
GET(fd, set_id(value, row->fd))
GET(user, row_user(row, value))
GET(command, row_command(row, value))
GET(proto, set_proto(value, row))
GET(local, set_addr(value, &row->local))
GET(remote, set_addr(value, &row->remote))
GET(state, set_text(value, sockstat_state_name(row->state)))
GET(role, set_text(value, sockstat_role_name(row->role)))
GET(tx_bytes, value_set_number(value, VALUE_BYTES, row->tx_bytes))
GET(rx_bytes, value_set_number(value, VALUE_BYTES, row->rx_bytes))
GET(tx_calls, value_set_number(value, VALUE_NUMBER, row->tx_calls))
GET(rx_calls, value_set_number(value, VALUE_NUMBER, row->rx_calls))
GET(tx_queue, set_queue(value, row, row->tx_queue))
GET(rx_queue, set_queue(value, row, row->rx_queue))
GET(opened, set_time(value, row->opened))
GET(closed, set_time(value, row->closed))
GET(duration, set_span(value, row->duration))
GET(ago, set_span(value, row->ago))
GET(error, set_text(value, row->error_text))
GET(uid, value_set_number(value, VALUE_NUMBER, row->uid))
GET(euid, set_id(value, row->euid))
GET(netns, value_set_number(value, VALUE_NUMBER, row->netns))
GET(inode, value_set_number(value, row->inode ? VALUE_NUMBER : VALUE_NONE, row->inode))
GET(cookie, value_set_number(value, VALUE_HEX, row->cookie))
/* clang-format on */

/* --columns all shows them in this order. */
const struct view_column entry_columns[ENTRY_COLUMNS] = {
	{ "USER", "USER", COLUMN_SEARCH, 8, get_user },
	{ "COMMAND", "COMMAND", COLUMN_SEARCH, 10, get_command },
	{ "PID", "PID", COLUMN_NUMBER | COLUMN_SEARCH, 0, get_pid },
	{ "FD", "FD", COLUMN_NUMBER | COLUMN_SEARCH, 0, get_fd },
	{ "PROTO", "PROTO", COLUMN_SEARCH, 0, get_proto },
	{ "LOCAL", "LOCAL ADDRESS", COLUMN_SEARCH, 21, get_local },
	{ "REMOTE", "FOREIGN ADDRESS", COLUMN_SEARCH, 21, get_remote },
	{ "STATE", "STATE", COLUMN_STATE | COLUMN_SEARCH, 0, get_state },
	{ "ROLE", "ROLE", COLUMN_SEARCH, 0, get_role },
	{ "ERROR", "ERROR", COLUMN_ERROR | COLUMN_SEARCH, 0, get_error },
	TOTALS_COLUMNS,
	{ "TX_BYTES", "TX_BYTES", COLUMN_NUMBER, 0, get_tx_bytes },
	{ "RX_BYTES", "RX_BYTES", COLUMN_NUMBER | COLUMN_PAIR, 0, get_rx_bytes },
	{ "TX_CALLS", "TX_CALLS", COLUMN_NUMBER, 0, get_tx_calls },
	{ "RX_CALLS", "RX_CALLS", COLUMN_NUMBER | COLUMN_PAIR, 0, get_rx_calls },
	{ "TX_QUEUE", "TX_QUEUE", COLUMN_NUMBER, 0, get_tx_queue },
	{ "RX_QUEUE", "RX_QUEUE", COLUMN_NUMBER | COLUMN_PAIR, 0, get_rx_queue },
	{ "OPENED", "OPENED", COLUMN_NUMBER, 0, get_opened },
	{ "CLOSED", "CLOSED", COLUMN_NUMBER | COLUMN_PAIR, 0, get_closed },
	{ "DURATION", "DURATION", COLUMN_NUMBER, 0, get_duration },
	{ "AGO", "AGO", COLUMN_NUMBER | COLUMN_PAIR, 0, get_ago },
	{ "UID", "UID", COLUMN_NUMBER, 0, get_uid },
	{ "EUID", "EUID", COLUMN_NUMBER | COLUMN_PAIR, 0, get_euid },
	{ "NETNS", "NETNS", COLUMN_NUMBER, 0, get_netns },
	{ "INODE", "INODE", COLUMN_NUMBER, 0, get_inode },
	{ "COOKIE", "COOKIE", COLUMN_NUMBER | COLUMN_PAIR, 0, get_cookie },
};
