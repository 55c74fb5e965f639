// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kprobe handler that an int3 has entered runs as an NMI does (see lock.h): it
 * must not wait for the timekeeper's lock, so only the NMI-safe clocks will do. They
 * retry if the clock was updated meanwhile, which KCSAN cannot know.
 */
#include <linux/ktime.h>
#include <linux/timekeeping.h>

#include "moment.h"

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
	/* see above */
	moment->real = data_race(ktime_get_real_fast_ns());
	moment->boot = sockstat_moment_boot();
}
