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

#include "compat.h"
#include "holder.h"
#include "later.h"
#include "lock.h"
#include "pool.h"
#include "process.h"

#define BUCKETS_BITS 8

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
static LLIST_HEAD(process_dead);

static struct sockstat_later process_reap_later;

static struct process_bucket *process_bucket_of(const struct pid *pid)
{
	return &process_buckets[hash_ptr(pid, BUCKETS_BITS)];
}

static bool process_dumpable(struct task_struct *task)
{
	struct user_namespace *ns;

	return sockstat_compat_dumpable(task, &ns);
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
	struct task_struct *task = caller->task;

	return p->pid == caller->pid && p->exec_id == caller->exec_id &&
	       p->cred == rcu_access_pointer(task->real_cred) &&
	       p->dumpable == process_dumpable(task) &&
	       /* a name that is being changed matches no record; a later call compares again */
	       !data_race(memcmp(p->comm, task->group_leader->comm, sizeof(p->comm)));
}

static struct sockstat_process *process_find(const struct process_bucket *b,
					     const struct sockstat_caller *caller)
{
	struct sockstat_process *p;

	hlist_for_each_entry(p, &b->head, node)
		if (sockstat_process_is_now(p, caller))
			return p;
	return NULL;
}

static struct sockstat_process *process_add(struct process_bucket *b,
					    const struct sockstat_caller *caller)
{
	struct sockstat_process *p = sockstat_pool_get(&process_pool);

	if (!p)
		return NULL;
	p->pid = get_pid(caller->pid);
	p->cred = get_task_cred(caller->task);
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
 * Context: any but NMI; under RCU or not preemptible.
 * Return: the record, which stays until sockstat_process_put(); NULL (and
 * counted) if none is free.
 */
struct sockstat_process *sockstat_process_get(const struct sockstat_caller *caller)
{
	struct process_bucket *b = process_bucket_of(caller->pid);
	struct sockstat_process *p;
	unsigned long flags;

	sockstat_lock_irqsave(&b->lock, flags);
	p = process_find(b, caller) ?: process_add(b, caller);
	if (p)
		p->users++;
	raw_spin_unlock_irqrestore(&b->lock, flags);
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
	struct process_bucket *b = process_bucket_of(p->pid);
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

/* On PREEMPT_RT, put_pid() and put_cred() may sleep: no handler can call them. */
static void process_reap(struct work_struct *work)
{
	struct llist_node *gone = llist_del_all(&process_dead);
	struct sockstat_process *p, *next;

	if (!gone)
		return;
	synchronize_rcu();
	llist_for_each_entry_safe(p, next, gone, dead) {
		put_pid(p->pid);
		put_cred(p->cred);
		sockstat_pool_put(&process_pool, p);
		cond_resched();
	}
}

/**
 * sockstat_process_dropped() - count the failures to get a free record
 *
 * Context: any.
 */
u64 sockstat_process_dropped(void)
{
	return READ_ONCE(process_pool.empty);
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
