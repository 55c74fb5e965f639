// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic for the tests written in shell. This program reads commands, one per line,
 * and answers each with a line "ok ..." or "error ..." when the command is done.
 *
 *	open N		open N connections, in turn IPv4, IPv6 and v4-mapped
 *	move BYTES	move BYTES to the server on each open connection, half of it back
 *	close		close all connections
 *	churn N		open, use and close N connections, one after the other
 *	check		compare the bytes of all connections so far, open and closed,
 *			with the sums of their rows
 *	block HOW N	start N threads and wait until they block in recv, send or accept
 *	release		let them go on; each call must return all that it waits for
 *	busy N		start N threads that open, use and close connections in a loop
 *	progress	wait until each busy thread has closed another connection
 *	idle		stop the busy threads and answer "ok ROUNDS"
 *
 * Both ends of each connection belong to this process.
 */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "bed.h"

#define MAX_CONNECTIONS 4096
#define MAX_THREADS 512
#define STALLED_BYTES (24 << 20)

struct connection {
	int fd[2];
	uint64_t cookie[2];
	uint64_t sent[2]; /* by the client, by the server */
	bool closed;
};

struct blocked {
	pthread_t thread;
	atomic_int tid;
	int fd[2]; /* the blocked end and its peer */
	ssize_t ret;
};

struct busy {
	pthread_t thread;
	atomic_ulong rounds;
	enum bed_family family;
};

static struct connection connections[MAX_CONNECTIONS];
static unsigned int n_connections;

static struct blocked blocked[MAX_THREADS];
static unsigned int n_blocked;
static long blocked_in; /* number of the system call */

static struct busy busy[MAX_THREADS];
static unsigned int n_busy;
static atomic_bool stop;
static atomic_uint errors;

static bool error(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("error %s\n", text);
	return false;
}

/* ---- connections ---- */

static bool open_one(void)
{
	struct connection *c = &connections[n_connections];
	int i;

	if (n_connections == MAX_CONNECTIONS)
		return error("too many connections");
	*c = (struct connection){ 0 };
	if (!bed_pair(n_connections % 3, c->fd))
		return error("open: %m");
	for (i = 0; i < 2; i++)
		c->cookie[i] = bed_cookie(c->fd[i]);
	n_connections++;
	return true;
}

static bool move_one(struct connection *c, uint64_t bytes)
{
	uint64_t want[2] = { bytes, bytes / 2 };
	int i;

	for (i = 0; i < 2; i++) {
		if (!bed_write(c->fd[i], want[i]) || !bed_read(c->fd[!i], want[i]))
			return error("move: %m");
		c->sent[i] += want[i];
	}
	return true;
}

static void close_one(struct connection *c)
{
	close(c->fd[0]);
	close(c->fd[1]);
	c->closed = true;
}

static bool do_open(unsigned long n)
{
	while (n--) {
		if (!open_one())
			return false;
	}
	return true;
}

static bool do_move(unsigned long bytes)
{
	unsigned int i;

	for (i = 0; i < n_connections; i++) {
		if (!connections[i].closed && !move_one(&connections[i], bytes))
			return false;
	}
	return true;
}

static bool do_close(void)
{
	unsigned int i;

	for (i = 0; i < n_connections; i++) {
		if (!connections[i].closed)
			close_one(&connections[i]);
	}
	return true;
}

static bool do_churn(unsigned long n)
{
	for (; n; n--) {
		if (!open_one() || !move_one(&connections[n_connections - 1], 100 + n))
			return false;
		close_one(&connections[n_connections - 1]);
	}
	return true;
}

/* The rows of a socket, whichever descriptors they are for, add up to its bytes. */
static bool check_end(const struct sockstat_table *table, const struct connection *c, int end)
{
	const struct sockstat_row *row = NULL;
	uint64_t tx = 0, rx = 0;
	unsigned int rows = 0;

	while ((row = sockstat_table_find_cookie(table, c->cookie[end], row))) {
		tx += row->tx_bytes;
		rx += row->rx_bytes;
		rows++;
		if (c->closed != (row->state == SOCKSTAT_CLOSED))
			return error("line %u: %s", row->line, sockstat_state_name(row->state));
		if (row->role != (end ? SOCKSTAT_ROLE_SERVER : SOCKSTAT_ROLE_CLIENT))
			return error("line %u: role %s", row->line, sockstat_role_name(row->role));
	}
	if (!rows)
		return error("%s connection %zu has no row", c->closed ? "closed" : "open",
			     c - connections);
	if (tx != c->sent[end] || rx != c->sent[!end])
		return error("%s connection %zu, %s: tx %llu of %llu, rx %llu of %llu",
			     c->closed ? "closed" : "open", c - connections,
			     end ? "server" : "client", (unsigned long long)tx,
			     (unsigned long long)c->sent[end], (unsigned long long)rx,
			     (unsigned long long)c->sent[!end]);
	return true;
}

static bool do_check(void)
{
	struct sockstat_table table;
	bool right = true;
	unsigned int i;

	if (sockstat_table_read(&table, SOCKSTAT_PROC_PATH))
		return error("%s", table.error);
	for (i = 0; right && i < 2 * n_connections; i++)
		right = check_end(&table, &connections[i / 2], i % 2);
	sockstat_table_free(&table);
	return right;
}

/* ---- blocked threads ---- */

