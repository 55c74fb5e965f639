/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that a scenario starts. */
#ifndef SOCKSTAT_CLIENT_CHILD_H
#define SOCKSTAT_CLIENT_CHILD_H

#include "ledger.h"

#define MAX_HELD 8

/**
 * struct child - a process that takes turns with the one that started it
 * @r: the run
 * @arg: private to the scenario, for the child's function
 * @pid: the child's process id, in the parent's pid namespace
 * @held: ends of the descriptors that the child has inherited from the parent
 * @pidfd: of the parent, readable when the child has ended
 * @sock: a socket pair, the parent's and the child's socket; one byte is a turn
 *
 * In memory that both share.  Only one of the two processes runs at a time,
 * except while one is about to wait for the other.
 */
struct child {
	struct run *r;
	void *arg;
	pid_t pid;
	struct end *held[MAX_HELD];
	int pidfd;
	int sock[2];
};

typedef void (*child_fn)(struct child *c);

struct child *child_start(struct run *r, child_fn fn, void *arg, ...) __attribute__((sentinel));
struct child *child_start_as(struct run *r, pid_t pid, child_fn fn, void *arg, ...)
	__attribute__((sentinel));
void child_pause(struct child *c);
void child_pass(struct child *c);
void child_turn(struct child *c);
void child_go(struct child *c);
void child_wait(struct child *c);
void child_join(struct child *c);
void child_kill(struct child *c);
void child_exec(struct child *c, char *const argv[]) __attribute__((noreturn));
struct end *child_execed(struct end *e, int64_t since);

void pass_descriptor(struct run *r, int to, int fd);
int receive_descriptor(struct run *r, int from);
void *shared_memory(struct run *r, size_t size);

#endif
