// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread connects a socket, leaves received data unread and disconnects it with
 * connect(AF_UNSPEC), again and again, while other threads receive from the same
 * socket and read the table. Each connect() makes one row, and the rows add up to
 * what the calls on the socket returned.
 *
 * This needs CPUs that run in parallel: tcp_disconnect() sends a reset and frees the
 * unread data before it clears the peer's port.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 900 /* a test's timeout */
#define BATCHES 2
#define ROUNDS 250     /* connections of one batch */
#define ROUNDS_FEW 30  /* the same, where there are only two CPUs */
#define UNREAD 1000000 /* bytes that the server sends on each connection */
#define WAITING 200000 /* bytes to wait for before the client disconnects */
#define RECEIVERS 2
#define READERS 2
#define HISTORY "/sys/module/sockstat/parameters/history"

struct bed {
	int fd; /* the client's socket */
	int listener;
	uint16_t port;
	atomic_bool stop;
	atomic_uint_fast64_t sent, received, calls;
};

FIXTURE(disconnect)
{
	struct sockstat_table table;
};

FIXTURE_VARIANT(disconnect)
{
	enum bed_family family;
};

FIXTURE_VARIANT_ADD(disconnect, ipv4){
	.family = BED_4,
};

FIXTURE_VARIANT_ADD(disconnect, ipv6){
	.family = BED_6,
};

FIXTURE_SETUP(disconnect)
{
	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, bed_start());
}

FIXTURE_TEARDOWN(disconnect)
{
	sockstat_table_free(&self->table);
}

/* Serve one connection at a time: take one byte, send, and wait for the reset. */
static void *serve(void *arg)
{
	static const char zeros[UNREAD];
	struct bed *bed = arg;
	char c;
	int fd;

	while ((fd = bed_accept(bed->listener)) >= 0) {
		if (recv(fd, &c, 1, 0) == 1) {
			send(fd, zeros, sizeof(zeros), MSG_DONTWAIT | MSG_NOSIGNAL);
			recv(fd, &c, 1, 0);
		}
		close(fd);
	}
	return NULL;
}

/* Every second call takes a byte, the others only look at one. */
static void *receive(void *arg)
{
	struct bed *bed = arg;
	unsigned int i = 0;
	char c;

	while (!bed->stop) {
		int flags = MSG_DONTWAIT | (i++ % 2 ? MSG_PEEK : 0);

		if (recv(bed->fd, &c, 1, flags) == 1 && !(flags & MSG_PEEK))
			bed->received++;
		bed->calls++;
	}
	return NULL;
}

static void *read_table(void *arg)
{
	struct bed *bed = arg;
	static __thread char text[65536];

	while (!bed->stop) {
		int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);

		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
	}
	return NULL;
}

/* Connect, and wait until much is unread. */
static bool begin(struct bed *bed, const struct sockaddr *sa, socklen_t len)
{
	if (connect(bed->fd, sa, len) || send(bed->fd, "x", 1, 0) != 1)
		return false;
	bed->sent++;
	return BED_WAIT(bed_unread(bed->fd) >= WAITING);
}

static bool leave(const struct bed *bed)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };

	return !connect(bed->fd, &none, sizeof(none));
}

/* Two emulated CPUs take turns as a rule, and then more rounds find nothing more. */
static unsigned int count_rounds(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 2 ? ROUNDS : ROUNDS_FEW;
}

/* The last connection stays, so that the receivers end before it does. */
static bool run_rounds(struct bed *bed)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	unsigned int i, rounds = count_rounds();

	if (getsockname(bed->listener, (struct sockaddr *)&sa, &len))
		return false;
	bed->port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	for (i = 0; i < rounds; i++) {
		if ((i && !leave(bed)) || !begin(bed, (struct sockaddr *)&sa, len)) {
			printf("# connection %u of the batch: %m\n", i);
			return false;
		}
	}
	return true;
}

/* sockaddr_in6 has its port where sockaddr_in has it */
static uint16_t remote_port(const struct sockstat_row *row)
{
	return ntohs(((const struct sockaddr_in *)&row->remote.sa)->sin_port);
}

/* Compare the rows of the client's connections with the calls. */
static void judge(struct __test_metadata *_metadata, const struct sockstat_table *table,
		  const struct bed *bed)
{
	uint64_t sent = 0, received = 0, calls = 0;
	unsigned int rows = 0;
	size_t i;

	for (i = 0; i < table->n_rows; i++) {
		const struct sockstat_row *row = &table->rows[i];

		/* the history may still have rows of the batch before */
		if (row->role != SOCKSTAT_ROLE_CLIENT || row->pid != getpid() ||
		    remote_port(row) != bed->port)
			continue;
		rows++;
		sent += row->tx_bytes;
		received += row->rx_bytes;
		calls += row->rx_calls;
	}
	EXPECT_EQ(count_rounds(), rows);
	EXPECT_EQ(bed->sent, sent);
	EXPECT_EQ(bed->received, received);
	EXPECT_EQ(bed->calls, calls);
	EXPECT_EQ(0u, table->missed);
	EXPECT_EQ(0u, table->dropped);
}

static void run_batch(struct __test_metadata *_metadata, struct sockstat_table *table,
		      enum bed_family family)
{
	pthread_t server, threads[RECEIVERS + READERS];
	struct bed bed = { .fd = bed_socket(family), .listener = bed_listen(family, 5) };
	int i, size = 4 << 20;

	ASSERT_LE(0, bed.fd);
	ASSERT_LE(0, bed.listener);
	ASSERT_EQ(0, setsockopt(bed.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)));
	ASSERT_EQ(0, setsockopt(bed.listener, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)));
	ASSERT_TRUE(bed_put(HISTORY, "0"));
	ASSERT_TRUE(bed_put(HISTORY, "4000"));
	pthread_create(&server, NULL, serve, &bed);
	for (i = 0; i < RECEIVERS + READERS; i++)
		pthread_create(&threads[i], NULL, i < RECEIVERS ? receive : read_table, &bed);
	EXPECT_TRUE(run_rounds(&bed));
	bed.stop = true;
	for (i = 0; i < RECEIVERS + READERS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_TRUE(leave(&bed));
	close(bed.fd);
	shutdown(bed.listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(bed.listener);
	ASSERT_TRUE(bed_table(table));
	judge(_metadata, table, &bed);
	sockstat_table_free(table);
}

TEST_F_TIMEOUT(disconnect, one_row_for_each_connection, SECONDS)
{
	int i;

	for (i = 0; i < BATCHES && !_metadata->exit_code; i++)
		run_batch(_metadata, &self->table, variant->family);
}

BED_HARNESS_MAIN
