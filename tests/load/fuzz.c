// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers that do at random whatever one can do with an open file, while
 * connections come and go and the parameter is given anything:
 *
 * - what is read is compared, byte by byte, with the whole text of the same
 *   snapshot, and that text's own rows with what this process has moved;
 * - what cannot be done fails as with a plain file of /proc (/proc/devices, a
 *   seq_file, too, takes the same call);
 * - the parameter has what it took last, by its own rule (kstrtouint()).
 *
 * SEED= has the same calls made again, SOCKSTAT_LOAD=full makes them for long.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "fuzz.h"
#include "fuzz_history.h"
#include "kselftest_harness.h"

#define SHORT 12 /* seconds */
#define FULL 600
#define FUZZERS 5
#define USER 61001 /* the last fuzzer's */
#define FILES 4	   /* each has open */
#define CHURNERS 2
#define PAIRS 12 /* that a churner opens at a time */
#define TEXT_MAX (16 << 20)
#define PLAIN_PATH "/proc/devices"

/* ---- an open file, and what is known of it ---- */

struct open_file {
	int fd, plain;
	off_t at; /* its position */
	char *text;
	size_t len;
};

static void check_own_rows(const struct sockstat_table *table)
{
	int i;

	for (i = 0; i < 2; i++) {
		const struct sockstat_row *row = bed_row(table, getpid(), me.pair[i]);

		if (!row)
			DIE("no row of descriptor %d", me.pair[i]);
		if (row->tx_bytes != me.moved[i] || row->rx_bytes != me.moved[!i])
			DIE("line %u: not the %lu and %lu bytes that were moved", row->line,
			    (unsigned long)me.moved[i], (unsigned long)me.moved[!i]);
	}
}

/* Takes a snapshot and keeps its text, which is read at one go. */
static void renew(struct open_file *f)
{
	struct sockstat_table table;
	size_t len = 0;
	ssize_t n;

	while ((n = pread(f->fd, me.text + len, TEXT_MAX - len, len)) > 0)
		len += n;
	if (n)
		DIE("a plain pread() at %zu: %m", len);
	if (sockstat_table_parse(&table, me.text, len))
		DIE("%s", table.error);
	check_own_rows(&table);
	sockstat_table_free(&table);
	free(f->text);
	f->text = malloc(len);
	if (!f->text)
		DIE("no memory");
	memcpy(f->text, me.text, len);
	f->len = len;
	shared->snapshots++;
}

static void compare(const struct open_file *f, const char *got, size_t n, off_t at)
{
	if (!at) {
		/* of a snapshot of its own */
		if (memcmp(got, "COMMAND ", n < 8 ? n : 8))
			DIE("the text begins with \"%.*s\"", n < 8 ? (int)n : 8, got);
	} else if ((size_t)at > f->len || n > f->len - at || memcmp(f->text + at, got, n)) {
		DIE("%zu bytes at %lld are not the text's", n, (long long)at);
	}
	shared->bytes += n;
}

/*
 * What a read of up to @want bytes at @at gave; @room of them could be written
 * to (the rest is bad memory), and were, to @got.
 */
static void judge(struct open_file *f, ssize_t n, const char *got, size_t want, size_t room,
		  off_t at)
{
	bool more = (size_t)at < f->len && want;

	if (n > 0 && ((size_t)n > want || (size_t)n > room))
		DIE("%zd bytes of %zu", n, want);
	if (n > 0)
		compare(f, got, n, at);
	else if (n < 0 && (errno != EFAULT || room >= want))
		DIE("%zu bytes at %lld: %m", want, (long long)at);
	else if (more && room && n <= 0)
		DIE("%zu bytes at %lld: %zd, there are %zu", want, (long long)at, n, f->len);
	else if (more && !room && !n)
		DIE("the end at %lld, in bad memory", (long long)at);
	/* that may have been a snapshot */
	if (!at)
		renew(f);
}

static off_t some_offset(const struct open_file *f)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return f->len + below(3) - 1;
	case 2:
		return f->len + any64() % (1ULL << 40);
	default:
		return below(f->len);
	}
}

static size_t some_size(void)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return ROOM;
	default:
		return below(1 << (1 + below(18)));
	}
}

