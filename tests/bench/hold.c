// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hold loopback connections, with both ends of each, and open files.
 *
 *	hold CONNECTIONS [FILES]
 *
 * Prints "ready", then executes commands from stdin until the end of file:
 *
 *	use N		move a byte through each of the first N connections;
 *			answer "used N"
 *	share N		use the first connection through N more descriptors;
 *			answer "shared N"
 *	pair N		measure a 64-byte send with its recv on a hundred of the first
 *			N connections in turn; answer "cost NANOSECONDS"
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define SAMPLE 100
#define WARM_UP 50
#define BATCHES 50

static struct listener listener;
static int (*ends)[2];
static int count;

/* Let close() reset the connection, so that 100,000 of them do not stay in TIME_WAIT. */
static void reset_at_close(int fd)
{
	struct linger now = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		die("SO_LINGER");
}

static void open_connections(void)
{
	int i;

	ends = calloc(count, sizeof(*ends));
	if (count && !ends)
		die("calloc");
	listen_on_loopback(&listener);
	for (i = 0; i < count; i++) {
		open_connection(&listener, i, &ends[i][0], &ends[i][1]);
		reset_at_close(ends[i][0]);
		reset_at_close(ends[i][1]);
	}
}

static void open_files(int files)
{
	while (files-- > 0)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			die("open");
}

static void pair(int i, size_t size)
{
	char buffer[64] = "";

	if (send(ends[i][0], buffer, size, 0) != (ssize_t)size ||
	    recv(ends[i][1], buffer, size, 0) != (ssize_t)size)
		die("send and recv");
}

static void use_connections(int n)
{
	int i;

	for (i = 0; i < n; i++)
		pair(i, 1);
	printf("used %d\n", n);
}

static void share_connection(int n)
{
	int i, fd, base = ends[count - 1][1] + 1000;

	for (i = 0; i < n; i++) {
		fd = dup2(ends[0][0], base + i);
		if (fd < 0 || send(fd, "", 1, 0) != 1 || close(fd))
			die("share_connection");
		/* let the module's work item allocate more records */
		if (i % 256 == 255)
			usleep(1000);
	}
	printf("shared %d\n", n);
}

/* Use SAMPLE connections that are evenly spread among the first n; return the mean cost. */
static double sample_cost(int n)
{
	double began = now();
	int i;

	for (i = 0; i < SAMPLE; i++)
		pair((long)i * n / SAMPLE, 64);
	return (now() - began) / SAMPLE;
}

static void measure(int n)
{
	double costs[BATCHES];
	int i;

	for (i = 0; i < WARM_UP; i++)
		sample_cost(n);
	for (i = 0; i < BATCHES; i++)
		costs[i] = sample_cost(n);
	printf("cost %.1f\n", median(costs, BATCHES));
}

int main(int argc, char **argv)
{
	char command[8];
	int n;

	if (argc < 2) {
		fprintf(stderr, "usage: hold CONNECTIONS [FILES]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	count = atoi(argv[1]);
	open_connections();
	open_files(argc > 2 ? atoi(argv[2]) : 0);
	printf("ready\n");
	while (scanf(" %7s %d", command, &n) == 2 && n <= count) {
		if (!strcmp(command, "use"))
			use_connections(n);
		else if (!strcmp(command, "share"))
			share_connection(n);
		else if (!strcmp(command, "pair"))
			measure(n);
	}
	return 0;
}
