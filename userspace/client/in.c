// SPDX-License-Identifier: GPL-2.0-only
/* Receive with the system calls that copy from the socket into a buffer. */

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"
#include "way.h"

#define CHUNK 5000

static int queued_at(struct end *e)
{
	int n = 0;

	must(e->run, !ioctl(e->fd, SIOCINQ, &n));
	return n;
}

struct level {
	struct end *e;
	int bytes;
};

static bool at_level(void *arg)
{
	const struct level *l = arg;

	return queued_at(l->e) == l->bytes;
}

static void *feed_thread(void *arg)
{
	struct feed *f = arg;
	struct level level = { f->p.server, 0 };
	uint64_t left = f->bytes;

	/* If data were queued before recv(), it would wait for SO_RCVLOWAT bytes in addition. */
	if (f->piece < f->bytes)
		wait_in_syscall(f->p.client->run, getpid(), f->receiver, SYS_recvfrom);
	while (left) {
		size_t n = left < f->piece ? left : f->piece;

		send_bytes(f->p.client, n);
		left -= n;
		if (!f->pile_up)
			level.bytes = 0;
		else
			level.bytes += n;
		if (left && f->piece < f->bytes)
			wait_until(f->p.client->run, at_level, &level, "a piece to be received");
	}
	return NULL;
}

/**
 * feed_trickle - start a thread that sends in pieces while the caller is in recv()
 * @f: the thread's data, which the caller keeps until feed_join()
 * @p: the connection; the thread sends from client to server
 * @bytes: number of bytes to send in all
 * @piece: number of bytes in each piece
 * @pile_up: true if the receiver leaves the pieces in the queue (it peeks, or
 *	SO_RCVLOWAT does not wake it): the next piece is sent when the previous
 *	one is queued; otherwise it is sent when the queue is empty
 */
void feed_trickle(struct feed *f, const struct pair *p, uint64_t bytes, size_t piece, bool pile_up)
{
	*f = (struct feed){
		.p = *p,
		.bytes = bytes,
		.piece = piece,
		.pile_up = pile_up,
		.receiver = syscall(SYS_gettid),
	};
	errno = pthread_create(&f->thread, NULL, feed_thread, f);
	must(p->client->run, !errno);
}

/**
 * feed_start - start a thread that sends without pauses
 * @f: the thread's data, which the caller keeps until feed_join()
 * @p: the connection; the thread sends from client to server
 * @bytes: number of bytes to send
 */
void feed_start(struct feed *f, const struct pair *p, uint64_t bytes)
{
	feed_trickle(f, p, bytes, bytes, false);
}

/**
 * feed_join - wait until the thread has sent all bytes
 * @f: as passed to feed_start() or feed_trickle()
 */
void feed_join(struct feed *f)
{
	pthread_join(f->thread, NULL);
}

/**
 * recv_all - receive a number of bytes by repeating one call
 * @e: the end to receive at; on EAGAIN the descriptor is polled
 * @op: the call, which also books itself
 * @bytes: number of bytes to receive in all
 * @chunk: largest number of bytes to ask for in one call
 */
void recv_all(struct end *e, recv_op op, uint64_t bytes, size_t chunk)
{
	char *buf = malloc(chunk);

	must(e->run, buf);
	while (bytes) {
		ssize_t n = op(e, buf, bytes < chunk ? bytes : chunk);

		if (n < 0 && errno == EAGAIN) {
			wait_poll(e->run, e->fd, POLLIN);
			continue;
		}
		must(e->run, n > 0 && (uint64_t)n <= bytes);
		bytes -= n;
	}
	free(buf);
}

/**
 * send_queued - send bytes and wait until they are in the receive queue
 * @p: the connection; bytes go from client to server
 * @bytes: number of bytes, which must fit the socket buffers
 */
void send_queued(struct pair *p, size_t bytes)
{
	int had = queued_at(p->server);

	send_bytes(p->client, bytes);
	wait_queued(p->server, had + bytes);
}

/* Open a connection and receive, with @op, r->opt->bytes that a thread sends. */
static void recv_stream(struct run *r, recv_op op)
{
	struct feed f;
	struct pair p;

	pair_open(r, &p);
	feed_start(&f, &p, r->opt->bytes);
	recv_all(p.server, op, r->opt->bytes, CHUNK);
	feed_join(&f);
}

static ssize_t op_read(struct end *e, char *buf, size_t len)
{
	return rx(e, read(e->fd, buf, len));
}

static void in_read(struct run *r)
{
	recv_stream(r, op_read);
}