/* ---- reads: the text itself is what to compare with ---- */

static void do_pread(struct open_file *f)
{
	off_t at = some_offset(f);
	size_t want = some_size();

	judge(f, pread(f->fd, me.room, want, at), me.room, want, want, at);
}

static void do_read(struct open_file *f)
{
	size_t want = some_size();
	ssize_t n = read(f->fd, me.room, want);
	off_t at = f->at;

	if (n > 0)
		f->at += n;
	judge(f, n, me.room, want, want, at);
}

/* Memory that ends within what is to be read. */
static void do_pread_bad(struct open_file *f)
{
	off_t at = some_offset(f);
	size_t room = below(3) ? below(2 * PAGE) : 0, want = room + 1 + below(ROOM);
	char *to = me.room + ROOM - room;
	ssize_t n = pread(f->fd, to, want, at);

	/* it may be said to have been too long before it is found to be bad */
	if (n < 0 && !at)
		renew(f);
	else if (room < 64 && n < 0 && errno == EFAULT)
		return;
	else
		judge(f, n, to, want, room, at);
}

static void do_readv(struct open_file *f)
{
	struct iovec iov[4];
	int i, parts = 1 + below(4);
	off_t at = some_offset(f);
	size_t want = 0;

	for (i = 0; i < parts; i++) {
		iov[i].iov_base = me.room + want;
		iov[i].iov_len = some_size() / 4;
		want += iov[i].iov_len;
	}
	judge(f, preadv(f->fd, iov, parts, at), me.room, want, want, at);
}

/* As much as there may be at all: no more memory than is there is written to. */
static void do_pread_huge(struct open_file *f)
{
	off_t at = 1 + below(f->len);

	judge(f, pread(f->fd, me.room, INT_MAX, at), me.room, INT_MAX, ROOM, at);
}

static void do_lseek(struct open_file *f)
{
	off_t by = below(4) ? some_offset(f) : (off_t)any64(), to, expected = -1;
	int whence = below(6);

	if (below(2))
		by = -by;
	if (whence == SEEK_SET)
		expected = by;
	else if (whence == SEEK_CUR)
		expected = (off_t)((uint64_t)f->at + (uint64_t)by);
	if (expected < 0)
		expected = -1;
	to = lseek(f->fd, by, whence);
	if (to != expected || (to < 0 && errno != EINVAL))
		DIE("%lld from %d at %lld gives %lld", (long long)by, whence, (long long)f->at,
		    (long long)to);
	if (to >= 0)
		f->at = to;
	/* far out is nowhere to go on from */
	if (f->at > 1LL << 40)
		f->at = lseek(f->fd, below(f->len), SEEK_SET);
}

/* What came into a pipe. */
static void drain(struct open_file *f, int pipe, ssize_t n, size_t want, off_t at)
{
	ssize_t got, all = 0;

	while (all < n && (got = read(pipe, me.room + all, n - all)) > 0)
		all += got;
	if (n > 0 && all != n)
		DIE("%zd bytes came into the pipe, not %zd", all, n);
	judge(f, n, me.room, want, want, at);
}

static void do_splice(struct open_file *f)
{
	off_t at = 1 + below(f->len + 10), pos = at;
	size_t want = 1 + below(2 * PAGE);
	int p[2];

	if (pipe(p))
		DIE("pipe: %m");
	if (below(2))
		drain(f, p[0], splice(f->fd, &pos, p[1], NULL, want, 0), want, at);
	else
		drain(f, p[0], sendfile(p[1], f->fd, &pos, want), want, at);
	close(p[0]);
	close(p[1]);
}

struct part {
	struct open_file *f;
	unsigned int seed;
	int fd;
	bool seeks;
};

/* Nothing here takes a snapshot. */
static void *read_beside(void *arg)
{
	struct part *part = arg;
	char buf[3000];
	int i;

	for (i = 0; i < 20; i++) {
		off_t at = 1 + rand_r(&part->seed) % part->f->len;

		if (part->seeks) {
			lseek(part->fd, at, SEEK_SET);
		} else {
			ssize_t n = pread(part->fd, buf, sizeof(buf), at);

			if (n < 0 || (!n && (size_t)at < part->f->len))
				DIE("%zd bytes at %lld", n, (long long)at);
			compare(part->f, buf, n, at);
		}
	}
	return NULL;
}

