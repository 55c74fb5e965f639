// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading /proc/sockstat by every system call that can, while connections open and
 * close. Each text must be complete and sorted, have no row twice, and have the row
 * of every descriptor that stays open, with its exact bytes.
 */
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 300 /* a test's timeout */
#define READERS 8
#define PASSES 12 /* reads of the whole table by each reader */
#define STEADY 60 /* connections that stay open */
#define CHURNERS 2
#define PER_ROUND 20 /* connections that a churner opens, uses and closes at a time */

/* ---- judging a text ---- */

struct steady {
	int fd[2];
	uint64_t cookie[2];
	uint64_t tx[2];
};

struct text {
	char *s;
	size_t len, size;
};

static void text_append(struct text *t, const char *s, size_t len)
{
	if (t->len + len > t->size) {
		t->size = 2 * (t->len + len);
		t->s = realloc(t->s, t->size);
		if (!t->s)
			abort();
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
}

static void text_free(struct text *t)
{
	free(t->s);
	*t = (struct text){ 0 };
}

#define WRONG(...)                        \
	do {                              \
		printf("# " __VA_ARGS__); \
		printf("\n");             \
		fflush(stdout);           \
		return false;             \
	} while (0)

static int compare_key(const void *pa, const void *pb)
{
	const struct sockstat_row *a = *(const struct sockstat_row *const *)pa;
	const struct sockstat_row *b = *(const struct sockstat_row *const *)pb;

	if (a->cookie != b->cookie)
		return a->cookie < b->cookie ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->fd != b->fd)
		return a->fd < b->fd ? -1 : 1;
	if (a->opened != b->opened)
		return a->opened < b->opened ? -1 : 1;
	return strcmp(a->comm, b->comm);
}

static bool table_has_no_row_twice(const struct sockstat_table *table)
{
	const struct sockstat_row **keys = calloc(table->n_rows + 1, sizeof(*keys));
	size_t i;

	if (!keys)
		abort();
	for (i = 0; i < table->n_rows; i++)
		keys[i] = &table->rows[i];
	qsort(keys, table->n_rows, sizeof(*keys), compare_key);
	for (i = 1; i < table->n_rows; i++) {
		if (!compare_key(&keys[i - 1], &keys[i]))
			WRONG("lines %u and %u are the same row", keys[i - 1]->line, keys[i]->line);
	}
	free(keys);
	return true;
}

/* Rows without a process, rows by PID and FD, closed rows by the time they closed. */
static bool table_is_sorted(const struct sockstat_table *table)
{
	uint64_t closed = 0;
	size_t i;

	for (i = 0; i < table->n_rows; i++) {
		const struct sockstat_row *row = &table->rows[i];
		const struct sockstat_row *last = i ? row - 1 : NULL;

		if (row->state == SOCKSTAT_CLOSED) {
			/* -1, an unknown closing time, comes first */
			if (closed++ && last->closed > row->closed)
				WRONG("line %u: closed at %lld ns, the row above at %lld",
				      row->line, (long long)row->closed, (long long)last->closed);
			continue;
		}
		if (closed)
			WRONG("line %u: a live row after a closed one", row->line);
		if (last && (last->pid > row->pid || (last->pid == row->pid && last->fd > row->fd)))
			WRONG("line %u: PID/FD %d/%d after %d/%d", row->line, row->pid, row->fd,
			      last->pid, last->fd);
	}
	if (closed != table->trailer_closed)
		WRONG("%llu closed rows, the last line says closed=%llu",
		      (unsigned long long)closed, (unsigned long long)table->trailer_closed);
	return true;
}

static bool table_has_steady(const struct sockstat_table *table, pid_t owner,
			     const struct steady *steady, size_t n)
{
	const struct sockstat_row *row;
	size_t i;
	int k;

	for (i = 0; i < 2 * n; i++) {
		const struct steady *s = &steady[i / 2];

		k = i % 2;
		row = sockstat_table_find_cookie(table, s->cookie[k], NULL);
		if (!row)
			WRONG("descriptor %d, which stays open, has no row", s->fd[k]);
		if (row->pid != owner || row->fd != s->fd[k] || row->tx_bytes != s->tx[k] ||
		    row->rx_bytes != s->tx[!k] || row->state != SOCKSTAT_ESTABLISHED)
			WRONG("line %u: wrong values for descriptor %d", row->line, s->fd[k]);
	}
	return true;
}

