/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that is asked for where nothing may be waited for. */
#ifndef SOCKSTAT_LATER_H
#define SOCKSTAT_LATER_H

#include <linux/irq_work.h>
#include <linux/workqueue.h>

/**
 * struct sockstat_later - something to be done soon, in process context
 * @irq_work: takes the request out of whatever context it was made in
 * @work: does it
 * @delay: how much later, in jiffies; requests in between are one
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
