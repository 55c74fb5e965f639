// SPDX-License-Identifier: GPL-2.0-only
/*
 * DURATION, AGO and the order of the closed rows do not depend on the wall clock. It
 * is set forwards and backwards here while connections open and close; the machine is
 * suspended, if SOCKSTAT_SUSPEND is yes; a reader is in a time namespace. The truth is
 * CLOCK_BOOTTIME, as this program reads it before and after each call.
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 120 /* a test's timeout */
#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define MS INT64_C(1000000)

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* From and until when something may have happened, CLOCK_BOOTTIME in ns */
struct span {
	int64_t lo, hi;
};

/* A connection's client end, which the table identifies by its cookie */
struct conn {
	int fd[2];
	uint64_t cookie;
	struct span opened, closed;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static int64_t boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

static bool set_wall_clock(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };

	return !clock_settime(CLOCK_REALTIME, &ts);
}

static bool step_wall_clock(int64_t ns)
{
	return set_wall_clock(clock_ns(CLOCK_REALTIME) + ns);
}

static bool conn_open(struct conn *c)
{
	c->opened.lo = boot_ns();
	if (!bed_pair(BED_4, c->fd))
		return false;
	c->opened.hi = boot_ns();
	c->cookie = bed_cookie(c->fd[0]);
	return bed_write(c->fd[0], 10) && bed_read(c->fd[1], 10);
}

static void conn_close(struct conn *c)
{
	c->closed.lo = boot_ns();
	close(c->fd[0]);
	c->closed.hi = boot_ns();
	close(c->fd[1]);
}

FIXTURE(times)
{
	struct sockstat_table table;
	struct span read;
	int64_t offset; /* CLOCK_REALTIME minus CLOCK_BOOTTIME, to restore the former */
};

FIXTURE_SETUP(times)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	self->offset = clock_ns(CLOCK_REALTIME) - boot_ns();
	ASSERT_EQ(0, bed_load());
}

FIXTURE_TEARDOWN(times)
{
	sockstat_table_free(&self->table);
	set_wall_clock(boot_ns() + self->offset);
	EXPECT_EQ(0, bed_unload());
}

static bool read_table(FIXTURE_DATA(times) * self)
{
	sockstat_table_free(&self->table);
	self->read.lo = boot_ns();
	if (!bed_table(&self->table))
		return false;
	self->read.hi = boot_ns();
	return true;
}

/* The column has milliseconds. */
static bool is_within(const char *column, int64_t seen, int64_t lo, int64_t hi)
{
	if (lo < 0)
		lo = 0;
	if (seen >= lo / MS * MS && seen <= hi)
		return true;
	printf("# %s is %lld ns, but should be %lld to %lld\n", column, (long long)seen,
	       (long long)lo, (long long)hi);
	return false;
}

static bool duration_is_right(FIXTURE_DATA(times) * self, const struct conn *c, bool closed)
{
	const struct sockstat_row *row = sockstat_table_find_cookie(&self->table, c->cookie, NULL);
	struct span end = closed ? c->closed : self->read;

	if (!row) {
		printf("# there is no row\n");
		return false;
	}
	if (!is_within("DURATION", row->duration, end.lo - c->opened.hi, end.hi - c->opened.lo))
		return false;
	if (!closed)
		return row->ago < 0;
	return is_within("AGO", row->ago, self->read.lo - c->closed.hi,
			 self->read.hi - c->closed.lo);
}

/* Set the clock before each of these: the connect, a read, the close, the last read. */
static bool survives_steps(FIXTURE_DATA(times) * self, int64_t step)
{
	struct conn c;

	return step_wall_clock(step) && conn_open(&c) && read_table(self) &&
	       duration_is_right(self, &c, false) && step_wall_clock(step) && read_table(self) &&
	       duration_is_right(self, &c, false) && (conn_close(&c), true) && read_table(self) &&
	       duration_is_right(self, &c, true) && step_wall_clock(step) && read_table(self) &&
	       duration_is_right(self, &c, true);
}

TEST_F_TIMEOUT(times, clock_set_forwards, SECONDS)
{
	EXPECT_TRUE(survives_steps(self, 2 * HOUR));
}

TEST_F_TIMEOUT(times, clock_set_backwards, SECONDS)
{
	EXPECT_TRUE(survives_steps(self, -2 * HOUR));
}

