// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds connections on loopback, both ends of each, and files.
 *
 *	hold CONNECTIONS [FILES]
 *
 * Says "ready". For every line "use N" that it reads, moves a byte through each
 * of the first N connections and says "used N". Ends with its input.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "bench.h"

static struct listener listener;
static int (*ends)[2];
static int count;

/* Reset when they are closed, lest 100,000 are left in TIME_WAIT. */
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

static void use_connections(int n)
{
	char byte = 0;
	int i;

	for (i = 0; i < n && i < count; i++)
		if (send(ends[i][0], &byte, 1, 0) != 1 || recv(ends[i][1], &byte, 1, 0) != 1)
			die("use");
	printf("used %d\n", n);
}

int main(int argc, char **argv)
{
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
	while (scanf(" use %d", &n) == 1)
		use_connections(n);
	return 0;
}
