// SPDX-License-Identifier: GPL-2.0-only
/* MPTCP, and several listeners on one port (SO_REUSEPORT). */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scenario.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int mptcp_socket(struct run *r)
{
	int fd = socket(family_domain(r), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0)
		skip(r, "this kernel has no MPTCP: %m");
	return fd;
}

static int mptcp_listen(struct run *r, struct sockaddr_storage *sa, socklen_t *len)
{
	int fd = mptcp_socket(r);

	*len = family_loopback(r, 0, sa);
	must(r, !bind(fd, (struct sockaddr *)sa, *len));
	must(r, !getsockname(fd, (struct sockaddr *)sa, len));
	must(r, !listen(fd, 4));
	return fd;
}

static int socket_protocol(struct run *r, int fd)
{
	socklen_t len = sizeof(int);
	int protocol;

	must(r, !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len));
	return protocol;
}

static bool run_has_end(const struct run *r, uint64_t cookie)
{
	unsigned int i;

	for (i = 0; i < r->n_ends; i++) {
		if (r->ends[i].cookie == cookie)
			return true;
	}
	return false;
}

/*
 * Check the rows, and fail if a row with @port belongs to no end of the run:
 * the TCP sockets inside an MPTCP socket have no descriptor and no row.
 */
static void check_no_subflow_rows(struct run *r, uint16_t port)
{
	struct sockstat_table table;
	size_t i;

	check(r);
	if (r->opt->dry_run)
		return;
	if (sockstat_table_read(&table, NULL))
		fail(r, "/proc/sockstat: %s", table.error);
	r->fields++; /* the absence of rows counts as a comparison */
	for (i = 0; i < table.n_rows; i++) {
		const struct sockstat_row *row = &table.rows[i];

		/* An earlier connection may have had this port. */
		if (row->closed >= 0 && row->closed < r->started)
			continue;
		if ((addr_port(&row->local.sa) == port || addr_port(&row->remote.sa) == port) &&
		    !run_has_end(r, row->cookie))
			fail(r, "unexpected row of %s, %s to %s: it belongs to no TCP descriptor",
			     row->comm_raw, row->local.text, row->remote.text);
	}
	sockstat_table_free(&table);
}

static void send_and_receive(struct run *r, int from, int to)
{
	char buf[1000];

	fill(buf, sizeof(buf));
	must(r, send(from, buf, sizeof(buf), 0) == sizeof(buf));
	must(r, recv(to, buf, sizeof(buf), MSG_WAITALL) == sizeof(buf));
}

/*
 * A descriptor of an MPTCP socket has no row.  The scenario creates no ends, so
 * check() reports any row of this process as a difference.
 */
static void stacks_mptcp(struct run *r)
{
	struct sockaddr_storage sa;
	int listener, client, server;
	socklen_t len;

	listener = mptcp_listen(r, &sa, &len);
	client = mptcp_socket(r);
	check_no_subflow_rows(r, addr_port(&sa));
	must(r, !connect(client, (struct sockaddr *)&sa, len));
	server = accept(listener, NULL, NULL);
	must(r, server >= 0);
	if (socket_protocol(r, server) != IPPROTO_MPTCP)
		skip(r, "MPTCP falls back to TCP on this kernel's loopback");
	check_no_subflow_rows(r, addr_port(&sa));
	send_and_receive(r, client, server);
	send_and_receive(r, server, client);
	check_no_subflow_rows(r, addr_port(&sa));
	must(r, !close(client));
	check_no_subflow_rows(r, addr_port(&sa));
	must(r, !close(server));
	must(r, !close(listener));
	check_no_subflow_rows(r, addr_port(&sa));
}

