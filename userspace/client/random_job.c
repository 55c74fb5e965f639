// SPDX-License-Identifier: GPL-2.0-only
/* --random: jobs, which make system calls in the process that holds the descriptor. */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "random_story.h"
#include "scenario.h"

#define MAX_WAYS 32

/* All ways, and whether this kernel supports them */
static const struct out_way *outs[MAX_WAYS];
static const struct in_way *ins[MAX_WAYS];
static bool out_usable[MAX_WAYS], in_usable[MAX_WAYS];
static unsigned int n_outs, n_ins;

/* In a thread of its own, since it opens rings: see conn_stream(). */
static void *ways_thread(void *arg)
{
	const struct out_way *const out[] = { out_ways, out_odd_ways, out_file_ways,
					      out_async_ways };
	const struct in_way *const in[] = { in_ways, in_file_ways, in_async_ways };
	const struct out_way *o;
	const struct in_way *w;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(out); i++) {
		for (o = out[i]; o->name && n_outs < MAX_WAYS; o++) {
			out_usable[n_outs] = !o->usable || o->usable();
			outs[n_outs++] = o;
		}
	}
	for (i = 0; i < ARRAY_SIZE(in); i++) {
		for (w = in[i]; w->name && n_ins < MAX_WAYS; w++) {
			in_usable[n_ins] = !w->usable || w->usable();
			ins[n_ins++] = w;
		}
	}
	return arg;
}

/**
 * ways_find - find out which ways of sending and receiving this kernel supports
 * @r: the run
 *
 * Called once, before the first way is chosen.
 */
void ways_find(struct run *r)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, ways_thread, NULL);
	must(r, !errno);
	pthread_join(thread, NULL);
}

static bool way_fits(const struct side *s, unsigned int flags)
{
	if (flags & WAY_LOOSE && s->exact)
		return false;
	return !(flags & WAY_UNNAMED && s->doubled);
}

/**
 * out_pick - choose a way of sending
 * @m: the mix
 * @s: the socket
 * @without: WAY_*: flags that the way must not have
 *
 * Return: the way.  This kernel may not support it: a seed chooses the same ways
 * on all kernels, and job_send() replaces those that do not work.
 */
const struct out_way *out_pick(struct mix *m, const struct side *s, unsigned int without)
{
	const struct out_way *way;

	do {
		way = outs[random_pick(m, n_outs)];
	} while (!way_fits(s, way->flags) || way->flags & without);
	return way;
}

/**
 * in_pick - choose a way of receiving
 * @m: the mix
 * @s: the socket
 *
 * Return: the way; job_recv() replaces it if this kernel does not support it.
 */
const struct in_way *in_pick(struct mix *m, const struct side *s)
{
	const struct in_way *way;

	do {
		way = ins[random_pick(m, n_ins)];
	} while (!way_fits(s, way->flags));
	return way;
}

static const struct out_way *out_supported(const struct out_way *way)
{
	unsigned int i;

	for (i = 0; outs[i] != way; i++)
		;
	return out_usable[i] ? way : &out_ways[0];
}

static const struct in_way *in_supported(const struct in_way *way)
{
	unsigned int i;

	for (i = 0; ins[i] != way; i++)
		;
	return in_usable[i] ? way : &in_ways[0];
}

/**
 * job_add - add a job that jobs_do() runs
 * @m: the mix
 * @process: the number of the process that runs it
 * @run: the job's function
 * @e: the descriptor's end, of that process
 *
 * Return: the job, whose other members the caller sets; its results are valid
 * until the next job is added.
 */
struct job *job_add(struct mix *m, unsigned int process, void (*run)(struct job *j), struct end *e)
{
	struct process *p = &m->processes[process];
	struct job *j = &p->jobs[p->n_jobs];

	must(m->r, p->n_jobs < MAX_JOBS);
	*j = (struct job){ .run = run, .m = m, .e = e };
	j->rng = rng_next(&m->rng);
	j->in_thread = random_pick(m, 2);
	p->n_jobs++;
	return j;
}

static void *job_thread(void *arg)
{
	struct job *j = arg;

	j->run(j);
	return NULL;
}

/* Run a process's jobs; all but the last run in threads, and the last may, too. */
static void process_turn(struct run *r, struct process *p)
{
	unsigned int i;

	for (i = 0; i < p->n_jobs; i++) {
		struct job *j = &p->jobs[i];

		j->in_thread |= i + 1 < p->n_jobs;
		if (!j->in_thread) {
			j->run(j);
			continue;
		}
		errno = pthread_create(&j->thread, NULL, job_thread, j);
		must(r, !errno);
	}
	for (i = 0; i < p->n_jobs; i++) {
		if (p->jobs[i].in_thread)
			pthread_join(p->jobs[i].thread, NULL);
	}
}

/**
 * jobs_do - run all jobs that were added, at the same time
 * @m: the mix
 */
