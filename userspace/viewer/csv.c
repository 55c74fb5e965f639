// SPDX-License-Identifier: GPL-2.0-only
/* Output as comma-separated values: RFC 4180, except that a line ends with a line feed. */

#include <stdio.h>
#include <string.h>

#include "write.h"

static void write_quoted(const char *text)
{
	if (!text[strcspn(text, ",\"")]) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void write_header(const struct view *view)
{
	const struct sheet *sheet = &view->sheet;
	char key[CELL_LEN];
	size_t c;

	if (view->opt->mode == MODE_WATCH)
		fputs("time,", stdout);
	for (c = 0; c < sheet->n_columns; c++) {
		column_key(sheet->columns[c], key);
		printf("%s%c", key, c + 1 == sheet->n_columns ? '\n' : ',');
	}
}

/**
 * write_csv - write a view as comma-separated values
 * @view: the view
 *
 * VALUE_NONE is an empty field. With --watch, only the first table has a header
 * line, and the first field of each row is the time of its table.
 */
void write_csv(const struct view *view)
{
	const struct sheet *sheet = &view->sheet;
	bool watch = view->opt->mode == MODE_WATCH;
	struct value value, time = { .kind = VALUE_TIME, .time = view->now.time };
	char text[CELL_LEN];
	size_t i, c;

	if (!view->opt->quiet && view->n_read <= (watch ? 2 : 1))
		write_header(view);
	for (i = 0; i < sheet->n_records; i++) {
		if (watch) {
			column_text(&time, view->opt->human, text);
			printf("%s,", text);
		}
		for (c = 0; c < sheet->n_columns; c++) {
			sheet->columns[c]->get(sheet->records[i], &value);
			column_text(&value, view->opt->human, text);
			if (value.kind != VALUE_NONE)
				write_quoted(text);
			putchar(c + 1 == sheet->n_columns ? '\n' : ',');
		}
	}
}
