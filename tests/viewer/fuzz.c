// SPDX-License-Identifier: GPL-2.0-only
/*
 * For libFuzzer: any text through the parser and, where that takes it, through
 * what makes the viewer's cells, rates and totals. What has been shown must be
 * printing characters. The check "fuzz" of make lint builds and runs it.
 */

#include <stdlib.h>
#include <string.h>

#include "../../userspace/viewer/filter.h"
#include "../../userspace/viewer/group.h"
#include "../../userspace/viewer/rates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct view_column *columns, size_t n, const void *record)
{
	char text[CELL_LEN];
	struct value value;
	size_t c, i;
	int human;

	for (c = 0; c < n; c++) {
		for (human = 0; human < 2; human++) {
			columns[c].get(record, &value);
			column_text(&value, human, text);
			if (!text[0])
				abort();
			for (i = 0; text[i]; i++) {
				if (text[i] <= ' ' || text[i] > '~')
					abort();
			}
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

/* The table before this one: two that follow each other have much in common. */
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
