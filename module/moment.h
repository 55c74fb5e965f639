/* SPDX-License-Identifier: GPL-2.0-only */
/* When something happened, by two clocks. */
#ifndef SOCKSTAT_MOMENT_H
#define SOCKSTAT_MOMENT_H

#include <linux/types.h>

/**
 * struct sockstat_moment - one moment by two clocks
 * @real: CLOCK_REALTIME in ns, which is what people read; it may be set, forwards
 *        and backwards. 0 if the moment is not known or has not come
 * @boot: CLOCK_BOOTTIME in ns, which nobody sets and which runs during a suspend:
 *        the order of moments, and the time between two
 */
struct sockstat_moment {
	s64 real;
	s64 boot;
};

void sockstat_moment_init(void);
void sockstat_moment_exit(void);
void sockstat_moment_set(struct sockstat_moment *moment);
s64 sockstat_moment_boot(void);

#endif /* SOCKSTAT_MOMENT_H */
