// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/in.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <net/addrconf.h>
#include <net/ipv6.h>
#include <net/tcp_states.h>

#include "cell.h"
#include "text.h"

/* Upper limit of a cell's length: a comm with every byte escaped, or an address. */
#define CELL 80

/* Upper limit of a line's length: all cells, each followed by a space or a newline. */
#define LINE (SOCKSTAT_COLUMNS * (CELL + 1))

/* Data that a column's format() needs in addition to the row. */
struct text_context {
	struct user_namespace *user_ns;
};

/*
 * format() writes a cell and returns its end, which is beyond @width if the cell
 * needs more. Numbers are aligned to the right, texts (is_text) to the left.
 */
struct text_column {
	const char *name;
	bool is_text;
	char *(*format)(char *cell, int width, const struct sockstat_row *row,
			const struct text_context *ctx);
	bool is_odd; /* text_row_is_unusual() rows may need more width than others */
};

static const char *const text_states[] = {
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

static const char *const text_roles[] = {
	[SOCKSTAT_ROLE_UNKNOWN] = SOCKSTAT_CELL_NONE,
	[SOCKSTAT_CLIENT] = "client",
	[SOCKSTAT_SERVER] = "server",
};

/*
 * A process may set its comm to any bytes: escape those that would end a cell or
 * a line, and "#", with which the last line begins.
 */
static char *text_format_command(char *cell, int width, const struct sockstat_row *row,
				 const struct text_context *ctx)
{
	const char *c;

	if (row->pid < 0)
		return sockstat_cell_put(cell, SOCKSTAT_CELL_NONE);
	for (c = row->comm; *c; c++) {
		if (isascii(*c) && isgraph(*c) && *c != '\\' && *c != '#')
			*cell++ = *c;
		else
			cell = sockstat_cell_put_octal(cell, *c);
	}
	if (c == row->comm)
		cell = sockstat_cell_put_octal(cell, 0);
	return cell;
}

static char *text_format_pid(char *cell, int width, const struct sockstat_row *row,
			     const struct text_context *ctx)
{
	return sockstat_cell_put_number_or_none(cell, width, row->pid, row->pid >= 0);
}

static char *text_format_fd(char *cell, int width, const struct sockstat_row *row,
			    const struct text_context *ctx)
{
	return sockstat_cell_put_number_or_none(cell, width, row->fd, row->fd >= 0);
}

static char *text_format_state(char *cell, int width, const struct sockstat_row *row,
			       const struct text_context *ctx)
{
	const char *state = NULL;

	if (row->state < ARRAY_SIZE(text_states))
		state = text_states[row->state];
	return sockstat_cell_put(cell, state ?: SOCKSTAT_CELL_NONE);
}

static char *text_format_role(char *cell, int width, const struct sockstat_row *row,
			      const struct text_context *ctx)
{
	return sockstat_cell_put(cell, text_roles[row->role]);
}

static char *text_put_octet(char *cell, u8 octet)
{
	if (octet >= 100)
		*cell++ = '0' + octet / 100;
	if (octet >= 10)
		*cell++ = '0' + octet / 10 % 10;
	*cell++ = '0' + octet % 10;
	return cell;
}

static char *text_put_v4(char *cell, __be32 addr)
{
	const u8 *octets = (const u8 *)&addr;

	cell = text_put_octet(cell, octets[0]);
	*cell++ = '.';
	cell = text_put_octet(cell, octets[1]);
	*cell++ = '.';
	cell = text_put_octet(cell, octets[2]);
	*cell++ = '.';
	return text_put_octet(cell, octets[3]);
}

/* Format as %pI6c: "::" stands for the longest run of zeros, the first if there are several. */
static char *text_put_v6(char *cell, const struct in6_addr *addr)
{
	int i, zeros = 0, longest = 1, run = -1;

	if (ipv6_addr_v4mapped(addr) || ipv6_addr_is_isatap(addr))
		return cell + sprintf(cell, "%pI6c", addr);
	for (i = 0; i < 8; i++) {
		zeros = addr->s6_addr16[i] ? 0 : zeros + 1;
		if (zeros > longest) {
			longest = zeros;
			run = i + 1 - zeros;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == run) {
			*cell++ = ':';
			i += longest;
			if (i == 8)
				return sockstat_cell_put(cell, ":");
		}
		if (i)
			*cell++ = ':';
		cell = sockstat_cell_put_hex(cell, ntohs(addr->s6_addr16[i]));
	}
	return cell;
}

static bool text_is_scoped(const struct sockstat_ident *id, const struct in6_addr *addr)
{
	return id->scope[0] && (addr->s6_addr32[0] & htonl(0xffc00000)) == htonl(0xfe800000);
}

/*
 * A user may name interfaces at will in a network namespace of its own. A byte
 * that is not printable or would end the address becomes "?": octal escapes might
 * exceed CELL.
 */
static char *text_put_scope(char *cell, const char *name)
{
	*cell++ = '%';
	for (; *name; name++) {
		bool plain = isascii(*name) && isgraph(*name) && !strchr("[]%\\", *name);

		*cell++ = plain ? *name : '?';
	}
	return cell;
}

static char *text_put_address(char *cell, const struct sockstat_ident *id,
			      const union sockstat_addr *addr, __be16 port)
{
	if (!port)
		return sockstat_cell_put(cell, "*:*");
	if (id->family == AF_INET) {
		cell = text_put_v4(cell, addr->v4);
	} else {
		*cell++ = '[';
		cell = text_put_v6(cell, &addr->v6);
		if (text_is_scoped(id, &addr->v6))
			cell = text_put_scope(cell, id->scope);
		*cell++ = ']';
	}
	*cell++ = ':';
	return sockstat_cell_put_number(cell, 0, ntohs(port));
}

static char *text_format_local(char *cell, int width, const struct sockstat_row *row,
			       const struct text_context *ctx)
{
	return text_put_address(cell, &row->id, &row->id.local, row->id.local_port);
}

static char *text_format_remote(char *cell, int width, const struct sockstat_row *row,
				const struct text_context *ctx)
{
	return text_put_address(cell, &row->id, &row->id.remote, row->id.remote_port);
}

static char *text_format_tx_bytes(char *cell, int width, const struct sockstat_row *row,
				  const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, row->bytes[SOCKSTAT_TX]);
}

