// SPDX-License-Identifier: GPL-2.0-only
/* Output as a table. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "display.h"
#include "write.h"

#define CUT_MARK '~'

/* Compute the width that each column needs. */
static void table_widths(const struct sheet *sheet, bool human, bool header, int *widths)
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
			width = display_width(text);
			if (widths[c] < width)
				widths[c] = width;
		}
	}
}

/* Find the column that can be shortened the most; return n_columns if there is none. */
static size_t widest_column(const struct sheet *sheet, const int *widths)
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

/* Shorten columns until a line of @room columns has room for them, or none can be shortened. */
static void table_fit(const struct sheet *sheet, int *widths, int room)
{
	int length = -1;
	size_t c;

	for (c = 0; c < sheet->n_columns; c++)
		length += widths[c] + 1;
	for (; length > room; length--) {
		c = widest_column(sheet, widths);
		if (c == sheet->n_columns)
			break;
		widths[c]--;
	}
}

/**
 * table_cell - pad or shorten a text to the width of its column
 * @column: the column, which decides the alignment
 * @text: printable text
 * @width: the width of the column
 * @cell: buffer of CELL_PADDED bytes for the result, which takes @width columns
 */
void table_cell(const struct view_column *column, const char *text, int width, char *cell)
{
	int used = display_width(text), len;

	if (width >= CELL_LEN)
		width = CELL_LEN - 1;
	if (used > width) {
		/* the last character that fits may leave a column free, if it takes two */
		len = display_fit(text, width - 1, &used);
		snprintf(cell, CELL_PADDED, "%.*s%c%*s", len, text, CUT_MARK, width - 1 - used, "");
	} else if (column->flags & COLUMN_NUMBER) {
		snprintf(cell, CELL_PADDED, "%*s%s", width - used, "", text);
	} else {
		snprintf(cell, CELL_PADDED, "%s%*s", text, width - used, "");
	}
}

/* Return the length of a line; 0: no limit, because the output is not a terminal. */
static int room_for_line(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (columns && atoi(columns) > 0)
		return atoi(columns);
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

/* The last column is not padded. */
static void write_cell(const struct sheet *sheet, size_t c, const char *text, const int *widths)
{
	char cell[CELL_PADDED];
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
 * write_table - write a view as a table
 * @view: the view
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
