/* SPDX-License-Identifier: GPL-2.0-only */
/* The columns of the viewer's tables: their values, how these compare, and their text. */
#ifndef VIEWER_COLUMN_H
#define VIEWER_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "../array.h"
#include "../procfile.h"

#define CELL_LEN 288		   /* the longest text: a process name with every byte escaped */
#define CELL_PADDED (2 * CELL_LEN) /* CELL_LEN bytes of text, padded to CELL_LEN columns */

enum value_kind {
	VALUE_NONE, /* printed as "-" */
	VALUE_TEXT,
	VALUE_NUMBER,
	VALUE_BYTES,
	VALUE_HEX,
	VALUE_TIME,
	VALUE_SPAN,
	VALUE_RATE,
	VALUE_ADDR,
	VALUE_HOST,
	VALUE_USER,
};

/**
 * struct value - the value of one record in one column
 * @kind: selects the members that are valid
 * @number: VALUE_NUMBER, VALUE_BYTES and VALUE_HEX
 * @time: VALUE_TIME: ns since the epoch; VALUE_SPAN: a length of time in ns
 * @rate: VALUE_RATE: bytes per second
 * @text: VALUE_TEXT: any bytes; VALUE_ADDR and VALUE_HOST: the address as in
 *	/proc/sockstat. Points into the row
 * @sa: VALUE_ADDR and VALUE_HOST: the same address, for sorting. Points into the row
 * @service: VALUE_ADDR: printed in place of the port, unless NULL
 * @uid: VALUE_USER: the number of the user
 * @user: VALUE_USER: the name of the user; NULL if the user has none, or with -n
 *
 * VALUE_HOST is a VALUE_ADDR without its port. The names are from names.c, which
 * never frees them.
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
		struct {
			uint32_t uid;
			const char *user;
		};
	};
};

/**
 * value_set_number - store a number
 * @value: the result
 * @kind: VALUE_NUMBER, VALUE_BYTES or VALUE_HEX; VALUE_NONE ignores the number
 * @number: the number
 */
static inline void value_set_number(struct value *value, enum value_kind kind, uint64_t number)
{
	value->kind = kind;
	value->number = number;
}

enum {
	COLUMN_NUMBER = 1 << 0, /* aligned to the right; a key press sorts the greatest first */
	COLUMN_RATE = 1 << 1,	/* bytes per second */
	COLUMN_DELTA = 1 << 2,	/* bytes since the previous snapshot */
	COLUMN_STATE = 1 << 3,	/* the TCP state; --top colors and abbreviates it */
	COLUMN_SEARCH = 1 << 4, /* the text search of --top looks into it */
	COLUMN_ERROR = 1 << 5,	/* the error; --top colors it */
	COLUMN_PAIR = 1 << 6,	/* in the details of --top, it is beside the column before it */
};

#define COLUMN_MOVED (COLUMN_RATE | COLUMN_DELTA) /* no value without a previous snapshot */

/**
 * struct view_column - one column of one kind of record
 * @name: for --sort and --columns; in lower case the key of JSON and CSV
 * @title: its title in a table
 * @flags: COLUMN_*
 * @cut: the width that it may be shortened to if a line is too long, 0: never
 * @get: stores the value of @record in this column
 */
struct view_column {
	const char *name;
	const char *title;
	unsigned int flags;
	int cut;
	void (*get)(const void *record, struct value *value);
};

/**
 * struct sheet - records, and the columns that are shown of them
 * @columns: the columns from left to right
 * @n_columns: the number of columns
 * @records: the records from top to bottom
 * @n_records: the number of records
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
