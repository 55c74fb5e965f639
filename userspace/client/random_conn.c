// SPDX-License-Identifier: GPL-2.0-only
/* --random: one connection, and what can be done with it. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "connect.h"
#include "random.h"
#include "scenario.h"

static const char *const side_names[] = { "client", "server" };

static struct holder *holder_pick(struct mix *m, struct side *s)
{
	return &s->holders[pick(m, s->n)];
}

/**
 * holder_add - one more descriptor of a socket
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

static void close_all(struct mix *m, struct side *s)
{
	while (s->n)
		holder_close(m, s, holder_pick(m, s), job_close);
}

/* A process that has a listener of that family; each has */
static unsigned int process_pick(struct mix *m)
{
	unsigned int process;

	do {
		process = pick(m, MAX_PROCESSES);
	} while (!m->processes[process].alive);
	return process;
}

/* How many bytes: mostly few */
static uint64_t size_pick(struct mix *m)
{
	static const unsigned int most[] = { 10, 100, 1000, 5000, 5000, 20000, 60000, 300000 };

	return 1 + pick(m, most[pick(m, ARRAY_SIZE(most))]);
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

	*s = (struct side){ .nonblock = nonblock, .exact = pick(m, 2) };
	/* TCP_INFO counts urgent bytes otherwise, and SIOCINQ stops at one. */
	if (c->urgent)
		e->loose |= LOOSE_TCP_INFO | LOOSE_RX_QUEUE;
	holder_add(s, e, process);
}

/**
 * conn_open - connect and accept, in one process or two
 * @m: the mix
 * @c: unused
 */
