// SPDX-License-Identifier: GPL-2.0-only
/* Processes that a scenario starts, which share its ends and take turns with it. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "verdict.h"

#define TURN_SECONDS 60

/**
 * shared_memory - zeroed memory that forked children share
 * @r: the run
 * @size: bytes
 *
 * Return: never NULL, alive as long as the run.
 */
void *shared_memory(struct run *r, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(r, p != MAP_FAILED);
	return p;
}

/* The child keeps the descriptors named, as ends of its own, and no other. */
static void take_over(struct child *c, struct end *const *keep)
{
	struct run *r = c->r;
	pid_t parent = getppid();
	unsigned int n = r->n_ends, i, k;

	for (i = 0; i < n; i++) {
		struct end *e = &r->ends[i];

		if (!e->ready || e->pid != parent || e->shut || e->foreign || e->retired)
			continue;
		for (k = 0; keep[k] && keep[k] != e; k++)
			;
		if (keep[k])
			c->held[k] = end_alias(e, getpid(), e->fd);
		else
			must(r, !close(e->fd));
	}
}

/* fork(), as far as libc is concerned; with a pid of our choice unless that is 0 */
static pid_t fork_as(struct run *r, pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	pid_t ret;

	if (!pid)
		return fork();
	ret = syscall(SYS_clone3, &args, sizeof(args));
	if (ret < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
		skip(r, "cannot choose a pid: %m");
	return ret;
}

static struct child *start(struct run *r, pid_t pid, child_fn fn, void *arg, va_list ap)
{
	struct child *c = shared_memory(r, sizeof(*c));
	struct end *keep[MAX_HELD + 1] = { NULL };
	unsigned int n = 0;
	pid_t forked;

	while ((keep[n] = va_arg(ap, struct end *)))
		must(r, ++n <= MAX_HELD);
	c->r = r;
	c->arg = arg;
	must(r, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->sock));
	fflush(stdout);
	forked = fork_as(r, pid);
	must(r, forked >= 0);
	if (!forked) {
		c->pid = getpid();
		close(c->sock[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		take_over(c, keep);
		fn(c);
		_exit(0);
	}
	c->pid = forked;
	close(c->sock[1]);
	c->pidfd = syscall(SYS_pidfd_open, forked, 0);
	must(r, c->pidfd >= 0);
	child_wait(c);
	return c;
}

/**
 * child_start - start a process and wait until it pauses for the first time
 * @r: the run
 * @fn: what it does; it has ended when that returns
 * @arg: for @fn, as c->arg
 * @...: ends of the descriptors that it is to keep, the last one NULL; it
 *	closes the others.  For each it has an end of its own, c->held[].
 *
 * Return: the child, alive as long as the run.
 */
struct child *child_start(struct run *r, child_fn fn, void *arg, ...)
{
	struct child *c;
	va_list ap;

	va_start(ap, arg);
	c = start(r, 0, fn, arg, ap);
	va_end(ap);
	return c;
}

/**
 * child_start_as - child_start(), with a process id that was used before
 * @r: the run; SKIP if the kernel or our privileges do not let us choose
 * @pid: the process id
 * @fn: as there
 * @arg: as there
 * @...: as there
 *
 * Return: the child, alive as long as the run.
 */
struct child *child_start_as(struct run *r, pid_t pid, child_fn fn, void *arg, ...)
{
	struct child *c;
	va_list ap;

	va_start(ap, arg);
	c = start(r, pid, fn, arg, ap);
	va_end(ap);
	return c;
}

/**
 * child_pass - the child: let the parent go on, without waiting
 * @c: the child
 */
void child_pass(struct child *c)
{
	must(c->r, write(c->sock[1], "t", 1) == 1);
}

/**
 * child_pause - the child: let the parent go on, and wait for the next turn
 * @c: the child
 */
void child_pause(struct child *c)
{
	char turn;

	child_pass(c);
	/* The end of file is child_join()'s turn. */
	must(c->r, read(c->sock[1], &turn, 1) >= 0);
}

/**
 * child_go - the parent: let the child go on, without waiting for it
 * @c: the child
 */
void child_go(struct child *c)
{
	must(c->r, write(c->sock[0], "t", 1) == 1);
}

/**
 * child_wait - the parent: wait until the child pauses
 * @c: the child
 */
void child_wait(struct child *c)
{
	struct pollfd pfds[2] = {
		{ .fd = c->sock[0], .events = POLLIN },
		{ .fd = c->pidfd, .events = POLLIN },
	};
	char turn;
	int n;

	do {
		n = poll(pfds, 2, TURN_SECONDS * 1000);
	} while (n < 0 && errno == EINTR);
	must(c->r, n >= 0);
	if (!n)
		fail(c->r, "process %d did not pause within %d s", c->pid, TURN_SECONDS);
	if (read(c->sock[0], &turn, 1) != 1)
		fail(c->r, "process %d ended too early", c->pid);
}

/**
 * child_turn - the parent: let the child go on until it pauses again
 * @c: the child
 */
void child_turn(struct child *c)
{
	child_go(c);
	child_wait(c);
}

/* Books the end of every descriptor that the child had. */
static void child_gone(struct child *c, int64_t since)
{
	unsigned int i;

	for (i = 0; i < c->r->n_ends; i++) {
		struct end *e = &c->r->ends[i];

		if (e->ready && e->pid == c->pid && !e->shut && !e->retired)
			end_gone(e, since);
	}
	close(c->pidfd);
	close(c->sock[0]);
}

/**
 * child_join - the parent: let the child run to its end
 * @c: the child
 *
 * Its ends are booked as closed now.
 */
void child_join(struct child *c)
{
	struct pollfd pfd = { .fd = c->pidfd, .events = POLLIN };
	int64_t since = now_ns();
	int n, status;

	must(c->r, !shutdown(c->sock[0], SHUT_WR));
	do {
		n = poll(&pfd, 1, TURN_SECONDS * 1000);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		fail(c->r, "process %d did not end within %d s", c->pid, TURN_SECONDS);
	must(c->r, waitpid(c->pid, &status, 0) == c->pid);
	if (status)
		fail(c->r, "process %d ended with wait status %#x", c->pid, status);
	child_gone(c, since);
}

/**
 * child_kill - the parent: SIGKILL the child
 * @c: the child
 *
 * Its ends are booked as closed now.
 */
void child_kill(struct child *c)
{
	int64_t since = now_ns();
	int status;

	must(c->r, !kill(c->pid, SIGKILL));
	must(c->r, waitpid(c->pid, &status, 0) == c->pid);
	must(c->r, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	child_gone(c, since);
}

/**
 * child_exec - the child: become another program
 * @c: the child; the program's standard input and output are its turns: "cat"
 *	pauses whenever it has been given one, and ends at child_join()
 * @argv: looked for in PATH
 */
void child_exec(struct child *c, char *const argv[])
{
	must(c->r, dup2(c->sock[1], STDIN_FILENO) == STDIN_FILENO);
	must(c->r, dup2(c->sock[1], STDOUT_FILENO) == STDOUT_FILENO);
	execvp(argv[0], argv);
	fail(c->r, "cannot run %s: %m", argv[0]);
}

/**
 * child_execed - a descriptor is another program's now
 * @e: its end before, which becomes a CLOSED row
 * @since: the time just before exec
 *
 * Return: the new program's end.
 */
struct end *child_execed(struct end *e, int64_t since)
{
	struct end *next = end_alias(e, e->pid, e->fd);

	end_gone(e, since);
	return next;
}
