// SPDX-License-Identifier: GPL-2.0-only
/*
 * Urgent data, of which TCP keeps one byte apart.
 *
 * The receiver has got that byte when recv(MSG_OOB) returned it, or, with
 * SO_OOBINLINE, when it read it in the stream; one that plain reading steps
 * over was never delivered.  TCP_INFO counts it with the stream in each case.
 * Scenarios end beyond it, since one that still lies in the queue at close
 * makes that a reset.
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
	/* SIOCINQ stops at the urgent byte. */
	p->server->loose |= LOOSE_TCP_INFO | LOOSE_RX_QUEUE;
}

static bool urgent_here(void *arg)
{
	const struct pair *p = arg;
	struct pollfd pfd = { .fd = p->server->fd, .events = POLLPRI };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLPRI;
}

/* Sends all of @text, its last byte urgent, and waits for it to arrive. */
static void send_urgent(struct pair *p, const char *text)
{
	ssize_t len = strlen(text);

	must(p->client->run, tx(p->client, send(p->client->fd, text, len, MSG_OOB)) == len);
	wait_acked(p->client);
	wait_until(p->client->run, urgent_here, p, "the urgent byte");
}

static void expect(struct end *e, const char *text, int flags)
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
		fail(e->run, "recv() gave \"%.*s\" for \"%s\"", (int)n, buf, text);
}

static void expect_error(struct end *e, int error)
{
	char c;

	must(e->run, rx(e, recv(e->fd, &c, 1, MSG_OOB)) < 0 && errno == error);
}

/* The stream goes on behind the urgent byte. */
static void send_on(struct pair *p, const char *text)
{
	ssize_t len = strlen(text);

	must(p->client->run, tx(p->client, send(p->client->fd, text, len, 0)) == len);
	wait_poll(p->client->run, p->server->fd, POLLIN);
	expect(p->server, text, 0);
}

/**
 * urgent_round - urgent data, and the stream on behind it
 * @p: nothing is queued in its direction, from client to server
 * @order: 0: the urgent byte is read first, 1: when the stream is read up to
 *	it, 2: never
 */
void urgent_round(struct pair *p, unsigned int order)
{
	send_urgent(p, "abcd");
	if (order == 0)
		expect(p->server, "d", MSG_OOB);
	expect(p->server, "abc", 0);
	if (order == 1)
		expect(p->server, "d", MSG_OOB);
	send_on(p, "efg");
}

static void in_oob_first(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	expect(p.server, "d", MSG_OOB);
	check(r);
	expect(p.server, "abc", 0);
	check(r);
	expect_error(p.server, EINVAL);
	send_on(&p, "hello");
	check(r);
}

/* The stream is read up to the mark before the urgent byte is. */
static void in_oob_at_mark(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	expect(p.server, "abc", 0);
	check(r);
	expect(p.server, "d", MSG_OOB);
	check(r);
	send_on(&p, "hello");
	check(r);
}

static void in_oob_peek(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	expect(p.server, "d", MSG_OOB | MSG_PEEK);
	check(r);
	expect(p.server, "abc", MSG_PEEK);
	check(r);
	expect(p.server, "d", MSG_OOB);
	check(r);
	expect(p.server, "abc", 0);
	send_on(&p, "end");
}

/* Stepped over, it is too late for MSG_OOB. */
static void in_oob_skipped(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "abcd");
	expect(p.server, "abc", 0);
	check(r);
	send_on(&p, "efg");
	check(r);
	expect_error(p.server, EINVAL);
	check(r);
}

static void in_oob_only(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	expect_error(p.server, EINVAL);
	send_urgent(&p, "x");
	check(r);
	expect(p.server, "x", MSG_OOB);
	check(r);
	send_urgent(&p, "y");
	check(r);
	expect(p.server, "y", MSG_OOB);
	/* No call in between: TCP itself steps over the byte that was read. */
	send_urgent(&p, "z");
	check(r);
	expect(p.server, "z", MSG_OOB);
	send_on(&p, "end");
}

/* A second urgent byte makes a first, not yet passed, one of the stream. */
static void in_oob_twice(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "ab");
	check(r);
	send_urgent(&p, "cd");
	expect(p.server, "abc", 0);
	check(r);
	expect(p.server, "d", MSG_OOB);
	check(r);
	send_on(&p, "hello");
}

/* Read as urgent, and then again as one of the stream: delivered twice. */
static void in_oob_read_twice(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "ab");
	expect(p.server, "b", MSG_OOB);
	check(r);
	send_urgent(&p, "cd");
	expect(p.server, "abc", 0);
	check(r);
	expect(p.server, "d", MSG_OOB);
	send_on(&p, "end");
}

/* At the mark, a second urgent byte makes TCP itself step over the first. */
static void in_oob_twice_at_mark(struct run *r)
{
	struct pair p;

	urgent_open(r, &p);
	send_urgent(&p, "ab");
	expect(p.server, "a", 0);
	check(r);
	send_urgent(&p, "cd");
	expect(p.server, "c", 0);
	check(r);
	expect(p.server, "d", MSG_OOB);
	check(r);
	send_on(&p, "end");
}

static void in_oob_inline(struct run *r)
{
	struct pair p;
	int on = 1;

	pair_open(r, &p);
	must(r, !setsockopt(p.server->fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)));
	must(r, tx(p.client, send(p.client->fd, "abcd", 4, MSG_OOB)) == 4);
	wait_queued(p.server, 4);
	expect_error(p.server, EINVAL);
	check(r);
	/* Reading stops before it once. */
	expect(p.server, "abc", 0);
	check(r);
	expect(p.server, "d", 0);
	check(r);
	must(r, tx(p.client, send(p.client->fd, "efg", 3, MSG_OOB)) == 3);
	wait_queued(p.server, 3);
	must(r, tx(p.client, send(p.client->fd, "hij", 3, 0)) == 3);
	wait_queued(p.server, 6);
	expect(p.server, "ef", 0);
	expect(p.server, "ghij", 0);
	check(r);
}

/* Nobody has looked at a connection before its urgent byte is stepped over. */
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
	{ "oob_first", in_oob_first, SC_NONBLOCK, 0, "MSG_OOB before the stream is read" },
	{ "oob_at_mark", in_oob_at_mark, SC_NONBLOCK, 0,
	  "MSG_OOB when the stream is read up to it" },
	{ "oob_peek", in_oob_peek, SC_NONBLOCK, 0, "MSG_OOB | MSG_PEEK" },
	{ "oob_skipped", in_oob_skipped, SC_NONBLOCK, 0, "an urgent byte that nobody reads" },
	{ "oob_only", in_oob_only, SC_NONBLOCK, 0, "urgent bytes and no others" },
	{ "oob_twice", in_oob_twice, SC_NONBLOCK, 0,
	  "a second urgent byte before the first is read" },
	{ "oob_read_twice", in_oob_read_twice, SC_NONBLOCK, 0,
	  "an urgent byte that becomes one of the stream after it was read" },
	{ "oob_twice_at_mark", in_oob_twice_at_mark, SC_NONBLOCK, 0,
	  "a second urgent byte while the reader is at the first" },
	{ "oob_inline", in_oob_inline, SC_NONBLOCK, 0, "SO_OOBINLINE" },
	{ "oob_unseen", in_oob_unseen, SC_NONBLOCK, 0,
	  "urgent bytes, both ways, before the table was read" },
	{ 0 },
};
