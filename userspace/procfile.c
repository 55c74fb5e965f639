// SPDX-License-Identifier: GPL-2.0-only
/* The parser of /proc/sockstat; see procfile.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "procfield.h"
#include "procfile.h"

#define MAX_COLUMNS 64

/* Set @table->error, free the rows and return @err. */
static int __attribute__((format(printf, 3, 4))) fail(struct sockstat_table *table, int err,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(table->error, sizeof(table->error), fmt, ap);
	va_end(ap);
	free(table->rows);
	table->rows = NULL;
	table->n_rows = 0;
	return err;
}

/* Split a line into tokens; return their number, or max + 1 if there are more than max. */
static size_t split_line(const char *s, const char *end, struct token *tok, size_t max)
{
	size_t n = 0;

	for (;;) {
		const char *start;

		while (s < end && *s == ' ')
			s++;
		if (s == end)
			return n;
		for (start = s; s < end && *s != ' '; s++)
			;
		if (n == max)
			return max + 1;
		tok[n++] = (struct token){ start, s - start };
	}
}

/* Set map[position in the line] to the column there; NULL for a column unknown here. */
static int map_columns(struct sockstat_table *table, const struct token *tok, size_t n,
		       const struct column **map, bool *seen)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		map[i] = NULL;
		for (k = 0; k < PROCFIELD_COLUMNS; k++) {
			if (!procfield_token_is(&tok[i], procfield_columns[k].name))
				continue;
			if (seen[k])
				return fail(table, -EBADMSG, "line 1: column %s is there twice",
					    procfield_columns[k].name);
			seen[k] = true;
			map[i] = &procfield_columns[k];
		}
	}
	return 0;
}

static int parse_header(struct sockstat_table *table, const char *s, const char *end,
			const struct column **map, size_t *n_map)
{
	struct token tok[MAX_COLUMNS];
	bool seen[PROCFIELD_COLUMNS] = { false };
	size_t n = split_line(s, end, tok, MAX_COLUMNS), k;
	int err;

	if (n > MAX_COLUMNS)
		return fail(table, -EBADMSG, "line 1: more than %d columns", MAX_COLUMNS);
	err = map_columns(table, tok, n, map, seen);
	if (err)
		return err;
	if (!memchr(seen, true, sizeof(seen)))
		return fail(table, -EBADMSG, "line 1 has no name of a column, such as COMMAND");
	for (k = 0; k < PROCFIELD_COLUMNS; k++) {
		if (!seen[k] && !procfield_columns[k].optional)
			return fail(table, -EBADMSG, "line 1: column %s is missing",
				    procfield_columns[k].name);
	}
	*n_map = n;
	return 0;
}

/* Set the fields of optional columns as for "-". */
static void row_set_defaults(struct sockstat_row *row)
{
	static const struct token none = { "-", 1 };
	size_t k;

	for (k = 0; k < PROCFIELD_COLUMNS; k++) {
		if (procfield_columns[k].optional)
			procfield_columns[k].parse(&none,
						   (char *)row + procfield_columns[k].offset);
	}
}

static int parse_row(struct sockstat_table *table, struct sockstat_row *row, const char *s,
		     const char *end, const struct column *const *map, size_t n_map)
{
	struct token tok[MAX_COLUMNS];
	size_t n = split_line(s, end, tok, MAX_COLUMNS);
	unsigned int line = row->line;
	size_t i;

	if (n != n_map)
		return fail(table, -EBADMSG, "line %u: %zu fields where the header has %zu columns",
			    line, n, n_map);
	row_set_defaults(row);
	for (i = 0; i < n; i++) {
		const char *wrong;

		if (!map[i])
			continue;
		wrong = map[i]->parse(&tok[i], (char *)row + map[i]->offset);
		if (wrong)
			return fail(table, -EBADMSG, "line %u, column %s: \"%.*s\" %s", line,
				    map[i]->name, (int)(tok[i].len < 80 ? tok[i].len : 80),
				    tok[i].s, wrong);
		if (map[i]->as_printed)
			memcpy((char *)row + map[i]->as_printed, tok[i].s, tok[i].len);
	}
	return 0;
}

/* Find the value of "name=value" on the last line; return false if there is none. */
static bool trailer_value(const char *s, const char *end, const char *name, struct token *value)
{
	struct token tok[MAX_COLUMNS];
	size_t n = split_line(s + 1, end, tok, MAX_COLUMNS);
	size_t len = strlen(name), i;

	for (i = 0; i < n && i < MAX_COLUMNS; i++) {
		if (tok[i].len > len && !memcmp(tok[i].s, name, len) && tok[i].s[len] == '=') {
			*value = (struct token){ tok[i].s + len + 1, tok[i].len - len - 1 };
			return true;
		}
	}
	return false;
}

/*
 * Check the version before anything else: a text of another version may differ in
 * everything except its last line. Other errors of the last line are reported by
 * parse_trailer().
 */
static int check_version(struct sockstat_table *table, const char *text, size_t len)
{
	struct token value;
	const char *end, *s;

	if (!len || text[len - 1] != '\n')
		return 0;
	end = text + len - 1;
	s = memrchr(text, '\n', len - 1);
	s = s ? s + 1 : text;
	if (*s != '#' || !trailer_value(s, end, "version", &value) ||
	    procfield_number(&value, UINT64_MAX, &table->version) ||
	    table->version == SOCKSTAT_FORMAT_VERSION)
		return 0;
	return fail(table, -EPROTO, "format version %llu, this program reads %d",
		    (unsigned long long)table->version, SOCKSTAT_FORMAT_VERSION);
}