static char *text_format_rx_bytes(char *cell, int width, const struct sockstat_row *row,
				  const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, row->bytes[SOCKSTAT_RX]);
}

static char *text_format_tx_calls(char *cell, int width, const struct sockstat_row *row,
				  const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, row->calls[SOCKSTAT_TX]);
}

static char *text_format_rx_calls(char *cell, int width, const struct sockstat_row *row,
				  const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, row->calls[SOCKSTAT_RX]);
}

static char *text_format_tx_queue(char *cell, int width, const struct sockstat_row *row,
				  const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, row->queue[SOCKSTAT_TX]);
}

static char *text_format_rx_queue(char *cell, int width, const struct sockstat_row *row,
				  const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, row->queue[SOCKSTAT_RX]);
}

static char *text_put_time(char *cell, int width, s64 ns)
{
	u32 rest;
	u64 s;

	if (!ns)
		return sockstat_cell_put_none(cell, width);
	s = div_u64_rem(ns, NSEC_PER_SEC, &rest);
	cell = sockstat_cell_put_number(cell, width - (int)strlen(".000"), s);
	*cell++ = '.';
	return sockstat_cell_put_digits(cell, rest / (u32)NSEC_PER_MSEC, 3);
}

static char *text_format_opened(char *cell, int width, const struct sockstat_row *row,
				const struct text_context *ctx)
{
	return text_put_time(cell, width, row->opened);
}

static char *text_format_closed(char *cell, int width, const struct sockstat_row *row,
				const struct text_context *ctx)
{
	return text_put_time(cell, width, row->closed);
}

static char *text_format_error(char *cell, int width, const struct sockstat_row *row,
			       const struct text_context *ctx)
{
	char name[32];

	if (!row->error)
		return sockstat_cell_put(cell, SOCKSTAT_CELL_NONE);
	/* skip the "-"; without CONFIG_SYMBOLIC_ERRNAME, %pe prints a number */
	snprintf(name, sizeof(name), "%pe", ERR_PTR(-row->error));
	return sockstat_cell_put(cell, name + 1);
}

