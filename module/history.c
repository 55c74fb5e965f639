// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of closed connections are numbered from 0 in the order in which they
 * come, and evicted in the same order. So a pass needs no protection from
 * eviction: its place is the connection to visit next and the number of that one's
 * first row. If the number is below that of the oldest connection, the connection
 * is gone and so are all before the oldest one, where the pass goes on.
 */
#include <linux/list.h>
#include <linux/spinlock.h>

#include "conn.h"
#include "history.h"
#include "lock.h"

/* How many connections to visit, or to evict, before the lock is released. */
#define BATCH 256

static DEFINE_RAW_SPINLOCK(history_lock);
static LIST_HEAD(history_list);
static u64 history_end; /* number of the next row */
static unsigned int history_limit;

static unsigned int history_rows_of(const struct sockstat_past *past)
{
	return max(sockstat_holder_count(&past->conn->holders), 1U);
}

static struct sockstat_past *history_first(void)
{
	return list_first_entry_or_null(&history_list, struct sockstat_past, history);
}

static struct sockstat_past *history_after(struct sockstat_past *past)
{
	return list_is_last(&past->history, &history_list) ? NULL : list_next_entry(past, history);
}

/* The first row that the limit allows. The limit may change at any time. */
static u64 history_allowed(void)
{
	unsigned int rows = READ_ONCE(history_limit);

	return history_end > rows ? history_end - rows : 0;
}

static bool history_is_over_limit(void)
{
	struct sockstat_past *first = history_first();

	return first && first->seq < history_allowed();
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
	past->seq = history_end;
	history_end += history_rows_of(past);
	over = history_is_over_limit();
	raw_spin_unlock(&history_lock);
	return over;
}

/**
 * sockstat_history_evict() - remove the oldest connections above the limit
 * @evicted: filled with their pasts, linked through @history; the caller now owns
 *           these with the connections
 *
 * Removes a bounded number at once.
 *
 * Context: any.
 * Return: false if there were none, and @evicted is empty.
 */
bool sockstat_history_evict(struct list_head *evicted)
{
	struct sockstat_past *past, *last = NULL;
	unsigned long flags;
	u64 allowed;
	int n = 0;

	INIT_LIST_HEAD(evicted);
	raw_spin_lock_irqsave(&history_lock, flags);
	allowed = history_allowed();
	list_for_each_entry(past, &history_list, history) {
		if (past->seq >= allowed || n++ == BATCH)
			break;
		last = past;
	}
	if (last)
		list_cut_position(evicted, &history_list, &last->history);
	raw_spin_unlock_irqrestore(&history_lock, flags);
	return last;
}

/**
 * sockstat_history_begin() - begin a pass over the connections that are there now
 * @pass: filled in; it holds no references, so it may be given up at any time
 *
 * Leaves out rows above the limit that have not been evicted yet. Any number of
 * passes may be made at once.
 *
 * Context: any.
 */
void sockstat_history_begin(struct sockstat_history_pass *pass)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&history_lock, flags);
	*pass = (struct sockstat_history_pass){
		.from = history_allowed(),
		.end = history_end,
	};
	raw_spin_unlock_irqrestore(&history_lock, flags);
}

/* The connection at which a pass goes on, or NULL. */
static struct sockstat_past *history_resume(const struct sockstat_history_pass *pass)
{
	struct sockstat_past *first = history_first();

	return first && pass->next && pass->seq >= first->seq ? pass->next : first;
}

/**
 * sockstat_history_for_each() - continue a pass
 * @pass: begun with sockstat_history_begin()
 * @show: called for each connection, with a raw spinlock held; returns false if it
 *        wants to get the same connection again, in the next call
 * @arg: passed to @show
 *
 * Returns after a bounded number of connections, or when @show returns false.
 *
 * Context: any but NMI.
 * Return: whether the pass is complete.
 */
bool sockstat_history_for_each(struct sockstat_history_pass *pass,
			       bool (*show)(struct sockstat_conn *conn, void *arg), void *arg)
{
	struct sockstat_past *past;
	unsigned long flags;
	bool complete;
	int n;

	raw_spin_lock_irqsave(&history_lock, flags);
	past = history_resume(pass);
	for (n = 0; n < BATCH && past && past->seq < pass->end; n++) {
		if (past->seq >= pass->from) {
			if (!show(past->conn, arg))
				break;
			pass->visited += history_rows_of(past);
		}
		past = history_after(past);
	}
	complete = !past || past->seq >= pass->end;
	pass->next = past;
	pass->seq = past ? past->seq : pass->end;
	raw_spin_unlock_irqrestore(&history_lock, flags);
	return complete;
}

/**
 * sockstat_history_evicted() - count the rows that were gone before a pass met them
 * @pass: a complete pass
 *
 * Context: any.
 * Return: of all rows that had ever come when the pass began, those that it did not
 * visit.
 */
u64 sockstat_history_evicted(const struct sockstat_history_pass *pass)
{
	return pass->end - pass->visited;
}
