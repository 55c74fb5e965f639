// SPDX-License-Identifier: GPL-2.0-only
/* Threads of one process, which share its descriptors unless one unshares the table. */

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

/* A thread, and the connection it uses alone or shares with the other threads */
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

static void worker_start(struct worker *w, void *(*fn)(void *arg))
{
	errno = pthread_create(&w->thread, NULL, fn, w);
	must(w->r, !errno);
}

static void *worker_talk(void *arg)
{
	struct worker *w = arg;
	int i;

	/* COMMAND must show the process's name, not the thread's. */
	prctl(PR_SET_NAME, "a thread's name");
	for (i = 1; i <= ROUNDS; i++)
		talk(&w->p, 10 * i + w->number);
	return NULL;
}

/* Each thread uses a connection of its own. */
static void descriptors_threads(struct run *r)
{
	unsigned int n = n_threads(r), i;
	struct worker workers[MAX_THREADS];

	for (i = 0; i < n; i++) {
		workers[i] = (struct worker){ .r = r, .number = i };
		pair_open(r, &workers[i].p);
	}
	for (i = 0; i < n; i++)
		worker_start(&workers[i], worker_talk);
	for (i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
}

static void *worker_send(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 1; i <= ROUNDS; i++)
		send_bytes(w->p.client, 100 * i);
	return NULL;
}

/* All threads send through one descriptor, so all bytes belong to its one row. */
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
		worker_start(&workers[i], worker_send);
	}
	for (i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
	drain_join(&d);
}

/* The child's second thread, which continues after the main thread has exited. */
static void *second_thread(void *arg)
{
	struct child *c = arg;

	send_bytes(c->held[0], 300);
	child_pause(c);
	send_bytes(c->held[0], 40);
	read_all(c->held[0], 20);
	child_pause(c);
	_exit(0);
}

static void child_exit_main_thread(struct child *c)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, second_thread, c);
	must(c->r, !errno);
	pthread_exit(NULL);
}

static bool main_thread_is_zombie(void *arg)
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
	c = child_start(r, child_exit_main_thread, NULL, p.client, NULL);
	end_close(p.client);
	wait_until(r, main_thread_is_zombie, c, "the main thread to exit");
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

/* A thread with a descriptor table of its own; the barrier keeps it in step with the caller. */
struct loner {
	struct run *r;
	struct pair shared; /* open in both tables */
	struct pair own;    /* open in the thread's table only */
	struct end *listener;
	pid_t tid;
	pthread_barrier_t barrier;
};

static void loner_step(struct loner *l)
{
	pthread_barrier_wait(&l->barrier);
}

static void *loner_thread(void *arg)
{
	struct loner *l = arg;
	struct run *r = l->r;

	l->tid = syscall(SYS_gettid);
	must(r, !unshare(CLONE_FILES));
	loner_step(l);
	loner_step(l);
	/* close() frees the number in this thread's table only. */
	must(r, !close(l->shared.client->fd));
	l->own.client = connect_to(r, l->listener);
	l->own.client->foreign = true;
	must(r, l->own.client->fd == l->shared.client->fd);
	l->own.server = accept_from(r, l->listener, l->own.client->opened_lo);
	l->own.server->foreign = true;
	talk(&l->own, 500);
	loner_step(l);
	loner_step(l);
	talk(&l->own, 50);
	/* shared.server has the same number in both tables, so it has one row. */
	send_bytes(l->shared.server, 60);
	loner_step(l);
	loner_step(l);
	return NULL;
}

static bool loner_has_exited(void *arg)
{
	struct loner *l = arg;

	return syscall(SYS_tgkill, getpid(), l->tid, 0) < 0 && errno == ESRCH;
}

/*
 * One process with two descriptor tables, in which one number can stand for
 * two sockets.  A socket with the same number in both tables has one row.
 */
static void descriptors_unshare_files(struct run *r)
{
	struct loner l = { .r = r };
	pthread_t thread;
	int64_t since;

	l.listener = listen_open(r, 1);
	pair_open_on(r, l.listener, &l.shared);
	must(r, !pthread_barrier_init(&l.barrier, NULL, 2));
	errno = pthread_create(&thread, NULL, loner_thread, &l);
	must(r, !errno);
	loner_step(&l);
	check(r);
	talk(&l.shared, 1000);
	check(r);
	loner_step(&l);
	loner_step(&l);
	check(r);
	talk(&l.shared, 100);
	check(r);
	loner_step(&l);
	loner_step(&l);
	read_all(l.shared.client, 60);
	check(r);
	since = now_ns();
	loner_step(&l);
	pthread_join(thread, NULL);
	/* The kernel may release the thread's table only after pthread_join() has returned. */
	wait_until(r, loner_has_exited, &l, "the thread to exit");
	end_gone(l.own.client, since);
	end_gone(l.own.server, since);
	check(r);
	pthread_barrier_destroy(&l.barrier);
}

const struct scenario descriptors_thread_scenarios[] = {
	{ "threads", descriptors_threads, 0, 0, "use one connection in each of several threads" },
	{ "threads_one", descriptors_threads_one, 0, 0,
	  "send through one descriptor from several threads" },
	{ "main_exited", descriptors_main_exited, 0, 0,
	  "use a connection after the process's main thread has exited" },
	{ "unshare_files", descriptors_unshare_files, 0, 0,
	  "use sockets in a thread that called unshare(CLONE_FILES)" },
	{ 0 },
};
