// SPDX-License-Identifier: GPL-2.0-only
#include "later.h"

static void later_queue_work(struct irq_work *work)
{
	struct sockstat_later *later = container_of(work, struct sockstat_later, irq_work);

	queue_delayed_work(system_highpri_wq, &later->work, later->delay);
}

/**
 * sockstat_later_init() - set it up
 * @later: to be set up
 * @func: what is to be done; finds itself by to_delayed_work()
 * @delay: how much later than asked for, in jiffies
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
 * sockstat_later_ask() - have it done, if that is not on its way
 * @later: set up
 *
 * A probe that is a breakpoint has its handler run as an NMI would, where work
 * cannot be queued: its locks may be held by whom the breakpoint was met in.
 *
 * Context: any, also NMI.
 */
void sockstat_later_ask(struct sockstat_later *later)
{
	if (!delayed_work_pending(&later->work))
		irq_work_queue(&later->irq_work);
}

/**
 * sockstat_later_cancel() - what was asked for is done or will not be
 * @later: nobody asks any more
 *
 * Context: process, may sleep.
 */
void sockstat_later_cancel(struct sockstat_later *later)
{
	irq_work_sync(&later->irq_work);
	cancel_delayed_work_sync(&later->work);
}
