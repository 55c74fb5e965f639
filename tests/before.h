/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the tests of connections that are older than the module: the fixture,
 * with each address family as a variant, and the comparison of a row.
 */
#ifndef SOCKSTAT_TESTS_BEFORE_H
#define SOCKSTAT_TESTS_BEFORE_H

#include <signal.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 600 /* a test's timeout; an emulated debug kernel is slow */

FIXTURE(before)
{
	struct sockstat_table table;
};

FIXTURE_VARIANT(before)
{
	enum bed_family family;
};

FIXTURE_VARIANT_ADD(before, ipv4){
	.family = BED_4,
};

FIXTURE_VARIANT_ADD(before, ipv6){
	.family = BED_6,
};

FIXTURE_VARIANT_ADD(before, mapped){
	.family = BED_MAPPED,
};

FIXTURE_SETUP(before)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	signal(SIGPIPE, SIG_IGN);
	if (bed_loaded())
		ASSERT_EQ(0, bed_unload());
}

FIXTURE_TEARDOWN(before)
{
	sockstat_table_free(&self->table);
	if (bed_loaded())
		EXPECT_EQ(0, bed_unload());
}

/* Load the module and read its first table. */
static inline void load(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self)
{
	ASSERT_EQ(0, bed_load());
	ASSERT_TRUE(bed_table(&self->table));
}

static inline void read_again(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self)
{
	sockstat_table_free(&self->table);
	ASSERT_TRUE(bed_table(&self->table));
}

/*
 * Compare the row of a descriptor with the bytes that this program counted and with
 * the state, queue and inode that other kernel interfaces report.
 */
static inline void expect(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self, int fd,
			  enum sockstat_role role, uint64_t tx, uint64_t rx)
{
	const struct sockstat_row *row = bed_row(&self->table, getpid(), fd);

	ASSERT_NE(NULL, row);
	EXPECT_STREQ(sockstat_role_name(role), sockstat_role_name(row->role));
	EXPECT_STREQ(sockstat_state_name(bed_state(fd)), sockstat_state_name(row->state));
	EXPECT_EQ(tx, row->tx_bytes);
	EXPECT_EQ(rx, row->rx_bytes);
	if (row->state != SOCKSTAT_LISTEN)
		EXPECT_EQ((uint64_t)bed_unread(fd), row->rx_queue);
	EXPECT_EQ(bed_inode(fd), row->inode);
	EXPECT_EQ(-1, row->closed);
	EXPECT_EQ(0, row->error);
}

static inline void expect_client(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self,
				 const int fd[2], uint64_t tx, uint64_t rx)
{
	expect(_metadata, self, fd[0], SOCKSTAT_ROLE_CLIENT, tx, rx);
}

static inline void expect_server(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self,
				 const int fd[2], uint64_t tx, uint64_t rx)
{
	expect(_metadata, self, fd[1], SOCKSTAT_ROLE_SERVER, tx, rx);
}

/* Write @bytes to one descriptor and read all of them from the other. */
static inline void move(struct __test_metadata *_metadata, int from, int to, size_t bytes)
{
	ASSERT_TRUE(bed_write(from, bytes));
	ASSERT_TRUE(bed_read(to, bytes));
}

#endif
