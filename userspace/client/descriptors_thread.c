// SPDX-License-Identifier: GPL-2.0-only
/* Threads: one process's descriptors, unless a thread has a table of its own. */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

#define DEFAULT_THREADS 8
#define MAX_THREADS 64
#define ROUNDS 20

/* A thread and the connection that is its own, or everybody's */
struct worker {
	pthread_t thread;
	struct run *r;
	struct pair p;
	unsigned int number;
};

static unsigned int n_threads(const struct run *r)
{
	unsigned int n = r->opt->threads ? r->opt->threads : DEFAULT_THREADS;

	return n < MAX_THREADS ? n : MAX_THREADS;
}

static void start(struct worker *w, void *(*fn)(void *arg))
{
	errno = pthread_create(&w->thread, NULL, fn, w);
	must(w->r, !errno);
}

static void *talk_alone(void *arg)
{
	struct worker *w = arg;
	int i;

	/* Threads have names; the rows have the process's. */
	prctl(PR_SET_NAME, "a thread's name");
	for (i = 1; i <= ROUNDS; i++)
		talk(&w->p, 10 * i + w->number);
	return NULL;
}

/* Every thread has a connection. */
static void descriptors_threads(struct run *r)
{
	unsigned int n = n_threads(r), i;
	struct worker workers[MAX_THREADS];

	for (i = 0; i < n; i++) {
		workers[i] = (struct worker){ .r = r, .number = i };
		pair_open(r, &workers[i].p);
	}
	for (i = 0; i < n; i++)
		start(&workers[i], talk_alone);
	for (i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
}

static void *send_rounds(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 1; i <= ROUNDS; i++)
		send_bytes(w->p.client, 100 * i);
	return NULL;
}

/* All threads send through one descriptor: it is one row, so nothing can be mixed up. */
static void descriptors_threads_one(struct run *r)
{
	unsigned int n = n_threads(r), i;
	struct worker workers[MAX_THREADS];
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	drain_start(&d, p.server, n * 100 * ROUNDS * (ROUNDS + 1) / 2);
	for (i = 0; i < n; i++) {
		workers[i] = (struct worker){ .r = r, .p = p };
		start(&workers[i], send_rounds);
	}
	for (i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
	drain_join(&d);
}

/* The last thread of a process whose first one has ended */
static void *outlive(void *arg)
{
	struct child *c = arg;

	send_bytes(c->held[0], 300);
	child_pause(c);
	send_bytes(c->held[0], 40);
	read_all(c->held[0], 20);
	child_pause(c);
	_exit(0);
}

static void leave_to_thread(struct child *c)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, outlive, c);
	must(c->r, !errno);
	pthread_exit(NULL);
}

static bool main_is_dead(void *arg)
{
	struct child *c = arg;
	char path[48], stat[512], *paren;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", c->pid, c->pid);
	f = fopen(path, "re");
	must(c->r, f);
	if (!fgets(stat, sizeof(stat), f))
		stat[0] = '\0';
	fclose(f);
	paren = strrchr(stat, ')');
	return paren && paren[1] == ' ' && paren[2] == 'Z';
}

static void descriptors_main_exited(struct run *r)
{
	struct child *c;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	c = child_start(r, leave_to_thread, NULL, p.client, NULL);
	end_close(p.client);
	wait_until(r, main_is_dead, c, "the main thread to be gone");
	read_all(p.server, 300);
	check(r);
	send_bytes(p.server, 20);
	child_turn(c);
	read_all(p.server, 40);
	check(r);
	child_kill(c);
	check(r);
	read_to_eof(p.server);
}

/* A thread with a table of its own, and what it does step by step */
struct loner {
	struct run *r;
	struct pair shared; /* in both tables */
	struct pair own;    /* in the thread's only */
	struct end *listener;
	pid_t tid;
	pthread_barrier_t barrier;
};

static void step(struct loner *l)
{
	pthread_barrier_wait(&l->barrier);
}

static void *unshared(void *arg)
{
	struct loner *l = arg;
	struct run *r = l->r;

	l->tid = syscall(SYS_gettid);
	must(r, !unshare(CLONE_FILES));
	step(l);
	step(l);
	/* Its copy of a number is free now, the process's is not. */
	must(r, !close(l->shared.client->fd));
	l->own.client = connect_to(r, l->listener);
	l->own.client->foreign = true;
	must(r, l->own.client->fd == l->shared.client->fd);
	l->own.server = accept_from(r, l->listener, l->own.client->opened_lo);
	l->own.server->foreign = true;
	talk(&l->own, 500);
	step(l);
	step(l);
	talk(&l->own, 50);
	/* The other connection's server is in both tables: one number, one row. */
	send_bytes(l->shared.server, 60);
	step(l);
	step(l);
	return NULL;
}

static bool is_gone(void *arg)
{
	struct loner *l = arg;

	return syscall(SYS_tgkill, getpid(), l->tid, 0) < 0 && errno == ESRCH;
}

/*
 * One process, two tables, in which a number can mean two sockets.  What is in
 * both tables under the same number is one row.
 */
static void descriptors_unshare_files(struct run *r)
{
	struct loner l = { .r = r };
	pthread_t thread;
	int64_t since;

	l.listener = listen_open(r, 1);
	pair_open_on(r, l.listener, &l.shared);
	must(r, !pthread_barrier_init(&l.barrier, NULL, 2));
	errno = pthread_create(&thread, NULL, unshared, &l);
	must(r, !errno);
	step(&l);
	check(r);
	talk(&l.shared, 1000);
	check(r);
	step(&l);
	step(&l);
	check(r);
	talk(&l.shared, 100);
	check(r);
	step(&l);
	step(&l);
	read_all(l.shared.client, 60);
	check(r);
	since = now_ns();
	step(&l);
	pthread_join(thread, NULL);
	/* The kernel lets go of the table after pthread_join() has been told. */
	wait_until(r, is_gone, &l, "the thread to be gone");
	end_gone(l.own.client, since);
	end_gone(l.own.server, since);
	check(r);
	pthread_barrier_destroy(&l.barrier);
}

const struct scenario descriptors_thread_scenarios[] = {
	{ "threads", descriptors_threads, 0, 0, "threads, a connection each" },
	{ "threads_one", descriptors_threads_one, 0, 0, "threads that share one descriptor" },
	{ "main_exited", descriptors_main_exited, 0, 0, "a process whose main thread has exited" },
	{ "unshare_files", descriptors_unshare_files, 0, 0,
	  "a thread with its own table, unshare(CLONE_FILES)" },
	{ 0 },
};
