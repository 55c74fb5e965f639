// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holders that saw a process in the same state share one record of it. Readers
 * that find the record in a holder take no lock: a new state gets a new record,
 * and a work item frees the old one after a grace period.
 *
 * Lock order: bucket of the table -> bucket of processes -> pool.
 */
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "holder.h"
#include "later.h"
#include "lock.h"
#include "pool.h"
#include "process.h"

#define BUCKETS_BITS 12

/*
 * Records per process and program. A process that changes its name or credentials
 * for each descriptor must not make lookups in its bucket slow, nor use up memory
 * that handlers cannot charge to its user.
 */
#define STATES_MAX 32

/* Free records to keep: they have to last until the refill work runs. */
#define PROCESSES_READY 512

/* A process that exits gives up many records; with a delay they share a grace period. */
#define REAP_DELAY (HZ / 10)

struct process_bucket {
	raw_spinlock_t lock; /* protects @head, and @users of its records */
	struct hlist_head head;
};

static struct process_bucket process_buckets[BIT(BUCKETS_BITS)];
static struct sockstat_pool process_pool;
static atomic64_t process_refused;
static LLIST_HEAD(process_dead);

static struct sockstat_later process_reap_later;

static struct process_bucket *process_bucket_of(const struct pid *pid, u32 exec_id)
{
	return &process_buckets[hash_long((unsigned long)pid + exec_id, BUCKETS_BITS)];
}

static bool process_dumpable(struct task_struct *task)
{
	struct user_namespace *ns;

	return sockstat_compat_dumpable(task, &ns);
}

/*
 * Whether a record has the right @dumpable. A task that exits may not know its own
 * any more: then it has not changed since the record was made.
 */
static bool process_dumpable_is(const struct sockstat_process *p, struct task_struct *task)
{
	return !sockstat_compat_dumpable_is_known(task) || p->dumpable == process_dumpable(task);
}

/**
 * sockstat_cred_copy() - copy the credentials that decide who may see a process
 * @to: filled in; no reference to @to->user_ns is taken
 * @from: the credentials
 *
 * Context: any; the caller keeps @from.
 */
void sockstat_cred_copy(struct sockstat_cred *to, const struct cred *from)
{
	to->uid = from->uid;
	to->euid = from->euid;
	to->suid = from->suid;
	to->gid = from->gid;
	to->egid = from->egid;
	to->sgid = from->sgid;
	to->permitted = from->cap_permitted;
	to->user_ns = from->user_ns;
}

static bool process_has_cred(const struct sockstat_process *p, const struct cred *cred)
{
	const struct sockstat_cred *c = &p->cred;

	return uid_eq(c->euid, cred->euid) && uid_eq(c->uid, cred->uid) &&
	       uid_eq(c->suid, cred->suid) && gid_eq(c->egid, cred->egid) &&
	       gid_eq(c->gid, cred->gid) && gid_eq(c->sgid, cred->sgid) &&
	       !memcmp(&c->permitted, &cred->cap_permitted, sizeof(c->permitted)) &&
	       c->user_ns == cred->user_ns;
}

/* Whether a record says who may see the process as it is now; its name may be another. */
static bool process_is_seen_alike(const struct sockstat_process *p,
				  const struct sockstat_caller *caller)
{
	bool same;

	if (!process_dumpable_is(p, caller->task))
		return false;
	rcu_read_lock();
	same = process_has_cred(p, __task_cred(caller->task));
	rcu_read_unlock();
	return same;
}

static bool process_is_same(const struct sockstat_process *p, const struct sockstat_caller *caller)
{
	return p->pid == caller->pid && p->exec_id == caller->exec_id;
}

static bool process_is_named_alike(const struct sockstat_process *p,
				   const struct sockstat_caller *caller)
{
	/* a name that is being changed matches no record; a later call compares again */
	return !data_race(memcmp(p->comm, caller->task->group_leader->comm, sizeof(p->comm)));
}

/**
 * sockstat_process_is_now() - whether a record is the current state of a process
 * @p: a record
 * @caller: the process; caller->task is not NULL
 *
 * Context: under RCU or not preemptible, which keeps the group leader.
 */
bool sockstat_process_is_now(const struct sockstat_process *p, const struct sockstat_caller *caller)
{
	return process_is_same(p, caller) && process_is_named_alike(p, caller) &&
	       process_is_seen_alike(p, caller);
}

/*
 * Find a record of the process as it is now. If there is none and the process has
 * STATES_MAX records, set @full and return one that differs in the name only, or NULL.
 */
static struct sockstat_process *process_find(const struct process_bucket *b,
					     const struct sockstat_caller *caller, bool *full)
{
	struct sockstat_process *p, *alike = NULL;
	unsigned int states = 0;

	*full = false;
	hlist_for_each_entry(p, &b->head, node) {
		if (!process_is_same(p, caller))
			continue;
		if (sockstat_process_is_now(p, caller))
			return p;
		states++;
		if (!alike && process_is_seen_alike(p, caller))
			alike = p;
	}
	*full = states >= STATES_MAX;
	return *full ? alike : NULL;
}

