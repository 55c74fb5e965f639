// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure the cost of a command, from fork to exit, with its output discarded.
 *
 *	cost COMMAND...		print its CPU time and its elapsed time in nanoseconds
 *	cost --late COMMAND...	print how long a real-time thread had to wait for the
 *				CPU at most while the command ran, in nanoseconds
 *
 * In a guest run with --icount, a nanosecond is one instruction.
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
#define MIN_WAKES 20
#define SECOND_NS 1000000000L

static atomic_bool done;
static atomic_long wakes;
static double longest;

static void set_real_time(void)
{
	struct sched_param param = { .sched_priority = 50 };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("sched_setscheduler");
}

static pid_t command_start(char **command)
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

static void command_wait(pid_t child, struct rusage *usage)
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

	command_wait(command_start(command), &usage);
	printf("%.0f %.0f\n", (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * SECOND_NS,
	       now() - began);
}

/* Sleep for PERIOD_NS again and again, and keep the longest delay of a wake-up. */
static void *late_thread(void *unused)
{
	struct timespec next;

	set_real_time();
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

/* Start the command when the thread has woken up for the first time. */
static void print_longest_wait(char **command)
{
	struct rusage usage;
	pthread_t thread;

	mlockall(MCL_CURRENT | MCL_FUTURE);
	if (pthread_create(&thread, NULL, late_thread, NULL))
		die("pthread_create");
	while (!atomic_load(&wakes))
		sched_yield();
	command_wait(command_start(command), &usage);
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	if (atomic_load(&wakes) < MIN_WAKES) {
		fprintf(stderr, "cost: the command ended too soon for a measurement\n");
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