/* Split a buffer into three pieces, of which the middle one is empty; return 3. */
static int iov_split(struct iovec iov[3], char *buf, size_t len)
{
	size_t half = len / 2;

	iov[0] = (struct iovec){ buf, half };
	iov[1] = (struct iovec){ buf, 0 };
	iov[2] = (struct iovec){ buf + half, len - half };
	return 3;
}

static ssize_t op_readv(struct end *e, char *buf, size_t len)
{
	struct iovec iov[3];
	int n = iov_split(iov, buf, len);

	return rx(e, readv(e->fd, iov, n));
}

static void in_readv(struct run *r)
{
	recv_stream(r, op_readv);
}

static ssize_t op_preadv2(struct end *e, char *buf, size_t len)
{
	struct iovec iov[3];
	int n = iov_split(iov, buf, len);

	return rx(e, preadv2(e->fd, iov, n, -1, 0));
}

static void in_preadv2(struct run *r)
{
	recv_stream(r, op_preadv2);
}

static ssize_t op_preadv2_nowait(struct end *e, char *buf, size_t len)
{
	struct iovec iov[3];
	int n = iov_split(iov, buf, len);
	ssize_t ret = preadv2(e->fd, iov, n, -1, RWF_NOWAIT);

	if (ret < 0 && errno == EOPNOTSUPP)
		skip(e->run, "sockets of this kernel do not support RWF_NOWAIT");
	return rx(e, ret);
}

static void in_preadv2_nowait(struct run *r)
{
	recv_stream(r, op_preadv2_nowait);
}

static ssize_t op_recv(struct end *e, char *buf, size_t len)
{
	return rx(e, recv(e->fd, buf, len, 0));
}

static void in_recv(struct run *r)
{
	recv_stream(r, op_recv);
}

static ssize_t op_recv_dontwait(struct end *e, char *buf, size_t len)
{
	return rx(e, recv(e->fd, buf, len, MSG_DONTWAIT));
}

static void in_recv_dontwait(struct run *r)
{
	recv_stream(r, op_recv_dontwait);
}

static ssize_t op_recvfrom(struct end *e, char *buf, size_t len)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = sizeof(sa);

	return rx(e, recvfrom(e->fd, buf, len, 0, (struct sockaddr *)&sa, &sa_len));
}

static void in_recvfrom(struct run *r)
{
	recv_stream(r, op_recvfrom);
}

static ssize_t op_recvmsg(struct end *e, char *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = iov_split(iov, buf, len) };

	return rx(e, recvmsg(e->fd, &msg, 0));
}

static void in_recvmsg(struct run *r)
{
	recv_stream(r, op_recvmsg);
}

#define MESSAGES 4

/*
 * Receive with recvmmsg(), which enters TCP once per message.  If it returned
 * fewer messages than asked for, it entered TCP once more and found no data.
 */
