// SPDX-License-Identifier: GPL-2.0-only
/* --random: the actions on one connection. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "connect.h"
#include "random_story.h"
#include "scenario.h"

static const char *const side_names[] = { "client", "server" };

static struct holder *holder_pick(struct mix *m, struct side *s)
{
	return &s->holders[random_pick(m, s->n)];
}

/**
 * holder_add - add a descriptor to a socket
 * @s: the socket
 * @e: the descriptor's end
 * @process: the number of its process
 */
void holder_add(struct side *s, struct end *e, unsigned int process)
{
	if (s->ever & 1u << process)
		s->doubled = true;
	s->ever |= 1u << process;
	s->holders[s->n++] = (struct holder){ e, process };
}

static void holder_close(struct mix *m, struct side *s, struct holder *h, void (*run)(struct job *))
{
	job_do(m, h->process, run, h->e);
	*h = s->holders[--s->n];
}

static void holders_close(struct mix *m, struct side *s)
{
	while (s->n)
		holder_close(m, s, holder_pick(m, s), job_close);
}

/* Choose a process; each has the listeners. */
static unsigned int process_pick(struct mix *m)
{
	unsigned int process;

	do {
		process = random_pick(m, MAX_PROCESSES);
	} while (!m->processes[process].alive);
	return process;
}

/* Choose a number of bytes, mostly a small one. */
static uint64_t size_pick(struct mix *m)
{
	static const unsigned int most[] = { 10, 100, 1000, 5000, 5000, 20000, 60000, 300000 };

	return 1 + random_pick(m, most[random_pick(m, ARRAY_SIZE(most))]);
}

static void family_set(struct mix *m, enum family family, bool nonblock)
{
	m->r->family = family;
	m->r->nonblock = nonblock;
}

static void side_init(struct mix *m, struct conn *c, unsigned int side, bool nonblock,
		      struct end *e, unsigned int process)
{
	struct side *s = &c->side[side];

	*s = (struct side){ .nonblock = nonblock, .exact = random_pick(m, 2) };
	/* TCP_INFO does not count urgent bytes as the ledger does, and SIOCINQ stops at one. */
	if (c->urgent)
		e->loose |= LOOSE_TCP_INFO | LOOSE_RX_QUEUE;
	holder_add(s, e, process);
}

/**
 * conn_open - connect and accept, in one process or two
 * @m: the mix
 * @c: a free element of @m->conns, filled in
 */
void conn_open(struct mix *m, struct conn *c)
{
	unsigned int from = process_pick(m), to = process_pick(m);
	bool nonblock[2] = { random_pick(m, 2), random_pick(m, 2) };
	struct end *client;
	struct job *j;

	*c = (struct conn){ .used = true, .number = ++m->opened };
	do {
		c->family = random_pick(m, N_FAMILIES);
	} while (!m->processes[0].listeners[c->family]);
	c->urgent = random_pick(m, 6) == 0;
	story_add(m, c, "connect, family %u, process %u to %u%s%s", c->family, from, to,
		  nonblock[CLIENT] ? ", client non-blocking" : "",
		  nonblock[SERVER] ? ", server non-blocking" : "");
	family_set(m, c->family, nonblock[CLIENT]);
	client = job_do(m, from, job_connect, m->processes[from].listeners[c->family])->made;
	side_init(m, c, CLIENT, nonblock[CLIENT], client, from);
	family_set(m, c->family, nonblock[SERVER]);
	j = job_add(m, to, job_accept, m->processes[to].listeners[c->family]);
	j->since = client->opened_lo;
	jobs_do(m);
	side_init(m, c, SERVER, nonblock[SERVER], j->made, to);
}

/**
 * conn_refused - connect to a port without a listener, and check the row
 * @m: the mix
 */
void conn_refused(struct mix *m)
{
	enum family family;

	do {
		family = random_pick(m, N_FAMILIES);
	} while (!m->processes[0].listeners[family]);
	family_set(m, family, random_pick(m, 2));
	story_add(m, NULL, "connect refused, family %u", family);
	end_close(connect_refused_from(m->r));
}

/*
 * Add jobs for one direction: side @from sends @bytes, and the other side
 * receives @read bytes.  @alone: nothing is sent in the other direction.
 *
 * The kernel frees a closed ring later, and interrupts the thread that used it:
 * a system call in which the thread sleeps is restarted, and is counted twice.
 * So a job that uses a ring runs in a thread of its own.
 */