/* The initial user namespace maps each user id to itself. */
static uid_t text_uid(const struct text_context *ctx, kuid_t uid)
{
	if (ctx->user_ns == &init_user_ns && uid_valid(uid))
		return __kuid_val(uid);
	return from_kuid_munged(ctx->user_ns, uid);
}

static char *text_format_uid(char *cell, int width, const struct sockstat_row *row,
			     const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, text_uid(ctx, row->id.uid));
}

static char *text_format_netns(char *cell, int width, const struct sockstat_row *row,
			       const struct text_context *ctx)
{
	return sockstat_cell_put_number(cell, width, row->id.netns);
}

static char *text_format_inode(char *cell, int width, const struct sockstat_row *row,
			       const struct text_context *ctx)
{
	return sockstat_cell_put_number_or_none(cell, width, row->id.inode, row->id.inode);
}

/* Hexadecimal without a prefix, as "ss -e" prints it. */
static char *text_format_cookie(char *cell, int width, const struct sockstat_row *row,
				const struct text_context *ctx)
{
	return sockstat_cell_put_hex(cell, row->id.cookie);
}

static char *text_format_duration(char *cell, int width, const struct sockstat_row *row,
				  const struct text_context *ctx)
{
	return text_put_time(cell, width, row->duration);
}

static char *text_format_euid(char *cell, int width, const struct sockstat_row *row,
			      const struct text_context *ctx)
{
	return sockstat_cell_put_number_or_none(cell, width, text_uid(ctx, row->euid),
						row->pid >= 0);
}

static char *text_format_ago(char *cell, int width, const struct sockstat_row *row,
			     const struct text_context *ctx)
{
	return text_put_time(cell, width, row->closed ? max_t(s64, row->ago, 1) : 0);
}

static const struct text_column text_columns[] = {
	{ "COMMAND", true, text_format_command, true },
	{ "PID", false, text_format_pid },
	{ "FD", false, text_format_fd },
	{ "STATE", true, text_format_state },
	{ "ROLE", true, text_format_role },
	{ "LOCAL", true, text_format_local, true },
	{ "REMOTE", true, text_format_remote, true },
	{ "TX_BYTES", false, text_format_tx_bytes },
	{ "RX_BYTES", false, text_format_rx_bytes },
	{ "TX_CALLS", false, text_format_tx_calls },
	{ "RX_CALLS", false, text_format_rx_calls },
	{ "TX_QUEUE", false, text_format_tx_queue },
	{ "RX_QUEUE", false, text_format_rx_queue },
	{ "OPENED", false, text_format_opened },
	{ "CLOSED", false, text_format_closed },
	{ "ERROR", true, text_format_error, true },
	{ "UID", false, text_format_uid },
	{ "NETNS", false, text_format_netns },
	{ "INODE", false, text_format_inode },
	{ "COOKIE", true, text_format_cookie },
	{ "DURATION", false, text_format_duration },
	{ "EUID", false, text_format_euid },
	{ "AGO", false, text_format_ago },
};

/* Widen the columns to fit a row: all columns, or only those with is_odd. */
static void text_measure_row(struct sockstat_layout *layout, const struct sockstat_row *row,
			     const struct text_context *ctx, bool all)
{
	const struct text_column *column;
	u8 *width = layout->width;
	char cell[CELL];
	int length;

	for (column = text_columns; column < text_columns + SOCKSTAT_COLUMNS; column++, width++) {
		if (!all && !column->is_odd)
			continue;
		length = column->format(cell, 0, row, ctx) - cell;
		*width = max_t(int, *width, length);
	}
}

/* Raise the values in @widest that decide on the columns' widths to those of @row. */
static void text_widen(struct sockstat_row *widest, const struct sockstat_row *row)
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
	if (row->pid >= 0 && uid_gt(row->euid, widest->euid))
		widest->euid = row->euid;
	widest->duration = max(widest->duration, row->duration);
	widest->ago = max(widest->ago, row->ago);
	widest->id.netns = max(widest->id.netns, row->id.netns);
	widest->id.inode = max(widest->id.inode, row->id.inode);
	widest->id.cookie = max(widest->id.cookie, row->id.cookie);
}

