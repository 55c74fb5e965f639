// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is loaded while threads are inside system calls and bytes are moving.
 * Its rows count all of these bytes and those that had moved before.
 *
 * Expected values are the results of this program's own calls.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "before.h"

struct call {
	pthread_t thread;
	int fd;
	size_t bytes;
	atomic_int tid;
	ssize_t ret;
};

static void *call_recv(void *arg)
{
	struct call *c = arg;
	char buf[4096];

	c->tid = gettid();
	c->ret = recv(c->fd, buf, sizeof(buf), 0);
	return NULL;
}

static void *call_recv_all(void *arg)
{
	struct call *c = arg;
	char *buf = malloc(c->bytes);

	c->tid = gettid();
	c->ret = recv(c->fd, buf, c->bytes, MSG_WAITALL);
	free(buf);
	return NULL;
}

static void *call_send(void *arg)
{
	struct call *c = arg;
	char *buf = calloc(1, c->bytes);

	c->tid = gettid();
	c->ret = send(c->fd, buf, c->bytes, 0);
	free(buf);
	return NULL;
}

static void *call_accept(void *arg)
{
	struct call *c = arg;

	c->tid = gettid();
	c->ret = bed_accept(c->fd);
	return NULL;
}

static void call_start(struct __test_metadata *_metadata, struct call *c, void *(*fn)(void *),
		       long nr)
{
	ASSERT_EQ(0, pthread_create(&c->thread, NULL, fn, c));
	ASSERT_TRUE(BED_WAIT(c->tid && bed_blocked(c->tid, nr)));
}

SITUATION(recv_in_flight)
{
	struct call c = { 0 };
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	move(_metadata, fd[0], fd[1], 20);
	c.fd = fd[1];
	call_start(_metadata, &c, call_recv, SYS_recvfrom);
	load(_metadata, self);
	expect_server(_metadata, self, fd, 0, 20);
	ASSERT_TRUE(bed_write(fd[0], 777));
	pthread_join(c.thread, NULL);
	ASSERT_EQ(777, c.ret);
	read_again(_metadata, self);
	expect_client(_metadata, self, fd, 797, 0);
	expect_server(_metadata, self, fd, 0, 797);
}

/* The table is not read in between: the module learns of the socket from the call. */
TEST_F_TIMEOUT(before, recv_in_flight_unseen, SECONDS)
{
	struct call c = { 0 };
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	c.fd = fd[1];
	c.bytes = 5000;
	call_start(_metadata, &c, call_recv_all, SYS_recvfrom);
	ASSERT_TRUE(bed_write(fd[0], 2000));
	ASSERT_TRUE(BED_WAIT(!bed_unread(fd[1]) && bed_blocked(c.tid, SYS_recvfrom)));
	ASSERT_EQ(0, bed_load());
	ASSERT_TRUE(bed_write(fd[0], 3000));
	pthread_join(c.thread, NULL);
	ASSERT_EQ(5000, c.ret);
	ASSERT_TRUE(bed_table(&self->table));
	expect_client(_metadata, self, fd, 5000, 0);
	expect_server(_metadata, self, fd, 0, 5000);
}

SITUATION(send_in_flight)
{
	const struct sockstat_row *row;
	struct call c = { 0 };
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	c.fd = fd[0];
	c.bytes = 24 << 20;
	call_start(_metadata, &c, call_send, SYS_sendto);
	load(_metadata, self);
	row = bed_row(&self->table, getpid(), fd[0]);
	ASSERT_NE(NULL, row);
	EXPECT_LT(0u, row->tx_bytes);
	EXPECT_GT(c.bytes, row->tx_bytes);
	ASSERT_TRUE(bed_read(fd[1], c.bytes));
	pthread_join(c.thread, NULL);
	ASSERT_EQ((ssize_t)c.bytes, c.ret);
	read_again(_metadata, self);
	expect_client(_metadata, self, fd, c.bytes, 0);
	expect_server(_metadata, self, fd, 0, c.bytes);
}

