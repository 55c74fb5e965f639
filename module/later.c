// SPDX-License-Identifier: GPL-2.0-only
/*
 * The work must not depend on the CPU that requests it: a real-time process there
 * may leave no time for a worker, nor for ksoftirqd, which runs timers when it is
 * behind. Hence the unbound workqueue, whose workers run on any CPU, and no
 * delayed_work, whose timer would be on that CPU: the worker itself waits.
 */
#include <linux/sched.h>

#include "compat.h"
#include "later.h"

static struct workqueue_struct *later_queue;

/**
 * sockstat_later_create_queue() - create the workqueue of all requests
 *
 * Context: process, may sleep; before sockstat_later_ask() is called.
 * Return: 0 or -ENOMEM.
 */
int sockstat_later_create_queue(void)
{
	/*
	 * It frees memory, so WQ_MEM_RECLAIM gives it a worker of its own for when none can
	 * be created. That worker and the others are ordinary threads on PREEMPT_RT too, and
	 * none of the work waits for work on a queue without such a worker: synchronize_rcu()
	 * waits for a callback, or if expedited for RCU's own queue or thread.
	 */
	later_queue = alloc_workqueue("sockstat", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	return later_queue ? 0 : -ENOMEM;
}

/**
 * sockstat_later_destroy_queue() - undo sockstat_later_create_queue()
 *
 * Context: process, may sleep; all requests have been canceled.
 */
void sockstat_later_destroy_queue(void)
{
	destroy_workqueue(later_queue);
}

/*
 * Runs in the interrupt, on PREEMPT_RT too (see sockstat_compat_init_irq_work()): the
 * thread that runs other irq_work there has the lowest real-time priority, and belongs
 * to this CPU. queue_work() may be called there, as since 5.8 the locks that it takes,
 * those of the pool of workers and of the thread that it wakes, are raw spinlocks.
 */
static void later_queue_work(struct irq_work *work)
{
	struct sockstat_later *later = container_of(work, struct sockstat_later, irq_work);

	queue_work(later_queue, &later->work);
}

static void later_run(struct work_struct *work)
{
	struct sockstat_later *later = container_of(work, struct sockstat_later, work);

	if (later->delay)
		schedule_timeout_uninterruptible(later->delay);
	atomic_set(&later->asked, 0);
	/* A request from here on is for another run, as func() may not see its reason. */
	smp_mb__after_atomic();
	later->func(later);
}

/**
 * sockstat_later_init() - initialize a struct sockstat_later
 * @later: the struct
 * @func: the function to run
 * @delay: how long after a request to run it, in jiffies
 *
 * Context: any.
 */
void sockstat_later_init(struct sockstat_later *later, void (*func)(struct sockstat_later *later),
			 unsigned long delay)
{
	sockstat_compat_init_irq_work(&later->irq_work, later_queue_work);
	INIT_WORK(&later->work, later_run);
	later->func = func;
	later->delay = delay;
	atomic_set(&later->asked, 0);
}

/**
 * sockstat_later_ask() - request that the function run, unless it is requested
 * @later: an initialized struct
 *
 * A kprobe handler that an int3 has entered runs as an NMI does and must not queue
 * work, as the interrupted code may hold the workqueue's locks. Hence the irq_work.
 *
 * Context: any, also NMI.
 */
void sockstat_later_ask(struct sockstat_later *later)
{
	/* the caller's change comes before the read; pairs with later_run() */
	smp_mb();
	if (!atomic_read(&later->asked) && !atomic_xchg(&later->asked, 1))
		irq_work_queue(&later->irq_work);
}

/**
 * sockstat_later_cancel() - cancel a request, and wait for the function
 * @later: an initialized struct, for which no requests are made any more
 *
 * Context: process, may sleep.
 */
void sockstat_later_cancel(struct sockstat_later *later)
{
	irq_work_sync(&later->irq_work);
	cancel_work_sync(&later->work);
}
