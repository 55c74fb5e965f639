// SPDX-License-Identifier: GPL-2.0-only
/* How a connection ends: in halves, orderly, by reset, or for another one. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "scenario.h"

/* The receive and send halves of a shut socket still make calls. */
static void ends_shutdown_wr(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_state(p.client, SOCKSTAT_FIN_WAIT2);
	check(r);
	send_bytes(p.server, 700);
	read_all(p.client, 700);
	check(r);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	check(r);
}

/* TCP does not tell the peer: what comes after is received as before. */
static void ends_shutdown_rd(struct run *r)
{
	struct pair p;
	char buf[64];

	pair_open(r, &p);
	talk(&p, 1000);
	must(r, !shutdown(p.server->fd, SHUT_RD));
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), 0)) == 0);
	check(r);
	send_bytes(p.client, 300);
	wait_queued(p.server, 300);
	check(r);
	read_all(p.server, 300);
	must(r, rx(p.server, recv(p.server->fd, buf, sizeof(buf), 0)) == 0);
	send_bytes(p.server, 50);
	read_all(p.client, 50);
}

static void ends_shutdown_rdwr(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	send_bytes(p.server, 200);
	wait_queued(p.client, 200);
	must(r, !shutdown(p.client->fd, SHUT_RDWR));
	must(r, tx(p.client, send(p.client->fd, "x", 1, MSG_NOSIGNAL)) < 0 && errno == EPIPE);
	check(r);
	read_all(p.client, 200);
	read_to_eof(p.server);
	check(r);
}

/* One after the other, until TCP is done and both descriptors are still there */
static void ends_shutdown_both(struct run *r)
{
	int64_t since;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	read_to_eof(p.server);
	since = now_ns();
	must(r, !shutdown(p.server->fd, SHUT_WR));
	read_to_eof(p.client);
	wait_state(p.client, SOCKSTAT_CLOSED);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.client, since, 0);
	end_ended(p.server, since, 0);
	check(r);
	must(r, tx(p.client, send(p.client->fd, "x", 1, MSG_NOSIGNAL)) < 0 && errno == EPIPE);
	read_to_eof(p.client);
}

