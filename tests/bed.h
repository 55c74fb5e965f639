/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers for the tests written in C: they load the module, make TCP connections
 * on loopback and wait for conditions. Everything is in this header, because each
 * tests/NAME.c is built into a program by itself.
 */
#ifndef SOCKSTAT_TESTS_BED_H
#define SOCKSTAT_TESTS_BED_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../userspace/procfile.h"

/* Milliseconds that BED_WAIT() waits, before scaling: an emulated guest is slow. */
#define BED_PATIENCE 60000

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

enum bed_family {
	BED_4,
	BED_6,
	BED_MAPPED, /* an IPv6 socket with ::ffff: addresses */
};

/* ---- the module ---- */

static inline bool bed_loaded(void)
{
	return !access("/sys/module/sockstat", F_OK);
}

/* Return 0 or an errno. */
static inline int bed_unload(void)
{
	return syscall(SYS_delete_module, "sockstat", O_NONBLOCK) ? errno : 0;
}

/*
 * Load $SOCKSTAT_KO, else the sockstat.ko in the parent of this program's directory;
 * unload it first if it is loaded. Return 0 or an errno.
 */
static inline int bed_load(void)
{
	const char *path = getenv("SOCKSTAT_KO");
	char own[4096];
	int fd, err;
	ssize_t n;

	if (!path) {
		n = readlink("/proc/self/exe", own, sizeof(own) - sizeof("/../sockstat.ko"));
		if (n < 0)
			return errno;
		own[n] = '\0';
		strcpy(strrchr(own, '/'), "/../sockstat.ko");
		path = own;
	}
	if (bed_loaded()) {
		err = bed_unload();
		if (err)
			return err;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	return err;
}

/* ---- files of /proc and /sys ---- */

/* Write @text to an existing file; print the reason if that fails. */
static inline bool bed_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (!done)
		printf("# cannot write \"%s\" to %s: %m\n", text, path);
	if (fd >= 0)
		close(fd);
	return done;
}

/*
 * Have the module loaded. One that is loaded stays, with the closed rows of the tests
 * before: insmod takes longer than most tests. bed_load() is for tests that need a
 * module which has seen nothing. Return 0 or an errno.
 */
static inline int bed_start(void)
{
	return bed_loaded() ? 0 : bed_load();
}

/* ---- waiting ---- */

/* Every timeout is multiplied by SOCKSTAT_PATIENCE, which is 1 by default. */
static inline int bed_patience(void)
{
	const char *factor = getenv("SOCKSTAT_PATIENCE");

	return factor && atoi(factor) > 0 ? atoi(factor) : 1;
}

/* CLOCK_MONOTONIC in milliseconds */
static inline int64_t bed_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* When a wait that begins now has to give up. */
static inline int64_t bed_deadline(void)
{
	return bed_now() + (int64_t)BED_PATIENCE * bed_patience();
}

/* Evaluate @condition every millisecond until it holds or the patience runs out. */
#define BED_WAIT(condition)                                           \
	({                                                            \
		int64_t until_ = bed_deadline();                      \
		bool there_;                                          \
                                                                      \
		while (!(there_ = (condition)) && bed_now() < until_) \
			usleep(1000);                                 \
		there_;                                               \
	})

/*
 * TEST_HARNESS_MAIN, with the timeout of every test multiplied by SOCKSTAT_PATIENCE.
 * The constructor comes after those of the tests, which add themselves to the list.
 */
#define BED_HARNESS_MAIN                                                             \
	static void __attribute__((constructor)) bed_scale_timeouts(void)            \
	{                                                                            \
		struct __fixture_metadata *fixture_;                                 \
		struct __test_metadata *test_;                                       \
                                                                                     \
		for (fixture_ = __fixture_list; fixture_; fixture_ = fixture_->next) \
			for (test_ = fixture_->tests; test_; test_ = test_->next)    \
				test_->timeout *= bed_patience();                    \
	}                                                                            \
	TEST_HARNESS_MAIN

/* True if the system call @in is @nr. On s390x, libc calls sockets by socketcall(2). */
static inline bool bed_is_syscall(long in, long nr)
{
#ifdef SYS_socketcall
	if (in == SYS_socketcall)
		return nr == SYS_recvfrom || nr == SYS_sendto || nr == SYS_accept4;
#endif
	return in == nr;
}

