// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/in.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <net/addrconf.h>
#include <net/ipv6.h>
#include <net/tcp_states.h>

#include "text.h"

/* The longest cell: a name whose every byte is escaped, or an address. */
#define CELL 80

/* The longest line: all cells, and a blank or the line's end after each. */
#define LINE (SOCKSTAT_COLUMNS * (CELL + 1))

#define NONE "-"

#define BILLION 1000000000

/* What a cell is made of besides its row. */
struct context {
	struct user_namespace *user_ns;
};

/*
 * Formatting puts the text into the cell and returns its end. A number ends
 * where the cell does if it is narrower; a text begins where the cell does.
 */
struct column {
	const char *name;
	bool is_text;
	char *(*format)(char *cell, int width, const struct sockstat_row *row,
			const struct context *ctx);
	bool is_odd; /* in an unusual row it may be wider than in most */
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

static char *put(char *cell, const char *text)
{
	while (*text)
		*cell++ = *text++;
	return cell;
}

/* The last digits of a number, zeros included. */
static char *put_digits(char *cell, u32 n, int digits)
{
	char *end = cell + digits;
	char *c;

	for (c = end; c > cell; n /= 10)
		*--c = '0' + n % 10;
	return end;
}

static int digits_of(u32 n)
{
	int digits = 1;
	u32 limit;

	for (limit = 10; n >= limit; limit *= 10)
		digits++;
	return digits;
}

/* One byte, at the cell's right. */
static char *put_last(char *cell, int width, char c)
{
	if (width > 1)
		cell += width - 1;
	*cell++ = c;
	return cell;
}

static char *put_hex(char *cell, u64 n)
{
	char *end = cell + DIV_ROUND_UP(fls64(n | 1), 4);
	char *c;

	for (c = end; c > cell; n >>= 4)
		*--c = "0123456789abcdef"[n & 0xf];
	return end;
}

static char *put_none(char *cell, int width)
{
	return put_last(cell, width, *NONE);
}

static char *put_number(char *cell, int width, u64 n)
{
	int digits;
	u32 rest;

	if (n < 10)
		return put_last(cell, width, '0' + n);
	if (n >= BILLION) {
		cell = put_number(cell, width - 9, div_u64_rem(n, BILLION, &rest));
		return put_digits(cell, rest, 9);
	}
	digits = digits_of(n);
	if (width > digits)
		cell += width - digits;
	return put_digits(cell, n, digits);
}

static char *put_number_or_none(char *cell, int width, u64 n, bool some)
{
	return some ? put_number(cell, width, n) : put_none(cell, width);
}

static char *put_octal(char *cell, u8 byte)
{
	*cell++ = '\\';
	*cell++ = '0' + (byte >> 6);
	*cell++ = '0' + (byte >> 3 & 7);
	*cell++ = '0' + (byte & 7);
	return cell;
}

/* A process chooses its name: no byte of it may end a cell or a line. */
static char *format_command(char *cell, int width, const struct sockstat_row *row,
			    const struct context *ctx)
{
	const char *c;

	if (row->pid < 0)
		return put(cell, NONE);
	for (c = row->comm; *c; c++) {
		if (isascii(*c) && isgraph(*c) && *c != '\\' && *c != '#')
			*cell++ = *c;
		else
			cell = put_octal(cell, *c);
	}
	if (c == row->comm)
		cell = put_octal(cell, 0);
	return cell;
}

static char *format_pid(char *cell, int width, const struct sockstat_row *row,
			const struct context *ctx)
{
	return put_number_or_none(cell, width, row->pid, row->pid >= 0);
}

static char *format_fd(char *cell, int width, const struct sockstat_row *row,
		       const struct context *ctx)
{
	return put_number_or_none(cell, width, row->fd, row->fd >= 0);
}

static char *format_state(char *cell, int width, const struct sockstat_row *row,
			  const struct context *ctx)
{
	const char *state = NULL;

	if (row->state < ARRAY_SIZE(states))
		state = states[row->state];
	return put(cell, state ?: NONE);
}

static char *format_role(char *cell, int width, const struct sockstat_row *row,
			 const struct context *ctx)
{
	return put(cell, roles[row->role]);
}

static char *put_octet(char *cell, u8 octet)
{
	if (octet >= 100)
		*cell++ = '0' + octet / 100;
	if (octet >= 10)
		*cell++ = '0' + octet / 10 % 10;
	*cell++ = '0' + octet % 10;
	return cell;
}

static char *put_v4(char *cell, __be32 addr)
{
	const u8 *octets = (const u8 *)&addr;

	cell = put_octet(cell, octets[0]);
	*cell++ = '.';
	cell = put_octet(cell, octets[1]);
	*cell++ = '.';
	cell = put_octet(cell, octets[2]);
	*cell++ = '.';
	return put_octet(cell, octets[3]);
}

/* As %pI6c has it: of the longest runs of zeros, the first one is left out. */
static char *put_v6(char *cell, const struct in6_addr *addr)
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
				return put(cell, ":");
		}
		if (i)
			*cell++ = ':';
		cell = put_hex(cell, ntohs(addr->s6_addr16[i]));
	}
	return cell;
}

