/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptor tables: find the descriptor of a call, and walk the tables of all processes. */
#ifndef SOCKSTAT_FD_H
#define SOCKSTAT_FD_H

#include <linux/compat.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <net/sock.h>

#include "compat.h"
#include "holder.h"

struct pid_namespace;

void sockstat_fd_nobody(struct sockstat_caller *caller);
void sockstat_fd_caller(struct sockstat_caller *caller, const struct sock *sk);
void sockstat_fd_closer(struct sockstat_caller *caller, const struct sock *sk);
void sockstat_fd_search(struct sockstat_caller *caller, const struct sock *sk);

/**
 * struct sockstat_fd_walk - a walk of all descriptor tables
 * @ns: pid namespace whose processes are visited
 * @may_look: returns whether the walk may visit (or go on visiting) a process;
 *            called under task_lock()
 * @found: called for each socket, in atomic context; the socket stays valid
 *         until it returns. Returns false to pause the walk.
 * @arg: argument of @may_look and @found
 * @unordered: set if sockets may not be found in order of pid and descriptor
 * @nr: pid, in @ns, of the task to visit next
 * @fd: descriptor to visit next
 * @tgid: process of the table that was visited last
 * @files: that table; only compared, never dereferenced
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

/**
 * sockstat_fd_slot_holds() - whether a descriptor refers to a socket
 * @files: the descriptor table
 * @fd: the descriptor
 * @sock: the socket; only compared, hence no reference is needed
 *
 * Context: under RCU or not preemptible.
 */
static inline bool sockstat_fd_slot_holds(struct files_struct *files, unsigned int fd,
					  const struct socket *sock)
{
	struct file *file = files_lookup_fd_raw(files, fd);

	return file && READ_ONCE(file->private_data) == sock;
}

/**
 * sockstat_fd_kernel_uses() - whether a part of the kernel has taken a socket over
 * @sk: the socket
 *
 * True for the kernel's own sockets (NFS, CIFS, NVMe), and for a user's socket that
 * was handed to the kernel (nbd, iSCSI, KCM): these leave a pointer of their own in
 * the socket, or do not let it wait for memory.
 *
 * Context: any; the caller keeps @sk from going away.
 */
static inline bool sockstat_fd_kernel_uses(const struct sock *sk)
{
	/* sk_kern_sock is a bit-field, which READ_ONCE() cannot read. */
	return data_race((bool)sk->sk_kern_sock) || READ_ONCE(sk->sk_allocation) != GFP_KERNEL ||
	       READ_ONCE(sk->sk_user_data);
}

/**
 * sockstat_fd_set_process() - fill in a caller's process
 * @caller: all of it is filled in except @caller->fd
 * @task: a thread of the process
 *
 * Context: any; @caller is valid as long as @task, no reference is taken.
 */
static inline void sockstat_fd_set_process(struct sockstat_caller *caller, struct task_struct *task)
{
	caller->task = task;
	caller->pid = task_tgid(task);
	caller->exec_id = READ_ONCE(task->self_exec_id);
	caller->searched = false;
}

/**
 * sockstat_fd_plain_caller() - identify the caller in the common case
 * @caller: filled in
 * @sk: the socket that is used
 *
 * The common case is a system call whose first argument is the descriptor. The
 * register is only a hint: it counts if that descriptor refers to @sk.
 *
 * Context: process, under RCU or not preemptible. The pointers in @caller are
 * valid while current is in this call.
 * Return: whether @caller is valid; if not, call sockstat_fd_caller().
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
	caller->fd = sockstat_compat_first_argument();
	return sockstat_fd_slot_holds(files, caller->fd, sock);
}

#endif /* SOCKSTAT_FD_H */
