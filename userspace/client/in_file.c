// SPDX-License-Identifier: GPL-2.0-only
/* Receiving without a copy: splice(2) into a pipe, and TCP_ZEROCOPY_RECEIVE. */

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scenario.h"
#include "way.h"

#define PIPE_SIZE 65536

static void pipe_empty(struct run *r, int pipe_out, size_t bytes)
{
	char buf[16384];

	while (bytes) {
		ssize_t n = read(pipe_out, buf, bytes < sizeof(buf) ? bytes : sizeof(buf));

		must(r, n > 0);
		bytes -= n;
	}
}

/* The socket's O_NONBLOCK decides whether it waits, SPLICE_F_NONBLOCK is the pipe's. */
static ssize_t splice_in(struct end *e, int pipe_in, size_t len)
{
	return rx(e, splice(e->fd, NULL, pipe_in, NULL, len, 0));
}

static void in_splice(struct run *r)
{
	size_t left = r->opt->bytes;
	struct feed f;
	struct pair p;
	int fds[2];

	must(r, !pipe2(fds, O_CLOEXEC));
	pair_open(r, &p);
	feed_start(&f, &p, left);
	while (left) {
		ssize_t n = splice_in(p.server, fds[1], left < PIPE_SIZE ? left : PIPE_SIZE);

		if (n < 0 && errno == EAGAIN) {
			wait_poll(r, p.server->fd, POLLIN);
			continue;
		}
		must(r, n > 0);
		pipe_empty(r, fds[0], n);
		left -= n;
	}
	feed_join(&f);
	check(r);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_poll(r, p.server->fd, POLLRDHUP);
	must(r, splice_in(p.server, fds[1], 100) == 0);
	must(r, splice_in(p.server, fds[1], 100) == 0);
	check(r);
	close(fds[0]);
	close(fds[1]);
}

