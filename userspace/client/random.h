/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sockstat-client --random: actions picked at random on connections that
 * several processes and threads share.
 *
 * Only the first process's main thread picks, and it picks by what it has
 * picked before, never by what a call returned: so a seed is a sequence of
 * actions.  What the calls of an action return is booked with the ends, as in
 * every scenario.
 *
 *	random.c	what is done next, and the story that is told of it
 *	random_conn.c	one connection: what can be done with it
 *	random_job.c	calls, made in the process that has the descriptor
 */
#ifndef SOCKSTAT_CLIENT_RANDOM_H
#define SOCKSTAT_CLIENT_RANDOM_H

#include "child.h"
#include "way.h"

#define MAX_PROCESSES 4
#define MAX_JOBS 16
#define MAX_CONNS 24
#define MAX_HOLDERS 6
#define MOST_QUEUED 20000 /* bytes that lie unread between two actions */

struct mix;

/**
 * struct job - some calls through one descriptor
 * @run: makes them, in a thread of the process that has the descriptor
 * @e: the descriptor's end; for accept, the listener's
 * @made: the end of a descriptor that the job made
 * @bytes, @chunk: how many in all, and to a call
 * @rng: for what the job itself picks
 * @value: an argument, or what was found out
 * @since: for accept, the time before the connect
 */
struct job {
	void (*run)(struct job *j);
	struct mix *m;
	struct end *e, *made;
	const struct out_way *out;
	const struct in_way *in;
	uint64_t bytes, chunk;
	uint64_t rng;
	int value;
	int64_t since;
	bool in_thread;
	pthread_t thread;
};

/**
 * struct process - one that has descriptors
 * @child: NULL for the first, which picks
 * @alive: there is one
 * @leaving: it is to end when it is its turn
 * @listeners: its descriptors of them, NULL for a family that is not wanted
 */
struct process {
	struct child *child;
	bool alive, leaving;
	struct end *listeners[N_FAMILIES];
	struct job jobs[MAX_JOBS];
	unsigned int n_jobs;
};

/* A descriptor of a connection, and its process's number */
struct holder {
	struct end *e;
	unsigned int process;
};

/**
 * struct side - one socket
 * @queued: bytes that the other side sent and this one has not received
 * @ever: processes that have held it, a bit each
 * @doubled: some process has held it twice
 * @shut: it has sent its FIN
 * @exact: its descriptors' calls are to be foretold
 */
struct side {
	struct holder holders[MAX_HOLDERS];
	unsigned int n;
	uint64_t queued;
	unsigned int ever;
	bool doubled, shut, nonblock, exact;
};

enum { CLIENT, SERVER };

struct conn {
	bool used;
	unsigned int number;
	enum family family;
	bool urgent; /* urgent data is sent now and then */
	struct side side[2];
};

/* In memory that all processes share */
struct mix {
	struct run *r;
	uint64_t rng;
	unsigned int action, opened, forks;
	int parcel[2]; /* descriptors are sent from one to the other */
	struct process processes[MAX_PROCESSES];
	struct conn conns[MAX_CONNS];
};

/* random.c */
uint64_t random_seed(void);
void random_prepare(struct options *opt);
void random_tell(const struct run *r, const char *indent);
uint64_t rng_next(uint64_t *rng);
unsigned int pick(struct mix *m, unsigned int n);
void tell(struct mix *m, const struct conn *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* random_job.c */
void ways_find(struct run *r);
const struct out_way *out_pick(struct mix *m, const struct side *s, unsigned int without);
const struct in_way *in_pick(struct mix *m, const struct side *s);
struct job *job_add(struct mix *m, unsigned int process, void (*run)(struct job *j), struct end *e);
void jobs_do(struct mix *m);
struct job *job_do(struct mix *m, unsigned int process, void (*run)(struct job *j), struct end *e);
void process_loop(struct child *c);
void job_send(struct job *j);
void job_recv(struct job *j);
void job_eof(struct job *j);
void job_odd(struct job *j);
void job_connect(struct job *j);
void job_accept(struct job *j);
void job_reconnect(struct job *j);
void job_dup(struct job *j);
void job_pass(struct job *j);
void job_take(struct job *j);
void job_close(struct job *j);
void job_reset(struct job *j);
void job_shutdown(struct job *j);
void job_wait_queued(struct job *j);
void job_wait_ended(struct job *j);

/* random_conn.c */
void conn_open(struct mix *m, struct conn *c);
void conn_refused(struct mix *m);
void conn_transfer(struct mix *m, struct conn *c);
void conn_odd(struct mix *m, struct conn *c);
bool conn_urgent(struct mix *m, struct conn *c);
bool conn_dup(struct mix *m, struct conn *c);
bool conn_pass(struct mix *m, struct conn *c);
bool conn_drop(struct mix *m, struct conn *c);
bool conn_shutdown(struct mix *m, struct conn *c);
bool conn_reconnect(struct mix *m, struct conn *c);
void conn_other_side(struct mix *m, struct conn *c, unsigned int gone, bool reset, int64_t since);
void conn_finish(struct mix *m, struct conn *c);
void holder_add(struct side *s, struct end *e, unsigned int process);

#endif
