// SPDX-License-Identifier: GPL-2.0-only
/* Successful connects: blocking, non-blocking, bound, interrupted, to itself. */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "connect.h"
#include "scenario.h"

/**
 * unconnected - create a TCP socket of the run's family, without bind() or connect()
 * @r: the run; with r->nonblock the descriptor gets O_NONBLOCK
 *
 * Return: the socket's end.
 */
struct end *unconnected(struct run *r)
{
	struct end *e = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);

	if (r->nonblock)
		set_nonblock(r, e->fd, true);
	return e;
}

/**
 * socket_error - read and clear a socket's pending error (SO_ERROR)
 * @e: the socket's end
 *
 * Return: an errno or 0.
 */
int socket_error(struct end *e)
{
	int error = 0;
	socklen_t len = sizeof(error);

	must(e->run, !getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len));
	return error;
}

/**
 * connect_end - connect a socket; with O_NONBLOCK wait until the handshake is complete
 * @e: the socket's end; r->nonblock tells whether it has O_NONBLOCK
 * @to: the address to connect to
 * @len: length of the address
 */
void connect_end(struct end *e, const struct sockaddr_storage *to, socklen_t len)
{
	struct run *r = e->run;
	int64_t since = now_ns();

	if (connect(e->fd, (const struct sockaddr *)to, len)) {
		must(r, r->nonblock && errno == EINPROGRESS);
		wait_poll(r, e->fd, POLLOUT);
		must(r, !socket_error(e));
	}
	end_opened(e, SOCKSTAT_ROLE_CLIENT, since);
}

/* Accept the connection that @client made to @listener, and fill @p with both ends. */
static void pair_accept(struct end *client, struct end *listener, struct pair *p)
{
	p->client = client;
	p->server = accept_from(client->run, listener, client->opened_lo);
}

static void connect_plain(struct run *r)
{
	struct end *listener = listen_open(r, 1), *e = unconnected(r);
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &to);
	struct pair p;

	check(r);
	connect_end(e, &to, len);
	check(r);
	pair_accept(e, listener, &p);
	check(r);
	talk(&p, 1000);
}

/* Bind the socket to the loopback address with port 0, connect it, and check its row each time. */
static void bind_and_connect(struct end *e)
{
	struct run *r = e->run;
	struct end *listener = listen_open(r, 1);
	struct sockaddr_storage to, from;
	socklen_t len = family_loopback(r, 0, &from);
	struct pair p;

	must(r, !bind(e->fd, (struct sockaddr *)&from, len));
	end_refresh(e);
	check(r);
	len = family_loopback(r, addr_port(&listener->local), &to);
	connect_end(e, &to, len);
	pair_accept(e, listener, &p);
	check(r);
	talk(&p, 1000);
}

/* connect() keeps the port that bind() chose; the row shows it before the connect, too. */
static void connect_bound(struct run *r)
{
	bind_and_connect(unconnected(r));
}

/* IP_BIND_ADDRESS_NO_PORT: bind() sets the address only, and connect() chooses the port. */
static void connect_bound_no_port(struct run *r)
{
	struct end *e = unconnected(r);
	int on = 1;

	must(r, !setsockopt(e->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)));
	bind_and_connect(e);
}

/*
 * The listener's accept queue is full, so the kernel drops the SYN until
 * accept() makes room.  Meanwhile the client's row can be checked in SYN_SENT.
 */
static void connect_in_progress(struct run *r)
{
	struct end *listener = listen_open(r, 0), *e;
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &to);
	struct end *first = connect_to(r, listener);
	struct pair p;
	int64_t since;
	char c;

	e = unconnected(r);
	set_nonblock(r, e->fd, true);
	since = now_ns();
	must(r, connect(e->fd, (struct sockaddr *)&to, len) < 0 && errno == EINPROGRESS);
	end_connecting(e, since, &to);
	wait_state(e, SOCKSTAT_SYN_SENT);
	/* The first connection's server side has no descriptor yet, hence no end here. */
	check(r);
	must(r, rx(e, recv(e->fd, &c, 1, 0)) < 0 && errno == EAGAIN);
	must(r, tx(e, send(e->fd, "x", 1, 0)) < 0 && errno == EAGAIN);
	must(r, connect(e->fd, (struct sockaddr *)&to, len) < 0 && errno == EALREADY);
	check(r);
	pair_accept(first, listener, &p);
	wait_poll(r, e->fd, POLLOUT);
	must(r, !socket_error(e));
	end_refresh(e);
	check(r);
	pair_accept(e, listener, &p);
	talk(&p, 1000);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* A signal ends connect() with EINTR, but the handshake continues. */
