// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations fail, through the kernel's failslab. While connections open and close,
 * a percentage of the allocations fails: those of the module's own records, or those
 * of this program's system calls. Rows that exist must have the exact bytes, rows
 * that do not must be in the count "dropped", and once allocations succeed again, no
 * more rows may be lost. In another test, each single allocation of insmod fails: the
 * module must then leave nothing behind.
 */
#include <signal.h>
#include <sys/mman.h>

#include "../bed.h"
#include "kselftest_harness.h"

#define FAILSLAB "/sys/kernel/debug/failslab"
#define HISTORY "/sys/module/sockstat/parameters/history"
#define SECONDS 3600 /* a test's timeout */

/* Connections, of two sockets each: more than the module has spare records for, 2048. */
#define PAIRS_SHORT 1200
#define PAIRS_FULL 10000
#define PAIRS_AFTER 20

struct pair {
	int fd[2];
	uint64_t cookie[2];
	uint64_t sent[2], got[2];
};

static bool set_percent(unsigned int percent)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", percent);
	return bed_put(FAILSLAB "/probability", text);
}

/* Let allocations from the module's caches fail, else those of this task's calls. */
static bool failslab_aim(bool at_caches)
{
	static const char *const caches[] = { "conn", "past", "holder", "process" };
	char path[64];
	unsigned int i;

	for (i = 0; at_caches && i < ARRAY_SIZE(caches); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/sockstat_%s/failslab", caches[i]);
		if (!bed_put(path, "1"))
			return false;
	}
	return bed_put(FAILSLAB "/cache-filter", at_caches ? "Y" : "N") &&
	       bed_put(FAILSLAB "/task-filter", at_caches ? "N" : "Y") &&
	       bed_put(FAILSLAB "/ignore-gfp-wait", "N") && bed_put(FAILSLAB "/interval", "1") &&
	       bed_put(FAILSLAB "/times", "-1") && bed_put(FAILSLAB "/verbose", "0");
}

/* ---- calls that may fail ---- */

static int switch_fd = -1;
static unsigned int calls, failures;

/*
 * Make a call with failslab on for this task. It is off elsewhere, because the kernel
 * retries a page fault without memory, which malloc() may cause, endlessly.
 */
#define FAILING(call)                                                          \
	({                                                                     \
		ssize_t ret_;                                                  \
		int err_;                                                      \
                                                                               \
		if (pwrite(switch_fd, "1", 1, 0) != 1)                         \
			abort();                                               \
		ret_ = (call);                                                 \
		err_ = errno;                                                  \
		if (pwrite(switch_fd, "0", 1, 0) != 1)                         \
			abort();                                               \
		calls++;                                                       \
		failures += ret_ < 0 && err_ != EAGAIN && err_ != EINPROGRESS; \
		errno = err_;                                                  \
		ret_;                                                          \
	})

static char buffer[8192];

static void open_failing(struct pair *p, enum bed_family family, int listener)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	p->fd[0] =
		FAILING(socket(bed_domain(family), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (p->fd[0] < 0)
		return;
	if (!getsockname(listener, (struct sockaddr *)&sa, &len))
		FAILING(connect(p->fd[0], (struct sockaddr *)&sa, len));
	p->fd[1] = FAILING(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

static void move_failing(struct pair *p, size_t bytes)
{
	ssize_t n;
	int i;

	for (i = 0; i < 2; i++) {
		n = p->fd[i] < 0 ? -1 : FAILING(write(p->fd[i], buffer, bytes));
		if (n > 0)
			p->sent[i] += n;
		n = p->fd[!i] < 0 ? -1 : FAILING(read(p->fd[!i], buffer, sizeof(buffer)));
		if (n > 0)
			p->got[!i] += n;
	}
}

static void close_failing(struct pair *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (p->fd[i] >= 0)
			FAILING(close(p->fd[i]));
	}
}

/* A read of the table fails or returns the whole table. */
static bool read_failing(void)
{
	static const char last[] = "\n# version=1 rows=";
	static char text[1 << 22];
	int fd = FAILING(open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC));
	size_t len = 0;
	ssize_t n = -1;

	if (fd < 0)
		return true;
	do {
		n = FAILING(read(fd, text + len, sizeof(text) - 1 - len));
		if (n > 0)
			len += n;
	} while (n > 0);
	close(fd);
	text[len] = '\0';
	return n < 0 || strstr(text, last);
}

/* ---- calls that must not fail ---- */

static bool open_nonblocking(struct pair *p, enum bed_family family)
{
	return bed_pair(family, p->fd) && !fcntl(p->fd[0], F_SETFL, O_NONBLOCK) &&
	       !fcntl(p->fd[1], F_SETFL, O_NONBLOCK);
}

static bool move(struct pair *p, size_t bytes)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (!bed_write(p->fd[i], bytes) || !bed_read(p->fd[!i], bytes))
			return false;
		p->sent[i] += bytes;
		p->got[!i] += bytes;
	}
	return true;
}

static void note_cookies(struct pair *p)
{
	int i;

	for (i = 0; i < 2; i++)
		p->cookie[i] = p->fd[i] < 0 ? 0 : bed_cookie(p->fd[i]);
}

