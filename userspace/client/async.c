// SPDX-License-Identifier: GPL-2.0-only
/* Make requests to libaio and io_uring and wait for their results. */

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "async.h"
#include "ledger.h"
#include "verdict.h"

/**
 * async_iov - split a buffer for a vectored request
 * @buf: the buffer
 * @len: its size
 *
 * Return: an array of two pieces, valid until the thread's next call.
 */
struct iovec *async_iov(char *buf, unsigned int len)
{
	static __thread struct iovec iov[2];

	iov[0] = (struct iovec){ buf, len / 3 };
	iov[1] = (struct iovec){ buf + len / 3, len - len / 3 };
	return iov;
}

/**
 * async_msg - describe a buffer as a message
 * @buf: the buffer
 * @len: its size
 *
 * Return: the message, valid until the thread's next call.
 */
struct msghdr *async_msg(char *buf, unsigned int len)
{
	static __thread struct msghdr msg;
	static __thread struct iovec iov;

	iov = (struct iovec){ buf, len };
	msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	return &msg;
}

/**
 * async_open - open a ring for requests on a socket; SKIP if the kernel does not support them
 * @a: filled in; async_close() frees it
 * @e: the socket's end; with @req->fixed its file is registered with the ring
 * @req: the kind of requests, which must stay alive as long as @a
 */
void async_open(struct async_ring *a, const struct end *e, const struct async_request *req)
{
	struct run *r = e->run;

	a->run = r;
	a->req = req;
	a->fd = req->fixed ? 0 : e->fd;
	ring_open_with(r, &a->ring, req->ring_flags);
	ring_need(r, &a->ring, req->op, req->name);
	if (req->fixed)
		must(r, !as_errno(io_uring_register_files(&a->ring, &e->fd, 1)));
}

/**
 * async_run - submit one request and wait for its result
 * @a: the ring
 * @buf: the buffer to send from or receive into
 * @len: number of bytes
 *
 * Return: number of bytes, or -1 with errno set.
 */
ssize_t async_run(struct async_ring *a, char *buf, unsigned int len)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&a->ring);
	const struct async_request *req = a->req;
	unsigned int flags;
	ssize_t n;

	req->prep(sqe, a->fd, buf, len);
	io_uring_sqe_set_flags(sqe, req->sqe_flags | (req->fixed ? IOSQE_FIXED_FILE : 0));
	n = as_errno(ring_do(a->run, &a->ring, &flags));
	/* SEND_ZC posts a second completion when the kernel no longer uses the buffer. */
	while (flags & IORING_CQE_F_MORE)
		must(a->run, ring_do(a->run, &a->ring, &flags) >= 0);
	return n;
}

/**
 * async_close - unregister the ring's file and close the ring
 * @a: the ring
 */
void async_close(struct async_ring *a)
{
	if (a->req->fixed)
		must(a->run, !as_errno(io_uring_unregister_files(&a->ring)));
	io_uring_queue_exit(&a->ring);
}

/**
 * async_once - make one request with a ring of its own
 * @e: the socket's end
 * @req: the kind of request
 * @buf: the buffer to send from or receive into
 * @len: number of bytes
 *
 * Return: number of bytes, or -1 with errno set.
 */
ssize_t async_once(const struct end *e, const struct async_request *req, char *buf, size_t len)
{
	struct async_ring a;
	ssize_t n;
	int err;

	async_open(&a, e, req);
	n = async_run(&a, buf, len);
	err = errno;
	async_close(&a);
	errno = err;
	return n;
}

/**
 * aio_open - create an AIO context; SKIP if the kernel has no AIO
 * @r: the run
 * @ctx: filled in; io_destroy() frees it
 */
void aio_open(struct run *r, io_context_t *ctx)
{
	int err;

	*ctx = NULL;
	err = io_setup(8, ctx);
	if (err == -ENOSYS)
		skip(r, "this kernel has no AIO");
	must(r, !as_errno(err));
}

/**
 * aio_run - submit AIO requests and wait for all their results
 * @r: the run
 * @ctx: the context
 * @cbs: the requests
 * @events: filled in with the results
 * @n: number of requests
 */
void aio_run(struct run *r, io_context_t ctx, struct iocb **cbs, struct io_event *events, int n)
{
	must(r, as_errno(io_submit(ctx, n, cbs)) == n);
	must(r, as_errno(io_getevents(ctx, n, n, events, NULL)) == n);
}

/**
 * aio_once - make one AIO request with a context of its own
 * @e: the socket's end
 * @prep: io_prep_pread() or io_prep_pwrite()
 * @buf: the buffer to send from or receive into
 * @len: number of bytes
 *
 * Return: number of bytes, or -1 with errno set.
 */
ssize_t aio_once(const struct end *e, aio_prep_fn prep, char *buf, size_t len)
{
	struct iocb cb, *cbs[1] = { &cb };
	struct io_event event;
	io_context_t ctx;

	aio_open(e->run, &ctx);
	prep(&cb, e->fd, buf, len, 0);
	aio_run(e->run, ctx, cbs, &event, 1);
	io_destroy(ctx);
	return as_errno((long)event.res);
}
