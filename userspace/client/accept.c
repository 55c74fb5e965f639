// SPDX-License-Identifier: GPL-2.0-only
/* How a server accepts connections: accept(), io_uring, a backlog, forked processes. */

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "ring.h"
#include "scenario.h"

#define CLIENTS 5

static void accept_accept(struct run *r)
{
	struct end *listener = listen_open(r, CLIENTS);
	struct pair p;
	int i, fd;

	for (i = 0; i < CLIENTS; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);

		p.client = connect_to(r, listener);
		fd = accept(listener->fd, (struct sockaddr *)&sa, &len);
		must(r, fd >= 0);
		p.server = end_new(r, fd, SOCKSTAT_ROLE_SERVER, p.client->opened_lo);
		check(r);
		talk(&p, 100 * i + 2);
	}
}

static void accept_accept4(struct run *r)
{
	struct end *listener = listen_open(r, CLIENTS);
	struct pair p;
	int i, fd;

	for (i = 0; i < CLIENTS; i++) {
		p.client = connect_to(r, listener);
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		must(r, fd >= 0);
		p.server = end_new(r, fd, SOCKSTAT_ROLE_SERVER, p.client->opened_lo);
		check(r);
		talk(&p, 100 * i + 2);
	}
}

/* An idle listener has a row, too; accept() does not count as an RX_CALLS call. */
static void accept_nonblock(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	struct pair p;

	set_nonblock(r, listener->fd, true);
	must(r, accept(listener->fd, NULL, NULL) < 0 && errno == EAGAIN);
	check(r);
	p.client = connect_to(r, listener);
	wait_poll(r, listener->fd, POLLIN);
	p.server = accept_from(r, listener, p.client->opened_lo);
	check(r);
	must(r, accept(listener->fd, NULL, NULL) < 0 && errno == EAGAIN);
	talk(&p, 100);
}

static void accept_uring(struct run *r)
{
	struct end *listener = listen_open(r, CLIENTS);
	struct io_uring ring;
	unsigned int flags;
	struct pair p;
	int i, fd;

	ring_open(r, &ring);
	for (i = 0; i < CLIENTS; i++) {
		io_uring_prep_accept(io_uring_get_sqe(&ring), listener->fd, NULL, NULL,
				     SOCK_CLOEXEC);
		must(r, io_uring_submit(&ring) == 1);
		p.client = connect_to(r, listener);
		fd = as_errno(ring_wait(r, &ring, &flags));
		must(r, fd >= 0);
		p.server = end_new(r, fd, SOCKSTAT_ROLE_SERVER, p.client->opened_lo);
		check(r);
		talk(&p, 100 * i + 2);
	}
	io_uring_queue_exit(&ring);
}

#ifdef IORING_ACCEPT_MULTISHOT
/* A single io_uring request accepts all connections. */
static void accept_multishot(struct run *r)
{
	struct end *listener = listen_open(r, CLIENTS);
	struct io_uring ring;
	unsigned int flags;
	struct pair p;
	int i, fd;

	ring_open(r, &ring);
	io_uring_prep_multishot_accept(io_uring_get_sqe(&ring), listener->fd, NULL, NULL,
				       SOCK_CLOEXEC);
	must(r, io_uring_submit(&ring) == 1);
	for (i = 0; i < CLIENTS; i++) {
		p.client = connect_to(r, listener);
		fd = as_errno(ring_wait(r, &ring, &flags));
		if (fd < 0 && errno == EINVAL && !i)
			skip(r, "this kernel's io_uring has no multishot accept");
		must(r, fd >= 0 && flags & IORING_CQE_F_MORE);
		p.server = end_new(r, fd, SOCKSTAT_ROLE_SERVER, p.client->opened_lo);
		check(r);
		talk(&p, 100 * i + 2);
	}
	io_uring_queue_exit(&ring);
}
#else
static void accept_multishot(struct run *r)
{
	skip(r, "the program was built with a liburing without multishot accept");
}
#endif

static void accept_unused(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	check(r);
	end_close(p.server);
	check(r);
	read_to_eof(p.client);
	check(r);
}

/*
 * Connect without an accept(): the client can send and the kernel queues the
 * bytes, but no process holds the server's end.  Return the end of that row.
 */
static struct end *connect_unaccepted(struct run *r, struct end *listener, struct end **client)
{
	*client = connect_to(r, listener);
	return end_nobody(r, &(*client)->remote, &(*client)->local, (*client)->opened_lo);
}

/*
 * Send bytes that the server's kernel acknowledges.  connect() may return before
 * that kernel has handled the last ACK of the handshake, which sets OPENED.
 */