/* A part of what is queued, then an ordinary read of the rest */
static void in_splice_part(struct run *r)
{
	struct pair p;
	int fds[2];

	must(r, !pipe2(fds, O_CLOEXEC));
	pair_open(r, &p);
	send_queued(&p, 3000);
	must(r, splice_in(p.server, fds[1], 1234) == 1234);
	check(r);
	read_all(p.server, 1000);
	must(r, splice_in(p.server, fds[1], 766) == 766);
	check(r);
	pipe_empty(r, fds[0], 2000);
	set_nonblock(r, p.server->fd, true);
	must(r, splice_in(p.server, fds[1], 100) < 0 && errno == EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

#define MAP_SIZE 0x100000

/* One call that maps whole pages and copies a short rest; it tells what to read plainly. */
static ssize_t zerocopy(struct end *e, void *map, size_t size, char *rest, size_t rest_size,
			size_t *skip)
{
	struct tcp_zerocopy_receive zc = { .address = (uintptr_t)map,
					   .length = size,
					   .copybuf_address = (uintptr_t)rest,
					   .copybuf_len = rest_size };
	socklen_t len = sizeof(zc);
	int ret = getsockopt(e->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &len);

	if (ret < 0)
		return rx(e, ret);
	*skip = zc.recv_skip_hint;
	/* Below 0: the copying failed, not the call. */
	return rx(e, (ssize_t)zc.length + (zc.copybuf_len > 0 ? zc.copybuf_len : 0));
}

static void *zerocopy_map(struct run *r, struct end *e)
{
	void *map = mmap(NULL, MAP_SIZE, PROT_READ, MAP_SHARED, e->fd, 0);

	if (map == MAP_FAILED && errno == ENODEV)
		skip(r, "this kernel cannot map a socket");
	must(r, map != MAP_FAILED);
	return map;
}

/*
 * Only whole pages can be mapped.  What a zero-copy sender's pages are copied
 * to on loopback is such pages, but for the beginning of each segment.
 */
static void *zerocopy_send(void *arg)
{
	struct feed *f = arg;
	size_t size = 32 * 4096, left = f->bytes;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct end *e = f->p.client;

	must(e->run, memory != MAP_FAILED);
	fill(memory, size);
	while (left) {
		ssize_t n = send(e->fd, memory, left < size ? left : size, MSG_ZEROCOPY);

		tx(e, n);
		if (n < 0 && errno == EAGAIN) {
			wait_poll(e->run, e->fd, POLLOUT);
			continue;
		}
		/* Too many sends are under way: until the reader has taken some. */
		if (n < 0 && errno == ENOBUFS) {
			usleep(1000);
			continue;
		}
		must(e->run, n > 0);
		left -= n;
	}
	munmap(memory, size);
	return NULL;
}

static void in_zerocopy(struct run *r)
{
	size_t mapped = 0, left = 4 << 20;
	struct feed f;
	struct pair p;
	void *map;
	int on = 1;

	pair_open(r, &p);
	if (setsockopt(p.client->fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		skip(r, "SO_ZEROCOPY: %m");
	map = zerocopy_map(r, p.server);
	f = (struct feed){ .p = p, .bytes = left };
	errno = pthread_create(&f.thread, NULL, zerocopy_send, &f);
	must(r, !errno);
	while (left) {
		size_t plain = 0;
		ssize_t n = zerocopy(p.server, map, MAP_SIZE, NULL, 0, &plain);

		if (n < 0 && (errno == EOPNOTSUPP || errno == ENOPROTOOPT))
			skip(r, "this kernel has no TCP_ZEROCOPY_RECEIVE");
		must(r, n >= 0);
		mapped += n;
		left -= n;
		if (!n && !plain) {
			wait_poll(r, p.server->fd, POLLIN);
			continue;
		}
		read_all(p.server, plain);
		left -= plain;
	}
	feed_join(&f);
	if (!mapped)
		fail(r, "no page could be mapped: this shows nothing");
	check(r);
	munmap(map, MAP_SIZE);
}

/* Less than the copy buffer holds: no page is mapped, TCP copies inside the call. */
static void in_zerocopy_copy(struct run *r)
{
	char rest[20000];
	size_t plain = 0;
	struct pair p;
	void *map;

	pair_open(r, &p);
	map = zerocopy_map(r, p.server);
	must(r, zerocopy(p.server, map, MAP_SIZE, rest, sizeof(rest), &plain) == 0);
	send_queued(&p, 3000);
	must(r, zerocopy(p.server, map, MAP_SIZE, rest, sizeof(rest), &plain) == 3000);
	check(r);
	send_queued(&p, 3000);
	must(r, zerocopy(p.server, map, MAP_SIZE, NULL, 0, &plain) == 0 && plain == 3000);
	check(r);
	read_all(p.server, 3000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_poll(r, p.server->fd, POLLRDHUP);
	must(r, zerocopy(p.server, map, MAP_SIZE, rest, sizeof(rest), &plain) < 0 && errno == EIO);
	check(r);
	munmap(map, MAP_SIZE);
}

static ssize_t op_splice(struct end *e, char *buf, size_t len)
{
	int fds[2], err;
	ssize_t n;

	(void)buf;
	must(e->run, !pipe2(fds, O_CLOEXEC));
	n = splice_in(e, fds[1], len < PIPE_SIZE ? len : PIPE_SIZE);
	err = errno;
	close(fds[0]);
	close(fds[1]);
	errno = err;
	return n;
}

/* Half of it by mapping; what can be neither mapped nor copied is read plainly. */
static ssize_t op_zerocopy(struct end *e, char *buf, size_t len)
{
	void *map = zerocopy_map(e->run, e);
	size_t plain = 0;
	ssize_t n;

	wait_poll(e->run, e->fd, POLLIN);
	n = zerocopy(e, map, len / 2, buf, len / 2, &plain);
	munmap(map, MAP_SIZE);
	must(e->run, n >= 0);
	return n ? n : rx(e, recv(e->fd, buf, len, 0));
}

const struct in_way in_file_ways[] = {
	{ "splice", op_splice, 0, NULL, 0 },
	/* Of one byte it asks for none, which is EIO where the FIN is there. */
	{ "zerocopy", op_zerocopy, 0, NULL, 2 },
	{ 0 },
};

const struct scenario in_file_scenarios[] = {
	{ "splice", in_splice, SC_NONBLOCK, 0, "splice(2) into a pipe, and the end of file" },
	{ "splice_part", in_splice_part, SC_NONBLOCK, 0,
	  "splice(2) of a part, recv(2) of another" },
	{ "zerocopy", in_zerocopy, SC_NONBLOCK, 0, "TCP_ZEROCOPY_RECEIVE that maps pages" },
	{ "zerocopy_copy", in_zerocopy_copy, SC_NONBLOCK, 0,
	  "TCP_ZEROCOPY_RECEIVE that copies, and the end of file" },
	{ 0 },
};
