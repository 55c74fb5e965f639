// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzer: processes make random system calls on open /proc/sockstat files, while
 * others open and close connections and write random values to the parameter
 * "history":
 *
 * - bytes that are read are compared with the whole text of the same snapshot, and
 *   this process's rows in that text with the bytes that it has moved;
 * - every other call must have the same result as on /proc/devices, which is a
 *   seq_file as well;
 * - the parameter must read as the last value that kstrtouint() accepts.
 *
 * The environment variable SEED repeats a run's calls; SOCKSTAT_LOAD=full makes the
 * run long.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "fuzz.h"
#include "fuzz_history.h"
#include "kselftest_harness.h"

#define SHORT 12 /* seconds that a run takes */
#define FULL 600
#define FUZZERS 5
#define USER 61001 /* of the last fuzzer; the others are root */
#define FILES 4	   /* that each fuzzer has open */
#define CHURNERS 2
#define PAIRS 12 /* connections that a churner opens at a time */
#define TEXT_MAX (16 << 20)
#define PLAIN_PATH "/proc/devices"

/* ---- an open file and its expected contents ---- */

struct open_file {
	int fd;
	int plain;  /* PLAIN_PATH, opened with the same flags */
	off_t at;   /* position of @fd */
	char *text; /* of the current snapshot */
	size_t len;
};

static void check_own_rows(const struct sockstat_table *table)
{
	int i;

	for (i = 0; i < 2; i++) {
		const struct sockstat_row *row = bed_row(table, getpid(), me.pair[i]);

		if (!row)
			DIE("descriptor %d has no row", me.pair[i]);
		if (row->tx_bytes != me.moved[i] || row->rx_bytes != me.moved[!i])
			DIE("line %u: not the %lu and %lu bytes that this process moved", row->line,
			    (unsigned long)me.moved[i], (unsigned long)me.moved[!i]);
	}
}

