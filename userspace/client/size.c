// SPDX-License-Identifier: GPL-2.0-only
/* Large numbers: bytes, descriptors, blocked threads, connections between two snapshots. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

#define GIB (UINT64_C(1) << 30)
#define HUGE_BYTES (4 * GIB + GIB / 16 + 12345)
#define FILE_BYTES (64 << 20)
#define CALL_MAX 0x7ffff000 /* most bytes that one system call moves: MAX_RW_COUNT */

#ifdef __SANITIZE_ADDRESS__
#define SCALE(n) ((n) / 20)
#else
#define SCALE(n) (n)
#endif

#define HISTORY "/sys/module/sockstat/parameters/history"

static double seconds_since(int64_t since)
{
	return (now_ns() - since) / 1e9;
}

/* Set the module's parameter history (number of closed rows kept); return the old value. */
static unsigned int set_history(struct run *r, unsigned int rows)
{
	unsigned int old = 0;
	FILE *f;

	if (r->opt->dry_run)
		return 0;
	f = fopen(HISTORY, "r+e");
	if (!f)
		skip(r, HISTORY ": %m");
	must(r, fscanf(f, "%u", &old) == 1);
	rewind(f);
	must(r, fprintf(f, "%u\n", rows) > 0);
	must(r, !fclose(f));
	return old;
}

