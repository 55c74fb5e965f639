/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptor tables: the descriptor of this call, and a walk of everybody's. */
#ifndef SOCKSTAT_FD_H
#define SOCKSTAT_FD_H

#include <linux/compat.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <net/sock.h>

#include "holder.h"

struct pid_namespace;

void sockstat_fd_caller(struct sockstat_caller *caller, const struct sock *sk);
void sockstat_fd_closer(struct sockstat_caller *caller);
void sockstat_fd_search(struct sockstat_caller *caller, const struct sock *sk);

/**
 * struct sockstat_fd_walk - a walk of all descriptor tables
 * @ns: whose processes
 * @may_look: whether to look (on) into a process; called under task_lock()
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

/* Looks at a slot without a reference: compares only. Under RCU. */
static inline bool sockstat_fd_slot_holds(struct files_struct *files, unsigned int fd,
					  const struct socket *sock)
{
	struct file *file = files_lookup_fd_raw(files, fd);

	return file && READ_ONCE(file->private_data) == sock;
}

static inline void sockstat_fd_set_process(struct sockstat_caller *caller, struct task_struct *task)
{
	caller->task = task;
	caller->pid = task_tgid(task);
	caller->exec_id = READ_ONCE(task->self_exec_id);
	caller->searched = false;
}

/**
 * sockstat_fd_plain_caller() - find out whose call this is, if that is easy
 * @caller: filled in
 * @sk: the socket that is called
 *
 * A register is only a hint: it counts if that slot holds this very socket.
 * The first one is the same for a system call and for a function.
 *
 * Context: process, under RCU or not preemptible. What @caller points to stays
 * while current is in this call.
 * Return: false if this is for sockstat_fd_caller().
 */
static __always_inline bool sockstat_fd_plain_caller(struct sockstat_caller *caller,
						     const struct sock *sk)
{
	const struct socket *sock = READ_ONCE(sk->sk_socket);
	struct files_struct *files = current->files;

	if (unlikely(!sock || !files || current->flags & (PF_KTHREAD | PF_IO_WORKER) ||
		     in_compat_syscall()))
		return false;
	sockstat_fd_set_process(caller, current);
	caller->fd = regs_get_kernel_argument(task_pt_regs(current), 0);
	return sockstat_fd_slot_holds(files, caller->fd, sock);
}

#endif /* SOCKSTAT_FD_H */
