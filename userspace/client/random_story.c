// SPDX-License-Identifier: GPL-2.0-only
/* --random: the random numbers, and the record of the actions for the report of a failure. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "random_story.h"

#define MAX_TOLD 4096  /* entries that are kept */
#define MAX_PRINTED 24 /* entries that are printed for one connection */

/**
 * struct told - an action, or its part that concerned one connection
 * @action: number of the action
 * @connection: number of the connection, or 0
 * @cookies: of the connection's sockets, 0 where not known yet
 */
struct told {
	unsigned int action;
	unsigned int connection;
	uint64_t cookies[2];
	char text[120];
};

/**
 * struct story - the record of a run
 * @n: entries added so far; @told keeps the last MAX_TOLD of them
 * @action: number of the current action
 * @digest: hash of all texts: equal for equal sequences
 * @pids: of the run's processes, 0 for a process that does not exist
 * @overflows: TCPTimeWaitOverflow when the run began
 */
struct story {
	unsigned int n, action;
	uint64_t digest;
	pid_t pids[MAX_PROCESSES];
	uint64_t overflows;
	struct told told[MAX_TOLD];
};

/* In memory that the run's processes share with the one that prints the results */
static struct story *story;

/* How many connections found the TIME_WAIT table full, by /proc/net/netstat; 0 if unknown. */
static uint64_t time_wait_overflows(void)
{
	char *names = NULL, *values = NULL, *name, *value, *in_names, *in_values;
	size_t n_names = 0, n_values = 0;
	FILE *f = fopen("/proc/net/netstat", "re");
	uint64_t overflows = 0;

	while (f && getline(&names, &n_names, f) > 0 && getline(&values, &n_values, f) > 0) {
		name = strtok_r(names, "\n ", &in_names);
		value = strtok_r(values, "\n ", &in_values);
		while (name && value) {
			if (!strcmp(name, "TCPTimeWaitOverflow"))
				overflows = strtoull(value, NULL, 10);
			name = strtok_r(NULL, "\n ", &in_names);
			value = strtok_r(NULL, "\n ", &in_values);
		}
	}
	if (f)
		fclose(f);
	free(names);
	free(values);
	return overflows;
}

/**
 * story_begin - allocate an empty record, before the run is started
 *
 * Exits if there is no memory.
 */
void story_begin(void)
{
	story = mmap(NULL, sizeof(*story), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (story == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	story->overflows = time_wait_overflows();
}

/**
 * rng_next - draw the next number of a sequence: splitmix64
 * @rng: the state, at first the seed
 *
 * Return: a number of 64 random bits.
 */
uint64_t rng_next(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/**
 * random_pick - draw one of @n
 * @m: the mix
 * @n: the number of choices
 *
 * Return: 0 to @n - 1.
 */
unsigned int random_pick(struct mix *m, unsigned int n)
{
	return rng_next(&m->rng) % n;
}

/**
 * story_action - note the number of the action that begins
 * @action: the number
 */
void story_action(unsigned int action)
{
	story->action = action;
}

/**
 * story_process - note the pid of one of the run's processes
 * @process: its number
 * @pid: its pid, 0 if it has ended
 */
void story_process(unsigned int process, pid_t pid)
{
	story->pids[process] = pid;
}

/**
 * story_add - record an action, before it is taken
 * @m: the mix
 * @c: the connection that it concerns, or NULL
 * @fmt: the text, which must be equal for equal seeds: without pids or
 *	descriptor numbers
 */
void story_add(struct mix *m, const struct conn *c, const char *fmt, ...)
{
	struct told *t = &story->told[story->n++ % MAX_TOLD];
	int used = 0, side;
	const char *p;
	va_list ap;

	*t = (struct told){ .action = m->action };
	if (c) {
		t->connection = c->number;
		used = snprintf(t->text, sizeof(t->text), "connection %u: ", c->number);
		for (side = CLIENT; side <= SERVER; side++) {
			if (c->side[side].n)
				t->cookies[side] = c->side[side].holders[0].e->cookie;
		}
	}
	va_start(ap, fmt);
	vsnprintf(t->text + used, sizeof(t->text) - used, fmt, ap);
	va_end(ap);
	for (p = t->text; *p; p++)
		story->digest = (story->digest ^ *p) * UINT64_C(0x100000001b3);
}

/**
 * story_digest - hash the record
 *
 * Return: a number that is equal for equal sequences of actions.
 */
uint64_t story_digest(void)
{
	return story->digest;
}

/**
 * story_overflows - count the connections that were reset for want of room in TIME_WAIT
 *
 * Return: their number since story_begin(), in this network namespace.
 */
uint64_t story_overflows(void)
{
	return time_wait_overflows() - story->overflows;
}

static bool told_has_cookie(const struct told *t, uint64_t cookie)
{
	return t->cookies[CLIENT] == cookie || t->cookies[SERVER] == cookie;
}

/* Whether an entry concerns the connection with a cookie; 0 matches all entries. */
static bool told_matches(const struct told *t, uint64_t cookie)
{
	unsigned int i;

	if (!cookie)
		return true;
	for (i = 0; t->connection && i < MAX_TOLD; i++) {
		const struct told *other = &story->told[i];

		if (other->connection == t->connection && told_has_cookie(other, cookie))
			return true;
	}
	return false;
}

/* Print the last entries that concern the connection with a cookie, or all if that is 0. */
static void print_entries(uint64_t cookie, const char *indent)
{
	unsigned int first = story->n > MAX_TOLD ? story->n - MAX_TOLD : 0, i = story->n, n = 0;

	while (i > first && n < MAX_PRINTED)
		n += told_matches(&story->told[--i % MAX_TOLD], cookie);
	printf("%sthe last %u actions%s", indent, n, cookie ? " with" : "");
	if (cookie)
		printf(" cookie %llu", (unsigned long long)cookie);
	printf(":\n");
	for (; i < story->n; i++) {
		const struct told *t = &story->told[i % MAX_TOLD];

		if (told_matches(t, cookie))
			printf("%s  action %u: %s\n", indent, t->action, t->text);
	}
}

/**
 * random_tell - print the actions that led to a failure, and the command that repeats them
 * @r: the run that has failed
 * @indent: begins each line
 */
void random_tell(const struct run *r, const char *indent)
{
	uint64_t overflows = story_overflows();
	unsigned int i, k;

	for (i = 0; i < r->n_diffs && i < MAX_DIFFERENCES; i++) {
		for (k = 0; k < i && r->diffs[k].cookie != r->diffs[i].cookie; k++)
			;
		if (k == i && r->diffs[i].cookie)
			print_entries(r->diffs[i].cookie, indent);
	}
	print_entries(0, indent);
	for (i = 0; i < MAX_PROCESSES; i++) {
		if (story->pids[i])
			printf("%sprocess %u has pid %d\n", indent, i, story->pids[i]);
	}
	if (overflows)
		printf("%s%llu connections were reset, as they had no place in TIME_WAIT: try again later, or with a higher net.ipv4.tcp_max_tw_buckets\n",
		       indent, (unsigned long long)overflows);
	printf("%sfailed at action %u; replay: sockstat-client --random=%llu --actions %u\n",
	       indent, story->action, (unsigned long long)r->opt->seed, story->action);
}
