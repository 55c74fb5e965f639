// SPDX-License-Identifier: GPL-2.0-only
/* Sockets for the scenarios: listeners, connected pairs, and traffic over them. */

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
 * tcp_socket - make a TCP socket of the run's family
 * @r: the run; skipped if the kernel lacks the family
 *
 * Return: a blocking descriptor with close-on-exec.
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
 * @on: true to set it
 */
void set_nonblock(struct run *r, int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	must(r, flags >= 0);
	must(r, !fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/**
 * listen_open - make a listener on a free port of the loopback address
 * @r: the run
 * @backlog: for listen(2)
 *
 * Return: its end, valid as long as the run.
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
 * connect_to - make a blocking socket and connect it to a listener
 * @r: the run
 * @listener: a listener of this run
 *
 * Return: the client's end, valid as long as the run.
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
 * @listener: the listener, of this process
 * @since: the time just before the client's connect
 *
 * Return: the server's end, blocking, valid as long as the run.
 */
struct end *accept_from(struct run *r, struct end *listener, int64_t since)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);

	must(r, fd >= 0);
	return end_new(r, fd, SOCKSTAT_ROLE_SERVER, since);
}

/**
 * pair_open_on - make a connection whose ends are both of this process
 * @r: the run; with r->nonblock both ends get O_NONBLOCK
 * @listener: accepts the connection, and stays open
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
 * pair_open - make a connection with a listener of its own, which is closed again
 * @r: the run
 * @p: filled in; with --to HOST:PORT only the client
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
 * sysctl_set - write a sysctl
 * @r: the run; skipped if the sysctl cannot be written
 * @path: its path below /proc/sys; call net_private() before you set one below net/
 * @value: its new value
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
 * net_private - enter a new network namespace with a loopback device of its own
 * @r: the run; skipped if that is not permitted
 *
 * The scenario shares the namespace's sysctls, TCP metrics and ports with no
 * other process.  Call this before the first socket is made.
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
 * fill - fill a buffer with letters
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
 * send_all - send a number of bytes with one kind of system call
 * @e: the end; a non-blocking descriptor is polled when its buffer is full
 * @op: makes and books one call
 * @bytes: the number
 * @chunk: the most bytes to pass to one call
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
 * send_bytes - send a number of bytes with send(2)
 * @e: the end, blocking or non-blocking
 * @bytes: the number
 */
void send_bytes(struct end *e, uint64_t bytes)
{
	send_all(e, op_send, bytes, 16384);
}

/**
 * read_all - receive a number of bytes with recv(2)
 * @e: the end, blocking or non-blocking; nothing is done if it is NULL
 * @bytes: the number; UINT64_MAX: until recv(2) has returned end of file
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
			fail(e->run, "end of file, but %llu bytes are missing",
			     (unsigned long long)bytes);
		bytes -= n;
	}
}

/**
 * read_to_eof - receive until recv(2) returns end of file
 * @e: the end; nothing is done if it is NULL
 */
void read_to_eof(struct end *e)
{
	read_all(e, UINT64_MAX);
}

/**
 * talk - send bytes from client to server, and half as many back
 * @p: both ends are of this process
 * @bytes: the number; all of them must fit into the socket's buffers
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
 * drain_start - start a thread that calls read_all()
 * @d: filled in; must stay valid until drain_join()
 * @e: the end; nothing is done if it is NULL
 * @bytes: as for read_all()
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
 * drain_join - wait for the thread of drain_start()
 * @d: filled in by drain_start()
 */
void drain_join(struct drain *d)
{
	if (d->e)
		pthread_join(d->thread, NULL);
}
