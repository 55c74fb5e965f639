/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the group "connect" have in common. */
#ifndef SOCKSTAT_CLIENT_CONNECT_H
#define SOCKSTAT_CLIENT_CONNECT_H

#include "scenario.h"

struct end *unconnected(struct run *r);
int socket_error(struct end *e);
void command(struct run *r, const char *line);

#endif
