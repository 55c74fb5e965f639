// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failing connects.  Each of them must leave a CLOSED row with its ERROR.
 *
 * After a failed connect() the socket no longer knows its local port.  Most
 * scenarios therefore run in a network namespace of their own and limit
 * ip_local_port_range to one or two ports, so that the LOCAL column of the
 * row can be predicted.
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

static void end_set_local_port(struct end *e, uint16_t port)
{
	family_loopback(e->run, port, &e->local);
	addr_plain(&e->local);
}

/*
 * Connect from @port to @to and expect that it fails with @error.
 *
 * A blocking connect() returns @error, and the socket can connect again at
 * once.  A non-blocking socket keeps the dead connection until the next
 * connect(), which returns ECONNABORTED.
 *
 * Return the end of the same descriptor, which can connect again.
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
	end_set_local_port(e, port);
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

/* Connect the descriptor successfully after its earlier failures. */
static void connect_succeeds(struct end *e, struct end *listener)
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

/* Enter a network namespace in which connect() can choose from @n local ports only. */
static void limit_local_ports(struct run *r, int n)
{
	char range[32];

	net_private(r);
	snprintf(range, sizeof(range), "%d %d", PORT, PORT + n - 1);
	sysctl_set(r, "net/ipv4/ip_local_port_range", range);
}

/* Open a listener on a port outside ip_local_port_range. */
static struct end *listener_outside_range(struct run *r, int backlog)
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

	limit_local_ports(r, 1);
	family_loopback(r, CLOSED_PORT, &to);
	e = connect_fails(unconnected(r), &to, PORT, ECONNREFUSED);
	end_close(e);
	check(r);
}

/* Two refused connects, then a successful one to a listener */
static void connect_refused_then_not(struct run *r)
{
	struct sockaddr_storage to;
	struct end *e;

	limit_local_ports(r, 1);
	family_loopback(r, CLOSED_PORT, &to);
	e = connect_fails(unconnected(r), &to, PORT, ECONNREFUSED);
	e = connect_fails(e, &to, PORT, ECONNREFUSED);
	connect_succeeds(e, listener_outside_range(r, 1));
}

/**
 * connect_refused_from - bind a socket, connect to a closed port and check the refused connect
 * @r: the run
 *
 * Return: the end of the same descriptor, which can connect again.
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

/* The accept queue is full, so the kernel drops the SYN; TCP_SYNCNT allows one retransmission. */
static void connect_timed_out(struct run *r)
{
	struct end *listener, *first, *e;
	struct sockaddr_storage to;
	struct pair p;
	int once = 1;

	limit_local_ports(r, 2);
	listener = listener_outside_range(r, 0);
	first = connect_to(r, listener);
	family_loopback(r, addr_port(&listener->local), &to);
	e = unconnected(r);
	must(r, !setsockopt(e->fd, IPPROTO_TCP, TCP_SYNCNT, &once, sizeof(once)));
	e = connect_fails(e, &to, 2 * PORT + 1 - addr_port(&first->local), ETIMEDOUT);
	p = (struct pair){ first, accept_from(r, listener, first->opened_lo) };
	connect_succeeds(e, listener);
	talk(&p, 1000);
}

/* connect() fails at once, with or without O_NONBLOCK, because no packet can be sent. */
static struct end *connect_fails_at_once(struct end *e, const struct sockaddr_storage *to,
					 int error)
{
	struct run *r = e->run;
	int64_t since = now_ns();
	struct end *next;

	if (!connect(e->fd, (const struct sockaddr *)to, sizeof(struct sockaddr_in6)) ||
	    errno != error)
		fail(r, "connect() did not fail with errno %d; errno is %d", error, errno);
	end_connecting(e, since, to);
	e->local = (struct sockaddr_storage){ 0 };
	e->error = error;
	next = end_restart(e, since);
	check(r);
	return next;
}

/* Connect to an address with no route, or with a @route of a type that fails with @error. */
static void connect_without_route(struct run *r, const char *route, int error)
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
		shell_command(r, line);
	}
	family_loopback(r, 80, &to);
	if (r->family == FAMILY_4)
		inet_pton(AF_INET, "192.0.2.1", &sin->sin_addr);
	else
		inet_pton(AF_INET6, r->family == FAMILY_6 ? "2001:db8::1" : "::ffff:192.0.2.1",
			  &sin6->sin6_addr);
	e = connect_fails_at_once(unconnected(r), &to, error);
	sin->sin_port = htons(81);
	e = connect_fails_at_once(e, &to, error);
	connect_succeeds(e, listen_open(r, 1));
}

static void connect_unreachable(struct run *r)
{
	connect_without_route(r, NULL, ENETUNREACH);
}

static void connect_host_unreachable(struct run *r)
{
	connect_without_route(r, "unreachable", EHOSTUNREACH);
}

static void connect_prohibited(struct run *r)
{
	connect_without_route(r, "prohibit", EACCES);
}

/* All local ports are in use, so connect() fails before it has one. */
static void connect_no_port(struct run *r)
{
	struct end *listener;
	struct sockaddr_storage to;
	struct pair p;
	struct end *e;

	limit_local_ports(r, 1);
	listener = listener_outside_range(r, 1);
	pair_open_on(r, listener, &p);
	family_loopback(r, addr_port(&listener->local), &to);
	e = connect_fails_at_once(unconnected(r), &to, EADDRNOTAVAIL);
	end_close(e);
	talk(&p, 1000);
	check(r);
}

const struct scenario connect_fail_scenarios[] = {
	{ "refused", connect_refused, SC_NONBLOCK | SC_ROOT, 0,
	  "connect to a port without a listener: ECONNREFUSED" },
	{ "refused_then_not", connect_refused_then_not, SC_NONBLOCK | SC_ROOT, 0,
	  "connect twice to a closed port, then to a listener, on one socket" },
	{ "refused_bound", connect_refused_bound, SC_NONBLOCK, 0,
	  "connect from a bound port to a closed port: ECONNREFUSED" },
	{ "timed_out", connect_timed_out, SC_NONBLOCK | SC_ROOT, 0,
	  "connect while the SYN gets no answer: ETIMEDOUT" },
	{ "unreachable", connect_unreachable, SC_NONBLOCK | SC_ROOT, 0,
	  "connect to an address without a route: ENETUNREACH" },
	{ "host_unreachable", connect_host_unreachable, SC_NONBLOCK | SC_ROOT, 0,
	  "connect over a route of type unreachable: EHOSTUNREACH" },
	{ "prohibited", connect_prohibited, SC_NONBLOCK | SC_ROOT, 0,
	  "connect over a route of type prohibit: EACCES" },
	{ "no_port", connect_no_port, SC_NONBLOCK | SC_ROOT, 0,
	  "connect when all local ports are in use: EADDRNOTAVAIL" },
	{ 0 },
};
