// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockstat-client's check() and runner with a faked kernel: the linker's --wrap
 * replaces truth_get() and sockstat_table_read() with the functions below.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "../../userspace/client/runner.h"
#include "../../userspace/client/scenario.h"

/* The first calls of truth_get() report a different queue each time. */
static unsigned int restless_calls;

/* The only row of the table; no row if its cookie is 0 */
static struct sockstat_row table_row;

void __wrap_truth_get(const struct end *e, struct truth *t)
{
	static unsigned int calls;

	(void)e;
	memset(t, 0, sizeof(*t));
	t->known = true;
	t->state = SOCKSTAT_CLOSED;
	if (calls++ < restless_calls)
		t->rx_queue = calls;
}

int __wrap_sockstat_table_read(struct sockstat_table *table, const char *path)
{
	(void)path;
	memset(table, 0, sizeof(*table));
	table->rows = malloc(sizeof(*table->rows));
	if (!table->rows)
		return -1;
	table->rows[0] = table_row;
	table->n_rows = !!table_row.cookie;
	return 0;
}

static struct end *socket_end(struct run *r)
{
	return end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);
}

static void one_socket(struct run *r)
{
	socket_end(r);
}

static void no_socket(struct run *r)
{
	(void)r;
}

/* Its row differs from the expected one in COMMAND, which has a bar in both. */
static void renamed_socket(struct run *r)
{
	struct end *e;

	must(r, !prctl(PR_SET_NAME, "want|ed"));
	e = socket_end(r);
	table_row = (struct sockstat_row){ .pid = e->pid, .fd = e->fd, .cookie = e->cookie };
	strcpy(table_row.comm, "se|en");
}

static unsigned int tests, failures;

static void is(const char *name, const char *want, const char *seen)
{
	bool ok = !strcmp(want, seen);

	printf("%sok %u %s\n", ok ? "" : "not ", ++tests, name);
	if (ok)
		return;
	printf("# expected \"%s\", seen \"%s\"\n", want, seen);
	failures++;
}

static char *verdict_text(const struct run *r, char text[512])
{
	static const char *const names[] = { "none", "pass", "fail", "skip" };

	snprintf(text, 512, "%s%s%.*s", names[r->verdict], r->reason[0] ? ": " : "",
		 (int)strcspn(r->reason, ":"), r->reason);
	return text;
}

static void run(struct run *r, void (*scenario)(struct run *r), bool dry_run, unsigned int patience)
{
	static struct scenario sc;
	static struct options opt;

	sc = (struct scenario){ .name = "scenario", .run = scenario };
	opt = (struct options){ .dry_run = dry_run, .patience = patience };
	run_prepare(r, "test", &sc, FAMILY_4, false);
	run_start(r, &opt);
	run_finish(r);
}

static const struct difference *difference_of(const struct run *r, const char *field)
{
	static const struct difference none;
	unsigned int i;

	for (i = 0; i < r->n_diffs && i < MAX_DIFFERENCES; i++) {
		if (!strcmp(r->diffs[i].field, field))
			return &r->diffs[i];
	}
	return &none;
}

static void test_still(struct run *r)
{
	char text[512];

	restless_calls = -1;
	run(r, one_socket, true, 1);
	is("a table that never holds still", "fail: the table never held still in 500 tries",
	   verdict_text(r, text));
	run(r, one_socket, true, 2);
	is("--patience multiplies the tries", "fail: the table never held still in 1000 tries",
	   verdict_text(r, text));
	restless_calls = 10;
	run(r, one_socket, true, 1);
	is("a table that holds still after some tries", "pass", verdict_text(r, text));
	restless_calls = 0;
}

static void test_nothing(struct run *r)
{
	char text[512];

	run(r, no_socket, false, 1);
	is("nothing compared", "fail: nothing was compared", verdict_text(r, text));
	run(r, no_socket, true, 1);
	is("nothing compared in a dry run", "pass", verdict_text(r, text));
	is("a dry run without fields", "0", r->fields ? "some" : "0");
	run(r, one_socket, true, 1);
	is("a dry run with fields", "some", r->fields ? "some" : "0");
}

static void test_rows(struct run *r)
{
	char text[512];

	run(r, one_socket, false, 1);
	is("a row that is missing", "absent", difference_of(r, "row")->seen);
	run(r, renamed_socket, false, 1);
	is("a row that differs", "fail", strtok(verdict_text(r, text), ":"));
	is("the expected COMMAND", "want|ed", difference_of(r, "COMMAND")->want);
	is("the COMMAND seen", "se|en", difference_of(r, "COMMAND")->seen);
}

int main(void)
{
	struct run *r = run_arena();

	printf("TAP version 13\n");
	test_still(r);
	test_nothing(r);
	test_rows(r);
	printf("1..%u\n# %u passed, %u failed\n", tests, tests - failures, failures);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
