/* SPDX-License-Identifier: GPL-2.0-only */
/* The locks that probes' handlers take. */
#ifndef SOCKSTAT_LOCK_H
#define SOCKSTAT_LOCK_H

#include <linux/preempt.h>
#include <linux/spinlock.h>

/*
 * A handler that a breakpoint has entered runs as an NMI would, and for all that
 * lockdep knows it may have interrupted whoever holds the lock. It has not:
 * nobody calls a function that we probe while holding one. So these uses are
 * told apart by a subclass, as kernel/kprobes.c did for its own locks.
 */
#define sockstat_lock_irqsave(lock, flags) raw_spin_lock_irqsave_nested(lock, flags, !!in_nmi())
#define sockstat_lock(lock) raw_spin_lock_nested(lock, !!in_nmi())

#endif /* SOCKSTAT_LOCK_H */
