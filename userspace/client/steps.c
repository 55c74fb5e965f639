// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of one connection, system call by system call.
 *
 * With --steps each call is printed as strace(1) would print it, followed by
 * an explanation and by the connection's rows of /proc/sockstat, with "^" under
 * each value that the call changed.  On a narrow terminal some columns are left
 * out.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "scenario.h"

#define MAX_COLUMNS 32
#define MAX_SHOWN 4
#define MAX_WIDTH 512
#define PROSE_WIDTH 78

/* A line of /proc/sockstat, split at its spaces */
struct line {
	char text[MAX_WIDTH];
	char *cells[MAX_COLUMNS];
	unsigned int n;
	uint64_t key; /* the row's COOKIE */
};

/* The rows of the current step and those of the previous one */
struct screen {
	struct run *r;
	struct end *ends[3]; /* listener, client, server */
	struct line header;
	struct line rows[MAX_SHOWN], before[MAX_SHOWN];
	unsigned int n, n_before;
};

static void line_split(struct line *l, const char *text, size_t len, uint64_t key)
{
	char *cell, *rest = NULL;

	len = len < sizeof(l->text) - 1 ? len : sizeof(l->text) - 1;
	memcpy(l->text, text, len);
	l->text[len] = '\0';
	l->n = 0;
	l->key = key;
	for (cell = strtok_r(l->text, " ", &rest); cell && l->n < MAX_COLUMNS;
	     cell = strtok_r(NULL, " ", &rest))
		l->cells[l->n++] = cell;
}

static void line_copy(struct line *to, const struct line *from)
{
	unsigned int i;

	*to = *from;
	for (i = 0; i < to->n; i++)
		to->cells[i] = to->text + (from->cells[i] - from->text);
}

/* Read /proc/sockstat into memory, which the caller frees. */
static char *proc_read(struct run *r, size_t *len)
{
	FILE *from = fopen(SOCKSTAT_PROC_PATH, "re"), *to;
	char *text, block[4096];
	size_t n;

	must(r, from);
	to = open_memstream(&text, len);
	must(r, to);
	while ((n = fread(block, 1, sizeof(block), from)) > 0)
		fwrite(block, 1, n, to);
	fclose(from);
	must(r, !fclose(to));
	return text;
}

/*
 * Whether a row belongs to one of the ends or, before accept(), to the server's
 * side of the connection, whose cookie is not known yet.
 */
static bool row_is_ours(const struct screen *s, const struct sockstat_row *row)
{
	char text[SOCKSTAT_ADDR_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(s->ends); i++) {
		if (s->ends[i] && s->ends[i]->cookie == row->cookie)
			return true;
	}
	return s->ends[1] && addr_port(&s->ends[1]->remote) && row->pid < 0 &&
	       !strcmp(row->remote.text, addr_text(&s->ends[1]->local, text));
}

static void screen_read(struct screen *s)
{
	struct sockstat_table table;
	size_t len, i;
	char *text = proc_read(s->r, &len), *at = text;
	unsigned int line = 1;

	if (sockstat_table_parse(&table, text, len))
		fail(s->r, "/proc/sockstat: %s", table.error);
	for (i = 0; i < s->n; i++)
		line_copy(&s->before[i], &s->rows[i]);
	s->n_before = s->n;
	s->n = 0;
	line_split(&s->header, text, strcspn(text, "\n"), 0);
	for (i = 0; i < table.n_rows && s->n < MAX_SHOWN; i++) {
		const struct sockstat_row *row = &table.rows[i];

		if (!row_is_ours(s, row))
			continue;
		for (; line < row->line; line++)
			at = strchr(at, '\n') + 1;
		line_split(&s->rows[s->n++], at, strcspn(at, "\n"), row->cookie);
	}
	sockstat_table_free(&table);
	free(text);
}

static size_t screen_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns && atoi(columns) > 0 ? (size_t)atoi(columns) : MAX_WIDTH;
}

/*
 * Column widths that suffice in most steps, so that a column keeps its place
 * from step to step.  On a narrow terminal the columns of the highest rank are
 * left out first; those of rank 0 are always shown.
 */
static const struct {
	const char *name;
	size_t width;
	unsigned int rank;
} plan[] = {
	{ "COMMAND", 16, 4 }, { "PID", 6, 5 },	    { "FD", 3, 0 },	   { "STATE", 12, 0 },
	{ "ROLE", 7, 0 },     { "LOCAL", 16, 0 },   { "REMOTE", 16, 0 },   { "TX_QUEUE", 9, 1 },
	{ "RX_QUEUE", 9, 1 }, { "TX_CALLS", 9, 2 }, { "RX_CALLS", 9, 2 },  { "OPENED", 15, 3 },
	{ "CLOSED", 15, 3 },  { "ERROR", 6, 3 },    { "UID", 4, 6 },	   { "COOKIE", 7, 7 },
	{ "INODE", 7, 8 },    { "NETNS", 11, 9 },   { "DURATION", 9, 10 }, { "EUID", 5, 10 },
	{ "AGO", 9, 10 },
};

#define RANKS 10