static ssize_t recv_messages(struct end *e, char *buf, size_t len, int flags)
{
	struct mmsghdr msgs[MESSAGES] = { 0 };
	struct iovec iov[MESSAGES];
	size_t each = len / MESSAGES;
	ssize_t sum = 0;
	int i, n;

	for (i = 0; i < MESSAGES; i++) {
		iov[i] = (struct iovec){ buf + i * each, i < MESSAGES - 1 ? each : len - i * each };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(e->fd, msgs, MESSAGES, flags, NULL);
	if (n < 0)
		return rx(e, n);
	for (i = 0; i < n; i++)
		sum += msgs[i].msg_len;
	rx_add(e, sum, n + (n < MESSAGES));
	return sum;
}

static ssize_t op_recvmmsg(struct end *e, char *buf, size_t len)
{
	return recv_messages(e, buf, len, 0);
}

/*
 * A blocking recvmmsg() waits for data for each of its messages.  Receive the
 * last bytes with recv(), since they might not fill all messages.
 */
static void in_recvmmsg(struct run *r)
{
	uint64_t left = 20 * CHUNK;
	char buf[CHUNK];
	struct feed f;
	struct pair p;

	pair_open(r, &p);
	feed_start(&f, &p, left);
	while (left > CHUNK) {
		ssize_t n = op_recvmmsg(p.server, buf, CHUNK);

		if (n < 0 && errno == EAGAIN) {
			wait_poll(r, p.server->fd, POLLIN);
			continue;
		}
		must(r, n > 0);
		left -= n;
	}
	recv_all(p.server, op_recv, left, CHUNK);
	feed_join(&f);
}

static ssize_t op_recvmmsg_waitforone(struct end *e, char *buf, size_t len)
{
	return recv_messages(e, buf, len, MSG_WAITFORONE);
}

static void in_recvmmsg_waitforone(struct run *r)
{
	recv_stream(r, op_recvmmsg_waitforone);
}

/* MSG_WAITALL: bytes that arrive while recv() waits are credited to that call. */
static ssize_t op_waitall(struct end *e, char *buf, size_t len)
{
	return rx(e, recv(e->fd, buf, len, MSG_WAITALL));
}

static void in_waitall(struct run *r)
{
	struct feed f;
	struct pair p;

	pair_open(r, &p);
	feed_start(&f, &p, r->opt->bytes);
	recv_all(p.server, op_waitall, r->opt->bytes, r->opt->bytes);
	feed_join(&f);
}

/* MSG_TRUNC discards the bytes, which count as received. */
static ssize_t op_trunc(struct end *e, char *buf, size_t len)
{
	(void)buf;
	return rx(e, recv(e->fd, NULL, len, MSG_TRUNC));
}

static void in_trunc(struct run *r)
{
	recv_stream(r, op_trunc);
}

static ssize_t op_peek_then_read(struct end *e, char *buf, size_t len)
{
	ssize_t n = rx_call(e, recv(e->fd, buf, len, MSG_PEEK));

	return n > 0 ? op_read(e, buf, n) : n;
}

static void in_peek_then_read(struct run *r)
{
	recv_stream(r, op_peek_then_read);
}

/* An unconnected socket gives ENOTCONN if the kernel accepts RWF_NOWAIT, else EOPNOTSUPP. */
static bool nowait_usable(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;
	struct iovec iov = { &byte, 1 };
	bool usable = preadv2(fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno == ENOTCONN;

	close(fd);
	return usable;
}

const struct in_way in_ways[] = {
	{ "recv", op_recv, 0, NULL, 0 },
	{ "read", op_read, 0, NULL, 0 },
	{ "readv", op_readv, 0, NULL, 0 },
	{ "preadv2", op_preadv2, 0, NULL, 0 },
	{ "preadv2_nowait", op_preadv2_nowait, 0, nowait_usable, 0 },
	{ "recv_dontwait", op_recv_dontwait, 0, NULL, 0 },
	{ "recvfrom", op_recvfrom, 0, NULL, 0 },
	{ "recvmsg", op_recvmsg, 0, NULL, 0 },
	{ "recvmmsg", op_recvmmsg, 0, NULL, MESSAGES },
	{ "recvmmsg_waitforone", op_recvmmsg_waitforone, 0, NULL, MESSAGES },
	{ "waitall", op_waitall, 0, NULL, 0 },
	{ "trunc", op_trunc, 0, NULL, 0 },
	{ "peek_then_read", op_peek_then_read, 0, NULL, 0 },
	{ 0 },
};

const struct scenario in_scenarios[] = {
	{ "read", in_read, SC_NONBLOCK, 0, "receive with read(2)" },
	{ "readv", in_readv, SC_NONBLOCK, 0, "receive with readv(2)" },
	{ "preadv2", in_preadv2, SC_NONBLOCK, 0, "receive with preadv2(2)" },
	{ "preadv2_nowait", in_preadv2_nowait, 0, 0, "receive with preadv2(2) and RWF_NOWAIT" },
	{ "recv", in_recv, SC_NONBLOCK, 0, "receive with recv(2)" },
	{ "recv_dontwait", in_recv_dontwait, 0, 0, "receive with recv(2) and MSG_DONTWAIT" },
	{ "recvfrom", in_recvfrom, SC_NONBLOCK, 0, "receive with recvfrom(2)" },
	{ "recvmsg", in_recvmsg, SC_NONBLOCK, 0, "receive with recvmsg(2)" },
	{ "recvmmsg", in_recvmmsg, SC_NONBLOCK, 0, "receive with recvmmsg(2)" },
	{ "recvmmsg_waitforone", in_recvmmsg_waitforone, SC_NONBLOCK, 0,
	  "receive with recvmmsg(2) and MSG_WAITFORONE" },
	{ "waitall", in_waitall, SC_NONBLOCK, 0,
	  "receive all bytes in one recv(2) with MSG_WAITALL" },
	{ "trunc", in_trunc, SC_NONBLOCK, 0, "receive and discard with recv(2) and MSG_TRUNC" },
	{ "peek_then_read", in_peek_then_read, SC_NONBLOCK, 0,
	  "look at bytes with MSG_PEEK, then receive them with read(2)" },
	{ 0 },
};
