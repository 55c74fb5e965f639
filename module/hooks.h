/* SPDX-License-Identifier: GPL-2.0-only */
/* The probes on TCP's functions and tracepoints, which report events to conn.c. */
#ifndef SOCKSTAT_HOOKS_H
#define SOCKSTAT_HOOKS_H

#include <linux/types.h>

int sockstat_hooks_register(void);
void sockstat_hooks_unregister(void);
u64 sockstat_hooks_missed(void);

#endif /* SOCKSTAT_HOOKS_H */
