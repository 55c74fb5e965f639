/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers for the in*.c files, which receive with all kinds of calls. */
#ifndef SOCKSTAT_CLIENT_IN_H
#define SOCKSTAT_CLIENT_IN_H

#include "net.h"

/* Make one call that receives up to @len bytes into @buf, and book it with @e. */
typedef ssize_t (*recv_op)(struct end *e, char *buf, size_t len);

/**
 * struct feed - a thread that sends while the caller receives
 * @thread: the sending thread
 * @p: the connection; the thread sends from client to server
 * @bytes: number of bytes to send in all
 * @piece: number of bytes in each piece
 * @pile_up: the pieces stay in the receive queue (see feed_trickle())
 * @receiver: thread id of the caller, which receives
 */
struct feed {
	pthread_t thread;
	struct pair p;
	uint64_t bytes;
	size_t piece;
	bool pile_up;
	pid_t receiver;
};

void feed_start(struct feed *f, const struct pair *p, uint64_t bytes);
void feed_trickle(struct feed *f, const struct pair *p, uint64_t bytes, size_t piece, bool pile_up);
void feed_join(struct feed *f);
void recv_all(struct end *e, recv_op op, uint64_t bytes, size_t chunk);
void send_queued(struct pair *p, size_t bytes);

#define URGENT_ORDERS 3 /* number of values for urgent_round()'s @order */
void urgent_round(struct pair *p, unsigned int order);

#endif
