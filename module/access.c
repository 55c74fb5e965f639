// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rule of /proc/PID/fd, which is ptrace_may_access(PTRACE_MODE_READ_FSCREDS)
 * and not exported: the same user throughout, with no capability that the
 * reader lacks, and dumpable; or CAP_SYS_PTRACE. Judged by who opened the file:
 * a descriptor that is passed on shows what the opener may see, however long
 * ago that was. Who reads it adds nothing, not even itself: the snapshot stays
 * with the file, and others who have it read on in it.
 *
 * Security modules are asked once, whether the reader has CAP_SYS_PTRACE at
 * all: no other hook of theirs can be called from here, and where rows are
 * picked locks are held that theirs must not nest in. What follows from it for
 * other user namespaces, and cap_ptrace_access_check(), is done by hand.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>

#include "access.h"
#include "compat.h"

/* As cap_capable() has it. */
static bool access_may_trace_in(const struct sockstat_access *access,
				const struct user_namespace *ns)
{
	const struct user_namespace *own = access->cred->user_ns;

	for (; ns != own; ns = ns->parent) {
		if (ns->level <= own->level)
			return false;
		/* whose namespace it is has all capabilities there */
		if (ns->parent == own && uid_eq(ns->owner, access->cred->euid))
			return true;
	}
	return access->may_trace;
}

static bool access_same_user(const struct cred *reader, const struct cred *owner)
{
	return uid_eq(reader->fsuid, owner->euid) && uid_eq(reader->fsuid, owner->suid) &&
	       uid_eq(reader->fsuid, owner->uid) && gid_eq(reader->fsgid, owner->egid) &&
	       gid_eq(reader->fsgid, owner->sgid) && gid_eq(reader->fsgid, owner->gid);
}

static bool access_no_extra_caps(const struct cred *reader, const struct cred *owner)
{
	return owner->user_ns == reader->user_ns &&
	       cap_issubset(owner->cap_permitted, reader->cap_effective);
}

static bool access_may_look_at(const struct sockstat_access *access, const struct cred *owner)
{
	return (access_same_user(access->cred, owner) &&
		access_no_extra_caps(access->cred, owner)) ||
	       access_may_trace_in(access, owner->user_ns);
}

/**
 * sockstat_access_init() - find out what a reader may see
 * @access: filled in; valid while the file is open, for sockstat_access_exit()
 * @file: /proc/sockstat, which current opens
 *
 * Context: process, may sleep.
 */
void sockstat_access_init(struct sockstat_access *access, const struct file *file)
{
	access->cred = file->f_cred;
	access->ns = get_pid_ns(task_active_pid_ns(current));
	access->self = get_pid(task_tgid(current));
	access->exec_id = READ_ONCE(current->self_exec_id);
	access->may_trace = file_ns_capable(file, file->f_cred->user_ns, CAP_SYS_PTRACE);
}

/**
 * sockstat_access_exit() - undo sockstat_access_init()
 * @access: not to be used any more
 *
 * Context: process, may sleep.
 */
void sockstat_access_exit(struct sockstat_access *access)
{
	put_pid(access->self);
	put_pid_ns(access->ns);
}

/* A process may see itself, until it becomes another program. */
static bool access_is_self(const struct sockstat_access *access, struct task_struct *task)
{
	return task_tgid(task) == access->self &&
	       (u32)READ_ONCE(task->self_exec_id) == access->exec_id;
}

/**
 * sockstat_access_process() - whether a reader may look into a process
 * @access: of the reader
 * @task: a thread of the process, kept and task_lock()ed by the caller
 *
 * Context: any.
 */
bool sockstat_access_process(const struct sockstat_access *access, struct task_struct *task)
{
	struct user_namespace *ns;
	bool allowed;

	if (access_is_self(access, task))
		return true;
	rcu_read_lock();
	allowed = access_may_look_at(access, __task_cred(task));
	rcu_read_unlock();
	if (!allowed)
		return false;
	smp_rmb(); /* commit_creds() makes it undumpable before new credentials show */
	return sockstat_compat_dumpable(task, &ns) || access_may_trace_in(access, ns);
}

/**
 * sockstat_access_past() - whether a reader may see a descriptor that is closed
 * @access: of the reader
 * @h: the descriptor's record, which says who the process was
 *
 * Context: any.
 */
bool sockstat_access_past(const struct sockstat_access *access, const struct sockstat_holder *h)
{
	const struct sockstat_process *p = h->process;

	return access_may_look_at(access, p->cred) &&
	       (p->dumpable || access_may_trace_in(access, &init_user_ns));
}

/**
 * sockstat_access_nobody() - whether a reader may see what no process holds
 * @access: of the reader
 *
 * Context: any.
 */
bool sockstat_access_nobody(const struct sockstat_access *access)
{
	return access->ns == &init_pid_ns && access_may_trace_in(access, &init_user_ns);
}
