// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user who opens /proc/sockstat again and again and keeps it open, with or
 * without a snapshot in it, uses up the memory of their control group: it is
 * them who run out, not the machine, and all comes back when they are gone.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 300
#define USER 61001
#define GROUP "/sys/fs/cgroup/sockstat-hoard"
#define LIMIT (48 << 20)
#define ROWS 4000    /* of the hoarder's */
#define ROW_MIN 100  /* bytes that a row takes at the very least */
#define FILES 100000 /* more than fit */
#define MOVED 12345

struct hoard {
	atomic_ulong held;
	atomic_int error;
};

FIXTURE(memory)
{
	struct hoard *hoard;
	int pair[2];
};

FIXTURE_VARIANT(memory)
{
	bool reads;
	size_t least; /* bytes that each open file takes */
};

/* A buffer for at least one line. */
FIXTURE_VARIANT_ADD(memory, opened){
	.least = 2000,
};

FIXTURE_VARIANT_ADD(memory, half_read){
	.reads = true,
	.least = ROWS * ROW_MIN,
};

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

/* A number in a file: the first, or that after @key. */
static long number(const char *path, const char *key)
{
	char text[8192], *at = text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	if (key)
		at = strstr(text, key);
	return at ? strtol(at + (key ? strlen(key) : 0), NULL, 10) : -1;
}

static bool make_group(void)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%d", LIMIT);
	return put("/sys/fs/cgroup/cgroup.subtree_control", "+memory") &&
	       (!mkdir(GROUP, 0755) || errno == EEXIST) && put(GROUP "/memory.max", limit);
}

FIXTURE_SETUP(memory)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	if (!make_group())
		SKIP(return, "/sys/fs/cgroup has no memory controller to give away");
	ASSERT_EQ(0, bed_load());
	self->hoard = mmap(NULL, sizeof(*self->hoard), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->hoard);
	ASSERT_TRUE(bed_pair(BED_4, self->pair));
	ASSERT_TRUE(bed_write(self->pair[0], MOVED));
	ASSERT_TRUE(bed_read(self->pair[1], MOVED));
}

FIXTURE_TEARDOWN(memory)
{
	close(self->pair[0]);
	close(self->pair[1]);
	EXPECT_EQ(0, rmdir(GROUP));
	EXPECT_EQ(0, bed_unload());
}

static bool become_hoarder(void)
{
	struct rlimit limit = { FILES + ROWS + 100, FILES + ROWS + 100 };
	int fd[2], i;

	if (!put(GROUP "/cgroup.procs", "0") || setrlimit(RLIMIT_NOFILE, &limit) ||
	    setresgid(USER, USER, USER) || setresuid(USER, USER, USER) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) || !bed_pair(BED_4, fd))
		return false;
	for (i = 0; i < ROWS; i++)
		if (dup(fd[0]) < 0)
			return false;
	return true;
}

/* Until there is no more, or it is killed for that. */
static void hoard(struct hoard *h, bool reads)
{
	char buf[1000];

	if (!become_hoarder()) {
		perror("# the hoarder");
		_exit(1);
	}
	while (h->held < FILES) {
		int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (reads && pread(fd, buf, sizeof(buf), 0) != sizeof(buf)))
			break;
		h->held++;
	}
	h->error = errno;
	for (;;)
		pause();
}

/* What others read meanwhile: all, and of this process what it has moved. */
static bool reads_well(const int pair[2])
{
	struct sockstat_table table;
	const struct sockstat_row *row;
	bool right = bed_table(&table);
	int i;

	for (i = 0; right && i < 2; i++) {
		row = bed_row(&table, getpid(), pair[i]);
		right = row && row->tx_bytes == (i ? 0 : MOVED) && row->rx_bytes == (i ? MOVED : 0);
	}
	sockstat_table_free(&table);
	return right;
}