/* Compute the width of each column; 0 if it does not fit the screen. */
static void screen_layout(const struct screen *s, size_t widths[MAX_COLUMNS])
{
	unsigned int ranks[MAX_COLUMNS] = { 0 }, i, row, rank;
	size_t sum = 2, room = screen_width(), k;

	for (i = 0; i < s->header.n; i++) {
		widths[i] = strlen(s->header.cells[i]) + 1;
		for (k = 0; k < ARRAY_SIZE(plan); k++) {
			if (!strcmp(plan[k].name, s->header.cells[i])) {
				widths[i] = plan[k].width;
				ranks[i] = plan[k].rank;
			}
		}
		for (row = 0; row < s->n; row++) {
			size_t len = i < s->rows[row].n ? strlen(s->rows[row].cells[i]) + 1 : 0;

			widths[i] = len > widths[i] ? len : widths[i];
		}
		sum += widths[i];
	}
	for (rank = RANKS; rank > 0 && sum > room; rank--) {
		for (i = 0; i < s->header.n; i++) {
			if (ranks[i] == rank) {
				sum -= widths[i];
				widths[i] = 0;
			}
		}
	}
}

static const struct line *line_before(const struct screen *s, const struct line *l)
{
	unsigned int i;

	for (i = 0; i < s->n_before; i++) {
		if (s->before[i].key == l->key)
			return &s->before[i];
	}
	return NULL;
}

static void print_line(struct run *r, const struct line *l, const size_t widths[MAX_COLUMNS])
{
	char out[2 * MAX_WIDTH] = "  ";
	size_t at = 2;
	unsigned int i;

	for (i = 0; i < l->n && at < sizeof(out); i++) {
		if (widths[i])
			at += snprintf(out + at, sizeof(out) - at, "%-*s", (int)widths[i],
				       l->cells[i]);
	}
	while (at > 0 && at < sizeof(out) && out[at - 1] == ' ')
		out[--at] = '\0';
	say(r, "%s", out);
}

/* Print "^" under each value of a row that differs from the previous step. */
static void print_changes(struct run *r, const struct line *l, const struct line *before,
			  const size_t widths[MAX_COLUMNS])
{
	char out[2 * MAX_WIDTH];
	size_t at = 2, end = 0;
	unsigned int i;

	memset(out, ' ', sizeof(out));
	for (i = 0; i < l->n && i < before->n && at + widths[i] < sizeof(out); i++) {
		if (widths[i] && strcmp(l->cells[i], before->cells[i])) {
			memset(out + at, '^', strlen(l->cells[i]));
			end = at + strlen(l->cells[i]);
		}
		at += widths[i];
	}
	out[end] = '\0';
	if (end)
		say(r, "%s", out);
}

