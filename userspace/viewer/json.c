// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output as JSON.  json-c writes each row as an object of its own, so a table of
 * any length takes the memory of one row.  -h does not change the output.  A cookie
 * is a hexadecimal string, as ss -e prints it, because many JSON readers keep
 * numbers in 53 bits.
 */

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "write.h"

#define JSON_VERSION 1

/**
 * struct json_row - an object that is being built
 * @object: NULL if there was no memory for it
 * @failed: there was not enough memory for one of its members
 */
struct json_row {
	struct json_object *object;
	bool failed;
};

/* The keys of a column; json-c refers to them, so they outlive the row. */
struct json_keys {
	char value[CELL_LEN];
	char address[CELL_LEN + 16]; /* "KEY_address" and "KEY_port": parts of an address */
	char port[CELL_LEN + 16];
};

static struct json_row json_row_new(void)
{
	struct json_row row = { .object = json_object_new_object() };

	row.failed = !row.object;
	return row;
}

/* Add a member that is not there yet; json-c takes NULL for JSON's null.  The key stays. */
static void json_row_put(struct json_row *row, const char *key, struct json_object *value)
{
	if (row->failed)
		json_object_put(value);
	else if (json_object_object_add_ex(row->object, key, value,
					   JSON_C_OBJECT_ADD_KEY_IS_NEW |
						   JSON_C_OBJECT_KEY_IS_CONSTANT))
		row->failed = true;
}

static void json_row_add_null(struct json_row *row, const char *key)
{
	json_row_put(row, key, NULL);
}

/* Add a member of which @value is NULL only if the memory did not suffice. */
static void json_row_add(struct json_row *row, const char *key, struct json_object *value)
{
	if (!value)
		row->failed = true;
	else
		json_row_put(row, key, value);
}