/* Refuse bytes that could control a terminal: the module escapes them. */
static int check_bytes(struct sockstat_table *table, const char *text, size_t len)
{
	unsigned int line = 1;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			line++;
		else if (text[i] < ' ' || text[i] > '~')
			return fail(table, -EBADMSG, "line %u: byte %d is not printable ASCII",
				    line, (unsigned char)text[i]);
	}
	return 0;
}

static int parse_trailer(struct sockstat_table *table, unsigned int line, const char *s,
			 const char *end)
{
	uint64_t rows = 0;
	const struct {
		const char *name;
		uint64_t *value;
	} keys[] = {
		{ "version", &table->version },	      { "rows", &rows },
		{ "closed", &table->trailer_closed }, { "missed", &table->missed },
		{ "dropped", &table->dropped },	      { "evicted", &table->evicted },
	};
	size_t k;

	/* texts that were saved before the word was added are still read */
	table->evicted = UINT64_MAX;
	for (k = 0; k < ARRAY_SIZE(keys); k++) {
		struct token value;

		if (!trailer_value(s, end, keys[k].name, &value)) {
			if (keys[k].value == &table->evicted)
				continue;
			return fail(table, -EBADMSG, "line %u: the last line has no %s=", line,
				    keys[k].name);
		}
		if (procfield_number(&value, UINT64_MAX, keys[k].value))
			return fail(table, -EBADMSG, "line %u, %s: \"%.*s\" is not a number", line,
				    keys[k].name, (int)(value.len < 80 ? value.len : 80), value.s);
	}
	if (rows != table->n_rows)
		return fail(table, -EBADMSG, "line %u: the last line says rows=%llu after %zu rows",
			    line, (unsigned long long)rows, table->n_rows);
	return 0;
}

/**
 * sockstat_table_parse - parse the text of a snapshot
 * @table: the result; the caller frees it with sockstat_table_free()
 * @text: the text, not necessarily terminated
 * @len: its length
 *
 * Return: 0, or a negative errno with @table->error set and no rows: -EPROTO for
 * another version of the format, -EBADMSG for any other error, -ENOMEM.
 */
int sockstat_table_parse(struct sockstat_table *table, const char *text, size_t len)
{
	const struct column *map[MAX_COLUMNS];
	const char *end = text + len;
	const char *s, *eol;
	size_t n_map = 0, lines = 0;
	unsigned int line = 0;
	int err;

	memset(table, 0, sizeof(*table));
	err = check_version(table, text, len);
	if (!err)
		err = check_bytes(table, text, len);
	if (err)
		return err;
	for (s = text; s < end && (s = memchr(s, '\n', end - s)); s++)
		lines++;
	table->rows = calloc(lines + 1, sizeof(*table->rows));
	if (!table->rows)
		return fail(table, -ENOMEM, "no memory for %zu rows", lines);

	for (s = text; s < end; s = eol + 1) {
		line++;
		eol = memchr(s, '\n', end - s);
		if (!eol)
			return fail(table, -EBADMSG, "line %u: cut off, it has no end", line);
		if (line == 1) {
			err = parse_header(table, s, eol, map, &n_map);
		} else if (*s == '#' && eol + 1 == end) {
			/* only the last line is this one: a row could begin with # as well */
			return parse_trailer(table, line, s, eol);
		} else {
			struct sockstat_row *row = &table->rows[table->n_rows];

			row->line = line;
			err = parse_row(table, row, s, eol, map, n_map);
			if (!err)
				table->n_rows++;
		}
		if (err)
			return err;
	}
	return fail(table, -EBADMSG,
		    "line %u: cut off, the last line (\"# version=...\") is missing", line + 1);
}

/**
 * sockstat_table_read_fd - read a snapshot from an open file
 * @table: the result; the caller frees it with sockstat_table_free()
 * @fd: the file, which is read from its current position to its end
 *
 * Return: as sockstat_table_parse(), or the negative errno of read().
 */
int sockstat_table_read_fd(struct sockstat_table *table, int fd)
{
	size_t size = 1 << 16, len = 0;
	char *text = malloc(size);
	int err = 0;

	memset(table, 0, sizeof(*table));
	while (text) {
		ssize_t n;

		if (len == size) {
			char *bigger = realloc(text, size * 2);

			if (!bigger)
				break;
			text = bigger;
			size *= 2;
		}
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = fail(table, -errno, "read: %s", strerror(errno));
		else if (n == 0)
			err = sockstat_table_parse(table, text, len);
		if (n <= 0) {
			free(text);
			return err;
		}
		len += n;
	}
	free(text);
	return fail(table, -ENOMEM, "no memory for more than %zu bytes of text", len);
}

/**
 * sockstat_table_read - take a snapshot
 * @table: the result; the caller frees it with sockstat_table_free()
 * @path: the file, NULL for /proc/sockstat
 *
 * Return: as sockstat_table_read_fd(), or the negative errno of open(): -ENOENT for
 * /proc/sockstat means that the module is not loaded.
 */
int sockstat_table_read(struct sockstat_table *table, const char *path)
{
	int err, fd;

	if (!path)
		path = SOCKSTAT_PROC_PATH;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		memset(table, 0, sizeof(*table));
		return fail(table, err, "%s: %s", path, strerror(-err));
	}
	err = sockstat_table_read_fd(table, fd);
	close(fd);
	return err;
}

/**
 * sockstat_table_free - free the memory of a snapshot
 * @table: the result of sockstat_table_parse() or a reader, with or without success
 */
void sockstat_table_free(struct sockstat_table *table)
{
	free(table->rows);
	table->rows = NULL;
	table->n_rows = 0;
}
