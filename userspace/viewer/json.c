// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output as JSON, written row by row: a table of any length takes no memory here.
 * -h does not change it. A cookie is a hexadecimal string, as ss -e prints it,
 * because many JSON readers keep numbers in 53 bits.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "write.h"

#define JSON_VERSION 1

/* Printable text has no control characters, and it is UTF-8 or ASCII: see display.c. */
static void write_string(const char *text, size_t len)
{
	size_t i;

	putchar('"');
	for (i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			putchar('\\');
		putchar(text[i]);
	}
	putchar('"');
}

static void write_time(int64_t time)
{
	struct value value = { .kind = VALUE_TIME, .time = time };
	char text[CELL_LEN];

	column_text(&value, false, text);
	fputs(text, stdout);
}

static void write_value(const struct value *value)
{
	char text[CELL_LEN];

	switch (value->kind) {
	case VALUE_NONE:
		fputs("null", stdout);
		return;
	case VALUE_NUMBER:
	case VALUE_BYTES:
		printf("%" PRIu64, value->number);
		return;
	case VALUE_TIME:
		write_time(value->time);
		return;
	case VALUE_RATE:
		printf("%.3f", value->rate);
		return;
	case VALUE_ADDR:
		/* never the name of the service */
		write_string(value->text, strlen(value->text));
		return;
	case VALUE_USER:
		if (!value->user) {
			fputs("null", stdout);
			return;
		}
		break;
	case VALUE_TEXT:
	case VALUE_HOST:
	case VALUE_HEX:
		break;
	}
	column_text(value, false, text);
	write_string(text, strlen(text));
}

/* Write "KEY_address" and "KEY_port" after the address itself. */
static void write_address_parts(const char *key, const struct value *value)
{
	const struct sockaddr_in *sin = (const void *)value->sa;
	const char *colon = strrchr(value->text, ':'), *c;
	char host[SOCKSTAT_ADDR_LEN], *out = host;

	if (value->sa->ss_family == AF_UNSPEC || !colon) {
		printf(",\"%s_address\":null,\"%s_port\":null", key, key);
		return;
	}
	for (c = value->text; c < colon; c++) {
		if (*c != '[' && *c != ']')
			*out++ = *c;
	}
	printf(",\"%s_address\":", key);
	write_string(host, out - host);
	printf(",\"%s_port\":%u", key, ntohs(sin->sin_port));
}

static void write_row(const struct sheet *sheet, const void *record)
{
	char key[CELL_LEN];
	struct value value;
	size_t c;

	putchar('{');
	for (c = 0; c < sheet->n_columns; c++) {
		column_key(sheet->columns[c], key);
		sheet->columns[c]->get(record, &value);
		printf("%s\"%s\":", c ? "," : "", key);
		write_value(&value);
		if (value.kind == VALUE_ADDR)
			write_address_parts(key, &value);
	}
	putchar('}');
}

static void write_header(const struct view *view)
{
	const struct sockstat_table *table = &view->now.table;
	enum group_by group = view->opt->group;

	printf("{\"format\":\"sockstat\",\"version\":%d,\"table_version\":%" PRIu64 ",\"time\":",
	       JSON_VERSION, table->version);
	write_time(view->now.time);
	if (view->seconds > 0)
		printf(",\"interval\":%.9f", view->seconds);
	else
		fputs(",\"interval\":null", stdout);
	if (group)
		printf(",\"group_by\":\"%s\"", group_word(group));
	else
		fputs(",\"group_by\":null", stdout);
	printf(",\"table_rows\":%zu,\"table_closed\":%" PRIu64 ",\"missed\":%" PRIu64
	       ",\"dropped\":%" PRIu64,
	       table->n_rows, table->trailer_closed, table->missed, table->dropped);
}

/**
 * write_json - write a view as one JSON object on one line
 * @view: the view
 */
void write_json(const struct view *view)
{
	const struct sheet *sheet = &view->sheet;
	size_t i;

	write_header(view);
	fputs(",\"rows\":[", stdout);
	for (i = 0; i < sheet->n_records; i++) {
		if (i)
			putchar(',');
		write_row(sheet, sheet->records[i]);
	}
	puts("]}");
}
