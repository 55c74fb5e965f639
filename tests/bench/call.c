// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure the cost of operations on a TCP socket. In a guest run with
 * tests/vm/guest --icount, a nanosecond of the clock is one instruction.
 *
 *	call [--repeat N] NAME...
 *
 * Measures each named operation, and repeats the whole list N times. For each
 * it prints the name, a tab and the cost of one operation: the median of many
 * short batches, since interrupts fall into only a few of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define SMALL 64
#define LARGE 65536
#define HIGH_FD 20000
#define TURNS 4
#define TIME_WAIT_S 61

static char buffer[LARGE];
static struct listener listener;
static int client, server;
static struct io_uring ring;

static void send_and_recv(size_t size)
{
	size_t left = size;

	if (send(client, buffer, size, 0) != (ssize_t)size)
		die("send");
	while (left) {
		ssize_t n = recv(server, buffer, left, 0);

		if (n <= 0)
			die("recv");
		left -= n;
	}
}

static void pair(void)
{
	send_and_recv(SMALL);
}

static void pair64k(void)
{
	send_and_recv(LARGE);
}

static void open_pair(void)
{
	int one = 1;

	listen_on_loopback(&listener);
	open_connection(&listener, 0, &client, &server);
	if (setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
}

static void close_pair(void)
{
	close(client);
	close(server);
	close(listener.fd);
}

/* Let the socket buffers hold all 64 KiB, so that one process can send and then receive. */
static void open_pair64k(void)
{
	int size = 2 * LARGE;

	open_pair();
	if (setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
	    setsockopt(server, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		die("setsockopt");
}

static void eagain(void)
{
	if (recv(server, buffer, SMALL, MSG_DONTWAIT) != -1 || errno != EAGAIN)
		die("recv from an empty socket");
}

static void full(void)
{
	if (send(client, buffer, SMALL, MSG_DONTWAIT) != -1 || errno != EAGAIN)
		die("send to a full socket");
}

/* Fill the send buffer. Data in flight may free some room later, so wait and try again. */
static void open_full(void)
{
	bool room;

	open_pair();
	do {
		room = false;
		while (send(client, buffer, SMALL, MSG_DONTWAIT) > 0)
			room = true;
		sleep(1);
	} while (room);
}

static void open_listener(void)
{
	listen_on_loopback(&listener);
}

static void cycle(void)
{
	open_connection(&listener, 0, &client, &server);
	close(client);
	close(server);
}

/* Wait for TIME_WAIT sockets to expire: they would slow down the next search for a port. */
static void close_listener(void)
{
	close(listener.fd);
	sleep(TIME_WAIT_S);
}

/*
 * As an unprivileged user, use 32 connections through 800 descriptors each, under
 * another name each time: does that make connections dearer?
 */
#define NOBODY 65534
#define RENAMED 32
#define RENAMES 800
#define RENAMED_FD 1000

static void rename_and_send(int fd, int turn)
{
	char name[32];
	int copy;

	snprintf(name, sizeof(name), "%d of %d", turn, fd);
	copy = dup2(fd, RENAMED_FD + turn);
	if (prctl(PR_SET_NAME, name) || copy < 0 || send(copy, "", 1, 0) != 1 || close(copy))
		die("rename_and_send");
	/* let the module's work item allocate more records */
	if (turn % 16 == 15)
		usleep(100);
}

static void open_renamed(void)
{
	int ends[RENAMED][2], i, k;

	listen_on_loopback(&listener);
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		die("setresuid");
	for (i = 0; i < RENAMED; i++)
		open_connection(&listener, i, &ends[i][0], &ends[i][1]);
	for (k = 0; k < RENAMES; k++)
		for (i = 0; i < RENAMED; i++)
			rename_and_send(ends[i][0], k);
}

#define FRESH 1000
static int fresh[FRESH][2], next_fresh;

static void open_fresh(void)
{
	listen_on_loopback(&listener);
	for (next_fresh = 0; next_fresh < FRESH; next_fresh++)
		open_connection(&listener, next_fresh, &fresh[next_fresh][0],
				&fresh[next_fresh][1]);
	next_fresh = 0;
}

static void first(void)
{
	client = fresh[next_fresh][0];
	server = fresh[next_fresh][1];
	next_fresh++;
	pair();
}

static void close_fresh(void)
{
	int i;

	for (i = 0; i < FRESH; i++) {
		close(fresh[i][0]);
		close(fresh[i][1]);
	}
	close_listener();
}

static void open_high_fd(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			die("open");
	} while (fd < HIGH_FD);
	open_pair();
}

static void close_high_fd(void)
{
	int fd;

	close_pair();
	for (fd = listener.fd - 1; fd > STDERR_FILENO; fd--)
		close(fd);
}

static void open_uring(void)
{
	open_pair();
	if (io_uring_queue_init(8, &ring, 0))
		die("io_uring_queue_init");
}

static void uring_run(const char *what)
{
	struct io_uring_cqe *cqe;

	if (io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_peek_cqe(&ring, &cqe) ||
	    cqe->res != SMALL)
		die(what);
	io_uring_cqe_seen(&ring, cqe);
}

static void uring(void)
{
	io_uring_prep_send(io_uring_get_sqe(&ring), client, buffer, SMALL, 0);
	uring_run("io_uring send");
	io_uring_prep_recv(io_uring_get_sqe(&ring), server, buffer, SMALL, 0);
	uring_run("io_uring recv");
}

static void close_uring(void)
{
	io_uring_queue_exit(&ring);
	close_pair();
}

/*
 * Four processes share one connection and use it in turn. The process that has
 * the token may use it; the token travels through pipes:
 *
 *	parent -> pipe 0 -> child 1 -> pipe 1 -> child 2 -> ... -> pipe 3 -> parent
 */
static int pipes[TURNS][2];
static pid_t children[TURNS];

static void take_token(int from)
{
	char token;

	if (read(pipes[from][0], &token, 1) != 1)
		exit(0);
}

static void pass_token(int to)
{
	if (write(pipes[to][1], "", 1) != 1)
		die("write to a pipe");
}

static void take_turns(int child)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		take_token(child - 1);
		pair();
		pass_token(child);
	}
}

