// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes that moved between two snapshots. Two rows are the same if they have
 * the same cookie, PID and FD. If several rows of a snapshot have these in common
 * (connect(AF_UNSPEC) ended the connection, or execve() replaced the program), the
 * time of opening and the command decide; otherwise the time of closing and the
 * counts, which never decrease. A row without a counterpart is new, and all its
 * bytes count as moved: so a connection that opened and closed between the two
 * snapshots is counted by its closed row.
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

/* Return the rows sorted by cookie, PID and FD; the caller frees the array. */
static const struct sockstat_row **rows_sorted(const struct sockstat_table *table)
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

/* Whether @old of the earlier snapshot can be @row of the later one */
static bool may_become(const struct sockstat_row *old, const struct sockstat_row *row)
{
	/* a closed row stays closed, but the rest of its data may still be read */
	if (old->state == SOCKSTAT_CLOSED && row->state != SOCKSTAT_CLOSED)
		return false;
	/* each time is set once and never changes afterwards */
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
	e->just_closed =
		e->row->state == SOCKSTAT_CLOSED &&
		(!old || old->state != SOCKSTAT_CLOSED || e->totals.tx_delta || e->totals.rx_delta);
}

/* Remove the first of @old that fits @row from the array, and return it; or NULL. */
static const struct sockstat_row *
take_fitting(const struct sockstat_row **old, size_t n, const struct sockstat_row *row,
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

/* Match rows with one cookie, PID and FD: first those that are certainly the same. */
static void match_rows(struct entry *entries, const struct sockstat_table *now,
		       const struct sockstat_row **rows, size_t n_rows,
		       const struct sockstat_row **old, size_t n_old)
{
	size_t i;

	for (i = 0; i < n_rows; i++) {
		const struct sockstat_row *found = take_fitting(old, n_old, rows[i], is_same);

		if (!found)
			continue;
		set_delta(&entries[rows[i] - now->rows], found);
		rows[i] = NULL;
	}
	for (i = 0; i < n_rows; i++) {
		if (rows[i])
			set_delta(&entries[rows[i] - now->rows],
				  take_fitting(old, n_old, rows[i], may_become));
	}
}

/* Count the rows at the beginning of the array that have the cookie, PID and FD of @key. */
static size_t run_length(const struct sockstat_row **rows, size_t n, const struct sockstat_row *key)
{
	size_t i;

	for (i = 0; i < n && !compare_key(rows[i], key); i++)
		;
	return i;
}

/**
 * rates_compute - compute the bytes that moved between two snapshots
 * @entries: the result: one for each row of @now, in the same order
 * @now: the later snapshot
 * @before: the earlier snapshot; NULL: none, and the entries have no rates
 * @seconds: the time between the two
 *
 * Return: false if there is not enough memory.
 */
bool rates_compute(struct entry *entries, const struct sockstat_table *now,
		   const struct sockstat_table *before, double seconds)
{
	const struct sockstat_row **rows, **old;
	size_t i, k = 0, n, m;

	for (i = 0; i < now->n_rows; i++)
		entries[i] = (struct entry){ .row = &now->rows[i],
					     .totals.seconds = before ? seconds : 0 };
	if (!before)
		return true;
	rows = rows_sorted(now);
	old = rows_sorted(before);
	for (i = 0; rows && old && i < now->n_rows; i += n) {
		const struct sockstat_row *key = rows[i];

		while (k < before->n_rows && compare_key(old[k], key) < 0)
			k++;
		n = run_length(rows + i, now->n_rows - i, key);
		m = run_length(old + k, before->n_rows - k, key);
		match_rows(entries, now, rows + i, n, old + k, m);
		k += m;
	}
	i = rows && old;
	free(rows);
	free(old);
	return i;
}
