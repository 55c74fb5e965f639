// SPDX-License-Identifier: GPL-2.0-only
/* Waiting for sockets and threads; a wait that takes too long fails the run. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "truth.h"
#include "verdict.h"
#include "wait.h"

#define WAIT_SECONDS 30

/**
 * wait_poll - wait for a descriptor to become ready
 * @r: the run, which fails after 30 s
 * @fd: the descriptor
 * @events: of poll(); POLLERR and POLLHUP end the wait, too
 */
void wait_poll(struct run *r, int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&pfd, 1, WAIT_SECONDS * 1000);
	} while (n < 0 && errno == EINTR);
	must(r, n >= 0);
	if (!n)
		fail(r, "descriptor %d not ready (events %#x) after %d s", fd, events,
		     WAIT_SECONDS);
}

/**
 * wait_until - wait for a condition nothing can be polled for
 * @r: the run, which fails after 30 s
 * @done: asked every millisecond
 * @arg: for @done
 * @what: for the message
 */
void wait_until(struct run *r, bool (*done)(void *arg), void *arg, const char *what)
{
	const struct timespec ms = { 0, 1000000 };
	struct timespec now, start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!done(arg)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > WAIT_SECONDS)
			fail(r, "waited %d s for: %s", WAIT_SECONDS, what);
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
 * wait_acked - wait until the peer's TCP has acknowledged everything
 * @e: an end of this process
 */
void wait_acked(struct end *e)
{
	wait_until(e->run, all_acked, e, "everything sent to be acknowledged");
}

struct queued {
	const struct end *e;
	int bytes;
};

static bool has_queued(void *arg)
{
	const struct queued *q = arg;
	int n = 0;

	must(q->e->run, !ioctl(q->e->fd, SIOCINQ, &n));
	return n >= q->bytes;
}

/**
 * wait_queued - wait until that many bytes can be read
 * @e: an end of this process
 * @bytes: at least
 */
void wait_queued(struct end *e, int bytes)
{
	struct queued q = { e, bytes };

	wait_until(e->run, has_queued, &q, "bytes to arrive");
}

struct awaited {
	const struct end *e;
	enum sockstat_state state;
};

static bool in_state(void *arg)
{
	const struct awaited *a = arg;
	struct truth t;

	truth_get(a->e, &t);
	return t.known && t.state == a->state;
}

/**
 * wait_state - wait until TCP_INFO tells of a state
 * @e: an end that is open
 * @state: TIME_WAIT cannot be told from CLOSED
 */
void wait_state(struct end *e, enum sockstat_state state)
{
	struct awaited a = { e, state };

	wait_until(e->run, in_state, &a, sockstat_state_name(state));
}

struct in_syscall {
	pid_t pid, tid;
	long nr;
};

static bool in_syscall(void *arg)
{
	const struct in_syscall *s = arg;
	char path[48], text[64];
	ssize_t n;
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
	/* "running" while it is not asleep */
	return text[0] >= '0' && text[0] <= '9' && atol(text) == s->nr;
}

/**
 * wait_in_syscall - wait until a thread sleeps in a system call
 * @r: the run
 * @pid: its process
 * @tid: the thread
 * @nr: the system call's number
 */
void wait_in_syscall(struct run *r, pid_t pid, pid_t tid, long nr)
{
	struct in_syscall s = { pid, tid, nr };

	wait_until(r, in_syscall, &s, "a thread to sleep in its system call");
}
