// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process may choose any name: none breaks or forges a line of the table, and each
 * is read back unchanged from the row of an open descriptor and of a closed one.
 */
#include <sys/prctl.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 60

FIXTURE(comm)
{
	int fd[2];
};

FIXTURE_VARIANT(comm)
{
	const char *name;
};

#define COMM(title, text)                \
	FIXTURE_VARIANT_ADD(comm, title) \
	{                                \
		.name = text,            \
	}

COMM(spaces, " two  words ");
COMM(only_a_space, " ");
COMM(newlines, "a\nb\n");
COMM(a_last_line, "\n# version=1 r");
COMM(hash, "#");
COMM(a_last_line_only, "# version=1 row");
COMM(tab_and_return, "\ta\rb\v\f");
COMM(escape, "\x1b[31mred\x1b[0m");
COMM(backslashes, "\\\\040\\n");
COMM(escape_like, "\\040");
COMM(utf8, "\303\274n\303\257c\342\202\254\360\237\220\247");
COMM(not_utf8, "\xff\xfe\x80\xc0");
COMM(delete_and_low, "\x7f\x01\x02\x1f");
COMM(percent, "%s%n%d%x");
COMM(minus, "-");
COMM(empty, "");
COMM(header, "COMMAND PID FD");
COMM(fifteen_escaped, "\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12");

FIXTURE_SETUP(comm)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_start());
	ASSERT_EQ(0, prctl(PR_SET_NAME, variant->name));
}

FIXTURE_TEARDOWN(comm)
{
	prctl(PR_SET_NAME, "comm");
}

static void expect_name(struct __test_metadata *_metadata, const char *name, uint64_t cookie,
			bool closed)
{
	const struct sockstat_row *row;
	struct sockstat_table table;
	const char *c;

	ASSERT_TRUE(bed_table(&table));
	row = sockstat_table_find_cookie(&table, cookie, NULL);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(closed, row->state == SOCKSTAT_CLOSED);
	EXPECT_EQ(getpid(), row->pid);
	EXPECT_STREQ(name, row->comm);
	for (c = row->comm_raw; *c; c++) {
		EXPECT_LT(' ', *c);
		EXPECT_GT(0x7f, *c);
	}
	sockstat_table_free(&table);
}

TEST_F_TIMEOUT(comm, round_trip, SECONDS)
{
	uint64_t cookie;

	ASSERT_TRUE(bed_pair(BED_4, self->fd));
	ASSERT_TRUE(bed_write(self->fd[0], 10));
	cookie = bed_cookie(self->fd[0]);
	expect_name(_metadata, variant->name, cookie, false);
	close(self->fd[0]);
	expect_name(_metadata, variant->name, cookie, true);
}

BED_HARNESS_MAIN