/* Take a snapshot, check it and keep its text. */
static void take_snapshot(struct open_file *f)
{
	struct sockstat_table table;
	size_t len = 0;
	ssize_t n;

	while ((n = pread(f->fd, me.text + len, TEXT_MAX - len, len)) > 0)
		len += n;
	if (n)
		DIE("pread() at %zu: %m", len);
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

static void compare_text(const struct open_file *f, const char *got, size_t n, off_t at)
{
	if (!at) {
		/* the read took a new snapshot, whose text is not known */
		if (memcmp(got, "COMMAND ", n < 8 ? n : 8))
			DIE("the text begins with \"%.*s\"", n < 8 ? (int)n : 8, got);
	} else if ((size_t)at > f->len || n > f->len - at || memcmp(f->text + at, got, n)) {
		DIE("%zu bytes at %lld differ from the snapshot's text", n, (long long)at);
	}
	shared->bytes += n;
}

/*
 * Check the result @n of a read of up to @want bytes at offset @at into the buffer
 * @got, whose first @room bytes are writable, while the rest is inaccessible.
 */
static void check_read(struct open_file *f, ssize_t n, const char *got, size_t want, size_t room,
		       off_t at)
{
	bool more = (size_t)at < f->len && want;

	if (n > 0 && ((size_t)n > want || (size_t)n > room))
		DIE("%zd bytes instead of at most %zu", n, want);
	if (n > 0)
		compare_text(f, got, n, at);
	else if (n < 0 && (errno != EFAULT || room >= want))
		DIE("%zu bytes at %lld: %m", want, (long long)at);
	else if (more && room && n <= 0)
		DIE("%zu bytes at %lld: %zd, the text has %zu", want, (long long)at, n, f->len);
	else if (more && !room && !n)
		DIE("end of file at %lld, into bad memory", (long long)at);
	/* a read at offset 0 may have replaced the snapshot */
	if (!at)
		take_snapshot(f);
}

static off_t random_offset(const struct open_file *f)
{
	switch (random_below(8)) {
	case 0:
		return 0;
	case 1:
		return f->len + random_below(3) - 1;
	case 2:
		return f->len + random_64() % (1ULL << 40);
	default:
		return random_below(f->len);
	}
}

static size_t random_size(void)
{
	switch (random_below(8)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return ROOM;
	default:
		return random_below(1 << (1 + random_below(18)));
	}
}

/* ---- reads, compared with the text ---- */

static void do_pread(struct open_file *f)
{
	off_t at = random_offset(f);
	size_t want = random_size();

	check_read(f, pread(f->fd, me.room, want, at), me.room, want, want, at);
}

static void do_read(struct open_file *f)
{
	size_t want = random_size();
	ssize_t n = read(f->fd, me.room, want);
	off_t at = f->at;

	if (n > 0)
		f->at += n;
	check_read(f, n, me.room, want, want, at);
}

/* The buffer becomes inaccessible before the end of the read. */
static void do_pread_bad(struct open_file *f)
{
	off_t at = random_offset(f);
	size_t room = random_below(3) ? random_below(2 * PAGE) : 0,
	       want = room + 1 + random_below(ROOM);
	char *to = me.room + ROOM - room;
	ssize_t n = pread(f->fd, to, want, at);

	/* a read at offset 0 may fail after it has replaced the snapshot */
	if (n < 0 && !at)
		take_snapshot(f);
	else if (room < 64 && n < 0 && errno == EFAULT)
		return;
	else
		check_read(f, n, to, want, room, at);
}

static void do_readv(struct open_file *f)
{
	struct iovec iov[4];
	int i, parts = 1 + random_below(4);
	off_t at = random_offset(f);
	size_t want = 0;

	for (i = 0; i < parts; i++) {
		iov[i].iov_base = me.room + want;
		iov[i].iov_len = random_size() / 4;
		want += iov[i].iov_len;
	}
	check_read(f, preadv(f->fd, iov, parts, at), me.room, want, want, at);
}

/* The largest size that read() accepts; it must not write beyond the text. */
static void do_pread_huge(struct open_file *f)
{
	off_t at = 1 + random_below(f->len);

	check_read(f, pread(f->fd, me.room, INT_MAX, at), me.room, INT_MAX, ROOM, at);
}

static void do_lseek(struct open_file *f)
{
	off_t by = random_below(4) ? random_offset(f) : (off_t)random_64(), to, expected = -1;
	int whence = random_below(6);

	if (random_below(2))
		by = -by;
	if (whence == SEEK_SET)
		expected = by;
	else if (whence == SEEK_CUR)
		expected = (off_t)((uint64_t)f->at + (uint64_t)by);
	if (expected < 0)
		expected = -1;
	to = lseek(f->fd, by, whence);
	if (to != expected || (to < 0 && errno != EINVAL))
		DIE("lseek() by %lld, whence %d, at %lld returns %lld", (long long)by, whence,
		    (long long)f->at, (long long)to);
	if (to >= 0)
		f->at = to;
	/* come back from far offsets, where every read returns 0 */
	if (f->at > 1LL << 40)
		f->at = lseek(f->fd, random_below(f->len), SEEK_SET);
}

/* Check the bytes that a splice() or sendfile() has put into a pipe. */
static void check_pipe(struct open_file *f, int pipe, ssize_t n, size_t want, off_t at)
{
	ssize_t got, all = 0;

	while (all < n && (got = read(pipe, me.room + all, n - all)) > 0)
		all += got;
	if (n > 0 && all != n)
		DIE("the pipe has %zd bytes, not %zd", all, n);
	check_read(f, n, me.room, want, want, at);
}

static void do_splice(struct open_file *f)
{
	off_t at = 1 + random_below(f->len + 10), pos = at;
	size_t want = 1 + random_below(2 * PAGE);
	int p[2];

	if (pipe(p))
		DIE("pipe: %m");
	if (random_below(2))
		check_pipe(f, p[0], splice(f->fd, &pos, p[1], NULL, want, 0), want, at);
	else
		check_pipe(f, p[0], sendfile(p[1], f->fd, &pos, want), want, at);
	close(p[0]);
	close(p[1]);
}

struct part {
	struct open_file *f;
	unsigned int seed;
	int fd;
	bool seeks;
};

/* A thread of do_threads(). It does not read at offset 0, so the snapshot stays. */
static void *part_run(void *arg)
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
			compare_text(part->f, buf, n, at);
		}
	}
	return NULL;
}

