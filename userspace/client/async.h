/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to libaio and io_uring, as in_async.c and out_async.c use them. */
#ifndef SOCKSTAT_CLIENT_ASYNC_H
#define SOCKSTAT_CLIENT_ASYNC_H

#include <libaio.h>

#include "ring.h"

/**
 * struct async_request - a kind of io_uring request
 * @op: IORING_OP_*
 * @name: the operation's name, for messages
 * @prep: prepare one such request
 * @fixed: address the socket as a registered file (IOSQE_FIXED_FILE)
 * @sqe_flags: further IOSQE_* flags
 * @ring_flags: IORING_SETUP_* flags of the ring
 */
struct async_request {
	int op;
	const char *name;
	void (*prep)(struct io_uring_sqe *sqe, int fd, char *buf, unsigned int len);
	bool fixed;
	unsigned int sqe_flags;
	unsigned int ring_flags;
};

/**
 * struct async_ring - a ring that makes requests of one kind on one socket
 * @ring: the ring
 * @run: the run
 * @req: the kind of requests
 * @fd: the socket's descriptor, or its index among the registered files
 */
struct async_ring {
	struct io_uring ring;
	struct run *run;
	const struct async_request *req;
	int fd;
};

typedef void (*aio_prep_fn)(struct iocb *cb, int fd, void *buf, size_t len, long long offset);

struct iovec *async_iov(char *buf, unsigned int len);
struct msghdr *async_msg(char *buf, unsigned int len);

void async_open(struct async_ring *a, const struct end *e, const struct async_request *req);
ssize_t async_run(struct async_ring *a, char *buf, unsigned int len);
void async_close(struct async_ring *a);
ssize_t async_once(const struct end *e, const struct async_request *req, char *buf, size_t len);

void aio_open(struct run *r, io_context_t *ctx);
void aio_run(struct run *r, io_context_t ctx, struct iocb **cbs, struct io_event *events, int n);
ssize_t aio_once(const struct end *e, aio_prep_fn prep, char *buf, size_t len);

#endif
