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

/* Registers of a system call. */
#define SYSCALL_ARGS 6

/* How far a search goes in a call that says nothing of its descriptor. */
#define SEARCH_FDS 256

/* How many descriptors one hold of a table's lock passes over. */
#define WALK_FDS 64

/*
 * io_uring's workers carry the registers of the call that made them, kernel
 * threads none.
 */
static bool fd_in_own_syscall(void)
{
	return !(current->flags & (PF_KTHREAD | PF_IO_WORKER));
}

/*
 * The descriptor is the first argument wherever a call leads to one socket;
 * splice() has two. What else is in the registers can be the number of a slot
 * that holds this socket, too, and mislead: no other is looked at.
 */
static int fd_of_call(const struct sock *sk)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct files_struct *files = current->files;
	const struct socket *sock = READ_ONCE(sk->sk_socket);
	unsigned long args[SYSCALL_ARGS];
	int nr;

	if (!fd_in_own_syscall() || !files || !sock)
		return SOCKSTAT_FD_UNKNOWN;
	nr = syscall_get_nr(current, regs);
	if (sockstat_compat_is_socketcall(nr))
		return SOCKSTAT_FD_UNKNOWN;
	syscall_get_arguments(current, regs, args);
	if (sockstat_fd_slot_holds(files, args[0], sock))
		return args[0];
	if (sockstat_compat_is_splice(nr) && sockstat_fd_slot_holds(files, args[2], sock))
		return args[2];
	return SOCKSTAT_FD_UNKNOWN;
}

static void fd_set_nobody(struct sockstat_caller *caller)
{
	*caller = (struct sockstat_caller){ .fd = SOCKSTAT_FD_UNKNOWN };
}

/**
 * sockstat_fd_caller() - find out whose call this is
 * @caller: filled in; nobody's for a kernel thread, or a socket not accepted
 * @sk: the socket that is called
 *
 * Context: process, under RCU or not preemptible. What @caller points to stays
 * while current is in this call.
 */
void sockstat_fd_caller(struct sockstat_caller *caller, const struct sock *sk)
{
	if (current->flags & PF_KTHREAD || !READ_ONCE(sk->sk_socket)) {
		fd_set_nobody(caller);
		return;
	}
	sockstat_fd_set_process(caller, current);
	caller->fd = fd_of_call(sk);
}

/* The descriptor that a system call takes away, whose slot is empty by now. */
static int fd_of_close(void)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned long args[SYSCALL_ARGS];

	if (!fd_in_own_syscall() || in_compat_syscall())
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
 * sockstat_fd_closer() - find out who closes a socket's last descriptor
 * @caller: filled in; nobody's for a kernel thread
 *
 * Context: process, may be atomic; current may be exiting. What @caller points
 * to stays while current is in this call.
 */
void sockstat_fd_closer(struct sockstat_caller *caller)
{
	if (current->flags & PF_KTHREAD) {
		fd_set_nobody(caller);
		return;
	}
	sockstat_fd_set_process(caller, current);
	caller->fd = fd_of_close();
}

/**
 * sockstat_fd_search() - look through the low descriptors of the caller
 * @caller: its descriptor unknown; filled in if found
 * @sk: the socket that is called
 *
 * Context: process, under RCU or not preemptible.
 */
void sockstat_fd_search(struct sockstat_caller *caller, const struct sock *sk)
{
	struct files_struct *files = current->files;
	const struct socket *sock = READ_ONCE(sk->sk_socket);
	unsigned int fd;

	caller->searched = true;
	if (!files || !sock)
		return;
	for (fd = 0; fd < SEARCH_FDS; fd++) {
		if (!sockstat_fd_slot_holds(files, fd, sock))
			continue;
		caller->fd = fd;
		break;
	}
}

/* Go on in one table; false if it was left half way. Under task_lock(). */
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
		/* a slot may be reserved and not filled yet */
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
 * Threads share their leader's table as a rule, and are looked into only if
 * they do not. A leader that has exited has none any more: then whoever comes
 * first is looked into.
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

	/* a leader outside the namespace: cannot be, a group shares one */
	if (!tgid)
		return true;
	task_lock(task);
	if (!task->files)
		goto out;
	if (!walk->fd && fd_table_is_covered(walk, task, tgid))
		goto out;
	/* also half way: it may be another program by now, or another process */
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
 * sockstat_fd_walk() - go on with a walk of all descriptor tables
 * @walk: zeroed before its beginning, but for what the caller provides
 *
 * Returns after a bounded number of descriptors, after each process, and when
 * @walk->found asks for it; the caller reschedules.
 *
 * Context: process.
 * Return: whether the walk is complete.
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
	/* the process went away while its table was half walked */
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
