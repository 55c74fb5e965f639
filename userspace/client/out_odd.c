// SPDX-License-Identifier: GPL-2.0-only
/* Special cases of sending: MSG_OOB, MSG_ZEROCOPY, partial and failing sends. */

#include <errno.h>
#include <time.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "scenario.h"
#include "way.h"

static ssize_t op_send(struct end *e, const char *buf, size_t len)
{
	return tx(e, send(e->fd, buf, len, 0));
}

/*
 * The urgent byte counts as sent at once.  It counts as received when
 * recv(MSG_OOB) returns it, whereas TCP_INFO counts it when ordinary reading
 * goes past it.
 */
static void out_oob(struct run *r)
{
	struct pair p;
	char c;

	pair_open(r, &p);
	p.server->loose |= LOOSE_TCP_INFO | LOOSE_RX_QUEUE;
	must(r, tx(p.client, send(p.client->fd, "abcde", 5, MSG_OOB)) == 5);
	wait_poll(r, p.server->fd, POLLPRI);
	check(r);
	must(r, rx(p.server, recv(p.server->fd, &c, 1, MSG_OOB)) == 1 && c == 'e');
	read_all(p.server, 4);
	check(r);
	send_all(p.client, op_send, 10, 10);
	read_all(p.server, 10);
}

/* Read from the error queue until the completions of @sends zero-copy sends have arrived. */
static void reap_completions(struct end *e, unsigned int sends)
{
	unsigned int done = 0;

	while (done < sends) {
		char control[128];
		struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
		struct sock_extended_err *err;
		struct cmsghdr *cm;

		wait_poll(e->run, e->fd, 0);
		if (rx_call(e, recvmsg(e->fd, &msg, MSG_ERRQUEUE)) < 0) {
			must(e->run, errno == EAGAIN);
			continue;
		}
		cm = CMSG_FIRSTHDR(&msg);
		must(e->run, cm);
		err = (struct sock_extended_err *)CMSG_DATA(cm);
		must(e->run, err->ee_origin == SO_EE_ORIGIN_ZEROCOPY);
		done += err->ee_data - err->ee_info + 1;
	}
}