/* True if a thread sleeps in the system call @nr. */
static inline bool bed_blocked(pid_t tid, long nr)
{
	char path[64], state = 0;
	long in = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%ld", &in) != 1)
		in = -1;
	fclose(f);
	if (!bed_is_syscall(in, nr))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'S';
}

/* ---- sockets: functions return a descriptor, or -1 with errno set ---- */

static inline int bed_domain(enum bed_family family)
{
	return family == BED_4 ? AF_INET : AF_INET6;
}

static inline socklen_t bed_loopback(enum bed_family family, struct sockaddr_storage *sa)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sa;
	struct sockaddr_in *sin = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof(*sa));
	if (family == BED_4) {
		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	inet_pton(AF_INET6, family == BED_6 ? "::1" : "::ffff:127.0.0.1", &sin6->sin6_addr);
	return sizeof(*sin6);
}

static inline int bed_socket(enum bed_family family)
{
	return socket(bed_domain(family), SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static inline int bed_listen(enum bed_family family, int backlog)
{
	struct sockaddr_storage sa;
	socklen_t len = bed_loopback(family, &sa);
	int fd = bed_socket(family);

	if (fd >= 0 && (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, backlog))) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int bed_connect(enum bed_family family, int listener)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = bed_socket(family);

	if (fd >= 0 && (getsockname(listener, (struct sockaddr *)&sa, &len) ||
			connect(fd, (struct sockaddr *)&sa, len))) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int bed_accept(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

/* Make a connection: fd[0] is the client's end, fd[1] the server's. */
static inline bool bed_pair(enum bed_family family, int fd[2])
{
	int listener = bed_listen(family, 5);

	fd[0] = listener < 0 ? -1 : bed_connect(family, listener);
	fd[1] = fd[0] < 0 ? -1 : bed_accept(listener);
	close(listener);
	return fd[1] >= 0;
}

static inline bool bed_write(int fd, size_t n)
{
	static const char zeros[65536];

	while (n) {
		ssize_t sent = write(fd, zeros, n < sizeof(zeros) ? n : sizeof(zeros));

		if (sent <= 0)
			return false;
		n -= sent;
	}
	return true;
}

static inline bool bed_read(int fd, size_t n)
{
	static __thread char sink[65536];

	while (n) {
		ssize_t got = read(fd, sink, n < sizeof(sink) ? n : sizeof(sink));

		if (got <= 0)
			return false;
		n -= got;
	}
	return true;
}

static inline bool bed_at_eof(int fd)
{
	char c;

	return read(fd, &c, 1) == 0;
}

/* ---- a socket's properties, from other kernel interfaces than the module ---- */

static inline uint64_t bed_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	return cookie;
}

static inline uint64_t bed_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static inline enum sockstat_state bed_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_state;
}

static inline int bed_unread(int fd)
{
	int n = -1;

	ioctl(fd, SIOCINQ, &n);
	return n;
}

static inline int bed_unacked(int fd)
{
	int n = -1;

	ioctl(fd, SIOCOUTQ, &n);
	return n;
}

/* ---- the table ---- */

/* Read and parse the table; print the reason as a KTAP diagnostic if that fails. */
static inline bool bed_table(struct sockstat_table *table)
{
	int err = sockstat_table_read(table, SOCKSTAT_PROC_PATH);

	if (err)
		printf("# %s: %s\n", SOCKSTAT_PROC_PATH, table->error);
	return !err;
}

/* Find the row of an open descriptor; NULL unless there is exactly one. */
static inline const struct sockstat_row *bed_row(const struct sockstat_table *table, pid_t pid,
						 int fd)
{
	const struct sockstat_row *row, *found = NULL;
	uint64_t cookie = bed_cookie(fd);

	for (row = sockstat_table_find(table, pid, fd, NULL); row;
	     row = sockstat_table_find(table, pid, fd, row)) {
		if (row->cookie != cookie)
			continue;
		if (found) {
			printf("# lines %u and %u describe the same descriptor\n", found->line,
			       row->line);
			return NULL;
		}
		found = row;
	}
	if (!found)
		printf("# descriptor %d of process %d has no row\n", fd, pid);
	return found;
}

/* ---- passing a descriptor to another process ---- */

static inline bool bed_send_fd(int channel, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(channel, &msg, 0) == 1;
}

/* Return -1 if the message had no descriptor. */
static inline int bed_receive_fd(int channel)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(channel, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

#endif
