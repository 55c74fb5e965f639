// SPDX-License-Identifier: GPL-2.0-only
/*
 * Urgent data (MSG_OOB).  TCP has one urgent byte at a time.
 *
 * The urgent byte counts as received when recv(MSG_OOB) returns it or, with
 * SO_OOBINLINE, when an ordinary recv() does.  An ordinary recv() without
 * SO_OOBINLINE skips the byte; it then counts as never delivered.  TCP_INFO
 * counts it in all cases.  Each scenario reads past the last urgent byte,
 * because close() with a byte left in the queue would reset the connection.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "in.h"
#include "scenario.h"

static void urgent_open(struct run *r, struct pair *p)
{
	pair_open(r, p);
	/* SIOCINQ counts the bytes in front of the urgent byte only. */
	p->server->loose |= LOOSE_TCP_INFO | LOOSE_RX_QUEUE;
}

static bool urgent_arrived(void *arg)
{
	const struct pair *p = arg;
	struct pollfd pfd = { .fd = p->server->fd, .events = POLLPRI };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLPRI;
}

/* Send @text with its last byte urgent, and wait until that byte has arrived. */
static void send_urgent(struct pair *p, const char *text)
{
	ssize_t len = strlen(text);

	must(p->client->run, tx(p->client, send(p->client->fd, text, len, MSG_OOB)) == len);
	wait_acked(p->client);
	wait_until(p->client->run, urgent_arrived, p, "the urgent byte");
}

/* Receive with @flags and fail unless the bytes are @text. */
static void recv_text(struct end *e, const char *text, int flags)
{
	ssize_t len = strlen(text), n;
	char buf[100];

	n = recv(e->fd, buf, sizeof(buf), flags);
	if (flags & MSG_PEEK)
		rx_call(e, n);
	else
		rx(e, n);
	must(e->run, n >= 0);
	if (n != len || memcmp(buf, text, len))
		fail(e->run, "recv() returned \"%.*s\" instead of \"%s\"", (int)n, buf, text);
}

/* Fail unless recv(MSG_OOB) fails with @error. */
static void recv_oob_error(struct end *e, int error)
{
	char c;

	must(e->run, rx(e, recv(e->fd, &c, 1, MSG_OOB)) < 0 && errno == error);
}

/* Send and receive @text as ordinary data behind the urgent byte. */
static void send_text(struct pair *p, const char *text)
{
	ssize_t len = strlen(text);

	must(p->client->run, tx(p->client, send(p->client->fd, text, len, 0)) == len);
	wait_poll(p->client->run, p->server->fd, POLLIN);
	recv_text(p->server, text, 0);
}

/**
 * urgent_round - send and receive an urgent byte, then ordinary data behind it
 * @p: the connection, with no bytes queued from client to server
 * @order: when the urgent byte is read: 0: before the bytes in front of it,
 *	1: after them, 2: never
 */
void urgent_round(struct pair *p, unsigned int order)
{
	send_urgent(p, "abcd");
	if (order == 0)
		recv_text(p->server, "d", MSG_OOB);
	recv_text(p->server, "abc", 0);
	if (order == 1)
		recv_text(p->server, "d", MSG_OOB);
	send_text(p, "efg");
}

static void in_oob_first(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	recv_text(p.server, "d", MSG_OOB);
	check(r);
	recv_text(p.server, "abc", 0);
	check(r);
	recv_oob_error(p.server, EINVAL);
	send_text(&p, "hello");
	check(r);
}

/* The bytes in front of the urgent mark are read before the urgent byte. */
static void in_oob_at_mark(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	recv_text(p.server, "abc", 0);
	check(r);
	recv_text(p.server, "d", MSG_OOB);
	check(r);
	send_text(&p, "hello");
	check(r);
}

static void in_oob_peek(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	recv_text(p.server, "d", MSG_OOB | MSG_PEEK);
	check(r);
	recv_text(p.server, "abc", MSG_PEEK);
	check(r);
	recv_text(p.server, "d", MSG_OOB);
	check(r);
	recv_text(p.server, "abc", 0);
	send_text(&p, "end");
}

/* recv() skips the unread urgent byte; MSG_OOB fails afterwards. */
static void in_oob_skipped(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	recv_text(p.server, "abc", 0);
	check(r);
	send_text(&p, "efg");
	check(r);
	recv_oob_error(p.server, EINVAL);
	check(r);
}

static void in_oob_only(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	recv_oob_error(p.server, EINVAL);
	send_urgent(&p, "x");
	check(r);
	recv_text(p.server, "x", MSG_OOB);
	check(r);
	send_urgent(&p, "y");
	check(r);
	recv_text(p.server, "y", MSG_OOB);
	/* tcp_check_urg() advances copied_seq past the byte that was read. */
	send_urgent(&p, "z");
	check(r);
	recv_text(p.server, "z", MSG_OOB);
	send_text(&p, "end");
}

/* A second urgent byte turns the first, unread one into ordinary data. */
static void in_oob_twice(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "ab");
	check(r);
	send_urgent(&p, "cd");
	recv_text(p.server, "abc", 0);
	check(r);
	recv_text(p.server, "d", MSG_OOB);
	check(r);
	send_text(&p, "hello");
}

/* The first urgent byte is delivered twice: by MSG_OOB, and then as ordinary data. */
static void in_oob_read_twice(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "ab");
	recv_text(p.server, "b", MSG_OOB);
	check(r);
	send_urgent(&p, "cd");
	recv_text(p.server, "abc", 0);
	check(r);
	recv_text(p.server, "d", MSG_OOB);
	send_text(&p, "end");
}

