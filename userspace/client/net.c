// SPDX-License-Identifier: GPL-2.0-only
/* Sockets for the scenarios: addresses of the family, connected pairs, waiting. */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "addr.h"
#include "net.h"
#include "verdict.h"
#include "wait.h"

/**
 * tcp_socket - socket() for the run's family
 * @r: the run
 *
 * Return: a descriptor, close-on-exec, blocking.
 */
int tcp_socket(struct run *r)
{
	int fd = socket(family_domain(r), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0 && errno == EAFNOSUPPORT)
		skip(r, "this kernel has no IPv6");
	must(r, fd >= 0);
	return fd;
}

/**
 * set_nonblock - set or clear O_NONBLOCK
 * @r: the run
 * @fd: the descriptor
 * @on: which
 */
void set_nonblock(struct run *r, int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	must(r, flags >= 0);
	must(r, !fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/**
 * listen_open - a listener on loopback, any port
 * @r: the run
 * @backlog: for listen()
 *
 * Return: its end.
 */
struct end *listen_open(struct run *r, int backlog)
{
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, 0, &sa);
	int fd = tcp_socket(r);

	if (bind(fd, (struct sockaddr *)&sa, len) && errno == EADDRNOTAVAIL)
		skip(r, "no loopback address of this family");
	must(r, !listen(fd, backlog));
	return end_new(r, fd, SOCKSTAT_ROLE_NONE, -1);
}

/**
 * connect_to - a new socket, connected (blocking) to a listener
 * @r: the run
 * @listener: of this run
 *
 * Return: the client's end.
 */
struct end *connect_to(struct run *r, const struct end *listener)
{
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, addr_port(&listener->local), &sa);
	int fd = tcp_socket(r);
	int64_t since = now_ns();

	must(r, !connect(fd, (struct sockaddr *)&sa, len));
	return end_new(r, fd, SOCKSTAT_ROLE_CLIENT, since);
}

/**
 * accept_from - accept one connection
 * @r: the run
 * @listener: from where
 * @since: the time just before the client's connect
 *
 * Return: the server's end, blocking.
 */
struct end *accept_from(struct run *r, struct end *listener, int64_t since)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);

	must(r, fd >= 0);
	return end_new(r, fd, SOCKSTAT_ROLE_SERVER, since);
}

/**
 * pair_open_on - one connection, both ends here
 * @r: the run; with r->nonblock both ends get O_NONBLOCK
 * @listener: stays open
 * @p: filled in
 */
void pair_open_on(struct run *r, struct end *listener, struct pair *p)
{
	p->client = connect_to(r, listener);
	p->server = accept_from(r, listener, p->client->opened_lo);
	if (r->nonblock) {
		set_nonblock(r, p->client->fd, true);
		set_nonblock(r, p->server->fd, true);
	}
}

static void pair_open_to_host(struct run *r, struct pair *p)
{
	const struct sockaddr_storage *to = &r->opt->to;
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	socklen_t len =
		to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int64_t since = now_ns();

	must(r, fd >= 0);
	must(r, !connect(fd, (const struct sockaddr *)to, len));
	p->client = end_new(r, fd, SOCKSTAT_ROLE_CLIENT, since);
	p->server = NULL;
	if (r->nonblock)
		set_nonblock(r, fd, true);
}

/**
 * pair_open - one connection over a listener of its own, which is closed again
 * @r: the run
 * @p: filled in; with --to HOST:PORT there is only the client
 */
void pair_open(struct run *r, struct pair *p)
{
	struct end *listener;

	if (r->opt->to_host) {
		pair_open_to_host(r, p);
		return;
	}
	listener = listen_open(r, 1);
	pair_open_on(r, listener, p);
	end_close(listener);
}

/**
 * sysctl_set - write a file of /proc/sys, or SKIP
 * @r: the run
 * @path: below /proc/sys; one of the network's is the namespace's own: net_private() first
 * @value: what to write
 */
void sysctl_set(struct run *r, const char *path, const char *value)
{
	char name[128];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : write(fd, value, strlen(value));
	if (n < 0)
		skip(r, "cannot set %s to %s: %m", name, value);
	close(fd);
}

