/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the benchmark programs: the clock, the median, and loopback connections. */
#ifndef BENCH_H
#define BENCH_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

/* Connections to one address; with more, the kernel's search for a free port takes longer. */
#define PER_ADDRESS 10000

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The time in nanoseconds; in a guest run with --icount each instruction takes 1 ns. */
static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static inline int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double median(double *values, int n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct listener {
	int fd;
	struct sockaddr_in address;
};

static inline void listen_on_loopback(struct listener *listener)
{
	socklen_t length = sizeof(listener->address);

	listener->address = (struct sockaddr_in){ .sin_family = AF_INET };
	listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0 || bind(listener->fd, (void *)&listener->address, length) ||
	    listen(listener->fd, 128) ||
	    getsockname(listener->fd, (void *)&listener->address, &length))
		die("listen");
}

/* Open one of many connections; @index selects its destination address in 127.0.0.0/8. */
static inline void open_connection(struct listener *listener, int index, int *client, int *server)
{
	struct sockaddr_in to = listener->address;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / PER_ADDRESS);
	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*client < 0 || connect(*client, (void *)&to, sizeof(to)))
		die("connect");
	*server = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (*server < 0)
		die("accept");
}

#endif
