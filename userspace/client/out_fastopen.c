// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP Fast Open, which sends data in the SYN.
 *
 * Each scenario runs in a network namespace of its own, so that it starts
 * without cookies and can enable the server side by net.ipv4.tcp_fastopen.
 */

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "scenario.h"

#define DATA 700

static struct end *fastopen_listener(struct run *r)
{
	struct end *listener;
	int queue = 8;

	net_private(r);
	sysctl_set(r, "net/ipv4/tcp_fastopen", "3");
	listener = listen_open(r, 8);
	must(r, !setsockopt(listener->fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)));
	return listener;
}

/* Whether the server acknowledged data in this client's SYN (TCPI_OPT_SYN_DATA) */
static bool data_in_syn(const struct end *e)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	must(e->run, !getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info.tcpi_options & TCPI_OPT_SYN_DATA;
}

static void send_rest(struct end *e, const char *buf, size_t len)
{
	while (len) {
		ssize_t n;

		wait_poll(e->run, e->fd, POLLOUT);
		n = tx(e, send(e->fd, buf, len, 0));
		must(e->run, n > 0);
		len -= n;
	}
}

/* Open a connection with sendto(MSG_FASTOPEN) of @len bytes, and receive them. */
static void fastopen_pair(struct run *r, struct end *listener, size_t len, struct pair *p)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = family_loopback(r, addr_port(&listener->local), &sa);
	struct end *e = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);
	char buf[20000];
	int64_t since;
	ssize_t n;

	must(r, len <= sizeof(buf));
	fill(buf, len);
	if (r->nonblock)
		set_nonblock(r, e->fd, true);
	since = now_ns();
	n = tx(e, sendto(e->fd, buf, len, MSG_FASTOPEN, (struct sockaddr *)&sa, sa_len));
	if (n < 0 && errno == EOPNOTSUPP)
		skip(r, "this kernel does not support MSG_FASTOPEN");
	must(r, n > 0 || (n < 0 && errno == EINPROGRESS));
	send_rest(e, buf, n < 0 ? len : len - n);
	end_opened(e, SOCKSTAT_ROLE_CLIENT, since);
	p->client = e;
	p->server = accept_from(r, listener, since);
	if (r->nonblock)
		set_nonblock(r, p->server->fd, true);
	read_all(p->server, len);
	wait_acked(e);
}

static void out_fastopen_no_cookie(struct run *r)
{
	struct pair p;

	fastopen_pair(r, fastopen_listener(r), DATA, &p);
	if (data_in_syn(p.client))
		fail(r, "the SYN carried data without a cookie");
}

/* The first connection gets a cookie; the second one sends @len bytes with it. */
static void fastopen_with_cookie(struct run *r, size_t len)
{
	struct end *listener = fastopen_listener(r);
	struct pair first, second;

	fastopen_pair(r, listener, DATA, &first);
	fastopen_pair(r, listener, len, &second);
	if (!data_in_syn(second.client))
		fail(r, "the second SYN carried no data, although there should be a cookie");
	check(r);
	must(r, tx(second.server, send(second.server->fd, "hello", 5, 0)) == 5);
	read_all(second.client, 5);
}

static void out_fastopen_cookie(struct run *r)
{
	fastopen_with_cookie(r, DATA);
}

/* The SYN carries a part of the data; the rest is sent after the handshake. */
static void out_fastopen_large(struct run *r)
{
	fastopen_with_cookie(r, 20000);
}

/* TCP_FASTOPEN_CONNECT: connect() returns at once, and the first write() sends the SYN. */
static void out_fastopen_connect(struct run *r)
{
	struct end *listener = fastopen_listener(r);
	struct sockaddr_storage sa;
	socklen_t sa_len = family_loopback(r, addr_port(&listener->local), &sa);
	struct end *client, *server;
	struct pair first;
	char buf[DATA];
	int64_t since;
	int on = 1;

	fastopen_pair(r, listener, DATA, &first);
	client = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);
	if (setsockopt(client->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)))
		skip(r, "TCP_FASTOPEN_CONNECT: %m");
	if (r->nonblock)
		set_nonblock(r, client->fd, true);
	since = now_ns();
	must(r, !connect(client->fd, (struct sockaddr *)&sa, sa_len));
	end_connecting(client, since, &sa);
	check(r);
	fill(buf, sizeof(buf));
	must(r, tx(client, write(client->fd, buf, sizeof(buf))) == sizeof(buf));
	server = accept_from(r, listener, since);
	if (r->nonblock)
		set_nonblock(r, server->fd, true);
	end_connecting(client, since, &sa);
	read_all(server, sizeof(buf));
	wait_acked(client);
	if (!data_in_syn(client))
		fail(r, "the SYN carried no data");
}

