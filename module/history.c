// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>
#include <linux/spinlock.h>

#include "conn.h"
#include "history.h"
#include "lock.h"

/* How many connections to visit before the lock is released. */
#define BATCH 256

static DEFINE_RAW_SPINLOCK(history_lock);
static LIST_HEAD(history_list);
static unsigned int history_rows;
static unsigned int history_limit;

/*
 * While a snapshot has the history pinned, nothing is evicted: the snapshot's
 * position, history_cursor, stays in the list. history_end was the last entry
 * when it was pinned.
 */
static bool history_pinned;
static struct list_head *history_cursor;
static struct list_head *history_end;

static unsigned int history_rows_of(const struct sockstat_past *past)
{
	return max(sockstat_holder_count(&past->conn->holders), 1U);
}

/* By how many rows the history exceeds its limit, which may change at any time. */
static unsigned int history_excess(void)
{
	unsigned int rows = READ_ONCE(history_limit);

	return history_rows > rows ? history_rows - rows : 0;
}

/**
 * sockstat_history_limit() - set how many closed rows are kept
 * @rows: the limit
 *
 * Evicts nothing: sockstat_table_trim() requests that.
 *
 * Context: any.
 */
void sockstat_history_limit(unsigned int rows)
{
	WRITE_ONCE(history_limit, rows);
}

/**
 * sockstat_history_add() - append a closed connection
 * @past: part of a connection that has left the table and gets no more events.
 *        The history owns both until it evicts them
 *
 * Context: any but NMI, interrupts off, raw spinlocks may be held.
 * Return: whether the limit is exceeded.
 */
bool sockstat_history_add(struct sockstat_past *past)
{
	bool over;

	lockdep_assert_irqs_disabled();
	sockstat_lock(&history_lock);
	list_add_tail(&past->history, &history_list);
	history_rows += history_rows_of(past);
	over = history_excess();
	raw_spin_unlock(&history_lock);
	return over;
}

/**
 * sockstat_history_evict() - remove the oldest connection if the limit is exceeded
 *
 * Context: any.
 * Return: the removed connection's past, which the caller now owns with the
 * connection; NULL if the limit is not exceeded or the history is pinned.
 */
struct sockstat_past *sockstat_history_evict(void)
{
	struct sockstat_past *past = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&history_lock, flags);
	if (!history_pinned && history_excess()) {
		past = list_first_entry(&history_list, struct sockstat_past, history);
		list_del(&past->history);
		history_rows -= history_rows_of(past);
	}
	raw_spin_unlock_irqrestore(&history_lock, flags);
	return past;
}

/**
 * sockstat_history_pin() - begin a pass over the connections that are there now
 *
 * One pass at a time; nothing is evicted before sockstat_history_unpin().
 *
 * Context: any.
 */
void sockstat_history_pin(void)
{
	unsigned long flags;
	unsigned int skip;

	raw_spin_lock_irqsave(&history_lock, flags);
	history_pinned = true;
	history_cursor = history_list.next;
	history_end = history_list.prev;
	/* leave out rows above the limit that have not been evicted yet */
	skip = history_excess();
	while (skip && history_cursor != &history_list) {
		struct sockstat_past *past;

		past = list_entry(history_cursor, struct sockstat_past, history);
		skip -= min(skip, history_rows_of(past));
		history_cursor = history_cursor->next;
	}
	raw_spin_unlock_irqrestore(&history_lock, flags);
}

/**
 * sockstat_history_unpin() - end a pass
 *
 * Context: any.
 * Return: whether the limit is exceeded.
 */
bool sockstat_history_unpin(void)
{
	unsigned long flags;
	bool over;

	raw_spin_lock_irqsave(&history_lock, flags);
	history_pinned = false;
	over = history_excess();
	raw_spin_unlock_irqrestore(&history_lock, flags);
	return over;
}

/**
 * sockstat_history_for_each() - continue a pass
 * @show: called for each connection, with a raw spinlock held; returns false if it
 *        wants to get the same connection again, in the next call
 * @arg: passed to @show
 *
 * Returns after a bounded number of connections, or when @show returns false.
 *
 * Context: between sockstat_history_pin() and sockstat_history_unpin().
 * Return: whether the pass is complete.
 */
bool sockstat_history_for_each(bool (*show)(struct sockstat_conn *conn, void *arg), void *arg)
{
	unsigned long flags;
	bool complete;
	int n;

	raw_spin_lock_irqsave(&history_lock, flags);
	for (n = 0; n < BATCH && history_cursor != &history_list; n++) {
		struct list_head *this = history_cursor;

		if (!show(list_entry(this, struct sockstat_past, history)->conn, arg))
			break;
		history_cursor = this == history_end ? &history_list : this->next;
	}
	complete = history_cursor == &history_list;
	raw_spin_unlock_irqrestore(&history_lock, flags);
	return complete;
}