void jobs_do(struct mix *m)
{
	unsigned int i;

	for (i = 1; i < MAX_PROCESSES; i++) {
		if (m->processes[i].n_jobs)
			child_go(m->processes[i].child);
	}
	process_turn(m->r, &m->processes[0]);
	for (i = 1; i < MAX_PROCESSES; i++) {
		if (m->processes[i].n_jobs)
			child_wait(m->processes[i].child);
	}
	for (i = 0; i < MAX_PROCESSES; i++)
		m->processes[i].n_jobs = 0;
}

/**
 * job_do - run one job
 * @m: the mix
 * @process: the number of the process that runs it
 * @run: the job's function
 * @e: the descriptor's end, of that process
 *
 * Return: the job with its results, valid until the next job is added.
 */
struct job *job_do(struct mix *m, unsigned int process, void (*run)(struct job *j), struct end *e)
{
	struct job *j = job_add(m, process, run, e);

	jobs_do(m);
	return j;
}

/**
 * process_loop - the function of a child: run jobs at each turn
 * @c: the child
 */
void process_loop(struct child *c)
{
	struct process *p = c->arg;

	for (;;) {
		child_pause(c);
		if (p->leaving)
			return;
		process_turn(c->r, p);
	}
}

static size_t piece_size(struct job *j, uint64_t left)
{
	uint64_t most = left < j->chunk ? left : j->chunk;

	return 1 + rng_next(&j->rng) % most;
}

/**
 * job_send - send bytes with one kind of call
 * @j: the job; @j->bytes are sent with @j->out, at most @j->chunk at a time
 */
void job_send(struct job *j)
{
	const struct out_way *way = out_supported(j->out);
	char *buf = malloc(j->chunk);
	uint64_t left = j->bytes;

	must(j->m->r, buf);
	fill(buf, j->chunk);
	while (left) {
		size_t len = piece_size(j, left);
		send_op op = way->flags & WAY_MORE && len == left ? out_ways[0].op : way->op;
		ssize_t n = op(j->e, buf, len);

		if (n < 0 && errno == EAGAIN) {
			wait_poll(j->m->r, j->e->fd, POLLOUT);
			continue;
		}
		must(j->m->r, n > 0 && (size_t)n <= len);
		left -= n;
	}
	free(buf);
}

/**
 * job_recv - receive bytes with one kind of call
 * @j: the job; @j->bytes are received with @j->in, at most @j->chunk at a time
 */
void job_recv(struct job *j)
{
	const struct in_way *way = in_supported(j->in);
	char *buf = malloc(j->chunk);
	uint64_t left = j->bytes;

	must(j->m->r, buf);
	while (left) {
		size_t len = piece_size(j, left);
		recv_op op = len < way->least ? in_ways[0].op : way->op;
		ssize_t n = op(j->e, buf, len);

		if (n < 0 && errno == EAGAIN) {
			wait_poll(j->m->r, j->e->fd, POLLIN);
			continue;
		}
		must(j->m->r, n > 0 && (size_t)n <= len);
		left -= n;
	}
	free(buf);
}

/**
 * job_eof - receive until the end of file
 * @j: the job
 */
void job_eof(struct job *j)
{
	read_to_eof(j->e);
}

/* Not mapped: reading or writing it fails with EFAULT. */
#define BAD_ADDRESS ((char *)16)

enum {
	ODD_PEEK,
	ODD_NOTHING,
	ODD_FAULT,
	ODD_ERRQUEUE,
	ODD_NO_URGENT,
	ODD_SEND_NOTHING,
	ODD_SEND_FAULT,
	ODD_CONNECT,
	ODD_EMPTY, /* the last, since it is made only if nothing is queued */
	N_ODD
};

static void odd_call(struct end *e, unsigned int what)
{
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(e->run, 9, &sa);
	struct msghdr msg = { 0 };
	char buf[100];

	switch (what) {
	case ODD_PEEK:
		rx_call(e, recv(e->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT));
		break;
	case ODD_NOTHING:
		must(e->run, rx(e, recv(e->fd, buf, 0, MSG_DONTWAIT)) <= 0);
		break;
	case ODD_FAULT:
		must(e->run, rx(e, recv(e->fd, BAD_ADDRESS, 100, MSG_DONTWAIT)) <= 0);
		break;
	case ODD_ERRQUEUE:
		must(e->run, rx_call(e, recvmsg(e->fd, &msg, MSG_ERRQUEUE)) < 0);
		break;
	case ODD_NO_URGENT:
		must(e->run, rx(e, recv(e->fd, buf, 1, MSG_OOB)) < 0);
		break;
	case ODD_SEND_NOTHING:
		must(e->run, tx(e, send(e->fd, buf, 0, MSG_NOSIGNAL)) <= 0);
		break;
	case ODD_SEND_FAULT:
		must(e->run, tx(e, send(e->fd, BAD_ADDRESS, 100, MSG_NOSIGNAL)) < 0);
		break;
	case ODD_CONNECT:
		/* After a non-blocking connect, the next connect(2) returns 0 once. */
		must(e->run, !connect(e->fd, (struct sockaddr *)&sa, len) || errno == EISCONN);
		break;
	case ODD_EMPTY:
		must(e->run, rx(e, recv(e->fd, buf, 1, MSG_DONTWAIT)) <= 0);
		break;
	}
}