/* Print a text in lines of at most PROSE_WIDTH columns, each of which begins with @prefix. */
static void print_prose(struct run *r, const char *prefix, const char *text)
{
	size_t room = PROSE_WIDTH - strlen(prefix), len;

	while (*text) {
		len = strlen(text);
		if (len > room) {
			for (len = room; len > 1 && text[len] != ' '; len--)
				;
		}
		say(r, "%s%.*s", prefix, (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

/* Print a system call, its explanation and the rows, and compare the rows with the ledger. */
static void __attribute__((format(printf, 3, 4))) step(struct screen *s, const char *explanation,
						       const char *call, ...)
{
	size_t widths[MAX_COLUMNS] = { 0 };
	char text[256];
	unsigned int i;
	va_list ap;

	va_start(ap, call);
	vsnprintf(text, sizeof(text), call, ap);
	va_end(ap);
	say(s->r, "%s", text);
	print_prose(s->r, "  # ", explanation);
	if (s->r->opt->steps && !s->r->opt->dry_run) {
		screen_read(s);
		screen_layout(s, widths);
		print_line(s->r, &s->header, widths);
		for (i = 0; i < s->n; i++) {
			const struct line *before = line_before(s, &s->rows[i]);

			print_line(s->r, &s->rows[i], widths);
			if (before)
				print_changes(s->r, &s->rows[i], before, widths);
		}
	}
	say(s->r, "%s", "");
	check(s->r);
}

static const char *domain_name(const struct run *r)
{
	return r->family == FAMILY_4 ? "AF_INET" : "AF_INET6";
}

static void steps_open(struct screen *s, struct pair *p)
{
	struct run *r = s->r;
	struct sockaddr_storage sa;
	char text[SOCKSTAT_ADDR_LEN];
	struct end *listener;
	socklen_t len;
	int64_t since;
	int fd;

	fd = tcp_socket(r);
	listener = s->ends[0] = end_new(r, fd, SOCKSTAT_ROLE_NONE, -1);
	step(s, "The server creates a socket. It has no addresses and no connection yet.",
	     "socket(%s, SOCK_STREAM, IPPROTO_TCP) = %d", domain_name(r), fd);

	len = family_loopback(r, 0, &sa);
	if (bind(fd, (struct sockaddr *)&sa, len) && errno == EADDRNOTAVAIL)
		skip(r, "no loopback address of this family");
	end_refresh(listener);
	step(s, "The socket gets its LOCAL address. Port 0 asks the kernel to choose a free port.",
	     "bind(%d, %s) = 0", fd, addr_text(&sa, text));

	must(r, !listen(fd, 1));
	listener->listener = true;
	step(s, "The socket waits for clients: its STATE is LISTEN.", "listen(%d, 1) = 0", fd);

	fd = tcp_socket(r);
	p->client = s->ends[1] = end_new(r, fd, SOCKSTAT_ROLE_NONE, -1);
	step(s, "The client creates a socket, too.", "socket(%s, SOCK_STREAM, IPPROTO_TCP) = %d",
	     domain_name(r), fd);

	len = family_loopback(r, addr_port(&listener->local), &sa);
	since = now_ns();
	must(r, !connect(fd, (struct sockaddr *)&sa, len));
	end_opened(p->client, SOCKSTAT_ROLE_CLIENT, since);
	step(s,
	     "The kernel exchanges SYN, SYN+ACK and ACK, and the connection is ESTABLISHED. The "
	     "server has not called accept() yet, so no process holds its end: that row has - "
	     "as PID and FD.",
	     "connect(%d, %s) = 0", fd, addr_text(&sa, text));

	p->server = s->ends[2] = accept_from(r, listener, since);
	step(s,
	     "accept() returns a descriptor for the server's end. Its LOCAL address is the "
	     "client's REMOTE address, and vice versa.",
	     "accept(%d, NULL, NULL) = %d", listener->fd, p->server->fd);
}

static void steps_send(struct screen *s, struct end *from, struct end *to, const char *text)
{
	size_t len = strlen(text);

	must(s->r, tx(from, send(from->fd, text, len, 0)) == (ssize_t)len);
	wait_acked(from);
	wait_queued(to, len);
	step(s,
	     "The bytes are in the sender's TX_BYTES, and the call is in its TX_CALLS. The "
	     "receiver has not read them yet: they wait in its RX_QUEUE.",
	     "send(%d, \"%s\", %zu, 0) = %zu", from->fd, text, len, len);
}

static void steps_recv(struct screen *s, struct end *e, const char *text)
{
	char buf[256];
	ssize_t n = rx(e, recv(e->fd, buf, sizeof(buf), 0));

	must(s->r, n == (ssize_t)strlen(text) && !memcmp(buf, text, n));
	step(s,
	     n ? "The bytes move from the receiver's RX_QUEUE to its RX_BYTES." :
		 "recv() returns 0, the end of file: the peer has closed its direction. "
		 "RX_CALLS counts the call; no byte was received.",
	     "recv(%d, \"%s\", %zu, 0) = %zd", e->fd, text, sizeof(buf), n);
}

static void steps_close(struct screen *s, struct pair *p)
{
	struct run *r = s->r;
	int64_t since;

	must(r, !shutdown(p->client->fd, SHUT_WR));
	wait_state(p->client, SOCKSTAT_FIN_WAIT2);
	wait_state(p->server, SOCKSTAT_CLOSE_WAIT);
	step(s,
	     "The client sends a FIN: it will send no more bytes, but it can still receive. The "
	     "server has acknowledged the FIN.",
	     "shutdown(%d, SHUT_WR) = 0", p->client->fd);
	steps_recv(s, p->server, "");
	steps_send(s, p->server, p->client, "bye");
	steps_recv(s, p->client, "bye");

	since = now_ns();
	end_close(p->server);
	wait_state(p->client, SOCKSTAT_CLOSED);
	end_ended(p->client, since, 0);
	step(s,
	     "The server closes its descriptor, which sends its own FIN. With both FINs sent the "
	     "connection has ended, and both rows are CLOSED. The client still has its "
	     "descriptor.",
	     "close(%d) = 0", p->server->fd);
	steps_recv(s, p->client, "");
	end_close(p->client);
	step(s,
	     "No descriptor is left. Both rows stay in the table's history, with the connection's "
	     "addresses, times and byte counts.",
	     "close(%d) = 0", p->client->fd);
	end_close(s->ends[0]);
	step(s, "The listener leaves no row, because it never had a connection of its own.",
	     "close(%d) = 0", s->ends[0]->fd);
}

static void steps_introduce(struct run *r)
{
	print_prose(r, "# ",
		    "The life of one TCP connection on the loopback interface. Each step shows a "
		    "system call, its effect, and the rows of /proc/sockstat for the listener, the "
		    "client and the server. A ^ marks each value that the call has changed.");
	say(r, "%s", "");
}

static void steps_run(struct run *r)
{
	struct screen *s = calloc(1, sizeof(*s));
	struct pair p;

	must(r, s);
	s->r = r;
	steps_introduce(r);
	steps_open(s, &p);
	steps_send(s, p.client, p.server, "hello, server");
	steps_recv(s, p.server, "hello, server");
	steps_send(s, p.server, p.client, "hello, client");
	steps_recv(s, p.client, "hello, client");
	steps_close(s, &p);
	free(s);
}

const struct scenario steps_scenarios[] = {
	{ "steps", steps_run, 0, 0,
	  "open, use and close one connection, checked after each system call" },
	{ 0 },
};