/* Write the object without its last @cut characters, and free it. */
static bool json_row_write(struct json_row *row, size_t cut)
{
	const char *text = NULL;
	size_t len;

	if (!row->failed)
		text = json_object_to_json_string_length(
			row->object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (text)
		fwrite(text, 1, len - cut, stdout);
	json_object_put(row->object);
	return text;
}

/* A number with the digits of @text, instead of json-c's own choice. */
static struct json_object *json_decimal(const char *text)
{
	return json_object_new_double_s(0, text);
}

static struct json_object *json_time(int64_t time)
{
	struct value value = { .kind = VALUE_TIME, .time = time };
	char text[CELL_LEN];

	column_text(&value, false, text);
	return json_decimal(text);
}

static struct json_object *json_text(const struct value *value)
{
	char text[CELL_LEN];

	column_text(value, false, text);
	return json_object_new_string(text);
}

static void json_add_value(struct json_row *row, const char *key, const struct value *value)
{
	char text[CELL_LEN];

	switch (value->kind) {
	case VALUE_NONE:
		json_row_add_null(row, key);
		break;
	case VALUE_NUMBER:
	case VALUE_BYTES:
		json_row_add(row, key, json_object_new_uint64(value->number));
		break;
	case VALUE_TIME:
	case VALUE_SPAN:
		json_row_add(row, key, json_time(value->time));
		break;
	case VALUE_RATE:
		snprintf(text, sizeof(text), "%.3f", value->rate);
		json_row_add(row, key, json_decimal(text));
		break;
	case VALUE_ADDR:
		/* never the name of the service */
		json_row_add(row, key, json_object_new_string(value->text));
		break;
	case VALUE_USER:
		if (value->user)
			json_row_add(row, key, json_text(value));
		else
			json_row_add_null(row, key);
		break;
	case VALUE_TEXT:
	case VALUE_HOST:
	case VALUE_HEX:
		json_row_add(row, key, json_text(value));
		break;
	}
}

static void json_add_address_parts(struct json_row *row, const struct json_keys *keys,
				   const struct value *value)
{
	const struct sockaddr_in *sin = (const void *)value->sa;
	const char *colon = strrchr(value->text, ':'), *c;
	char host[SOCKSTAT_ADDR_LEN], *out = host;

	if (value->sa->ss_family == AF_UNSPEC || !colon) {
		json_row_add_null(row, keys->address);
		json_row_add_null(row, keys->port);
		return;
	}
	for (c = value->text; c < colon; c++) {
		if (*c != '[' && *c != ']')
			*out++ = *c;
	}
	json_row_add(row, keys->address, json_object_new_string_len(host, out - host));
	json_row_add(row, keys->port, json_object_new_int(ntohs(sin->sin_port)));
}

static bool json_write_row(const struct sheet *sheet, const struct json_keys *keys,
			   const void *record)
{
	struct json_row row = json_row_new();
	struct value value;
	size_t c;

	for (c = 0; c < sheet->n_columns; c++) {
		sheet->columns[c]->get(record, &value);
		json_add_value(&row, keys[c].value, &value);
		if (value.kind == VALUE_ADDR)
			json_add_address_parts(&row, &keys[c], &value);
	}
	return json_row_write(&row, 0);
}

/* Return: the keys of each column, to be freed; NULL if there is not enough memory. */
static struct json_keys *json_keys_new(const struct sheet *sheet)
{
	struct json_keys *keys = calloc(sheet->n_columns, sizeof(*keys));
	size_t c;

	for (c = 0; keys && c < sheet->n_columns; c++) {
		column_key(sheet->columns[c], keys[c].value);
		snprintf(keys[c].address, sizeof(keys[c].address), "%s_address", keys[c].value);
		snprintf(keys[c].port, sizeof(keys[c].port), "%s_port", keys[c].value);
	}
	return keys;
}

/* Write the members before the rows: the object without its closing brace. */
static bool json_write_header(const struct view *view)
{
	const struct sockstat_table *table = &view->now.table;
	enum group_by group = view->opt->group;
	struct json_row row = json_row_new();
	char interval[32];

	json_row_add(&row, "format", json_object_new_string("sockstat"));
	json_row_add(&row, "version", json_object_new_int(JSON_VERSION));
	json_row_add(&row, "table_version", json_object_new_uint64(table->version));
	json_row_add(&row, "time", json_time(view->now.time));
	snprintf(interval, sizeof(interval), "%.9f", view->seconds);
	if (view->seconds > 0)
		json_row_add(&row, "interval", json_decimal(interval));
	else
		json_row_add_null(&row, "interval");
	if (group)
		json_row_add(&row, "group_by", json_object_new_string(group_word(group)));
	else
		json_row_add_null(&row, "group_by");
	json_row_add(&row, "table_rows", json_object_new_uint64(table->n_rows));
	json_row_add(&row, "table_closed", json_object_new_uint64(table->trailer_closed));
	json_row_add(&row, "missed", json_object_new_uint64(table->missed));
	json_row_add(&row, "dropped", json_object_new_uint64(table->dropped));
	if (table->evicted == UINT64_MAX)
		json_row_add_null(&row, "evicted");
	else
		json_row_add(&row, "evicted", json_object_new_uint64(table->evicted));
	return json_row_write(&row, 1);
}

/**
 * write_json - write a view as one JSON object on one line
 * @view: the view
 *
 * Return: false if there is not enough memory; the line is incomplete then.
 */
bool write_json(const struct view *view)
{
	const struct sheet *sheet = &view->sheet;
	struct json_keys *keys = json_keys_new(sheet);
	bool complete = keys && json_write_header(view);
	size_t i;

	if (complete)
		fputs(",\"rows\":[", stdout);
	for (i = 0; complete && i < sheet->n_records; i++) {
		if (i)
			putchar(',');
		complete = json_write_row(sheet, keys, sheet->records[i]);
	}
	if (complete)
		puts("]}");
	free(keys);
	return complete;
}