static bool is_scoped(const struct sockstat_ident *id, const struct in6_addr *addr)
{
	return id->scope[0] && (addr->s6_addr32[0] & htonl(0xffc00000)) == htonl(0xfe800000);
}

/*
 * Whoever makes a user namespace names its interfaces. What is not printable, or
 * would end the address, becomes a "?": escapes would not leave room in the cell.
 */
static char *put_scope(char *cell, const char *name)
{
	*cell++ = '%';
	for (; *name; name++) {
		bool plain = isascii(*name) && isgraph(*name) && !strchr("[]%\\", *name);

		*cell++ = plain ? *name : '?';
	}
	return cell;
}

static char *put_address(char *cell, const struct sockstat_ident *id,
			 const union sockstat_addr *addr, __be16 port)
{
	if (!port)
		return put(cell, "*:*");
	if (id->family == AF_INET) {
		cell = put_v4(cell, addr->v4);
	} else {
		*cell++ = '[';
		cell = put_v6(cell, &addr->v6);
		if (is_scoped(id, &addr->v6))
			cell = put_scope(cell, id->scope);
		*cell++ = ']';
	}
	*cell++ = ':';
	return put_number(cell, 0, ntohs(port));
}

static char *format_local(char *cell, int width, const struct sockstat_row *row,
			  const struct context *ctx)
{
	return put_address(cell, &row->id, &row->id.local, row->id.local_port);
}

static char *format_remote(char *cell, int width, const struct sockstat_row *row,
			   const struct context *ctx)
{
	return put_address(cell, &row->id, &row->id.remote, row->id.remote_port);
}

static char *format_tx_bytes(char *cell, int width, const struct sockstat_row *row,
			     const struct context *ctx)
{
	return put_number(cell, width, row->bytes[SOCKSTAT_TX]);
}

static char *format_rx_bytes(char *cell, int width, const struct sockstat_row *row,
			     const struct context *ctx)
{
	return put_number(cell, width, row->bytes[SOCKSTAT_RX]);
}

static char *format_tx_calls(char *cell, int width, const struct sockstat_row *row,
			     const struct context *ctx)
{
	return put_number(cell, width, row->calls[SOCKSTAT_TX]);
}

static char *format_rx_calls(char *cell, int width, const struct sockstat_row *row,
			     const struct context *ctx)
{
	return put_number(cell, width, row->calls[SOCKSTAT_RX]);
}

static char *format_tx_queue(char *cell, int width, const struct sockstat_row *row,
			     const struct context *ctx)
{
	return put_number(cell, width, row->queue[SOCKSTAT_TX]);
}

static char *format_rx_queue(char *cell, int width, const struct sockstat_row *row,
			     const struct context *ctx)
{
	return put_number(cell, width, row->queue[SOCKSTAT_RX]);
}

static char *put_time(char *cell, int width, s64 ns)
{
	u32 rest;
	u64 s;

	if (!ns)
		return put_none(cell, width);
	s = div_u64_rem(ns, NSEC_PER_SEC, &rest);
	cell = put_number(cell, width - (int)strlen(".000"), s);
	*cell++ = '.';
	return put_digits(cell, rest / (u32)NSEC_PER_MSEC, 3);
}

static char *format_opened(char *cell, int width, const struct sockstat_row *row,
			   const struct context *ctx)
{
	return put_time(cell, width, row->opened);
}

static char *format_closed(char *cell, int width, const struct sockstat_row *row,
			   const struct context *ctx)
{
	return put_time(cell, width, row->closed);
}

