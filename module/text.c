// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/errname.h>
#include <linux/in.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <net/tcp_states.h>

#include "text.h"

/* The longest cell: a name whose every byte is escaped, or an address. */
#define CELL 80

#define NONE "-"

/* What a cell is made of besides its row. */
struct context {
	struct user_namespace *user_ns;
};

struct column {
	const char *name;
	bool is_text; /* and so begins at the left */
	void (*format)(char *cell, const struct sockstat_row *row, const struct context *ctx);
};

static const char *const states[] = {
	[0] = "CLOSED",
	[TCP_ESTABLISHED] = "ESTABLISHED",
	[TCP_SYN_SENT] = "SYN_SENT",
	[TCP_SYN_RECV] = "SYN_RECV",
	[TCP_FIN_WAIT1] = "FIN_WAIT1",
	[TCP_FIN_WAIT2] = "FIN_WAIT2",
	[TCP_TIME_WAIT] = "TIME_WAIT",
	[TCP_CLOSE] = "UNCONN",
	[TCP_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCP_LAST_ACK] = "LAST_ACK",
	[TCP_LISTEN] = "LISTEN",
	[TCP_CLOSING] = "CLOSING",
};

static const char *const roles[] = {
	[SOCKSTAT_ROLE_UNKNOWN] = NONE,
	[SOCKSTAT_CLIENT] = "client",
	[SOCKSTAT_SERVER] = "server",
};

static void put(char *cell, const char *text)
{
	strscpy(cell, text, CELL);
}

static void put_number(char *cell, u64 n)
{
	snprintf(cell, CELL, "%llu", n);
}

static void put_number_or_none(char *cell, u64 n, bool some)
{
	if (some)
		put_number(cell, n);
	else
		put(cell, NONE);
}

/* A process chooses its name: no byte of it may end a cell or a line. */
static void format_command(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	const char *c;

	if (row->pid < 0) {
		put(cell, NONE);
		return;
	}
	for (c = row->comm; *c; c++) {
		if (isascii(*c) && isgraph(*c) && *c != '\\' && *c != '#')
			*cell++ = *c;
		else
			cell += sprintf(cell, "\\%03o", (u8)*c);
	}
	if (c == row->comm)
		cell += sprintf(cell, "\\000");
	*cell = '\0';
}

static void format_pid(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number_or_none(cell, row->pid, row->pid >= 0);
}

static void format_fd(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number_or_none(cell, row->fd, row->fd >= 0);
}

static void format_state(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	const char *state = NULL;

	if (row->state < ARRAY_SIZE(states))
		state = states[row->state];
	put(cell, state ?: NONE);
}

static void format_role(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put(cell, roles[row->role]);
}

static void put_address(char *cell, const struct sockstat_ident *id,
			const union sockstat_addr *addr, __be16 port)
{
	bool scoped;

	if (!port) {
		put(cell, "*:*");
	} else if (id->family == AF_INET) {
		snprintf(cell, CELL, "%pI4:%u", &addr->v4, ntohs(port));
	} else {
		scoped = id->scope[0] &&
			 (addr->v6.s6_addr32[0] & htonl(0xffc00000)) == htonl(0xfe800000);
		snprintf(cell, CELL, "[%pI6c%s%s]:%u", &addr->v6, scoped ? "%" : "",
			 scoped ? id->scope : "", ntohs(port));
	}
}

static void format_local(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_address(cell, &row->id, &row->id.local, row->id.local_port);
}

static void format_remote(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_address(cell, &row->id, &row->id.remote, row->id.remote_port);
}

static void format_tx_bytes(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, row->bytes[SOCKSTAT_TX]);
}

static void format_rx_bytes(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, row->bytes[SOCKSTAT_RX]);
}

static void format_tx_calls(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, row->calls[SOCKSTAT_TX]);
}

static void format_rx_calls(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, row->calls[SOCKSTAT_RX]);
}

static void format_tx_queue(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, row->queue[SOCKSTAT_TX]);
}

static void format_rx_queue(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, row->queue[SOCKSTAT_RX]);
}

static void put_time(char *cell, s64 ns)
{
	u32 rest;
	u64 s;

	if (!ns) {
		put(cell, NONE);
		return;
	}
	s = div_u64_rem(ns, NSEC_PER_SEC, &rest);
	snprintf(cell, CELL, "%llu.%03u", s, rest / (u32)NSEC_PER_MSEC);
}

static void format_opened(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_time(cell, row->opened);
}

static void format_closed(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_time(cell, row->closed);
}

static void format_error(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	if (!row->error) {
		put(cell, NONE);
		return;
	}
	/* as %pe has it, without its sign */
	snprintf(cell, CELL, "%pe", ERR_PTR(-row->error));
	memmove(cell, cell + 1, strlen(cell));
}

static void format_uid(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, from_kuid_munged(ctx->user_ns, row->id.uid));
}

static void format_netns(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number(cell, row->id.netns);
}

static void format_inode(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	put_number_or_none(cell, row->id.inode, row->id.inode);
}

/* As ss -e prints it. */
static void format_cookie(char *cell, const struct sockstat_row *row, const struct context *ctx)
{
	snprintf(cell, CELL, "%llx", row->id.cookie);
}

