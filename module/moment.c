// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kprobe handler that an int3 has entered runs as an NMI does (see lock.h): it
 * must not wait for the timekeeper's lock, so only the NMI-safe clocks will do. They
 * retry if the clock was updated meanwhile, which KCSAN cannot know.
 *
 * Only CLOCK_BOOTTIME is read for a moment. CLOCK_REALTIME differs from it by an offset
 * that changes only when that clock is set. The timekeeper calls its notifiers then, and
 * on each tick.
 */
#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/notifier.h>
#include <linux/pvclock_gtod.h>
#include <linux/timekeeper_internal.h>
#include <linux/timekeeping.h>

#include "moment.h"

/* CLOCK_REALTIME minus CLOCK_BOOTTIME in ns */
static atomic64_t moment_offset;

/* Called under the timekeeper's lock, so the offset is right when clock_settime() returns. */
static int moment_on_update(struct notifier_block *nb, unsigned long was_set, void *timekeeper)
{
	const struct timekeeper *tk = timekeeper;

	atomic64_set(&moment_offset, ktime_to_ns(ktime_sub(tk->offs_real, tk->offs_boot)));
	return NOTIFY_OK;
}

static struct notifier_block moment_notifier = { .notifier_call = moment_on_update };

/**
 * sockstat_moment_init() - begin to follow the clocks
 *
 * Context: process; before sockstat_moment_set() is called.
 */
void sockstat_moment_init(void)
{
	/* calls the notifier at once */
	pvclock_gtod_register_notifier(&moment_notifier);
}

/**
 * sockstat_moment_exit() - undo sockstat_moment_init()
 *
 * Context: process.
 */
void sockstat_moment_exit(void)
{
	pvclock_gtod_unregister_notifier(&moment_notifier);
}

/**
 * sockstat_moment_boot() - read the clock of &struct sockstat_moment.boot
 *
 * Context: any.
 */
s64 sockstat_moment_boot(void)
{
	/* see above */
	return data_race(ktime_get_boot_fast_ns());
}

/**
 * sockstat_moment_set() - note that something happens now
 * @moment: filled in
 *
 * Context: any.
 */
void sockstat_moment_set(struct sockstat_moment *moment)
{
	moment->boot = sockstat_moment_boot();
	moment->real = moment->boot + atomic64_read(&moment_offset);
}