/* The client has no MPTCP: accept() on the MPTCP listener returns a plain TCP socket. */
static void stacks_mptcp_server_fallback(struct run *r)
{
	int listener, fd = tcp_socket(r);
	struct sockaddr_storage sa;
	struct pair p;
	int64_t since;
	socklen_t len;

	listener = mptcp_listen(r, &sa, &len);
	since = now_ns();
	must(r, !connect(fd, (struct sockaddr *)&sa, len));
	p.client = end_new(r, fd, SOCKSTAT_ROLE_CLIENT, since);
	fd = accept(listener, NULL, NULL);
	must(r, fd >= 0);
	if (socket_protocol(r, fd) != IPPROTO_TCP)
		fail(r, "accept() returned an MPTCP socket for a TCP client");
	p.server = end_new(r, fd, SOCKSTAT_ROLE_SERVER, since);
	check(r);
	talk(&p, 1000);
	must(r, tx(p.server, write(p.server->fd, "hello", 5)) == 5);
	read_all(p.client, 5);
	check_no_subflow_rows(r, addr_port(&sa));
	must(r, !close(listener));
	check_no_subflow_rows(r, addr_port(&sa));
}

/* The server has no MPTCP: the client's descriptor remains an MPTCP socket, without a row. */
static void stacks_mptcp_client_fallback(struct run *r)
{
	struct end *listener = listen_open(r, 1), *server;
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &sa);
	int client = mptcp_socket(r);
	int64_t since = now_ns();
	char buf[100];

	must(r, !connect(client, (struct sockaddr *)&sa, len));
	server = accept_from(r, listener, since);
	check(r);
	must(r, send(client, buf, fill(buf, sizeof(buf)), 0) == sizeof(buf));
	read_all(server, sizeof(buf));
	send_bytes(server, sizeof(buf));
	must(r, recv(client, buf, sizeof(buf), MSG_WAITALL) == sizeof(buf));
	wait_acked(server);
	check_no_subflow_rows(r, addr_port(&sa));
	must(r, !close(client));
	read_to_eof(server);
	check_no_subflow_rows(r, addr_port(&sa));
}

#define LISTENERS 4
#define CONNECTIONS 24

/* The kernel chooses the listener of each connection; each listener has its own row. */
static void stacks_reuseport(struct run *r)
{
	struct pollfd fds[LISTENERS] = { 0 };
	struct end *listeners[LISTENERS];
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, 0, &sa);
	unsigned int shares[LISTENERS] = { 0 }, users = 0;
	int i, k, on = 1;

	for (i = 0; i < LISTENERS; i++) {
		int fd = tcp_socket(r);

		must(r, !setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
		must(r, !bind(fd, (struct sockaddr *)&sa, len));
		must(r, !getsockname(fd, (struct sockaddr *)&sa, &len));
		must(r, !listen(fd, CONNECTIONS));
		listeners[i] = end_new(r, fd, SOCKSTAT_ROLE_NONE, -1);
		fds[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	check(r);
	for (i = 0; i < CONNECTIONS; i++) {
		struct pair p;

		p.client = connect_to(r, listeners[0]);
		must(r, poll(fds, LISTENERS, patience_seconds(r, 10) * 1000) == 1);
		for (k = 0; !fds[k].revents; k++)
			;
		shares[k]++;
		p.server = accept_from(r, listeners[k], p.client->opened_lo);
		talk(&p, 100 + i);
	}
	check(r);
	for (k = 0; k < LISTENERS; k++)
		users += shares[k] > 0;
	if (users < 2)
		fail(r, "one listener got all %d connections, so the scenario tested nothing",
		     CONNECTIONS);
	/* The rows of the other listeners stay when one is closed. */
	end_close(listeners[0]);
	check(r);
}

const struct scenario stacks_scenarios[] = {
	{ "mptcp", stacks_mptcp, 0, 0, "use MPTCP at both ends: no rows" },
	{ "mptcp_server_fallback", stacks_mptcp_server_fallback, 0, 0,
	  "accept a TCP client at an MPTCP listener" },
	{ "mptcp_client_fallback", stacks_mptcp_client_fallback, 0, 0,
	  "connect an MPTCP client to a TCP listener" },
	{ "reuseport", stacks_reuseport, 0, 0,
	  "accept at several listeners that share a port (SO_REUSEPORT)" },
	{ 0 },
};
