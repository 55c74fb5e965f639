// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways of connecting that fail, each of which is a connection in the history.
 *
 * In a network namespace of its own, whose ports are so few that the one a
 * connect took is known though it never told.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "scenario.h"

#define PORT 50000
#define CLOSED_PORT 9

static void local_is(struct end *e, uint16_t port)
{
	family_loopback(e->run, port, &e->local);
	addr_plain(&e->local);
}

/*
 * A connect that does not come to a connection, from @port to @to.
 *
 * Blocking: the failure is told at once and the descriptor is as new.  Else
 * the descriptor stays with the dead connection until the next connect(),
 * which tells of it.
 *
 * Returns the end of the descriptor that can be connected once more.
 */
static struct end *connect_fails(struct end *e, const struct sockaddr_storage *to, uint16_t port,
				 int error)
{
	struct run *r = e->run;
	socklen_t len = sizeof(struct sockaddr_in6);
	int64_t since = now_ns();
	struct end *next;

	must(r, connect(e->fd, (const struct sockaddr *)to, len) < 0);
	must(r, errno == (r->nonblock ? EINPROGRESS : error));
	end_connecting(e, since, to);
	local_is(e, port);
	if (r->nonblock) {
		wait_poll(r, e->fd, 0);
		end_ended(e, since, error);
		check(r);
		must(r, socket_error(e) == error);
		check(r);
		must(r,
		     connect(e->fd, (const struct sockaddr *)to, len) < 0 && errno == ECONNABORTED);
	}
	e->error = error;
	next = end_restart(e, since);
	check(r);
	return next;
}

/* The same descriptor then connects. */
static void connect_now(struct end *e, struct end *listener)
{
	struct run *r = e->run;
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &to);
	struct pair p = { .client = e };
	int64_t since = now_ns();

	if (connect(e->fd, (const struct sockaddr *)&to, len)) {
		must(r, r->nonblock && errno == EINPROGRESS);
		wait_poll(r, e->fd, POLLOUT);
	}
	end_opened(e, SOCKSTAT_ROLE_CLIENT, since);
	p.server = accept_from(r, listener, since);
	check(r);
	talk(&p, 1000);
	check(r);
}

static void ports(struct run *r, int n)
{
	char range[32];

	net_private(r);
	snprintf(range, sizeof(range), "%d %d", PORT, PORT + n - 1);
	sysctl_set(r, "net/ipv4/ip_local_port_range", range);
}

/* A listener whose port is none of those that connect() chooses from */
static struct end *listener_elsewhere(struct run *r, int backlog)
{
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, PORT + 1000, &sa);
	int fd = tcp_socket(r);

	must(r, !bind(fd, (struct sockaddr *)&sa, len));
	must(r, !listen(fd, backlog));
	return end_new(r, fd, SOCKSTAT_ROLE_NONE, -1);
}

static void connect_refused(struct run *r)
{
	struct sockaddr_storage to;
	struct end *e;

	ports(r, 1);
	family_loopback(r, CLOSED_PORT, &to);
	e = connect_fails(unconnected(r), &to, PORT, ECONNREFUSED);
	end_close(e);
	check(r);
}

/* Again and again, then to someone who listens */
static void connect_refused_then_not(struct run *r)
{
	struct sockaddr_storage to;
	struct end *e;

	ports(r, 1);
	family_loopback(r, CLOSED_PORT, &to);
	e = connect_fails(unconnected(r), &to, PORT, ECONNREFUSED);
	e = connect_fails(e, &to, PORT, ECONNREFUSED);
	connect_now(e, listener_elsewhere(r, 1));
}

/**
 * connect_refused_from - refused, from a bound port, which is looked at
 * @r: the run
 *
 * Return: the end of the descriptor, which can be connected once more.
 */
struct end *connect_refused_from(struct run *r)
{
	struct end *e = unconnected(r);
	struct sockaddr_storage to, from;
	socklen_t len = family_loopback(r, 0, &from);

	must(r, !bind(e->fd, (struct sockaddr *)&from, len));
	end_refresh(e);
	family_loopback(r, CLOSED_PORT, &to);
	return connect_fails(e, &to, addr_port(&e->local), ECONNREFUSED);
}

static void connect_refused_bound(struct run *r)
{
	connect_refused_from(r);
}

