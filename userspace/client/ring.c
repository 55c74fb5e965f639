// SPDX-License-Identifier: GPL-2.0-only
/* io_uring and libaio, for the scenarios that use them. */

#include <errno.h>
#include <libaio.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "verdict.h"

/**
 * as_errno - turn a kernel result into a system call's result
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
 * aio_usable - whether AIO works
 *
 * Return: true if the kernel has AIO and permits it.
 */
bool aio_usable(void)
{
	io_context_t ctx = NULL;

	return !io_setup(1, &ctx) && !io_destroy(ctx);
}

static bool ring_supports(struct io_uring *ring, int op)
{
	const unsigned int ops = 256;
	struct io_uring_probe *probe = calloc(1, sizeof(*probe) + ops * sizeof(probe->ops[0]));
	bool has = probe && !io_uring_register_probe(ring, probe, ops) &&
		   io_uring_opcode_supported(probe, op);

	free(probe);
	return has;
}

/**
 * ring_has - whether an operation of io_uring works
 * @op: IORING_OP_*
 *
 * Return: true if the kernel has the operation and permits io_uring.
 */
bool ring_has(int op)
{
	struct io_uring ring;
	bool has;

	if (io_uring_queue_init(8, &ring, 0))
		return false;
	has = ring_supports(&ring, op);
	io_uring_queue_exit(&ring);
	return has;
}

/**
 * ring_usable - whether io_uring works
 *
 * Return: true if the kernel has io_uring and permits it.
 */
bool ring_usable(void)
{
	return ring_has(IORING_OP_SEND);
}

/**
 * ring_open_with - make a small ring
 * @r: the run; skipped if the kernel has no io_uring or forbids it
 * @ring: filled in; io_uring_queue_exit() frees it
 * @flags: IORING_SETUP_*
 */
void ring_open_with(struct run *r, struct io_uring *ring, unsigned int flags)
{
	int err = io_uring_queue_init(8, ring, flags);

	if (err == -ENOSYS || err == -EPERM)
		skip(r, "io_uring does not work: %s", strerror(-err));
	must(r, !as_errno(err));
}

/**
 * ring_open - make a small ring without flags
 * @r: the run; skipped if the kernel has no io_uring or forbids it
 * @ring: filled in; io_uring_queue_exit() frees it
 */
void ring_open(struct run *r, struct io_uring *ring)
{
	ring_open_with(r, ring, 0);
}

/**
 * ring_need - skip the run if the ring lacks an operation
 * @r: the run
 * @ring: the ring
 * @op: IORING_OP_*
 * @name: the name of the operation, for the reason
 */
void ring_need(struct run *r, struct io_uring *ring, int op, const char *name)
{
	if (!ring_supports(ring, op))
		skip(r, "this kernel's io_uring has no %s", name);
}

/**
 * ring_wait - wait for one completion
 * @r: the run
 * @ring: the ring
 * @flags: set to the completion's IORING_CQE_F_*
 *
 * Return: the completion's result, a negative errno on an error.
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
 * ring_do - submit the prepared requests and wait for one completion
 * @r: the run
 * @ring: the ring
 * @flags: set to the completion's IORING_CQE_F_*
 *
 * Return: the completion's result, a negative errno on an error.
 */
int ring_do(struct run *r, struct io_uring *ring, unsigned int *flags)
{
	must(r, as_errno(io_uring_submit(ring)) >= 0);
	return ring_wait(r, ring, flags);
}
