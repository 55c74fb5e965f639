// SPDX-License-Identifier: GPL-2.0-only
/* What the scenarios with io_uring and libaio have in common. */

#include <errno.h>
#include <libaio.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "verdict.h"

/**
 * as_errno - what the kernel answered, as a system call would have it
 * @ret: a result or a negative errno
 *
 * Return: @ret, or -1 with errno set.
 */
ssize_t as_errno(long ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

/**
 * aio_usable - does this kernel let us use AIO?
 *
 * Return: true if so.
 */
bool aio_usable(void)
{
	io_context_t ctx = NULL;

	return !io_setup(1, &ctx) && !io_destroy(ctx);
}

static bool probed(struct io_uring *ring, int op)
{
	const unsigned int ops = 256;
	struct io_uring_probe *probe = calloc(1, sizeof(*probe) + ops * sizeof(probe->ops[0]));
	bool has = probe && !io_uring_register_probe(ring, probe, ops) &&
		   io_uring_opcode_supported(probe, op);

	free(probe);
	return has;
}

/**
 * ring_has - does this kernel let us use an operation of io_uring?
 * @op: IORING_OP_*
 *
 * Return: true if so.
 */
bool ring_has(int op)
{
	struct io_uring ring;
	bool has;

	if (io_uring_queue_init(8, &ring, 0))
		return false;
	has = probed(&ring, op);
	io_uring_queue_exit(&ring);
	return has;
}

/**
 * ring_usable - does this kernel let us use io_uring?
 *
 * Return: true if so.
 */
bool ring_usable(void)
{
	return ring_has(IORING_OP_SEND);
}

/**
 * ring_open_with - make a small ring
 * @r: the run; SKIP if the kernel does not let us
 * @ring: filled in; io_uring_queue_exit() ends it
 * @flags: IORING_SETUP_*
 */
void ring_open_with(struct run *r, struct io_uring *ring, unsigned int flags)
{
	int err = io_uring_queue_init(8, ring, flags);

	if (err == -ENOSYS || err == -EPERM)
		skip(r, "this kernel does not let us use io_uring: %s", strerror(-err));
	must(r, !as_errno(err));
}

/**
 * ring_open - make a small ring of the plain kind
 * @r: the run; SKIP if the kernel does not let us
 * @ring: filled in; io_uring_queue_exit() ends it
 */
void ring_open(struct run *r, struct io_uring *ring)
{
	ring_open_with(r, ring, 0);
}

/**
 * ring_need - SKIP if the ring does not know an operation
 * @r: the run
 * @ring: the ring
 * @op: IORING_OP_*
 * @name: its name, for the reason
 */
void ring_need(struct run *r, struct io_uring *ring, int op, const char *name)
{
	if (!probed(ring, op))
		skip(r, "this kernel's io_uring has no %s", name);
}

/**
 * ring_wait - wait for one answer
 * @r: the run
 * @ring: the ring
 * @flags: IORING_CQE_F_* of the answer
 *
 * Return: the answer's result, a negative errno if it is an error.
 */
int ring_wait(struct run *r, struct io_uring *ring, unsigned int *flags)
{
	struct io_uring_cqe *cqe;
	int res;

	must(r, !as_errno(io_uring_wait_cqe(ring, &cqe)));
	res = cqe->res;
	*flags = cqe->flags;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

/**
 * ring_do - submit what is prepared and wait for one answer
 * @r: the run
 * @ring: the ring
 * @flags: IORING_CQE_F_* of the answer
 *
 * Return: the answer's result, a negative errno if it is an error.
 */
int ring_do(struct run *r, struct io_uring *ring, unsigned int *flags)
{
	must(r, as_errno(io_uring_submit(ring)) >= 0);
	return ring_wait(r, ring, flags);
}