static void connect_interrupted(struct run *r)
{
	struct itimerval soon = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 };
	struct itimerval never = { 0 };
	struct sigaction sa = { .sa_handler = ignore_signal };
	struct end *listener = listen_open(r, 0), *e;
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &to);
	struct end *first = connect_to(r, listener);
	struct pair p;
	int64_t since;

	must(r, !sigaction(SIGALRM, &sa, NULL));
	e = unconnected(r);
	since = now_ns();
	/* Repeat the timer, in case the first signal arrives before connect() sleeps. */
	must(r, !setitimer(ITIMER_REAL, &soon, NULL));
	must(r, connect(e->fd, (struct sockaddr *)&to, len) < 0 && errno == EINTR);
	must(r, !setitimer(ITIMER_REAL, &never, NULL));
	end_connecting(e, since, &to);
	check(r);
	pair_accept(first, listener, &p);
	wait_poll(r, e->fd, POLLOUT);
	must(r, !socket_error(e));
	end_refresh(e);
	pair_accept(e, listener, &p);
	check(r);
	talk(&p, 1000);
}

/* connect() on a connected or listening descriptor fails and leaves its row as it is. */
static void connect_again(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &to);
	struct pair p;

	pair_open_on(r, listener, &p);
	talk(&p, 1000);
	must(r, connect(p.client->fd, (struct sockaddr *)&to, len) < 0 && errno == EISCONN);
	must(r, connect(p.server->fd, (struct sockaddr *)&to, len) < 0 && errno == EISCONN);
	must(r, connect(listener->fd, (struct sockaddr *)&to, len) < 0 && errno == EISCONN);
	check(r);
	talk(&p, 1000);
}

/* The socket connects to its own port, so it receives the bytes it sends. */
static void connect_self(struct run *r)
{
	struct end *e = unconnected(r);
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, 0, &sa);

	must(r, !bind(e->fd, (struct sockaddr *)&sa, len));
	end_refresh(e);
	family_loopback(r, addr_port(&e->local), &sa);
	connect_end(e, &sa, len);
	check(r);
	send_bytes(e, 1000);
	wait_queued(e, 1000);
	check(r);
	read_all(e, 1000);
	check(r);
	must(r, !shutdown(e->fd, SHUT_WR));
	read_to_eof(e);
	end_ended(e, e->opened_lo, 0);
}

/**
 * shell_command - run a shell command; skip the scenario if it fails
 * @r: the run
 * @line: the command, which the scenario depends on
 */
void shell_command(struct run *r, const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "%s >/dev/null 2>&1", line);
	if (system(text))
		skip(r, "this command failed: %s", line);
}

/* Create a non-blocking socket, bind it to a free port and store its address in @sa. */
static struct end *socket_bound(struct run *r, struct sockaddr_storage *sa)
{
	struct end *e = unconnected(r);
	socklen_t len = family_loopback(r, 0, sa);

	set_nonblock(r, e->fd, true);
	must(r, !bind(e->fd, (struct sockaddr *)sa, len));
	end_refresh(e);
	family_loopback(r, addr_port(&e->local), sa);
	return e;
}

/*
 * Both ends call connect() and their SYNs cross, so both have the role client.
 * A delay on the loopback interface makes sure that the SYNs cross.
 */
static void connect_simultaneous(struct run *r)
{
	struct sockaddr_storage sa[2];
	struct end *e[2];
	struct pair p;
	int64_t since;
	int i;

	net_private(r);
	shell_command(r, "tc qdisc add dev lo root netem delay 300ms");
	e[0] = socket_bound(r, &sa[0]);
	e[1] = socket_bound(r, &sa[1]);
	since = now_ns();
	for (i = 0; i < 2; i++) {
		struct sockaddr *to = (struct sockaddr *)&sa[!i];

		must(r, connect(e[i]->fd, to, sizeof(struct sockaddr_in6)) < 0);
		must(r, errno == EINPROGRESS);
	}
	for (i = 0; i < 2; i++)
		end_connecting(e[i], since, &sa[!i]);
	check(r);
	for (i = 0; i < 2; i++) {
		wait_poll(r, e[i]->fd, POLLOUT);
		if (socket_error(e[i]))
			fail(r, "the two SYNs did not cross");
		end_refresh(e[i]);
	}
	p = (struct pair){ e[0], e[1] };
	talk(&p, 1000);
	wait_acked(e[0]);
	wait_acked(e[1]);
	check(r);
}

const struct scenario connect_scenarios[] = {
	{ "plain", connect_plain, SC_NONBLOCK, 0,
	  "connect with connect(2); non-blocking: wait for it with poll(2)" },
	{ "bound", connect_bound, SC_NONBLOCK, 0, "bind(2) to a port, then connect(2) from it" },
	{ "bound_no_port", connect_bound_no_port, SC_NONBLOCK, 0,
	  "bind(2) to an address without a port, then connect(2) from it" },
	{ "in_progress", connect_in_progress, 0, 0,
	  "check a non-blocking connect(2) while its SYN is unanswered" },
	{ "interrupted", connect_interrupted, 0, 0,
	  "interrupt connect(2) by a signal while it waits" },
	{ "again", connect_again, SC_NONBLOCK, 0,
	  "call connect(2) on a socket that is already connected" },
	{ "self", connect_self, SC_NONBLOCK, 0, "connect a socket to its own port" },
	{ "simultaneous", connect_simultaneous, SC_ROOT, 0,
	  "connect both ends to each other at the same time" },
	{ 0 },
};
