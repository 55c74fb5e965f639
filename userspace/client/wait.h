/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for sockets and threads; a wait that takes too long fails the run. */
#ifndef SOCKSTAT_CLIENT_WAIT_H
#define SOCKSTAT_CLIENT_WAIT_H

#include "ledger.h"

void wait_poll(struct run *r, int fd, short events);
void wait_until(struct run *r, bool (*done)(void *arg), void *arg, const char *what);
void wait_acked(struct end *e);
void wait_queued(struct end *e, int bytes);
void wait_state(struct end *e, enum sockstat_state state);
void wait_in_syscall(struct run *r, pid_t pid, pid_t tid, long nr);

#endif
