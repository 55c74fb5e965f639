/* SPDX-License-Identifier: GPL-2.0-only */
/* How the handlers of probes take this module's raw spinlocks. */
#ifndef SOCKSTAT_LOCK_H
#define SOCKSTAT_LOCK_H

#include <linux/preempt.h>
#include <linux/spinlock.h>

/*
 * A kprobe handler that an int3 has entered runs with in_nmi() true, so lockdep
 * assumes that it may have interrupted the holder of the lock. It cannot have,
 * because no probed function is called with one of these locks held. A separate
 * subclass keeps lockdep from reporting it, as in older kernel/kprobes.c.
 *
 * "Any but NMI" in a Context line means a real NMI, where these locks could
 * deadlock; such a handler is allowed.
 */
#define sockstat_lock_irqsave(lock, flags) raw_spin_lock_irqsave_nested(lock, flags, !!in_nmi())
#define sockstat_lock(lock) raw_spin_lock_nested(lock, !!in_nmi())

#endif /* SOCKSTAT_LOCK_H */
