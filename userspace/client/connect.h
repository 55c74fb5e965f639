/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers that connect and disconnect sockets, for connect*.c, ends.c and random*.c. */
#ifndef SOCKSTAT_CLIENT_CONNECT_H
#define SOCKSTAT_CLIENT_CONNECT_H

#include "ledger.h"

struct end *disconnect(struct end *e);
struct end *unconnected(struct run *r);
void connect_end(struct end *e, const struct sockaddr_storage *to, socklen_t len);
struct end *connect_refused_from(struct run *r);
int socket_error(struct end *e);
void shell_command(struct run *r, const char *line);

#endif