static void allow_descriptors(struct run *r, unsigned int n)
{
	struct rlimit limit = { n + 100, n + 100 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		skip(r, "cannot raise RLIMIT_NOFILE to %u: %m", n + 100);
}

/* Close all descriptors, check the closed rows, and restore the parameter history. */
static void finish_with_history(struct run *r, unsigned int old)
{
	check_finish(r);
	set_history(r, old);
}

/* Return a file whose pages exist: for a hole, 6.1's sendfile() would zero new pages. */
static int huge_file(struct run *r)
{
	static const char zeros[1 << 20];
	int fd = memfd_create("sockstat", MFD_CLOEXEC);
	size_t done;

	must(r, fd >= 0);
	for (done = 0; done < FILE_BYTES; done += sizeof(zeros))
		must(r, write(fd, zeros, sizeof(zeros)) == sizeof(zeros));
	return fd;
}

/* Send zeros from the page cache with sendfile(), without a copy; return the number of calls. */
static unsigned int huge_send(struct run *r, int to, uint64_t bytes)
{
	int file = huge_file(r);
	unsigned int calls = 0;

	while (bytes) {
		off_t offset = 0;
		ssize_t n = sendfile(to, file, &offset, bytes < FILE_BYTES ? bytes : FILE_BYTES);

		must(r, n > 0);
		bytes -= n;
		calls++;
	}
	must(r, !close(file));
	return calls;
}

/* A thread that receives and discards bytes (MSG_TRUNC), up to 2 GiB in one call */
struct sink {
	pthread_t thread;
	struct end *e;
	uint64_t left;
	unsigned int calls;
};

static void *sink_thread(void *arg)
{
	struct sink *s = arg;

	while (s->left) {
		size_t most = s->left < CALL_MAX ? s->left : CALL_MAX;
		/* AddressSanitizer's recv() would check the buffer, which is NULL. */
		ssize_t n = syscall(SYS_recvfrom, s->e->fd, NULL, most, MSG_TRUNC | MSG_WAITALL,
				    NULL, NULL);

		must(s->e->run, n > 0);
		s->left -= n;
		s->calls++;
	}
	return NULL;
}

static void sink_start(struct sink *s, struct end *e, uint64_t bytes)
{
	*s = (struct sink){ .e = e, .left = bytes };
	errno = pthread_create(&s->thread, NULL, sink_thread, s);
	must(e->run, !errno);
}

/* Open a connection with large buffers, to save context switches, which are slow in a guest. */
static void huge_pair(struct run *r, struct pair *p)
{
	net_private(r);
	sysctl_set(r, "net/ipv4/tcp_rmem", "4096 16777216 33554432");
	sysctl_set(r, "net/ipv4/tcp_wmem", "4096 16777216 33554432");
	pair_open(r, p);
	talk(p, 1000);
}

static void huge_one_way(struct end *from, struct end *to)
{
	int64_t since = now_ns();
	unsigned int calls;
	struct sink sink;

	sink_start(&sink, to, HUGE_BYTES);
	calls = huge_send(from->run, from->fd, HUGE_BYTES);
	pthread_join(sink.thread, NULL);
	/* How often one sendfile() enters TCP depends on the kernel. */
	from->loose |= LOOSE_TX_CALLS;
	tx_add(from, HUGE_BYTES, calls);
	rx_add(to, HUGE_BYTES, sink.calls);
	note(from->run, "%.1f GiB in %.1f s", HUGE_BYTES / (double)GIB, seconds_since(since));
}

/* Move more than 4 GiB in each direction; some calls move 2 GiB. */
static void size_huge(struct run *r)
{
	struct pair p;

	huge_pair(r, &p);
	huge_one_way(p.client, p.server);
	check(r);
	huge_one_way(p.server, p.client);
	check(r);
	talk(&p, 1000);
}

#define KPROBES "/sys/kernel/debug/kprobes/enabled"

static bool set_kprobes(const char *value)
{
	int fd = open(KPROBES, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, value, 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

/*
 * Disarm all kprobes until the scenario continues or dies.  This child leaves
 * the scenario's process group, so that the runner does not kill it before it
 * has armed them again.
 */
static void child_disarm_kprobes(struct child *c)
{
	if (c->r->opt->dry_run) {
		child_pause(c);
		return;
	}
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    (access(KPROBES, W_OK) && mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL)))
		skip(c->r, "debugfs: %m");
	must(c->r, !setpgid(0, 0));
	signal(SIGPIPE, SIG_IGN);
	must(c->r, !prctl(PR_SET_PDEATHSIG, 0));
	if (!set_kprobes("0"))
		skip(c->r, KPROBES ": %m");
	child_pause(c);
	must(c->r, set_kprobes("1"));
}

/* Send @bytes while the kprobes are disarmed. */
static void huge_unseen(struct run *r, struct pair *p, uint64_t bytes)
{
	struct child *guard = child_start(r, child_disarm_kprobes, NULL, NULL);
	int64_t since = now_ns();
	struct sink sink;

	sink_start(&sink, p->server, bytes);
	huge_send(r, p->client->fd, bytes);
	pthread_join(sink.thread, NULL);
	child_join(guard);
	tx_add(p->client, bytes, 0);
	rx_add(p->server, bytes, 0);
	note(r, "%.1f GiB in %.1f s", bytes / (double)GIB, seconds_since(since));
}

/*
 * Move more than 4 GiB while the kprobes are disarmed, so that the module sees
 * none of the calls.  It must still credit the bytes to the descriptors that
 * sent and received before; it cannot know the number of calls.
 */
static void size_huge_unseen(struct run *r)
{
	struct pair p;

	huge_pair(r, &p);
	huge_unseen(r, &p, HUGE_BYTES);
	check(r);
	talk(&p, 1000);
	check(r);
	/* This time a call settles the bytes, and 3 GiB is negative as a signed 32-bit number. */
	huge_unseen(r, &p, 3 * GIB);
	talk(&p, 1000);
	check(r);
}

#define HANDS_BYTES 10 /* that the other process moves */

/* Two processes that each share a descriptor of this process, and move some bytes through it */
struct hands {
	struct child *sender, *receiver;
	struct end *server;
	int sock[2];
};

static void child_sends(struct child *c)
{
	for (child_pause(c); c->held[0]; child_pause(c))
		send_bytes(c->held[0], HANDS_BYTES);
}

/* Gets the descriptor by SCM_RIGHTS. */
static void child_receives(struct child *c)
{
	struct hands *h = c->arg;
	int fd = receive_descriptor(c->r, h->sock[1]);
	struct end *e = end_alias(h->server, getpid(), fd);

	for (child_pause(c);; child_pause(c))
		read_all(e, HANDS_BYTES);
}

static struct hands *hands_open(struct run *r, struct pair *p)
{
	struct hands *h = shared_memory(r, sizeof(*h));

	huge_pair(r, p);
	must(r, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, h->sock));
	h->server = p->server;
	pass_descriptor(r, h->sock[0], p->server->fd);
	h->sender = child_start(r, child_sends, NULL, p->client, NULL);
	h->receiver = child_start(r, child_receives, h, NULL);
	check(r);
	return h;
}