static void close_pair(struct pair *p)
{
	close(p->fd[0]);
	close(p->fd[1]);
}

/* ---- comparing the table ---- */

struct shown {
	unsigned int ends;    /* sockets that were looked up */
	unsigned int missing; /* those without a row */
	unsigned int wrong;   /* those whose rows have other bytes */
	uint64_t dropped;     /* the table's own count */
};

static void compare_end(struct shown *s, const struct sockstat_table *table, const struct pair *p,
			int end)
{
	const struct sockstat_row *row = NULL;
	uint64_t tx = 0, rx = 0;
	unsigned int rows = 0;

	if (!p->cookie[end])
		return;
	while ((row = sockstat_table_find_cookie(table, p->cookie[end], row))) {
		tx += row->tx_bytes;
		rx += row->rx_bytes;
		rows++;
	}
	s->ends++;
	if (!rows) {
		s->missing++;
	} else if (tx != p->sent[end] || rx != p->got[end]) {
		s->wrong++;
		printf("# end %d: tx %llu of %llu, rx %llu of %llu\n", end, (unsigned long long)tx,
		       (unsigned long long)p->sent[end], (unsigned long long)rx,
		       (unsigned long long)p->got[end]);
	}
}

static bool compare_table(struct shown *s, const struct pair *pairs, unsigned int n)
{
	struct sockstat_table table;
	unsigned int i;

	*s = (struct shown){ 0 };
	if (!bed_table(&table))
		return false;
	for (i = 0; i < 2 * n; i++)
		compare_end(s, &table, &pairs[i / 2], i % 2);
	s->dropped = table.dropped;
	sockstat_table_free(&table);
	return true;
}

FIXTURE(failslab)
{
	struct pair *pairs;
	unsigned int n;
	int listener[3];
};

FIXTURE_VARIANT(failslab)
{
	unsigned int percent;
};

FIXTURE_VARIANT_ADD(failslab, percent_1){
	.percent = 1,
};

FIXTURE_VARIANT_ADD(failslab, percent_10){
	.percent = 10,
};

FIXTURE_VARIANT_ADD(failslab, percent_100){
	.percent = 100,
};

FIXTURE_SETUP(failslab)
{
	const char *size = getenv("SOCKSTAT_LOAD");
	int i;

	/* each test skips itself: older harnesses run it even if the setup skips */
	if (access(FAILSLAB, F_OK))
		return;
	ASSERT_EQ(0, bed_load());
	/* no closed row is evicted */
	ASSERT_TRUE(bed_put(HISTORY, "1000000"));
	self->n = size && !strcmp(size, "full") ? PAIRS_FULL : PAIRS_SHORT;
	self->pairs = calloc(self->n + PAIRS_AFTER, sizeof(*self->pairs));
	ASSERT_NE(NULL, self->pairs);
	for (i = 0; i < 3; i++) {
		self->listener[i] = bed_listen(i, 100);
		ASSERT_LE(0, self->listener[i]);
		ASSERT_EQ(0, fcntl(self->listener[i], F_SETFL, O_NONBLOCK));
	}
	switch_fd = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, switch_fd);
	/* the kernel may have closed the other end for lack of memory */
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
}

FIXTURE_TEARDOWN(failslab)
{
	if (access(FAILSLAB, F_OK))
		return;
	EXPECT_TRUE(set_percent(0));
	EXPECT_EQ(0, bed_unload());
}

/* Allocations succeed again: no more rows are lost. */
static void expect_nothing_lost(struct __test_metadata *_metadata, struct pair *pairs,
				const struct shown *before)
{
	struct shown now;
	int i;

	for (i = 0; i < PAIRS_AFTER; i++) {
		ASSERT_TRUE(bed_pair(i % 3, pairs[i].fd));
		note_cookies(&pairs[i]);
		ASSERT_TRUE(move(&pairs[i], 100 + i));
		if (i % 2)
			close_pair(&pairs[i]);
	}
	ASSERT_TRUE(compare_table(&now, pairs, PAIRS_AFTER));
	EXPECT_EQ(2 * PAIRS_AFTER, now.ends);
	EXPECT_EQ(0, now.missing);
	EXPECT_EQ(0, now.wrong);
	EXPECT_EQ(before->dropped, now.dropped);
}

TEST_F_TIMEOUT(failslab, lost_records_are_counted, SECONDS)
{
	struct sockstat_table table;
	uint64_t dropped = 0;
	struct shown shown;
	unsigned int i;

	if (access(FAILSLAB, F_OK))
		SKIP(return, "this kernel has no failslab, or this user is not root");
	ASSERT_TRUE(failslab_aim(true));
	ASSERT_TRUE(set_percent(variant->percent));
	for (i = 0; i < self->n; i++) {
		struct pair *p = &self->pairs[i];

		ASSERT_TRUE(bed_pair(i % 3, p->fd));
		note_cookies(p);
		ASSERT_TRUE(move(p, 100 + i));
		if (i % 2)
			close_pair(p);
		if (i % 100)
			continue;
		ASSERT_TRUE(bed_table(&table));
		EXPECT_LE(dropped, table.dropped);
		dropped = table.dropped;
		sockstat_table_free(&table);
	}
	ASSERT_TRUE(set_percent(0));
	ASSERT_TRUE(compare_table(&shown, self->pairs, self->n));
	printf("# %u %%: %u sockets, %u without a row, dropped %llu\n", variant->percent,
	       shown.ends, shown.missing, (unsigned long long)shown.dropped);
	EXPECT_EQ(2 * self->n, shown.ends);
	EXPECT_EQ(0, shown.wrong);
	EXPECT_LE(shown.missing, shown.dropped);
	if (variant->percent == 100)
		EXPECT_LT(0, shown.missing);
	expect_nothing_lost(_metadata, self->pairs + self->n, &shown);
}