static void send_unaccepted(struct end *client, struct end *waiting, size_t bytes)
{
	send_bytes(client, bytes);
	wait_acked(client);
	waiting->opened_hi = now_ns();
}

static void accept_backlog(struct run *r)
{
	struct end *listener = listen_open(r, CLIENTS), *clients[CLIENTS], *waiting[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++) {
		waiting[i] = connect_unaccepted(r, listener, &clients[i]);
		send_unaccepted(clients[i], waiting[i], 100 * i + 1);
	}
	check(r);
	for (i = 0; i < CLIENTS; i++) {
		struct pair p = { .client = clients[i] };

		/* accept() gives the connection a descriptor: the row without one is gone. */
		waiting[i]->ready = false;
		p.server = accept_from(r, listener, clients[i]->opened_lo);
		check(r);
		read_all(p.server, 100 * i + 1);
		talk(&p, 10);
	}
}

/*
 * Compare TCP_INFO, to which check() compares the row, with what is known here.
 * connect() may return before the connection is in the queue.
 */
static void queue_is(struct end *listener, uint64_t waiting, uint64_t limit)
{
	struct truth t;

	do
		truth_get(listener, &t);
	while (t.rx_queue < waiting);
	if (t.rx_queue != waiting || t.tx_queue != limit)
		fail(listener->run,
		     "TCP_INFO has %" PRIu64 " of %" PRIu64 " connections, not %" PRIu64
		     " of %" PRIu64,
		     t.rx_queue, t.tx_queue, waiting, limit);
	check(listener->run);
}

/*
 * The queues of a listener are the connections that wait for accept() and their
 * limit, which another listen() changes.
 */
static void accept_queue(struct run *r)
{
	struct end *listener = listen_open(r, CLIENTS), *clients[CLIENTS];
	int i;

	queue_is(listener, 0, CLIENTS);
	for (i = 0; i < CLIENTS; i++) {
		clients[i] = connect_to(r, listener);
		queue_is(listener, i + 1, CLIENTS);
	}
	must(r, !listen(listener->fd, 2));
	queue_is(listener, CLIENTS, 2);
	for (i = 0; i < CLIENTS; i++) {
		accept_from(r, listener, clients[i]->opened_lo);
		queue_is(listener, CLIENTS - 1 - i, 2);
	}
}

static struct end *listen_beside(struct run *r, const struct end *first, int backlog)
{
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, first ? addr_port(&first->local) : 0, &sa);
	int fd = tcp_socket(r), on = 1;

	must(r, !setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	must(r, !bind(fd, (struct sockaddr *)&sa, len) && !listen(fd, backlog));
	return end_new(r, fd, SOCKSTAT_ROLE_NONE, -1);
}

/* Each listener of a SO_REUSEPORT group has its own queue. */
static void accept_reuseport(struct run *r)
{
	struct end *first = listen_beside(r, NULL, 20), *second = listen_beside(r, first, 30);
	int64_t since = now_ns();
	struct truth a, b;
	int i;

	for (i = 1; i <= 2 * CLIENTS; i++) {
		connect_to(r, first);
		do {
			truth_get(first, &a);
			truth_get(second, &b);
		} while (a.rx_queue + b.rx_queue < (uint64_t)i);
		must(r, a.rx_queue + b.rx_queue == (uint64_t)i);
		queue_is(first, a.rx_queue, 20);
		queue_is(second, b.rx_queue, 30);
	}
	/* else the listeners' close() would reset them */
	while (a.rx_queue--)
		accept_from(r, first, since);
	while (b.rx_queue--)
		accept_from(r, second, since);
}

/* close() of the listener resets the connections that were not accepted. */
static void accept_never(struct run *r)
{
	struct end *listener = listen_open(r, CLIENTS), *clients[CLIENTS], *waiting[CLIENTS];
	int64_t since;
	int i;

	for (i = 0; i < CLIENTS; i++) {
		waiting[i] = connect_unaccepted(r, listener, &clients[i]);
		send_unaccepted(clients[i], waiting[i], 100 * i + 1);
	}
	check(r);
	since = now_ns();
	end_close(listener);
	for (i = 0; i < CLIENTS; i++) {
		wait_state(clients[i], SOCKSTAT_CLOSED);
		end_ended(clients[i], since, ECONNRESET);
		end_ended(waiting[i], since, 0);
	}
	check(r);
}

/* The client closes in an orderly way before the server accepts the connection. */
static void accept_after_close(struct run *r)
{
	struct end *listener = listen_open(r, 1), *client, *waiting, *server;

	waiting = connect_unaccepted(r, listener, &client);
	send_unaccepted(client, waiting, 1000);
	end_close(client);
	waiting->state = SOCKSTAT_CLOSE_WAIT;
	check(r);
	waiting->ready = false;
	server = accept_from(r, listener, client->opened_lo);
	server->remote = client->local;
	addr_plain(&server->remote);
	read_to_eof(server);
	check(r);
}

