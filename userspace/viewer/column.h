/* SPDX-License-Identifier: GPL-2.0-only */
/* What one cell of the viewer's tables holds, and how it is compared and written. */
#ifndef VIEWER_COLUMN_H
#define VIEWER_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "../procfile.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CELL_LEN 288 /* the longest text, a name whose every byte is escaped, fits */
#define CELL_PADDED (2 * CELL_LEN) /* CELL_LEN bytes of text, padded to CELL_LEN columns */

enum value_kind {
	VALUE_NONE, /* "-" */
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_BYTES,
	VALUE_HEX,
	VALUE_TIME,
	VALUE_RATE,
	VALUE_ADDR,
};

/**
 * struct value - what a cell holds
 * @kind: which of the others counts
 * @number: of VALUE_NUMBER, VALUE_BYTES and VALUE_HEX
 * @time: of VALUE_TIME, ns since the epoch
 * @rate: of VALUE_RATE, bytes per second
 * @text: of VALUE_TEXT, any bytes, and of VALUE_ADDR; lives as long as the record
 * @sa: of VALUE_ADDR, for its order; lives as long as the record
 * @service: of VALUE_ADDR, stands for the port; NULL or empty: its number does
 */
struct value {
	enum value_kind kind;
	union {
		uint64_t number;
		int64_t time;
		double rate;
		struct {
			const char *text;
			const struct sockaddr_storage *sa;
			const char *service;
		};
	};
};

/* What other files need to know about a column, apart from its values */
enum {
	COLUMN_NUMBER = 1 << 0, /* aligned to the right; a key press sorts the greatest first */
	COLUMN_RATE = 1 << 1,	/* bytes per second: needs two snapshots */
	COLUMN_DELTA = 1 << 2,	/* bytes since the previous snapshot: needs two */
	COLUMN_STATE = 1 << 3,	/* --top colors it by the state of the connection */
	COLUMN_USER = 1 << 4,	/* the name of the user whose number is UID */
};

#define COLUMN_MOVED (COLUMN_RATE | COLUMN_DELTA) /* has no value without a second snapshot */

/**
 * struct view_column - one column of one kind of record
 * @name: for --sort and --columns; in lower case the key of JSON and CSV
 * @title: its title in a table
 * @flags: COLUMN_*
 * @cut: the width that it may be shortened to if a line is too long, 0: never
 * @top_width: the narrowest terminal on which --top shows it by default
 * @get: stores the value of @record in this column
 */
struct view_column {
	const char *name;
	const char *title;
	unsigned int flags;
	int cut;
	int top_width;
	void (*get)(const void *record, struct value *value);
};

/**
 * struct sheet - records and the columns that are shown of them
 * @columns: in their order
 * @n_columns: how many
 * @records: in their order
 * @n_records: how many
 */
struct sheet {
	const struct view_column *const *columns;
	size_t n_columns;
	const void **records;
	size_t n_records;
};

const struct view_column *column_find(const struct view_column *columns, size_t n,
				      const char *name);
int column_compare(const struct value *a, const struct value *b);
void column_text(const struct value *value, bool human, char text[CELL_LEN]);
void column_key(const struct view_column *column, char key[CELL_LEN]);
void human_bytes(double bytes, char *text, size_t size);

bool sheet_sort(struct sheet *sheet, const struct view_column *by, bool descending);

#endif /* VIEWER_COLUMN_H */