static void out_zerocopy(struct run *r)
{
	size_t left = r->opt->bytes, size = 20000;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int sends = 0;
	struct drain d;
	struct pair p;
	int on = 1;

	must(r, memory != MAP_FAILED);
	fill(memory, size);
	pair_open(r, &p);
	if (setsockopt(p.client->fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		skip(r, "SO_ZEROCOPY: %m");
	drain_start(&d, p.server, left);
	while (left) {
		size_t len = left < size ? left : size;
		ssize_t n = tx(p.client, send(p.client->fd, memory, len, MSG_ZEROCOPY));

		if (n < 0 && errno == EAGAIN) {
			wait_poll(r, p.client->fd, POLLOUT);
		} else if (n < 0 && errno == ENOBUFS && sends) {
			reap_completions(p.client, sends);
			sends = 0;
		} else {
			must(r, n > 0);
			left -= n;
			sends++;
		}
	}
	drain_join(&d);
	reap_completions(p.client, sends);
	munmap(memory, size);
}

/* Make one zero-copy send and wait for its completion. */
static ssize_t op_zerocopy(struct end *e, const char *buf, size_t len)
{
	ssize_t n;
	int on = 1;

	must(e->run, !setsockopt(e->fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	n = tx(e, send(e->fd, buf, len, MSG_ZEROCOPY));
	if (n > 0)
		reap_completions(e, 1);
	return n;
}

const struct out_way out_odd_ways[] = {
	{ "zerocopy", op_zerocopy, WAY_ERRQUEUE | WAY_ACKED, NULL },
	{ 0 },
};

/* The peer does not read, so the last successful send is a partial one. */
static void out_full_buffer(struct run *r)
{
	size_t size = 300000;
	char *buf = malloc(size);
	unsigned int partial = 0;
	struct pair p;
	ssize_t n;
	int i;

	must(r, buf);
	fill(buf, size);
	pair_open(r, &p);
	set_nonblock(r, p.client->fd, true);
	/* The peer's window may still grow, so stop after three EAGAINs in a row. */
	for (i = 0; i < 3;) {
		n = tx(p.client, send(p.client->fd, buf, size, 0));
		must(r, n > 0 || (n < 0 && errno == EAGAIN));
		partial += n > 0 && (size_t)n < size;
		i = n < 0 ? i + 1 : 0;
	}
	if (!partial)
		fail(r, "no send was partial, although the buffer is full");
	check(r);
	read_all(p.server, p.client->tx_bytes);
	free(buf);
}

/* SO_SNDTIMEO ends a blocking send() with a partial result or with EAGAIN. */
static void out_sndtimeo(struct run *r)
{
	struct timeval timeout = { .tv_usec = 100000 };
	size_t size = 300000;
	char *buf = malloc(size);
	struct pair p;
	ssize_t n;

	must(r, buf);
	fill(buf, size);
	pair_open(r, &p);
	must(r, !setsockopt(p.client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)));
	do {
		n = tx(p.client, send(p.client->fd, buf, size, 0));
	} while (n > 0);
	must(r, errno == EAGAIN);
	check(r);
	read_all(p.server, p.client->tx_bytes);
	free(buf);
}

/* A send after shutdown(SHUT_WR) fails with EPIPE and counts as a call. */
static void out_epipe(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	send_all(p.client, op_send, 100, 100);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	must(r, tx(p.client, send(p.client->fd, "x", 1, MSG_NOSIGNAL)) < 0 && errno == EPIPE);
	must(r, tx(p.client, write(p.client->fd, "x", 1)) < 0 && errno == EPIPE);
	check(r);
	read_to_eof(p.server);
}

#define READABLE (128 * 1024)

/*
 * Send from a buffer whose end is unreadable.  TCP copies in pieces of up to
 * 32 KB.  The pieces before the unreadable one count as sent; if the first
 * piece is unreadable, the call fails with EFAULT.
 */
static void out_efault(struct run *r)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, READABLE + page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *bad = memory + READABLE;
	struct iovec iov[2] = { { memory, READABLE }, { bad, 1000 } };
	struct pair p;
	ssize_t n;

	must(r, memory != MAP_FAILED);
	fill(memory, READABLE);
	must(r, !mprotect(bad, page, PROT_NONE));
	pair_open(r, &p);
	must(r, tx(p.client, send(p.client->fd, bad, 100, 0)) < 0 && errno == EFAULT);
	check(r);
	n = tx(p.client, send(p.client->fd, memory, READABLE + 1000, 0));
	if (n <= 0 || n > READABLE)
		fail(r, "send() returned %zd for %d readable bytes", n, READABLE);
	n = tx(p.client, writev(p.client->fd, iov, 2));
	if (n <= 0 || n > READABLE)
		fail(r, "writev() returned %zd for %d readable bytes", n, READABLE);
	read_all(p.server, p.client->tx_bytes);
	munmap(memory, READABLE + page);
}

/* Failing sends on a socket that was never connected count as calls. */
static void out_unconnected(struct run *r)
{
	struct end *e = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);

	must(r, tx(e, send(e->fd, "x", 1, MSG_NOSIGNAL)) < 0 && errno == EPIPE);
	must(r, tx(e, write(e->fd, "x", 1)) < 0 && errno == EPIPE);
}

const struct scenario out_odd_scenarios[] = {
	{ "oob", out_oob, 0, 0, "send an urgent byte with MSG_OOB" },
	{ "zerocopy", out_zerocopy, SC_NONBLOCK | SC_TO_HOST, 0,
	  "send with MSG_ZEROCOPY and read the completions from the error queue" },
	{ "full_buffer", out_full_buffer, 0, 0,
	  "fill the send buffer until a partial send and EAGAIN" },
	{ "sndtimeo", out_sndtimeo, 0, 0,
	  "fill the send buffer until SO_SNDTIMEO ends a blocking send" },
	{ "epipe", out_epipe, SC_NONBLOCK, 0, "send after shutdown(2) with SHUT_WR (EPIPE)" },
	{ "efault", out_efault, SC_NONBLOCK, 0,
	  "send from memory that is unreadable from the start or further on" },
	{ "unconnected", out_unconnected, 0, 0,
	  "send on a socket that was never connected (EPIPE)" },
	{ 0 },
};
