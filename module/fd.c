// SPDX-License-Identifier: GPL-2.0-only
#include <linux/compat.h>
#include <linux/fdtable.h>
#include <linux/idr.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <asm/syscall.h>
#include <net/sock.h>

#include "compat.h"
#include "fd.h"

/* Number of descriptors that sockstat_fd_search() compares. */
#define SEARCH_FDS 256

/* Number of open descriptors that are visited under one hold of file_lock. */
#define WALK_FDS 64

/*
 * Whether task_pt_regs() may describe a system call of current. An io_uring
 * worker has the registers of the call that created it, a kernel thread has none.
 */
static bool fd_in_own_syscall(void)
{
	return !(current->flags & (PF_KTHREAD | PF_IO_WORKER));
}

/*
 * A system call on a socket has the descriptor as its first argument, and
 * socketcall() has it in user memory; splice() has a second one as its third. Other
 * registers may match a duplicate of the descriptor by chance, so only the
 * descriptor arguments are tried.
 */
static int fd_of_call(const struct sock *sk)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct files_struct *files = current->files;
	const struct socket *sock = READ_ONCE(sk->sk_socket);
	unsigned long args[SOCKSTAT_COMPAT_SYSCALL_ARGS];
	int nr;

	if (!fd_in_own_syscall() || !files || !sock)
		return SOCKSTAT_FD_UNKNOWN;
	nr = syscall_get_nr(current, regs);
	syscall_get_arguments(current, regs, args);
	if (sockstat_compat_is_socketcall(nr))
		args[0] = sockstat_compat_socketcall_fd(args[1]);
	if (sockstat_fd_slot_holds(files, args[0], sock))
		return args[0];
	if (sockstat_compat_is_splice(nr) && sockstat_fd_slot_holds(files, args[2], sock))
		return args[2];
	return SOCKSTAT_FD_UNKNOWN;
}

/*
 * Whether a system call may use the socket without an argument that names its
 * descriptor: io_uring (its workers, and task work at the end of any system call),
 * AIO, and socketcall(), whose arguments may have been changed since.
 */
static bool fd_call_is_unnamed(void)
{
	int nr;

	if (current->flags & PF_IO_WORKER)
		return true;
#ifdef CONFIG_IO_URING
	if (current->io_uring)
		return true;
#endif
	nr = syscall_get_nr(current, task_pt_regs(current));
	return sockstat_compat_is_io_submit(nr) || sockstat_compat_is_socketcall(nr);
}

/**
 * sockstat_fd_nobody() - the caller of a call that belongs to no process
 * @caller: filled in
 *
 * Context: any.
 */
void sockstat_fd_nobody(struct sockstat_caller *caller)
{
	*caller = (struct sockstat_caller){ .fd = SOCKSTAT_FD_UNKNOWN, .searched = true };
}

/* Whether the call is a kernel thread's, or the socket the kernel's own, without a file. */
static bool fd_is_of_kernel(const struct sock *sk)
{
	const struct socket *sock = READ_ONCE(sk->sk_socket);

	return current->flags & PF_KTHREAD || in_serving_softirq() || !sock ||
	       !READ_ONCE(sock->file);
}

/**
 * sockstat_fd_caller() - identify the caller by the system call's arguments
 * @caller: filled in; @caller->task is NULL if the call is nobody's, @caller->fd may
 *          be SOCKSTAT_FD_UNKNOWN
 * @sk: the socket that is used
 *
 * A call is a process's if the process has a descriptor of the socket. Where the
 * call need not name it, a process that is not known to have one gets the benefit
 * of the doubt, unless the kernel uses the socket itself: a program that reads a
 * file on NFS or a network block device may well use io_uring.
 *
 * Context: process, under RCU or not preemptible. The pointers in @caller are
 * valid while current is in this call.
 */
void sockstat_fd_caller(struct sockstat_caller *caller, const struct sock *sk)
{
	if (fd_is_of_kernel(sk)) {
		sockstat_fd_nobody(caller);
		return;
	}
	sockstat_fd_set_process(caller, current);
	caller->fd = fd_of_call(sk);
	if (caller->fd != SOCKSTAT_FD_UNKNOWN ||
	    (fd_call_is_unnamed() && !sockstat_fd_kernel_uses(sk)))
		return;
	sockstat_fd_search(caller, sk);
	if (caller->fd == SOCKSTAT_FD_UNKNOWN)
		sockstat_fd_nobody(caller);
}

/*
 * The descriptor that close() or dup2() has removed; its slot is empty, so it is not
 * verified. A process may be killed in close() and then close all other descriptors.
 */
static int fd_of_close(void)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned long args[SOCKSTAT_COMPAT_SYSCALL_ARGS];

	if (!fd_in_own_syscall() || current->flags & PF_EXITING || in_compat_syscall())
		return SOCKSTAT_FD_UNKNOWN;
	syscall_get_arguments(current, regs, args);
	switch (syscall_get_nr(current, regs)) {
	case __NR_close:
		return args[0];
#ifdef __NR_dup2
	case __NR_dup2:
#endif
	case __NR_dup3:
		return args[1];
	default:
		return SOCKSTAT_FD_UNKNOWN;
	}
}