/* The client resets the connection before accept(), which succeeds nevertheless. */
static void accept_after_reset(struct run *r)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	struct end *listener = listen_open(r, 1), *client, *waiting, *server;
	int64_t since;
	char c;

	waiting = connect_unaccepted(r, listener, &client);
	/* the listener is readable once the last ACK of the handshake has set OPENED */
	wait_poll(r, listener->fd, POLLIN);
	waiting->opened_hi = now_ns();
	must(r, !setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	since = now_ns();
	end_close(client);
	end_ended(waiting, since, ECONNRESET);
	check(r);
	waiting->ready = false;
	server = accept_from(r, listener, client->opened_lo);
	server->remote = client->local;
	end_ended(server, since, ECONNRESET);
	server->closed_hi = waiting->closed_hi;
	check(r);
	must(r, rx(server, recv(server->fd, &c, 1, 0)) < 0 && errno == ECONNRESET);
	check(r);
}

/* With TCP_DEFER_ACCEPT the server's socket is created when the first data arrives. */
static void accept_defer(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	int seconds = 30;
	struct pair p;

	must(r,
	     !setsockopt(listener->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)));
	p.client = connect_to(r, listener);
	check(r);
	send_bytes(p.client, 1000);
	p.server = accept_from(r, listener, p.client->opened_lo);
	check(r);
	read_all(p.server, 1000);
	talk(&p, 100);
}

static void child_accept_and_talk(struct child *c)
{
	struct end *server, **client = c->arg;

	server = accept_from(c->r, c->held[0], (*client)->opened_lo);
	child_pause(c);
	read_all(server, 1000);
	send_bytes(server, 500);
	child_pause(c);
}

/* The parent listens and the child accepts, as in a pre-forking server. */
static void accept_prefork(struct run *r)
{
	struct end *listener = listen_open(r, 1), **client = shared_memory(r, sizeof(*client));
	struct child *c;

	*client = connect_to(r, listener);
	c = child_start(r, child_accept_and_talk, client, listener, NULL);
	check(r);
	send_bytes(*client, 1000);
	child_turn(c);
	read_all(*client, 500);
	check(r);
	child_join(c);
	read_to_eof(*client);
	check(r);
}

static void child_accept(struct child *c)
{
	struct end **ends = c->arg;

	ends[1] = accept_from(c->r, c->held[0], ends[0]->opened_lo);
	ends[1]->fd_lost = true;
	child_pause(c);
}

/* The child exits after accept(); its exit is the only event that links it to the connection. */
static void accept_exit(struct run *r)
{
	struct end *listener = listen_open(r, 1), **ends = shared_memory(r, 2 * sizeof(*ends));
	struct child *c;

	ends[0] = connect_to(r, listener);
	c = child_start(r, child_accept, ends, listener, NULL);
	child_join(c);
	check(r);
	read_to_eof(ends[0]);
}

const struct scenario accept_scenarios[] = {
	{ "accept", accept_accept, 0, 0, "accept connections with accept(2)" },
	{ "accept4", accept_accept4, 0, 0, "accept connections with accept4(2) and SOCK_NONBLOCK" },
	{ "nonblock", accept_nonblock, 0, 0, "accept from a listener that has O_NONBLOCK" },
	{ "uring", accept_uring, 0, 0, "accept connections with io_uring, one request for each" },
	{ "multishot", accept_multishot, 0, 0,
	  "accept all connections with one io_uring multishot request" },
	{ "unused", accept_unused, 0, 0, "accept a connection and close it without using it" },
	{ "backlog", accept_backlog, SC_ROOT, 0,
	  "receive data on connections before accept(2) takes them" },
	{ "queue", accept_queue, 0, 0, "let connections wait for accept(2), and count them" },
	{ "reuseport", accept_reuseport, 0, 0,
	  "let connections wait in the queues of two SO_REUSEPORT listeners" },
	{ "never", accept_never, SC_ROOT, 0, "close a listener whose backlog holds connections" },
	{ "after_close", accept_after_close, SC_ROOT, 0,
	  "accept a connection that the client has already closed" },
	{ "after_reset", accept_after_reset, SC_ROOT, 0,
	  "accept a connection that the client has already reset" },
	{ "defer", accept_defer, 0, 0,
	  "accept with TCP_DEFER_ACCEPT, which waits for the first data" },
	{ "prefork", accept_prefork, 0, 0,
	  "accept in a forked process from the parent's listener" },
	{ "exit", accept_exit, 0, 0,
	  "accept a connection in a process that exits without using it" },
	{ 0 },
};
