// SPDX-License-Identifier: GPL-2.0-only
/* Send from files and pipes: sendfile(), splice(), vmsplice(). */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "scenario.h"
#include "way.h"

/* Create a file in memory (memfd) that holds @bytes bytes. */
static int memory_file(struct run *r, size_t bytes)
{
	int fd = memfd_create("sockstat", MFD_CLOEXEC);
	char block[4096];

	must(r, fd >= 0);
	fill(block, sizeof(block));
	while (bytes) {
		size_t n = bytes < sizeof(block) ? bytes : sizeof(block);

		must(r, write(fd, block, n) == (ssize_t)n);
		bytes -= n;
	}
	must(r, lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/*
 * Book a sendfile() or splice().  Such a call enters TCP once per page up to
 * Linux 6.4, and once per 16 pipe buffers since.  The exact number depends on
 * the kernel, so book one and accept more (LOOSE_TX_CALLS).
 */
static ssize_t tx_loose(struct end *e, ssize_t ret)
{
	e->loose |= LOOSE_TX_CALLS;
	if (ret > 0)
		tx_add(e, ret, 1);
	return ret;
}

/*
 * Check the result of a call that sends.  On EAGAIN wait for room in the send
 * buffer and return false: the caller repeats the call.
 */
static bool sent_or_wait(struct end *e, ssize_t n)
{
	if (n < 0 && errno == EAGAIN) {
		wait_poll(e->run, e->fd, POLLOUT);
		return false;
	}
	must(e->run, n > 0);
	return true;
}

static void out_sendfile(struct run *r)
{
	size_t left = r->opt->bytes;
	int file = memory_file(r, left);
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	drain_start(&d, p.server, left);
	while (left) {
		ssize_t n = tx_loose(p.client, sendfile(p.client->fd, file, NULL, left));

		if (sent_or_wait(p.client, n))
			left -= n;
	}
	drain_join(&d);
	close(file);
}

/* The offset and the number of bytes are no multiples of the page size. */
static void out_sendfile_offset(struct run *r)
{
	int file = memory_file(r, 30000);
	off_t offset = 1234;
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	drain_start(&d, p.server, 20001);
	while (offset < 1234 + 20001) {
		size_t left = 1234 + 20001 - offset;
		ssize_t n = tx_loose(p.client, sendfile(p.client->fd, file, &offset, left));

		sent_or_wait(p.client, n);
	}
	drain_join(&d);
	close(file);
}

static void pipe_to_socket(struct end *e, int pipe_out, size_t bytes)
{
	unsigned int flags = e->run->nonblock ? SPLICE_F_NONBLOCK : 0;

	while (bytes) {
		ssize_t n = tx_loose(e, splice(pipe_out, NULL, e->fd, NULL, bytes, flags));

		if (sent_or_wait(e, n))
			bytes -= n;
	}
}

static void out_splice(struct run *r)
{
	size_t left = r->opt->bytes;
	int file = memory_file(r, left);
	struct drain d;
	struct pair p;
	int fds[2];

	must(r, !pipe2(fds, O_CLOEXEC));
	pair_open(r, &p);
	drain_start(&d, p.server, left);
	while (left) {
		ssize_t n = splice(file, NULL, fds[1], NULL, left, 0);

		must(r, n > 0);
		pipe_to_socket(p.client, fds[0], n);
		left -= n;
	}
	drain_join(&d);
	close(fds[0]);
	close(fds[1]);
	close(file);
}

static void out_vmsplice(struct run *r)
{
	size_t left = r->opt->bytes, size = 40000;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drain d;
	struct pair p;
	int fds[2];

	must(r, memory != MAP_FAILED);
	fill(memory, size);
	must(r, !pipe2(fds, O_CLOEXEC));
	pair_open(r, &p);
	drain_start(&d, p.server, left);
	while (left) {
		struct iovec iov = { memory + 7, left < size - 7 ? left : size - 7 };
		ssize_t n = vmsplice(fds[1], &iov, 1, 0);

		must(r, n > 0);
		pipe_to_socket(p.client, fds[0], n);
		left -= n;
	}
	drain_join(&d);
	close(fds[0]);
	close(fds[1]);
	munmap(memory, size);
}

static ssize_t op_sendfile(struct end *e, const char *buf, size_t len)
{
	int file = memory_file(e->run, len);
	ssize_t n = tx_loose(e, sendfile(e->fd, file, NULL, len));
	int err = errno;

	(void)buf;
	close(file);
	errno = err;
	return n;
}

/* Send as much of @buf as fits a pipe.  Closing the pipe discards bytes that were not sent. */
static ssize_t op_vmsplice(struct end *e, const char *buf, size_t len)
{
	struct iovec iov = { (void *)buf, len };
	int fds[2], err;
	ssize_t n;

	must(e->run, !pipe2(fds, O_CLOEXEC));
	n = vmsplice(fds[1], &iov, 1, SPLICE_F_NONBLOCK);
	must(e->run, n > 0);
	n = tx_loose(e, splice(fds[0], NULL, e->fd, NULL, n, 0));
	err = errno;
	close(fds[0]);
	close(fds[1]);
	errno = err;
	return n;
}

const struct out_way out_file_ways[] = {
	{ "sendfile", op_sendfile, WAY_LOOSE, NULL },
	{ "vmsplice", op_vmsplice, WAY_LOOSE, NULL },
	{ 0 },
};

const struct scenario out_file_scenarios[] = {
	{ "sendfile", out_sendfile, SC_NONBLOCK | SC_TO_HOST, 0, "send a file with sendfile(2)" },
	{ "sendfile_offset", out_sendfile_offset, SC_NONBLOCK | SC_TO_HOST, 0,
	  "send a part of a file with sendfile(2), from the middle of a page" },
	{ "splice", out_splice, SC_NONBLOCK | SC_TO_HOST, 0, "send from a pipe with splice(2)" },
	{ "vmsplice", out_vmsplice, SC_NONBLOCK | SC_TO_HOST, 0,
	  "fill a pipe with vmsplice(2) and send from it with splice(2)" },
	{ 0 },
};
