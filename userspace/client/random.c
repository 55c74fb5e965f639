// SPDX-License-Identifier: GPL-2.0-only
/* --random: what is done next, and the story that is told of it when a row differs. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "random.h"
#include "scenario.h"

#define HISTORY "/sys/module/sockstat/parameters/history"
#define DEFAULT_RANDOM_SECONDS 10
#define MAX_TOLD 4096 /* actions that are remembered */
#define MOST_TOLD 24  /* and told of one connection */

/* An action, or the part of it that was one connection's */
struct told {
	unsigned int action;
	unsigned int connection; /* its number, 0: of none */
	uint64_t cookies[2];	 /* where they are known already */
	char text[120];
};

/**
 * struct story - what was done, for whoever has to say why a row differs
 * @n: parts told so far
 * @digest: of them all: equal for equal sequences
 */
struct story {
	unsigned int n, action;
	uint64_t digest;
	pid_t pids[MAX_PROCESSES];
	uint64_t overflows; /* of TIME_WAIT, when it began */
	struct told told[MAX_TOLD];
};

static struct story *story;

/* How many connections found no place in TIME_WAIT, as far as the kernel tells */
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

static uint64_t overflows_since(void)
{
	return time_wait_overflows() - story->overflows;
}

/**
 * random_seed - a seed nobody has chosen
 *
 * Return: not 0, and short enough to be typed.
 */
uint64_t random_seed(void)
{
	uint32_t seed = 0;

	while (!seed) {
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
			perror("getrandom");
			exit(EXIT_FAILURE);
		}
	}
	return seed;
}

/**
 * random_prepare - before the run is started
 * @opt: the user's options; how long it is to go on is filled in
 */
