// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who closed a socket that was never used: its closed row has the descriptor that was
 * given to close(), unless the socket went another way.
 *
 * The sockets are accepted ones, as connect() is a use. Each is found by its cookie.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 120
#define NEVER_USED 3

FIXTURE(closers)
{
	int listener;
	int client;
	struct sockstat_table table;
};

FIXTURE_SETUP(closers)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_load());
	self->listener = bed_listen(BED_4, 20);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(closers)
{
	sockstat_table_free(&self->table);
	close(self->listener);
	EXPECT_EQ(0, bed_unload());
}

/* Return the server's end of a new connection; the client's end stays open. */
static int new_server(struct __test_metadata *_metadata, FIXTURE_DATA(closers) * self)
{
	int fd;

	self->client = bed_connect(BED_4, self->listener);
	ASSERT_LE(0, self->client);
	fd = bed_accept(self->listener);
	ASSERT_LE(0, fd);
	return fd;
}

/* Expect one row of that socket, with these values in PID and FD. */
static void expect_closed(struct __test_metadata *_metadata, FIXTURE_DATA(closers) * self,
			  uint64_t cookie, pid_t pid, int fd)
{
	const struct sockstat_row *row;

	sockstat_table_free(&self->table);
	ASSERT_TRUE(bed_table(&self->table));
	row = sockstat_table_find_cookie(&self->table, cookie, NULL);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(pid, row->pid);
	EXPECT_EQ(fd, row->fd);
	EXPECT_EQ(SOCKSTAT_CLOSED, row->state);
	EXPECT_LT(0, row->closed);
	EXPECT_EQ(NULL, sockstat_table_find_cookie(&self->table, cookie, row));
}

TEST_F_TIMEOUT(closers, close_names_the_descriptor, SECONDS)
{
	int fd = new_server(_metadata, self);
	uint64_t cookie = bed_cookie(fd);

	close(fd);
	expect_closed(_metadata, self, cookie, getpid(), fd);
}

TEST_F_TIMEOUT(closers, dup2_names_the_descriptor, SECONDS)
{
	int fd = new_server(_metadata, self);
	uint64_t cookie = bed_cookie(fd);

	ASSERT_EQ(fd, dup2(self->listener, fd));
	expect_closed(_metadata, self, cookie, getpid(), fd);
	close(fd);
}

/*
 * A process is killed in a close() that lingers. It then closes its other sockets,
 * while its registers are still those of that close().
 */
TEST_F_TIMEOUT(closers, killed_in_a_lingering_close, SECONDS)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 600 };
	uint64_t cookie[NEVER_USED];
	int fd[NEVER_USED], lingering;
	uint64_t lingering_cookie;
	int gate[2];
	pid_t child;
	char c;
	int i;

	ASSERT_EQ(0, pipe(gate));
	lingering = new_server(_metadata, self);
	lingering_cookie = bed_cookie(lingering);
	for (i = 0; i < NEVER_USED; i++) {
		fd[i] = new_server(_metadata, self);
		cookie[i] = bed_cookie(fd[i]);
	}
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(gate[1]);
		if (read(gate[0], &c, 1))
			_exit(1);
		/* the peer does not read: the buffers fill */
		fcntl(lingering, F_SETFL, O_NONBLOCK);
		while (bed_write(lingering, 65536))
			;
		setsockopt(lingering, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		fcntl(lingering, F_SETFL, 0);
		close(lingering);
		_exit(0);
	}
	close(lingering);
	for (i = 0; i < NEVER_USED; i++)
		close(fd[i]);
	close(gate[0]);
	close(gate[1]);
	ASSERT_TRUE(BED_WAIT(bed_blocked(child, SYS_close)));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	for (i = 0; i < NEVER_USED; i++)
		expect_closed(_metadata, self, cookie[i], child, -1);
	expect_closed(_metadata, self, lingering_cookie, child, lingering);
}

/* Put a never-used socket in flight, where it has no descriptor. */
static uint64_t put_in_flight(struct __test_metadata *_metadata, FIXTURE_DATA(closers) * self,
			      int channel[2])
{
	int fd = new_server(_metadata, self);
	uint64_t cookie = bed_cookie(fd);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel));
	ASSERT_TRUE(bed_send_fd(channel[0], fd));
	close(fd);
	return cookie;
}

/* The socket in flight goes with the channel: nobody had a descriptor of it. */
TEST_F_TIMEOUT(closers, in_flight_goes_with_its_channel, SECONDS)
{
	int channel[2];
	uint64_t cookie = put_in_flight(_metadata, self, channel);

	close(channel[0]);
	close(channel[1]);
	expect_closed(_metadata, self, cookie, -1, -1);
}

TEST_F_TIMEOUT(closers, in_flight_goes_with_a_process, SECONDS)
{
	int channel[2];
	uint64_t cookie = put_in_flight(_metadata, self, channel);
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		pause();
	close(channel[0]);
	close(channel[1]);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	expect_closed(_metadata, self, cookie, -1, -1);
}

/* read() does not take descriptors: the kernel drops them. */
TEST_F_TIMEOUT(closers, in_flight_is_not_taken, SECONDS)
{
	int channel[2];
	uint64_t cookie = put_in_flight(_metadata, self, channel);
	char c;

	ASSERT_EQ(1, read(channel[1], &c, 1));
	expect_closed(_metadata, self, cookie, -1, -1);
	close(channel[0]);
	close(channel[1]);
}

TEST_F_TIMEOUT(closers, in_flight_is_received_and_closed, SECONDS)
{
	int channel[2], fd;
	uint64_t cookie = put_in_flight(_metadata, self, channel);

	fd = bed_receive_fd(channel[1]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(cookie, bed_cookie(fd));
	close(fd);
	expect_closed(_metadata, self, cookie, getpid(), fd);
	close(channel[0]);
	close(channel[1]);
}

BED_HARNESS_MAIN
