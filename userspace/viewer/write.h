/* SPDX-License-Identifier: GPL-2.0-only */
/* The output formats of a view: table, CSV and JSON. */
#ifndef VIEWER_WRITE_H
#define VIEWER_WRITE_H

#include "view.h"

void write_table(const struct view *view);
void write_csv(const struct view *view);
bool write_json(const struct view *view);

void table_cell(const struct view_column *column, const char *text, int width, char *cell);

#endif /* VIEWER_WRITE_H */
