/* SPDX-License-Identifier: GPL-2.0-only */
/* The columns of /proc/sockstat and the parsers of their fields, for procfile.c. */
#ifndef SOCKSTAT_PROCFIELD_H
#define SOCKSTAT_PROCFIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of the text, not terminated */
struct token {
	const char *s;
	size_t len;
};

/**
 * struct column - one column
 * @name: the name in the header line
 * @offset: the offset in struct sockstat_row of the member that @parse fills in
 * @parse: parses a field; returns NULL, or the reason why it is wrong
 * @as_printed: the offset of a member that keeps a copy of the text, whose length
 *	@parse limits; 0: none
 * @optional: tables of older modules lack the column, and have "-" in its place
 */
struct column {
	const char *name;
	size_t offset;
	const char *(*parse)(const struct token *tok, void *field);
	size_t as_printed;
	bool optional;
};

#define PROCFIELD_COLUMNS 23

extern const struct column procfield_columns[PROCFIELD_COLUMNS];

bool procfield_token_is(const struct token *tok, const char *s);
const char *procfield_number(const struct token *tok, uint64_t max, uint64_t *value);

#endif /* SOCKSTAT_PROCFIELD_H */