/* The FIN is behind bytes nobody has read; it is no byte, read or not. */
static void ends_fin_before_reading(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	send_bytes(p.client, 1000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_state(p.client, SOCKSTAT_FIN_WAIT2);
	check(r);
	read_all(p.server, 400);
	check(r);
	read_all(p.server, 600);
	check(r);
	read_to_eof(p.server);
	check(r);
	read_to_eof(p.server);
	send_bytes(p.server, 10);
	read_all(p.client, 10);
}

static void ends_fin_after_reading(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	send_bytes(p.client, 1000);
	read_all(p.server, 1000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_state(p.client, SOCKSTAT_FIN_WAIT2);
	check(r);
	read_to_eof(p.server);
	check(r);
	read_to_eof(p.server);
	send_bytes(p.server, 10);
	read_all(p.client, 10);
}

/* The peer's close, with bytes on their way, seen from the end that reads on */
static void ends_close(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	send_bytes(p.client, 500);
	end_close(p.client);
	check(r);
	wait_state(p.server, SOCKSTAT_CLOSE_WAIT);
	check(r);
	read_to_eof(p.server);
	check(r);
	end_close(p.server);
	check(r);
}

/* The server closes first; the client's FIN comes when it is in FIN_WAIT2. */
static void ends_close_server_first(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	end_close(p.server);
	wait_state(p.client, SOCKSTAT_CLOSE_WAIT);
	check(r);
	read_to_eof(p.client);
	end_close(p.client);
	check(r);
}

/* More than there is room for: TCP still sends it after close(). */
static void ends_close_queued(struct run *r)
{
	static char block[65536];
	struct pair p;

	pair_open(r, &p);
	fill(block, sizeof(block));
	while (tx(p.client, send(p.client->fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
		;
	must(r, errno == EAGAIN);
	check(r);
	end_close(p.client);
	check(r);
	read_to_eof(p.server);
	if (p.server->rx_bytes != p.client->tx_bytes)
		fail(r, "%llu bytes arrived of %llu", (unsigned long long)p.server->rx_bytes,
		     (unsigned long long)p.client->tx_bytes);
	check(r);
}

/* close() itself waits until the peer has it all. */
static void ends_linger(struct run *r)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 30 };
	static char block[65536];
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	fill(block, sizeof(block));
	must(r, !setsockopt(p.client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	while (tx(p.client, send(p.client->fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
		;
	must(r, errno == EAGAIN);
	drain_start(&d, p.server, UINT64_MAX);
	end_close(p.client);
	drain_join(&d);
	check(r);
}

static void reset(struct end *e)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	must(e->run, !setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	end_close(e);
}

static void ends_rst(struct run *r)
{
	int64_t since;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	since = now_ns();
	reset(p.client);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.server, since, ECONNRESET);
	check(r);
	must(r, tx(p.server, send(p.server->fd, "x", 1, MSG_NOSIGNAL)) < 0);
	must(r, errno == ECONNRESET);
	must(r, tx(p.server, send(p.server->fd, "x", 1, MSG_NOSIGNAL)) < 0 && errno == EPIPE);
	check(r);
}

/* What arrived before the reset can still be read, after the connection's end. */
static void ends_rst_unread(struct run *r)
{
	int64_t since;
	struct pair p;
	char c;

	pair_open(r, &p);
	talk(&p, 1000);
	send_bytes(p.client, 500);
	wait_acked(p.client);
	since = now_ns();
	reset(p.client);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.server, since, ECONNRESET);
	check(r);
	read_all(p.server, 200);
	check(r);
	read_all(p.server, 300);
	must(r, rx(p.server, recv(p.server->fd, &c, 1, 0)) < 0 && errno == ECONNRESET);
	must(r, rx(p.server, recv(p.server->fd, &c, 1, 0)) == 0);
	check(r);
}

/* close() with bytes unread is a reset for the peer. */
static void ends_close_unread(struct run *r)
{
	int64_t since;
	struct pair p;

	pair_open(r, &p);
	send_bytes(p.client, 1000);
	read_all(p.server, 400);
	wait_acked(p.client);
	since = now_ns();
	end_close(p.server);
	wait_state(p.client, SOCKSTAT_CLOSED);
	end_ended(p.client, since, ECONNRESET);
	check(r);
}

static void clear_error(struct end *e, int error)
{
	socklen_t len = sizeof(int);
	int seen;

	must(e->run, !getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &seen, &len));
	if (seen != error)
		fail(e->run, "SO_ERROR is %d, not %d", seen, error);
}

/**
 * disconnect - leave the connection by connect(AF_UNSPEC), which resets it
 * @e: its end, which becomes a CLOSED row
 *
 * Return: the end that can connect again.
 */
struct end *disconnect(struct end *e)
{
	struct sockaddr_storage none = { .ss_family = AF_UNSPEC };
	int64_t since = now_ns();

	must(e->run, !connect(e->fd, (struct sockaddr *)&none, sizeof(none)));
	return end_restart(e, since);
}

static struct end *connect_again(struct end *e, const struct end *listener)
{
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(e->run, addr_port(&listener->local), &sa);
	int64_t since = now_ns();

	must(e->run, !connect(e->fd, (struct sockaddr *)&sa, len));
	end_opened(e, SOCKSTAT_ROLE_CLIENT, since);
	return accept_from(e->run, (struct end *)listener, since);
}

/* One descriptor, one connection after the other */
static void ends_disconnect(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	struct pair p;
	int i;

	p.client = connect_to(r, listener);
	p.server = accept_from(r, listener, p.client->opened_lo);
	for (i = 1; i <= 3; i++) {
		int64_t since;

		talk(&p, 1000 * i);
		send_bytes(p.server, 100);
		wait_queued(p.client, 100);
		since = now_ns();
		p.client = disconnect(p.client);
		wait_state(p.server, SOCKSTAT_CLOSED);
		end_ended(p.server, since, ECONNRESET);
		clear_error(p.client, ECONNRESET);
		check(r);
		p.server = connect_again(p.client, listener);
		check(r);
	}
	talk(&p, 10);
}

/* After the peer's FIN and our own there is nothing to reset. */
static void ends_disconnect_closed(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	int64_t since;
	struct pair p;

	p.client = connect_to(r, listener);
	p.server = accept_from(r, listener, p.client->opened_lo);
	talk(&p, 1000);
	end_close(p.server);
	read_to_eof(p.client);
	since = now_ns();
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_state(p.client, SOCKSTAT_CLOSED);
	end_ended(p.client, since, 0);
	p.client = disconnect(p.client);
	check(r);
	p.server = connect_again(p.client, listener);
	talk(&p, 500);
}

/* A socket that was a client once listens. */
static void ends_disconnect_listen(struct run *r)
{
	struct end *listener = listen_open(r, 1), *client;
	struct pair p;

	p.client = connect_to(r, listener);
	p.server = accept_from(r, listener, p.client->opened_lo);
	talk(&p, 1000);
	client = disconnect(p.client);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.server, p.client->closed_lo, ECONNRESET);
	clear_error(client, ECONNRESET);
	must(r, !listen(client->fd, 1));
	client->listener = true;
	end_refresh(client);
	check(r);
}

static void destroy(struct end *e)
{
	int err = diag_destroy(e);

	if (err == -EOPNOTSUPP)
		skip(e->run, "this kernel has no SOCK_DESTROY");
	errno = -err;
	must(e->run, !err);
}

/* What "ss -K" does, to the client's end and to the server's */
static void ends_destroy_client(struct run *r)
{
	int64_t since;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	since = now_ns();
	destroy(p.client);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.client, since, ECONNABORTED);
	end_ended(p.server, since, ECONNRESET);
	check(r);
	must(r, tx(p.client, send(p.client->fd, "x", 1, MSG_NOSIGNAL)) < 0);
	must(r, errno == ECONNABORTED);
	check(r);
}

static void ends_destroy_server(struct run *r)
{
	int64_t since;
	struct pair p;
	char c;

	pair_open(r, &p);
	talk(&p, 1000);
	send_bytes(p.client, 300);
	wait_queued(p.server, 300);
	since = now_ns();
	destroy(p.server);
	wait_state(p.client, SOCKSTAT_CLOSED);
	end_ended(p.server, since, ECONNABORTED);
	end_ended(p.client, since, ECONNRESET);
	check(r);
	read_all(p.server, 300);
	must(r, rx(p.server, recv(p.server->fd, &c, 1, 0)) < 0 && errno == ECONNABORTED);
	check(r);
}

const struct scenario ends_scenarios[] = {
	{ "shutdown_wr", ends_shutdown_wr, SC_NONBLOCK, 0, "shutdown(2), SHUT_WR" },
	{ "shutdown_rd", ends_shutdown_rd, 0, 0, "shutdown(2), SHUT_RD" },
	{ "shutdown_rdwr", ends_shutdown_rdwr, SC_NONBLOCK, 0, "shutdown(2), SHUT_RDWR" },
	{ "shutdown_both", ends_shutdown_both, SC_NONBLOCK, 0,
	  "both ends shut, both descriptors open" },
	{ "fin_before_reading", ends_fin_before_reading, SC_NONBLOCK, 0,
	  "the FIN comes before the bytes are read" },
	{ "fin_after_reading", ends_fin_after_reading, SC_NONBLOCK, 0,
	  "the FIN comes after the bytes were read" },
	{ "close", ends_close, SC_NONBLOCK, 0, "close(2), the peer reads on" },
	{ "close_server_first", ends_close_server_first, SC_NONBLOCK, 0, "close(2) by the server" },
	{ "close_queued", ends_close_queued, SC_NONBLOCK, 0, "close(2) with a full send buffer" },
	{ "linger", ends_linger, 0, 0, "SO_LINGER: close(2) waits" },
	{ "rst", ends_rst, SC_NONBLOCK, 0, "SO_LINGER 0: close(2) resets" },
	{ "rst_unread", ends_rst_unread, SC_NONBLOCK, 0, "reading on after a reset" },
	{ "close_unread", ends_close_unread, SC_NONBLOCK, 0, "close(2) with bytes unread" },
	{ "disconnect", ends_disconnect, 0, 0, "connect(2) to AF_UNSPEC, and again to a peer" },
	{ "disconnect_closed", ends_disconnect_closed, 0, 0,
	  "the same when the connection was over" },
	{ "disconnect_listen", ends_disconnect_listen, 0, 0,
	  "connect(2) to AF_UNSPEC, then listen(2)" },
	{ "destroy_client", ends_destroy_client, SC_ROOT, 0, "SOCK_DESTROY (ss -K), the client" },
	{ "destroy_server", ends_destroy_server, SC_ROOT, 0, "SOCK_DESTROY (ss -K), the server" },
	{ 0 },
};