static char *format_error(char *cell, int width, const struct sockstat_row *row,
			  const struct context *ctx)
{
	char name[32];

	if (!row->error)
		return put(cell, NONE);
	/* as %pe has it, without its sign: a number if this kernel has no names */
	snprintf(name, sizeof(name), "%pe", ERR_PTR(-row->error));
	return put(cell, name + 1);
}

static char *format_uid(char *cell, int width, const struct sockstat_row *row,
			const struct context *ctx)
{
	return put_number(cell, width, from_kuid_munged(ctx->user_ns, row->id.uid));
}

static char *format_netns(char *cell, int width, const struct sockstat_row *row,
			  const struct context *ctx)
{
	return put_number(cell, width, row->id.netns);
}

static char *format_inode(char *cell, int width, const struct sockstat_row *row,
			  const struct context *ctx)
{
	return put_number_or_none(cell, width, row->id.inode, row->id.inode);
}

/* As ss -e prints it. */
static char *format_cookie(char *cell, int width, const struct sockstat_row *row,
			   const struct context *ctx)
{
	return put_hex(cell, row->id.cookie);
}

static const struct column columns[] = {
	{ "COMMAND", true, format_command, true },
	{ "PID", false, format_pid },
	{ "FD", false, format_fd },
	{ "STATE", true, format_state },
	{ "ROLE", true, format_role },
	{ "LOCAL", true, format_local, true },
	{ "REMOTE", true, format_remote, true },
	{ "TX_BYTES", false, format_tx_bytes },
	{ "RX_BYTES", false, format_rx_bytes },
	{ "TX_CALLS", false, format_tx_calls },
	{ "RX_CALLS", false, format_rx_calls },
	{ "TX_QUEUE", false, format_tx_queue },
	{ "RX_QUEUE", false, format_rx_queue },
	{ "OPENED", false, format_opened },
	{ "CLOSED", false, format_closed },
	{ "ERROR", true, format_error, true },
	{ "UID", false, format_uid },
	{ "NETNS", false, format_netns },
	{ "INODE", false, format_inode },
	{ "COOKIE", true, format_cookie },
};

static void format_widths(struct sockstat_layout *layout, const struct sockstat_row *row,
			  const struct context *ctx, bool all)
{
	const struct column *column;
	u8 *width = layout->width;
	char cell[CELL];
	int length;

	for (column = columns; column < columns + SOCKSTAT_COLUMNS; column++, width++) {
		if (!all && !column->is_odd)
			continue;
		length = column->format(cell, 0, row, ctx) - cell;
		*width = max_t(int, *width, length);
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
			format_widths(layout, snap->rows[i], &ctx, false);
		if (!(i % 1024))
			cond_resched();
	}
	format_widths(layout, &widest, &ctx, true);
	layout->length = 0;
	for (i = 0; i < SOCKSTAT_COLUMNS; i++)
		layout->length += layout->width[i] + 1;
}

/* Room for a line, blank as far as it goes if no cell is wider than its column. */
static char *line_begin(struct seq_file *m, const struct sockstat_layout *layout)
{
	char *line;

	BUILD_BUG_ON(ARRAY_SIZE(columns) != SOCKSTAT_COLUMNS);
	if (seq_get_buf(m, &line) < LINE) {
		seq_commit(m, -1);
		return NULL;
	}
	memset(line, ' ', layout->length);
	return line;
}

static void line_end(struct seq_file *m, char *line, char *end)
{
	*end++ = '\n';
	seq_commit(m, end - line);
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
	char *line = line_begin(m, layout);
	char *cell = line, *end = line;
	int i, pad;

	if (!line)
		return;
	for (i = 0; i < SOCKSTAT_COLUMNS; i++) {
		pad = columns[i].is_text ? 0 : layout->width[i] - strlen(columns[i].name);
		end = put(cell + pad, columns[i].name);
		cell += layout->width[i] + 1;
	}
	line_end(m, line, end);
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
	char *line = line_begin(m, layout);
	char *cell = line, *end = line;
	const u8 *width = layout->width;
	const struct column *column;

	if (!line)
		return;
	for (column = columns; column < columns + SOCKSTAT_COLUMNS; column++) {
		end = column->format(cell, *width, row, &ctx);
		cell += *width++;
		if (unlikely(end > cell)) {
			/* the rest of the line moves, to where it is not blank */
			cell = end;
			memset(cell, ' ', line + LINE - cell);
		}
		cell++;
	}
	line_end(m, line, end);
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