void conn_open(struct mix *m, struct conn *c)
{
	unsigned int from = process_pick(m), to = process_pick(m);
	bool nonblock[2] = { pick(m, 2), pick(m, 2) };
	struct end *client;
	struct job *j;

	*c = (struct conn){ .used = true, .number = ++m->opened };
	do {
		c->family = pick(m, N_FAMILIES);
	} while (!m->processes[0].listeners[c->family]);
	c->urgent = pick(m, 6) == 0;
	tell(m, c, "connect, family %u, process %u to %u%s%s", c->family, from, to,
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
 * conn_refused - a connect that comes to nothing, which is looked at
 * @m: the mix
 */
void conn_refused(struct mix *m)
{
	enum family family;

	do {
		family = pick(m, N_FAMILIES);
	} while (!m->processes[0].listeners[family]);
	family_set(m, family, pick(m, 2));
	tell(m, NULL, "connect refused, family %u", family);
	end_close(connect_refused_from(m->r));
}

/*
 * One direction: @bytes are sent by @from, and @read are received.
 *
 * A ring that has been closed is taken apart later, which interrupts the
 * thread that used it: a call it sleeps in is begun anew, and so counts twice.
 * Threads that use rings do nothing else.
 */
static void stream(struct mix *m, struct conn *c, unsigned int from, uint64_t bytes, uint64_t read,
		   bool alone)
{
	struct side *s = &c->side[from], *t = &c->side[!from];
	unsigned int without = alone ? 0 : WAY_ERRQUEUE;
	struct holder *h;
	struct job *j;

	/* The window may be closed by a few unread bytes, for the memory they keep. */
	if (read < t->queued + bytes)
		without |= WAY_ACKED;
	if (bytes) {
		h = holder_pick(m, s);
		j = job_add(m, h->process, job_send, h->e);
		j->out = out_pick(m, s, without);
		j->in_thread |= !!(j->out->flags & WAY_UNNAMED);
		j->bytes = bytes;
		j->chunk = size_pick(m) + bytes / 8;
		tell(m, c, "%s sends %llu by %s through its descriptor %td, process %u",
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
		tell(m, c, "%s receives %llu by %s through its descriptor %td, process %u",
		     side_names[!from], (unsigned long long)read, j->in->name, h - t->holders,
		     h->process);
	}
	t->queued += bytes - read;
}

/**
 * conn_transfer - add jobs that send and receive, in one direction or both
 * @m: the mix
 * @c: used, and not twice before jobs_do()
 */
void conn_transfer(struct mix *m, struct conn *c)
{
	unsigned int from, directions = 1 + pick(m, 3);
	bool alone = directions != 3;

	for (from = CLIENT; from <= SERVER; from++) {
		struct side *s = &c->side[from], *t = &c->side[!from];
		uint64_t bytes, all, left;

		if (!(directions & 1u << from))
			continue;
		bytes = s->shut ? 0 : size_pick(m);
		all = t->queued + bytes;
		left = pick(m, 2) ? 0 : pick(m, MOST_QUEUED + 1);
		stream(m, c, from, bytes, left < all ? all - left : 0, alone);
	}
}

/**
 * conn_odd - calls that move nothing
 * @m: the mix
 * @c: used
 */
void conn_odd(struct mix *m, struct conn *c)
{
	unsigned int side = pick(m, 2);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);
	struct job *j;

	family_set(m, c->family, false);
	j = job_add(m, h->process, job_odd, h->e);
	j->value = !s->queued;
	tell(m, c, "%s makes odd calls through its descriptor %td, process %u", side_names[side],
	     h - s->holders, h->process);
	jobs_do(m);
}

static struct holder *holder_here(struct side *s)
{
	unsigned int i;

	for (i = 0; i < s->n; i++) {
		if (!s->holders[i].process)
			return &s->holders[i];
	}
	return NULL;
}

/**
 * conn_urgent - urgent data, if both ends are in the first process
 * @m: the mix
 * @c: used
 *
 * Return: false if it cannot be.
 */
bool conn_urgent(struct mix *m, struct conn *c)
{
	unsigned int from = pick(m, 2), order = pick(m, URGENT_ORDERS);
	struct holder *h = holder_here(&c->side[from]), *to = holder_here(&c->side[!from]);
	struct pair p;

	if (!c->urgent || !h || !to || c->side[from].shut || c->side[!from].queued)
		return false;
	tell(m, c, "%s sends urgent data, order %u", side_names[from], order);
	p = (struct pair){ h->e, to->e };
	urgent_round(&p, order);
	return true;
}

/**
 * conn_dup - one more descriptor in the same process
 * @m: the mix
 * @c: used
 *
 * Return: false if it has enough.
 */
bool conn_dup(struct mix *m, struct conn *c)
{
	unsigned int side = pick(m, 2);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);

	if (s->n == MAX_HOLDERS)
		return false;
	tell(m, c, "dup of the %s's descriptor %td, process %u", side_names[side], h - s->holders,
	     h->process);
	holder_add(s, job_do(m, h->process, job_dup, h->e)->made, h->process);
	return true;
}

/**
 * conn_pass - one more descriptor, by SCM_RIGHTS
 * @m: the mix
 * @c: used
 *
 * Return: false if it has enough.
 */
bool conn_pass(struct mix *m, struct conn *c)
{
	unsigned int side = pick(m, 2), process = process_pick(m);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);

	if (s->n == MAX_HOLDERS)
		return false;
	tell(m, c, "the %s's descriptor %td, process %u, is passed to process %u", side_names[side],
	     h - s->holders, h->process, process);
	job_do(m, h->process, job_pass, h->e);
	holder_add(s, job_do(m, process, job_take, h->e)->made, process);
	return true;
}

/**
 * conn_drop - close a descriptor that is not the last of its socket
 * @m: the mix
 * @c: used
 *
 * Return: false if it is.
 */
bool conn_drop(struct mix *m, struct conn *c)
{
	unsigned int side = pick(m, 2);
	struct side *s = &c->side[side];
	struct holder *h = holder_pick(m, s);

	if (s->n == 1)
		return false;
	tell(m, c, "close of the %s's descriptor %td, process %u", side_names[side], h - s->holders,
	     h->process);
	holder_close(m, s, h, job_close);
	return true;
}

/* What is queued is received, by one descriptor. */
static void drain(struct mix *m, struct side *s)
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
 * The socket is no connection any more, though it has descriptors.  What the
 * connection died of is told by all its rows, also of those closed before.
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

