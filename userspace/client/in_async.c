// SPDX-License-Identifier: GPL-2.0-only
/* Receive with asynchronous requests: libaio and io_uring. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async.h"
#include "scenario.h"
#include "way.h"

#define PIECE 1000
#define ROUNDS 10

static void in_aio(struct run *r)
{
	struct iocb cbs[3], *list[3] = { &cbs[0], &cbs[1], &cbs[2] };
	struct io_event events[3];
	io_context_t ctx;
	char buf[PIECE];
	struct iovec iov[2] = { { buf, 300 }, { buf + 300, PIECE - 300 } };
	struct pair p;
	int i, k;

	aio_open(r, &ctx);
	pair_open(r, &p);
	for (i = 0; i < ROUNDS; i++) {
		send_queued(&p, 2 * PIECE + 1);
		io_prep_pread(&cbs[0], p.server->fd, buf, PIECE, 0);
		io_prep_preadv(&cbs[1], p.server->fd, iov, 2, 0);
		io_prep_pread(&cbs[2], p.server->fd, buf, PIECE, 0);
		aio_run(r, ctx, list, events, 3);
		for (k = 0; k < 3; k++)
			must(r, rx(p.server, as_errno((long)events[k].res)) > 0);
	}
	check(r);
	io_destroy(ctx);
}

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
	io_uring_prep_readv(sqe, fd, async_iov(buf, len), 2, 0);
}

static void prep_recvmsg(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_recvmsg(sqe, fd, async_msg(buf, len), 0);
}

static const struct async_request request_recv = { IORING_OP_RECV, "RECV", .prep = prep_recv };
static const struct async_request request_read = { IORING_OP_READ, "READ", .prep = prep_read };
static const struct async_request request_readv = { IORING_OP_READV, "READV", .prep = prep_readv };
static const struct async_request request_recvmsg = { IORING_OP_RECVMSG, "RECVMSG",
						      .prep = prep_recvmsg };

/* Receive several times; the data is queued first, so each request enters TCP once. */
static void recv_rounds(struct run *r, const struct async_request *req)
{
	struct async_ring ring;
	char buf[PIECE];
	struct pair p;
	int i;

	pair_open(r, &p);
	async_open(&ring, p.server, req);
	for (i = 0; i < ROUNDS; i++) {
		send_queued(&p, PIECE);
		must(r, rx(p.server, async_run(&ring, buf, PIECE)) == PIECE);
	}
	check(r);
	async_close(&ring);
}

static void in_uring_recv(struct run *r)
{
	recv_rounds(r, &request_recv);
}

static void in_uring_read(struct run *r)
{
	recv_rounds(r, &request_read);
}

static void in_uring_readv(struct run *r)
{
	recv_rounds(r, &request_readv);
}

static void in_uring_recvmsg(struct run *r)
{
	recv_rounds(r, &request_recvmsg);
}

static void in_uring_fixed(struct run *r)
{
	struct async_request req = request_recv;

	req.fixed = true;
	recv_rounds(r, &req);
}

/* IOSQE_ASYNC: a worker thread of io_uring makes the call. */
static void in_uring_async(struct run *r)
{
	struct async_request req = request_recv;

	req.sqe_flags = IOSQE_ASYNC;
	recv_rounds(r, &req);
}

/* IORING_SETUP_SQPOLL: a kernel thread makes the call; this thread enters no system call. */
static void in_uring_sqpoll(struct run *r)
{
	struct async_request req = request_recv;

	req.ring_flags = IORING_SETUP_SQPOLL;
	recv_rounds(r, &req);
}

/* The requests come before the data: io_uring tries, waits, and tries again. */
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

/* Provide @n buffers, numbered from @first, to the ring. */
static void provide_buffers(struct run *r, struct io_uring *ring, char *at, int n, int first)
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

/* One multishot request has many completions, each with one of the provided buffers. */
static void in_uring_multishot(struct run *r)
{
	static char memory[BUFFERS][BUFFER_SIZE];
	unsigned int flags, completions = 0;
	struct io_uring ring;
	struct pair p;
	ssize_t n;
	int i;

	ring_open(r, &ring);
	pair_open(r, &p);
	p.server->loose |= LOOSE_RX_CALLS;
	provide_buffers(r, &ring, memory[0], BUFFERS, 0);
	multishot_submit(r, &ring, p.server->fd);
	for (i = 0; i < BUFFERS - 1; i++) {
		send_bytes(p.client, PIECE);
		while (p.server->rx_bytes < p.client->tx_bytes) {
			n = as_errno(ring_wait(r, &ring, &flags));
			if (n < 0 && errno == EINVAL && !completions)
				skip(r, "this kernel's io_uring has no multishot receive");
			must(r, rx(p.server, n) > 0);
			completions++;
		}
		if (!(flags & IORING_CQE_F_MORE))
			fail(r, "the request ended after %u completions", completions);
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
	skip(r, "the program was built with a liburing without multishot receive");
}
#endif

static ssize_t op_aio(struct end *e, char *buf, size_t len)
{
	return rx(e, aio_once(e, io_prep_pread, buf, len));
}

/* Make one request when data is queued, so that it enters TCP once. */
static ssize_t recv_once(struct end *e, const struct async_request *req, char *buf, size_t len)
{
	wait_poll(e->run, e->fd, POLLIN);
	return rx(e, async_once(e, req, buf, len));
}

static ssize_t op_uring_recv(struct end *e, char *buf, size_t len)
{
	return recv_once(e, &request_recv, buf, len);
}

static ssize_t op_uring_readv(struct end *e, char *buf, size_t len)
{
	return recv_once(e, &request_readv, buf, len);
}

static ssize_t op_uring_recvmsg(struct end *e, char *buf, size_t len)
{
	return recv_once(e, &request_recvmsg, buf, len);
}

const struct in_way in_async_ways[] = {
	{ "aio", op_aio, WAY_UNNAMED, aio_usable, 0 },
	{ "uring_recv", op_uring_recv, WAY_UNNAMED, ring_usable, 0 },
	{ "uring_readv", op_uring_readv, WAY_UNNAMED, ring_usable, 0 },
	{ "uring_recvmsg", op_uring_recvmsg, WAY_UNNAMED, ring_usable, 0 },
	{ 0 },
};

const struct scenario in_async_scenarios[] = {
	{ "aio", in_aio, SC_NONBLOCK, 0, "receive with libaio: pread and preadv requests" },
	{ "uring_recv", in_uring_recv, SC_NONBLOCK, 0, "receive with io_uring RECV requests" },
	{ "uring_read", in_uring_read, SC_NONBLOCK, 0, "receive with io_uring READ requests" },
	{ "uring_readv", in_uring_readv, SC_NONBLOCK, 0, "receive with io_uring READV requests" },
	{ "uring_recvmsg", in_uring_recvmsg, SC_NONBLOCK, 0,
	  "receive with io_uring RECVMSG requests" },
	{ "uring_fixed", in_uring_fixed, SC_NONBLOCK, 0,
	  "receive with io_uring through a registered file" },
	{ "uring_async", in_uring_async, 0, 0,
	  "receive with io_uring from a worker thread (IOSQE_ASYNC)" },
	{ "uring_sqpoll", in_uring_sqpoll, 0, 0,
	  "receive with io_uring from its polling kernel thread (SQPOLL)" },
	{ "uring_waits", in_uring_waits, SC_NONBLOCK, 0,
	  "receive with io_uring requests submitted before data arrives" },
	{ "uring_multishot", in_uring_multishot, SC_NONBLOCK, 0,
	  "receive with one io_uring multishot request" },
	{ 0 },
};