static void *blocked_thread(void *arg)
{
	struct blocked *b = arg;
	char buf[64];
	char *big;

	b->tid = gettid();
	switch (blocked_in) {
	case SYS_recvfrom:
		b->ret = recv(b->fd[0], buf, sizeof(buf), 0);
		break;
	case SYS_sendto:
		big = calloc(1, STALLED_BYTES);
		b->ret = send(b->fd[0], big, STALLED_BYTES, 0);
		free(big);
		break;
	case SYS_accept4:
		b->ret = bed_accept(b->fd[0]);
		break;
	}
	return NULL;
}

static bool do_block(const char *how, unsigned long n)
{
	int listener = -1;

	blocked_in = !strcmp(how, "recv") ? SYS_recvfrom :
		     !strcmp(how, "send") ? SYS_sendto :
					    SYS_accept4;
	if (n > MAX_THREADS)
		return error("too many threads");
	for (n_blocked = 0; n_blocked < n; n_blocked++) {
		struct blocked *b = &blocked[n_blocked];

		*b = (struct blocked){ 0 };
		if (blocked_in != SYS_accept4) {
			if (!bed_pair(n_blocked % 3, b->fd))
				return error("block: %m");
		} else {
			if (listener < 0)
				listener = bed_listen(BED_4, 5);
			b->fd[0] = listener;
			b->fd[1] = -1;
		}
		if (pthread_create(&b->thread, NULL, blocked_thread, b))
			return error("no thread");
		if (!BED_WAIT(b->tid && bed_blocked(b->tid, blocked_in)))
			return error("thread %u is not blocked", n_blocked);
	}
	return true;
}

static bool do_release(void)
{
	ssize_t want = 0;
	unsigned int i;

	for (i = 0; i < n_blocked; i++) {
		struct blocked *b = &blocked[i];
		bool done = true;

		switch (blocked_in) {
		case SYS_recvfrom:
			done = bed_write(b->fd[1], 33);
			want = 33;
			break;
		case SYS_sendto:
			done = bed_read(b->fd[1], STALLED_BYTES);
			want = STALLED_BYTES;
			break;
		case SYS_accept4:
			b->fd[1] = bed_connect(BED_4, b->fd[0]);
			done = b->fd[1] >= 0;
			break;
		}
		if (!done)
			return error("release: %m");
	}
	for (i = 0; i < n_blocked; i++) {
		struct blocked *b = &blocked[i];

		pthread_join(b->thread, NULL);
		if (b->ret < 0 || (want && b->ret != want))
			return error("the call of thread %u returned %zd", i, b->ret);
		if (blocked_in == SYS_accept4)
			close(b->ret);
		else
			close(b->fd[0]);
		close(b->fd[1]);
	}
	if (n_blocked && blocked_in == SYS_accept4)
		close(blocked[0].fd[0]);
	n_blocked = 0;
	return true;
}

/* ---- busy threads ---- */

static void *busy_thread(void *arg)
{
	struct busy *b = arg;
	int fd[2];

	while (!stop) {
		size_t bytes = 1 + b->rounds * 7919 % 60000;

		if (!bed_pair(b->family, fd) || !bed_write(fd[0], bytes) ||
		    !bed_read(fd[1], bytes) || shutdown(fd[0], SHUT_WR) || !bed_at_eof(fd[1])) {
			errors++;
			break;
		}
		close(fd[b->rounds % 2]);
		close(fd[!(b->rounds % 2)]);
		b->rounds++;
	}
	return NULL;
}

static bool do_busy(unsigned long n)
{
	if (n > MAX_THREADS)
		return error("too many threads");
	stop = false;
	for (n_busy = 0; n_busy < n; n_busy++) {
		struct busy *b = &busy[n_busy];

		b->rounds = 0;
		b->family = n_busy % 3;
		if (pthread_create(&b->thread, NULL, busy_thread, b))
			return error("no thread");
	}
	return true;
}

static bool do_progress(void)
{
	unsigned int i;

	for (i = 0; i < n_busy; i++) {
		unsigned long since = busy[i].rounds;

		if (!BED_WAIT(busy[i].rounds > since))
			return error("thread %u makes no progress", i);
	}
	return !errors || error("%u calls failed", errors);
}

static bool do_idle(unsigned long *rounds)
{
	unsigned int i;

	stop = true;
	for (i = 0, *rounds = 0; i < n_busy; i++) {
		pthread_join(busy[i].thread, NULL);
		*rounds += busy[i].rounds;
	}
	n_busy = 0;
	return !errors || error("%u calls failed", errors);
}

static bool command_run(const char *line, unsigned long *answer)
{
	char verb[16] = "", how[16] = "";
	unsigned long n = 0;

	if (sscanf(line, "%15s %15[a-z] %lu", verb, how, &n) < 2)
		sscanf(line, "%15s %lu", verb, &n);
	if (!strcmp(verb, "open"))
		return do_open(n);
	if (!strcmp(verb, "move"))
		return do_move(n);
	if (!strcmp(verb, "close"))
		return do_close();
	if (!strcmp(verb, "churn"))
		return do_churn(n);
	if (!strcmp(verb, "check"))
		return do_check();
	if (!strcmp(verb, "block"))
		return do_block(how, n);
	if (!strcmp(verb, "release"))
		return do_release();
	if (!strcmp(verb, "busy"))
		return do_busy(n);
	if (!strcmp(verb, "progress"))
		return do_progress();
	if (!strcmp(verb, "idle"))
		return do_idle(answer);
	return error("unknown command \"%s\"", verb);
}

int main(void)
{
	char line[128];

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long answer = 0;

		if (command_run(line, &answer))
			printf("ok %lu\n", answer);
	}
	return 0;
}
