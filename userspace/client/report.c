// SPDX-License-Identifier: GPL-2.0-only
/* Prints the results, as KTAP or as a table. */

#include <inttypes.h>
#include <stdio.h>

#include "random.h"
#include "report.h"

static void print_differences(const struct run *r, const char *indent)
{
	unsigned int i;

	for (i = 0; i < r->n_diffs && i < MAX_DIFFERENCES; i++) {
		const struct difference *d = &r->diffs[i];

		printf("%s%s: %s: expected %s, seen %s\n", indent, d->row, d->field,
		       d->want[0] ? d->want : "none", d->seen);
	}
	if (r->n_diffs > MAX_DIFFERENCES)
		printf("%sand %u more differences\n", indent, r->n_diffs - MAX_DIFFERENCES);
	if (r->opt->random && r->verdict == VERDICT_FAIL)
		random_tell(r, indent);
}

/* A run that fails must have compared something, or the runner gives the reason. */
static bool compared_nothing(const struct run *r)
{
	return r->verdict == VERDICT_PASS && !r->fields;
}

static void print_tap(const struct run *r, unsigned int number)
{
	print_differences(r, "# ");
	if (r->no_truth)
		printf("# sock_diag did not find the sockets of %u rows\n", r->no_truth);
	if (r->notes[0])
		printf("# %s\n", r->notes);
	if (compared_nothing(r))
		printf("# nothing compared\n");
	switch (r->verdict) {
	case VERDICT_PASS:
		printf("ok %u %s\n", number, r->name);
		break;
	case VERDICT_SKIP:
		printf("ok %u %s # SKIP %s\n", number, r->name, r->reason);
		break;
	default:
		printf("# %s\n", r->reason);
		printf("not ok %u %s\n", number, r->name);
		break;
	}
	fflush(stdout);
}

static void print_row(const struct run *r)
{
	static const char *const verdicts[] = {
		[VERDICT_NONE] = "?",
		[VERDICT_PASS] = "ok",
		[VERDICT_FAIL] = "DIFFERS",
		[VERDICT_SKIP] = "SKIP",
	};
	const char *remark = r->verdict == VERDICT_PASS ? r->notes : r->reason;

	printf("%-40s %5u %6u %14" PRIu64 " %14" PRIu64 " %14" PRIu64 " %14" PRIu64 "  %s", r->name,
	       r->rows, r->fields, r->tx_want, r->tx_seen, r->rx_want, r->rx_seen,
	       verdicts[r->verdict]);
	if (compared_nothing(r))
		printf(", nothing compared");
	if (remark[0])
		printf(" (%s)", remark);
	putchar('\n');
	print_differences(r, "    ");
}

static void print_table(const struct results *res)
{
	unsigned int i;

	printf("%-40s %5s %6s %14s %14s %14s %14s  %s\n", "SCENARIO", "ROWS", "FIELDS",
	       "TX EXPECTED", "TX SEEN", "RX EXPECTED", "RX SEEN", "RESULT");
	for (i = 0; i < res->n; i++)
		print_row(&res->done[i]);
	printf("%u exact, %u differ, %u skipped", res->passed - res->uncompared, res->failed,
	       res->skipped);
	if (res->uncompared)
		printf(", %u compared nothing", res->uncompared);
	putchar('\n');
}

/**
 * report_begin - print the text that precedes the results
 * @res: its total is set
 * @opt: the command line's options
 */
void report_begin(const struct results *res, const struct options *opt)
{
	if (opt->tap)
		printf("TAP version 13\n1..%u\n", res->total);
}

/**
 * report_run - count a result, and print it if the output is KTAP
 * @res: the results, which get a copy of the run
 * @r: the run, which has ended
 */
void report_run(struct results *res, const struct run *r)
{
	res->passed += r->verdict == VERDICT_PASS;
	res->skipped += r->verdict == VERDICT_SKIP;
	res->failed += r->verdict == VERDICT_FAIL;
	res->uncompared += compared_nothing(r);
	res->done[res->n++] = *r;
	if (r->opt->tap)
		print_tap(r, res->n);
}

/**
 * report_end - print the table of results, if the output is no KTAP, and the summary
 * @res: the results
 * @opt: the command line's options
 */
void report_end(const struct results *res, const struct options *opt)
{
	if (!opt->tap) {
		print_table(res);
		return;
	}
	if (res->uncompared)
		printf("# %u compared nothing\n", res->uncompared);
	printf("# %u passed, %u failed, %u skipped\n", res->passed, res->failed, res->skipped);
}
