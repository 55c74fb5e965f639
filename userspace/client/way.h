/* SPDX-License-Identifier: GPL-2.0-only */
/* Ways of sending and receiving: calls of the groups "out" and "in", for --random to mix. */
#ifndef SOCKSTAT_CLIENT_WAY_H
#define SOCKSTAT_CLIENT_WAY_H

#include "in.h"

#define WAY_LOOSE 0x01	  /* how often it enters TCP is the kernel's affair */
#define WAY_UNNAMED 0x02  /* the call does not name the descriptor */
#define WAY_BLOCKING 0x04 /* not for descriptors with O_NONBLOCK */
#define WAY_ERRQUEUE 0x08 /* also receives, from the error queue */
#define WAY_MORE 0x10	  /* what it sends waits for another call */
#define WAY_ACKED 0x20	  /* returns when the peer's TCP has taken what it sent */

/**
 * struct out_way - a way of sending
 * @name: of the call
 * @op: makes it and books it
 * @flags: WAY_*
 * @usable: does this kernel have it? NULL: each has
 */
struct out_way {
	const char *name;
	send_op op;
	unsigned int flags;
	bool (*usable)(void);
};

/**
 * struct in_way - a way of receiving
 * @name: of the call
 * @op: makes it and books it
 * @flags: WAY_*
 * @usable: does this kernel have it? NULL: each has
 * @least: bytes that it is to be asked for
 */
struct in_way {
	const char *name;
	recv_op op;
	unsigned int flags;
	bool (*usable)(void);
	size_t least;
};

/* Each ends with an empty entry; the first of out_ways and in_ways is usable everywhere. */
extern const struct out_way out_ways[], out_odd_ways[], out_file_ways[], out_async_ways[];
extern const struct in_way in_ways[], in_file_ways[], in_async_ways[];

#endif
