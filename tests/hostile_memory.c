// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user who keeps many /proc/sockstat open, with or without a snapshot in each,
 * uses up the memory of their own control group, not that of the machine, and all of
 * it is free again when their processes have exited. Records of descriptors are not
 * charged to anybody, so their number is limited.
 */
#include <grp.h>
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
#define ROWS 4000    /* descriptors, hence rows, of the hoarder */
#define ROW_MIN 100  /* fewer bytes than a row of a snapshot takes */
#define FILES 100000 /* more open files than LIMIT has memory for */
#define MOVED 12345  /* bytes that this process moves */

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
	bool reads;   /* take a snapshot, and read only its beginning */
	size_t least; /* fewer bytes than each open file takes */
};

/* An open file has a buffer for at least one line. */
FIXTURE_VARIANT_ADD(memory, opened){
	.least = 2000,
};

FIXTURE_VARIANT_ADD(memory, half_read){
	.reads = true,
	.least = ROWS * ROW_MIN,
};

/* Read a number from a file: the one after @key, or the first one if @key is NULL. */
static long read_number(const char *path, const char *key)
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

/*
 * KiB of memory that the kernel itself uses and cannot give up, whichever allocator
 * it came from: neither free, nor of processes, nor a cache.
 */
static long kernel_memory(void)
{
	static const char *const other[] = {
		"\nMemFree:",	"\nBuffers:",	 "\nCached:",
		"\nAnonPages:", "\nSwapCached:", "\nSReclaimable:",
	};
	long kib = read_number("/proc/meminfo", "MemTotal:");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(other); i++)
		kib -= read_number("/proc/meminfo", other[i]);
	return kib;
}

static bool make_group(void)
{
	char limit[32];

	snprintf(limit, sizeof(limit), "%d", LIMIT);
	return bed_put("/sys/fs/cgroup/cgroup.subtree_control", "+memory") &&
	       (!mkdir(GROUP, 0755) || errno == EEXIST) && bed_put(GROUP "/memory.max", limit);
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

/* Become a user with ROWS descriptors of the connection @fd. */
static bool become_user(int fd[2])
{
	int i;

	if (setresgid(USER, USER, USER) || setresuid(USER, USER, USER) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) || !bed_pair(BED_4, fd))
		return false;
	for (i = 0; i < ROWS; i++)
		if (dup(fd[0]) < 0)
			return false;
	return true;
}

static bool become_hoarder(void)
{
	struct rlimit limit = { FILES + ROWS + 100, FILES + ROWS + 100 };
	int fd[2];

	return bed_put(GROUP "/cgroup.procs", "0") && !setrlimit(RLIMIT_NOFILE, &limit) &&
	       become_user(fd);
}

/* Open files until memory runs out, which is an error or the OOM killer's SIGKILL. */
static void open_files(struct hoard *h, bool reads)
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

/* Another reader sees the whole table, with the exact bytes of this process. */
static bool table_is_right(const int pair[2])
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

