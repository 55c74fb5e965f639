// SPDX-License-Identifier: GPL-2.0-only
/* Waiting for sockets and threads; a wait that takes too long fails the run. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "truth.h"
#include "verdict.h"
#include "wait.h"

#define WAIT_SECONDS 30 /* times --patience */

/**
 * wait_poll - wait for a descriptor to become ready
 * @r: the run, which fails after WAIT_SECONDS
 * @fd: the descriptor
 * @events: for poll(2), which also returns on POLLERR and POLLHUP
 */
void wait_poll(struct run *r, int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int seconds = patience_seconds(r, WAIT_SECONDS), n;

	do {
		n = poll(&pfd, 1, seconds * 1000);
	} while (n < 0 && errno == EINTR);
	must(r, n >= 0);
	if (!n)
		fail(r, "descriptor %d not ready (events %#x) after %d s", fd, events, seconds);
}

/**
 * wait_until - wait for a condition that poll(2) cannot wait for
 * @r: the run, which fails after WAIT_SECONDS
 * @done: called every millisecond, until it returns true
 * @arg: for @done
 * @what: the condition, for the message
 */
void wait_until(struct run *r, bool (*done)(void *arg), void *arg, const char *what)
{
	const struct timespec ms = { 0, 1000000 };
	int seconds = patience_seconds(r, WAIT_SECONDS);
	struct timespec now, start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!done(arg)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > seconds)
			fail(r, "waited %d s for: %s", seconds, what);
		nanosleep(&ms, NULL);
	}
}

static bool all_acked(void *arg)
{
	const struct end *e = arg;
	int queued = 0;

	must(e->run, !ioctl(e->fd, SIOCOUTQ, &queued));
	return !queued;
}

/**
 * wait_acked - wait until the peer's TCP has acknowledged everything that was sent
 * @e: an end of this process
 */
void wait_acked(struct end *e)
{
	wait_until(e->run, all_acked, e, "everything sent to be acknowledged");
}

struct queued_wait {
	const struct end *e;
	int bytes;
};

static bool has_queued(void *arg)
{
	const struct queued_wait *q = arg;
	int n = 0;

	must(q->e->run, !ioctl(q->e->fd, SIOCINQ, &n));
	return n >= q->bytes;
}

/**
 * wait_queued - wait until a number of bytes can be read
 * @e: an end of this process
 * @bytes: the number, or more
 */
void wait_queued(struct end *e, int bytes)
{
	struct queued_wait q = { e, bytes };

	wait_until(e->run, has_queued, &q, "bytes to arrive");
}

struct state_wait {
	const struct end *e;
	enum sockstat_state state;
};

static bool in_state(void *arg)
{
	const struct state_wait *a = arg;
	struct truth t;

	truth_get(a->e, &t);
	return t.known && t.state == a->state;
}

/**
 * wait_state - wait until TCP_INFO reports a state
 * @e: an end that is open
 * @state: the state; CLOSED also stands for TIME_WAIT
 */
void wait_state(struct end *e, enum sockstat_state state)
{
	struct state_wait a = { e, state };

	wait_until(e->run, in_state, &a, sockstat_state_name(state));
}

/* On s390x, libc makes the calls on sockets by socketcall(2). */
#ifdef SYS_socketcall
#define SOCKETCALL SYS_socketcall
#else
#define SOCKETCALL (-1)
#endif

struct syscall_wait {
	pid_t pid, tid;
	long nr;
};

static bool in_syscall(void *arg)
{
	const struct syscall_wait *s = arg;
	char path[48], text[64];
	ssize_t n;
	long nr;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", s->pid, s->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The file says "running" while the thread does not sleep. */
	if (text[0] < '0' || text[0] > '9')
		return false;
	nr = atol(text);
	return nr == s->nr || nr == SOCKETCALL;
}

/**
 * wait_in_syscall - wait until a thread sleeps in a call on a socket
 * @r: the run
 * @pid: its process
 * @tid: the thread
 * @nr: the system call's number
 */
void wait_in_syscall(struct run *r, pid_t pid, pid_t tid, long nr)
{
	struct syscall_wait s = { pid, tid, nr };

	wait_until(r, in_syscall, &s, "a thread to sleep in its system call");
}
