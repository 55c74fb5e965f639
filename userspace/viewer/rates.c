// SPDX-License-Identifier: GPL-2.0-only
/*
 * What moved between two snapshots. A row is known again by its connection,
 * process and descriptor. Where several have these in common (a connection that
 * connect(AF_UNSPEC) ended, a program that exec replaced), by its time of
 * opening and its command, else by its time of closing and its counts, which
 * never go back. What is not known again is new, and all that it counts moved
 * just now: so a connection that came and went between the two is counted by its
 * closed row.
 */

#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "rates.h"

static int compare_key(const struct sockstat_row *a, const struct sockstat_row *b)
{
	int order = order_of(a->cookie, b->cookie);

	if (!order)
		order = order_of(a->pid, b->pid);
	return order ? order : order_of(a->fd, b->fd);
}

static int compare_rows(const void *a, const void *b)
{
	const struct sockstat_row *x = *(const struct sockstat_row *const *)a;
	const struct sockstat_row *y = *(const struct sockstat_row *const *)b;
	int order = compare_key(x, y);

	return order ? order : order_of(x->line, y->line);
}

static const struct sockstat_row **sorted(const struct sockstat_table *table)
{
	const struct sockstat_row **rows = calloc(table->n_rows + 1, sizeof(*rows));
	size_t i;

	if (!rows)
		return NULL;
	for (i = 0; i < table->n_rows; i++)
		rows[i] = &table->rows[i];
	qsort(rows, table->n_rows, sizeof(*rows), compare_rows);
	return rows;
}

static bool may_become(const struct sockstat_row *old, const struct sockstat_row *row)
{
	/* it may still be read from: what had come before its end */
	if (old->state == SOCKSTAT_CLOSED && row->state != SOCKSTAT_CLOSED)
		return false;
	/* both happen once, and are not known from the beginning */
	return (old->opened < 0 || old->opened == row->opened) &&
	       (old->closed < 0 || old->closed == row->closed) && old->tx_bytes <= row->tx_bytes &&
	       old->rx_bytes <= row->rx_bytes;
}

static bool is_same(const struct sockstat_row *old, const struct sockstat_row *row)
{
	return old->opened == row->opened && !strcmp(old->comm, row->comm) && may_become(old, row);
}

static void set_delta(struct entry *e, const struct sockstat_row *old)
{
	e->totals.tx_delta = e->row->tx_bytes - (old ? old->tx_bytes : 0);
	e->totals.rx_delta = e->row->rx_bytes - (old ? old->rx_bytes : 0);
	e->just_closed = e->row->state == SOCKSTAT_CLOSED &&
			 (!old || old->state != SOCKSTAT_CLOSED || e->totals.tx_delta || e->totals.rx_delta);
}

/* One of @old that @row may be, and which is nobody else's then; or NULL */
static const struct sockstat_row *
take(const struct sockstat_row **old, size_t n, const struct sockstat_row *row,
     bool (*fits)(const struct sockstat_row *old, const struct sockstat_row *row))
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct sockstat_row *found = old[i];

		if (found && fits(found, row)) {
			old[i] = NULL;
			return found;
		}
	}
	return NULL;
}

/* Rows of one key: those that are the same for certain find each other first. */
static void match(struct entry *entries, const struct sockstat_table *now,
		  const struct sockstat_row **rows, size_t n_rows, const struct sockstat_row **old,
		  size_t n_old)
{
	size_t i;

	for (i = 0; i < n_rows; i++) {
		const struct sockstat_row *found = take(old, n_old, rows[i], is_same);

		if (!found)
			continue;
		set_delta(&entries[rows[i] - now->rows], found);
		rows[i] = NULL;
	}
	for (i = 0; i < n_rows; i++) {
		if (rows[i])
			set_delta(&entries[rows[i] - now->rows],
				  take(old, n_old, rows[i], may_become));
	}
}

static size_t run_length(const struct sockstat_row **rows, size_t n, const struct sockstat_row *key)
{
	size_t i;

	for (i = 0; i < n && !compare_key(rows[i], key); i++)
		;
	return i;
}

/**
 * rates_compute - what moved between two snapshots
 * @entries: one for each row of @now, in its order; to be filled in
 * @now: the later one
 * @before: the earlier one; NULL: none, then nothing is said to have moved
 * @seconds: the time between them
 *
 * Return: whether there was memory for it.
 */
bool rates_compute(struct entry *entries, const struct sockstat_table *now,
		   const struct sockstat_table *before, double seconds)
{
	const struct sockstat_row **rows, **old;
	size_t i, k = 0, n, m;

	for (i = 0; i < now->n_rows; i++)
		entries[i] =
			(struct entry){ .row = &now->rows[i], .totals.seconds = before ? seconds : 0 };
	if (!before)
		return true;
	rows = sorted(now);
	old = sorted(before);
	for (i = 0; rows && old && i < now->n_rows; i += n) {
		const struct sockstat_row *key = rows[i];

		while (k < before->n_rows && compare_key(old[k], key) < 0)
			k++;
		n = run_length(rows + i, now->n_rows - i, key);
		m = run_length(old + k, before->n_rows - k, key);
		match(entries, now, rows + i, n, old + k, m);
		k += m;
	}
	i = rows && old;
	free(rows);
	free(old);
	return i;
}
