// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that the client gives up before the handshake is complete.  Each of
 * them must leave a CLOSED row with the ERROR ECANCELED, by which it differs from a
 * connection that was open and idle.
 *
 * The accept queue of the listener is full, so the kernel drops the SYN.
 */

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "child.h"
#include "connect.h"
#include "scenario.h"

/* A listener that answers no SYN, because a connection is in its accept queue */
struct silent {
	struct end *listener;
	struct end *waiting; /* the client's end of that connection */
};

static void silent_open(struct run *r, struct silent *s)
{
	s->listener = listen_open(r, 0);
	s->waiting = connect_to(r, s->listener);
}

/* Accept the connection: it would be reset when the listener is closed. */
static void silent_end(struct silent *s)
{
	accept_from(s->listener->run, s->listener, s->waiting->opened_lo);
	check(s->listener->run);
}

/* Begin to connect. */
static struct end *connect_begin(struct run *r, const struct silent *s)
{
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&s->listener->local), &to);
	struct end *e = unconnected(r);
	int64_t since = now_ns();

	set_nonblock(r, e->fd, true);
	must(r, connect(e->fd, (struct sockaddr *)&to, len) < 0 && errno == EINPROGRESS);
	end_connecting(e, since, &to);
	wait_state(e, SOCKSTAT_SYN_SENT);
	return e;
}

static void close_and_check(struct end *e)
{
	end_close(e);
	e->error = ECANCELED;
	check(e->run);
}

static void connect_give_up_close(struct run *r)
{
	struct silent s;
	struct end *e;

	silent_open(r, &s);
	e = connect_begin(r, &s);
	check(r);
	close_and_check(e);
	silent_end(&s);
}

/* close() of a socket that does not linger calls tcp_disconnect(). */
static void connect_give_up_close_abort(struct run *r)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	struct silent s;
	struct end *e;

	silent_open(r, &s);
	e = connect_begin(r, &s);
	must(r, !setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close_and_check(e);
	silent_end(&s);
}

/* A blocking connect() returns after SO_SNDTIMEO, but TCP goes on until close(). */
static void connect_give_up_timeout(struct run *r)
{
	struct timeval soon = { .tv_usec = 50000 };
	struct end *e = unconnected(r);
	struct sockaddr_storage to;
	struct silent s;
	int64_t since;
	socklen_t len;

	silent_open(r, &s);
	len = family_loopback(r, addr_port(&s.listener->local), &to);
	must(r, !setsockopt(e->fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)));
	since = now_ns();
	must(r, connect(e->fd, (struct sockaddr *)&to, len) < 0 && errno == EINPROGRESS);
	end_connecting(e, since, &to);
	check(r);
	close_and_check(e);
	silent_end(&s);
}

/* After a disconnect in SYN_SENT the socket has a pending error, and can connect again. */
static void connect_after(struct end *e)
{
	struct run *r = e->run;
	struct end *listener = listen_open(r, 1);
	struct sockaddr_storage to;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &to);
	struct pair p = { .client = e };

	must(r, socket_error(e) == ECONNRESET);
	check(r);
	set_nonblock(r, e->fd, false);
	connect_end(e, &to, len);
	p.server = accept_from(r, listener, e->opened_lo);
	check(r);
	talk(&p, 1000);
}

static void connect_give_up_disconnect(struct run *r)
{
	struct silent s;
	struct end *e;

	silent_open(r, &s);
	e = connect_begin(r, &s);
	e->error = ECANCELED;
	connect_after(disconnect(e));
	silent_end(&s);
}

/* In SYN_SENT, shutdown() disconnects. */
static void shut_down(struct run *r, int how)
{
	struct silent s;
	int64_t since;
	struct end *e;

	silent_open(r, &s);
	e = connect_begin(r, &s);
	since = now_ns();
	must(r, !shutdown(e->fd, how));
	e->error = ECANCELED;
	connect_after(end_restart(e, since));
	silent_end(&s);
}

static void connect_give_up_shutdown(struct run *r)
{
	shut_down(r, SHUT_RDWR);
}

static void connect_give_up_shutdown_wr(struct run *r)
{
	shut_down(r, SHUT_WR);
}

struct link {
	struct silent silent;
	struct end *client; /* the child's */
};

static void child_connect(struct child *c)
{
	struct link *l = c->arg;

	l->client = connect_begin(c->r, &l->silent);
	child_pause(c);
}

static void child_ends(struct run *r, void (*end)(struct child *c))
{
	struct link *l = shared_memory(r, sizeof(*l));
	struct child *c;

	silent_open(r, &l->silent);
	c = child_start(r, child_connect, l, NULL);
	check(r);
	end(c);
	l->client->error = ECANCELED;
	check(r);
	silent_end(&l->silent);
}

static void connect_give_up_exit(struct run *r)
{
	child_ends(r, child_join);
}

static void connect_give_up_kill(struct run *r)
{
	child_ends(r, child_kill);
}

const struct scenario connect_give_up_scenarios[] = {
	{ "give_up_close", connect_give_up_close, 0, 0,
	  "close a socket while its SYN is unanswered" },
	{ "give_up_close_abort", connect_give_up_close_abort, 0, 0,
	  "close a socket without lingering while its SYN is unanswered" },
	{ "give_up_timeout", connect_give_up_timeout, 0, 0,
	  "close a socket after connect(2) has returned because of SO_SNDTIMEO" },
	{ "give_up_disconnect", connect_give_up_disconnect, 0, 0,
	  "disconnect with AF_UNSPEC while the SYN is unanswered" },
	{ "give_up_shutdown", connect_give_up_shutdown, 0, 0,
	  "shut both directions down while the SYN is unanswered" },
	{ "give_up_shutdown_wr", connect_give_up_shutdown_wr, 0, 0,
	  "shut the sending direction down while the SYN is unanswered" },
	{ "give_up_exit", connect_give_up_exit, 0, 0, "exit while a SYN is unanswered" },
	{ "give_up_kill", connect_give_up_kill, 0, 0,
	  "a process is killed while its SYN is unanswered" },
	{ 0 },
};
