// SPDX-License-Identifier: GPL-2.0-only
/* What one cell of the viewer's tables holds, and how it is compared and written. */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "column.h"
#include "display.h"
#include "order.h"

#define NS_PER_SECOND 1000000000

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char c = *b == '-' ? '_' : toupper((unsigned char)*b);

		if (*a != c)
			return false;
	}
	return *a == *b;
}

/**
 * column_find - the column of a name
 * @columns: where
 * @n: how many
 * @name: in any case, with "-" or "_"
 *
 * Return: one of @columns, or NULL.
 */
const struct view_column *column_find(const struct view_column *columns, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (same_name(columns[i].name, name))
			return &columns[i];
	}
	return NULL;
}

static int compare_addr(const struct value *a, const struct value *b)
{
	const struct sockaddr_in *a4 = (const void *)a->sa, *b4 = (const void *)b->sa;
	const struct sockaddr_in6 *a6 = (const void *)a->sa, *b6 = (const void *)b->sa;
	int order =
		order_of(a->sa->ss_family, b->sa->ss_family);

	if (order)
		return order;
	switch (a->sa->ss_family) {
	case AF_INET:
		order = memcmp(&a4->sin_addr, &b4->sin_addr, sizeof(a4->sin_addr));
		return order ? order :
			       order_of(ntohs(a4->sin_port), ntohs(b4->sin_port));
	case AF_INET6:
		order = memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
		return order ? order :
			       order_of(ntohs(a6->sin6_port), ntohs(b6->sin6_port));
	}
	return 0;
}

/**
 * column_compare - the order of two cells of one column
 * @a: one
 * @b: the other
 *
 * Return: less than, equal to or greater than 0; "-" is less than all else.
 */
int column_compare(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return order_of(a->kind, b->kind);
	switch (a->kind) {
	case VALUE_NONE:
		break;
	case VALUE_TEXT:
		return strcmp(a->text, b->text);
	case VALUE_NUMBER:
	case VALUE_BYTES:
	case VALUE_HEX:
		return order_of(a->number, b->number);
	case VALUE_TIME:
		return order_of(a->time, b->time);
	case VALUE_RATE:
		return (a->rate > b->rate) - (a->rate < b->rate);
	case VALUE_ADDR:
		return compare_addr(a, b);
	}
	return 0;
}

/**
 * human_bytes - a number of bytes in three or four characters
 * @bytes: how many
 * @text: "999", "1.2K", "12K" ...; units are powers of 1024
 * @size: of @text
 */
void human_bytes(double bytes, char *text, size_t size)
{
	static const char units[] = "KMGTPE";
	int unit = -1;

	/* 999.5 would be written as 1000 */
	while (unit < (int)sizeof(units) - 2 && bytes >= (unit < 0 ? 1000 : 999.5)) {
		bytes /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, size, "%.0f", bytes);
	else
		snprintf(text, size, bytes < 9.95 ? "%.1f%c" : "%.0f%c", bytes, units[unit]);
}

static void time_text(int64_t ns, bool human, char text[CELL_LEN])
{
	time_t seconds = ns / NS_PER_SECOND;
	struct tm tm;

	if (human && localtime_r(&seconds, &tm))
		strftime(text, CELL_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	else
		snprintf(text, CELL_LEN, "%" PRId64 ".%03d", ns / NS_PER_SECOND,
			 (int)(ns % NS_PER_SECOND / 1000000));
}

static void addr_text(const struct value *value, char text[CELL_LEN])
{
	const char *colon = strrchr(value->text, ':');
	size_t len = strlen(value->text);

	memcpy(text, value->text, len + 1);
	if (colon && value->service && *value->service) {
		len = colon + 1 - value->text;
		display_text(value->service, text + len, CELL_LEN - len);
	}
}

/**
 * column_text - a cell as text
 * @value: what it holds
 * @human: bytes, rates and times in units of people
 * @text: where to
 */
void column_text(const struct value *value, bool human, char text[CELL_LEN])
{
	switch (value->kind) {
	case VALUE_NONE:
		strcpy(text, "-");
		break;
	case VALUE_TEXT:
		display_text(value->text, text, CELL_LEN);
		break;
	case VALUE_ADDR:
		addr_text(value, text);
		break;
	case VALUE_BYTES:
		if (human)
			human_bytes(value->number, text, CELL_LEN);
		else
			snprintf(text, CELL_LEN, "%" PRIu64, value->number);
		break;
	case VALUE_NUMBER:
		snprintf(text, CELL_LEN, "%" PRIu64, value->number);
		break;
	case VALUE_HEX:
		snprintf(text, CELL_LEN, "%" PRIx64, value->number);
		break;
	case VALUE_TIME:
		time_text(value->time, human, text);
		break;
	case VALUE_RATE:
		if (human)
			human_bytes(value->rate, text, CELL_LEN);
		else
			snprintf(text, CELL_LEN, "%.0f", value->rate);
		break;
	}
}

/**
 * column_key - the name of a column in JSON and CSV
 * @column: which
 * @key: where to
 */
void column_key(const struct view_column *column, char key[CELL_LEN])
{
	size_t i = 0;

	do
		key[i] = tolower((unsigned char)column->name[i]);
	while (column->name[i++]);
}

struct sort_key {
	struct value value;
	const void *record;
	size_t place;
};

/* Records with equal values keep their order, also in a descending sort. */
static int compare_keys(const void *a, const void *b, void *context)
{
	const struct sort_key *x = a, *y = b;
	const bool *descending = context;
	int order = column_compare(&x->value, &y->value);

	if (order)
		return *descending ? -order : order;
	return order_of(x->place, y->place);
}

/**
 * sheet_sort - bring the records into the order of one of their columns
 * @sheet: whose
 * @by: the column, not necessarily one that is shown
 * @descending: the greatest first
 *
 * Return: whether there was memory for it.
 */
bool sheet_sort(struct sheet *sheet, const struct view_column *by, bool descending)
{
	struct sort_key *keys = calloc(sheet->n_records + 1, sizeof(*keys));
	size_t i;

	if (!keys)
		return false;
	for (i = 0; i < sheet->n_records; i++) {
		keys[i].record = sheet->records[i];
		keys[i].place = i;
		by->get(sheet->records[i], &keys[i].value);
	}
	qsort_r(keys, sheet->n_records, sizeof(*keys), compare_keys, &descending);
	for (i = 0; i < sheet->n_records; i++)
		sheet->records[i] = keys[i].record;
	free(keys);
	return true;
}