static void conn_stream(struct mix *m, struct conn *c, unsigned int from, uint64_t bytes,
			uint64_t read, bool alone)
{
	struct side *s = &c->side[from], *t = &c->side[!from];
	unsigned int without = alone ? 0 : WAY_ERRQUEUE;
	struct holder *h;
	struct job *j;

	/* A few unread bytes may use so much memory that the window is closed. */
	if (read < t->queued + bytes)
		without |= WAY_ACKED;
	if (bytes) {
		h = holder_pick(m, s);
		j = job_add(m, h->process, job_send, h->e);
		j->out = out_pick(m, s, without);
		j->in_thread |= !!(j->out->flags & WAY_UNNAMED);
		j->bytes = bytes;
		j->chunk = size_pick(m) + bytes / 8;
		story_add(m, c, "%s sends %llu bytes with %s on descriptor %td of process %u",
			  side_names[from], (unsigned long long)bytes, j->out->name, h - s->holders,
			  h->process);
	}
	if (read) {
		h = holder_pick(m, t);
		j = job_add(m, h->process, job_recv, h->e);
		j->in = in_pick(m, t);
		j->in_thread |= !!(j->in->flags & WAY_UNNAMED);
		j->bytes = read;
		j->chunk = size_pick(m) + read / 8;
		story_add(m, c, "%s receives %llu bytes with %s on descriptor %td of process %u",
			  side_names[!from], (unsigned long long)read, j->in->name, h - t->holders,
			  h->process);
	}
	t->queued += bytes - read;
}

/**
 * conn_transfer - add jobs that send and receive, in one direction or both
 * @m: the mix
 * @c: the connection, with no other jobs before jobs_do()
 */
void conn_transfer(struct mix *m, struct conn *c)
{
	unsigned int from, directions = 1 + random_pick(m, 3);
	bool alone = directions != 3;

	for (from = CLIENT; from <= SERVER; from++) {
		struct side *s = &c->side[from], *t = &c->side[!from];
		uint64_t bytes, all, left;

		if (!(directions & 1u << from))
			continue;
		bytes = s->shut ? 0 : size_pick(m);
		all = t->queued + bytes;
		left = random_pick(m, 2) ? 0 : random_pick(m, MOST_QUEUED + 1);
		conn_stream(m, c, from, bytes, left < all ? all - left : 0, alone);
	}
}

/**
 * conn_odd - make calls that move no bytes
 * @m: the mix
 * @c: the connection
 */
void conn_odd(struct mix *m, struct conn *c)
{
	unsigned int side = random_pick(m, 2);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);
	struct job *j;

	family_set(m, c->family, false);
	j = job_add(m, h->process, job_odd, h->e);
	j->value = !s->queued;
	story_add(m, c, "%s makes odd calls on descriptor %td of process %u", side_names[side],
		  h - s->holders, h->process);
	jobs_do(m);
}

/* A descriptor of the first process, or NULL. */
static struct holder *holder_of_first(struct side *s)
{
	unsigned int i;

	for (i = 0; i < s->n; i++) {
		if (!s->holders[i].process)
			return &s->holders[i];
	}
	return NULL;
}

/**
 * conn_urgent - send urgent data, if the first process holds both ends
 * @m: the mix
 * @c: the connection
 *
 * Return: false if that is not possible now.
 */
bool conn_urgent(struct mix *m, struct conn *c)
{
	unsigned int from = random_pick(m, 2), order = random_pick(m, URGENT_ORDERS);
	struct holder *h = holder_of_first(&c->side[from]), *to = holder_of_first(&c->side[!from]);
	struct pair p;

	if (!c->urgent || !h || !to || c->side[from].shut || c->side[!from].queued)
		return false;
	story_add(m, c, "%s sends urgent data, order %u", side_names[from], order);
	p = (struct pair){ h->e, to->e };
	urgent_round(&p, order);
	return true;
}

/**
 * conn_dup - duplicate a descriptor in its process
 * @m: the mix
 * @c: the connection
 *
 * Return: false if the socket has MAX_HOLDERS descriptors.
 */
bool conn_dup(struct mix *m, struct conn *c)
{
	unsigned int side = random_pick(m, 2);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);

	if (s->n == MAX_HOLDERS)
		return false;
	story_add(m, c, "dup of the %s's descriptor %td of process %u", side_names[side],
		  h - s->holders, h->process);
	holder_add(s, job_do(m, h->process, job_dup, h->e)->made, h->process);
	return true;
}

