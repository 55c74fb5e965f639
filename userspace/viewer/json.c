// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is shown, as JSON. Numbers are numbers whatever -h says; a cookie is the
 * text that ss prints, since not every reader's numbers have 64 bits.
 */

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "write.h"

#define JSON_VERSION 1

/* The bytes that an escaped name stands for */
static size_t unescape(const char *text, char *out)
{
	size_t n = 0;
	unsigned int c;

	while (*text) {
		if (*text == '\\' && sscanf(text + 1, "%3o", &c) == 1) {
			/* an empty name is one zero byte */
			if (c)
				out[n++] = c;
			text += 4;
		} else {
			out[n++] = *text++;
		}
	}
	out[n] = '\0';
	return n;
}

/* The length of the UTF-8 character there, 0 if there is none */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	size_t len, i;

	for (len = 1; len <= ARRAY_SIZE(forms); len++) {
		uint32_t c = s[0] & (unsigned char)~forms[len - 1].mask;

		if ((s[0] & forms[len - 1].mask) != forms[len - 1].lead)
			continue;
		for (i = 1; i < len; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		return c < forms[len - 1].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ?
			       0 :
			       len;
	}
	return 0;
}

/* A process's name may be any bytes; JSON has characters only. */
static struct json_object *command(const char *escaped)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char bytes[CELL_LEN], text[3 * CELL_LEN], *out = text;
	size_t i, len, n = unescape(escaped, bytes);

	for (i = 0; i < n; i += len ? len : 1) {
		len = utf8_length((unsigned char *)bytes + i);
		memcpy(out, len ? bytes + i : replacement, len ? len : strlen(replacement));
		out += len ? len : strlen(replacement);
	}
	return json_object_new_string_len(text, out - text);
}

/* A number in decimal, as written here and not as a double would have it */
static struct json_object *decimal(double number, const char *text)
{
	return json_object_new_double_s(number, text);
}

static struct json_object *time_of(int64_t time)
{
	struct value value = { .kind = VALUE_TIME, .time = time };
	char text[CELL_LEN];

	column_text(&value, false, text);
	return decimal(time / 1e9, text);
}

static struct json_object *seconds(double s)
{
	char text[32];

	snprintf(text, sizeof(text), "%.9f", s);
	return s > 0 ? decimal(s, text) : NULL;
}

static struct json_object *cell(const struct view_column *column, const struct value *value)
{
	char text[CELL_LEN];

	switch (value->kind) {
	case VALUE_NONE:
		break;
	case VALUE_NUMBER:
	case VALUE_BYTES:
		return json_object_new_uint64(value->number);
	case VALUE_TIME:
		return time_of(value->time);
	case VALUE_RATE:
		snprintf(text, sizeof(text), "%.3f", value->rate);
		return decimal(value->rate, text);
	case VALUE_TEXT:
		if (!strcmp(column->name, "COMMAND"))
			return command(value->text);
		return json_object_new_string(value->text);
	case VALUE_ADDR:
		return json_object_new_string(value->text);
	case VALUE_HEX:
		column_text(value, false, text);
		return json_object_new_string(text);
	}
	return NULL;
}

/* An address in its parts, too: "remote_address" and "remote_port" */
static void add_parts(struct json_object *row, const char *key, const struct value *value)
{
	const struct sockaddr_in *sin = (const void *)value->sa;
	struct json_object *addr = NULL, *port = NULL;
	const char *colon = strrchr(value->text, ':');
	char name[CELL_LEN + 16], host[CELL_LEN], *out = host;
	const char *c;

	if (value->sa->ss_family != AF_UNSPEC && colon) {
		for (c = value->text; c < colon; c++) {
			if (*c != '[' && *c != ']')
				*out++ = *c;
		}
		addr = json_object_new_string_len(host, out - host);
		port = json_object_new_int(ntohs(sin->sin_port));
	}
	snprintf(name, sizeof(name), "%s_address", key);
	json_object_object_add(row, name, addr);
	snprintf(name, sizeof(name), "%s_port", key);
	json_object_object_add(row, name, port);
}

static struct json_object *row_of(const struct sheet *sheet, const void *record)
{
	struct json_object *row = json_object_new_object();
	char key[CELL_LEN];
	struct value value;
	size_t c;

	for (c = 0; c < sheet->n_columns; c++) {
		column_key(sheet->columns[c], key);
		sheet->columns[c]->get(record, &value);
		json_object_object_add(row, key, cell(sheet->columns[c], &value));
		if (value.kind == VALUE_ADDR)
			add_parts(row, key, &value);
	}
	return row;
}

static struct json_object *object_of(const struct view *view)
{
	const struct sockstat_table *table = &view->now.table;
	const struct sheet *sheet = &view->sheet;
	struct json_object *object = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	enum group_by group = view->opt->group;
	size_t i;

	json_object_object_add(object, "format", json_object_new_string("sockstat"));
	json_object_object_add(object, "version", json_object_new_int(JSON_VERSION));
	json_object_object_add(object, "table_version", json_object_new_uint64(table->version));
	json_object_object_add(object, "time", time_of(view->now.time));
	json_object_object_add(object, "interval", seconds(view->seconds));
	json_object_object_add(object, "group_by",
			       group ? json_object_new_string(group_word(group)) : NULL);
	json_object_object_add(object, "table_rows", json_object_new_uint64(table->n_rows));
	json_object_object_add(object, "table_closed",
			       json_object_new_uint64(table->trailer_closed));
	json_object_object_add(object, "missed", json_object_new_uint64(table->missed));
	json_object_object_add(object, "dropped", json_object_new_uint64(table->dropped));
	for (i = 0; i < sheet->n_records; i++)
		json_object_array_add(rows, row_of(sheet, sheet->records[i]));
	json_object_object_add(object, "rows", rows);
	return object;
}

/**
 * write_json - write what is shown as one JSON object, on one line
 * @view: what
 *
 * Return: whether there was memory for it.
 */
bool write_json(const struct view *view)
{
	struct json_object *object = object_of(view);
	const char *text = json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text)
		puts(text);
	json_object_put(object);
	return text;
}
