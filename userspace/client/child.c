// SPDX-License-Identifier: GPL-2.0-only
/* Processes that a scenario starts: they share its ends and take turns with it. */

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

#define TURN_SECONDS 60 /* times --patience */

/**
 * shared_memory - allocate zeroed memory that forked children share
 * @r: the run
 * @size: in bytes
 *
 * Return: never NULL, valid as long as the run.
 */
void *shared_memory(struct run *r, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(r, p != MAP_FAILED);
	return p;
}

/* In the child: make ends for the descriptors of @keep, and close all others. */
static void child_take_ends(struct child *c, struct end *const *keep)
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

/* Fork; the child gets the process id @pid, unless that is 0. */
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

static struct child *child_new(struct run *r, pid_t pid, child_fn fn, void *arg, va_list ap)
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
		child_take_ends(c, keep);
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
 * @fn: runs in the child, which exits when it returns
 * @arg: for @fn, as c->arg
 * @...: ends of the descriptors that the child keeps, then NULL; it closes the
 *	others.  c->held[] has an end of the child's for each that it keeps.
 *
 * Return: the child, valid as long as the run.
 */
struct child *child_start(struct run *r, child_fn fn, void *arg, ...)
{
	struct child *c;
	va_list ap;

	va_start(ap, arg);
	c = child_new(r, 0, fn, arg, ap);
	va_end(ap);
	return c;
}

/**
 * child_start_as - child_start() with a given process id
 * @r: the run; skipped if the kernel or missing privileges do not allow the choice
 * @pid: the process id, for instance of a process that has ended
 * @fn: as for child_start()
 * @arg: as for child_start()
 * @...: as for child_start()
 *
 * Return: the child, valid as long as the run.
 */
struct child *child_start_as(struct run *r, pid_t pid, child_fn fn, void *arg, ...)
{
	struct child *c;
	va_list ap;

	va_start(ap, arg);
	c = child_new(r, pid, fn, arg, ap);
	va_end(ap);
	return c;
}

/**
 * child_pass - in the child: give the parent its turn, and continue
 * @c: the child
 */
void child_pass(struct child *c)
{
	must(c->r, write(c->sock[1], "t", 1) == 1);
}

/**
 * child_pause - in the child: give the parent its turn, and wait for the next one
 * @c: the child
 */
void child_pause(struct child *c)
{
	char turn;

	child_pass(c);
	/* child_join() gives the last turn with an end of file. */
	must(c->r, read(c->sock[1], &turn, 1) >= 0);
}

/**
 * child_go - in the parent: give the child its turn, and continue
 * @c: the child
 */
void child_go(struct child *c)
{
	must(c->r, write(c->sock[0], "t", 1) == 1);
}

/**
 * child_wait - in the parent: wait until the child pauses
 * @c: the child; the run fails after TURN_SECONDS
 */
void child_wait(struct child *c)
{
	struct pollfd pfds[2] = {
		{ .fd = c->sock[0], .events = POLLIN },
		{ .fd = c->pidfd, .events = POLLIN },
	};
	int seconds = patience_seconds(c->r, TURN_SECONDS), n;
	char turn;

	do {
		n = poll(pfds, 2, seconds * 1000);
	} while (n < 0 && errno == EINTR);
	must(c->r, n >= 0);
	if (!n)
		fail(c->r, "process %d did not pause within %d s", c->pid, seconds);
	if (read(c->sock[0], &turn, 1) != 1)
		fail(c->r, "process %d ended too early", c->pid);
}

/**
 * child_turn - in the parent: give the child its turn, and wait until it pauses
 * @c: the child
 */
void child_turn(struct child *c)
{
	child_go(c);
	child_wait(c);
}

/* Book that the descriptors of a child that has ended are closed. */
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
 * child_join - in the parent: let the child run until it exits
 * @c: the child; the run fails after TURN_SECONDS
 *
 * Books the child's ends as closed.
 */
void child_join(struct child *c)
{
	struct pollfd pfd = { .fd = c->pidfd, .events = POLLIN };
	int seconds = patience_seconds(c->r, TURN_SECONDS), n, status;
	int64_t since = now_ns();

	must(c->r, !shutdown(c->sock[0], SHUT_WR));
	do {
		n = poll(&pfd, 1, seconds * 1000);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		fail(c->r, "process %d did not end within %d s", c->pid, seconds);
	must(c->r, waitpid(c->pid, &status, 0) == c->pid);
	if (status)
		fail(c->r, "process %d ended with wait status %#x", c->pid, status);
	child_gone(c, since);
}

/**
 * child_kill - in the parent: kill the child with SIGKILL
 * @c: the child
 *
 * Books the child's ends as closed.
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
 * child_exec - in the child: execute another program
 * @c: the child; its turns are bytes on the program's standard input and
 *	output: "cat" pauses after each turn, and exits at child_join()
 * @argv: the program, which is looked up in PATH, and its arguments
 */
void child_exec(struct child *c, char *const argv[])
{
	must(c->r, dup2(c->sock[1], STDIN_FILENO) == STDIN_FILENO);
	must(c->r, dup2(c->sock[1], STDOUT_FILENO) == STDOUT_FILENO);
	execvp(argv[0], argv);
	fail(c->r, "cannot run %s: %m", argv[0]);
}

/**
 * child_execed - book that a descriptor was passed on by an exec
 * @e: the end that it had before, which becomes a CLOSED row
 * @since: the time just before the exec
 *
 * Return: the new program's end, valid as long as the run.
 */
struct end *child_execed(struct end *e, int64_t since)
{
	struct end *next = end_alias(e, e->pid, e->fd);

	end_gone(e, since);
	return next;
}
