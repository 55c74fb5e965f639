// SPDX-License-Identifier: GPL-2.0-only
/* Receiving without a system call on the descriptor: libaio and io_uring. */

#include <errno.h>
#include <libaio.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring.h"
#include "scenario.h"
#include "way.h"

#define PIECE 1000
#define ROUNDS 10

static void in_aio(struct run *r)
{
	struct iocb cbs[3], *list[3] = { &cbs[0], &cbs[1], &cbs[2] };
	struct io_event events[3];
	io_context_t ctx = NULL;
	char buf[PIECE];
	struct iovec iov[2] = { { buf, 300 }, { buf + 300, PIECE - 300 } };
	struct pair p;
	int i, k, err;

	err = io_setup(8, &ctx);
	if (err == -ENOSYS)
		skip(r, "this kernel has no AIO");
	must(r, !as_errno(err));
	pair_open(r, &p);
	for (i = 0; i < ROUNDS; i++) {
		send_queued(&p, 2 * PIECE + 1);
		io_prep_pread(&cbs[0], p.server->fd, buf, PIECE, 0);
		io_prep_preadv(&cbs[1], p.server->fd, iov, 2, 0);
		io_prep_pread(&cbs[2], p.server->fd, buf, PIECE, 0);
		must(r, as_errno(io_submit(ctx, 3, list)) == 3);
		must(r, as_errno(io_getevents(ctx, 3, 3, events, NULL)) == 3);
		for (k = 0; k < 3; k++)
			must(r, rx(p.server, as_errno((long)events[k].res)) > 0);
	}
	check(r);
	io_destroy(ctx);
}

typedef void (*prep_fn)(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len);

static void prep_recv(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_recv(sqe, fd, buf, len, 0);
}

static void prep_read(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_read(sqe, fd, buf, len, 0);
}

static void prep_readv(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	static __thread struct iovec iov[2];

	iov[0] = (struct iovec){ buf, len / 3 };
	iov[1] = (struct iovec){ buf + len / 3, len - len / 3 };
	io_uring_prep_readv(sqe, fd, iov, 2, 0);
}

static void prep_recvmsg(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	static __thread struct msghdr msg;
	static __thread struct iovec iov;

	iov = (struct iovec){ buf, len };
	msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	io_uring_prep_recvmsg(sqe, fd, &msg, 0);
}

/*
 * The bytes are there before they are asked for, so the ring's first try has them.
 * @fixed: through a registered file, and @sqe_flags on top of that
 */
static void ring_rounds_with(struct run *r, int op, const char *name, prep_fn prep, bool fixed,
			     unsigned int sqe_flags, unsigned int ring_flags)
{
	struct io_uring ring;
	char buf[PIECE];
	struct pair p;
	int i;

	ring_open_with(r, &ring, ring_flags);
	ring_need(r, &ring, op, name);
	pair_open(r, &p);
	if (fixed)
		must(r, !as_errno(io_uring_register_files(&ring, &p.server->fd, 1)));
	for (i = 0; i < ROUNDS; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		unsigned int flags;

		send_queued(&p, PIECE);
		prep(sqe, fixed ? 0 : p.server->fd, buf, PIECE);
		io_uring_sqe_set_flags(sqe, sqe_flags | (fixed ? IOSQE_FIXED_FILE : 0));
		must(r, rx(p.server, as_errno(ring_do(r, &ring, &flags))) == PIECE);
	}
	check(r);
	if (fixed)
		must(r, !as_errno(io_uring_unregister_files(&ring)));
	io_uring_queue_exit(&ring);
}

static void ring_rounds(struct run *r, int op, const char *name, prep_fn prep, bool fixed,
			unsigned int sqe_flags)
{
	ring_rounds_with(r, op, name, prep, fixed, sqe_flags, 0);
}

static void in_uring_recv(struct run *r)
{
	ring_rounds(r, IORING_OP_RECV, "RECV", prep_recv, false, 0);
}

static void in_uring_read(struct run *r)
{
	ring_rounds(r, IORING_OP_READ, "READ", prep_read, false, 0);
}

static void in_uring_readv(struct run *r)
{
	ring_rounds(r, IORING_OP_READV, "READV", prep_readv, false, 0);
}

static void in_uring_recvmsg(struct run *r)
{
	ring_rounds(r, IORING_OP_RECVMSG, "RECVMSG", prep_recvmsg, false, 0);
}

static void in_uring_fixed(struct run *r)
{
	ring_rounds(r, IORING_OP_RECV, "RECV", prep_recv, true, 0);
}

/* A worker thread makes the call. */
static void in_uring_async(struct run *r)
{
	ring_rounds(r, IORING_OP_RECV, "RECV", prep_recv, false, IOSQE_ASYNC);
}

/* The kernel's own thread makes the call, while this one makes none. */
static void in_uring_sqpoll(struct run *r)
{
	ring_rounds_with(r, IORING_OP_RECV, "RECV", prep_recv, false, 0, IORING_SETUP_SQPOLL);
}

/* Asked for before they are there: the ring tries, waits and tries again. */
static void in_uring_waits(struct run *r)
{
	struct io_uring ring;
	char buf[PIECE];
	struct pair p;
	int i;

	ring_open(r, &ring);
	pair_open(r, &p);
	p.server->loose |= LOOSE_RX_CALLS;
	for (i = 0; i < ROUNDS; i++) {
		unsigned int flags;
		ssize_t n;

		io_uring_prep_recv(io_uring_get_sqe(&ring), p.server->fd, buf, PIECE, MSG_WAITALL);
		must(r, as_errno(io_uring_submit(&ring)) == 1);
		send_bytes(p.client, PIECE / 2);
		send_bytes(p.client, PIECE / 2);
		n = rx(p.server, as_errno(ring_wait(r, &ring, &flags)));
		if (r->nonblock && n < 0 && errno == EAGAIN)
			read_all(p.server, PIECE);
		else
			must(r, n == PIECE);
	}
	check(r);
	io_uring_queue_exit(&ring);
}

