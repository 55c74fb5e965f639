// SPDX-License-Identifier: GPL-2.0-only
/* Send with asynchronous requests: libaio and io_uring. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async.h"
#include "scenario.h"
#include "way.h"

#define PIECE 1000
#define ROUNDS 10

static void out_aio(struct run *r)
{
	struct iocb cbs[3], *list[3] = { &cbs[0], &cbs[1], &cbs[2] };
	struct io_event events[3];
	io_context_t ctx;
	char buf[PIECE];
	struct iovec iov[2] = { { buf, 300 }, { buf + 300, PIECE - 300 } };
	struct pair p;
	int i, k;

	aio_open(r, &ctx);
	fill(buf, sizeof(buf));
	pair_open(r, &p);
	for (i = 0; i < ROUNDS; i++) {
		io_prep_pwrite(&cbs[0], p.client->fd, buf, PIECE, 0);
		io_prep_pwritev(&cbs[1], p.client->fd, iov, 2, 0);
		io_prep_pwrite(&cbs[2], p.client->fd, buf, 1, 0);
		aio_run(r, ctx, list, events, 3);
		for (k = 0; k < 3; k++)
			must(r, tx(p.client, as_errno((long)events[k].res)) > 0);
		read_all(p.server, 2 * PIECE + 1);
	}
	io_destroy(ctx);
}

static void prep_send(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_send(sqe, fd, buf, len, 0);
}

static void prep_write(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_write(sqe, fd, buf, len, 0);
}

static void prep_writev(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_writev(sqe, fd, async_iov(buf, len), 2, 0);
}

static void prep_sendmsg(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_sendmsg(sqe, fd, async_msg(buf, len), 0);
}

static const struct async_request request_send = { IORING_OP_SEND, "SEND", .prep = prep_send };
static const struct async_request request_write = { IORING_OP_WRITE, "WRITE", .prep = prep_write };
static const struct async_request request_writev = { IORING_OP_WRITEV, "WRITEV",
						     .prep = prep_writev };
static const struct async_request request_sendmsg = { IORING_OP_SENDMSG, "SENDMSG",
						      .prep = prep_sendmsg };

#ifdef IORING_RECVSEND_FIXED_BUF
static void prep_send_zc(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_send_zc(sqe, fd, buf, len, 0, 0);
}

static const struct async_request request_send_zc = { IORING_OP_SEND_ZC, "SEND_ZC",
						      .prep = prep_send_zc };
#endif

/* Send several times; the send buffer always has room, so each request enters TCP once. */
static void send_rounds(struct run *r, const struct async_request *req)
{
	struct async_ring ring;
	char buf[PIECE];
	struct pair p;
	int i;

	fill(buf, sizeof(buf));
	pair_open(r, &p);
	async_open(&ring, p.client, req);
	for (i = 0; i < ROUNDS; i++) {
		must(r, tx(p.client, async_run(&ring, buf, PIECE)) == PIECE);
		read_all(p.server, PIECE);
	}
	check(r);
	async_close(&ring);
}

static void out_uring_send(struct run *r)
{
	send_rounds(r, &request_send);
}

static void out_uring_write(struct run *r)
{
	send_rounds(r, &request_write);
}

static void out_uring_writev(struct run *r)
{
	send_rounds(r, &request_writev);
}

static void out_uring_sendmsg(struct run *r)
{
	send_rounds(r, &request_sendmsg);
}

static void out_uring_send_zc(struct run *r)
{
#ifdef IORING_RECVSEND_FIXED_BUF
	send_rounds(r, &request_send_zc);
#else
	skip(r, "the program was built with a liburing without send_zc");
#endif
}

static void out_uring_fixed(struct run *r)
{
	struct async_request req = request_send;

	req.fixed = true;
	send_rounds(r, &req);
}

/* IOSQE_ASYNC: a worker thread of io_uring makes the call. */
static void out_uring_async(struct run *r)
{
	struct async_request req = request_send;

	req.sqe_flags = IOSQE_ASYNC;
	send_rounds(r, &req);
}

/*
 * The ring holds the socket after its descriptor was closed.  The bytes of such
 * requests belong to a row of the process without a descriptor.
 */
static void out_uring_only(struct run *r)
{
	struct async_request req = request_send;
	struct end *unowned, *owned;
	struct async_ring ring;
	char buf[PIECE];
	struct pair p;
	int64_t since;
	int i;

	req.fixed = true;
	fill(buf, sizeof(buf));
	pair_open(r, &p);
	talk(&p, 300);
	async_open(&ring, p.client, &req);
	/* Before the first request the connection may have a row without process instead. */
	unowned = end_alias(p.client, -1, -1);
	strcpy(unowned->comm, "-");
	owned = end_alias(p.client, getpid(), -1);
	owned->foreign = true;
	owned->may_lack = true;
	end_close(p.client);
	check(r);
	unowned->ready = false;
	owned->may_lack = false;
	for (i = 0; i < ROUNDS; i++) {
		must(r, tx(owned, async_run(&ring, buf, PIECE)) == PIECE);
		read_all(p.server, PIECE);
	}
	check(r);
	since = now_ns();
	async_close(&ring);
	read_to_eof(p.server);
	end_gone(owned, since);
}