/* The listener's queue is full, so that the SYN is dropped; it is sent twice. */
static void connect_timed_out(struct run *r)
{
	struct end *listener, *first, *e;
	struct sockaddr_storage to;
	struct pair p;
	int once = 1;

	ports(r, 2);
	listener = listener_elsewhere(r, 0);
	first = connect_to(r, listener);
	family_loopback(r, addr_port(&listener->local), &to);
	e = unconnected(r);
	must(r, !setsockopt(e->fd, IPPROTO_TCP, TCP_SYNCNT, &once, sizeof(once)));
	e = connect_fails(e, &to, 2 * PORT + 1 - addr_port(&first->local), ETIMEDOUT);
	p = (struct pair){ first, accept_from(r, listener, first->opened_lo) };
	connect_now(e, listener);
	talk(&p, 1000);
}

/* No packet is sent: connect() fails at once, blocking or not. */
static struct end *connect_refuses(struct end *e, const struct sockaddr_storage *to, int error)
{
	struct run *r = e->run;
	int64_t since = now_ns();
	struct end *next;

	if (!connect(e->fd, (const struct sockaddr *)to, sizeof(struct sockaddr_in6)) ||
	    errno != error)
		fail(r, "connect() gave error %d where %d should be", errno, error);
	end_connecting(e, since, to);
	e->local = (struct sockaddr_storage){ 0 };
	e->error = error;
	next = end_restart(e, since);
	check(r);
	return next;
}

static void unreachable(struct run *r, const char *route, int error)
{
	struct sockaddr_storage to;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&to;
	struct sockaddr_in *sin = (struct sockaddr_in *)&to;
	char line[100];
	struct end *e;

	net_private(r);
	if (route) {
		snprintf(line, sizeof(line), "ip route add %s %s", route,
			 r->family == FAMILY_6 ? "2001:db8::/32" : "192.0.2.0/24");
		command(r, line);
	}
	family_loopback(r, 80, &to);
	if (r->family == FAMILY_4)
		inet_pton(AF_INET, "192.0.2.1", &sin->sin_addr);
	else
		inet_pton(AF_INET6, r->family == FAMILY_6 ? "2001:db8::1" : "::ffff:192.0.2.1",
			  &sin6->sin6_addr);
	e = connect_refuses(unconnected(r), &to, error);
	sin->sin_port = htons(81);
	e = connect_refuses(e, &to, error);
	connect_now(e, listen_open(r, 1));
}

static void connect_unreachable(struct run *r)
{
	unreachable(r, NULL, ENETUNREACH);
}

static void connect_host_unreachable(struct run *r)
{
	unreachable(r, "unreachable", EHOSTUNREACH);
}

static void connect_prohibited(struct run *r)
{
	unreachable(r, "prohibit", EACCES);
}

/* All ports are in use: the attempt ends before it has one. */
static void connect_no_port(struct run *r)
{
	struct end *listener;
	struct sockaddr_storage to;
	struct pair p;
	struct end *e;

	ports(r, 1);
	listener = listener_elsewhere(r, 1);
	pair_open_on(r, listener, &p);
	family_loopback(r, addr_port(&listener->local), &to);
	e = connect_refuses(unconnected(r), &to, EADDRNOTAVAIL);
	end_close(e);
	talk(&p, 1000);
	check(r);
}

const struct scenario connect_fail_scenarios[] = {
	{ "refused", connect_refused, SC_NONBLOCK | SC_ROOT, 0, "nobody listens" },
	{ "refused_then_not", connect_refused_then_not, SC_NONBLOCK | SC_ROOT, 0,
	  "twice refused, then connected, on one descriptor" },
	{ "refused_bound", connect_refused_bound, SC_NONBLOCK, 0, "refused, from a bound port" },
	{ "timed_out", connect_timed_out, SC_NONBLOCK | SC_ROOT, 0, "no answer to the SYN" },
	{ "unreachable", connect_unreachable, SC_NONBLOCK | SC_ROOT, 0, "no route" },
	{ "host_unreachable", connect_host_unreachable, SC_NONBLOCK | SC_ROOT, 0,
	  "a route that says so" },
	{ "prohibited", connect_prohibited, SC_NONBLOCK | SC_ROOT, 0, "a route that forbids it" },
	{ "no_port", connect_no_port, SC_NONBLOCK | SC_ROOT, 0, "no local port is free" },
	{ 0 },
};
