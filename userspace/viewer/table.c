// SPDX-License-Identifier: GPL-2.0-only
/* What is shown, as a table for people. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "write.h"

#define CUT_MARK '~'

/**
 * table_widths - how wide each column has to be
 * @sheet: of what
 * @human: how its cells are written
 * @header: whether the titles are written, too
 * @widths: of each column
 */
void table_widths(const struct sheet *sheet, bool human, bool header, int *widths)
{
	char text[CELL_LEN];
	struct value value;
	size_t i, c;

	for (c = 0; c < sheet->n_columns; c++)
		widths[c] = header ? strlen(sheet->columns[c]->title) : 1;
	for (i = 0; i < sheet->n_records; i++) {
		for (c = 0; c < sheet->n_columns; c++) {
			int width;

			sheet->columns[c]->get(sheet->records[i], &value);
			column_text(&value, human, text);
			width = strlen(text);
			if (widths[c] < width)
				widths[c] = width;
		}
	}
}

/* The column that can be cut by the most characters; n_columns if none can */
static size_t widest(const struct sheet *sheet, const int *widths)
{
	size_t c, found = sheet->n_columns;
	int most = 0;

	for (c = 0; c < sheet->n_columns; c++) {
		int cut = sheet->columns[c]->cut;

		if (cut && widths[c] - cut > most) {
			most = widths[c] - cut;
			found = c;
		}
	}
	return found;
}

/**
 * table_fit - cut columns until the line fits
 * @sheet: of what
 * @widths: of each column, changed; none becomes narrower than it may
 * @room: how long a line may be
 */
void table_fit(const struct sheet *sheet, int *widths, int room)
{
	int length = -1;
	size_t c;

	for (c = 0; c < sheet->n_columns; c++)
		length += widths[c] + 1;
	for (; length > room; length--) {
		c = widest(sheet, widths);
		if (c == sheet->n_columns)
			break;
		widths[c]--;
	}
}

/**
 * table_cell - one cell in its column's width
 * @column: which
 * @text: what stands there
 * @width: how wide it is
 * @cell: where to; CELL_LEN
 */
void table_cell(const struct view_column *column, const char *text, int width, char *cell)
{
	int len = strlen(text);

	if (width >= CELL_LEN)
		width = CELL_LEN - 1;
	snprintf(cell, CELL_LEN, "%*.*s", column->right ? width : -width, width, text);
	if (len > width)
		cell[width - 1] = CUT_MARK;
}

/* How long a line may be; 0: no limit, it is not for a terminal */
static int room_for_line(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (columns && atoi(columns) > 0)
		return atoi(columns);
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

/* Nothing follows the last column, so it is not padded. */
static void write_cell(const struct sheet *sheet, size_t c, const char *text, const int *widths)
{
	char cell[CELL_LEN];
	int len;

	table_cell(sheet->columns[c], text, widths[c], cell);
	len = strlen(cell);
	if (c + 1 == sheet->n_columns) {
		while (len && cell[len - 1] == ' ')
			len--;
	}
	printf("%.*s%c", len, cell, c + 1 == sheet->n_columns ? '\n' : ' ');
}

/**
 * write_table - write what is shown as a table
 * @view: what
 */
void write_table(const struct view *view)
{
	const struct sheet *sheet = &view->sheet;
	const struct options *opt = view->opt;
	int widths[MAX_VIEW_COLUMNS], room = opt->wide ? 0 : room_for_line();
	char text[CELL_LEN];
	struct value value;
	size_t i, c;

	table_widths(sheet, opt->human, !opt->quiet, widths);
	if (room)
		table_fit(sheet, widths, room);
	for (c = 0; c < sheet->n_columns && !opt->quiet; c++)
		write_cell(sheet, c, sheet->columns[c]->title, widths);
	for (i = 0; i < sheet->n_records; i++) {
		for (c = 0; c < sheet->n_columns; c++) {
			sheet->columns[c]->get(sheet->records[i], &value);
			column_text(&value, opt->human, text);
			write_cell(sheet, c, text, widths);
		}
	}
}