/* Waits until it is so; the error is what the socket itself says, one way or another. */
static void wait_ended(struct mix *m, struct side *s, bool by_receiving, int64_t since)
{
	struct holder *h = holder_pick(m, s);
	struct job *j = job_add(m, h->process, job_wait_ended, h->e);

	j->value = by_receiving;
	jobs_do(m);
	side_ended(s, since, j->value);
}

/**
 * conn_other_side - a side has no descriptor any more: the other finds out, and closes
 * @m: the mix
 * @c: used, and over after this
 * @gone: the side
 * @reset: the connection was reset by that
 * @since: the time before it
 */
void conn_other_side(struct mix *m, struct conn *c, unsigned int gone, bool reset, int64_t since)
{
	struct side *s = &c->side[gone], *t = &c->side[!gone];
	struct holder *h;

	if (reset) {
		/* After a FIN, receiving tells of that and not of the reset. */
		wait_ended(m, t, !s->shut && pick(m, 2), since);
	} else {
		h = holder_pick(m, t);
		job_do(m, h->process, job_eof, h->e);
		if (t->shut)
			wait_ended(m, t, false, since);
	}
	close_all(m, t);
	c->used = false;
}

/* Both ends are through: whoever still holds one closes it, @first first. */
static void conn_over(struct mix *m, struct conn *c, unsigned int first, int64_t since)
{
	struct side *s = &c->side[first], *t = &c->side[!first];

	wait_ended(m, s, false, since);
	wait_ended(m, t, false, since);
	close_all(m, s);
	close_all(m, t);
	c->used = false;
}

/**
 * conn_shutdown - one direction is shut, or the other one, too, and all is over
 * @m: the mix
 * @c: used
 *
 * Return: false if that side has shut before.
 */
bool conn_shutdown(struct mix *m, struct conn *c)
{
	unsigned int side = pick(m, 2);
	struct side *s = &c->side[side], *t = &c->side[!side];
	struct holder *h = holder_pick(m, s);
	int64_t since;
	struct job *j;

	if (s->shut)
		return false;
	tell(m, c, "%s shuts down", side_names[side]);
	if (t->shut) {
		drain(m, s);
		drain(m, t);
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
 * conn_reconnect - connect(AF_UNSPEC), and another connection of the descriptor
 * @m: the mix
 * @c: used
 *
 * Return: false if the client has more than this descriptor.
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
	tell(m, c, "client leaves, and connects to process %u", to);
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

/* The last descriptor's close; the bytes that make it a reset have to be there. */
static void finish_unread(struct mix *m, struct side *s)
{
	struct holder *h = holder_pick(m, s);

	job_add(m, h->process, job_wait_queued, h->e)->bytes = s->queued;
	jobs_do(m);
	close_all(m, s);
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

	drain(m, s);
	if (shut) {
		h = holder_pick(m, s);
		j = job_add(m, h->process, job_shutdown, h->e);
		j->value = SHUT_RDWR;
		jobs_do(m);
	}
	close_all(m, s);
}

/* What "ss -K" does; false if this kernel or our privileges do not let us */
static bool finish_destroy(struct mix *m, struct conn *c, unsigned int side, int64_t since)
{
	if (diag_destroy(c->side[side].holders[0].e))
		return false;
	conn_over(m, c, side, since);
	return true;
}

/**
 * conn_finish - end a connection, one way or another
 * @m: the mix
 * @c: used
 */
void conn_finish(struct mix *m, struct conn *c)
{
	static const char *const names[] = { "closes", "shuts down both ways and closes",
					     "closes with bytes unread", "resets", "is destroyed" };
	unsigned int how = pick(m, N_FINISHES), side = pick(m, 2);
	struct side *s = &c->side[side];
	int64_t since = now_ns();
	bool reset = how >= FINISH_UNREAD;

	if (how == FINISH_UNREAD && !s->queued)
		how = FINISH_RESET;
	tell(m, c, "%s %s", side_names[side], names[how]);
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
