/* SPDX-License-Identifier: GPL-2.0-only */
/* io_uring and libaio, for the scenarios that use them. */
#ifndef SOCKSTAT_CLIENT_RING_H
#define SOCKSTAT_CLIENT_RING_H

#include <liburing.h>

#include "run.h"

/* More completions follow; older versions of liburing lack this flag of the kernel. */
#ifndef IORING_CQE_F_MORE
#define IORING_CQE_F_MORE (1U << 1)
#endif

ssize_t as_errno(long ret);
bool aio_usable(void);
bool ring_usable(void);
bool ring_has(int op);
void ring_open_with(struct run *r, struct io_uring *ring, unsigned int flags);
void ring_open(struct run *r, struct io_uring *ring);
void ring_need(struct run *r, struct io_uring *ring, int op, const char *name);
int ring_wait(struct run *r, struct io_uring *ring, unsigned int *flags);
int ring_do(struct run *r, struct io_uring *ring, unsigned int *flags);

#endif
