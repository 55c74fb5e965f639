/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that is requested in contexts where it cannot be queued. */
#ifndef SOCKSTAT_LATER_H
#define SOCKSTAT_LATER_H

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/workqueue.h>

/**
 * struct sockstat_later - work that is requested in any context
 * @irq_work: queues @work in a context where that is allowed
 * @work: waits for @delay, then runs @func
 * @func: the function, called in process context
 * @delay: jiffies from a request to the function; requests made in between are
 *         merged
 * @asked: a request was made, and @func has not begun since
 */
struct sockstat_later {
	struct irq_work irq_work;
	struct work_struct work;
	void (*func)(struct sockstat_later *later);
	unsigned long delay;
	atomic_t asked;
};

int sockstat_later_create_queue(void);
void sockstat_later_destroy_queue(void);

void sockstat_later_init(struct sockstat_later *later, void (*func)(struct sockstat_later *later),
			 unsigned long delay);
void sockstat_later_ask(struct sockstat_later *later);
void sockstat_later_cancel(struct sockstat_later *later);

#endif /* SOCKSTAT_LATER_H */
