// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a whole program costs, from fork to its end, its output thrown away.
 *
 *	cost COMMAND...		prints the nanoseconds of its time on the CPU, and of
 *				the clock
 *	cost --late COMMAND...	prints the longest that a real-time thread had to
 *				wait for the CPU meanwhile
 *
 * In a guest that counts instructions, a nanosecond is one of them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PERIOD_NS 50000
#define ENOUGH 20
#define SECOND_NS 1000000000L

static atomic_bool done;
static atomic_long wakes;
static double longest;

static void be_real_time(void)
{
	struct sched_param param = { .sched_priority = 50 };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("sched_setscheduler");
}

static pid_t start(char **command)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (!child) {
		int null = open("/dev/null", O_WRONLY);

		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			die("/dev/null");
		close(null);
		execvp(command[0], command);
		die(command[0]);
	}
	return child;
}

static void finish(pid_t child, struct rusage *usage)
{
	int status;

	if (wait4(child, &status, 0, usage) != child || status) {
		fprintf(stderr, "cost: the command failed\n");
		exit(1);
	}
}

static double seconds(struct timeval time)
{
	return time.tv_sec + time.tv_usec / 1e6;
}

static void print_cost(char **command)
{
	struct rusage usage;
	double began = now();

	finish(start(command), &usage);
	printf("%.0f %.0f\n", (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * SECOND_NS,
	       now() - began);
}

static void *wake_up_often(void *unused)
{
	struct timespec next;

	be_real_time();
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!atomic_load(&done)) {
		double late;

		next.tv_nsec += PERIOD_NS;
		if (next.tv_nsec >= SECOND_NS) {
			next.tv_nsec -= SECOND_NS;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		late = now() - (next.tv_sec * 1e9 + next.tv_nsec);
		atomic_fetch_add(&wakes, 1);
		if (late > longest)
			longest = late;
		if (late > PERIOD_NS)
			clock_gettime(CLOCK_MONOTONIC, &next);
	}
	return unused;
}

/* The thread waits for the CPU before the command does. */
static void print_longest_wait(char **command)
{
	struct rusage usage;
	pthread_t thread;

	mlockall(MCL_CURRENT | MCL_FUTURE);
	if (pthread_create(&thread, NULL, wake_up_often, NULL))
		die("pthread_create");
	while (!atomic_load(&wakes))
		sched_yield();
	finish(start(command), &usage);
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	if (atomic_load(&wakes) < ENOUGH) {
		fprintf(stderr, "cost: the command was over too soon\n");
		exit(1);
	}
	printf("%.0f\n", longest);
}

int main(int argc, char **argv)
{
	bool late = argc > 1 && !strcmp(argv[1], "--late");

	if (argc < 2 + late) {
		fprintf(stderr, "usage: cost [--late] COMMAND...\n");
		return 2;
	}
	if (late)
		print_longest_wait(argv + 2);
	else
		print_cost(argv + 1);
	return 0;
}
