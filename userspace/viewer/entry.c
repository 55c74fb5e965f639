// SPDX-License-Identifier: GPL-2.0-only
/* The columns of a row: those of /proc/sockstat, and what follows from them. */

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

static void set_number(struct value *value, enum value_kind kind, uint64_t number)
{
	value->kind = kind;
	value->number = number;
}

/* -1 is "-" in all columns that may be without a value */
static void set_id(struct value *value, int64_t id)
{
	set_number(value, id < 0 ? VALUE_NONE : VALUE_NUMBER, id);
}

static void set_time(struct value *value, int64_t time)
{
	value->kind = time < 0 ? VALUE_NONE : VALUE_TIME;
	value->time = time;
}

static void set_addr(struct value *value, const struct sockstat_addr *addr)
{
	value->kind = VALUE_ADDR;
	value->text = addr->text;
	value->sa = &addr->sa;
	value->service = names_resolved() && addr->sa.ss_family != AF_UNSPEC ?
				 names_service(&addr->sa) :
				 NULL;
}

/**
 * entry_proto - the protocol of a row, as FreeBSD's sockstat names it
 * @row: which
 *
 * Return: a static string; without a family where there is no address yet.
 */
const char *entry_proto(const struct sockstat_row *row)
{
	int family = row->local.sa.ss_family;

	if (family == AF_UNSPEC)
		family = row->remote.sa.ss_family;
	return family == AF_INET ? "tcp4" : family == AF_INET6 ? "tcp6" : "tcp";
}

static void get_user(const void *record, struct value *value)
{
	uint32_t uid = row_of(record)->uid;

	if (names_resolved())
		set_text(value, names_user(uid));
	else
		set_number(value, VALUE_NUMBER, uid);
}

/* A process may be called "-", too. */
static void get_command(const void *record, struct value *value)
{
	const struct sockstat_row *row = row_of(record);

	set_text(value, row->comm);
	if (row->pid >= 0)
		value->kind = VALUE_TEXT;
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
GET(proto, set_text(value, entry_proto(row)))
GET(local, set_addr(value, &row->local))
GET(remote, set_addr(value, &row->remote))
GET(state, set_text(value, sockstat_state_name(row->state)))
GET(role, set_text(value, sockstat_role_name(row->role)))
GET(tx_bytes, set_number(value, VALUE_BYTES, row->tx_bytes))
GET(rx_bytes, set_number(value, VALUE_BYTES, row->rx_bytes))
GET(tx_calls, set_number(value, VALUE_NUMBER, row->tx_calls))
GET(rx_calls, set_number(value, VALUE_NUMBER, row->rx_calls))
GET(tx_queue, set_number(value, VALUE_BYTES, row->tx_queue))
GET(rx_queue, set_number(value, VALUE_BYTES, row->rx_queue))
GET(opened, set_time(value, row->opened))
GET(closed, set_time(value, row->closed))
GET(error, set_text(value, row->error_text))
GET(uid, set_number(value, VALUE_NUMBER, row->uid))
GET(netns, set_number(value, VALUE_NUMBER, row->netns))
GET(inode, set_number(value, row->inode ? VALUE_NUMBER : VALUE_NONE, row->inode))
GET(cookie, set_number(value, VALUE_HEX, row->cookie))
/* clang-format on */

/* In the order of --columns all. */
const struct view_column entry_columns[ENTRY_COLUMNS] = {
	{ "USER", "USER", COLUMN_USER, 8, 0, get_user },
	{ "COMMAND", "COMMAND", 0, 10, 0, get_command },
	{ "PID", "PID", COLUMN_NUMBER, 0, 0, get_pid },
	{ "FD", "FD", COLUMN_NUMBER, 0, 72, get_fd },
	{ "PROTO", "PROTO", 0, 0, 0, get_proto },
	{ "LOCAL", "LOCAL ADDRESS", 0, 21, 116, get_local },
	{ "REMOTE", "FOREIGN ADDRESS", 0, 21, 0, get_remote },
	{ "STATE", "STATE", COLUMN_STATE, 0, 90, get_state },
	{ "ROLE", "ROLE", 0, 0, 100, get_role },
	{ "ERROR", "ERROR", COLUMN_STATE, 0, 0, get_error },
	TOTALS_COLUMNS,
	{ "TX_BYTES", "TX_BYTES", COLUMN_NUMBER, 0, 0, get_tx_bytes },
	{ "RX_BYTES", "RX_BYTES", COLUMN_NUMBER, 0, 0, get_rx_bytes },
	{ "TX_CALLS", "TX_CALLS", COLUMN_NUMBER, 0, 0, get_tx_calls },
	{ "RX_CALLS", "RX_CALLS", COLUMN_NUMBER, 0, 0, get_rx_calls },
	{ "TX_QUEUE", "TX_QUEUE", COLUMN_NUMBER, 0, 0, get_tx_queue },
	{ "RX_QUEUE", "RX_QUEUE", COLUMN_NUMBER, 0, 0, get_rx_queue },
	{ "OPENED", "OPENED", COLUMN_NUMBER, 0, 0, get_opened },
	{ "CLOSED", "CLOSED", COLUMN_NUMBER, 0, 0, get_closed },
	{ "UID", "UID", COLUMN_NUMBER, 0, 0, get_uid },
	{ "NETNS", "NETNS", COLUMN_NUMBER, 0, 0, get_netns },
	{ "INODE", "INODE", COLUMN_NUMBER, 0, 0, get_inode },
	{ "COOKIE", "COOKIE", COLUMN_NUMBER, 0, 0, get_cookie },
};
