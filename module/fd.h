/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptor tables: the descriptor of this call, and a walk of everybody's. */
#ifndef SOCKSTAT_FD_H
#define SOCKSTAT_FD_H

#include "holder.h"

struct files_struct;
struct pid_namespace;
struct sock;

void sockstat_fd_caller(struct sockstat_caller *caller, const struct sock *sk);
void sockstat_fd_closer(struct sockstat_caller *caller);
void sockstat_fd_search(struct sockstat_caller *caller, const struct sock *sk);

/**
 * struct sockstat_fd_walk - a walk of all descriptor tables
 * @ns: whose processes
 * @may_look: whether to look into a process; called under task_lock()
 * @found: called for each socket; returns whether the walk may go on at once.
 *         Atomic context; the socket stays until it returns.
 * @arg: for both
 * @unordered: set once sockets were not found in order of pid and fd
 * @nr: pid at which the walk stands
 * @fd: descriptor at which it stands
 * @tgid: process looked into last
 * @files: its table; to compare, not to look into
 */
struct sockstat_fd_walk {
	struct pid_namespace *ns;
	bool (*may_look)(struct task_struct *task, void *arg);
	bool (*found)(const struct sockstat_caller *caller, pid_t pid, struct sock *sk, void *arg);
	void *arg;
	bool unordered;
	int nr;
	unsigned int fd;
	pid_t tgid;
	const struct files_struct *files;
};

bool sockstat_fd_walk(struct sockstat_fd_walk *walk);

#endif /* SOCKSTAT_FD_H */