/*
 * Get a cookie, then fill the accept queue, so that the server drops the next SYN:
 * the data in that are accepted, and lost when the client gives up.
 */
static struct end *listener_silent(struct run *r, struct end **waiting)
{
	struct end *listener = fastopen_listener(r);
	struct pair first;

	fastopen_pair(r, listener, DATA, &first);
	must(r, !listen(listener->fd, 0));
	*waiting = connect_to(r, listener);
	return listener;
}

/* Then accept the connection that fills the queue, which close() would reset. */
static void give_up(struct end *e, struct end *listener, const struct end *waiting)
{
	end_close(e);
	e->error = ECANCELED;
	check(e->run);
	accept_from(e->run, listener, waiting->opened_lo);
}

static void out_fastopen_give_up(struct run *r)
{
	struct end *waiting, *listener = listener_silent(r, &waiting);
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &sa);
	struct end *e = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);
	char buf[DATA];
	int64_t since;

	set_nonblock(r, e->fd, true);
	fill(buf, sizeof(buf));
	since = now_ns();
	must(r, tx(e, sendto(e->fd, buf, sizeof(buf), MSG_FASTOPEN, (struct sockaddr *)&sa, len)) ==
			sizeof(buf));
	end_connecting(e, since, &sa);
	wait_state(e, SOCKSTAT_SYN_SENT);
	give_up(e, listener, waiting);
}

/* connect() sends nothing, so the server never learns of the connection. */
static void out_fastopen_connect_give_up(struct run *r)
{
	struct end *waiting, *listener = listener_silent(r, &waiting);
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &sa);
	struct end *e = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);
	int on = 1;
	int64_t since;

	if (setsockopt(e->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)))
		skip(r, "TCP_FASTOPEN_CONNECT: %m");
	since = now_ns();
	must(r, !connect(e->fd, (struct sockaddr *)&sa, len));
	end_connecting(e, since, &sa);
	check(r);
	give_up(e, listener, waiting);
}

/*
 * The server's end exists when the SYN with its data has come: in SYN_RECV, until the
 * client's ACK comes.  A server that aborts it then has not given up a connect().
 */
static void out_fastopen_server_aborts(struct run *r)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	struct end *listener = fastopen_listener(r), *client, *server;
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &sa);
	struct pair first;
	char buf[DATA];
	int64_t since;

	fastopen_pair(r, listener, DATA, &first);
	shell_command(r, "tc qdisc add dev lo root netem delay 300ms");
	client = end_new(r, tcp_socket(r), SOCKSTAT_ROLE_NONE, -1);
	set_nonblock(r, client->fd, true);
	fill(buf, sizeof(buf));
	since = now_ns();
	must(r, tx(client, sendto(client->fd, buf, sizeof(buf), MSG_FASTOPEN,
				  (struct sockaddr *)&sa, len)) == sizeof(buf));
	end_connecting(client, since, &sa);
	server = accept_from(r, listener, since);
	wait_state(server, SOCKSTAT_SYN_RECV);
	server->opened_lo = -1;
	read_all(server, sizeof(buf));
	must(r, !setsockopt(server->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	since = now_ns();
	end_close(server);
	wait_state(client, SOCKSTAT_CLOSED);
	end_ended(client, since, ECONNRESET);
	check(r);
}

const struct scenario out_fastopen_scenarios[] = {
	{ "fastopen_no_cookie", out_fastopen_no_cookie, SC_NONBLOCK | SC_ROOT, 0,
	  "connect with MSG_FASTOPEN and no cookie: no data in the SYN" },
	{ "fastopen_cookie", out_fastopen_cookie, SC_NONBLOCK | SC_ROOT, 0,
	  "connect with MSG_FASTOPEN and a cookie: data in the SYN" },
	{ "fastopen_large", out_fastopen_large, SC_NONBLOCK | SC_ROOT, 0,
	  "connect with MSG_FASTOPEN and more data than a SYN can carry" },
	{ "fastopen_connect", out_fastopen_connect, SC_NONBLOCK | SC_ROOT, 0,
	  "connect with TCP_FASTOPEN_CONNECT: write(2) sends the SYN" },
	{ "fastopen_give_up", out_fastopen_give_up, SC_ROOT, 0,
	  "close a socket whose SYN, with data, is unanswered" },
	{ "fastopen_server_aborts", out_fastopen_server_aborts, SC_ROOT, 0,
	  "abort the server's end before the handshake is complete" },
	{ "fastopen_connect_give_up", out_fastopen_connect_give_up, SC_ROOT, 0,
	  "close a socket with TCP_FASTOPEN_CONNECT before the first write(2)" },
	{ 0 },
};
