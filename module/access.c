// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rule of /proc/PID/fd, which is ptrace_may_access(PTRACE_MODE_READ_FSCREDS)
 * and not exported: the same user throughout, with no capability that the
 * reader lacks, and dumpable; or CAP_SYS_PTRACE.
 * Judged by who opened the file: a descriptor that is passed on shows what the
 * opener may see. Security modules have no say, as no hook of theirs can be
 * called from here; cap_ptrace_access_check(), which is always there, is done
 * by hand.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>

#include "access.h"
#include "compat.h"

static bool same_user(const struct cred *reader, const struct cred *owner)
{
	return uid_eq(reader->fsuid, owner->euid) && uid_eq(reader->fsuid, owner->suid) &&
	       uid_eq(reader->fsuid, owner->uid) && gid_eq(reader->fsgid, owner->egid) &&
	       gid_eq(reader->fsgid, owner->sgid) && gid_eq(reader->fsgid, owner->gid);
}

static bool no_stronger(const struct cred *reader, const struct cred *owner)
{
	return owner->user_ns == reader->user_ns &&
	       cap_issubset(owner->cap_permitted, reader->cap_effective);
}

static bool may_trace(const struct file *reader, const struct cred *owner)
{
	return (same_user(reader->f_cred, owner) && no_stronger(reader->f_cred, owner)) ||
	       file_ns_capable(reader, owner->user_ns, CAP_SYS_PTRACE);
}

/**
 * sockstat_access_process() - whether a reader may look into a process
 * @reader: the open /proc/sockstat
 * @task: a thread of the process, kept and task_lock()ed by the caller
 *
 * Context: process, atomic.
 */
bool sockstat_access_process(const struct file *reader, struct task_struct *task)
{
	struct user_namespace *ns;
	bool allowed;

	if (same_thread_group(task, current))
		return true;
	rcu_read_lock();
	allowed = may_trace(reader, __task_cred(task));
	rcu_read_unlock();
	if (!allowed)
		return false;
	/* pairs with commit_creds(): not dumpable before the new credentials */
	smp_rmb();
	return sockstat_compat_dumpable(task, &ns) || file_ns_capable(reader, ns, CAP_SYS_PTRACE);
}

/**
 * sockstat_access_past() - whether a reader may see a descriptor that is closed
 * @reader: the open /proc/sockstat
 * @h: the descriptor's record, which says who the process was
 *
 * Context: atomic.
 */
bool sockstat_access_past(const struct file *reader, const struct sockstat_holder *h)
{
	return may_trace(reader, h->cred) &&
	       (h->dumpable || file_ns_capable(reader, &init_user_ns, CAP_SYS_PTRACE));
}

/**
 * sockstat_access_nobody() - whether a reader may see what no process holds
 * @reader: the open /proc/sockstat
 * @ns: the reader's pid namespace
 *
 * Context: any.
 */
bool sockstat_access_nobody(const struct file *reader, const struct pid_namespace *ns)
{
	return ns == &init_pid_ns && file_ns_capable(reader, &init_user_ns, CAP_SYS_PTRACE);
}