SITUATION(accept_in_flight)
{
	struct call c = { 0 };
	int fd[2];

	c.fd = bed_listen(variant->family, 5);
	ASSERT_LE(0, c.fd);
	call_start(_metadata, &c, call_accept, SYS_accept4);
	load(_metadata, self);
	fd[0] = bed_connect(variant->family, c.fd);
	pthread_join(c.thread, NULL);
	ASSERT_LE(0, c.ret);
	fd[1] = c.ret;
	move(_metadata, fd[0], fd[1], 66);
	move(_metadata, fd[1], fd[0], 33);
	read_again(_metadata, self);
	expect_client(_metadata, self, fd, 66, 33);
	expect_server(_metadata, self, fd, 33, 66);
}

TEST_F_TIMEOUT(before, in_flight, SECONDS)
{
	struct situation situations[] = {
		{ .name = "recv_in_flight", .run = recv_in_flight },
		{ .name = "send_in_flight", .run = send_in_flight },
		{ .name = "accept_in_flight", .run = accept_in_flight },
	};

	run_together(_metadata, self, variant, situations, ARRAY_SIZE(situations));
}

/* ---- loading and unloading twice under traffic ---- */

#define PAIRS 4

struct flow {
	pthread_t thread[2];
	int from, to;
	_Atomic uint64_t sent, got;
	atomic_bool *stop;
};

/* Let insmod run in time beside the busy threads: see give_way() in load/lib.sh. */
static void give_way(void)
{
	setpriority(PRIO_PROCESS, gettid(), 19);
}

static void *flow_send(void *arg)
{
	struct flow *f = arg;
	static const char buf[20000];
	unsigned int step = 0;
	ssize_t n;

	give_way();
	while (!*f->stop) {
		n = write(f->from, buf, 1 + step++ * 997 % sizeof(buf));
		if (n < 0)
			break;
		f->sent += n;
	}
	shutdown(f->from, SHUT_WR);
	return NULL;
}

static void *flow_recv(void *arg)
{
	struct flow *f = arg;
	char buf[7000];
	ssize_t n;

	give_way();
	while ((n = read(f->to, buf, sizeof(buf))) > 0)
		f->got += n;
	return NULL;
}

/* Wait until every flow has moved another 50,000 bytes. */
static bool all_moving(struct flow *flows, int n)
{
	bool moved;
	int i;

	for (i = 0; i < n; i++) {
		uint64_t since = flows[i].got;

		moved = BED_WAIT(flows[i].got > since + 50000);
		if (!moved)
			return false;
	}
	return true;
}

TEST_F_TIMEOUT(before, twice_under_traffic, SECONDS)
{
	struct flow flows[2 * PAIRS] = { 0 };
	atomic_bool stop = false;
	int fd[PAIRS][2];
	int i, k;

	for (i = 0; i < PAIRS; i++) {
		ASSERT_TRUE(bed_pair(variant->family, fd[i]));
		for (k = 0; k < 2; k++) {
			struct flow *f = &flows[2 * i + k];

			f->from = fd[i][k];
			f->to = fd[i][!k];
			f->stop = &stop;
			pthread_create(&f->thread[0], NULL, flow_send, f);
			pthread_create(&f->thread[1], NULL, flow_recv, f);
		}
	}
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(all_moving(flows, 2 * PAIRS));
		EXPECT_EQ(0, bed_load());
		EXPECT_TRUE(all_moving(flows, 2 * PAIRS));
		EXPECT_TRUE(bed_table(&self->table));
		sockstat_table_free(&self->table);
		if (!i) {
			EXPECT_TRUE(all_moving(flows, 2 * PAIRS));
			EXPECT_EQ(0, bed_unload());
		}
	}
	stop = true;
	for (i = 0; i < 2 * PAIRS; i++) {
		pthread_join(flows[i].thread[0], NULL);
		pthread_join(flows[i].thread[1], NULL);
		EXPECT_EQ(flows[i].sent, flows[i].got);
	}
	ASSERT_TRUE(bed_table(&self->table));
	for (i = 0; i < PAIRS; i++) {
		for (k = 0; k < 2; k++) {
			const struct sockstat_row *row = bed_row(&self->table, getpid(), fd[i][k]);

			ASSERT_NE(NULL, row);
			EXPECT_STREQ(k ? "server" : "client", sockstat_role_name(row->role));
			EXPECT_EQ(flows[2 * i + k].sent, row->tx_bytes);
			EXPECT_EQ(flows[2 * i + !k].got, row->rx_bytes);
		}
	}
}

BED_HARNESS_MAIN
