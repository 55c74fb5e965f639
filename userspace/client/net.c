// SPDX-License-Identifier: GPL-2.0-only
/* Sockets for the scenarios: addresses of the family, connected pairs, waiting. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

#define WAIT_SECONDS 30

/**
 * family_domain - the domain argument of socket()
 * @r: the run
 *
 * Return: AF_INET or AF_INET6.
 */
int family_domain(const struct run *r)
{
	return r->family == FAMILY_4 ? AF_INET : AF_INET6;
}

/**
 * family_loopback - the loopback address as the run's family has it
 * @r: the run
 * @port: host byte order
 * @sa: filled in
 *
 * Return: its length.
 */
socklen_t family_loopback(const struct run *r, uint16_t port, struct sockaddr_storage *sa)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sa;
	struct sockaddr_in *sin = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof(*sa));
	if (r->family == FAMILY_4) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	inet_pton(AF_INET6, r->family == FAMILY_6 ? "::1" : "::ffff:127.0.0.1", &sin6->sin6_addr);
	return sizeof(*sin6);
}

/**
 * addr_port - the port of an address
 * @sa: either family
 *
 * Return: host byte order; 0 for AF_UNSPEC.
 */
uint16_t addr_port(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	if (sa->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
	return 0;
}

/**
 * addr_plain - turn a v4-mapped address into the IPv4 one that rows show
 * @sa: changed in place
 */
void addr_plain(struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (sa->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
		return;
	sin.sin_port = sin6->sin6_port;
	memcpy(&sin.sin_addr, &sin6->sin6_addr.s6_addr[12], 4);
	memset(sa, 0, sizeof(*sa));
	memcpy(sa, &sin, sizeof(sin));
}

/**
 * addr_text - an address as /proc/sockstat has it
 * @sa: a plain one
 * @text: the buffer
 *
 * Return: @text.
 */
const char *addr_text(const struct sockaddr_storage *sa, char text[SOCKSTAT_ADDR_LEN])
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;
	char host[INET6_ADDRSTRLEN], scope[IF_NAMESIZE + 1] = "";

	if (sa->ss_family == AF_INET) {
		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
		snprintf(text, SOCKSTAT_ADDR_LEN, "%s:%u", host, addr_port(sa));
	} else if (sa->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
		if (sin6->sin6_scope_id) {
			scope[0] = '%';
			if (!if_indextoname(sin6->sin6_scope_id, scope + 1))
				snprintf(scope + 1, IF_NAMESIZE, "%u", sin6->sin6_scope_id);
		}
		snprintf(text, SOCKSTAT_ADDR_LEN, "[%s%s]:%u", host, scope, addr_port(sa));
	} else {
		strcpy(text, "*:*");
	}
	return text;
}

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
 * wait_poll - wait for a descriptor to become ready
 * @r: the run, which fails after 30 s
 * @fd: the descriptor
 * @events: of poll(); POLLERR and POLLHUP end the wait, too
 */
void wait_poll(struct run *r, int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&pfd, 1, WAIT_SECONDS * 1000);
	} while (n < 0 && errno == EINTR);
	must(r, n >= 0);
	if (!n)
		fail(r, "descriptor %d not ready (events %#x) after %d s", fd, events,
		     WAIT_SECONDS);
}

/**
 * wait_until - wait for a condition nothing can be polled for
 * @r: the run, which fails after 30 s
 * @done: asked every millisecond
 * @arg: for @done
 * @what: for the message
 */
void wait_until(struct run *r, bool (*done)(void *arg), void *arg, const char *what)
{
	const struct timespec ms = { 0, 1000000 };
	struct timespec now, start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!done(arg)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > WAIT_SECONDS)
			fail(r, "waited %d s for: %s", WAIT_SECONDS, what);
		nanosleep(&ms, NULL);
	}
}

static bool all_acked(void *arg)
{
	const struct end *e = arg;
	int queued = 0;

	must(e->run, !ioctl(e->fd, SIOCOUTQ, &queued));
	return !queued;
}

/**
 * wait_acked - wait until the peer's TCP has acknowledged everything
 * @e: an end of this process
 */
void wait_acked(struct end *e)
{
	wait_until(e->run, all_acked, e, "everything sent to be acknowledged");
}

struct queued {
	const struct end *e;
	int bytes;
};

static bool has_queued(void *arg)
{
	const struct queued *q = arg;
	int n = 0;

	must(q->e->run, !ioctl(q->e->fd, SIOCINQ, &n));
	return n >= q->bytes;
}

/**
 * wait_queued - wait until that many bytes can be read
 * @e: an end of this process
 * @bytes: at least
 */
void wait_queued(struct end *e, int bytes)
{
	struct queued q = { e, bytes };

	wait_until(e->run, has_queued, &q, "bytes to arrive");
}

struct awaited {
	const struct end *e;
	enum sockstat_state state;
};

static bool in_state(void *arg)
{
	const struct awaited *a = arg;
	struct truth t;

	truth_get(a->e, &t);
	return t.known && t.state == a->state;
}

/**
 * wait_state - wait until TCP_INFO tells of a state
 * @e: an end that is open
 * @state: TIME_WAIT cannot be told from CLOSED
 */
void wait_state(struct end *e, enum sockstat_state state)
{
	struct awaited a = { e, state };

	wait_until(e->run, in_state, &a, sockstat_state_name(state));
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
