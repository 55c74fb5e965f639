// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that are older than the module. As soon as it is loaded, their rows
 * show which end called connect() and how many bytes each end has moved since the
 * connection was opened.
 *
 * Expected values are the results of this program's own calls and TCP_INFO.
 *
 * insmod and rmmod take most of the time, so one insmod serves all situations in which
 * the first table may be read at once.
 */
#include <poll.h>
#include <sys/wait.h>

#include "before.h"

SITUATION(idle)
{
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	move(_metadata, fd[0], fd[1], 1001);
	move(_metadata, fd[1], fd[0], 502);
	load(_metadata, self);
	expect_client(_metadata, self, fd, 1001, 502);
	expect_server(_metadata, self, fd, 502, 1001);

	move(_metadata, fd[0], fd[1], 30);
	read_again(_metadata, self);
	expect_client(_metadata, self, fd, 1031, 502);
	expect_server(_metadata, self, fd, 502, 1031);
}

SITUATION(never_used)
{
	const struct sockstat_row *row;
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	load(_metadata, self);
	expect_client(_metadata, self, fd, 0, 0);
	expect_server(_metadata, self, fd, 0, 0);
	row = bed_row(&self->table, getpid(), fd[0]);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(0u, row->tx_calls);
	EXPECT_EQ(-1, row->opened);
}

/* The module infers an accepted socket's role from the backlog of its listener. */
SITUATION(role_for_every_backlog)
{
	static const int backlogs[] = { 0, 1, 128, 4096 };
	int fd[ARRAY_SIZE(backlogs)][2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(backlogs); i++) {
		int listener = bed_listen(variant->family, backlogs[i]);

		ASSERT_LE(0, listener);
		fd[i][0] = bed_connect(variant->family, listener);
		fd[i][1] = bed_accept(listener);
		close(listener);
		ASSERT_LE(0, fd[i][1]);
		move(_metadata, fd[i][0], fd[i][1], 10 + i);
		move(_metadata, fd[i][1], fd[i][0], 20 + i);
	}
	load(_metadata, self);
	for (i = 0; i < ARRAY_SIZE(backlogs); i++) {
		/* the byte counts, 10 + i and 20 + i, tell which backlog failed */
		expect_client(_metadata, self, fd[i], 10 + i, 20 + i);
		expect_server(_metadata, self, fd[i], 20 + i, 10 + i);
	}
}

SITUATION(mid_transfer_unread)
{
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	ASSERT_TRUE(bed_write(fd[0], 3000));
	ASSERT_TRUE(bed_read(fd[1], 1000));
	ASSERT_TRUE(BED_WAIT(bed_unread(fd[1]) == 2000));
	load(_metadata, self);
	expect_client(_metadata, self, fd, 3000, 0);
	expect_server(_metadata, self, fd, 0, 1000);
	ASSERT_TRUE(bed_read(fd[1], 2000));
	read_again(_metadata, self);
	expect_server(_metadata, self, fd, 0, 3000);
}

/* The buffers of both ends are full, in both directions. */
SITUATION(mid_transfer_stalled)
{
	const struct sockstat_row *row;
	size_t sent[2] = { 0 };
	int fd[2], i;

	ASSERT_TRUE(bed_pair(variant->family, fd));
	for (i = 0; i < 2; i++) {
		static const char buf[32768];
		struct pollfd stalled = { .fd = fd[i], .events = POLLOUT };
		ssize_t n;

		do {
			while ((n = send(fd[i], buf, sizeof(buf), MSG_DONTWAIT)) > 0)
				sent[i] += n;
			ASSERT_EQ(EAGAIN, errno);
			/* the buffers are full if no room is made for a while */
		} while (poll(&stalled, 1, 300 * bed_patience()) > 0);
		ASSERT_LT(0u, sent[i]);
	}
	load(_metadata, self);
	expect_client(_metadata, self, fd, sent[0], 0);
	expect_server(_metadata, self, fd, sent[1], 0);
	row = bed_row(&self->table, getpid(), fd[0]);
	ASSERT_NE(NULL, row);
	EXPECT_LT(0u, row->tx_queue);

	ASSERT_TRUE(bed_read(fd[1], sent[0]));
	ASSERT_TRUE(bed_read(fd[0], sent[1]));
	read_again(_metadata, self);
	expect_client(_metadata, self, fd, sent[0], sent[1]);
	expect_server(_metadata, self, fd, sent[1], sent[0]);
}

/* A FIN takes a sequence number, which must not be counted as a byte. */
static void half_closed(struct __test_metadata *_metadata, FIXTURE_DATA(before) * self,
			enum bed_family family, int closer, bool eof_read)
{
	static const enum sockstat_role role[2] = { SOCKSTAT_ROLE_CLIENT, SOCKSTAT_ROLE_SERVER };
	int fd[2], other = !closer;