TEST_F_TIMEOUT(memory, is_charged_to_its_user, SECONDS)
{
	long before = kernel_memory(), most = before, reads = 0;
	struct hoard *h = self->hoard;
	int64_t longest = 0;
	int status = 0;
	pid_t pid = fork(), gone = 0;

	if (!pid)
		open_files(h, variant->reads);
	while (!h->error && !gone) {
		int64_t began = bed_now();
		long now;

		ASSERT_TRUE(table_is_right(self->pair));
		reads++;
		longest = bed_now() - began > longest ? bed_now() - began : longest;
		now = kernel_memory();
		most = now > most ? now : most;
		gone = waitpid(pid, &status, WNOHANG);
	}
	printf("# %lu files open, %ld reads by others meanwhile, the longest %lld ms, the kernel grew by %ld KiB\n",
	       h->held, reads, (long long)longest, most - before);
	fflush(stdout);
	if (gone) {
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		EXPECT_LT(0, read_number(GROUP "/memory.events", "oom_kill "));
	} else {
		EXPECT_EQ(ENOMEM, h->error);
	}
	/* the memory of every open file was charged to the group */
	EXPECT_LT(20, h->held);
	EXPECT_GT(LIMIT, h->held * variant->least);
	EXPECT_GT(2 * LIMIT / 1024, most - before);

	if (!gone) {
		EXPECT_TRUE(table_is_right(self->pair));
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_TRUE(BED_WAIT(read_number(GROUP "/memory.current", NULL) < LIMIT / 8));
	EXPECT_TRUE(table_is_right(self->pair));
}

/* ---- records of descriptors, which are not charged to anybody ---- */

#define EACH 1024      /* limit of records for one connection */
#define PLENTY 65536ul /* records of all connections beyond which that limit is FEW */
#define FEW 16ul
#define CONNECTIONS 80
#define SLACK 4096 /* records beyond PLENTY: the first FEW of each connection and others */

/* Call recv() once through each of @descriptors duplicates of a socket. */
static bool use_many(int fd, int descriptors)
{
	char c;
	int i;

	for (i = 0; i < descriptors; i++) {
		int at = dup2(fd, 2000 + i);

		if (at < 0 || recv(at, &c, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN || close(at))
			return false;
		/* let the module's work item allocate more records */
		if (i % 256 == 255)
			usleep(2000);
	}
	return true;
}

/* Count the rows of the descriptors of use_many(), not the one that connected. */
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

/* Make a connection, use it through @descriptors duplicates, return their rows. */
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

TEST_F_TIMEOUT(records, are_limited, SECONDS)
{
	int64_t until = bed_deadline();
	int fd[CONNECTIONS][2], i;
	struct sockstat_table table;

	for (i = 0; i < CONNECTIONS; i++)
		ASSERT_TRUE(bed_pair(BED_4, fd[i]));
	/* repeat it where the module allocates records more slowly than these calls use them */
	do {
		for (i = 0; i < CONNECTIONS; i++)
			ASSERT_TRUE(use_many(fd[i][0], EACH));
	} while (count_rows() <= PLENTY && bed_now() < until);
	ASSERT_TRUE(bed_table(&table));
	printf("# %d descriptors used, %zu rows, dropped %llu\n", CONNECTIONS * EACH, table.n_rows,
	       (unsigned long long)table.dropped);
	fflush(stdout);
	EXPECT_LT(PLENTY, table.n_rows);
	EXPECT_GT(PLENTY + SLACK, table.n_rows);
	EXPECT_LT(0ul, table.dropped);
	sockstat_table_free(&table);

	/* a new connection still gets FEW, one of which its own descriptor has */
	EXPECT_EQ(FEW - 1, use_and_count(100));

	/* and as many as it needs once the others have closed */
	for (i = 0; i < CONNECTIONS; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
	EXPECT_TRUE(BED_WAIT(use_and_count(100) == 100));
}

#define NAMES 40     /* names of one process */
#define NAMES_MAX 32 /* that the module remembers at once */

/* Send a byte through a new descriptor, under a new name. */
static bool send_as(int fd, int name)
{
	char comm[32];
	int at = dup2(fd, 2000 + name);

	snprintf(comm, sizeof(comm), "name %d", name);
	return !prctl(PR_SET_NAME, comm) && at >= 0 && send(at, "", 1, 0) == 1 && !close(at);
}

/* Each descriptor has its row and its byte, also where the name is an older one. */
TEST_F_TIMEOUT(records, names_are_limited, SECONDS)
{
	const struct sockstat_row *row = NULL;
	bool seen[NAMES] = { false };
	struct sockstat_table table;
	int fd[2], i, scanned, rows = 0, names = 0;
	uint64_t dropped;

	ASSERT_TRUE(bed_pair(BED_4, fd));
	ASSERT_TRUE(bed_table(&table));
	dropped = table.dropped;
	sockstat_table_free(&table);
	for (i = 0; i < NAMES; i++)
		ASSERT_TRUE(send_as(fd[0], i));
	ASSERT_TRUE(bed_table(&table));
	while ((row = sockstat_table_find_cookie(&table, bed_cookie(fd[0]), row))) {
		if (row->fd < 2000)
			continue;
		rows++;
		EXPECT_EQ(1ul, row->tx_bytes);
		scanned = sscanf(row->comm, "name %d", &i);
		ASSERT_EQ(1, scanned);
		names += !seen[i];
		seen[i] = true;
	}
	EXPECT_EQ(NAMES, rows);
	EXPECT_GE(NAMES_MAX, names);
	EXPECT_LE(NAMES - NAMES_MAX, (int)(table.dropped - dropped));
	printf("# %d rows with %d names, dropped %d\n", rows, names,
	       (int)(table.dropped - dropped));
	fflush(stdout);
	sockstat_table_free(&table);
	close(fd[0]);
	close(fd[1]);
}

/* ---- snapshots of a user without a limit on memory ---- */

#define QUOTA (64 << 20) /* what the snapshots of one user's files may take */
#define ROW_MAX 300	 /* more bytes than a row of a snapshot takes */

static bool take_snapshot(int fd)
{
	char c;

	return pread(fd, &c, 1, 0) == 1;
}

/* Keep as many snapshots as possible; then let one go, for which there is room for another. */
static int keep_snapshots(void)
{
	static int files[QUOTA / (ROWS * ROW_MIN) + 2];
	int fd[2], i, kept;

	if (!become_user(fd))
		return 1;
	for (kept = 0; kept < (int)ARRAY_SIZE(files); kept++) {
		files[kept] = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
		if (files[kept] < 0 || !take_snapshot(files[kept]))
			break;
	}
	printf("# %d snapshots of %d rows, then %m\n", kept, ROWS);
	fflush(stdout);
	if (errno != ENFILE || kept < QUOTA / (ROWS * ROW_MAX) || kept == ARRAY_SIZE(files))
		return 2;
	close(files[0]);
	if (!take_snapshot(files[kept]))
		return 3;
	for (i = 1; i <= kept; i++)
		close(files[i]);
	return 0;
}

TEST_F_TIMEOUT(records, snapshots_have_a_quota, SECONDS)
{
	struct rlimit limit = { ROWS + 2000, ROWS + 2000 };
	int status;
	pid_t pid;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	pid = fork();
	if (!pid)
		_exit(keep_snapshots());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

/* ---- credentials: closed rows keep no more of them than they need ---- */

#define GROUPS 65536 /* the most that a process can be in; the kernel needs 256 KiB for them */
#define GROUPS_SIZE (GROUPS * (long)sizeof(gid_t))
#define CREDENTIALS 48

/* Use and close a connection with new credentials. */
static bool close_as_member(const gid_t *groups)
{
	int fd[2];

	return !setgroups(GROUPS, groups) && bed_pair(BED_4, fd) && bed_write(fd[0], 1) &&
	       bed_read(fd[1], 1) && !close(fd[0]) && !close(fd[1]);
}

TEST_F_TIMEOUT(records, keep_no_groups, SECONDS)
{
	static gid_t groups[GROUPS];
	long charged;
	int status, i;
	pid_t pid;

	if (!make_group())
		SKIP(return, "/sys/fs/cgroup has no memory controller to give away");
	for (i = 0; i < GROUPS; i++)
		groups[i] = i;
	pid = fork();
	if (!pid) {
		if (!bed_put(GROUP "/cgroup.procs", "0"))
			_exit(2);
		for (i = 0; i < CREDENTIALS && close_as_member(groups); i++)
			;
		_exit(i < CREDENTIALS);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_LE(2ul * CREDENTIALS, count_rows());
	/* the memory of the groups is charged, that of the rows is not */
	EXPECT_TRUE(BED_WAIT(read_number(GROUP "/memory.current", NULL) <
			     CREDENTIALS * GROUPS_SIZE / 4));
	charged = read_number(GROUP "/memory.current", NULL);
	printf("# %d closed connections, %ld KiB\n", CREDENTIALS, charged / 1024);
	fflush(stdout);
	EXPECT_EQ(0, rmdir(GROUP));
}

BED_HARNESS_MAIN
