// SPDX-License-Identifier: GPL-2.0-only
/*
 * Move bytes over TCP in ways that are easily miscounted, and print the true
 * numbers of bytes.
 *
 * Each scenario is a process of its own, which has both ends of its
 * connections. The true number is the sum of the return values of its calls.
 * All scenarios go through three stages; each stage begins when a line is read
 * from stdin:
 *
 *	open	open the connections that must exist before the tools start
 *	move	move the bytes, while the tools are running
 *	close	close the connections
 *
 * Prints "pid NAME PID" for each process, "result" lines with the true numbers
 * at the end of the second stage, and "done" at the end of each stage.
 *
 * The number of bytes in each direction of a connection is a multiple of 1 KiB,
 * so that a tool that prints KiB can be exact.
 */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "../../bed.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define UNIT (16 * KIB) /* fits into any buffer and into a pipe */
#define THREADS 200

struct totals {
	uint64_t tx, rx;
};

struct scenario {
	const char *name;
	void (*open)(void);
	void (*move)(void);
	pid_t pid;
	int control; /* the parent's end of a socket pair with the process */
};

static struct totals total;
static char data[MIB];
static int pairs[THREADS][2], open_pairs;
static pthread_t threads[THREADS];
static pid_t tids[THREADS];

static void need(bool ok, const char *what)
{
	if (!ok)
		err(1, "%s", what);
}

static size_t sent(ssize_t n)
{
	need(n > 0, "nothing sent");
	__atomic_add_fetch(&total.tx, n, __ATOMIC_RELAXED);
	return n;
}

static size_t received(ssize_t n)
{
	need(n > 0, "nothing received");
	__atomic_add_fetch(&total.rx, n, __ATOMIC_RELAXED);
	return n;
}

/* Open a connection; [0] of the result is the client's descriptor, [1] the server's. */
static int *new_pair(void)
{
	int *fd = pairs[open_pairs++];

	need(bed_pair(BED_4, fd), "no connection");
	return fd;
}

static void send_all(int fd, size_t n)
{
	while (n)
		n -= sent(send(fd, data, n, 0));
}

static void recv_all(int fd, size_t n)
{
	char sink[UNIT];

	while (n)
		n -= received(recv(fd, sink, n < UNIT ? n : UNIT, 0));
}

static void transfer(int from, int to, size_t n)
{
	for (; n; n -= UNIT) {
		send_all(from, UNIT);
		recv_all(to, UNIT);
	}
}

/* ---- the scenarios ---- */

static void move_plain(void)
{
	int *fd = new_pair();

	transfer(fd[0], fd[1], MIB);
	transfer(fd[1], fd[0], MIB / 2);
}

/* Send with MSG_DONTWAIT into a small buffer, so that sends are partial. */
static void move_partial(void)
{
	size_t left = 4 * MIB, n, partial = 0;
	int *fd = new_pair();

	need(!setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &(int){ 64 * KIB }, sizeof(int)),
	     "SO_SNDBUF");
	for (; left; left -= n) {
		size_t offered = left < MIB ? left : MIB;

		n = sent(send(fd[0], data, offered, MSG_DONTWAIT));
		partial += n < offered;
		recv_all(fd[1], n);
	}
	need(partial, "no send was partial");
}

/* Peek at all bytes eight times before receiving them. */
static void move_peek(void)
{
	int *fd = new_pair(), i, k;
	char sink[UNIT];

	for (i = 0; i < 32; i++) {
		send_all(fd[0], UNIT);
		for (k = 0; k < 8; k++)
			need(recv(fd[1], sink, UNIT, MSG_PEEK) > 0, "nothing to peek at");
		recv_all(fd[1], UNIT);
	}
}

static void *recv_waitall(void *arg)
{
	int *fd = arg, i;
	char sink[64 * KIB];

	tids[0] = gettid();
	for (i = 0; i < 4; i++)
		need(received(recv(fd[1], sink, sizeof(sink), MSG_WAITALL)) == sizeof(sink),
		     "recv(MSG_WAITALL) returned early");
	return NULL;
}

static bool blocked(int i)
{
	return tids[i] && bed_blocked(tids[i], SYS_recvfrom);
}

/* Send 1 KiB whenever the receiver sleeps in recv(MSG_WAITALL). */
static void move_waitall(void)
{
	int *fd = new_pair(), i;

	need(!pthread_create(&threads[0], NULL, recv_waitall, fd), "no thread");
	for (i = 0; i < 4 * 64; i++) {
		need(BED_WAIT(blocked(0)), "the receiver does not block");
		send_all(fd[0], KIB);
	}
	pthread_join(threads[0], NULL);
}

static void move_sendfile(void)
{
	int *fd = new_pair(), file = memfd_create("file", MFD_CLOEXEC);
	off_t at = 0;

	need(file >= 0 && write(file, data, MIB) == MIB, "no file");
	while (at < (off_t)MIB)
		recv_all(fd[1], sent(sendfile(fd[0], file, &at, UNIT)));
	close(file);
}