	ASSERT_TRUE(bed_pair(family, fd));
	move(_metadata, fd[closer], fd[other], 700);
	move(_metadata, fd[other], fd[closer], 300);
	ASSERT_EQ(0, shutdown(fd[closer], SHUT_WR));
	ASSERT_TRUE(BED_WAIT(bed_state(fd[closer]) == SOCKSTAT_FIN_WAIT2));
	if (eof_read)
		ASSERT_TRUE(bed_at_eof(fd[other]));
	load(_metadata, self);
	expect(_metadata, self, fd[closer], role[closer], 700, 300);
	expect(_metadata, self, fd[other], role[other], 300, 700);

	EXPECT_TRUE(bed_at_eof(fd[other]));
	move(_metadata, fd[other], fd[closer], 11);
	read_again(_metadata, self);
	expect(_metadata, self, fd[closer], role[closer], 700, 311);
	expect(_metadata, self, fd[other], role[other], 311, 700);
}

SITUATION(half_closed_by_client)
{
	half_closed(_metadata, self, variant->family, 0, false);
}

SITUATION(half_closed_by_client_eof_read)
{
	half_closed(_metadata, self, variant->family, 0, true);
}

SITUATION(half_closed_by_server)
{
	half_closed(_metadata, self, variant->family, 1, false);
}

SITUATION(half_closed_by_server_eof_read)
{
	half_closed(_metadata, self, variant->family, 1, true);
}

/* Unread bytes, followed by a FIN. */
SITUATION(half_closed_unread)
{
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	ASSERT_TRUE(bed_write(fd[0], 400));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	ASSERT_TRUE(BED_WAIT(bed_state(fd[0]) == SOCKSTAT_FIN_WAIT2));
	ASSERT_TRUE(bed_read(fd[1], 150));
	load(_metadata, self);
	expect_client(_metadata, self, fd, 400, 0);
	expect_server(_metadata, self, fd, 0, 150);
	ASSERT_TRUE(bed_read(fd[1], 250));
	ASSERT_TRUE(bed_at_eof(fd[1]));
	read_again(_metadata, self);
	expect_server(_metadata, self, fd, 0, 400);
}

SITUATION(both_halves_shut)
{
	const struct sockstat_row *row;
	int fd[2], i;

	ASSERT_TRUE(bed_pair(variant->family, fd));
	move(_metadata, fd[0], fd[1], 90);
	move(_metadata, fd[1], fd[0], 60);
	ASSERT_EQ(0, shutdown(fd[1], SHUT_WR));
	ASSERT_TRUE(bed_at_eof(fd[0]));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	ASSERT_TRUE(bed_at_eof(fd[1]));
	load(_metadata, self);
	for (i = 0; i < 2; i++) {
		row = bed_row(&self->table, getpid(), fd[i]);
		ASSERT_NE(NULL, row);
		EXPECT_EQ(i ? 60u : 90u, row->tx_bytes);
		EXPECT_EQ(i ? 90u : 60u, row->rx_bytes);
	}
}

SITUATION(listening)
{
	const struct sockstat_row *row;
	int listener = bed_listen(variant->family, 5);
	int fd[2];

	ASSERT_LE(0, listener);
	load(_metadata, self);
	expect(_metadata, self, listener, SOCKSTAT_ROLE_NONE, 0, 0);
	row = bed_row(&self->table, getpid(), listener);
	ASSERT_NE(NULL, row);
	EXPECT_STREQ("*:*", row->remote.text);

	fd[0] = bed_connect(variant->family, listener);
	fd[1] = bed_accept(listener);
	ASSERT_LE(0, fd[1]);
	move(_metadata, fd[0], fd[1], 44);
	read_again(_metadata, self);
	expect_client(_metadata, self, fd, 44, 0);
	expect_server(_metadata, self, fd, 0, 44);
	expect(_metadata, self, listener, SOCKSTAT_ROLE_NONE, 0, 0);
}

/* Connected and written to before the module is loaded, accepted afterwards. */
SITUATION(in_the_backlog)
{
	int listener = bed_listen(variant->family, 5);
	int fd[2];

	ASSERT_LE(0, listener);
	fd[0] = bed_connect(variant->family, listener);
	ASSERT_TRUE(bed_write(fd[0], 55));
	ASSERT_TRUE(BED_WAIT(!bed_unacked(fd[0])));
	load(_metadata, self);
	expect_client(_metadata, self, fd, 55, 0);
	fd[1] = bed_accept(listener);
	ASSERT_TRUE(bed_read(fd[1], 50));
	ASSERT_TRUE(bed_write(fd[1], 3));
	read_again(_metadata, self);
	expect_server(_metadata, self, fd, 3, 50);
}

SITUATION(unconnected)
{
	const struct sockstat_row *row;
	struct sockaddr_storage sa;
	socklen_t len = bed_loopback(variant->family, &sa);
	int fresh = bed_socket(variant->family);
	int bound = bed_socket(variant->family);

	ASSERT_EQ(0, bind(bound, (struct sockaddr *)&sa, len));
	load(_metadata, self);
	row = bed_row(&self->table, getpid(), fresh);
	ASSERT_NE(NULL, row);
	EXPECT_STREQ("UNCONN", sockstat_state_name(row->state));
	EXPECT_STREQ("*:*", row->local.text);
	row = bed_row(&self->table, getpid(), bound);
	ASSERT_NE(NULL, row);
	EXPECT_STREQ("UNCONN", sockstat_state_name(row->state));
	EXPECT_STREQ("-", sockstat_role_name(row->role));
	EXPECT_STREQ("*:*", row->remote.text);
	EXPECT_STRNE("*:*", row->local.text);
}