TEST_F_TIMEOUT(failslab, failed_calls_are_exact, SECONDS)
{
	struct shown shown;
	unsigned int i;

	if (access(FAILSLAB, F_OK))
		SKIP(return, "this kernel has no failslab, or this user is not root");
	ASSERT_TRUE(failslab_aim(false));
	ASSERT_TRUE(set_percent(variant->percent));
	for (i = 0; i < self->n; i++) {
		struct pair *p = &self->pairs[i];

		*p = (struct pair){ .fd = { -1, -1 } };
		if (i % 2)
			open_failing(p, i % 3, self->listener[i % 3]);
		else
			ASSERT_TRUE(open_nonblocking(p, i % 3));
		note_cookies(p);
		move_failing(p, 100 + i % 4096);
		move_failing(p, 100 + i % 4096);
		if (i % 4 < 2)
			close_failing(p);
		if (i % 100 == 0)
			EXPECT_TRUE(read_failing());
	}
	ASSERT_TRUE(set_percent(0));
	ASSERT_TRUE(compare_table(&shown, self->pairs, self->n));
	printf("# %u %%: %u calls, %u failed; %u sockets, %u without a row, dropped %llu\n",
	       variant->percent, calls, failures, shown.ends, shown.missing,
	       (unsigned long long)shown.dropped);
	EXPECT_LT(0, failures);
	EXPECT_LT(0, shown.ends);
	EXPECT_EQ(0, shown.wrong);
	EXPECT_LE(shown.missing, shown.dropped);
	expect_nothing_lost(_metadata, self->pairs + self->n, &shown);
}

/* ---- insmod ---- */

/* Kept open, because open() would use up one of the allocations. */
static int nth_fd = -1;

FIXTURE(insmod)
{
	unsigned int probes;
};

static unsigned int probes_now(void)
{
	FILE *f = fopen("/sys/kernel/debug/kprobes/list", "re");
	unsigned int lines = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		lines += c == '\n';
	if (f)
		fclose(f);
	return lines;
}

FIXTURE_SETUP(insmod)
{
	if (access(FAILSLAB, F_OK))
		return;
	if (bed_loaded())
		ASSERT_EQ(0, bed_unload());
	self->probes = probes_now();
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, nth_fd);
	ASSERT_TRUE(failslab_aim(false));
}

FIXTURE_TEARDOWN(insmod)
{
}

/* Let the @nth allocation from now on fail; 0 for none. */
static bool set_nth(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(nth_fd, text, len, 0) == len;
}

/* Return how many allocations are left until that one; 0 if it has failed. */
static unsigned int nth_left(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) < 1)
		abort();
	return strtoul(text, NULL, 10);
}

static bool module_left_something(unsigned int probes)
{
	static const char *const left[] = {
		"/proc/sockstat",
		"/sys/module/sockstat",
		"/sys/kernel/slab/sockstat_conn",
		"/sys/kernel/slab/sockstat_past",
		"/sys/kernel/slab/sockstat_holder",
		"/sys/kernel/slab/sockstat_process",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(left); i++) {
		if (!access(left[i], F_OK)) {
			printf("# %s still exists\n", left[i]);
			return true;
		}
	}
	return probes_now() != probes;
}

/* The 1st allocation fails, then the 2nd and so on, with growing steps after the 16th. */
TEST_F_TIMEOUT(insmod, any_allocation_may_fail, SECONDS)
{
	unsigned int nth = 0, tries = 0, refused = 0, left = 0;
	int err;

	if (access(FAILSLAB, F_OK))
		SKIP(return, "this kernel has no failslab, or this user is not root");
	while (!left) {
		nth += 1 + nth / 16;
		tries++;
		ASSERT_TRUE(set_nth(nth));
		err = bed_load();
		left = nth_left();
		ASSERT_TRUE(set_nth(0));
		if (err) {
			EXPECT_EQ(ENOMEM, err);
			refused++;
		} else {
			/* none failed, or one whose failure the kernel tolerates */
			ASSERT_EQ(0, bed_unload());
		}
		ASSERT_TRUE(BED_WAIT(!module_left_something(self->probes)));
	}
	printf("# %u allocations, %u of which failed in turn: %u insmod failed\n", nth - left,
	       tries - 1, refused);
	EXPECT_LT(10, refused);
	EXPECT_EQ(0, bed_load());
	EXPECT_EQ(0, bed_unload());
}

BED_HARNESS_MAIN
