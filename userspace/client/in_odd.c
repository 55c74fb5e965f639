// SPDX-License-Identifier: GPL-2.0-only
/* Special cases of receiving: MSG_PEEK, MSG_WAITALL, timeouts, errors, the end of file. */

#include <errno.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "in.h"
#include "scenario.h"

/* Bytes that are only peeked at do not count as received. */
static void in_peek(struct run *r)
{
	char buf[1000];
	struct pair p;
	int i;

	pair_open(r, &p);
	send_queued(&p, 1000);
	for (i = 1; i <= 10; i++)
		must(r, rx_call(p.server, recv(p.server->fd, buf, 100 * i, MSG_PEEK)) == 100 * i);
	check(r);
	read_all(p.server, 400);
	must(r, rx_call(p.server, recv(p.server->fd, buf, 1000, MSG_PEEK)) == 600);
	check(r);
	read_all(p.server, 600);
	must(r, rx_call(p.server, recv(p.server->fd, buf, 1, MSG_PEEK | MSG_DONTWAIT)) < 0);
	must(r, errno == EAGAIN);
}

#define PIECES 10
#define PIECE 700

/* The bytes arrive in pieces while one recv(MSG_WAITALL) waits for all of them. */
static void in_waitall_trickle(struct run *r)
{
	char buf[PIECES * PIECE];
	struct feed f;
	struct pair p;

	pair_open(r, &p);
	feed_trickle(&f, &p, sizeof(buf), PIECE, false);
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_WAITALL)) == sizeof(buf));
	feed_join(&f);
	check(r);
}

static void in_peek_waitall(struct run *r)
{
	char buf[PIECES * PIECE];
	struct feed f;
	struct pair p;

	pair_open(r, &p);
	feed_trickle(&f, &p, sizeof(buf), PIECE, true);
	must(r, rx_call(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_PEEK | MSG_WAITALL)) ==
			sizeof(buf));
	feed_join(&f);
	check(r);
	read_all(p.server, sizeof(buf));
}

/* A FIN ends recv(MSG_WAITALL) early; the next call returns the end of file. */
static void in_waitall_eof(struct run *r)
{
	char buf[1000];
	struct pair p;

	pair_open(r, &p);
	send_queued(&p, 300);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_WAITALL)) == 300);
	check(r);
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_WAITALL)) == 0);
}

static void in_rcvtimeo(struct run *r)
{
	struct timeval timeout = { .tv_usec = 50000 };
	char buf[1000];
	struct pair p;

	pair_open(r, &p);
	must(r, !setsockopt(p.server->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), 0)) < 0 && errno == EAGAIN);
	must(r, rx(p.server, read(p.server->fd, buf, sizeof(buf))) < 0 && errno == EAGAIN);
	send_queued(&p, 300);
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_WAITALL)) == 300);
	check(r);
	send_queued(&p, 300);
	must(r, rx_call(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_WAITALL | MSG_PEEK)) ==
			300);
	check(r);
	read_all(p.server, 300);
}

/* A blocking recv() waits until SO_RCVLOWAT bytes have arrived, in whatever pieces. */
static void in_rcvlowat(struct run *r)
{
	char buf[PIECES * PIECE];
	int low = 5 * PIECE;
	struct feed f;
	struct pair p;

	pair_open(r, &p);
	must(r, !setsockopt(p.server->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)));
	feed_trickle(&f, &p, low, PIECE, true);
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), 0)) == low);
	feed_join(&f);
	check(r);
	send_queued(&p, PIECE);
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_DONTWAIT)) == PIECE);
}

/* Each call that returns the end of file counts as a call without bytes. */
static void in_eof(struct run *r)
{
	struct iovec iov[2];
	char buf[100];
	struct pair p;
	int i;

	pair_open(r, &p);
	send_queued(&p, 100);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_state(p.server, SOCKSTAT_CLOSE_WAIT);
	check(r);
	read_all(p.server, 100);
	check(r);
	must(r, rx_call(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_PEEK)) == 0);
	check(r);
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), 0)) == 0);
	check(r);
	iov[0] = (struct iovec){ buf, 50 };
	iov[1] = (struct iovec){ buf + 50, 50 };
	for (i = 0; i < 3; i++) {
		must(r, rx(p.server, read(p.server->fd, buf, sizeof(buf))) == 0);
		must(r, rx(p.server, readv(p.server->fd, iov, 2)) == 0);
		must(r, rx_call(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_PEEK)) == 0);
		must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), MSG_TRUNC)) == 0);
	}
	check(r);
	/* The server can still send. */
	must(r, tx(p.server, send(p.server->fd, "hello", 5, 0)) == 5);
	read_all(p.client, 5);
	check(r);
}

/* recv() of zero bytes enters TCP and counts as a call; sock_read_iter() ends read() earlier. */
static void in_zero_length(struct run *r)
{
	struct iovec none = { "", 0 };
	struct msghdr msg = { 0 };
	struct pair p;
	char c;

	pair_open(r, &p);
	send_queued(&p, 10);
	must(r, read(p.server->fd, &c, 0) == 0);
	must(r, readv(p.server->fd, &none, 1) == 0);
	must(r, rx(p.server, recv(p.server->fd, &c, 0, 0)) == 0);
	must(r, rx(p.server, recvmsg(p.server->fd, &msg, 0)) == 0);
	check(r);
	read_all(p.server, 10);
}

