/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes that moved between two snapshots, and the columns that show them. */
#ifndef VIEWER_TOTALS_H
#define VIEWER_TOTALS_H

#include "column.h"

/**
 * struct totals - bytes that moved between two snapshots
 * @tx_delta: bytes sent
 * @rx_delta: bytes received
 * @seconds: the time between the two snapshots; 0 if there is only one
 *
 * It is the first member of each record that has rates, so that the getters of
 * the columns take a pointer to such a record.
 */
struct totals {
	uint64_t tx_delta;
	uint64_t rx_delta;
	double seconds;
};

void totals_add(struct totals *sum, const struct totals *more);

void totals_get_rate(const void *record, struct value *value);
void totals_get_tx_rate(const void *record, struct value *value);
void totals_get_rx_rate(const void *record, struct value *value);
void totals_get_tx_delta(const void *record, struct value *value);
void totals_get_rx_delta(const void *record, struct value *value);

/* clang-format off */
/* The five columns that rows and groups have in common */
#define TOTALS_COLUMNS                                                                    \
	{ "RATE", "BYTES/S", COLUMN_NUMBER | COLUMN_RATE, 0, totals_get_rate },           \
	{ "TX_RATE", "TX/S", COLUMN_NUMBER | COLUMN_RATE, 0, totals_get_tx_rate },        \
	{ "RX_RATE", "RX/S", COLUMN_NUMBER | COLUMN_RATE | COLUMN_PAIR, 0, totals_get_rx_rate },        \
	{ "TX_DELTA", "TX_DELTA", COLUMN_NUMBER | COLUMN_DELTA, 0, totals_get_tx_delta }, \
	{ "RX_DELTA", "RX_DELTA", COLUMN_NUMBER | COLUMN_DELTA | COLUMN_PAIR, 0, totals_get_rx_delta }
/* clang-format on */

#endif /* VIEWER_TOTALS_H */