/**
 * job_odd - make calls that move no bytes
 * @j: the job; @j->value is true if nothing is queued
 */
void job_odd(struct job *j)
{
	unsigned int n = 1 + rng_next(&j->rng) % 4;

	while (n--)
		odd_call(j->e, rng_next(&j->rng) % (j->value ? N_ODD : N_ODD - 1));
}

/**
 * job_connect - connect to a listener
 * @j: the job; @j->e is a listener of @r->family, @j->made the new end
 */
void job_connect(struct job *j)
{
	struct sockaddr_storage to;
	socklen_t len = family_loopback(j->m->r, addr_port(&j->e->local), &to);

	j->made = unconnected(j->m->r);
	connect_end(j->made, &to, len);
}

/**
 * job_accept - accept a connection
 * @j: the job; @j->e is the listener, @j->made the new end
 */
void job_accept(struct job *j)
{
	struct run *r = j->m->r;

	j->made = accept_from(r, j->e, j->since);
	if (r->nonblock)
		set_nonblock(r, j->made->fd, true);
}

/**
 * job_reconnect - disconnect, and connect to another listener
 * @j: the job; @j->value is the port of the listener, @j->made the new end
 */
void job_reconnect(struct job *j)
{
	struct sockaddr_storage to;
	socklen_t len = family_loopback(j->m->r, j->value, &to);

	j->made = disconnect(j->e);
	socket_error(j->made);
	connect_end(j->made, &to, len);
}

/*
 * The end of a new copy of a descriptor.  If the connection had the same number
 * in this process before, the module shows the same row again.
 */
static struct end *copy_end(struct end *of, int fd)
{
	struct run *r = of->run;
	unsigned int i;

	must(r, fd >= 0);
	for (i = 0; i < r->n_ends; i++) {
		struct end *e = &r->ends[i];

		if (!e->ready || e->pid != getpid() || e->fd != fd || e->cookie != of->cookie ||
		    e->retired)
			continue;
		e->closed = e->shut = e->may_lack = false;
		e->closed_lo = e->closed_hi = -1;
		return e;
	}
	return end_alias(of, getpid(), fd);
}

/**
 * job_dup - duplicate a descriptor
 * @j: the job; @j->made is the end of the copy
 */
void job_dup(struct job *j)
{
	j->made = copy_end(j->e, dup(j->e->fd));
}

/**
 * job_pass - send a descriptor by SCM_RIGHTS
 * @j: the job
 */
void job_pass(struct job *j)
{
	pass_descriptor(j->m->r, j->m->parcel[0], j->e->fd);
}

/**
 * job_take - receive the descriptor that job_pass() has sent
 * @j: the job; @j->e is the sender's end, @j->made the receiver's
 */
void job_take(struct job *j)
{
	j->made = copy_end(j->e, receive_descriptor(j->m->r, j->m->parcel[1]));
}

/**
 * job_close - close a descriptor
 * @j: the job
 */
void job_close(struct job *j)
{
	end_close(j->e);
}

/**
 * job_reset - close a descriptor with a reset
 * @j: the job
 */
void job_reset(struct job *j)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	must(j->m->r, !setsockopt(j->e->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	end_close(j->e);
}

/**
 * job_shutdown - shut down a connection
 * @j: the job; @j->value is the argument of shutdown(2)
 */
void job_shutdown(struct job *j)
{
	must(j->m->r, !shutdown(j->e->fd, j->value));
}

/**
 * job_wait_queued - wait until a byte can be read
 * @j: the job; nothing is done if @j->bytes, the number on their way, is 0
 *
 * Waits for no more, as the buffers may have no room for all of the bytes.
 */
void job_wait_queued(struct job *j)
{
	wait_queued(j->e, j->bytes > 0);
}

/**
 * job_wait_ended - wait until a connection is over
 * @j: the job; @j->value is set to the connection's error, which comes from
 *	recv(2) if @j->value was not 0, else from SO_ERROR
 */
void job_wait_ended(struct job *j)
{
	char buf[4096];
	ssize_t n;

	wait_state(j->e, SOCKSTAT_CLOSED);
	if (!j->value) {
		j->value = socket_error(j->e);
		return;
	}
	do {
		n = rx(j->e, recv(j->e->fd, buf, sizeof(buf), 0));
	} while (n > 0);
	j->value = n < 0 ? errno : 0;
}