/**
 * net_private - go to a new network namespace with a loopback of its own
 * @r: the run; SKIP if that is not permitted
 *
 * Gives a scenario sysctls, TCP metrics and ports that nobody shares.  Call it
 * before the first socket.
 */
void net_private(struct run *r)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET))
		skip(r, "cannot make a network namespace: %m");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(r, fd >= 0);
	must(r, !ioctl(fd, SIOCGIFFLAGS, &ifr));
	ifr.ifr_flags |= IFF_UP;
	must(r, !ioctl(fd, SIOCSIFFLAGS, &ifr));
	close(fd);
}

/**
 * fill - put something into a buffer
 * @buf: the buffer
 * @len: its size
 *
 * Return: @len.
 */
size_t fill(char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = 'a' + i % 26;
	return len;
}

/**
 * send_all - send with a system call again and again
 * @e: the end; a descriptor with O_NONBLOCK is polled when it is full
 * @op: the call; books itself
 * @bytes: in all
 * @chunk: at most so many to a call
 */
void send_all(struct end *e, send_op op, uint64_t bytes, size_t chunk)
{
	char *buf = malloc(chunk);

	must(e->run, buf);
	fill(buf, chunk);
	while (bytes) {
		ssize_t n = op(e, buf, bytes < chunk ? bytes : chunk);

		if (n < 0 && errno == EAGAIN) {
			wait_poll(e->run, e->fd, POLLOUT);
			continue;
		}
		must(e->run, n > 0 && (uint64_t)n <= bytes);
		bytes -= n;
	}
	free(buf);
}

static ssize_t op_send(struct end *e, const char *buf, size_t len)
{
	return tx(e, send(e->fd, buf, len, MSG_NOSIGNAL));
}

/**
 * send_bytes - send with send()
 * @e: the end, blocking or not
 * @bytes: how many
 */
void send_bytes(struct end *e, uint64_t bytes)
{
	send_all(e, op_send, bytes, 16384);
}

/**
 * read_all - receive a number of bytes, with recv()
 * @e: the end, blocking or not; NULL is nothing to do
 * @bytes: how many; UINT64_MAX: until the end of file, that call included
 */
void read_all(struct end *e, uint64_t bytes)
{
	char buf[16384];

	while (e && bytes) {
		ssize_t n = rx(e, recv(e->fd, buf, bytes < sizeof(buf) ? bytes : sizeof(buf), 0));

		if (n < 0 && errno == EAGAIN) {
			wait_poll(e->run, e->fd, POLLIN);
			continue;
		}
		must(e->run, n >= 0);
		if (!n && bytes >= UINT64_MAX / 2)
			return;
		if (!n)
			fail(e->run, "end of file with %llu bytes still to come",
			     (unsigned long long)bytes);
		bytes -= n;
	}
}

/**
 * read_to_eof - receive until the peer's FIN has been read
 * @e: the end; NULL is nothing to do
 */
void read_to_eof(struct end *e)
{
	read_all(e, UINT64_MAX);
}

/**
 * talk - some bytes there and half of them back
 * @p: both ends are of this process
 * @bytes: so few that they need no reader meanwhile
 */
void talk(struct pair *p, uint64_t bytes)
{
	send_bytes(p->client, bytes);
	read_all(p->server, bytes);
	send_bytes(p->server, bytes / 2);
	read_all(p->client, bytes / 2);
}

static void *drain_thread(void *arg)
{
	struct drain *d = arg;

	read_all(d->e, d->bytes);
	return NULL;
}

/**
 * drain_start - read an end in a thread of its own
 * @d: the caller's, alive until drain_join()
 * @e: the end; NULL is nothing to do
 * @bytes: as read_all()
 */
void drain_start(struct drain *d, struct end *e, uint64_t bytes)
{
	d->e = e;
	d->bytes = bytes;
	if (e) {
		errno = pthread_create(&d->thread, NULL, drain_thread, d);
		must(e->run, !errno);
	}
}

/**
 * drain_join - wait until all has been read
 * @d: what drain_start() filled
 */
void drain_join(struct drain *d)
{
	if (d->e)
		pthread_join(d->thread, NULL);
}