/**
 * sockstat_fd_closer() - identify who closes a socket's last descriptor
 * @caller: filled in; @caller->task is NULL if it is nobody, @caller->fd may be
 *          SOCKSTAT_FD_UNKNOWN
 * @sk: the socket; if the kernel has used it, a system call other than close() may
 *      have made the kernel drop it
 *
 * Context: process, may be atomic; current may be exiting. The pointers in
 * @caller are valid while current is in this call.
 */
void sockstat_fd_closer(struct sockstat_caller *caller, const struct sock *sk)
{
	if (fd_is_of_kernel(sk)) {
		sockstat_fd_nobody(caller);
		return;
	}
	sockstat_fd_set_process(caller, current);
	caller->fd = fd_of_close();
	if (caller->fd == SOCKSTAT_FD_UNKNOWN && sockstat_fd_kernel_uses(sk))
		sockstat_fd_nobody(caller);
}

/**
 * sockstat_fd_search() - search the lowest descriptors of current for a socket
 * @caller: filled in by sockstat_fd_caller(); @caller->fd is set if one is found,
 *          @caller->searched in any case
 * @sk: the socket that is used
 *
 * Context: process, under RCU or not preemptible.
 */
void sockstat_fd_search(struct sockstat_caller *caller, const struct sock *sk)
{
	struct files_struct *files = current->files;
	const struct socket *sock = READ_ONCE(sk->sk_socket);
	unsigned int fd;

	caller->searched = true;
	for (fd = 0; files && sock && fd < SEARCH_FDS; fd++) {
		if (sockstat_fd_slot_holds(files, fd, sock)) {
			caller->fd = fd;
			return;
		}
	}
}

/* Visit a batch of one table's descriptors; true if none is left. Under task_lock(). */
static bool fd_walk_table(struct sockstat_fd_walk *walk, struct task_struct *task, pid_t pid)
{
	struct files_struct *files = task->files;
	struct sockstat_caller caller;
	unsigned int left = WALK_FDS;
	struct fdtable *fdt;
	bool done = false;

	sockstat_fd_set_process(&caller, task);
	spin_lock(&files->file_lock);
	fdt = files_fdtable(files);
	while (left--) {
		struct socket *sock;
		struct file *file;
		unsigned int fd;

		fd = find_next_bit(fdt->open_fds, fdt->max_fds, walk->fd);
		done = fd >= fdt->max_fds;
		if (done)
			break;
		walk->fd = fd + 1;
		/* an allocated descriptor has no file until fd_install() */
		file = files_lookup_fd_raw(files, fd);
		sock = file ? sockstat_compat_sock_from_file(file) : NULL;
		if (!sock || !sock->sk)
			continue;
		caller.fd = fd;
		if (!walk->found(&caller, pid, sock->sk, walk->arg))
			break;
	}
	spin_unlock(&files->file_lock);
	return done;
}

/*
 * Whether the table of @task is visited through another thread: the group leader
 * if that shares it, as is usual, or the thread that was visited last. A leader
 * that has exited has no table; then the first thread found is visited.
 */
static bool fd_table_is_covered(const struct sockstat_fd_walk *walk, struct task_struct *task,
				pid_t tgid)
{
	bool shared;

	if (thread_group_leader(task))
		return false;
	rcu_read_lock();
	shared = READ_ONCE(task->group_leader->files) == task->files;
	rcu_read_unlock();
	return shared || (walk->tgid == tgid && walk->files == task->files);
}

static bool fd_walk_task(struct sockstat_fd_walk *walk, struct task_struct *task)
{
	pid_t tgid = task_tgid_nr_ns(task, walk->ns);
	bool done = true;

	/* never true: all threads of a group are in one pid namespace */
	if (!tgid)
		return true;
	task_lock(task);
	if (!task->files)
		goto out;
	if (!walk->fd && fd_table_is_covered(walk, task, tgid))
		goto out;
	/* ask for each batch: the task may have called execve(), its pid may be another's now */
	if (!walk->may_look(task, walk->arg))
		goto out;
	if (!walk->fd) {
		if (walk->nr != tgid)
			walk->unordered = true;
		walk->tgid = tgid;
		walk->files = task->files;
	}
	done = fd_walk_table(walk, task, tgid);
out:
	task_unlock(task);
	return done;
}

/**
 * sockstat_fd_walk() - continue a walk of all descriptor tables
 * @walk: before the first call, all zero except @ns, @may_look, @found and @arg
 *
 * Returns after each task, after a bounded number of descriptors, and when
 * @walk->found asks for it, so that its caller can reschedule.
 *
 * Context: process.
 * Return: whether the walk is complete; if not, call again.
 */
bool sockstat_fd_walk(struct sockstat_fd_walk *walk)
{
	struct task_struct *task;
	struct pid *pid;
	int nr = walk->nr;

	rcu_read_lock();
	pid = idr_get_next(&walk->ns->idr, &nr);
	if (!pid) {
		rcu_read_unlock();
		return true;
	}
	/* the task has exited, perhaps half way through its table */
	if (nr != walk->nr)
		walk->fd = 0;
	walk->nr = nr;
	task = pid_task(pid, PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();

	if (!task || fd_walk_task(walk, task)) {
		walk->nr++;
		walk->fd = 0;
	}
	if (task)
		put_task_struct(task);
	return false;
}
