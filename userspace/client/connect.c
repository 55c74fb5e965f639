// SPDX-License-Identifier: GPL-2.0-only
/* Ways of connecting that succeed. */

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
 * unconnected - a socket of the run's family, bound to nothing
 * @r: the run
 *
 * Return: its end; with r->nonblock it has O_NONBLOCK.
 */
struct end *unconnected(struct run *r)
{
	struct end *e = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);

	if (r->nonblock)
		set_nonblock(r, e->fd, true);
	return e;
}

/**
 * socket_error - take a socket's pending error
 * @e: its end
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
 * connect_end - connect(), and with O_NONBLOCK the wait until it is over
 * @e: the descriptor's end; r->nonblock says whether it has O_NONBLOCK
 * @to: where to
 * @len: of the address
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

/* Both ends of a connection that @client made to @listener */
static void accept_pair(struct end *client, struct end *listener, struct pair *p)
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
	accept_pair(e, listener, &p);
	check(r);
	talk(&p, 1000);
}

/* A bound socket keeps its port; the row has it before there is a connection. */
static void connect_bound(struct run *r)
{
	struct end *listener = listen_open(r, 1), *e = unconnected(r);
	struct sockaddr_storage to, from;
	socklen_t len = family_loopback(r, 0, &from);
	struct pair p;

	must(r, !bind(e->fd, (struct sockaddr *)&from, len));
	end_refresh(e);
	check(r);
	len = family_loopback(r, addr_port(&listener->local), &to);
	connect_end(e, &to, len);
	accept_pair(e, listener, &p);
	check(r);
	talk(&p, 1000);
}

/* Bound to an address, the port is chosen by connect(). */
static void connect_bound_no_port(struct run *r)
{
	struct end *listener = listen_open(r, 1), *e = unconnected(r);
	struct sockaddr_storage to, from;
	socklen_t len = family_loopback(r, 0, &from);
	struct pair p;
	int on = 1;

	must(r, !setsockopt(e->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)));
	must(r, !bind(e->fd, (struct sockaddr *)&from, len));
	end_refresh(e);
	check(r);
	len = family_loopback(r, addr_port(&listener->local), &to);
	connect_end(e, &to, len);
	accept_pair(e, listener, &p);
	check(r);
	talk(&p, 1000);
}

/*
 * The listener's queue is full, so the SYN stays unanswered until there is
 * room: a connect that can be looked at while it is under way.
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
	/* The other connection's server has no descriptor yet, and no end. */
	check(r);
	must(r, rx(e, recv(e->fd, &c, 1, 0)) < 0 && errno == EAGAIN);
	must(r, tx(e, send(e->fd, "x", 1, 0)) < 0 && errno == EAGAIN);
	must(r, connect(e->fd, (struct sockaddr *)&to, len) < 0 && errno == EALREADY);
	check(r);
	accept_pair(first, listener, &p);
	wait_poll(r, e->fd, POLLOUT);
	must(r, !socket_error(e));
	end_refresh(e);
	check(r);
	accept_pair(e, listener, &p);
	talk(&p, 1000);
}

static void nothing(int signal)
{
	(void)signal;
}

/* A signal ends the waiting, not the connecting. */
static void connect_interrupted(struct run *r)
{
	struct itimerval soon = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 };
	struct itimerval never = { 0 };
	struct sigaction sa = { .sa_handler = nothing };
	struct end *listener = listen_open(r, 0), *e;
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &to);
	struct end *first = connect_to(r, listener);
	struct pair p;
	int64_t since;

	must(r, !sigaction(SIGALRM, &sa, NULL));
	e = unconnected(r);
	since = now_ns();
	/* Again and again, lest one comes before the wait begins. */
	must(r, !setitimer(ITIMER_REAL, &soon, NULL));
	must(r, connect(e->fd, (struct sockaddr *)&to, len) < 0 && errno == EINTR);
	must(r, !setitimer(ITIMER_REAL, &never, NULL));
	end_connecting(e, since, &to);
	check(r);
	accept_pair(first, listener, &p);
	wait_poll(r, e->fd, POLLOUT);
	must(r, !socket_error(e));
	end_refresh(e);
	accept_pair(e, listener, &p);
	check(r);
	talk(&p, 1000);
}

/* connect() on a connected descriptor fails and changes nothing. */
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

/* One socket that is its own peer: what it sends, it receives. */
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
 * command - run a line of shell, or SKIP
 * @r: the run
 * @line: what the scenario cannot do without
 */
void command(struct run *r, const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "%s >/dev/null 2>&1", line);
	if (system(text))
		skip(r, "this fails: %s", line);
}

static struct end *bound(struct run *r, struct sockaddr_storage *sa)
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
 * Both ends call connect, and their SYNs cross: both are clients.  The delay
 * of the loopback interface is what lets them cross.
 */
static void connect_simultaneous(struct run *r)
{
	struct sockaddr_storage sa[2];
	struct end *e[2];
	struct pair p;
	int64_t since;
	int i;

	net_private(r);
	command(r, "tc qdisc add dev lo root netem delay 300ms");
	e[0] = bound(r, &sa[0]);
	e[1] = bound(r, &sa[1]);
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
	{ "plain", connect_plain, SC_NONBLOCK, 0, "connect(2); non-blocking: and poll(2)" },
	{ "bound", connect_bound, SC_NONBLOCK, 0, "from a bound port" },
	{ "bound_no_port", connect_bound_no_port, SC_NONBLOCK, 0, "from a bound address" },
	{ "in_progress", connect_in_progress, 0, 0, "looked at while the SYN is unanswered" },
	{ "interrupted", connect_interrupted, 0, 0, "a signal while it waits" },
	{ "again", connect_again, SC_NONBLOCK, 0, "on a descriptor that is connected" },
	{ "self", connect_self, SC_NONBLOCK, 0, "to itself" },
	{ "simultaneous", connect_simultaneous, SC_ROOT, 0, "both ends at once" },
	{ 0 },
};