void random_prepare(struct options *opt)
{
	if (!opt->seconds && !opt->actions)
		opt->seconds = DEFAULT_RANDOM_SECONDS;
	story = mmap(NULL, sizeof(*story), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (story == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	story->overflows = time_wait_overflows();
}

/**
 * rng_next - the next number of a sequence: splitmix64
 * @rng: its state, at first the seed
 *
 * Return: any number.
 */
uint64_t rng_next(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/**
 * pick - one of some
 * @m: the mix
 * @n: how many there are
 *
 * Return: 0 up to @n - 1.
 */
unsigned int pick(struct mix *m, unsigned int n)
{
	return rng_next(&m->rng) % n;
}

/**
 * tell - remember what is done, before it is done
 * @m: the mix
 * @c: the connection that it is done with, or NULL
 * @fmt: the same words for the same seed: no pid, no number of a descriptor
 */
void tell(struct mix *m, const struct conn *c, const char *fmt, ...)
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

static bool has_cookie(const struct told *t, uint64_t cookie)
{
	return t->cookies[CLIENT] == cookie || t->cookies[SERVER] == cookie;
}

static bool is_of(const struct told *t, uint64_t cookie)
{
	unsigned int i;

	if (!cookie)
		return true;
	for (i = 0; t->connection && i < MAX_TOLD; i++) {
		const struct told *other = &story->told[i];

		if (other->connection == t->connection && has_cookie(other, cookie))
			return true;
	}
	return false;
}

/* The last of what was told of a connection, or of everything */
static void tell_of(uint64_t cookie, const char *indent)
{
	unsigned int first = story->n > MAX_TOLD ? story->n - MAX_TOLD : 0, i = story->n, n = 0;

	while (i > first && n < MOST_TOLD)
		n += is_of(&story->told[--i % MAX_TOLD], cookie);
	printf("%sthe last %u actions%s", indent, n, cookie ? " with" : "");
	if (cookie)
		printf(" cookie %llu", (unsigned long long)cookie);
	printf(":\n");
	for (; i < story->n; i++) {
		const struct told *t = &story->told[i % MAX_TOLD];

		if (is_of(t, cookie))
			printf("%s  action %u: %s\n", indent, t->action, t->text);
	}
}

/**
 * random_tell - what led to a failure, and how to see it again
 * @r: the run that has failed
 * @indent: begins each line
 */
void random_tell(const struct run *r, const char *indent)
{
	uint64_t overflows = overflows_since();
	unsigned int i, k;

	for (i = 0; i < r->n_diffs && i < MAX_DIFFERENCES; i++) {
		for (k = 0; k < i && r->diffs[k].cookie != r->diffs[i].cookie; k++)
			;
		if (k == i && r->diffs[i].cookie)
			tell_of(r->diffs[i].cookie, indent);
	}
	tell_of(0, indent);
	for (i = 0; i < MAX_PROCESSES; i++) {
		if (story->pids[i])
			printf("%sprocess %u is pid %d\n", indent, i, story->pids[i]);
	}
	if (overflows)
		printf("%s%llu connections were reset, as they had no place in TIME_WAIT: try again later, or with a higher net.ipv4.tcp_max_tw_buckets\n",
		       indent, (unsigned long long)overflows);
	printf("%sfailed at action %u; replay: sockstat-client --random=%llu --actions %u\n",
	       indent, story->action, (unsigned long long)r->opt->seed, story->action);
}

/* Rows that the module keeps, of which some may be others' */
static unsigned int rows_kept(struct run *r)
{
	unsigned int rows = 0;
	FILE *f;

	if (r->opt->dry_run)
		return MAX_ENDS;
	f = fopen(HISTORY, "re");
	must(r, f && fscanf(f, "%u", &rows) == 1);
	fclose(f);
	if (rows < 500)
		skip(r, "history=%u keeps too few rows", rows);
	return rows < MAX_ENDS ? rows : MAX_ENDS;
}

static void listeners_open(struct mix *m)
{
	struct run *r = m->r;
	int family;

	for (family = 0; family < N_FAMILIES; family++) {
		if (!(r->opt->families & 1u << family))
			continue;
		r->family = family;
		m->processes[0].listeners[family] = listen_open(r, MAX_CONNS);
	}
}

static struct conn *conn_pick(struct mix *m, bool used)
{
	unsigned int i, at = pick(m, MAX_CONNS);

	for (i = 0; i < MAX_CONNS; i++) {
		struct conn *c = &m->conns[(at + i) % MAX_CONNS];

		if (c->used == used)
			return c;
	}
	return NULL;
}

/* Up to three connections at the same time, each in both directions or in one */
static void transfer(struct mix *m)
{
	struct conn *c, *done[3] = { NULL };
	unsigned int n = 1 + pick(m, 3), i, k;

	for (i = 0; i < n; i++) {
		c = conn_pick(m, true);
		for (k = 0; k < i && done[k] != c; k++)
			;
		if (c && k == i)
			conn_transfer(m, c);
		done[i] = c;
	}
	jobs_do(m);
}

#define MAX_HANDED 4

/* A new process, which the first one gives some of its descriptors to */
static bool process_start(struct mix *m)
{
	struct end *held[MAX_HELD + 1] = { NULL };
	struct side *of[MAX_HELD] = { NULL };
	unsigned int process = 1, n = 0, first, i;
	struct process *p;

	while (process < MAX_PROCESSES && m->processes[process].alive)
		process++;
	if (process == MAX_PROCESSES)
		return false;
	p = &m->processes[process];
	for (i = 0; i < N_FAMILIES; i++) {
		if (m->processes[0].listeners[i])
			held[n++] = m->processes[0].listeners[i];
	}
	first = n;
	for (i = pick(m, MAX_HANDED + 1); i; i--) {
		struct conn *c = conn_pick(m, true);
		struct side *s = c ? &c->side[pick(m, 2)] : NULL;
		struct holder *h = s ? &s->holders[pick(m, s->n)] : NULL;
		unsigned int k;

		for (k = first; k < n && of[k] != s; k++)
			;
		if (!h || h->process || s->n == MAX_HOLDERS || k < n)
			continue;
		tell(m, c, "given to process %u by fork", process);
		of[n] = s;
		held[n++] = h->e;
	}
	tell(m, NULL, "fork: process %u", process);
	p->leaving = false;
	p->child = child_start(m->r, process_loop, p, held[0], held[1], held[2], held[3], held[4],
			       held[5], held[6], NULL);
	p->alive = true;
	m->forks++;
	story->pids[process] = p->child->pid;
	for (n = 0, i = 0; i < N_FAMILIES; i++) {
		if (m->processes[0].listeners[i])
			p->listeners[i] = p->child->held[n++];
	}
	for (; held[n]; n++)
		holder_add(of[n], p->child->held[n], process);
	return true;
}

static unsigned int held_elsewhere(const struct side *s, unsigned int process)
{
	unsigned int i, n = 0;

	for (i = 0; i < s->n; i++)
		n += s->holders[i].process != process;
	return n;
}

/* An accepted descriptor that was never used is not known by its number. */
static void forget(struct side *s, unsigned int process)
{
	unsigned int i = 0;

	while (i < s->n) {
		struct end *e = s->holders[i].e;

		if (s->holders[i].process != process) {
			i++;
			continue;
		}
		e->fd_lost = e->role == SOCKSTAT_ROLE_SERVER && !e->tx_calls && !e->rx_calls;
		s->holders[i] = s->holders[--s->n];
	}
}

/* A process, not the first, ends, and with it its descriptors. */
static void process_leave(struct mix *m, unsigned int process)
{
	struct process *p = &m->processes[process];
	bool killed = pick(m, 2);
	unsigned int i, side;
	int64_t since;

	/* Who has both sides alone would close them in an order we do not know. */
	for (i = 0; i < MAX_CONNS; i++) {
		struct conn *c = &m->conns[i];

		if (!c->used)
			continue;
		if (!held_elsewhere(&c->side[CLIENT], process) &&
		    !held_elsewhere(&c->side[SERVER], process))
			conn_finish(m, c);
		for (side = CLIENT; c->used && side <= SERVER; side++) {
			struct side *s = &c->side[side];

			if (!held_elsewhere(s, process)) {
				tell(m, c, "side %u is process %u's only", side, process);
				job_add(m, process, job_wait_queued, s->holders[0].e)->bytes =
					s->queued;
			}
			jobs_do(m);
		}
	}
	tell(m, NULL, "process %u %s", process, killed ? "is killed" : "exits");
	since = now_ns();
	p->leaving = true;
	p->alive = false;
	if (killed)
		child_kill(p->child);
	else
		child_join(p->child);
	for (i = 0; i < MAX_CONNS; i++) {
		struct conn *c = &m->conns[i];

		for (side = CLIENT; c->used && side <= SERVER; side++)
			forget(&c->side[side], process);
		for (side = CLIENT; c->used && side <= SERVER; side++) {
			if (!c->side[side].n)
				conn_other_side(m, c, side, c->side[side].queued, since);
		}
	}
}

static bool process_end(struct mix *m)
{
	unsigned int process = 1 + pick(m, MAX_PROCESSES - 1);

	if (!m->processes[process].alive)
		return false;
	process_leave(m, process);
	story->pids[process] = 0;
	return true;
}

static bool open_one(struct mix *m)
{
	struct conn *c = conn_pick(m, false);

	if (c)
		conn_open(m, c);
	return c;
}

/* One action; false if what was picked cannot be done now */
static bool act(struct mix *m)
{
	unsigned int what = pick(m, 100);
	struct conn *c;

	if (what < 12)
		return open_one(m);
	if (what < 14)
		return process_start(m);
	if (what < 15)
		return process_end(m);
	if (what < 16) {
		conn_refused(m);
		return true;
	}
	c = conn_pick(m, true);
	if (!c)
		return false;
	if (what < 56) {
		transfer(m);
		return true;
	}
	if (what < 68) {
		conn_odd(m, c);
		return true;
	}
	if (what < 72)
		return conn_dup(m, c);
	if (what < 76)
		return conn_pass(m, c);
	if (what < 80)
		return conn_drop(m, c);
	if (what < 83)
		return conn_urgent(m, c);
	if (what < 86)
		return conn_shutdown(m, c);
	if (what < 89)
		return conn_reconnect(m, c);
	conn_finish(m, c);
	return true;
}

/* Compares all rows, of what lives and of what was closed; a difference ends the run. */
static void checkpoint(struct mix *m)
{
	struct run *r = m->r;

	check(r);
	if (r->n_diffs)
		fail(r, "%u differences after action %u", r->n_diffs, m->action);
}

static void finish(struct mix *m)
{
	unsigned int i;

	for (i = 0; i < MAX_CONNS; i++) {
		if (m->conns[i].used)
			conn_finish(m, &m->conns[i]);
	}
	for (i = 1; i < MAX_PROCESSES; i++) {
		if (m->processes[i].alive)
			process_leave(m, i);
	}
	for (i = 0; i < N_FAMILIES; i++)
		end_close(m->processes[0].listeners[i]);
	checkpoint(m);
}

static void random_mix(struct run *r)
{
	struct mix *m = shared_memory(r, sizeof(*m));
	unsigned int room = rows_kept(r) - 200;
	int64_t until = now_ns() + r->opt->seconds * 1000000000LL;
	uint64_t overflows;

	m->r = r;
	m->rng = r->opt->seed;
	m->processes[0].alive = true;
	story->pids[0] = getpid();
	printf("%sseed %llu\n", r->opt->tap ? "# " : "", (unsigned long long)r->opt->seed);
	fflush(stdout);
	must(r, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, m->parcel));
	ways_find(r);
	listeners_open(m);
	while (r->opt->actions ? m->action < r->opt->actions : now_ns() < until) {
		if (r->n_ends > room) {
			note(r, "history is full");
			break;
		}
		story->action = ++m->action;
		while (!act(m))
			;
		if (pick(m, 20) == 0)
			checkpoint(m);
	}
	note(r, "%u actions, %u connections, %u forks, digest %016llx", m->action, m->opened,
	     m->forks, (unsigned long long)story->digest);
	finish(m);
	note(r, "%u rows of %u checks", r->rows, r->checks);
	overflows = overflows_since();
	if (overflows)
		note(r, "%llu connections had no place in TIME_WAIT",
		     (unsigned long long)overflows);
}

const struct scenario random_scenarios[] = {
	{ "mix", random_mix, SC_RANDOM | SC_ONE_FAMILY | SC_OWN_COUNT | SC_NO_FINISH, 0,
	  "with --random: all of this" },
	{ 0 },
};
