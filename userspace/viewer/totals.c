// SPDX-License-Identifier: GPL-2.0-only
/* Bytes that moved between two snapshots, and the columns that show them. */

#include "totals.h"

/**
 * totals_add - add the bytes of one record to a sum
 * @sum: the sum
 * @more: the record's bytes, of the same two snapshots
 */
void totals_add(struct totals *sum, const struct totals *more)
{
	sum->tx_delta += more->tx_delta;
	sum->rx_delta += more->rx_delta;
	sum->seconds = more->seconds;
}

static void set_rate(struct value *value, uint64_t bytes, double seconds)
{
	value->kind = seconds > 0 ? VALUE_RATE : VALUE_NONE;
	value->rate = seconds > 0 ? bytes / seconds : 0;
}

static void set_delta(struct value *value, uint64_t bytes, double seconds)
{
	value_set_number(value, seconds > 0 ? VALUE_BYTES : VALUE_NONE, bytes);
}

/**
 * totals_get_rate - store the value of RATE
 * @record: a record that begins with struct totals
 * @value: the result
 */
void totals_get_rate(const void *record, struct value *value)
{
	const struct totals *totals = record;

	set_rate(value, totals->tx_delta + totals->rx_delta, totals->seconds);
}

/**
 * totals_get_tx_rate - store the value of TX_RATE
 * @record: a record that begins with struct totals
 * @value: the result
 */
void totals_get_tx_rate(const void *record, struct value *value)
{
	const struct totals *totals = record;

	set_rate(value, totals->tx_delta, totals->seconds);
}

/**
 * totals_get_rx_rate - store the value of RX_RATE
 * @record: a record that begins with struct totals
 * @value: the result
 */
void totals_get_rx_rate(const void *record, struct value *value)
{
	const struct totals *totals = record;

	set_rate(value, totals->rx_delta, totals->seconds);
}

/**
 * totals_get_tx_delta - store the value of TX_DELTA
 * @record: a record that begins with struct totals
 * @value: the result
 */
void totals_get_tx_delta(const void *record, struct value *value)
{
	const struct totals *totals = record;

	set_delta(value, totals->tx_delta, totals->seconds);
}

/**
 * totals_get_rx_delta - store the value of RX_DELTA
 * @record: a record that begins with struct totals
 * @value: the result
 */
void totals_get_rx_delta(const void *record, struct value *value)
{
	const struct totals *totals = record;

	set_delta(value, totals->rx_delta, totals->seconds);
}
