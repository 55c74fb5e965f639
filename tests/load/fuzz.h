/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State of the fuzzer, and calls that do not return the table's text: each must
 * succeed or fail as it does on another file of /proc.
 */
#ifndef SOCKSTAT_TESTS_FUZZ_H
#define SOCKSTAT_TESTS_FUZZ_H

#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/uio.h>

#include "../bed.h"

#define ROOM (256 << 10)
#define PAGE 4096

static struct {
	atomic_bool stop;
	atomic_ulong calls, snapshots, bytes, values, refused, rounds;
} *shared;

/* State of this process. */
static struct {
	unsigned int seed;
	int number;
	unsigned long step;
	const char *doing;
	char *room; /* ROOM bytes, followed by an inaccessible page */
	char *text; /* TEXT_MAX bytes */
	int pair[2];
	uint64_t moved[2]; /* bytes written to each end */
} me;

#define DIE(...)                                                                     \
	do {                                                                         \
		printf("# fuzzer %d, step %lu, %s: ", me.number, me.step, me.doing); \
		printf(__VA_ARGS__);                                                 \
		printf("\n");                                                        \
		fflush(stdout);                                                      \
		_exit(1);                                                            \
	} while (0)

static unsigned int random_below(unsigned int n)
{
	return rand_r(&me.seed) % n;
}

static uint64_t random_64(void)
{
	return (uint64_t)rand_r(&me.seed) << 42 ^ (uint64_t)rand_r(&me.seed) << 21 ^
	       rand_r(&me.seed);
}

/* ---- calls that fail or do not return the text ---- */

static long call_pread(int fd, uint64_t a, uint64_t b)
{
	/* a negative offset, or one far beyond the end */
	off_t at = a & 1 ? -(off_t)(b >> 1) - 1 : LLONG_MAX - (off_t)(b % PAGE);

	return syscall(SYS_pread64, fd, me.room, PAGE, at);
}

static long call_bad(int fd, uint64_t a, uint64_t b)
{
	void *const bad[] = { NULL, me.room + ROOM, (void *)-1L, (void *)(1UL << 63) };

	return pread(fd, bad[a % 4], 1 + b % 100, 1);
}

static long call_preadv2(int fd, uint64_t a, uint64_t b)
{
	struct iovec iov = { me.room, b % PAGE };
	long n = preadv2(fd, &iov, 1, 1, 1 << a % 8 | (b & 1 ? 1 << b % 31 : 0));

	return n > 0 ? 1 : n;
}

static long call_readv(int fd, uint64_t a, uint64_t b)
{
	struct iovec iov[2] = { { me.room, b }, { me.room, a } };

	return preadv(fd, iov, a & 1 ? 2 : a & 2 ? -1 : 4096, 1) > 0 ? 1 : -1;
}

static long call_write(int fd, uint64_t a, uint64_t b)
{
	return a & 1 ? write(fd, me.room, b % PAGE) : pwrite(fd, me.room, b % PAGE, b % 77);
}

static long call_ioctl(int fd, uint64_t a, uint64_t b)
{
	/* bit 16 keeps the number from being FIOCLEX or the like, which would stick */
	return ioctl(fd, a & 1 ? FIONREAD : (unsigned int)(a >> 1 | 1 << 16),
		     b & 1 ? NULL : me.room);
}

static long call_poll(int fd, uint64_t a, uint64_t b)
{
	struct pollfd p = { .fd = fd, .events = a };

	return poll(&p, 1, b % 2) << 16 | p.revents;
}

static long call_select(int fd, uint64_t a, uint64_t b)
{
	struct timeval tv = { 0, b % 1000 };
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(fd, &in);
	if (a & 1)
		FD_SET(fd, &out);
	return select(fd + 1, &in, &out, NULL, &tv);
}

static long call_epoll(int fd, uint64_t a, uint64_t b)
{
	struct epoll_event e = { .events = a & ~EPOLLWAKEUP };
	int ep = epoll_create1(EPOLL_CLOEXEC), err;
	long ret = epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);

	if (!ret)
		ret = epoll_wait(ep, &e, 1, b % 2) << 16 | (e.events & 0xffff);
	err = errno;
	close(ep);
	errno = err;
	return ret;
}

static long call_mmap(int fd, uint64_t a, uint64_t b)
{
	void *at = mmap(NULL, PAGE * (1 + b % 8), a % 8, a & 8 ? MAP_SHARED : MAP_PRIVATE, fd,
			b % 3 * PAGE);

	if (at == MAP_FAILED)
		return -1;
	return munmap(at, PAGE * (1 + b % 8));
}

static long call_change(int fd, uint64_t a, uint64_t b)
{
	switch (a % 6) {
	case 0:
		return ftruncate(fd, b >> 1);
	case 1:
		return fallocate(fd, b % 8, a >> 32, b >> 40);
	case 2:
		return fsync(fd);
	case 3:
		return posix_fadvise(fd, a >> 40, b >> 40, b % 6);
	case 4:
		return readahead(fd, a >> 40, b >> 40);
	default:
		return syscall(SYS_getdents64, fd, me.room, PAGE);
	}
}

static long call_splice_in(int fd, uint64_t a, uint64_t b)
{
	int p[2], err;
	long ret;

	if (pipe(p) || write(p[1], "x", 1) != 1)
		DIE("pipe: %m");
	ret = splice(p[0], NULL, fd, NULL, 1 + a % 10, b % 4);
	err = errno;
	close(p[0]);
	close(p[1]);
	errno = err;
	return ret;
}

static const struct {
	const char *name;
	long (*call)(int fd, uint64_t a, uint64_t b);
} calls[] = {
	{ "pread outside the text", call_pread },
	{ "pread into bad memory", call_bad },
	{ "preadv2", call_preadv2 },
	{ "readv", call_readv },
	{ "write", call_write },
	{ "ioctl", call_ioctl },
	{ "poll", call_poll },
	{ "select", call_select },
	{ "epoll", call_epoll },
	{ "mmap", call_mmap },
	{ "change", call_change },
	{ "splice into", call_splice_in },
};

#endif