static bool text_is_right(const struct text *t, pid_t owner, const struct steady *steady, size_t n)
{
	struct sockstat_table table;
	bool right;

	if (sockstat_table_parse(&table, t->s, t->len)) {
		sockstat_table_free(&table);
		WRONG("%s", table.error);
	}
	right = table_is_sorted(&table) && table_has_no_row_twice(&table) &&
		table_has_steady(&table, owner, steady, n);
	sockstat_table_free(&table);
	return right;
}

/* ---- ways to read; each returns false if a call fails ---- */

static bool read_chunks(int fd, struct text *t, size_t chunk)
{
	char buf[8192];
	ssize_t n;

	while ((n = read(fd, buf, chunk)) > 0)
		text_append(t, buf, n);
	return n == 0;
}

static bool read_bytes(int fd, struct text *t)
{
	return read_chunks(fd, t, 1);
}

static bool read_odd(int fd, struct text *t)
{
	return read_chunks(fd, t, 61);
}

static bool read_page(int fd, struct text *t)
{
	return read_chunks(fd, t, 4096);
}

static bool read_prime(int fd, struct text *t)
{
	return read_chunks(fd, t, 7919);
}

static bool read_at(int fd, struct text *t)
{
	char buf[3001];
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), t->len)) > 0)
		text_append(t, buf, n);
	return n == 0;
}

static bool read_splice(int fd, struct text *t)
{
	char buf[4096];
	ssize_t n;
	int p[2];

	if (pipe(p))
		return false;
	while ((n = splice(fd, NULL, p[1], NULL, sizeof(buf), 0)) > 0) {
		ssize_t got, left = n;

		for (; left; left -= got) {
			got = read(p[0], buf, left);
			if (got <= 0)
				return false;
			text_append(t, buf, got);
		}
	}
	close(p[0]);
	close(p[1]);
	return n == 0;
}

static bool read_sendfile(int fd, struct text *t)
{
	char buf[4096];
	ssize_t n;
	int p[2];

	if (pipe(p))
		return false;
	while ((n = sendfile(p[1], fd, NULL, sizeof(buf))) > 0) {
		ssize_t got, left = n;

		for (; left; left -= got) {
			got = read(p[0], buf, left);
			if (got <= 0)
				return false;
			text_append(t, buf, got);
		}
	}
	close(p[0]);
	close(p[1]);
	return n == 0;
}

/* Read 2000 bytes, then again from the beginning: the second text is judged. */
static bool read_rewind(int fd, struct text *t)
{
	char buf[1000];

	if (read(fd, buf, sizeof(buf)) <= 0 || read(fd, buf, sizeof(buf)) <= 0 ||
	    lseek(fd, 0, SEEK_SET))
		return false;
	return read_page(fd, t);
}

static const struct {
	const char *name;
	bool (*read)(int fd, struct text *t);
} ways[] = {
	{ "1 byte", read_bytes },      { "61 bytes", read_odd }, { "4096 bytes", read_page },
	{ "7919 bytes", read_prime },  { "pread", read_at },	 { "splice", read_splice },
	{ "sendfile", read_sendfile }, { "lseek", read_rewind },
};

/* ---- connections that open and close ---- */

struct churn {
	atomic_bool stop, failed;
	atomic_ulong rounds;
};

static void churn(struct churn *c, enum bed_family family)
{
	int fd[PER_ROUND][2];
	int i;

	while (!c->stop) {
		for (i = 0; i < PER_ROUND; i++) {
			if (!bed_pair(family, fd[i]) || !bed_write(fd[i][0], 100 + i) ||
			    !bed_read(fd[i][1], 100 + i)) {
				perror("# churn");
				c->failed = true;
				return;
			}
		}
		for (i = 0; i < PER_ROUND; i++) {
			close(fd[i][i % 2]);
			close(fd[i][!(i % 2)]);
		}
		c->rounds++;
	}
}

FIXTURE(readers)
{
	struct steady steady[STEADY];
	struct churn *churn;
	pid_t churner[CHURNERS];
	pid_t owner;
	int fd;
};