/* OPENED and CLOSED are what the wall clock showed then. */
TEST_F_TIMEOUT(times, opened_and_closed_follow_the_clock, SECONDS)
{
	const struct sockstat_row *row;
	struct conn c;

	ASSERT_TRUE(conn_open(&c));
	ASSERT_TRUE(step_wall_clock(2 * HOUR));
	conn_close(&c);
	ASSERT_TRUE(read_table(self));
	row = sockstat_table_find_cookie(&self->table, c.cookie, NULL);
	ASSERT_NE(NULL, row);
	EXPECT_TRUE(is_within("OPENED", row->opened, self->offset + c.opened.lo - MS,
			      self->offset + c.opened.hi + MS));
	EXPECT_TRUE(is_within("CLOSED", row->closed, self->offset + 2 * HOUR + c.closed.lo - SECOND,
			      self->offset + 2 * HOUR + c.closed.hi + SECOND));
}

/* Each connection closes an hour earlier by the wall clock than the one before. */
TEST_F_TIMEOUT(times, closed_rows_are_in_order, SECONDS)
{
	const struct sockstat_row *row, *last = NULL;
	struct conn c[6];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(c); i++)
		ASSERT_TRUE(conn_open(&c[i]));
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		ASSERT_TRUE(step_wall_clock(-HOUR));
		conn_close(&c[i]);
	}
	ASSERT_TRUE(read_table(self));
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		row = sockstat_table_find_cookie(&self->table, c[i].cookie, NULL);
		ASSERT_NE(NULL, row);
		EXPECT_EQ(SOCKSTAT_CLOSED, row->state);
		if (last)
			EXPECT_LT(last, row);
		if (last)
			EXPECT_GT(last->closed, row->closed);
		last = row;
	}
}

static int read_in_time_namespace(FIXTURE_DATA(times) * self, const struct conn *c)
{
	pid_t pid;
	int status = -1;

	/* its children are in the new namespace, where CLOCK_BOOTTIME is another one */
	if (unshare(CLONE_NEWTIME))
		return 4;
	if (!bed_put("/proc/self/timens_offsets", "boottime 100000 0"))
		return 1;
	self->read.lo = boot_ns();
	pid = fork();
	if (!pid) {
		if (!bed_table(&self->table))
			_exit(1);
		self->read.hi = boot_ns() - 100000 * SECOND;
		_exit(!duration_is_right(self, &c[0], false) ||
		      !duration_is_right(self, &c[1], true));
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* DURATION and AGO are differences: an offset of the reader's clock does not matter. */
TEST_F_TIMEOUT(times, time_namespace_of_the_reader, SECONDS)
{
	struct conn c[2];
	int status = -1;
	pid_t pid;

	ASSERT_TRUE(conn_open(&c[0]) && conn_open(&c[1]));
	conn_close(&c[1]);
	pid = fork();
	if (!pid)
		_exit(read_in_time_namespace(self, c));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 4)
		SKIP(return, "this kernel has no time namespaces");
	EXPECT_EQ(0, status);
}

static int put_quietly(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Suspend this machine for about @seconds; false if it cannot or did not sleep. */
static bool suspend(int seconds)
{
	static const char *const ways[] = { "mem", "freeze" };
	int64_t slept = boot_ns() - clock_ns(CLOCK_MONOTONIC);
	char alarm[16];
	size_t i;

	snprintf(alarm, sizeof(alarm), "+%d", seconds);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		put_quietly("/sys/class/rtc/rtc0/wakealarm", "0");
		if (!put_quietly("/sys/class/rtc/rtc0/wakealarm", alarm))
			return false;
		if (put_quietly("/sys/power/state", ways[i]))
			break;
	}
	put_quietly("/sys/class/rtc/rtc0/wakealarm", "0");
	return boot_ns() - clock_ns(CLOCK_MONOTONIC) - slept >= SECOND;
}

TEST_F_TIMEOUT(times, suspended_machine, SECONDS)
{
	const char *allowed = getenv("SOCKSTAT_SUSPEND");
	struct conn open, closed;

	if (!allowed || strcmp(allowed, "yes"))
		SKIP(return, "SOCKSTAT_SUSPEND is not yes: a guest's port may not survive this");
	ASSERT_TRUE(conn_open(&open) && conn_open(&closed));
	if (!suspend(4))
		SKIP(return, "this machine cannot be suspended");
	conn_close(&closed);
	ASSERT_TRUE(read_table(self));
	EXPECT_TRUE(duration_is_right(self, &open, false));
	EXPECT_TRUE(duration_is_right(self, &closed, true));
}

BED_HARNESS_MAIN
