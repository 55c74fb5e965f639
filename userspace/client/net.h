/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets for the scenarios: listeners, connected pairs, and traffic over them. */
#ifndef SOCKSTAT_CLIENT_NET_H
#define SOCKSTAT_CLIENT_NET_H

#include <pthread.h>

#include "ledger.h"

/**
 * struct pair - the two ends of a connection
 * @client: the connecting end
 * @server: the accepted end; NULL with --to HOST:PORT: functions that take an
 *	end do nothing then
 */
struct pair {
	struct end *client;
	struct end *server;
};

int tcp_socket(struct run *r);
void set_nonblock(struct run *r, int fd, bool on);
struct end *listen_open(struct run *r, int backlog);
struct end *connect_to(struct run *r, const struct end *listener);
struct end *accept_from(struct run *r, struct end *listener, int64_t since);
void pair_open(struct run *r, struct pair *p);
void pair_open_on(struct run *r, struct end *listener, struct pair *p);
void net_private(struct run *r);
void sysctl_set(struct run *r, const char *path, const char *value);
size_t fill(char *buf, size_t len);

/* One system call that sends up to @len bytes of @buf; it books itself with @e. */
typedef ssize_t (*send_op)(struct end *e, const char *buf, size_t len);

void send_all(struct end *e, send_op op, uint64_t bytes, size_t chunk);
void send_bytes(struct end *e, uint64_t bytes);
void read_all(struct end *e, uint64_t bytes);
void read_to_eof(struct end *e);
void talk(struct pair *p, uint64_t bytes);

/* A thread that reads an end, so that the other end can send any number of bytes. */
struct drain {
	pthread_t thread;
	struct end *e;
	uint64_t bytes;
};

void drain_start(struct drain *d, struct end *e, uint64_t bytes);
void drain_join(struct drain *d);

#endif