static void hands_change(struct run *r, struct hands *h)
{
	child_turn(h->sender);
	child_turn(h->receiver);
	check(r);
}

static void hands_close(struct hands *h)
{
	child_kill(h->sender);
	child_kill(h->receiver);
}

/* Send @bytes of zeros in one call, from memory that takes no room. */
static void send_once(struct end *e, size_t bytes)
{
	char *zeros =
		mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(e->run, zeros != MAP_FAILED);
	must(e->run, tx(e, send(e->fd, zeros, bytes, 0)) == (ssize_t)bytes);
	must(e->run, !munmap(zeros, bytes));
}

/*
 * The bytes of a call are booked at the next one, so two calls can leave nearly
 * 3 GiB for another process's call to book: @extra bytes, and one call's most.
 */
static void hands_calls(struct run *r, size_t extra)
{
	struct sink sink;
	struct hands *h;
	struct pair p;

	h = hands_open(r, &p);
	send_bytes(p.client, extra);
	read_all(p.server, extra);
	sink_start(&sink, p.server, CALL_MAX);
	send_once(p.client, CALL_MAX);
	pthread_join(sink.thread, NULL);
	rx_add(p.server, CALL_MAX, sink.calls);
	hands_change(r, h);
	talk(&p, 1000);
	check(r);
	hands_close(h);
}

static void size_hands_below(struct run *r)
{
	hands_calls(r, 4095);
}

static void size_hands_at(struct run *r)
{
	hands_calls(r, 4096);
}

static void size_hands_above(struct run *r)
{
	hands_calls(r, 1 << 20);
}

/* The same with bytes that move while no call is seen, which can be any number. */
static void hands_unseen(struct run *r, uint64_t bytes)
{
	struct hands *h;
	struct pair p;

	h = hands_open(r, &p);
	huge_unseen(r, &p, bytes);
	hands_change(r, h);
	hands_close(h);
}

static void size_hands_unseen_2(struct run *r)
{
	hands_unseen(r, 2 * GIB);
}

static void size_hands_unseen_4(struct run *r)
{
	hands_unseen(r, 4 * GIB - 1);
}

static void size_hands_unseen_5(struct run *r)
{
	hands_unseen(r, 4 * GIB + 1);
}

/* Many connections within one process, each with a different number of bytes */
static void size_descriptors(struct run *r)
{
	unsigned int n = r->opt->connections ? r->opt->connections : SCALE(10000), i, history;
	struct pair *pairs = calloc(n, sizeof(*pairs));
	int64_t since = now_ns();
	struct end *listener;

	must(r, pairs);
	net_private(r);
	allow_descriptors(r, 2 * n);
	history = set_history(r, 2 * n + 100);
	listener = listen_open(r, 1);
	for (i = 0; i < n; i++)
		pair_open_on(r, listener, &pairs[i]);
	check(r);
	for (i = 0; i < n; i++)
		talk(&pairs[i], i % 100 + 2);
	finish_with_history(r, history);
	note(r, "%u descriptors in %.1f s", 2 * n, seconds_since(since));
	free(pairs);
}

struct reader {
	pthread_t thread;
	struct pair p;
	pid_t tid;
	unsigned int bytes;
};