/* Several threads, each with a descriptor of its own of the same open file. */
static void do_threads(struct open_file *f)
{
	pthread_t thread[4];
	struct part part[4];
	int i;

	for (i = 0; i < 4; i++) {
		part[i] = (struct part){ f, rand_r(&me.seed), dup(f->fd), !i };
		if (pthread_create(&thread[i], NULL, read_beside, &part[i]))
			DIE("no thread");
	}
	for (i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		close(part[i].fd);
	}
	f->at = lseek(f->fd, 1, SEEK_SET);
}

static void do_as_plain(struct open_file *f)
{
	unsigned int i = below(ARRAY_SIZE(calls));
	uint64_t a = any64(), b = any64();
	long plain, ours;
	int plain_err;

	me.doing = calls[i].name;
	errno = 0;
	plain = calls[i].call(f->plain, a, b);
	plain_err = errno;
	errno = 0;
	ours = calls[i].call(f->fd, a, b);
	if (ours != plain || (ours < 0 && errno != plain_err))
		DIE("(%#llx, %#llx) gives %ld (%s), with " PLAIN_PATH " %ld (%s)",
		    (unsigned long long)a, (unsigned long long)b, ours, strerror(errno), plain,
		    strerror(plain_err));
}

/* In whatever mode; what cannot be opened so is tried again as it should be. */
static void do_open(struct open_file *f)
{
	static const int flags[] = {
		O_WRONLY,   O_RDWR,	O_APPEND, O_CREAT,   O_TRUNC,
		O_EXCL,	    O_NONBLOCK, O_DIRECT, O_SYNC,    O_DIRECTORY,
		O_NOFOLLOW, O_NOATIME,	O_PATH,	  O_TMPFILE, O_LARGEFILE,
	};
	int how = O_CLOEXEC | (below(2) ? flags[below(ARRAY_SIZE(flags))] : 0) |
		  (below(8) ? 0 : flags[below(ARRAY_SIZE(flags))]);
	int plain_err, err;

	close(f->fd);
	close(f->plain);
	f->plain = open(PLAIN_PATH, how, 0600);
	plain_err = errno;
	f->fd = open(SOCKSTAT_PROC_PATH, how, 0600);
	err = errno;
	if (f->fd < 0 ? f->plain >= 0 || err != plain_err : f->plain < 0)
		DIE("%#o gives %s, with " PLAIN_PATH " %s", how, strerror(err),
		    strerror(plain_err));
	if (f->fd < 0 || how & (O_PATH | O_WRONLY | O_RDWR)) {
		if (f->fd >= 0 && read(f->fd, me.room, 1) >= 0 && how & (O_PATH | O_WRONLY))
			DIE("read in spite of %#o", how);
		close(f->fd);
		close(f->plain);
		f->fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
		f->plain = open(PLAIN_PATH, O_RDONLY | O_CLOEXEC);
		if (f->fd < 0 || f->plain < 0)
			DIE("open: %m");
	}
	f->at = 0;
	renew(f);
}

/* ---- the crew ---- */

static void move_some(void)
{
	size_t n = below(30000);
	int from = below(2);

	if (!bed_write(me.pair[from], n) || !bed_read(me.pair[!from], n))
		DIE("moving %zu bytes: %m", n);
	me.moved[from] += n;
}

static void step(struct open_file *f)
{
	static const struct {
		const char *name;
		void (*call)(struct open_file *f);
	} reads[] = {
		{ "pread", do_pread },	       { "read", do_read },	 { "pread", do_pread },
		{ "pread_bad", do_pread_bad }, { "readv", do_readv },	 { "huge", do_pread_huge },
		{ "lseek", do_lseek },	       { "read", do_read },	 { "splice", do_splice },
		{ "as plain", do_as_plain },   { "plain", do_as_plain }, { "plain", do_as_plain },
	};
	unsigned int i = below(ARRAY_SIZE(reads) * 10);

	me.step++;
	shared->calls++;
	if (i < 2) {
		me.doing = "open";
		do_open(f);
	} else if (i < 4) {
		me.doing = "threads";
		do_threads(f);
	} else if (i < 8) {
		me.doing = "move";
		move_some();
	} else {
		me.doing = reads[i / 10].name;
		reads[i / 10].call(f);
	}
}

