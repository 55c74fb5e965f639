// SPDX-License-Identifier: GPL-2.0-only
/* Sending without a system call on the descriptor: libaio and io_uring. */

#include <errno.h>
#include <libaio.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring.h"
#include "scenario.h"
#include "way.h"

#define PIECE 1000
#define ROUNDS 10

static void out_aio(struct run *r)
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
	fill(buf, sizeof(buf));
	pair_open(r, &p);
	for (i = 0; i < ROUNDS; i++) {
		io_prep_pwrite(&cbs[0], p.client->fd, buf, PIECE, 0);
		io_prep_pwritev(&cbs[1], p.client->fd, iov, 2, 0);
		io_prep_pwrite(&cbs[2], p.client->fd, buf, 1, 0);
		must(r, as_errno(io_submit(ctx, 3, list)) == 3);
		must(r, as_errno(io_getevents(ctx, 3, 3, events, NULL)) == 3);
		for (k = 0; k < 3; k++)
			must(r, tx(p.client, as_errno((long)events[k].res)) > 0);
		read_all(p.server, 2 * PIECE + 1);
	}
	io_destroy(ctx);
}

typedef void (*prep_fn)(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len);

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
	static __thread struct iovec iov[2];

	iov[0] = (struct iovec){ buf, len / 3 };
	iov[1] = (struct iovec){ buf + len / 3, len - len / 3 };
	io_uring_prep_writev(sqe, fd, iov, 2, 0);
}

static void prep_sendmsg(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	static __thread struct msghdr msg;
	static __thread struct iovec iov;

	iov = (struct iovec){ buf, len };
	msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	io_uring_prep_sendmsg(sqe, fd, &msg, 0);
}

#ifdef IORING_RECVSEND_FIXED_BUF
static void prep_send_zc(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len)
{
	io_uring_prep_send_zc(sqe, fd, buf, len, 0, 0);
}
#endif

/*
 * There is always room, so the ring's first try takes all: one entry into TCP.
 * @fd: the descriptor's number, or its place among the registered files
 */
static ssize_t ring_send(struct end *e, struct io_uring *ring, prep_fn prep, int fd,
			 unsigned int sqe_flags, const char *buf, size_t len)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct run *r = e->run;
	unsigned int flags;
	ssize_t n;

	prep(sqe, fd, (char *)buf, len);
	io_uring_sqe_set_flags(sqe, sqe_flags);
	n = tx(e, as_errno(ring_do(r, ring, &flags)));
	/* send_zc says later, and apart, that the memory is free again. */
	while (flags & IORING_CQE_F_MORE)
		must(r, ring_do(r, ring, &flags) >= 0);
	return n;
}

/* @fixed: through a registered file, and @sqe_flags on top of that */
static void ring_rounds(struct run *r, int op, const char *name, prep_fn prep, bool fixed,
			unsigned int sqe_flags)
{
	struct io_uring ring;
	char buf[PIECE];
	struct pair p;
	int i, fd;

	ring_open(r, &ring);
	ring_need(r, &ring, op, name);
	fill(buf, sizeof(buf));
	pair_open(r, &p);
	fd = fixed ? 0 : p.client->fd;
	if (fixed) {
		must(r, !as_errno(io_uring_register_files(&ring, &p.client->fd, 1)));
		sqe_flags |= IOSQE_FIXED_FILE;
	}
	for (i = 0; i < ROUNDS; i++) {
		must(r, ring_send(p.client, &ring, prep, fd, sqe_flags, buf, PIECE) == PIECE);
		read_all(p.server, PIECE);
	}
	check(r);
	if (fixed)
		must(r, !as_errno(io_uring_unregister_files(&ring)));
	io_uring_queue_exit(&ring);
}

static void out_uring_send(struct run *r)
{
	ring_rounds(r, IORING_OP_SEND, "SEND", prep_send, false, 0);
}

static void out_uring_write(struct run *r)
{
	ring_rounds(r, IORING_OP_WRITE, "WRITE", prep_write, false, 0);
}

static void out_uring_writev(struct run *r)
{
	ring_rounds(r, IORING_OP_WRITEV, "WRITEV", prep_writev, false, 0);
}

static void out_uring_sendmsg(struct run *r)
{
	ring_rounds(r, IORING_OP_SENDMSG, "SENDMSG", prep_sendmsg, false, 0);
}

static void out_uring_send_zc(struct run *r)
{
#ifdef IORING_RECVSEND_FIXED_BUF
	ring_rounds(r, IORING_OP_SEND_ZC, "SEND_ZC", prep_send_zc, false, 0);
#else
	skip(r, "built with a liburing that has no send_zc");
#endif
}