/* The reader is at the mark when a second urgent byte arrives; tcp_check_urg() skips the first. */
static void in_oob_twice_at_mark(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "ab");
	recv_text(p.server, "a", 0);
	check(r);
	send_urgent(&p, "cd");
	recv_text(p.server, "c", 0);
	check(r);
	recv_text(p.server, "d", MSG_OOB);
	check(r);
	send_text(&p, "end");
}

static void in_oob_inline(struct run *r)
{
	struct pair p;
	int on = 1;

	pair_open(r, &p);
	must(r, !setsockopt(p.server->fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)));
	must(r, tx(p.client, send(p.client->fd, "abcd", 4, MSG_OOB)) == 4);
	wait_queued(p.server, 4);
	recv_oob_error(p.server, EINVAL);
	check(r);
	/* recv() stops once in front of the urgent byte. */
	recv_text(p.server, "abc", 0);
	check(r);
	recv_text(p.server, "d", 0);
	check(r);
	must(r, tx(p.client, send(p.client->fd, "efg", 3, MSG_OOB)) == 3);
	wait_queued(p.server, 3);
	must(r, tx(p.client, send(p.client->fd, "hij", 3, 0)) == 3);
	wait_queued(p.server, 6);
	recv_text(p.server, "ef", 0);
	recv_text(p.server, "ghij", 0);
	check(r);
}

/* recv(MSG_OOB) with a buffer of no bytes takes the urgent byte and delivers nothing. */
static void in_oob_no_room(struct run *r)
{
	struct pair p;
	char c;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	must(r, rx(p.server, recv(p.server->fd, &c, 0, MSG_OOB)) == 0);
	check(r);
	recv_oob_error(p.server, EINVAL);
	recv_text(p.server, "abc", 0);
	check(r);
	send_text(&p, "hello");
	check(r);
}

/* Reset the connection while an urgent byte waits; the client's end is closed. */
static void urgent_reset(struct run *r, struct pair *p)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	int64_t since;

	urgent_open(r, p);
	send_urgent(p, "abcd");
	since = now_ns();
	must(r, !setsockopt(p->client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	end_close(p->client);
	wait_state(p->server, SOCKSTAT_CLOSED);
	end_ended(p->server, since, ECONNRESET);
	check(r);
}

/* After a reset MSG_OOB fails, although the urgent byte has arrived. */
static void in_oob_reset(struct run *r)
{
	struct pair p;

	urgent_reset(r, &p);
	recv_oob_error(p.server, ENOTCONN);
	check(r);
	recv_oob_error(p.server, ENOTCONN);
	recv_text(p.server, "abc", 0);
	check(r);
}

/* After the peer's end of file MSG_OOB delivers the byte, also when the connection is over. */
static void in_oob_after_end(struct run *r)
{
	int64_t since;
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	since = now_ns();
	must(r, !shutdown(p.server->fd, SHUT_WR));
	end_close(p.client);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.server, since, 0);
	check(r);
	recv_text(p.server, "d", MSG_OOB);
	check(r);
	recv_text(p.server, "abc", 0);
	recv_text(p.server, "", 0);
	check(r);
}

/* The module's table is not read until the urgent bytes have been read or skipped. */
static void in_oob_unseen(struct run *r)
{
	struct pair p, back;
	unsigned int order;

	for (order = 0; order < URGENT_ORDERS; order++) {
		urgent_open(r, &p);
		p.client->loose |= LOOSE_TCP_INFO | LOOSE_RX_QUEUE;
		back = (struct pair){ .client = p.server, .server = p.client };
		urgent_round(&p, order);
		urgent_round(&back, order);
	}
}

const struct scenario in_urgent_scenarios[] = {
	{ "oob_first", in_oob_first, SC_NONBLOCK, 0,
	  "receive an urgent byte before the bytes in front of it" },
	{ "oob_at_mark", in_oob_at_mark, SC_NONBLOCK, 0,
	  "receive an urgent byte after the bytes in front of it" },
	{ "oob_peek", in_oob_peek, SC_NONBLOCK, 0,
	  "look at an urgent byte with MSG_OOB | MSG_PEEK" },
	{ "oob_skipped", in_oob_skipped, SC_NONBLOCK, 0, "skip an urgent byte that is never read" },
	{ "oob_only", in_oob_only, SC_NONBLOCK, 0, "receive urgent bytes without ordinary data" },
	{ "oob_twice", in_oob_twice, SC_NONBLOCK, 0,
	  "send a second urgent byte before the first is read" },
	{ "oob_read_twice", in_oob_read_twice, SC_NONBLOCK, 0,
	  "receive a byte twice: as urgent and then as ordinary data" },
	{ "oob_twice_at_mark", in_oob_twice_at_mark, SC_NONBLOCK, 0,
	  "send a second urgent byte while the reader is at the first" },
	{ "oob_inline", in_oob_inline, SC_NONBLOCK, 0,
	  "receive urgent bytes in the ordinary stream with SO_OOBINLINE" },
	{ "oob_no_room", in_oob_no_room, SC_NONBLOCK, 0,
	  "take an urgent byte with a buffer of no bytes" },
	{ "oob_reset", in_oob_reset, SC_NONBLOCK, 0,
	  "fail to receive an urgent byte after the connection was reset" },
	{ "oob_after_end", in_oob_after_end, SC_NONBLOCK, 0,
	  "receive an urgent byte after the connection has ended" },
	{ "oob_unseen", in_oob_unseen, SC_NONBLOCK, 0,
	  "exchange urgent bytes before the table is read for the first time" },
	{ 0 },
};
