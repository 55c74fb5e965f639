/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the group "in" have in common. */
#ifndef SOCKSTAT_CLIENT_IN_H
#define SOCKSTAT_CLIENT_IN_H

#include "net.h"

/* One system call that receives up to @len bytes into @buf; it books itself with @e. */
typedef ssize_t (*recv_op)(struct end *e, char *buf, size_t len);

/* A thread that sends, so that the other end can receive without bound. */
struct feed {
	pthread_t thread;
	struct pair p;
	uint64_t bytes;
	size_t piece;
	bool pile_up;
	pid_t receiver; /* thread */
};

void feed_start(struct feed *f, const struct pair *p, uint64_t bytes);
void feed_trickle(struct feed *f, const struct pair *p, uint64_t bytes, size_t piece, bool pile_up);
void feed_join(struct feed *f);
void recv_all(struct end *e, recv_op op, uint64_t bytes, size_t chunk);
void send_queued(struct pair *p, size_t bytes);

#define URGENT_ORDERS 3 /* that urgent_round() knows */
void urgent_round(struct pair *p, unsigned int order);

#endif
