// SPDX-License-Identifier: GPL-2.0-only
#include "later.h"

static void later_queue_work(struct irq_work *work)
{
	struct sockstat_later *later = container_of(work, struct sockstat_later, irq_work);

	queue_delayed_work(system_highpri_wq, &later->work, later->delay);
}

/**
 * sockstat_later_init() - initialize a struct sockstat_later
 * @later: the struct
 * @func: the function to run; to_delayed_work() of its argument is @later->work
 * @delay: how long after a request to run it, in jiffies
 *
 * Context: any.
 */
void sockstat_later_init(struct sockstat_later *later, work_func_t func, unsigned long delay)
{
	init_irq_work(&later->irq_work, later_queue_work);
	INIT_DELAYED_WORK(&later->work, func);
	later->delay = delay;
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
	if (!delayed_work_pending(&later->work))
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
	cancel_delayed_work_sync(&later->work);
}
