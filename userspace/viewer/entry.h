/* SPDX-License-Identifier: GPL-2.0-only */
/* A row of the table, with what changed since the snapshot before. */
#ifndef VIEWER_ENTRY_H
#define VIEWER_ENTRY_H

#include "column.h"

/**
 * struct entry - a row, with what changed since the snapshot before
 * @row: the row
 * @tx_delta: bytes sent since then
 * @rx_delta: bytes received since then
 * @seconds: how long that is; 0 if there was none before
 * @just_closed: closed now, but open then or not there yet; or read from since
 */
struct entry {
	const struct sockstat_row *row;
	uint64_t tx_delta;
	uint64_t rx_delta;
	double seconds;
	bool just_closed;
};

#define ENTRY_COLUMNS 27

extern const struct view_column entry_columns[ENTRY_COLUMNS];

const char *entry_proto(const struct sockstat_row *row);

#endif /* VIEWER_ENTRY_H */
