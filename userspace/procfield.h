/* SPDX-License-Identifier: GPL-2.0-only */
/* The columns of /proc/sockstat one by one: for procfile.c. */
#ifndef SOCKSTAT_PROCFIELD_H
#define SOCKSTAT_PROCFIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stretch of the text: not terminated. */
struct token {
	const char *s;
	size_t len;
};

/**
 * struct column - how one column is read
 * @name: as in the header line
 * @offset: of its member in struct sockstat_row
 * @parse: returns NULL, or what is wrong with the field
 * @as_printed: offset of a member that keeps the text, too, whose length @parse
 *	bounds; 0: none
 */
struct column {
	const char *name;
	size_t offset;
	const char *(*parse)(const struct token *tok, void *field);
	size_t as_printed;
};

#define PROCFIELD_COLUMNS 20

extern const struct column procfield_columns[PROCFIELD_COLUMNS];

bool procfield_token_is(const struct token *tok, const char *s);
const char *procfield_number(const struct token *tok, uint64_t max, uint64_t *value);

#endif /* SOCKSTAT_PROCFIELD_H */
