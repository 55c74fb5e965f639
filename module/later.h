/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that is requested in contexts where it cannot be queued. */
#ifndef SOCKSTAT_LATER_H
#define SOCKSTAT_LATER_H

#include <linux/irq_work.h>
#include <linux/workqueue.h>

/**
 * struct sockstat_later - work that is requested in any context
 * @irq_work: queues @work in a context where that is allowed
 * @work: runs the function in process context
 * @delay: jiffies from a request to the function; requests made in between are
 *         merged
 */
struct sockstat_later {
	struct irq_work irq_work;
	struct delayed_work work;
	unsigned long delay;
};

void sockstat_later_init(struct sockstat_later *later, work_func_t func, unsigned long delay);
void sockstat_later_ask(struct sockstat_later *later);
void sockstat_later_cancel(struct sockstat_later *later);

#endif /* SOCKSTAT_LATER_H */
