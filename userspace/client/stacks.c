// SPDX-License-Identifier: GPL-2.0-only
/* Protocols on top of TCP (kTLS, MPTCP), and several listeners on one port (SO_REUSEPORT). */

#include <errno.h>
#include <linux/tcp.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scenario.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* TLS 1.2 with AES-GCM: each record has a header, an explicit nonce and a tag. */
#define RECORD_MAX 16384
#define RECORD_OVERHEAD (5 + 8 + 16)

static void tls_key(struct run *r, struct end *e, int direction)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info = { .version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
		.iv = "0123456",
		.key = "0123456789abcde",
		.salt = "012",
	};

	if (setsockopt(e->fd, SOL_TLS, direction, &key, sizeof(key)))
		skip(r, "this kernel's TLS does not support AES-GCM: %m");
}

/*
 * Enable kTLS at the client only, with the same key for both directions.  The
 * server sends the client's records back unchanged, and the client can decrypt
 * them.
 */
static void tls_open(struct run *r, struct pair *p)
{
	pair_open(r, p);
	if (setsockopt(p->client->fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		skip(r, "this kernel has no TLS: %m");
	tls_key(r, p->client, TLS_TX);
	tls_key(r, p->client, TLS_RX);
	/* The calls enter TLS; how often it calls TCP depends on the kernel. */
	p->client->loose |= LOOSE_TX_CALLS | LOOSE_RX_CALLS;
}

/* Send @len bytes of plain text, echo the records, and receive the plain text again. */
static void tls_round(struct pair *p, size_t len)
{
	size_t carried = len + (len + RECORD_MAX - 1) / RECORD_MAX * RECORD_OVERHEAD, at;
	struct run *r = p->client->run;
	char *clear = malloc(len), *records = malloc(carried);
	ssize_t n;

	must(r, clear && records);
	fill(clear, len);
	must(r, send(p->client->fd, clear, len, 0) == (ssize_t)len);
	for (at = 0; at < carried; at += n) {
		n = rx(p->server, recv(p->server->fd, records + at, carried - at, 0));
		must(r, n > 0);
	}
	tx_add(p->client, carried, 0);
	wait_acked(p->client);
	check(r);

	must(r, tx(p->server, send(p->server->fd, records, carried, 0)) == (ssize_t)carried);
	memset(clear, 0, len);
	for (at = 0; at < len; at += n) {
		n = recv(p->client->fd, clear + at, len - at, 0);
		must(r, n > 0);
	}
	fill(records, len);
	if (memcmp(clear, records, len))
		fail(r, "the client received other bytes than it had sent");
	rx_add(p->client, carried, 0);
	check(r);
	free(clear);
	free(records);
}

static void stacks_ktls(struct run *r)
{
	struct pair p;

	tls_open(r, &p);
	tls_round(&p, 1);
	tls_round(&p, 1000);
	tls_round(&p, RECORD_MAX);
	tls_round(&p, 20000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	read_to_eof(p.server);
	check(r);
}

/* kTLS is enabled on a connection that has already moved bytes. */
static void stacks_ktls_later(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	if (setsockopt(p.client->fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		skip(r, "this kernel has no TLS: %m");
	tls_key(r, p.client, TLS_TX);
	tls_key(r, p.client, TLS_RX);
	check(r);
	p.client->loose |= LOOSE_TX_CALLS | LOOSE_RX_CALLS;
	tls_round(&p, 1000);
	tls_round(&p, 3000);
}

/*
 * Send more than the buffers hold, with send() and sendfile().  TX_BYTES must
 * be the number of bytes that the peer received, including the TLS overhead.
 */
static void stacks_ktls_stream(struct run *r)
{
	size_t size = 200000, left;
	int file = memfd_create("sockstat", MFD_CLOEXEC);
	char *buf = malloc(size);
	struct drain d;
	struct pair p;
	ssize_t n;

	must(r, file >= 0 && buf);
	fill(buf, size);
	must(r, write(file, buf, size) == (ssize_t)size && !lseek(file, 0, SEEK_SET));
	tls_open(r, &p);
	drain_start(&d, p.server, UINT64_MAX);
	for (left = r->opt->bytes; left; left -= n) {
		n = send(p.client->fd, buf, left < size ? left : size, 0);
		must(r, n > 0);
	}
	for (left = size; left; left -= n) {
		n = sendfile(p.client->fd, file, NULL, left);
		must(r, n > 0);
	}
	must(r, !shutdown(p.client->fd, SHUT_WR));
	drain_join(&d);
	if (p.server->rx_bytes <= r->opt->bytes + size)
		fail(r, "the peer received no TLS overhead, so TLS was not in use");
	tx_add(p.client, p.server->rx_bytes, 0);
	wait_acked(p.client);
	check(r);
	close(file);
	free(buf);
}

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
	{ "ktls", stacks_ktls, 0, 0, "send and receive with kTLS at one end, 1 to 20,000 bytes" },
	{ "ktls_later", stacks_ktls_later, 0, 0,
	  "enable kTLS on a connection that is already in use" },
	{ "ktls_stream", stacks_ktls_stream, 0, 0,
	  "send a stream with kTLS by send(2) and sendfile(2)" },
	{ "mptcp", stacks_mptcp, 0, 0, "use MPTCP at both ends: no rows" },
	{ "mptcp_server_fallback", stacks_mptcp_server_fallback, 0, 0,
	  "accept a TCP client at an MPTCP listener" },
	{ "mptcp_client_fallback", stacks_mptcp_client_fallback, 0, 0,
	  "connect an MPTCP client to a TCP listener" },
	{ "reuseport", stacks_reuseport, 0, 0,
	  "accept at several listeners that share a port (SO_REUSEPORT)" },
	{ 0 },
};