static void *reader_thread(void *arg)
{
	struct reader *reader = arg;
	char buf[256];
	ssize_t n;

	rx_add(reader->p.server, 0, 1);
	__atomic_store_n(&reader->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	n = recv(reader->p.server->fd, buf, sizeof(buf), 0);
	if (n != reader->bytes)
		fail(reader->p.server->run, "recv() returned %zd instead of %u", n, reader->bytes);
	rx_add(reader->p.server, n, 0);
	return NULL;
}

static bool reader_has_started(void *arg)
{
	return __atomic_load_n((pid_t *)arg, __ATOMIC_ACQUIRE);
}

/* All threads block in recv() at the same time; then each receives its bytes. */
static void size_threads(struct run *r)
{
	unsigned int n = r->opt->threads ? r->opt->threads : SCALE(5000), i, history;
	struct reader *readers = calloc(n, sizeof(*readers));
	struct end *listener;
	int64_t since = now_ns();
	pthread_attr_t attr;

	must(r, readers && !pthread_attr_init(&attr));
	must(r, !pthread_attr_setstacksize(&attr, 256 * 1024));
	net_private(r);
	allow_descriptors(r, 2 * n);
	history = set_history(r, 2 * n + 100);
	listener = listen_open(r, 1);
	for (i = 0; i < n; i++)
		pair_open_on(r, listener, &readers[i].p);
	for (i = 0; i < n; i++) {
		readers[i].bytes = i % 200 + 1;
		errno = pthread_create(&readers[i].thread, &attr, reader_thread, &readers[i]);
		if (errno == EAGAIN)
			skip(r, "cannot create %u threads: %m", n);
		must(r, !errno);
	}
	for (i = 0; i < n; i++) {
		wait_until(r, reader_has_started, &readers[i].tid, "a thread to start");
		wait_in_syscall(r, getpid(), readers[i].tid, SYS_recvfrom);
	}
	check(r);
	for (i = 0; i < n; i++)
		send_bytes(readers[i].p.client, readers[i].bytes);
	for (i = 0; i < n; i++)
		pthread_join(readers[i].thread, NULL);
	finish_with_history(r, history);
	note(r, "%u threads in %.1f s", n, seconds_since(since));
	pthread_attr_destroy(&attr);
	free(readers);
}

#define PASSES 4

/* Open, use and close many connections between one snapshot and the next. */
static void size_churn(struct run *r)
{
	unsigned int n = r->opt->connections ? r->opt->connections : 500, i, pass, history;
	int64_t since = now_ns();
	struct end *listener;

	net_private(r);
	history = set_history(r, 2 * n * PASSES + 100);
	listener = listen_open(r, 1);
	for (pass = 0; pass < PASSES; pass++) {
		for (i = 0; i < n; i++) {
			struct pair p;

			pair_open_on(r, listener, &p);
			talk(&p, 2 * i + pass);
			end_close(i % 2 ? p.client : p.server);
			end_close(i % 2 ? p.server : p.client);
		}
		check(r);
	}
	finish_with_history(r, history);
	note(r, "%u connections in %.1f s", n * PASSES, seconds_since(since));
}

const struct scenario size_scenarios[] = {
	{ "huge", size_huge, SC_ONE_FAMILY | SC_ROOT, 300,
	  "move more than 4 GiB in each direction" },
	{ "huge_unseen", size_huge_unseen, SC_ONE_FAMILY | SC_ROOT, 200,
	  "move more than 4 GiB while the kprobes are disarmed" },
	{ "hands_below", size_hands_below, SC_ONE_FAMILY | SC_ROOT, 100,
	  "move 2 GiB less 1 byte, then use the connection in other processes" },
	{ "hands_at", size_hands_at, SC_ONE_FAMILY | SC_ROOT, 100,
	  "move 2 GiB, then use the connection in other processes" },
	{ "hands_above", size_hands_above, SC_ONE_FAMILY | SC_ROOT, 100,
	  "move more than 2 GiB, then use the connection in other processes" },
	{ "hands_unseen_2", size_hands_unseen_2, SC_ONE_FAMILY | SC_ROOT, 100,
	  "move 2 GiB while the kprobes are disarmed, then use the connection in other processes" },
	{ "hands_unseen_4", size_hands_unseen_4, SC_ONE_FAMILY | SC_ROOT, 100,
	  "move 4 GiB less 1 byte while the kprobes are disarmed, then the same" },
	{ "hands_unseen_5", size_hands_unseen_5, SC_ONE_FAMILY | SC_ROOT, 100,
	  "move 4 GiB and 1 byte while the kprobes are disarmed, then the same" },
	{ "many_descriptors", size_descriptors,
	  SC_ONE_FAMILY | SC_ROOT | SC_OWN_COUNT | SC_NO_FINISH, 200,
	  "open and use 20,000 descriptors in one process" },
	{ "many_threads", size_threads, SC_ONE_FAMILY | SC_ROOT | SC_OWN_COUNT | SC_NO_FINISH, 200,
	  "block 5,000 threads in recv(2), then send to each" },
	{ "churn", size_churn, SC_ONE_FAMILY | SC_ROOT | SC_OWN_COUNT | SC_NO_FINISH, 100,
	  "open, use and close 500 connections between two snapshots" },
	{ 0 },
};
