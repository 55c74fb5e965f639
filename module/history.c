// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>
#include <linux/spinlock.h>

#include "conn.h"
#include "history.h"
#include "lock.h"

/* How many connections one hold of the lock passes over. */
#define BATCH 256

static DEFINE_RAW_SPINLOCK(lock);
static LIST_HEAD(closed);
static unsigned int nr_rows;
static unsigned int limit;

/* While a reader walks the list nothing leaves it; it stands at @cursor. */
static bool pinned;
static struct list_head *cursor;
static struct list_head *end;

static unsigned int rows_of(const struct sockstat_past *past)
{
	return max(sockstat_holder_count(&past->conn->holders), 1U);
}

/* By how much; the limit may change at any time. */
static unsigned int too_many(void)
{
	unsigned int rows = READ_ONCE(limit);

	return nr_rows > rows ? nr_rows - rows : 0;
}

/**
 * sockstat_history_limit() - set how many closed rows are kept
 * @rows: at most this many
 *
 * What is too much is for sockstat_history_evict() to hand out.
 *
 * Context: any.
 */
void sockstat_history_limit(unsigned int rows)
{
	WRITE_ONCE(limit, rows);
}

/**
 * sockstat_history_add() - keep a closed connection
 * @past: of a connection that is complete and out of the table; the history
 *        owns both until they are evicted
 *
 * Context: any but NMI, interrupts off, raw spinlocks may be held.
 * Return: whether there is something to evict.
 */
bool sockstat_history_add(struct sockstat_past *past)
{
	bool over;

	lockdep_assert_irqs_disabled();
	sockstat_lock(&lock);
	list_add_tail(&past->history, &closed);
	nr_rows += rows_of(past);
	over = too_many();
	raw_spin_unlock(&lock);
	return over;
}

/**
 * sockstat_history_evict() - take out the oldest if there are too many
 *
 * Context: any.
 * Return: a connection that the caller now owns, or NULL.
 */
struct sockstat_past *sockstat_history_evict(void)
{
	struct sockstat_past *past = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	if (!pinned && too_many()) {
		past = list_first_entry(&closed, struct sockstat_past, history);
		list_del(&past->history);
		nr_rows -= rows_of(past);
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	return past;
}

/**
 * sockstat_history_pin() - begin a pass over what is there now
 *
 * One pass at a time; nothing is evicted before sockstat_history_unpin().
 *
 * Context: any.
 */
void sockstat_history_pin(void)
{
	unsigned long flags;
	unsigned int skip;

	raw_spin_lock_irqsave(&lock, flags);
	pinned = true;
	cursor = closed.next;
	end = closed.prev;
	/* the limit may have been lowered, or evicting be under way */
	skip = too_many();
	while (skip && cursor != &closed) {
		struct sockstat_past *past;

		past = list_entry(cursor, struct sockstat_past, history);
		skip -= min(skip, rows_of(past));
		cursor = cursor->next;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}

/**
 * sockstat_history_unpin() - end a pass
 *
 * Context: any.
 * Return: whether there is something to evict.
 */
bool sockstat_history_unpin(void)
{
	unsigned long flags;
	bool over;

	raw_spin_lock_irqsave(&lock, flags);
	pinned = false;
	over = too_many();
	raw_spin_unlock_irqrestore(&lock, flags);
	return over;
}

/**
 * sockstat_history_for_each() - go on with a pass
 * @show: called with raw spinlocks held; false if it could not take this one
 * @arg: for @show
 *
 * Returns after a bounded number of connections, and when @show fails.
 *
 * Context: between sockstat_history_pin() and sockstat_history_unpin().
 * Return: whether the pass is complete.
 */
bool sockstat_history_for_each(bool (*show)(struct sockstat_conn *conn, void *arg), void *arg)
{
	unsigned long flags;
	bool complete;
	int n;

	raw_spin_lock_irqsave(&lock, flags);
	for (n = 0; n < BATCH && cursor != &closed; n++) {
		struct list_head *this = cursor;

		if (!show(list_entry(this, struct sockstat_past, history)->conn, arg))
			break;
		cursor = this == end ? &closed : this->next;
	}
	complete = cursor == &closed;
	raw_spin_unlock_irqrestore(&lock, flags);
	return complete;
}
