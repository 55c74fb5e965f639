/* SPDX-License-Identifier: GPL-2.0-only */
/* A row of /proc/sockstat together with its changes since the previous snapshot. */
#ifndef VIEWER_ENTRY_H
#define VIEWER_ENTRY_H

#include "totals.h"

/**
 * struct entry - a row, and how it differs from the previous snapshot
 * @totals: the bytes that moved through the descriptor since then
 * @row: the row; lives as long as its snapshot
 * @just_closed: the row is closed, and it was open or absent in the previous
 *	snapshot, or bytes moved since then
 */
struct entry {
	struct totals totals;
	const struct sockstat_row *row;
	bool just_closed;
};

#define ENTRY_COLUMNS 30

extern const struct view_column entry_columns[ENTRY_COLUMNS];

int row_family(const struct sockstat_row *row);
void row_command(const struct sockstat_row *row, struct value *value);
void row_user(const struct sockstat_row *row, struct value *value);
void row_host(const struct sockstat_row *row, struct value *value);

#endif /* VIEWER_ENTRY_H */