/* Receive into unwritable memory: recv() fails with EFAULT and the bytes stay queued. */
static void in_efault(struct run *r)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *bad = memory + page;
	struct iovec iov[2] = { { memory, 100 }, { bad, 900 } };
	struct pair p;
	ssize_t n;
	int i;

	must(r, memory != MAP_FAILED);
	must(r, !mprotect(bad, page, PROT_NONE));
	pair_open(r, &p);
	send_queued(&p, 1000);
	must(r, rx(p.server, recv(p.server->fd, bad, 1000, 0)) < 0 && errno == EFAULT);
	must(r, rx(p.server, readv(p.server->fd, iov, 2)) < 0 && errno == EFAULT);
	check(r);
	read_all(p.server, 1000);
	/* With two segments, the first may be delivered before the second fails. */
	for (i = 0; i < 2; i++) {
		send_queued(&p, 600);
		wait_acked(p.client);
	}
	n = rx(p.server, recv(p.server->fd, bad - 700, 1200, 0));
	must(r, n > 0 || errno == EFAULT);
	check(r);
	read_all(p.server, 1200 - (n > 0 ? n : 0));
	munmap(memory, 2 * page);
}

/* Failing calls on sockets without a peer count as calls. */
static void in_unconnected(struct run *r)
{
	struct end *plain = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);
	struct end *listener = listen_open(r, 1);
	char c;

	must(r, rx(plain, recv(plain->fd, &c, 1, 0)) < 0 && errno == ENOTCONN);
	must(r, rx(plain, read(plain->fd, &c, 1)) < 0 && errno == ENOTCONN);
	must(r, rx(listener, recv(listener->fd, &c, 1, 0)) < 0 && errno == ENOTCONN);
}

/*
 * Unread bytes do not count as received.  They turn close() into a reset, after
 * which the peer's first recv() fails and later ones return the end of file.
 */
static void in_unread_at_close(struct run *r)
{
	char buf[100];
	struct pair p;
	int64_t since;

	pair_open(r, &p);
	send_queued(&p, 1000);
	read_all(p.server, 300);
	wait_acked(p.client);
	check(r);
	since = now_ns();
	end_close(p.server);
	wait_state(p.client, SOCKSTAT_CLOSED);
	end_ended(p.client, since, ECONNRESET);
	check(r);
	must(r, rx(p.client, recv(p.client->fd, buf, sizeof(buf), 0)) < 0 && errno == ECONNRESET);
	must(r, rx(p.client, recv(p.client->fd, buf, sizeof(buf), 0)) == 0);
	check(r);
}

/* recvmsg(MSG_ERRQUEUE) returns copies of sent bytes, which do not count as received. */
static void in_errqueue(struct run *r)
{
	int on = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_TX_SOFTWARE |
		 SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID;
	unsigned int copies = 0, bytes = 0;
	char buf[2000], control[512];
	struct pair p;

	pair_open(r, &p);
	must(r, rx_call(p.client, recv(p.client->fd, buf, sizeof(buf), MSG_ERRQUEUE)) < 0);
	must(r, errno == EAGAIN);
	must(r, !setsockopt(p.client->fd, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)));
	send_bytes(p.client, 1000);
	read_all(p.server, 1000);
	wait_acked(p.client);
	while (copies < 2) {
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		ssize_t n;

		wait_poll(r, p.client->fd, 0);
		n = rx_call(p.client, recvmsg(p.client->fd, &msg, MSG_ERRQUEUE));
		must(r, n >= 0 || errno == EAGAIN);
		copies += n >= 0;
		bytes += n > 0 ? n : 0;
	}
	if (!bytes)
		fail(r, "the error queue held no bytes, so the scenario tested nothing");
	check(r);
	/* Ordinary data is received as before. */
	must(r, tx(p.server, send(p.server->fd, "hello", 5, 0)) == 5);
	read_all(p.client, 5);
}

const struct scenario in_odd_scenarios[] = {
	{ "peek", in_peek, SC_NONBLOCK, 0,
	  "look at bytes several times with MSG_PEEK before receiving them" },
	{ "waitall_trickle", in_waitall_trickle, 0, 0,
	  "wait with MSG_WAITALL for bytes that arrive in pieces" },
	{ "waitall_eof", in_waitall_eof, SC_NONBLOCK, 0,
	  "wait with MSG_WAITALL until the end of file cuts the call short" },
	{ "peek_waitall", in_peek_waitall, 0, 0,
	  "wait with MSG_PEEK | MSG_WAITALL for bytes that arrive in pieces" },
	{ "rcvtimeo", in_rcvtimeo, 0, 0,
	  "let SO_RCVTIMEO end calls that received nothing or only a part" },
	{ "rcvlowat", in_rcvlowat, 0, 0, "wait in recv(2) for SO_RCVLOWAT bytes" },
	{ "eof", in_eof, SC_NONBLOCK, 0, "read the end of file again and again, then send" },
	{ "zero_length", in_zero_length, SC_NONBLOCK, 0, "receive zero bytes with each call" },
	{ "efault", in_efault, SC_NONBLOCK, 0,
	  "receive into memory that cannot be written (EFAULT)" },
	{ "unconnected", in_unconnected, 0, 0, "receive on sockets without a peer (ENOTCONN)" },
	{ "unread_at_close", in_unread_at_close, SC_NONBLOCK, 0,
	  "close(2) with unread bytes and receive at the peer" },
	{ "errqueue", in_errqueue, SC_NONBLOCK, 0,
	  "read the empty error queue, and copies of sent bytes from it" },
	{ 0 },
};
