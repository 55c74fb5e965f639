// SPDX-License-Identifier: GPL-2.0-only
/*
 * A libFuzzer target. It parses any text and, if the parser accepts it, computes
 * the viewer's cells, rates and totals. Every cell must be a valid sequence of
 * printable characters. The check "fuzz" of make lint builds and runs it.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "../../userspace/viewer/display.h"
#include "../../userspace/viewer/filter.h"
#include "../../userspace/viewer/group.h"
#include "../../userspace/viewer/rates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	wchar_t characters[CELL_LEN];
	size_t n = mbstowcs(characters, text, CELL_LEN), i;

	if (!n || n == (size_t)-1 || display_width(text) <= 0)
		abort();
	for (i = 0; i < n; i++) {
		if (!iswprint(characters[i]))
			abort();
	}
}

static void show(const struct view_column *columns, size_t n, const void *record)
{
	char text[CELL_LEN];
	struct value value;
	size_t c;
	int human;

	for (c = 0; c < n; c++) {
		for (human = 0; human < 2; human++) {
			columns[c].get(record, &value);
			column_text(&value, human, text);
			check_text(text);
		}
	}
}

static void show_groups(const void **records, size_t n, enum group_by by)
{
	size_t n_groups = 0, i;
	struct group *groups = group_make(records, n, by, &n_groups);

	for (i = 0; groups && i < n_groups; i++)
		show(group_columns, GROUP_COLUMNS, &groups[i]);
	free(groups);
}

static void show_table(const struct sockstat_table *now, const struct sockstat_table *before)
{
	struct filter filter = { .since = -1, .kinds = KIND_ALL, .search = "a" };
	struct entry *entries = calloc(now->n_rows + 1, sizeof(*entries));
	const void **records = calloc(now->n_rows + 1, sizeof(*records));
	struct sheet sheet = { .records = records, .n_records = now->n_rows };
	size_t i;

	if (!entries || !records || !rates_compute(entries, now, before, 1))
		abort();
	for (i = 0; i < now->n_rows; i++) {
		records[i] = &entries[i];
		filter_passes(&filter, &entries[i], 0);
		show(entry_columns, ENTRY_COLUMNS, &entries[i]);
	}
	for (i = 0; i < ENTRY_COLUMNS; i++)
		sheet_sort(&sheet, &entry_columns[i], i % 2);
	for (i = GROUP_COMMAND; i <= GROUP_REMOTE; i++)
		show_groups(records, now->n_rows, i);
	free(records);
	free(entries);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	display_init(true);
	return !display_is_utf8();
}

/* The table of the previous input: consecutive inputs of libFuzzer resemble each other. */
static struct sockstat_table before;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockstat_table table;
	int err = sockstat_table_parse(&table, (const char *)data, size);

	if (!!err != !!table.error[0] || (err && (table.rows || table.n_rows)))
		abort();
	if (err)
		return 0;
	show_table(&table, &before);
	sockstat_table_free(&before);
	before = table;
	return 0;
}