/* Four threads use duplicated descriptors of the same open file. */
static void do_threads(struct open_file *f)
{
	pthread_t thread[4];
	struct part part[4];
	int i;

	for (i = 0; i < 4; i++) {
		part[i] = (struct part){ f, rand_r(&me.seed), dup(f->fd), !i };
		if (pthread_create(&thread[i], NULL, part_run, &part[i]))
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
	unsigned int i = random_below(ARRAY_SIZE(calls));
	uint64_t a = random_64(), b = random_64();
	long plain, ours;
	int plain_err;

	me.doing = calls[i].name;
	errno = 0;
	plain = calls[i].call(f->plain, a, b);
	plain_err = errno;
	errno = 0;
	ours = calls[i].call(f->fd, a, b);
	if (ours != plain || (ours < 0 && errno != plain_err))
		DIE("(%#llx, %#llx) returns %ld (%s), on " PLAIN_PATH " %ld (%s)",
		    (unsigned long long)a, (unsigned long long)b, ours, strerror(errno), plain,
		    strerror(plain_err));
}

/* Open the file with random flags; if it cannot be read then, open it with O_RDONLY. */
static void do_open(struct open_file *f)
{
	static const int flags[] = {
		O_WRONLY,   O_RDWR,	O_APPEND, O_CREAT,   O_TRUNC,
		O_EXCL,	    O_NONBLOCK, O_DIRECT, O_SYNC,    O_DIRECTORY,
		O_NOFOLLOW, O_NOATIME,	O_PATH,	  O_TMPFILE, O_LARGEFILE,
	};
	int how = O_CLOEXEC | (random_below(2) ? flags[random_below(ARRAY_SIZE(flags))] : 0) |
		  (random_below(8) ? 0 : flags[random_below(ARRAY_SIZE(flags))]);
	int plain_err, err;

	close(f->fd);
	close(f->plain);
	f->plain = open(PLAIN_PATH, how, 0600);
	plain_err = errno;
	f->fd = open(SOCKSTAT_PROC_PATH, how, 0600);
	err = errno;
	if (f->fd < 0 ? f->plain >= 0 || err != plain_err : f->plain < 0)
		DIE("flags %#o: %s, on " PLAIN_PATH " %s", how, strerror(err), strerror(plain_err));
	if (f->fd < 0 || how & (O_PATH | O_WRONLY | O_RDWR)) {
		if (f->fd >= 0 && read(f->fd, me.room, 1) >= 0 && how & (O_PATH | O_WRONLY))
			DIE("flags %#o allow read()", how);
		close(f->fd);
		close(f->plain);
		f->fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
		f->plain = open(PLAIN_PATH, O_RDONLY | O_CLOEXEC);
		if (f->fd < 0 || f->plain < 0)
			DIE("open: %m");
	}
	f->at = 0;
	take_snapshot(f);
}

/* ---- the processes ---- */

static void move_some(void)
{
	size_t n = random_below(30000);
	int from = random_below(2);

	if (!bed_write(me.pair[from], n) || !bed_read(me.pair[!from], n))
		DIE("moving %zu bytes: %m", n);
	me.moved[from] += n;
}

static void fuzz_step(struct open_file *f)
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
	unsigned int i = random_below(ARRAY_SIZE(reads) * 10);

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
		fuzz_step(&files[random_below(FILES)]);
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

static pid_t crew_start(int i, unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (i < FUZZERS)
		_exit(fuzz(i, seed + i));
	if (i < FUZZERS + CHURNERS)
		churn(i % 3);
	_exit(history_fuzz(i, seed + i));
}

#define CREW (FUZZERS + CHURNERS + 1)

static int run_seconds(void)
{
	const char *size = getenv("SOCKSTAT_LOAD");

	return size && !strcmp(size, "full") ? FULL : SHORT;
}

static unsigned int first_seed(void)
{
	const char *seed = getenv("SEED");

	return seed ? strtoul(seed, NULL, 0) : (unsigned int)time(NULL);
}

/* On a slow machine it may take longer than the run until there is anything to judge. */
static bool crew_has_worked(void)
{
	return shared->rounds && shared->refused;
}

/* Let the processes run; return false if one of them ends early. */
static bool crew_run(int seconds)
{
	int64_t until = bed_now() + 1000LL * seconds;
	int64_t deadline = bed_deadline() + 1000LL * seconds;

	while (bed_now() < until || (!crew_has_worked() && bed_now() < deadline)) {
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
		self->crew[i] = crew_start(i, self->seed);
		ASSERT_LT(0, self->crew[i]);
	}
}

FIXTURE_TEARDOWN(fuzz)
{
	EXPECT_EQ(0, bed_unload());
}

TEST_F_TIMEOUT(fuzz, readers_and_history, FULL + 300)
{
	struct sockstat_table table;
	int i, status, length = run_seconds();

	EXPECT_TRUE(crew_run(length));
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