static void out_uring_fixed(struct run *r)
{
	ring_rounds(r, IORING_OP_SEND, "SEND", prep_send, true, 0);
}

/* The ring keeps what the process has closed: a row of the process, without a descriptor. */
static void out_uring_only(struct run *r)
{
	struct end *nobodys, *rings;
	struct io_uring ring;
	char buf[PIECE];
	struct pair p;
	int64_t since;
	int i;

	ring_open(r, &ring);
	ring_need(r, &ring, IORING_OP_SEND, "SEND");
	fill(buf, sizeof(buf));
	pair_open(r, &p);
	talk(&p, 300);
	must(r, !as_errno(io_uring_register_files(&ring, &p.client->fd, 1)));
	nobodys = end_alias(p.client, -1, -1);
	strcpy(nobodys->comm, "-");
	rings = end_alias(p.client, getpid(), -1);
	rings->foreign = true;
	rings->may_lack = true;
	end_close(p.client);
	check(r);
	nobodys->ready = false;
	rings->may_lack = false;
	for (i = 0; i < ROUNDS; i++) {
		must(r,
		     ring_send(rings, &ring, prep_send, 0, IOSQE_FIXED_FILE, buf, PIECE) == PIECE);
		read_all(p.server, PIECE);
	}
	check(r);
	since = now_ns();
	must(r, !as_errno(io_uring_unregister_files(&ring)));
	io_uring_queue_exit(&ring);
	read_to_eof(p.server);
	end_gone(rings, since);
}

/* A worker thread makes the call. */
static void out_uring_async(struct run *r)
{
	ring_rounds(r, IORING_OP_SEND, "SEND", prep_send, false, IOSQE_ASYNC);
}

/* A stream: what finds no room is tried again by the ring itself, so calls are at least these. */
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
	struct iocb cb, *list[1] = { &cb };
	io_context_t ctx = NULL;
	struct io_event event;
	struct run *r = e->run;

	must(r, !as_errno(io_setup(1, &ctx)));
	io_prep_pwrite(&cb, e->fd, (void *)buf, len, 0);
	must(r, as_errno(io_submit(ctx, 1, list)) == 1);
	must(r, as_errno(io_getevents(ctx, 1, 1, &event, NULL)) == 1);
	io_destroy(ctx);
	return tx(e, as_errno((long)event.res));
}

static ssize_t ring_once(struct end *e, prep_fn prep, const char *buf, size_t len)
{
	struct io_uring ring;
	ssize_t n;
	int err;

	ring_open(e->run, &ring);
	n = ring_send(e, &ring, prep, e->fd, 0, buf, len);
	err = errno;
	io_uring_queue_exit(&ring);
	errno = err;
	return n;
}

static ssize_t op_uring_send(struct end *e, const char *buf, size_t len)
{
	return ring_once(e, prep_send, buf, len);
}

static ssize_t op_uring_writev(struct end *e, const char *buf, size_t len)
{
	return ring_once(e, prep_writev, buf, len);
}

static ssize_t op_uring_sendmsg(struct end *e, const char *buf, size_t len)
{
	return ring_once(e, prep_sendmsg, buf, len);
}

/* Its place is kept where it cannot be built, lest a seed be another sequence there. */
#ifdef IORING_RECVSEND_FIXED_BUF
static ssize_t op_uring_send_zc(struct end *e, const char *buf, size_t len)
{
	return ring_once(e, prep_send_zc, buf, len);
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
	{ "aio", out_aio, SC_NONBLOCK, 0, "libaio: pwrite, pwritev" },
	{ "uring_send", out_uring_send, SC_NONBLOCK, 0, "io_uring: send" },
	{ "uring_write", out_uring_write, SC_NONBLOCK, 0, "io_uring: write" },
	{ "uring_writev", out_uring_writev, SC_NONBLOCK, 0, "io_uring: writev" },
	{ "uring_sendmsg", out_uring_sendmsg, SC_NONBLOCK, 0, "io_uring: sendmsg" },
	{ "uring_send_zc", out_uring_send_zc, SC_NONBLOCK, 0, "io_uring: zero-copy send" },
	{ "uring_fixed", out_uring_fixed, SC_NONBLOCK, 0, "io_uring: a registered file" },
	{ "uring_only", out_uring_only, SC_ROOT, 0,
	  "io_uring: a registered file, its descriptor closed" },
	{ "uring_async", out_uring_async, 0, 0, "io_uring: a worker makes the call" },
	{ "uring_stream", out_uring_stream, SC_NONBLOCK, 0,
	  "io_uring: more than there is room for" },
	{ 0 },
};
