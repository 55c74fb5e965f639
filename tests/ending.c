// SPDX-License-Identifier: GPL-2.0-only
/*
 * While connections end, each snapshot has a row of each of their sockets: a record on
 * its way from the table of open connections to the history is in one of them.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 300 /* the test's timeout */
#define PAIRS 200   /* their rows fit into the history */
#define ROUNDS 4

struct stage {
	int fd[PAIRS][2];
	uint64_t cookie[PAIRS][2];
	atomic_bool over;
};

static bool stage_open(struct stage *stage)
{
	int i, k;

	for (i = 0; i < PAIRS; i++) {
		if (!bed_pair(i % 3, stage->fd[i]) || !bed_write(stage->fd[i][0], 1))
			return false;
		for (k = 0; k < 2; k++)
			stage->cookie[i][k] = bed_cookie(stage->fd[i][k]);
	}
	stage->over = false;
	return true;
}

/* Close each pair: the reset that ends one socket ends its peer as well. */
static void *stage_close(void *arg)
{
	static const struct linger reset = { .l_onoff = 1 };
	struct stage *stage = arg;
	int i;

	for (i = 0; i < PAIRS; i++) {
		setsockopt(stage->fd[i][0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(stage->fd[i][0]);
		close(stage->fd[i][1]);
		usleep(100);
	}
	stage->over = true;
	return NULL;
}

/* Count the sockets that have no row. */
static int stage_missing(const struct stage *stage, const struct sockstat_table *table)
{
	int i, k, missing = 0;

	for (i = 0; i < PAIRS; i++)
		for (k = 0; k < 2; k++)
			missing += !sockstat_table_find_cookie(table, stage->cookie[i][k], NULL);
	return missing;
}

FIXTURE(ending)
{
	struct sockstat_table table;
};

FIXTURE_SETUP(ending)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_load());
}

FIXTURE_TEARDOWN(ending)
{
	sockstat_table_free(&self->table);
	EXPECT_EQ(0, bed_unload());
}

TEST_F_TIMEOUT(ending, each_snapshot_has_each_socket, SECONDS)
{
	static struct stage stage;
	int round, snapshots = 0;
	pthread_t closer;
	bool over;

	for (round = 0; round < ROUNDS; round++) {
		ASSERT_TRUE(stage_open(&stage));
		ASSERT_EQ(0, pthread_create(&closer, NULL, stage_close, &stage));
		do {
			over = stage.over;
			ASSERT_TRUE(bed_table(&self->table));
			EXPECT_EQ(0, stage_missing(&stage, &self->table));
			EXPECT_EQ(0u, self->table.dropped);
			sockstat_table_free(&self->table);
			snapshots++;
		} while (!over);
		pthread_join(closer, NULL);
	}
	TH_LOG("%d snapshots", snapshots);
}

BED_HARNESS_MAIN