/**
 * conn_pass - pass a descriptor to a process by SCM_RIGHTS
 * @m: the mix
 * @c: the connection
 *
 * Return: false if the socket has MAX_HOLDERS descriptors.
 */
bool conn_pass(struct mix *m, struct conn *c)
{
	unsigned int side = random_pick(m, 2), process = process_pick(m);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);

	if (s->n == MAX_HOLDERS)
		return false;
	story_add(m, c, "the %s's descriptor %td of process %u is passed to process %u",
		  side_names[side], h - s->holders, h->process, process);
	job_do(m, h->process, job_pass, h->e);
	holder_add(s, job_do(m, process, job_take, h->e)->made, process);
	return true;
}

/**
 * conn_drop - close a descriptor that is not the last of its socket
 * @m: the mix
 * @c: the connection
 *
 * Return: false if it is the last.
 */
bool conn_drop(struct mix *m, struct conn *c)
{
	unsigned int side = random_pick(m, 2);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);

	if (s->n == 1)
		return false;
	story_add(m, c, "close of the %s's descriptor %td of process %u", side_names[side],
		  h - s->holders, h->process);
	holder_close(m, s, h, job_close);
	return true;
}

/* Receive all queued bytes on one descriptor. */
static void side_drain(struct mix *m, struct side *s)
{
	struct holder *h = holder_pick(m, s);
	struct job *j;

	if (!s->queued)
		return;
	j = job_add(m, h->process, job_recv, h->e);
	j->in = &in_ways[0];
	j->bytes = j->chunk = s->queued;
	jobs_do(m);
	s->queued = 0;
}

/*
 * Book that the connection of a socket that has descriptors is over.  ERROR of
 * all its rows names the cause, also of descriptors that were closed before.
 */
static void side_ended(struct side *s, int64_t since, int error)
{
	struct run *r = s->holders[0].e->run;
	uint64_t cookie = s->holders[0].e->cookie;
	unsigned int i;

	for (i = 0; i < r->n_ends; i++) {
		struct end *e = &r->ends[i];

		if (!e->ready || e->cookie != cookie || e->retired)
			continue;
		if (e->shut)
			e->error = error;
		else
			end_ended(e, since, error);
	}
}

/* Wait until a side's connection is over; its error comes from recv(2) or SO_ERROR. */
static void wait_ended(struct mix *m, struct side *s, bool by_receiving, int64_t since)
{
	struct holder *h = holder_pick(m, s);
	struct job *j = job_add(m, h->process, job_wait_ended, h->e);

	j->value = by_receiving;
	jobs_do(m);
	side_ended(s, since, j->value);
}

/**
 * conn_other_side - end a connection one side of which has no descriptor any more
 * @m: the mix
 * @c: the connection; its element of @m->conns is free after this
 * @gone: the side without descriptors
 * @reset: closing the last descriptor of that side has reset the connection
 * @since: the time before that
 *
 * The other side reads the end of file or the error, and closes its descriptors.
 */
void conn_other_side(struct mix *m, struct conn *c, unsigned int gone, bool reset, int64_t since)
{
	struct side *s = &c->side[gone], *t = &c->side[!gone];
	struct holder *h;

	if (reset) {
		/* After a FIN, recv(2) returns end of file and not the error of the reset. */
		wait_ended(m, t, !s->shut && random_pick(m, 2), since);
	} else {
		h = holder_pick(m, t);
		job_do(m, h->process, job_eof, h->e);
		if (t->shut)
			wait_ended(m, t, false, since);
	}
	holders_close(m, t);
	c->used = false;
}

/* The connection is over on both sides: close all descriptors, those of @first first. */
static void conn_over(struct mix *m, struct conn *c, unsigned int first, int64_t since)
{
	struct side *s = &c->side[first], *t = &c->side[!first];

	wait_ended(m, s, false, since);
	wait_ended(m, t, false, since);
	holders_close(m, s);
	holders_close(m, t);
	c->used = false;
}

/**
 * conn_shutdown - shut down one direction; the connection is over if both are
 * @m: the mix
 * @c: the connection
 *
 * Return: false if that side has already shut down.
 */
