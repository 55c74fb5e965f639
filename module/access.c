// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rule is that of /proc/PID/fd, ptrace_may_access(PTRACE_MODE_READ_FSCREDS),
 * which is not exported: all user and group ids of the process are the reader's,
 * it has no capability that the reader lacks, and it is dumpable; or the reader
 * has CAP_SYS_PTRACE.
 *
 * "The reader" is the process that opened the file. A process that inherits or
 * receives the descriptor sees the opener's rows, and not its own in addition,
 * because all users of an open file read the same snapshot.
 *
 * Security modules are asked only at open, for CAP_SYS_PTRACE. Their ptrace hook
 * is not exported, and rows are selected under spinlocks inside which they must
 * not take locks of their own. So the rules of cap_capable() for other user
 * namespaces, and of cap_ptrace_access_check(), are repeated here.
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

/* Whether the reader has CAP_SYS_PTRACE in @ns, by the rules of cap_capable(). */
static bool access_may_trace_in(const struct sockstat_access *access,
				const struct user_namespace *ns)
{
	const struct user_namespace *own = access->cred->user_ns;

	for (; ns != own; ns = ns->parent) {
		if (ns->level <= own->level)
			return false;
		/* the owner of a user namespace has all capabilities in it */
		if (ns->parent == own && uid_eq(ns->owner, access->cred->euid))
			return true;
	}
	return access->may_trace;
}

static bool access_same_user(const struct cred *reader, const struct sockstat_cred *owner)
{
	return uid_eq(reader->fsuid, owner->euid) && uid_eq(reader->fsuid, owner->suid) &&
	       uid_eq(reader->fsuid, owner->uid) && gid_eq(reader->fsgid, owner->egid) &&
	       gid_eq(reader->fsgid, owner->sgid) && gid_eq(reader->fsgid, owner->gid);
}

static bool access_no_extra_caps(const struct cred *reader, const struct sockstat_cred *owner)
{
	return owner->user_ns == reader->user_ns &&
	       cap_issubset(owner->permitted, reader->cap_effective);
}

static bool access_may_look_at(const struct sockstat_access *access,
			       const struct sockstat_cred *owner)
{
	return (access_same_user(access->cred, owner) &&
		access_no_extra_caps(access->cred, owner)) ||
	       access_may_trace_in(access, owner->user_ns);
}

/**
 * sockstat_access_init() - record who opens /proc/sockstat
 * @access: filled in; valid while the file is open, for sockstat_access_exit()
 * @file: the file that current is opening
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
 * @access: filled in by sockstat_access_init(), not valid any more
 *
 * Context: process, may sleep.
 */
void sockstat_access_exit(struct sockstat_access *access)
{
	put_pid(access->self);
	put_pid_ns(access->ns);
}

/* The opener may see itself until it calls execve(). */
static bool access_is_self(const struct sockstat_access *access, struct task_struct *task)
{
	return task_tgid(task) == access->self &&
	       (u32)READ_ONCE(task->self_exec_id) == access->exec_id;
}

/**
 * sockstat_access_process() - whether a reader may look into a process
 * @access: the reader
 * @task: a thread of the process; the caller holds a reference and task_lock()
 *
 * Context: any.
 */
bool sockstat_access_process(const struct sockstat_access *access, struct task_struct *task)
{
	struct user_namespace *ns;
	struct sockstat_cred cred;
	bool allowed;

	if (access_is_self(access, task))
		return true;
	rcu_read_lock();
	sockstat_cred_copy(&cred, __task_cred(task));
	allowed = access_may_look_at(access, &cred);
	rcu_read_unlock();
	if (!allowed)
		return false;
	smp_rmb(); /* commit_creds() resets dumpable before it publishes the credentials */
	return sockstat_compat_dumpable(task, &ns) || access_may_trace_in(access, ns);
}

/**
 * sockstat_access_past() - whether a reader may see a closed descriptor
 * @access: the reader
 * @h: the descriptor's record, with the credentials that its process had
 *
 * Context: any.
 */
bool sockstat_access_past(const struct sockstat_access *access, const struct sockstat_holder *h)
{
	const struct sockstat_process *p = h->process;

	return access_may_look_at(access, &p->cred) &&
	       (p->dumpable || access_may_trace_in(access, &init_user_ns));
}

/**
 * sockstat_access_nobody() - whether a reader may see rows without a process
 * @access: the reader
 *
 * Context: any.
 */
bool sockstat_access_nobody(const struct sockstat_access *access)
{
	return access->ns == &init_pid_ns && access_may_trace_in(access, &init_user_ns);
}