/* io_uring repeats a request that finds no room, so it can enter TCP more than once. */
static void out_uring_stream(struct run *r)
{
	uint64_t left = r->opt->bytes * 10;
	static char buf[65536];
	struct io_uring ring;
	struct drain d;
	struct pair p;

	ring_open(r, &ring);
	fill(buf, sizeof(buf));
	pair_open(r, &p);
	p.client->loose |= LOOSE_TX_CALLS;
	drain_start(&d, p.server, left);
	while (left) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		unsigned int flags;
		ssize_t n;

		io_uring_prep_send(sqe, p.client->fd, buf, left < sizeof(buf) ? left : sizeof(buf),
				   0);
		n = tx(p.client, as_errno(ring_do(r, &ring, &flags)));
		if (n < 0 && errno == EAGAIN) {
			wait_poll(r, p.client->fd, POLLOUT);
			continue;
		}
		must(r, n > 0);
		left -= n;
	}
	drain_join(&d);
	io_uring_queue_exit(&ring);
}

static ssize_t op_aio(struct end *e, const char *buf, size_t len)
{
	return tx(e, aio_once(e, io_prep_pwrite, (char *)buf, len));
}

static ssize_t send_once(struct end *e, const struct async_request *req, const char *buf,
			 size_t len)
{
	return tx(e, async_once(e, req, (char *)buf, len));
}

static ssize_t op_uring_send(struct end *e, const char *buf, size_t len)
{
	return send_once(e, &request_send, buf, len);
}

static ssize_t op_uring_writev(struct end *e, const char *buf, size_t len)
{
	return send_once(e, &request_writev, buf, len);
}

static ssize_t op_uring_sendmsg(struct end *e, const char *buf, size_t len)
{
	return send_once(e, &request_sendmsg, buf, len);
}

/*
 * out_async_ways[] has an entry for SEND_ZC even if liburing lacks it, so that
 * a seed of --random gives the same sequence everywhere.
 */
#ifdef IORING_RECVSEND_FIXED_BUF
static ssize_t op_uring_send_zc(struct end *e, const char *buf, size_t len)
{
	return send_once(e, &request_send_zc, buf, len);
}

static bool send_zc_usable(void)
{
	return ring_has(IORING_OP_SEND_ZC);
}
#else
#define op_uring_send_zc NULL

static bool send_zc_usable(void)
{
	return false;
}
#endif

const struct out_way out_async_ways[] = {
	{ "aio", op_aio, WAY_UNNAMED, aio_usable },
	{ "uring_send", op_uring_send, WAY_UNNAMED, ring_usable },
	{ "uring_writev", op_uring_writev, WAY_UNNAMED, ring_usable },
	{ "uring_sendmsg", op_uring_sendmsg, WAY_UNNAMED, ring_usable },
	{ "uring_send_zc", op_uring_send_zc, WAY_UNNAMED | WAY_ACKED, send_zc_usable },
	{ 0 },
};

const struct scenario out_async_scenarios[] = {
	{ "aio", out_aio, SC_NONBLOCK, 0, "send with libaio: pwrite and pwritev requests" },
	{ "uring_send", out_uring_send, SC_NONBLOCK, 0, "send with io_uring SEND requests" },
	{ "uring_write", out_uring_write, SC_NONBLOCK, 0, "send with io_uring WRITE requests" },
	{ "uring_writev", out_uring_writev, SC_NONBLOCK, 0, "send with io_uring WRITEV requests" },
	{ "uring_sendmsg", out_uring_sendmsg, SC_NONBLOCK, 0,
	  "send with io_uring SENDMSG requests" },
	{ "uring_send_zc", out_uring_send_zc, SC_NONBLOCK, 0,
	  "send with io_uring SEND_ZC (zero-copy) requests" },
	{ "uring_fixed", out_uring_fixed, SC_NONBLOCK, 0,
	  "send with io_uring through a registered file" },
	{ "uring_only", out_uring_only, SC_ROOT, 0,
	  "send with io_uring through a registered file after close(2)" },
	{ "uring_async", out_uring_async, 0, 0,
	  "send with io_uring from a worker thread (IOSQE_ASYNC)" },
	{ "uring_stream", out_uring_stream, SC_NONBLOCK, 0,
	  "send more with io_uring than the send buffer can hold" },
	{ 0 },
};
