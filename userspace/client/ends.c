// SPDX-License-Identifier: GPL-2.0-only
/* How connections end: shutdown(), close(), resets, connect(AF_UNSPEC) and SOCK_DESTROY. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "scenario.h"

/* Send the client's FIN, wait until it is acknowledged, and check both rows. */
static void fin_send(struct pair *p)
{
	must(p->client->run, !shutdown(p->client->fd, SHUT_WR));
	wait_state(p->client, SOCKSTAT_FIN_WAIT2);
	check(p->client->run);
}

/* After shutdown(SHUT_WR) the client can still receive; a second shutdown() has no effect. */
static void ends_shutdown_wr(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	fin_send(&p);
	send_bytes(p.server, 700);
	read_all(p.client, 700);
	check(r);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	check(r);
}

/* shutdown(SHUT_RD) sends nothing to the peer; data that arrives later can still be read. */
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

/* Both ends call shutdown(SHUT_WR): the connection ends while both descriptors are open. */
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

/* Read the end of file twice, then send in the direction that is still open. */
static void fin_read(struct pair *p)
{
	read_to_eof(p->server);
	check(p->server->run);
	read_to_eof(p->server);
	send_bytes(p->server, 10);
	read_all(p->client, 10);
}

/* The FIN arrives behind unread bytes.  It takes a sequence number but counts as no byte. */
static void ends_fin_before_reading(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	send_bytes(p.client, 1000);
	fin_send(&p);
	read_all(p.server, 400);
	check(r);
	read_all(p.server, 600);
	check(r);
	fin_read(&p);
}

static void ends_fin_after_reading(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	send_bytes(p.client, 1000);
	read_all(p.server, 1000);
	fin_send(&p);
	fin_read(&p);
}

/* The client closes after sending; the server reads the remaining bytes, then the end of file. */
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

/* The server closes first and is in FIN_WAIT2 when the client's FIN arrives. */
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