static void open_turns(void)
{
	int i;

	open_pair();
	for (i = 0; i < TURNS; i++)
		if (pipe(pipes[i]))
			die("pipe");
	for (i = 1; i < TURNS; i++) {
		children[i] = fork();
		if (children[i] < 0)
			die("fork");
		if (!children[i])
			take_turns(i);
	}
}

static void turns(void)
{
	pair();
	pass_token(0);
	take_token(TURNS - 1);
}

static void close_turns(void)
{
	int i;

	for (i = 1; i < TURNS; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	for (i = 0; i < TURNS; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	close_pair();
}

/*
 * The operations: @prepare, then @batches times @batch calls of @operation, then
 * @finish. @calls is the number of counted calls in one @operation.
 */
static const struct work {
	const char *name;
	void (*prepare)(void);
	void (*operation)(void);
	void (*finish)(void);
	int batches, batch, calls;
} works[] = {
	{ "pair", open_pair, pair, close_pair, 100, 50, 1 },
	{ "eagain", open_pair, eagain, close_pair, 100, 50, 1 },
	{ "pair64k", open_pair64k, pair64k, close_pair, 100, 10, 1 },
	{ "full", open_full, full, close_pair, 100, 50, 1 },
	/* large batches, so that each includes deferred work such as RCU callbacks */
	{ "cycle", open_listener, cycle, close_listener, 10, 500, 1 },
	{ "renamed", open_renamed, cycle, close_listener, 10, 500, 1 },
	{ "first", open_fresh, first, close_fresh, FRESH / 10, 10, 1 },
	{ "high_fd", open_high_fd, pair, close_high_fd, 100, 50, 1 },
	{ "uring", open_uring, uring, close_uring, 100, 50, 1 },
	{ "turns", open_turns, turns, close_turns, 50, 25, TURNS },
};

static void measure(const struct work *work)
{
	double *costs = calloc(work->batches, sizeof(*costs));
	int i, k;

	if (!costs)
		die("calloc");
	work->prepare();
	for (i = 0; i < work->batches; i++) {
		double began = now();

		for (k = 0; k < work->batch; k++)
			work->operation();
		costs[i] = (now() - began) / work->batch / work->calls;
	}
	printf("%s\t%.1f\n", work->name, median(costs, work->batches));
	fflush(stdout);
	work->finish();
	free(costs);
}

static const struct work *find_work(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(works) / sizeof(*works); i++)
		if (!strcmp(works[i].name, name))
			return &works[i];
	fprintf(stderr, "call: unknown operation '%s'; choose from:", name);
	for (i = 0; i < sizeof(works) / sizeof(*works); i++)
		fprintf(stderr, " %s", works[i].name);
	fputc('\n', stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	int first_name = 1, repeat = 1, i;

	if (argc > 2 && !strcmp(argv[1], "--repeat")) {
		repeat = atoi(argv[2]);
		first_name = 3;
	}
	for (i = first_name; i < argc; i++)
		find_work(argv[i]);
	while (repeat-- > 0)
		for (i = first_name; i < argc; i++)
			measure(find_work(argv[i]));
	return 0;
}
