/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways of sending and receiving: the calls of the groups "out" and "in" as
 * tables, from which --random chooses.
 */
#ifndef SOCKSTAT_CLIENT_WAY_H
#define SOCKSTAT_CLIENT_WAY_H

#include "in.h"

#define WAY_LOOSE 0x01	  /* the number of entries into TCP depends on the kernel */
#define WAY_UNNAMED 0x02  /* the descriptor is not an argument of the system call */
#define WAY_ERRQUEUE 0x04 /* also calls recvmsg(MSG_ERRQUEUE) */
#define WAY_MORE 0x08	  /* TCP may delay the bytes until the next send */
#define WAY_ACKED 0x10	  /* returns after the peer's TCP has acknowledged the bytes */

/**
 * struct out_way - a way of sending
 * @name: name of the call
 * @op: make one such call and book it
 * @flags: WAY_*
 * @usable: whether this kernel supports the call; NULL if every kernel does
 */
struct out_way {
	const char *name;
	send_op op;
	unsigned int flags;
	bool (*usable)(void);
};

/**
 * struct in_way - a way of receiving
 * @name: name of the call
 * @op: make one such call and book it
 * @flags: WAY_*
 * @usable: whether this kernel supports the call; NULL if every kernel does
 * @least: smallest number of bytes that may be asked for
 */
struct in_way {
	const char *name;
	recv_op op;
	unsigned int flags;
	bool (*usable)(void);
	size_t least;
};

/* Each table ends with an empty entry; every kernel supports out_ways[0] and in_ways[0]. */
extern const struct out_way out_ways[], out_odd_ways[], out_file_ways[], out_async_ways[];
extern const struct in_way in_ways[], in_file_ways[], in_async_ways[];

#endif