bool conn_shutdown(struct mix *m, struct conn *c)
{
	unsigned int side = random_pick(m, 2);
	struct side *s = &c->side[side], *t = &c->side[!side];
	struct holder *h = holder_pick(m, s);
	int64_t since;
	struct job *j;

	if (s->shut)
		return false;
	story_add(m, c, "%s shuts down", side_names[side]);
	if (t->shut) {
		side_drain(m, s);
		side_drain(m, t);
	}
	since = now_ns();
	j = job_add(m, h->process, job_shutdown, h->e);
	j->value = SHUT_WR;
	jobs_do(m);
	s->shut = true;
	if (t->shut)
		conn_over(m, c, side, since);
	return true;
}

/**
 * conn_reconnect - disconnect a client with connect(AF_UNSPEC), and connect it again
 * @m: the mix
 * @c: the connection
 *
 * Return: false if the client has or had more than one descriptor.
 */
bool conn_reconnect(struct mix *m, struct conn *c)
{
	struct side *s = &c->side[CLIENT];
	struct holder h = s->holders[0];
	bool nonblock = s->nonblock;
	unsigned int to;
	struct job *j;
	int64_t since;
	struct end *e;

	if (s->n > 1 || s->doubled || s->ever & (s->ever - 1))
		return false;
	to = process_pick(m);
	story_add(m, c, "client disconnects, and connects to process %u", to);
	family_set(m, c->family, nonblock);
	since = now_ns();
	j = job_add(m, h.process, job_reconnect, h.e);
	j->value = addr_port(&m->processes[0].listeners[c->family]->local);
	jobs_do(m);
	e = j->made;
	conn_other_side(m, c, CLIENT, true, since);

	*c = (struct conn){ .used = true, .number = ++m->opened, .family = c->family };
	side_init(m, c, CLIENT, nonblock, e, h.process);
	family_set(m, c->family, false);
	j = job_add(m, to, job_accept, m->processes[to].listeners[c->family]);
	j->since = e->opened_lo;
	jobs_do(m);
	side_init(m, c, SERVER, false, j->made, to);
	return true;
}

enum { FINISH_CLOSE, FINISH_RDWR, FINISH_UNREAD, FINISH_RESET, FINISH_DESTROY, N_FINISHES };

/* Wait for unread bytes, which make the last close(2) a reset, and close all descriptors. */
static void finish_unread(struct mix *m, struct side *s)
{
	struct holder *h = holder_pick(m, s);

	job_add(m, h->process, job_wait_queued, h->e)->bytes = s->queued;
	jobs_do(m);
	holders_close(m, s);
}

static void finish_reset(struct mix *m, struct side *s)
{
	while (s->n > 1)
		holder_close(m, s, holder_pick(m, s), job_close);
	holder_close(m, s, &s->holders[0], job_reset);
}

static void finish_close(struct mix *m, struct side *s, bool shut)
{
	struct holder *h;
	struct job *j;

	side_drain(m, s);
	if (shut) {
		h = holder_pick(m, s);
		j = job_add(m, h->process, job_shutdown, h->e);
		j->value = SHUT_RDWR;
		jobs_do(m);
	}
	holders_close(m, s);
}

/* Destroy the socket as "ss -K" does; false if the kernel cannot or does not permit it. */
static bool finish_destroy(struct mix *m, struct conn *c, unsigned int side, int64_t since)
{
	if (diag_destroy(c->side[side].holders[0].e))
		return false;
	conn_over(m, c, side, since);
	return true;
}

/**
 * conn_finish - end a connection in a random way
 * @m: the mix
 * @c: the connection
 */
void conn_finish(struct mix *m, struct conn *c)
{
	static const char *const names[] = { "closes", "shuts down both ways and closes",
					     "closes with bytes unread", "resets", "is destroyed" };
	unsigned int how = random_pick(m, N_FINISHES), side = random_pick(m, 2);
	struct side *s = &c->side[side];
	int64_t since = now_ns();
	bool reset = how >= FINISH_UNREAD;

	if (how == FINISH_UNREAD && !s->queued)
		how = FINISH_RESET;
	story_add(m, c, "%s %s", side_names[side], names[how]);
	if (how == FINISH_DESTROY && finish_destroy(m, c, side, since))
		return;
	if (how == FINISH_UNREAD)
		finish_unread(m, s);
	else if (reset)
		finish_reset(m, s);
	else
		finish_close(m, s, how == FINISH_RDWR);
	conn_other_side(m, c, side, reset, since);
}