static struct sockstat_process *process_add(struct process_bucket *b,
					    const struct sockstat_caller *caller)
{
	struct sockstat_process *p = sockstat_pool_get(&process_pool);

	if (!p)
		return NULL;
	p->pid = get_pid(caller->pid);
	rcu_read_lock();
	sockstat_cred_copy(&p->cred, __task_cred(caller->task));
	get_user_ns(p->cred.user_ns);
	rcu_read_unlock();
	p->exec_id = caller->exec_id;
	p->dumpable = process_dumpable(caller->task);
	/* a name that is being changed may be copied half; a later call replaces the record */
	data_race(memcpy(p->comm, caller->task->group_leader->comm, sizeof(p->comm)));
	hlist_add_head(&p->node, &b->head);
	return p;
}

/**
 * sockstat_process_get() - get a record of the current state of a process
 * @caller: the process; caller->task is not NULL
 *
 * If the process has its maximum of records, the one that is returned may have an
 * older name, but says truly who may see it.
 *
 * Context: any but NMI; under RCU or not preemptible.
 * Return: the record, which stays until sockstat_process_put(); NULL (and
 * counted) if none is free or the process has its maximum.
 */
struct sockstat_process *sockstat_process_get(const struct sockstat_caller *caller)
{
	struct process_bucket *b = process_bucket_of(caller->pid, caller->exec_id);
	struct sockstat_process *p;
	unsigned long flags;
	bool full;

	sockstat_lock_irqsave(&b->lock, flags);
	p = process_find(b, caller, &full);
	if (!p && !full)
		p = process_add(b, caller);
	if (p)
		p->users++;
	raw_spin_unlock_irqrestore(&b->lock, flags);
	if (full)
		atomic64_inc(&process_refused);
	return p;
}

/**
 * sockstat_process_put() - give up a reference of sockstat_process_get()
 * @p: the record; readers that have found it under RCU may go on reading it
 *
 * Context: any but NMI.
 */
void sockstat_process_put(struct sockstat_process *p)
{
	struct process_bucket *b = process_bucket_of(p->pid, p->exec_id);
	unsigned long flags;
	bool last;

	sockstat_lock_irqsave(&b->lock, flags);
	last = !--p->users;
	if (last)
		hlist_del(&p->node);
	raw_spin_unlock_irqrestore(&b->lock, flags);
	if (last && llist_add(&p->dead, &process_dead))
		sockstat_later_ask(&process_reap_later);
}

/**
 * sockstat_process_lives() - whether a process still runs the recorded program
 * @p: a record of the process
 *
 * Context: any.
 * Return: false if all its threads have exited, or after an execve().
 */
bool sockstat_process_lives(const struct sockstat_process *p)
{
	struct task_struct *leader;
	bool lives;

	rcu_read_lock();
	leader = pid_task(p->pid, PIDTYPE_TGID);
	lives = leader && atomic_read(&leader->signal->live) &&
		(u32)READ_ONCE(leader->self_exec_id) == p->exec_id;
	rcu_read_unlock();
	return lives;
}

/* On PREEMPT_RT, put_pid() and put_user_ns() may sleep: no handler can call them. */
static void process_reap(struct sockstat_later *later)
{
	struct llist_node *gone = llist_del_all(&process_dead);
	struct sockstat_process *p, *next;

	if (!gone)
		return;
	synchronize_rcu();
	llist_for_each_entry_safe(p, next, gone, dead) {
		put_pid(p->pid);
		put_user_ns(p->cred.user_ns);
		sockstat_pool_put(&process_pool, p);
		cond_resched();
	}
}

/**
 * sockstat_process_dropped() - count the states that got no record
 *
 * Context: any.
 */
u64 sockstat_process_dropped(void)
{
	return READ_ONCE(process_pool.empty) + atomic64_read(&process_refused);
}

/**
 * sockstat_process_refill() - fill the pool of processes
 *
 * Context: process, may sleep.
 */
void sockstat_process_refill(void)
{
	sockstat_pool_fill(&process_pool);
}

/**
 * sockstat_process_init() - create the pool of processes
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM with everything freed again.
 */
int sockstat_process_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(process_buckets); i++)
		raw_spin_lock_init(&process_buckets[i].lock);
	sockstat_later_init(&process_reap_later, process_reap, REAP_DELAY);
	return sockstat_pool_init(&process_pool, "sockstat_process",
				  sizeof(struct sockstat_process), PROCESSES_READY);
}

/**
 * sockstat_process_exit() - free the pool of processes
 *
 * Context: process, may sleep; all records have been put.
 */
void sockstat_process_exit(void)
{
	sockstat_later_cancel(&process_reap_later);
	process_reap(NULL);
	sockstat_pool_destroy(&process_pool);
}
