/* SPDX-License-Identifier: GPL-2.0-only */
/* What the scenarios with io_uring and libaio have in common. */
#ifndef SOCKSTAT_CLIENT_RING_H
#define SOCKSTAT_CLIENT_RING_H

#include <liburing.h>

#include "run.h"

/* More answers follow: the kernel's, and older liburings do not know it. */
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