static int fuzz(int number, unsigned int seed)
{
	struct open_file files[FILES] = { 0 };
	int i;

	me.seed = seed;
	me.number = number;
	me.doing = "start";
	me.text = malloc(TEXT_MAX);
	me.room =
		mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!me.text || me.room == MAP_FAILED || mprotect(me.room + ROOM, PAGE, PROT_NONE))
		DIE("no memory");
	if (number == FUZZERS - 1 && (setresgid(USER, USER, USER) || setresuid(USER, USER, USER)))
		DIE("setuid: %m");
	if (!bed_pair(number % 3, me.pair))
		DIE("no connection: %m");
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < FILES; i++) {
		files[i].fd = files[i].plain = -1;
		do_open(&files[i]);
	}
	while (!shared->stop)
		step(&files[below(FILES)]);
	return 0;
}

static void churn(enum bed_family family)
{
	int fd[PAIRS][2], i;

	while (!shared->stop) {
		for (i = 0; i < PAIRS; i++) {
			if (!bed_pair(family, fd[i]) || !bed_write(fd[i][0], 100 + i) ||
			    !bed_read(fd[i][1], 100 + i)) {
				perror("# churn");
				_exit(1);
			}
		}
		for (i = 0; i < PAIRS; i++) {
			close(fd[i][i % 2]);
			close(fd[i][!(i % 2)]);
		}
		shared->rounds++;
	}
	_exit(0);
}

static pid_t start(int i, unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (i < FUZZERS)
		_exit(fuzz(i, seed + i));
	if (i < FUZZERS + CHURNERS)
		churn(i % 3);
	_exit(set_values(i, seed + i));
}

#define CREW (FUZZERS + CHURNERS + 1)

static int seconds(void)
{
	const char *size = getenv("SOCKSTAT_LOAD");

	return size && !strcmp(size, "full") ? FULL : SHORT;
}

static unsigned int first_seed(void)
{
	const char *seed = getenv("SEED");

	return seed ? strtoul(seed, NULL, 0) : (unsigned int)time(NULL);
}

/* Whether all go on until they are told to stop. */
static bool run(int seconds)
{
	int64_t until = bed_now() + 1000LL * seconds;

	while (bed_now() < until) {
		siginfo_t gone = { 0 };

		if (waitid(P_ALL, 0, &gone, WEXITED | WNOHANG | WNOWAIT) || gone.si_pid)
			return false;
		usleep(50000);
	}
	return true;
}

FIXTURE(fuzz)
{
	pid_t crew[CREW];
	unsigned int seed;
};

FIXTURE_SETUP(fuzz)
{
	int i;

	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_load());
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ASSERT_NE(MAP_FAILED, shared);
	self->seed = first_seed();
	printf("# SEED=%u\n", self->seed);
	fflush(stdout);
	for (i = 0; i < CREW; i++) {
		self->crew[i] = start(i, self->seed);
		ASSERT_LT(0, self->crew[i]);
	}
}

FIXTURE_TEARDOWN(fuzz)
{
	EXPECT_EQ(0, bed_unload());
}

TEST_F_TIMEOUT(fuzz, readers, FULL + 300)
{
	struct sockstat_table table;
	int i, status, length = seconds();

	EXPECT_TRUE(run(length));
	shared->stop = true;
	for (i = 0; i < CREW; i++) {
		ASSERT_EQ(self->crew[i], waitpid(self->crew[i], &status, 0));
		EXPECT_EQ(0, status) TH_LOG("process %d, SEED=%u", i, self->seed);
	}
	printf("# %lu calls, %lu snapshots, %lu bytes compared, %lu values (%lu refused), %lu connections in %d s\n",
	       shared->calls, shared->snapshots, shared->bytes, shared->values, shared->refused,
	       shared->rounds * PAIRS, length);
	fflush(stdout);
	EXPECT_LT(0ul, shared->refused);
	EXPECT_LT(0ul, shared->rounds);
	ASSERT_TRUE(bed_table(&table));
	sockstat_table_free(&table);
}

BED_HARNESS_MAIN