#ifdef IORING_RECV_MULTISHOT
#define BUFFERS 16
#define BUFFER_SIZE 4096

static void buffers_give(struct run *r, struct io_uring *ring, char *at, int n, int first)
{
	unsigned int flags;

	io_uring_prep_provide_buffers(io_uring_get_sqe(ring), at, BUFFER_SIZE, n, 0, first);
	must(r, as_errno(ring_do(r, ring, &flags)) >= 0);
}

static void multishot_submit(struct run *r, struct io_uring *ring, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = 0;
	must(r, as_errno(io_uring_submit(ring)) == 1);
}

/* One request and many answers, into buffers that were handed over in advance */
static void in_uring_multishot(struct run *r)
{
	static char memory[BUFFERS][BUFFER_SIZE];
	unsigned int flags, answers = 0;
	struct io_uring ring;
	struct pair p;
	ssize_t n;
	int i;

	ring_open(r, &ring);
	pair_open(r, &p);
	p.server->loose |= LOOSE_RX_CALLS;
	buffers_give(r, &ring, memory[0], BUFFERS, 0);
	multishot_submit(r, &ring, p.server->fd);
	for (i = 0; i < BUFFERS - 1; i++) {
		send_bytes(p.client, PIECE);
		while (p.server->rx_bytes < p.client->tx_bytes) {
			n = as_errno(ring_wait(r, &ring, &flags));
			if (n < 0 && errno == EINVAL && !answers)
				skip(r, "this kernel's io_uring has no multishot receive");
			must(r, rx(p.server, n) > 0);
			answers++;
		}
		if (!(flags & IORING_CQE_F_MORE))
			fail(r, "the request ended after %u answers", answers);
	}
	check(r);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	must(r, rx(p.server, as_errno(ring_wait(r, &ring, &flags))) == 0);
	check(r);
	io_uring_queue_exit(&ring);
}
#else
static void in_uring_multishot(struct run *r)
{
	skip(r, "built with a liburing that has no multishot receive");
}
#endif

static ssize_t op_aio(struct end *e, char *buf, size_t len)
{
	struct iocb cb, *list[1] = { &cb };
	io_context_t ctx = NULL;
	struct io_event event;
	struct run *r = e->run;

	must(r, !as_errno(io_setup(1, &ctx)));
	io_prep_pread(&cb, e->fd, buf, len, 0);
	must(r, as_errno(io_submit(ctx, 1, list)) == 1);
	must(r, as_errno(io_getevents(ctx, 1, 1, &event, NULL)) == 1);
	io_destroy(ctx);
	return rx(e, as_errno((long)event.res));
}

/* One request, once there is something: the ring's first try has it. */
static ssize_t ring_once(struct end *e, prep_fn prep, char *buf, size_t len)
{
	struct io_uring ring;
	unsigned int flags;
	ssize_t n;
	int err;

	wait_poll(e->run, e->fd, POLLIN);
	ring_open(e->run, &ring);
	prep(io_uring_get_sqe(&ring), e->fd, buf, len);
	n = rx(e, as_errno(ring_do(e->run, &ring, &flags)));
	err = errno;
	io_uring_queue_exit(&ring);
	errno = err;
	return n;
}

static ssize_t op_uring_recv(struct end *e, char *buf, size_t len)
{
	return ring_once(e, prep_recv, buf, len);
}

static ssize_t op_uring_readv(struct end *e, char *buf, size_t len)
{
	return ring_once(e, prep_readv, buf, len);
}

static ssize_t op_uring_recvmsg(struct end *e, char *buf, size_t len)
{
	return ring_once(e, prep_recvmsg, buf, len);
}

const struct in_way in_async_ways[] = {
	{ "aio", op_aio, WAY_UNNAMED, aio_usable, 0 },
	{ "uring_recv", op_uring_recv, WAY_UNNAMED, ring_usable, 0 },
	{ "uring_readv", op_uring_readv, WAY_UNNAMED, ring_usable, 0 },
	{ "uring_recvmsg", op_uring_recvmsg, WAY_UNNAMED, ring_usable, 0 },
	{ 0 },
};

const struct scenario in_async_scenarios[] = {
	{ "aio", in_aio, SC_NONBLOCK, 0, "libaio: pread, preadv" },
	{ "uring_recv", in_uring_recv, SC_NONBLOCK, 0, "io_uring: recv" },
	{ "uring_read", in_uring_read, SC_NONBLOCK, 0, "io_uring: read" },
	{ "uring_readv", in_uring_readv, SC_NONBLOCK, 0, "io_uring: readv" },
	{ "uring_recvmsg", in_uring_recvmsg, SC_NONBLOCK, 0, "io_uring: recvmsg" },
	{ "uring_fixed", in_uring_fixed, SC_NONBLOCK, 0, "io_uring: a registered file" },
	{ "uring_async", in_uring_async, 0, 0, "io_uring: a worker makes the call" },
	{ "uring_sqpoll", in_uring_sqpoll, 0, 0, "io_uring: the kernel's thread makes the call" },
	{ "uring_waits", in_uring_waits, SC_NONBLOCK, 0,
	  "io_uring: recv before the bytes are there" },
	{ "uring_multishot", in_uring_multishot, SC_NONBLOCK, 0, "io_uring: multishot recv" },
	{ 0 },
};