static void move_splice(void)
{
	int *fd = new_pair(), pipe_fd[2], i;

	need(!pipe2(pipe_fd, O_CLOEXEC), "no pipe");
	for (i = 0; i < 64; i++) {
		size_t n, left = UNIT;

		need(bed_write(pipe_fd[1], UNIT), "the pipe takes nothing");
		while (left)
			left -= sent(splice(pipe_fd[0], NULL, fd[0], NULL, left, 0));
		for (left = UNIT; left; left -= n) {
			n = received(splice(fd[1], NULL, pipe_fd[1], NULL, left, 0));
			need(bed_read(pipe_fd[0], n), "the pipe gives nothing");
		}
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* The receiver leaves half of the bytes in its receive queue. */
static void move_unread(void)
{
	int *fd = new_pair();

	send_all(fd[0], UNIT);
	recv_all(fd[1], UNIT / 2);
}

static void use_before(void)
{
	int *fd = new_pair();

	transfer(fd[0], fd[1], MIB / 2);
	transfer(fd[1], fd[0], MIB / 4);
}

static void use_before_again(void)
{
	transfer(pairs[0][0], pairs[0][1], MIB / 4);
	transfer(pairs[0][1], pairs[0][0], MIB / 8);
}

static void *recv_blocking(void *arg)
{
	int i = (intptr_t)arg;

	tids[i] = gettid();
	recv_all(pairs[i][1], 4 * KIB);
	return NULL;
}

static void block_threads(void)
{
	int i;

	for (i = 0; i < THREADS; i++) {
		new_pair();
		need(!pthread_create(&threads[i], NULL, recv_blocking, (void *)(intptr_t)i),
		     "no thread");
	}
	for (i = 0; i < THREADS; i++)
		need(BED_WAIT(blocked(i)), "a receiver does not block");
}

static void feed_threads(void)
{
	int i;

	for (i = 0; i < THREADS; i++)
		send_all(pairs[i][0], 4 * KIB);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void move_threads(void)
{
	block_threads();
	feed_threads();
}

static struct scenario scenarios[] = {
	{ .name = "plain", .move = move_plain },
	{ .name = "partial", .move = move_partial },
	{ .name = "peek", .move = move_peek },
	{ .name = "waitall", .move = move_waitall },
	{ .name = "sendfile", .move = move_sendfile },
	{ .name = "splice", .move = move_splice },
	{ .name = "unread", .move = move_unread },
	{ .name = "before", .open = use_before, .move = use_before_again },
	{ .name = "threads", .move = move_threads },
	{ .name = "threads-before", .open = block_threads, .move = feed_threads },
};

/* ---- the processes ---- */

static void close_pairs(void)
{
	int i;

	for (i = 0; i < open_pairs; i++) {
		close(pairs[i][0]);
		close(pairs[i][1]);
	}
}

/* Run a scenario: the parent starts a stage with a byte, and receives the totals at its end. */
static void scenario_run(const struct scenario *s, int control)
{
	void (*const stages[])(void) = { s->open, s->move, close_pairs };
	size_t i;
	char go;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, s->name);
	program_invocation_short_name = (char *)s->name;
	for (i = 0; i < ARRAY_SIZE(stages); i++) {
		need(read(control, &go, 1) == 1, "no parent");
		if (stages[i])
			stages[i]();
		need(write(control, &total, sizeof(total)) == sizeof(total), "no parent");
	}
	_exit(0);
}

static void scenario_start(struct scenario *s)
{
	int control[2];

	need(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), "socketpair");
	s->pid = fork();
	need(s->pid >= 0, "fork");
	if (!s->pid)
		scenario_run(s, control[1]);
	close(control[1]);
	s->control = control[0];
	printf("pid %s %d\n", s->name, s->pid);
}

static struct totals scenario_stage(const struct scenario *s)
{
	struct totals t;

	if (write(s->control, "", 1) != 1 || read(s->control, &t, sizeof(t)) != sizeof(t))
		errx(1, "scenario %s failed", s->name);
	return t;
}

static void print_truth(const char *name, struct totals t)
{
	printf("result\ttruth\t%s-tx\ttrue\t1\t%llu\tbytes\n", name, (unsigned long long)t.tx);
	printf("result\ttruth\t%s-rx\ttrue\t1\t%llu\tbytes\n", name, (unsigned long long)t.rx);
}

int main(void)
{
	struct scenario *end = scenarios + ARRAY_SIZE(scenarios), *s;
	enum { OPEN, MOVE, CLOSE } step;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (s = scenarios; s < end; s++)
		scenario_start(s);
	for (step = OPEN; step <= CLOSE; step++) {
		need(getchar() != EOF, "stdin has ended");
		for (s = scenarios; s < end; s++) {
			struct totals t = scenario_stage(s);

			if (step == MOVE)
				print_truth(s->name, t);
		}
		puts("done");
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
