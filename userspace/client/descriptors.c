// SPDX-License-Identifier: GPL-2.0-only
/* One connection, several descriptors of one process; one number, several connections. */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

/* Another number for the same socket, with its own row */
static struct end *copy(struct end *e, int fd)
{
	must(e->run, fd >= 0);
	return end_alias(e, getpid(), fd);
}

/* Both descriptors send and receive in turn; each has what went through it. */
static void use_both(struct pair *p, struct end *other)
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
	other = copy(p.client, dup(p.client->fd));
	check(r);
	read_all(p.server, 1000);
	use_both(&p, other);
	/* The connection lives as long as one of them. */
	end_close(p.client);
	check(r);
	send_bytes(other, 10);
	read_all(p.server, 10);
	check(r);
	end_close(other);
	check(r);
}

/* A row while it is there, none when it was closed: nothing went through it. */
static void descriptors_dup_unused(struct run *r)
{
	struct end *other;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	other = copy(p.client, dup(p.client->fd));
	check(r);
	end_close(other);
	other->no_row = true;
	check(r);
	talk(&p, 100);
}

/* dup2() closes what had the number: the other connection's last descriptor. */
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
	over = copy(p.client, q.client->fd);
	check(r);
	read_to_eof(q.server);
	use_both(&p, over);
}

/* The same for one nobody has used, which only the closing call tells of */
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
	over = copy(p.server, q.server->fd);
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
	other = copy(p.client, fcntl(p.client->fd, F_DUPFD, 100));
	must(r, other->fd >= 100);
	use_both(&p, other);
	third = copy(p.client, fcntl(p.client->fd, F_DUPFD_CLOEXEC, 1000));
	must(r, third->fd >= 1000);
	use_both(&p, third);
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

/* The number goes from one connection to the next. */
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

/* The number of a descriptor whose connection lives on through another */
static void descriptors_number_reused_dup(struct run *r)
{
	struct end *listener = listen_open(r, 1), *other;
	struct pair p, q;

	pair_open_on(r, listener, &p);
	talk(&p, 1000);
	other = copy(p.client, dup(p.client->fd));
	end_close(p.client);
	pair_open_on(r, listener, &q);
	must(r, q.client->fd == p.client->fd);
	talk(&q, 300);
	check(r);
	send_bytes(other, 10);
	read_all(p.server, 10);
	check(r);
	/* The same connection has its old number again: process, number, connection are one row. */
	end_close(q.client);
	must(r, dup2(other->fd, p.client->fd) == p.client->fd);
	p.client->closed = p.client->shut = false;
	p.client->closed_lo = p.client->closed_hi = -1;
	check(r);
	talk(&p, 50);
	check(r);
}

const struct scenario descriptors_scenarios[] = {
	{ "dup", descriptors_dup, 0, 0, "dup(2), both used" },
	{ "dup_unused", descriptors_dup_unused, 0, 0, "dup(2), the copy not used" },
	{ "dup2_over", descriptors_dup2_over, 0, 0, "dup2(2) over another connection" },
	{ "dup3_over_unused", descriptors_dup3_over_unused, 0, 0,
	  "dup3(2) over one accepted and never used" },
	{ "dupfd", descriptors_dupfd, 0, 0, "fcntl(2), F_DUPFD" },
	{ "close_range", descriptors_close_range, 0, 0, "close_range(2)" },
	{ "number_reused", descriptors_number_reused, 0, 0, "a number used for ten connections" },
	{ "number_reused_dup", descriptors_number_reused_dup, 0, 0,
	  "a number used again while its connection lives on" },
	{ 0 },
};