FIXTURE_SETUP(readers)
{
	int i, k;

	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_start());
	self->owner = getpid();
	for (i = 0; i < STEADY; i++) {
		struct steady *s = &self->steady[i];

		ASSERT_TRUE(bed_pair(i % 3, s->fd));
		for (k = 0; k < 2; k++) {
			s->cookie[k] = bed_cookie(s->fd[k]);
			s->tx[k] = 1000 * i + k;
			ASSERT_TRUE(bed_write(s->fd[k], s->tx[k]));
			ASSERT_TRUE(bed_read(s->fd[!k], s->tx[k]));
		}
	}
	self->churn = mmap(NULL, sizeof(*self->churn), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->churn);
	for (i = 0; i < CHURNERS; i++) {
		self->churner[i] = fork();
		ASSERT_LE(0, self->churner[i]);
		if (!self->churner[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* this process must not hold the steady connections as well */
			for (k = 0; k < STEADY; k++) {
				close(self->steady[k].fd[0]);
				close(self->steady[k].fd[1]);
			}
			churn(self->churn, i % 3);
			_exit(0);
		}
	}
	ASSERT_TRUE(BED_WAIT(self->churn->rounds >= CHURNERS));
	self->fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(readers)
{
	int i;

	self->churn->stop = true;
	for (i = 0; i < CHURNERS; i++)
		waitpid(self->churner[i], NULL, 0);
	EXPECT_FALSE(self->churn->failed);
	close(self->fd);
}

static bool read_one_way(FIXTURE_DATA(readers) * self, size_t way)
{
	int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
	struct text t = { 0 };
	bool right;

	if (fd < 0)
		WRONG("open: %m");
	if (!ways[way].read(fd, &t))
		WRONG("%s: %m", ways[way].name);
	right = text_is_right(&t, self->owner, self->steady, STEADY);
	if (!right)
		printf("# read by %s\n", ways[way].name);
	text_free(&t);
	close(fd);
	return right;
}

TEST_F_TIMEOUT(readers, eight_at_once, SECONDS)
{
	unsigned long rounds = self->churn->rounds;
	pid_t reader[READERS];
	int i, pass, status;

	for (i = 0; i < READERS; i++) {
		reader[i] = fork();
		ASSERT_LE(0, reader[i]);
		if (reader[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* this process must not hold the steady connections as well */
		for (pass = 0; pass < 2 * STEADY; pass++)
			close(self->steady[pass / 2].fd[pass % 2]);
		for (pass = 0; pass < PASSES; pass++) {
			if (!read_one_way(self, (i + pass) % ARRAY_SIZE(ways)))
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < READERS; i++) {
		ASSERT_EQ(reader[i], waitpid(reader[i], &status, 0));
		EXPECT_EQ(0, status) TH_LOG("reader %d", i);
	}
	EXPECT_LT(rounds, self->churn->rounds);
}

TEST_F_TIMEOUT(readers, one_byte_at_a_time, SECONDS)
{
	EXPECT_TRUE(read_one_way(self, 0));
}

/* pread() at any offset returns the same bytes of the snapshot. */
TEST_F_TIMEOUT(readers, pread_from_odd_offsets, SECONDS)
{
	unsigned long rounds;
	struct text t = { 0 };
	char buf[5000];
	unsigned int seed = 1;
	int i;

	ASSERT_TRUE(read_at(self->fd, &t));
	ASSERT_TRUE(text_is_right(&t, self->owner, self->steady, STEADY));
	rounds = self->churn->rounds;
	ASSERT_TRUE(BED_WAIT(self->churn->rounds > rounds + 1));
	for (i = 0; i < 300; i++) {
		size_t off = 1 + rand_r(&seed) % (t.len - 1);
		size_t want = 1 + rand_r(&seed) % sizeof(buf);
		ssize_t n = pread(self->fd, buf, want, off);

		ASSERT_LT(0, n);
		ASSERT_GE((ssize_t)want, n);
		ASSERT_GE(t.len, off + n);
		ASSERT_EQ(0, memcmp(buf, t.s + off, n)) TH_LOG("%zd bytes at %zu", n, off);
	}
	EXPECT_EQ(0, pread(self->fd, buf, sizeof(buf), t.len));
	EXPECT_EQ(0, pread(self->fd, buf, sizeof(buf), t.len + 12345));
	text_free(&t);
}

/* The first read of an open file is not at offset 0. */
TEST_F_TIMEOUT(readers, pread_from_the_middle_first, SECONDS)
{
	struct text t = { 0 };
	char buf[77];
	ssize_t n;

	text_append(&t, "C", 1);
	while ((n = pread(self->fd, buf, sizeof(buf), t.len)) > 0)
		text_append(&t, buf, n);
	ASSERT_EQ(0, n);
	EXPECT_TRUE(text_is_right(&t, self->owner, self->steady, STEADY));
	text_free(&t);
}

TEST_F_TIMEOUT(readers, lseek, SECONDS)
{
	struct text t = { 0 }, again = { 0 };
	struct sockstat_table table;
	unsigned long rounds;
	uint64_t cookie;
	char buf[64];
	int fd[2];

	ASSERT_TRUE(read_page(self->fd, &t));
	rounds = self->churn->rounds;
	ASSERT_TRUE(BED_WAIT(self->churn->rounds > rounds + 1));

	/* seeking to another offset than 0 keeps the snapshot */
	ASSERT_EQ((off_t)t.len / 3, lseek(self->fd, t.len / 3, SEEK_SET));
	ASSERT_EQ((ssize_t)sizeof(buf), read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, t.s + t.len / 3, sizeof(buf)));
	ASSERT_LE(0, lseek(self->fd, -(off_t)sizeof(buf) - 5, SEEK_CUR));
	ASSERT_EQ((ssize_t)sizeof(buf), read(self->fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, t.s + t.len / 3 - 5, sizeof(buf)));

	/* reading at offset 0 takes a new one */
	ASSERT_TRUE(bed_pair(BED_4, fd));
	cookie = bed_cookie(fd[1]);
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	ASSERT_TRUE(read_page(self->fd, &again));
	ASSERT_TRUE(text_is_right(&again, self->owner, self->steady, STEADY));
	ASSERT_EQ(0, sockstat_table_parse(&table, again.s, again.len));
	EXPECT_NE(NULL, sockstat_table_find_cookie(&table, cookie, NULL));
	sockstat_table_free(&table);
	text_free(&t);
	text_free(&again);
}

/* lseek() before the first read. */
TEST_F_TIMEOUT(readers, lseek_first, SECONDS)
{
	struct text t = { 0 };
	char buf[300];

	text_append(&t, "C", 1);
	ASSERT_EQ(1, lseek(self->fd, 1, SEEK_SET));
	ASSERT_TRUE(read_page(self->fd, &t));
	EXPECT_TRUE(text_is_right(&t, self->owner, self->steady, STEADY));
	ASSERT_EQ((ssize_t)sizeof(buf), pread(self->fd, buf, sizeof(buf), 1));
	EXPECT_EQ(0, memcmp(buf, t.s + 1, sizeof(buf)));
	text_free(&t);
}

/* One process seeks in the open file while another takes new snapshots. */
TEST_F_TIMEOUT(readers, lseek_while_read, SECONDS)
{
	atomic_int *sought =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int seed = 1;
	pid_t child = fork();
	char buf[5000];
	int i, status;

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; ++*sought)
			lseek(self->fd, 1 + rand_r(&seed) % 20000, SEEK_SET);
	}
	for (i = 0; i < 50; i++) {
		int before = *sought;

		ASSERT_LT(8, pread(self->fd, buf, sizeof(buf), 0));
		ASSERT_EQ(0, memcmp(buf, "COMMAND ", 8));
		ASSERT_TRUE(BED_WAIT(*sought != before));
	}
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	munmap(sought, 4096);
	EXPECT_TRUE(read_one_way(self, 2));
}

TEST_F_TIMEOUT(readers, splice, SECONDS)
{
	EXPECT_TRUE(read_one_way(self, 5));
	EXPECT_TRUE(read_one_way(self, 6));
}

/* Readers that stop half way do not block others and can go on later. */
TEST_F_TIMEOUT(readers, stop_half_way, SECONDS)
{
	struct text t = { 0 };
	char buf[777];
	int i, fd[50];

	for (i = 0; i < 50; i++) {
		fd[i] = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ((ssize_t)sizeof(buf), read(fd[i], buf, sizeof(buf)));
	}
	for (i = 0; i < 50; i += 2)
		close(fd[i]);
	EXPECT_TRUE(read_one_way(self, 2));
	/* one of them goes on */
	text_append(&t, buf, sizeof(buf));
	ASSERT_TRUE(read_page(fd[49], &t));
	EXPECT_TRUE(text_is_right(&t, self->owner, self->steady, STEADY));
	text_free(&t);
}

/* SIGKILL during a read. */
TEST_F_TIMEOUT(readers, killed, SECONDS)
{
	int i, status;

	for (i = 0; i < 20; i++) {
		atomic_int *reading =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		pid_t child = fork();

		if (!child) {
			for (;; ++*reading) {
				struct sockstat_table table;

				sockstat_table_read(&table, SOCKSTAT_PROC_PATH);
				sockstat_table_free(&table);
			}
		}
		ASSERT_TRUE(BED_WAIT(*reading > 0));
		usleep(i * 500); /* kill it at another point each time */
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		munmap(reading, 4096);
	}
	EXPECT_TRUE(read_one_way(self, 2));
}

BED_HARNESS_MAIN
