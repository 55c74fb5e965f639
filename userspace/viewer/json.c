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

static struct json_object *cell(const struct value *value)
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
	case VALUE_ADDR:
		return json_object_new_string(value->text);
	case VALUE_TEXT:
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
		json_object_object_add(row, key, cell(&value));
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
