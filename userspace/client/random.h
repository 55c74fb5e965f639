/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sockstat-client --random: random actions on connections that several
 * processes and threads share.
 *
 * Only the main thread of the first process draws the actions, and their
 * choice depends on earlier draws, never on the result of a call: a seed
 * determines the sequence of actions.  Jobs draw from a generator of their own.
 * The results of all calls are booked with the ends, as in every scenario.
 *
 *	random.c	chooses the next action, and compares all rows now and then
 *	random_conn.c	the actions on one connection
 *	random_job.c	the system calls, in the process that holds the descriptor
 *	random_story.c	the random numbers, and the record of the actions
 */
#ifndef SOCKSTAT_CLIENT_RANDOM_H
#define SOCKSTAT_CLIENT_RANDOM_H

#include "child.h"
#include "way.h"

#define MAX_PROCESSES 4
#define MAX_JOBS 16
#define MAX_CONNS 24
#define MAX_HOLDERS 6
#define MOST_QUEUED 20000 /* bytes that may stay unread after an action */

struct mix;

/**
 * struct job - system calls on one descriptor
 * @run: makes the calls, in the process that holds the descriptor
 * @e: the descriptor's end; for job_accept(), the listener's
 * @made: the end of a descriptor that the job has made
 * @out: for job_send()
 * @in: for job_recv()
 * @bytes: number of bytes in all
 * @chunk: the most bytes to pass to one call
 * @rng: the job's own generator
 * @value: an argument or a result
 * @since: for job_accept(), the time before the connect
 * @in_thread: run in a thread of its own
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
 * struct process - a process that holds descriptors
 * @child: NULL for the first process, which chooses the actions
 * @alive: the process exists
 * @leaving: the process exits at its next turn
 * @listeners: one for each family, NULL for a family that --family excludes
 */
struct process {
	struct child *child;
	bool alive, leaving;
	struct end *listeners[N_FAMILIES];
	struct job jobs[MAX_JOBS];
	unsigned int n_jobs;
};

/* A descriptor of a socket, and the number of its process */
struct holder {
	struct end *e;
	unsigned int process;
};

/**
 * struct side - one socket of a connection
 * @holders: its descriptors, of which there are @n
 * @queued: bytes that the other side has sent and this side has not received
 * @ever: a bit for each process that has held the socket
 * @doubled: one process has held two descriptors of the socket
 * @shut: the socket has sent its FIN
 * @nonblock: the socket is non-blocking
 * @exact: use no way whose number of calls cannot be predicted
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
	bool urgent; /* conn_urgent() may send urgent data */
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

/* random_story.c */
void random_tell(const struct run *r, const char *indent);

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