static const struct column columns[] = {
	{ "COMMAND", true, format_command },
	{ "PID", false, format_pid },
	{ "FD", false, format_fd },
	{ "STATE", true, format_state },
	{ "ROLE", true, format_role },
	{ "LOCAL", true, format_local },
	{ "REMOTE", true, format_remote },
	{ "TX_BYTES", false, format_tx_bytes },
	{ "RX_BYTES", false, format_rx_bytes },
	{ "TX_CALLS", false, format_tx_calls },
	{ "RX_CALLS", false, format_rx_calls },
	{ "TX_QUEUE", false, format_tx_queue },
	{ "RX_QUEUE", false, format_rx_queue },
	{ "OPENED", false, format_opened },
	{ "CLOSED", false, format_closed },
	{ "ERROR", true, format_error },
	{ "UID", false, format_uid },
	{ "NETNS", false, format_netns },
	{ "INODE", false, format_inode },
	{ "COOKIE", true, format_cookie },
};

static void format_widths(struct sockstat_layout *layout, const struct sockstat_row *row,
			  const struct context *ctx)
{
	char cell[CELL];
	int i;

	for (i = 0; i < SOCKSTAT_COLUMNS; i++) {
		columns[i].format(cell, row, ctx);
		layout->width[i] = max_t(size_t, layout->width[i], strlen(cell));
	}
}

/* Keep, for each column whose width depends on a value, the widest there is. */
static void widen(struct sockstat_row *widest, const struct sockstat_row *row)
{
	int flow;

	widest->pid = max(widest->pid, row->pid);
	widest->fd = max(widest->fd, row->fd);
	for (flow = 0; flow < SOCKSTAT_FLOWS; flow++) {
		widest->bytes[flow] = max(widest->bytes[flow], row->bytes[flow]);
		widest->calls[flow] = max(widest->calls[flow], row->calls[flow]);
		widest->queue[flow] = max(widest->queue[flow], row->queue[flow]);
	}
	widest->opened = max(widest->opened, row->opened);
	widest->closed = max(widest->closed, row->closed);
	if (uid_gt(row->id.uid, widest->id.uid))
		widest->id.uid = row->id.uid;
	widest->id.netns = max(widest->id.netns, row->id.netns);
	widest->id.inode = max(widest->id.inode, row->id.inode);
	widest->id.cookie = max(widest->id.cookie, row->id.cookie);
}

/* Whether a row's texts may be wider than what most rows have. */
static bool is_unusual(const struct sockstat_row *row)
{
	return row->id.family != AF_INET || row->error;
}

/**
 * sockstat_text_layout() - choose the widths of the columns
 * @layout: filled in
 * @snap: what is to be shown
 * @user_ns: whose user ids are shown
 *
 * Most rows only raise maxima; what is formatted twice are one row made of
 * those, and rows of unusual width.
 *
 * Context: process, may sleep.
 */
void sockstat_text_layout(struct sockstat_layout *layout, const struct sockstat_snapshot *snap,
			  struct user_namespace *user_ns)
{
	const struct context ctx = { .user_ns = user_ns };
	struct sockstat_row widest = {
		.id = {
			.family = AF_INET,
			.local.v4 = htonl(INADDR_BROADCAST),
			.remote.v4 = htonl(INADDR_BROADCAST),
			.local_port = htons(U16_MAX),
			.remote_port = htons(U16_MAX),
		},
		.comm = "fifteen letters",
		.state = TCP_ESTABLISHED,
		.role = SOCKSTAT_CLIENT,
	};
	size_t i;

	for (i = 0; i < SOCKSTAT_COLUMNS; i++)
		layout->width[i] = strlen(columns[i].name);
	strreplace(widest.comm, ' ', '_');
	for (i = 0; i < snap->nr_rows; i++) {
		widen(&widest, snap->rows[i]);
		if (is_unusual(snap->rows[i]))
			format_widths(layout, snap->rows[i], &ctx);
		if (!(i % 1024))
			cond_resched();
	}
	format_widths(layout, &widest, &ctx);
}

static void put_cell(struct seq_file *m, const struct sockstat_layout *layout, int i,
		     const char *cell)
{
	int width = layout->width[i];

	BUILD_BUG_ON(ARRAY_SIZE(columns) != SOCKSTAT_COLUMNS);
	if (i == SOCKSTAT_COLUMNS - 1)
		seq_printf(m, "%s\n", cell);
	else
		seq_printf(m, "%*s ", columns[i].is_text ? -width : width, cell);
}

/**
 * sockstat_text_header() - print the line of column names
 * @m: where to
 * @layout: widths
 *
 * Context: process.
 */
void sockstat_text_header(struct seq_file *m, const struct sockstat_layout *layout)
{
	int i;

	for (i = 0; i < SOCKSTAT_COLUMNS; i++)
		put_cell(m, layout, i, columns[i].name);
}

/**
 * sockstat_text_row() - print one row
 * @m: where to; its opener's user namespace decides on user ids
 * @layout: widths; a name full of escapes may exceed its
 * @row: the row
 *
 * Context: process.
 */
void sockstat_text_row(struct seq_file *m, const struct sockstat_layout *layout,
		       const struct sockstat_row *row)
{
	const struct context ctx = { .user_ns = seq_user_ns(m) };
	char cell[CELL];
	int i;

	for (i = 0; i < SOCKSTAT_COLUMNS; i++) {
		columns[i].format(cell, row, &ctx);
		put_cell(m, layout, i, cell);
	}
}

/**
 * sockstat_text_trailer() - print the last line
 * @m: where to
 * @snap: what was shown
 *
 * Context: process.
 */
void sockstat_text_trailer(struct seq_file *m, const struct sockstat_snapshot *snap)
{
	seq_printf(m, "# version=1 rows=%zu closed=%zu missed=%llu dropped=%llu\n", snap->nr_rows,
		   snap->nr_closed, snap->missed, snap->dropped);
}
