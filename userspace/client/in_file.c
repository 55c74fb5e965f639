// SPDX-License-Identifier: GPL-2.0-only
/* Receive without a buffer: splice(2) into a pipe, and TCP_ZEROCOPY_RECEIVE. */

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

static void pipe_drain(struct run *r, int pipe_out, size_t bytes)
{
	char buf[16384];

	while (bytes) {
		ssize_t n = read(pipe_out, buf, bytes < sizeof(buf) ? bytes : sizeof(buf));

		must(r, n > 0);
		bytes -= n;
	}
}

/* O_NONBLOCK decides whether splice() waits for data; SPLICE_F_NONBLOCK concerns the pipe only. */
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
		pipe_drain(r, fds[0], n);
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

/* Receive some of the queued bytes with splice() and others with recv(). */
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
	pipe_drain(r, fds[0], 2000);
	set_nonblock(r, p.server->fd, true);
	must(r, splice_in(p.server, fds[1], 100) < 0 && errno == EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

#define MAP_SIZE 0x100000

/*
 * Make one TCP_ZEROCOPY_RECEIVE call, which maps whole pages at @map and
 * copies a remainder to @rest.  @skip receives the number of bytes that must
 * be read with recv().
 */
static ssize_t zerocopy_receive(struct end *e, void *map, size_t size, char *rest, size_t rest_size,
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
	/* A negative copybuf_len is an error of the copy only; the call succeeded. */
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
 * Sending thread.  TCP can map only whole pages into the receiver.  The pages
 * of a MSG_ZEROCOPY send, which the loopback interface copies, arrive as whole
 * pages except at the beginning of each segment.
 */
static void *zerocopy_send_thread(void *arg)
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
		/* Too many zero-copy sends are pending; wait for the reader to take some. */
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
	errno = pthread_create(&f.thread, NULL, zerocopy_send_thread, &f);
	must(r, !errno);
	while (left) {
		size_t plain = 0;
		ssize_t n = zerocopy_receive(p.server, map, MAP_SIZE, NULL, 0, &plain);

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
		fail(r, "no page was mapped, so the scenario tested nothing");
	check(r);
	munmap(map, MAP_SIZE);
}

/* The bytes fit the copy buffer, so TCP copies them in the call and maps no page. */
static void in_zerocopy_copy(struct run *r)
{
	char rest[20000];
	size_t plain = 0;
	struct pair p;
	void *map;

	pair_open(r, &p);
	map = zerocopy_map(r, p.server);
	must(r, zerocopy_receive(p.server, map, MAP_SIZE, rest, sizeof(rest), &plain) == 0);
	send_queued(&p, 3000);
	must(r, zerocopy_receive(p.server, map, MAP_SIZE, rest, sizeof(rest), &plain) == 3000);
	check(r);
	send_queued(&p, 3000);
	must(r, zerocopy_receive(p.server, map, MAP_SIZE, NULL, 0, &plain) == 0 && plain == 3000);
	check(r);
	read_all(p.server, 3000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	wait_poll(r, p.server->fd, POLLRDHUP);
	must(r, zerocopy_receive(p.server, map, MAP_SIZE, rest, sizeof(rest), &plain) < 0);
	must(r, errno == EIO);
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

/* Map or copy the bytes with TCP_ZEROCOPY_RECEIVE; if it can do neither, use recv(). */
static ssize_t op_zerocopy(struct end *e, char *buf, size_t len)
{
	void *map = zerocopy_map(e->run, e);
	size_t plain = 0;
	ssize_t n;

	wait_poll(e->run, e->fd, POLLIN);
	n = zerocopy_receive(e, map, len / 2, buf, len / 2, &plain);
	munmap(map, MAP_SIZE);
	must(e->run, n >= 0);
	return n ? n : rx(e, recv(e->fd, buf, len, 0));
}

const struct in_way in_file_ways[] = {
	{ "splice", op_splice, 0, NULL, 0 },
	/* op_zerocopy() halves the length.  A length of 0 would give EIO after a FIN. */
	{ "zerocopy", op_zerocopy, 0, NULL, 2 },
	{ 0 },
};

const struct scenario in_file_scenarios[] = {
	{ "splice", in_splice, SC_NONBLOCK, 0,
	  "receive into a pipe with splice(2), up to the end of file" },
	{ "splice_part", in_splice_part, SC_NONBLOCK, 0,
	  "receive some bytes with splice(2) and others with recv(2)" },
	{ "zerocopy", in_zerocopy, SC_NONBLOCK, 0,
	  "receive by mapping pages with TCP_ZEROCOPY_RECEIVE" },
	{ "zerocopy_copy", in_zerocopy_copy, SC_NONBLOCK, 0,
	  "receive with the copy buffer of TCP_ZEROCOPY_RECEIVE" },
	{ 0 },
};