/* The CLOSED row of a connection that no table has shown open has all of its bytes. */
TEST_F_TIMEOUT(before, closed_unseen, SECONDS)
{
	const struct sockstat_row *row;
	uint64_t cookie[2];
	int fd[2], i;

	ASSERT_TRUE(bed_pair(variant->family, fd));
	move(_metadata, fd[0], fd[1], 1234);
	move(_metadata, fd[1], fd[0], 567);
	cookie[0] = bed_cookie(fd[0]);
	cookie[1] = bed_cookie(fd[1]);
	ASSERT_EQ(0, bed_load());
	close(fd[0]);
	close(fd[1]);
	ASSERT_TRUE(bed_table(&self->table));
	for (i = 0; i < 2; i++) {
		row = sockstat_table_find_cookie(&self->table, cookie[i], NULL);
		ASSERT_NE(NULL, row);
		EXPECT_EQ(NULL, sockstat_table_find_cookie(&self->table, cookie[i], row));
		EXPECT_STREQ("CLOSED", sockstat_state_name(row->state));
		EXPECT_STREQ(i ? "server" : "client", sockstat_role_name(row->role));
		EXPECT_EQ(i ? 567u : 1234u, row->tx_bytes);
		EXPECT_EQ(i ? 1234u : 567u, row->rx_bytes);
		EXPECT_EQ(getpid(), row->pid);
		EXPECT_EQ(fd[i], row->fd);
		EXPECT_LT(0, row->closed);
	}
}

SITUATION(closed_before)
{
	uint64_t cookie;
	int fd[2];

	ASSERT_TRUE(bed_pair(variant->family, fd));
	cookie = bed_cookie(fd[0]);
	close(fd[0]);
	ASSERT_TRUE(bed_at_eof(fd[1]));
	close(fd[1]);
	load(_metadata, self);
	EXPECT_EQ(NULL, sockstat_table_find_cookie(&self->table, cookie, NULL));
}

/* Two descriptors in each of two processes: their rows add up to the socket's bytes. */
SITUATION(shared)
{
	const struct sockstat_row *row;
	uint64_t tx = 0, rx = 0;
	int fd[2], rows = 0;
	pid_t child;

	ASSERT_TRUE(bed_pair(variant->family, fd));
	move(_metadata, fd[0], fd[1], 800);
	ASSERT_LE(0, dup(fd[0]));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (bed_write(fd[0], 80) && bed_read(fd[0], 9))
			ppoll(NULL, 0, NULL, NULL);
		_exit(1);
	}
	ASSERT_TRUE(bed_read(fd[1], 80));
	ASSERT_TRUE(bed_write(fd[1], 9));
	ASSERT_TRUE(BED_WAIT(bed_blocked(child, SYS_ppoll)));
	load(_metadata, self);
	for (row = sockstat_table_find_cookie(&self->table, bed_cookie(fd[0]), NULL); row;
	     row = sockstat_table_find_cookie(&self->table, bed_cookie(fd[0]), row)) {
		EXPECT_STREQ("client", sockstat_role_name(row->role));
		tx += row->tx_bytes;
		rx += row->rx_bytes;
		rows++;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	EXPECT_EQ(4, rows);
	EXPECT_EQ(880u, tx);
	EXPECT_EQ(9u, rx);
}

TEST_F_TIMEOUT(before, open, SECONDS)
{
	struct situation situations[] = {
		/* the first one: its child inherits every descriptor that is open */
		{ .name = "shared", .run = shared },
		{ .name = "idle", .run = idle },
		{ .name = "never_used", .run = never_used },
		{ .name = "role_for_every_backlog", .run = role_for_every_backlog },
		{ .name = "mid_transfer_unread", .run = mid_transfer_unread },
		{ .name = "mid_transfer_stalled", .run = mid_transfer_stalled },
		{ .name = "half_closed_by_client", .run = half_closed_by_client },
		{ .name = "half_closed_by_client_eof_read", .run = half_closed_by_client_eof_read },
		{ .name = "half_closed_by_server", .run = half_closed_by_server },
		{ .name = "half_closed_by_server_eof_read", .run = half_closed_by_server_eof_read },
		{ .name = "half_closed_unread", .run = half_closed_unread },
		{ .name = "both_halves_shut", .run = both_halves_shut },
		{ .name = "listening", .run = listening },
		{ .name = "in_the_backlog", .run = in_the_backlog },
		{ .name = "unconnected", .run = unconnected },
		{ .name = "closed_before", .run = closed_before },
	};

	run_together(_metadata, self, variant, situations, ARRAY_SIZE(situations));
}

BED_HARNESS_MAIN