/* Send until the send buffer is full and send() fails with EAGAIN. */
static void send_until_full(struct end *e)
{
	static char block[65536];

	fill(block, sizeof(block));
	while (tx(e, send(e->fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
		;
	must(e->run, errno == EAGAIN);
}

/* close() with a full send buffer: TCP sends the queued bytes after the close. */
static void ends_close_queued(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	send_until_full(p.client);
	check(r);
	end_close(p.client);
	check(r);
	read_to_eof(p.server);
	if (p.server->rx_bytes != p.client->tx_bytes)
		fail(r, "the server received %llu of %llu bytes",
		     (unsigned long long)p.server->rx_bytes,
		     (unsigned long long)p.client->tx_bytes);
	check(r);
}

/* With SO_LINGER close() waits until the peer has acknowledged all bytes. */
static void ends_linger(struct run *r)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 30 };
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	must(r, !setsockopt(p.client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	send_until_full(p.client);
	drain_start(&d, p.server, UINT64_MAX);
	end_close(p.client);
	drain_join(&d);
	check(r);
}

/* Close the descriptor with a reset (SO_LINGER with a timeout of 0). */
static void end_reset(struct end *e)
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
	end_reset(p.client);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.server, since, ECONNRESET);
	check(r);
	must(r, tx(p.server, send(p.server->fd, "x", 1, MSG_NOSIGNAL)) < 0);
	must(r, errno == ECONNRESET);
	must(r, tx(p.server, send(p.server->fd, "x", 1, MSG_NOSIGNAL)) < 0 && errno == EPIPE);
	check(r);
}

/* Bytes that arrived before the reset can still be read after the connection has ended. */
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
	end_reset(p.client);
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

/* close() with unread bytes in the receive queue sends a reset to the peer. */
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

/* Read and clear the socket's pending error, which must be @error. */
static void clear_socket_error(struct end *e, int error)
{
	int seen = socket_error(e);

	if (seen != error)
		fail(e->run, "SO_ERROR is %d instead of %d", seen, error);
}

/**
 * disconnect - reset a socket's connection with connect(AF_UNSPEC)
 * @e: the socket's end, which is expected as a CLOSED row from now on
 *
 * Return: a new end for the same descriptor, which can connect again.
 */
struct end *disconnect(struct end *e)
{
	struct sockaddr_storage none = { .ss_family = AF_UNSPEC };
	int64_t since = now_ns();

	must(e->run, !connect(e->fd, (struct sockaddr *)&none, sizeof(none)));
	return end_restart(e, since);
}

/* Connect @e to @listener, accept the connection and return the server's end. */
static struct end *connect_and_accept(struct end *e, const struct end *listener)
{
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(e->run, addr_port(&listener->local), &sa);
	int64_t since = now_ns();

	must(e->run, !connect(e->fd, (struct sockaddr *)&sa, len));
	end_opened(e, SOCKSTAT_ROLE_CLIENT, since);
	return accept_from(e->run, (struct end *)listener, since);
}

/* One descriptor makes several connections, one after the other. */
static void ends_disconnect(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	struct pair p;
	int i;

	pair_open_on(r, listener, &p);
	for (i = 1; i <= 3; i++) {
		int64_t since;

		talk(&p, 1000 * i);
		send_bytes(p.server, 100);
		wait_queued(p.client, 100);
		since = now_ns();
		p.client = disconnect(p.client);
		wait_state(p.server, SOCKSTAT_CLOSED);
		end_ended(p.server, since, ECONNRESET);
		clear_socket_error(p.client, ECONNRESET);
		check(r);
		p.server = connect_and_accept(p.client, listener);
		check(r);
	}
	talk(&p, 10);
}

/* connect(AF_UNSPEC) after both FINs, when there is no connection left to reset */
static void ends_disconnect_closed(struct run *r)
{
	struct end *listener = listen_open(r, 1);
	int64_t since;
	struct pair p;

	pair_open_on(r, listener, &p);
	talk(&p, 1000);
	end_close(p.server);
	read_to_eof(p.client);
	since = now_ns();
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_state(p.client, SOCKSTAT_CLOSED);
	end_ended(p.client, since, 0);
	p.client = disconnect(p.client);
	check(r);
	p.server = connect_and_accept(p.client, listener);
	talk(&p, 500);
}

/* A socket that was a client becomes a listener. */
static void ends_disconnect_listen(struct run *r)
{
	struct end *listener = listen_open(r, 1), *client;
	struct pair p;

	pair_open_on(r, listener, &p);
	talk(&p, 1000);
	client = disconnect(p.client);
	wait_state(p.server, SOCKSTAT_CLOSED);
	end_ended(p.server, p.client->closed_lo, ECONNRESET);
	clear_socket_error(client, ECONNRESET);
	must(r, !listen(client->fd, 1));
	client->listener = true;
	end_refresh(client);
	check(r);
}

/* Destroy the socket with SOCK_DESTROY, as "ss -K" does; skip the scenario if unsupported. */
static void end_destroy(struct end *e)
{
	int err = diag_destroy(e);

	if (err == -EOPNOTSUPP)
		skip(e->run, "this kernel has no SOCK_DESTROY");
	errno = -err;
	must(e->run, !err);
}

static void ends_destroy_client(struct run *r)
{
	int64_t since;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	since = now_ns();
	end_destroy(p.client);
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
	end_destroy(p.server);
	wait_state(p.client, SOCKSTAT_CLOSED);
	end_ended(p.server, since, ECONNABORTED);
	end_ended(p.client, since, ECONNRESET);
	check(r);
	read_all(p.server, 300);
	must(r, rx(p.server, recv(p.server->fd, &c, 1, 0)) < 0 && errno == ECONNABORTED);
	check(r);
}

const struct scenario ends_scenarios[] = {
	{ "shutdown_wr", ends_shutdown_wr, SC_NONBLOCK, 0,
	  "receive after shutdown(2) with SHUT_WR" },
	{ "shutdown_rd", ends_shutdown_rd, 0, 0, "receive after shutdown(2) with SHUT_RD" },
	{ "shutdown_rdwr", ends_shutdown_rdwr, SC_NONBLOCK, 0,
	  "use both ends after shutdown(2) with SHUT_RDWR on one" },
	{ "shutdown_both", ends_shutdown_both, SC_NONBLOCK, 0,
	  "call shutdown(2) on both ends and keep both descriptors open" },
	{ "fin_before_reading", ends_fin_before_reading, SC_NONBLOCK, 0,
	  "receive a FIN before the bytes in front of it are read" },
	{ "fin_after_reading", ends_fin_after_reading, SC_NONBLOCK, 0,
	  "receive a FIN after all bytes were read" },
	{ "close", ends_close, SC_NONBLOCK, 0,
	  "close(2) one end and read the remaining bytes at the other" },
	{ "close_server_first", ends_close_server_first, SC_NONBLOCK, 0,
	  "close(2) the server's end first" },
	{ "close_queued", ends_close_queued, SC_NONBLOCK, 0,
	  "close(2) with a full send buffer, which the peer then reads" },
	{ "linger", ends_linger, 0, 0,
	  "wait in close(2) with SO_LINGER until all bytes are acknowledged" },
	{ "rst", ends_rst, SC_NONBLOCK, 0,
	  "reset the connection by close(2) with an SO_LINGER timeout of 0" },
	{ "rst_unread", ends_rst_unread, SC_NONBLOCK, 0,
	  "read the bytes that arrived before a reset" },
	{ "close_unread", ends_close_unread, SC_NONBLOCK, 0,
	  "close(2) with unread bytes, which resets the connection" },
	{ "disconnect", ends_disconnect, 0, 0,
	  "disconnect with connect(2) to AF_UNSPEC and connect again" },
	{ "disconnect_closed", ends_disconnect_closed, 0, 0,
	  "disconnect with AF_UNSPEC after both ends have closed" },
	{ "disconnect_listen", ends_disconnect_listen, 0, 0,
	  "disconnect with AF_UNSPEC, then listen(2) on the socket" },
	{ "destroy_client", ends_destroy_client, SC_ROOT, 0,
	  "destroy the client's socket with SOCK_DESTROY (ss -K)" },
	{ "destroy_server", ends_destroy_server, SC_ROOT, 0,
	  "destroy the server's socket with SOCK_DESTROY (ss -K)" },
	{ 0 },
};
