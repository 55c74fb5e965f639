// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures for how long interrupts are off, for tests/bench/costs.sh: a timer that is
 * due every 20 us notes by how many nanoseconds it is late at most. Write 0 to its
 * parameter to begin anew.
 */
#include <linux/hrtimer.h>
#include <linux/module.h>

#define PERIOD_NS 20000

static struct hrtimer irqs_off_timer;
static unsigned int longest;
module_param(longest, uint, 0644);
MODULE_PARM_DESC(longest, "how late the timer was at most, in nanoseconds");

static enum hrtimer_restart irqs_off_on_timer(struct hrtimer *timer)
{
	s64 late = ktime_to_ns(ktime_sub(ktime_get(), hrtimer_get_expires(timer)));

	if (late > longest)
		longest = late;
	hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), PERIOD_NS));
	return HRTIMER_RESTART;
}

static int __init irqs_off_init(void)
{
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(&irqs_off_timer, irqs_off_on_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(&irqs_off_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	irqs_off_timer.function = irqs_off_on_timer;
#endif
	hrtimer_start(&irqs_off_timer, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_HARD);
	return 0;
}

static void __exit irqs_off_exit(void)
{
	hrtimer_cancel(&irqs_off_timer);
}

module_init(irqs_off_init);
module_exit(irqs_off_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Measures for how long interrupts are off");
