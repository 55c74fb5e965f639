/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the tests of connections that are older than the module: the fixture,
 * with each address family as a variant, and the comparison of a row.
 */
#ifndef SOCKSTAT_TESTS_BEFORE_H
#define SOCKSTAT_TESTS_BEFORE_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 600 /* a test's timeout; an emulated debug kernel is slow */

FIXTURE(before)
{
	struct sockstat_table table;
	const char *situation; /* the one that runs, or the first one that has failed */
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
	if (self->situation && !__test_passed(_metadata))
		printf("# the situation that failed first: %s\n", self->situation);
	sockstat_table_free(&self->table);
	if (bed_loaded())
		EXPECT_EQ(0, bed_unload());
}

/*
 * A situation prepares connections, calls load(), compares rows, and may go on and call
 * read_again() once. Situations take turns, each in a thread of its own: when all of
 * them wait in load(), the module is loaded, and when all wait in read_again() or have
 * ended, the table is read again.
 */
struct situation {
	FIXTURE_DATA(before) * self;
	const FIXTURE_VARIANT(before) * variant;
	struct __test_metadata *_metadata;
	const char *name;
	void (*run)(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self,
		    const FIXTURE_VARIANT(before) * variant);
	pthread_t thread;
	sem_t turn, waits;
	bool ended;
};

#define SITUATION(name)                                                                  \
	static void name(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self, \
			 const FIXTURE_VARIANT(before) * variant)

/* The situation of this thread, NULL in the main thread. */
static __thread struct situation *own_situation;

static inline void *situation_thread(void *arg)
{
	struct situation *s = own_situation = arg;

	sem_wait(&s->turn);
	s->run(s->_metadata, s->self, s->variant);
	s->ended = true;
	sem_post(&s->waits);
	return NULL;
}

static inline void situation_wait(struct situation *s)
{
	sem_post(&s->waits);
	sem_wait(&s->turn);
}

/* Let each situation run until it waits or ends. Return how many have not ended. */
static inline int run_each(struct __test_metadata *_metadata, struct situation *s, int n)
{
	int waiting = 0;

	for (; n--; s++) {
		if (s->ended)
			continue;
		if (__test_passed(_metadata))
			s->self->situation = s->name;
		sem_post(&s->turn);
		sem_wait(&s->waits);
		waiting += !s->ended;
		if (__test_passed(_metadata))
			s->self->situation = NULL;
	}
	return waiting;
}

/* Load the module and read its first table. */
static inline void load(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self)
{
	if (own_situation) {
		situation_wait(own_situation);
		return;
	}
	ASSERT_EQ(0, bed_load());
	ASSERT_TRUE(bed_table(&self->table));
}

static inline void read_again(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self)
{
	if (own_situation) {
		situation_wait(own_situation);
		return;
	}
	sockstat_table_free(&self->table);
	ASSERT_TRUE(bed_table(&self->table));
}

static inline void run_together(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self,
				const FIXTURE_VARIANT(before) * variant,
				struct situation *situations, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		struct situation *s = &situations[i];

		s->_metadata = _metadata;
		s->self = self;
		s->variant = variant;
		ASSERT_EQ(0, sem_init(&s->turn, 0, 0));
		ASSERT_EQ(0, sem_init(&s->waits, 0, 0));
		ASSERT_EQ(0, pthread_create(&s->thread, NULL, situation_thread, s));
	}
	ASSERT_EQ(n, run_each(_metadata, situations, n));
	load(_metadata, self);
	ASSERT_LT(0, run_each(_metadata, situations, n));
	read_again(_metadata, self);
	ASSERT_EQ(0, run_each(_metadata, situations, n));
	for (i = 0; i < n; i++)
		pthread_join(situations[i].thread, NULL);
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