TEST_F_TIMEOUT(memory, runs_out, SECONDS)
{
	long before = number("/proc/meminfo", "MemAvailable:"), least = before, reads = 0;
	struct hoard *h = self->hoard;
	int64_t longest = 0;
	int status = 0;
	pid_t pid = fork(), gone = 0;

	if (!pid)
		hoard(h, variant->reads);
	while (!h->error && !gone) {
		int64_t began = bed_now();
		long available;

		ASSERT_TRUE(reads_well(self->pair));
		reads++;
		longest = bed_now() - began > longest ? bed_now() - began : longest;
		available = number("/proc/meminfo", "MemAvailable:");
		least = available < least ? available : least;
		gone = waitpid(pid, &status, WNOHANG);
	}
	printf("# %lu files held, %ld reads by others meanwhile, the longest %lld ms, %ld KiB of the machine\n",
	       h->held, reads, (long long)longest, before - least);
	fflush(stdout);
	if (gone) {
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		EXPECT_LT(0, number(GROUP "/memory.events", "oom_kill "));
	} else {
		EXPECT_EQ(ENOMEM, h->error);
	}
	/* all that it held was its group's */
	EXPECT_LT(20, h->held);
	EXPECT_GT(LIMIT, h->held * variant->least);
	EXPECT_GT(2 * LIMIT / 1024, before - least);

	if (!gone) {
		EXPECT_TRUE(reads_well(self->pair));
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_TRUE(BED_WAIT(number(GROUP "/memory.current", NULL) < LIMIT / 8));
	EXPECT_TRUE(reads_well(self->pair));
}

/* ---- records of descriptors, which nobody can be charged for ---- */

#define EACH 1024      /* that one connection may have */
#define PLENTY 65536ul /* that all may have together, until each gets only */
#define FEW 16ul       /* so many */
#define CONNECTIONS 80
#define ROUNDS 8
#define AT_HAND 4096 /* besides: the first of each connection, and these few */

/* Each of so many descriptors of a socket is used once. */
static bool use_many(int fd, int descriptors)
{
	char c;
	int i;

	for (i = 0; i < descriptors; i++) {
		int at = dup2(fd, 2000 + i);

		if (at < 0 || recv(at, &c, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN || close(at))
			return false;
		/* so that records are at hand */
		if (i % 256 == 255)
			usleep(2000);
	}
	return true;
}

/* Rows of the descriptors of use_many(), not the one that connected. */
static size_t rows_of(uint64_t cookie)
{
	const struct sockstat_row *row = NULL;
	struct sockstat_table table;
	size_t n = 0;

	if (!bed_table(&table))
		return 0;
	while ((row = sockstat_table_find_cookie(&table, cookie, row)))
		n += row->fd >= 2000;
	sockstat_table_free(&table);
	return n;
}

static size_t count_rows(void)
{
	struct sockstat_table table;
	size_t n;

	if (!bed_table(&table))
		return 0;
	n = table.n_rows;
	sockstat_table_free(&table);
	return n;
}

/* Of a new connection. */
static size_t use_and_count(int descriptors)
{
	size_t n = 0;
	int fd[2];

	if (bed_pair(BED_4, fd) && use_many(fd[0], descriptors))
		n = rows_of(bed_cookie(fd[0]));
	close(fd[0]);
	close(fd[1]);
	return n;
}

FIXTURE(records)
{
	int unused;
};

FIXTURE_SETUP(records)
{
	struct rlimit limit = { 8192, 8192 };

	self->unused = 0;
	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_load());
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
}

FIXTURE_TEARDOWN(records)
{
	EXPECT_EQ(0, bed_unload());
}

TEST_F_TIMEOUT(records, used_through_many_descriptors, SECONDS)
{
	int fd[CONNECTIONS][2], i, rounds;
	struct sockstat_table table;

	for (i = 0; i < CONNECTIONS; i++)
		ASSERT_TRUE(bed_pair(BED_4, fd[i]));
	/* again, where records are slower to come than these calls */
	for (rounds = 0; rounds < ROUNDS && count_rows() <= PLENTY; rounds++)
		for (i = 0; i < CONNECTIONS; i++)
			ASSERT_TRUE(use_many(fd[i][0], EACH));
	ASSERT_TRUE(bed_table(&table));
	printf("# %d descriptors used, %zu rows, dropped %llu\n", CONNECTIONS * EACH, table.n_rows,
	       (unsigned long long)table.dropped);
	fflush(stdout);
	EXPECT_LT(PLENTY, table.n_rows);
	EXPECT_GT(PLENTY + AT_HAND, table.n_rows);
	EXPECT_LT(0ul, table.dropped);
	sockstat_table_free(&table);

	/* others still have theirs, in moderation */
	EXPECT_EQ(FEW - 1, use_and_count(100));

	/* and all when that is over */
	for (i = 0; i < CONNECTIONS; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
	EXPECT_TRUE(BED_WAIT(use_and_count(100) == 100));
}

BED_HARNESS_MAIN
