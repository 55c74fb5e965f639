// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptor numbers within one process: several descriptors of one connection
 * (dup), and one number used for several connections in turn.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

/* Expect a row of its own for @fd, a duplicate of @e's descriptor in this process. */
static struct end *end_duplicate(struct end *e, int fd)
{
	must(e->run, fd >= 0);
	return end_alias(e, getpid(), fd);
}

/* Send and receive through both descriptors in turn; each row counts its own bytes. */
static void talk_through_both(struct pair *p, struct end *other)
{
	struct run *r = other->run;
	int i;

	for (i = 1; i <= 5; i++) {
		send_bytes(p->client, 100 * i);
		send_bytes(other, 30 * i);
		read_all(p->server, 130 * i);
		send_bytes(p->server, 77 * i);
		read_all(other, 44 * i);
		read_all(p->client, 33 * i);
		check(r);
	}
}

static void descriptors_dup(struct run *r)
{
	struct end *other;
	struct pair p;

	pair_open(r, &p);
	send_bytes(p.client, 1000);
	other = end_duplicate(p.client, dup(p.client->fd));
	check(r);
	read_all(p.server, 1000);
	talk_through_both(&p, other);
	/* The connection lives until its last descriptor is closed. */
	end_close(p.client);
	check(r);
	send_bytes(other, 10);
	read_all(p.server, 10);
	check(r);
	end_close(other);
	check(r);
}

/* An unused duplicate has a row while it is open, and leaves none when it is closed. */
static void descriptors_dup_unused(struct run *r)
{
	struct end *other;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	other = end_duplicate(p.client, dup(p.client->fd));
	check(r);
	end_close(other);
	other->no_row = true;
	check(r);
	talk(&p, 100);
}

/* dup2() closes the descriptor that had the number, the last one of another connection. */
static void descriptors_dup2_over(struct run *r)
{
	struct end *over;
	struct pair p, q;
	int64_t since;

	pair_open(r, &p);
	pair_open(r, &q);
	talk(&p, 1000);
	talk(&q, 300);
	since = now_ns();
	must(r, dup2(p.client->fd, q.client->fd) == q.client->fd);
	end_gone(q.client, since);
	over = end_duplicate(p.client, q.client->fd);
	check(r);
	read_to_eof(q.server);
	talk_through_both(&p, over);
}

/* dup3() over an unused descriptor: the module learns of it only from the close. */
static void descriptors_dup3_over_unused(struct run *r)
{
	struct end *over;
	struct pair p, q;
	int64_t since;

	pair_open(r, &p);
	pair_open(r, &q);
	since = now_ns();
	must(r, dup3(p.server->fd, q.server->fd, O_CLOEXEC) == q.server->fd);
	end_gone(q.server, since);
	over = end_duplicate(p.server, q.server->fd);
	check(r);
	read_to_eof(q.client);
	send_bytes(over, 10);
	read_all(p.client, 10);
}

static void descriptors_dupfd(struct run *r)
{
	struct end *other, *third;
	struct pair p;

	pair_open(r, &p);
	other = end_duplicate(p.client, fcntl(p.client->fd, F_DUPFD, 100));
	must(r, other->fd >= 100);
	talk_through_both(&p, other);
	third = end_duplicate(p.client, fcntl(p.client->fd, F_DUPFD_CLOEXEC, 1000));
	must(r, third->fd >= 1000);
	talk_through_both(&p, third);
}

static void descriptors_close_range(struct run *r)
{
	struct pair p;
	int64_t since;

	pair_open(r, &p);
	talk(&p, 1000);
	since = now_ns();
	if (syscall(__NR_close_range, p.client->fd, p.client->fd, 0))
		skip(r, "close_range: %m");
	end_gone(p.client, since);
	check(r);
	read_to_eof(p.server);
}

/* Each new connection gets the number of the one closed before. */
static void descriptors_number_reused(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	struct pair p;
	int i, fd;

	pair_open_on(r, listener, &p);
	fd = p.client->fd;
	for (i = 1; i <= 10; i++) {
		talk(&p, 100 * i);
		end_close(p.server);
		end_close(p.client);
		pair_open_on(r, listener, &p);
		must(r, p.client->fd == fd);
		check(r);
	}
}

/* A closed descriptor's number is used again while a duplicate keeps its connection open. */
static void descriptors_number_reused_dup(struct run *r)
{
	struct end *listener = listen_open(r, 1), *other;
	struct pair p, q;

	pair_open_on(r, listener, &p);
	talk(&p, 1000);
	other = end_duplicate(p.client, dup(p.client->fd));
	end_close(p.client);
	pair_open_on(r, listener, &q);
	must(r, q.client->fd == p.client->fd);
	talk(&q, 300);
	check(r);
	send_bytes(other, 10);
	read_all(p.server, 10);
	check(r);
	/*
	 * The connection gets its old number again.  Rows are keyed by process,
	 * number and connection, so the old row is continued.
	 */
	end_close(q.client);
	must(r, dup2(other->fd, p.client->fd) == p.client->fd);
	p.client->closed = p.client->shut = false;
	p.client->closed_lo = p.client->closed_hi = -1;
	check(r);
	talk(&p, 50);
	check(r);
}

const struct scenario descriptors_scenarios[] = {
	{ "dup", descriptors_dup, 0, 0, "send and receive through a descriptor and its dup(2)" },
	{ "dup_unused", descriptors_dup_unused, 0, 0,
	  "duplicate a descriptor with dup(2) and close it unused" },
	{ "dup2_over", descriptors_dup2_over, 0, 0,
	  "replace another connection's descriptor with dup2(2)" },
	{ "dup3_over_unused", descriptors_dup3_over_unused, 0, 0,
	  "replace an accepted but unused descriptor with dup3(2)" },
	{ "dupfd", descriptors_dupfd, 0, 0,
	  "duplicate with fcntl(2), F_DUPFD and F_DUPFD_CLOEXEC" },
	{ "close_range", descriptors_close_range, 0, 0, "close a descriptor with close_range(2)" },
	{ "number_reused", descriptors_number_reused, 0, 0,
	  "use one descriptor number for ten connections in turn" },
	{ "number_reused_dup", descriptors_number_reused_dup, 0, 0,
	  "reuse a number while a duplicate keeps its connection open" },
	{ 0 },
};
