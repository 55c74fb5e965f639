// SPDX-License-Identifier: GPL-2.0-only
/* The columns of the viewer's tables: their values, how these compare, and their text. */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "column.h"
#include "display.h"
#include "order.h"

#define NS_PER_SECOND 1000000000

static char fold(char c)
{
	return c == '-' || c == ' ' ? '_' : toupper((unsigned char)c);
}

/* Compare without regard to case; "-", "_" and " " are the same character. */
static bool is_same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if (fold(*a) != fold(*b))
			return false;
	}
	return *a == *b;
}

/**
 * column_find - look up a column by its name or its title
 * @columns: an array of columns
 * @n: the length of the array
 * @name: the name or title in any case, with "-", "_" or " " between its words
 *
 * Return: an element of @columns, or NULL.
 */
const struct view_column *column_find(const struct view_column *columns, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_same_name(columns[i].name, name))
			return &columns[i];
	}
	for (i = 0; i < n; i++) {
		if (is_same_name(columns[i].title, name))
			return &columns[i];
	}
	return NULL;
}

static int compare_hosts(const struct value *a, const struct value *b)
{
	const struct sockaddr_in *a4 = (const void *)a->sa, *b4 = (const void *)b->sa;
	const struct sockaddr_in6 *a6 = (const void *)a->sa, *b6 = (const void *)b->sa;
	int order = order_of(a->sa->ss_family, b->sa->ss_family);

	if (order)
		return order;
	switch (a->sa->ss_family) {
	case AF_INET:
		return memcmp(&a4->sin_addr, &b4->sin_addr, sizeof(a4->sin_addr));
	case AF_INET6:
		return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
	}
	return 0;
}

/* Two link-local addresses may differ in nothing but the interface, which is in the text. */
static int compare_scopes(const struct value *a, const struct value *b)
{
	size_t len_a = strrchr(a->text, ':') - a->text, len_b = strrchr(b->text, ':') - b->text;
	int order = strncmp(a->text, b->text, len_a < len_b ? len_a : len_b);

	return order ? order : order_of(len_a, len_b);
}

static int compare_addrs(const struct value *a, const struct value *b)
{
	/* sin_port and sin6_port are at the same offset */
	const struct sockaddr_in *a4 = (const void *)a->sa, *b4 = (const void *)b->sa;
	int order = compare_hosts(a, b);

	return order ? order : order_of(ntohs(a4->sin_port), ntohs(b4->sin_port));
}

/* Users without a name come first, by number; the others by name. */
static int compare_users(const struct value *a, const struct value *b)
{
	int order = a->user && b->user ? strcmp(a->user, b->user) : !!a->user - !!b->user;

	return order ? order : order_of(a->uid, b->uid);
}

/**
 * column_compare - compare two values of one column
 * @a: the first
 * @b: the second
 *
 * Return: less than, equal to or greater than 0; VALUE_NONE is less than any other.
 */
int column_compare(const struct value *a, const struct value *b)
{
	int order;

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
	case VALUE_SPAN:
		return order_of(a->time, b->time);
	case VALUE_RATE:
		return (a->rate > b->rate) - (a->rate < b->rate);
	case VALUE_ADDR:
		return compare_addrs(a, b);
	case VALUE_HOST:
		order = compare_hosts(a, b);
		return order ? order : compare_scopes(a, b);
	case VALUE_USER:
		return compare_users(a, b);
	}
	return 0;
}

/**
 * human_bytes - write a number of bytes in three or four characters
 * @bytes: the number
 * @text: the result: "999", "1.2K", "12K" ...; units are powers of 1024
 * @size: the size of @text
 */
void human_bytes(double bytes, char *text, size_t size)
{
	static const char units[] = "KMGTPE";
	int unit = -1;

	/* %.0f would round 999.5 to 1000, which takes one character more */
	while (unit < (int)sizeof(units) - 2 && bytes >= (unit < 0 ? 1000 : 999.5)) {
		bytes /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, size, "%.0f", bytes);
	else
		snprintf(text, size, bytes < 9.95 ? "%.1f%c" : "%.0f%c", bytes, units[unit]);
}

static void seconds_text(int64_t ns, char text[CELL_LEN])
{
	snprintf(text, CELL_LEN, "%" PRId64 ".%03d", ns / NS_PER_SECOND,
		 (int)(ns % NS_PER_SECOND / 1000000));
}

static void time_text(int64_t ns, bool human, char text[CELL_LEN])
{
	time_t seconds = ns / NS_PER_SECOND;
	struct tm tm;

	if (human && localtime_r(&seconds, &tm))
		strftime(text, CELL_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	else
		seconds_text(ns, text);
}

/* The two largest units suffice: "1.2s", "3m04s", "5h06m", "7d08h". */
static void span_text(int64_t ns, bool human, char text[CELL_LEN])
{
	int64_t s = ns / NS_PER_SECOND;

	if (!human)
		seconds_text(ns, text);
	else if (s < 60)
		snprintf(text, CELL_LEN, "%d.%ds", (int)s,
			 (int)(ns % NS_PER_SECOND / (NS_PER_SECOND / 10)));
	else if (s < 3600)
		snprintf(text, CELL_LEN, "%dm%02ds", (int)s / 60, (int)s % 60);
	else if (s < 86400)
		snprintf(text, CELL_LEN, "%dh%02dm", (int)s / 3600, (int)s / 60 % 60);
	else
		snprintf(text, CELL_LEN, "%" PRId64 "d%02dh", s / 86400, (int)(s / 3600 % 24));
}

static void addr_text(const struct value *value, char text[CELL_LEN])
{
	const char *colon = strrchr(value->text, ':');
	size_t len = strlen(value->text);

	memcpy(text, value->text, len + 1);
	if (colon && value->service) {
		len = colon + 1 - value->text;
		display_text(value->service, text + len, CELL_LEN - len);
	}
}

/**
 * column_text - write a value as printable text
 * @value: the value
 * @human: write bytes, rates and lengths of time with units, times as date and time of
 *	day
 * @text: the result
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
	case VALUE_HOST:
		snprintf(text, CELL_LEN, "%.*s", (int)(strrchr(value->text, ':') - value->text),
			 value->text);
		break;
	case VALUE_USER:
		if (value->user)
			display_text(value->user, text, CELL_LEN);
		else
			snprintf(text, CELL_LEN, "%" PRIu32, value->uid);
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
	case VALUE_SPAN:
		span_text(value->time, human, text);
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
 * column_key - write the name of a column as it is in JSON and CSV
 * @column: the column
 * @key: the result, in lower case
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
 * sheet_sort - sort the records by one of their columns
 * @sheet: the sheet, whose records are reordered
 * @by: the column, which need not be a shown one
 * @descending: whether the greatest value comes first
 *
 * Return: false, with the order unchanged, if there is not enough memory.
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