/* Whether a row's is_odd columns may be wider than those of a row of IPv4 addresses. */
static bool text_row_is_unusual(const struct sockstat_row *row)
{
	return row->id.family != AF_INET || row->error;
}

/**
 * sockstat_text_layout() - choose the widths of the columns
 * @layout: filled in
 * @snap: the snapshot
 * @user_ns: user namespace in which user ids are shown
 *
 * Formatting each row to measure it would double the work: instead, the maxima
 * of all rows make one row that is formatted, in addition to unusual rows.
 *
 * Context: process, may sleep.
 */
void sockstat_text_layout(struct sockstat_layout *layout, const struct sockstat_snapshot *snap,
			  struct user_namespace *user_ns)
{
	const struct text_context ctx = { .user_ns = user_ns };
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
		layout->width[i] = strlen(text_columns[i].name);
	strreplace(widest.comm, ' ', '_');
	for (i = 0; i < snap->nr_rows; i++) {
		text_widen(&widest, snap->rows[i]);
		if (text_row_is_unusual(snap->rows[i]))
			text_measure_row(layout, snap->rows[i], &ctx, false);
		if (!(i % 1024))
			cond_resched();
	}
	text_measure_row(layout, &widest, &ctx, true);
	layout->length = 0;
	for (i = 0; i < SOCKSTAT_COLUMNS; i++)
		layout->length += layout->width[i] + 1;
}

/*
 * Reserve room for any line, and blank layout->length bytes of it. If there is no
 * room, make seq_file print the line again after a flush, and return NULL.
 */
static char *text_line_begin(struct seq_file *m, const struct sockstat_layout *layout)
{
	char *line;

	BUILD_BUG_ON(ARRAY_SIZE(text_columns) != SOCKSTAT_COLUMNS);
	if (seq_get_buf(m, &line) < LINE) {
		seq_commit(m, -1);
		return NULL;
	}
	memset(line, ' ', layout->length);
	return line;
}

static void text_line_end(struct seq_file *m, char *line, char *end)
{
	*end++ = '\n';
	seq_commit(m, end - line);
}

/**
 * sockstat_text_header() - print the line of column names
 * @m: the file
 * @layout: widths of the columns
 *
 * Context: process.
 */
void sockstat_text_header(struct seq_file *m, const struct sockstat_layout *layout)
{
	char *line = text_line_begin(m, layout);
	char *cell = line, *end = line;
	int i, pad;

	if (!line)
		return;
	for (i = 0; i < SOCKSTAT_COLUMNS; i++) {
		pad = text_columns[i].is_text ? 0 : layout->width[i] - strlen(text_columns[i].name);
		end = sockstat_cell_put(cell + pad, text_columns[i].name);
		cell += layout->width[i] + 1;
	}
	text_line_end(m, line, end);
}

/**
 * sockstat_text_row() - print one row
 * @m: the file; user ids are shown in its opener's user namespace
 * @layout: widths of the columns; a comm with escapes may exceed its column
 * @row: the row
 *
 * Context: process.
 */
void sockstat_text_row(struct seq_file *m, const struct sockstat_layout *layout,
		       const struct sockstat_row *row)
{
	const struct text_context ctx = { .user_ns = seq_user_ns(m) };
	char *line = text_line_begin(m, layout);
	char *cell = line, *end = line;
	const u8 *width = layout->width;
	const struct text_column *column;

	if (!line)
		return;
	for (column = text_columns; column < text_columns + SOCKSTAT_COLUMNS; column++) {
		end = column->format(cell, *width, row, &ctx);
		cell += *width++;
		if (unlikely(end > cell)) {
			/* the rest of the line moves right, to bytes that are not blanked */
			cell = end;
			memset(cell, ' ', line + LINE - cell);
		}
		cell++;
	}
	text_line_end(m, line, end);
}

/**
 * sockstat_text_trailer() - print the last line
 * @m: the file
 * @snap: the snapshot that has been printed
 *
 * Context: process.
 */
void sockstat_text_trailer(struct seq_file *m, const struct sockstat_snapshot *snap)
{
	seq_printf(m, "# version=1 rows=%zu closed=%zu missed=%llu dropped=%llu evicted=%llu\n",
		   snap->nr_rows, snap->nr_closed, snap->missed, snap->dropped, snap->evicted);
}
