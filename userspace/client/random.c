// SPDX-License-Identifier: GPL-2.0-only
/* --random: chooses the next action, and compares all rows now and then. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "random_story.h"
#include "scenario.h"

#define HISTORY "/sys/module/sockstat/parameters/history"
#define DEFAULT_RANDOM_SECONDS 10

/**
 * random_seed - choose a seed
 *
 * Return: a random number of 32 bits that is not 0.
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
 * random_prepare - prepare --random, before the run is started
 * @opt: the command line's options; @opt->seconds is set if neither --seconds
 *	nor --actions was given
 */
void random_prepare(struct options *opt)
{
	if (!opt->seconds && !opt->actions)
		opt->seconds = DEFAULT_RANDOM_SECONDS;
	story_begin();
}

/* The number of closed rows that the module keeps, for all processes together. */
static unsigned int history_size(struct run *r)
{
	unsigned int rows = 0;
	FILE *f;

	if (r->opt->dry_run)
		return MAX_ENDS;
	f = fopen(HISTORY, "re");
	must(r, f && fscanf(f, "%u", &rows) == 1);
	fclose(f);
	if (rows < 500)
		skip(r, "history=%u is too small", rows);
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
	unsigned int i, at = random_pick(m, MAX_CONNS);

	for (i = 0; i < MAX_CONNS; i++) {
		struct conn *c = &m->conns[(at + i) % MAX_CONNS];

		if (c->used == used)
			return c;
	}
	return NULL;
}

/* Send and receive on up to three connections at the same time. */
static void action_transfer(struct mix *m)
{
	struct conn *c, *done[3] = { NULL };
	unsigned int n = 1 + random_pick(m, 3), i, k;

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

#define MAX_HANDED 4 /* descriptors that a new process inherits, besides the listeners */

/* Fork a process that inherits some descriptors of the first one; false if there are enough. */
static bool action_fork(struct mix *m)
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
	for (i = random_pick(m, MAX_HANDED + 1); i; i--) {
		struct conn *c = conn_pick(m, true);
		struct side *s = c ? &c->side[random_pick(m, 2)] : NULL;
		struct holder *h = s ? &s->holders[random_pick(m, s->n)] : NULL;
		unsigned int k;

		for (k = first; k < n && of[k] != s; k++)
			;
		if (!h || h->process || s->n == MAX_HOLDERS || k < n)
			continue;
		story_add(m, c, "process %u inherits it", process);
		of[n] = s;
		held[n++] = h->e;
	}
	story_add(m, NULL, "fork: process %u", process);
	p->leaving = false;
	p->child = child_start(m->r, process_loop, p, held[0], held[1], held[2], held[3], held[4],
			       held[5], held[6], NULL);
	p->alive = true;
	m->forks++;
	story_process(process, p->child->pid);
	for (n = 0, i = 0; i < N_FAMILIES; i++) {
		if (m->processes[0].listeners[i])
			p->listeners[i] = p->child->held[n++];
	}
	for (; held[n]; n++)
		holder_add(of[n], p->child->held[n], process);
	return true;
}

/* The number of a socket's holders that are not in a process. */
static unsigned int held_elsewhere(const struct side *s, unsigned int process)
{
	unsigned int i, n = 0;

	for (i = 0; i < s->n; i++)
		n += s->holders[i].process != process;
	return n;
}

/*
 * Remove a process's holders of a socket.  The module does not know the number
 * of an accepted descriptor that was never used.
 */
static void holders_remove(struct side *s, unsigned int process)
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

/* End a process other than the first, by exit(2) or SIGKILL, which closes its descriptors. */
static void process_leave(struct mix *m, unsigned int process)
{
	struct process *p = &m->processes[process];
	bool killed = random_pick(m, 2);
	unsigned int i, side;
	int64_t since;

	/* The order in which exit(2) closes both sides of a connection is not known: avoid it. */
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
				story_add(m, c, "only process %u holds side %u", process, side);
				job_add(m, process, job_wait_queued, s->holders[0].e)->bytes =
					s->queued;
			}
			jobs_do(m);
		}
	}
	story_add(m, NULL, "process %u %s", process, killed ? "is killed" : "exits");
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
			holders_remove(&c->side[side], process);
		for (side = CLIENT; c->used && side <= SERVER; side++) {
			if (!c->side[side].n)
				conn_other_side(m, c, side, c->side[side].queued, since);
		}
	}
}

static bool action_process_end(struct mix *m)
{
	unsigned int process = 1 + random_pick(m, MAX_PROCESSES - 1);

	if (!m->processes[process].alive)
		return false;
	process_leave(m, process);
	story_process(process, 0);
	return true;
}

static bool action_open(struct mix *m)
{
	struct conn *c = conn_pick(m, false);

	if (c)
		conn_open(m, c);
	return c;
}

/* Take a random action; false if it is not possible now. */
static bool action_take(struct mix *m)
{
	unsigned int what = random_pick(m, 100);
	struct conn *c;

	if (what < 12)
		return action_open(m);
	if (what < 14)
		return action_fork(m);
	if (what < 15)
		return action_process_end(m);
	if (what < 16) {
		conn_refused(m);
		return true;
	}
	c = conn_pick(m, true);
	if (!c)
		return false;
	if (what < 56) {
		action_transfer(m);
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

/* Compare all rows, open and closed; fail if one differs. */
static void checkpoint(struct mix *m)
{
	struct run *r = m->r;

	check(r);
	if (r->n_diffs)
		fail(r, "%u differences after action %u", r->n_diffs, m->action);
}

static void mix_finish(struct mix *m)
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
	unsigned int room = history_size(r) - 200;
	int64_t until = now_ns() + r->opt->seconds * 1000000000LL;
	uint64_t overflows;

	m->r = r;
	m->rng = r->opt->seed;
	m->processes[0].alive = true;
	story_process(0, getpid());
	printf("%sseed %llu\n", r->opt->tap ? "# " : "", (unsigned long long)r->opt->seed);
	fflush(stdout);
	must(r, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, m->parcel));
	ways_find(r);
	listeners_open(m);
	while (r->opt->actions ? m->action < r->opt->actions : now_ns() < until) {
		if (r->n_ends > room) {
			note(r, "the history is full");
			break;
		}
		story_action(++m->action);
		while (!action_take(m))
			;
		if (random_pick(m, 20) == 0)
			checkpoint(m);
	}
	note(r, "%u actions, %u connections, %u forks, digest %016llx", m->action, m->opened,
	     m->forks, (unsigned long long)story_digest());
	mix_finish(m);
	note(r, "%u rows of %u checks", r->rows, r->checks);
	overflows = story_overflows();
	if (overflows)
		note(r, "%llu connections had no place in TIME_WAIT",
		     (unsigned long long)overflows);
}

const struct scenario random_scenarios[] = {
	{ "mix", random_mix, SC_RANDOM | SC_ONE_FAMILY | SC_OWN_COUNT | SC_NO_FINISH, 0,
	  "all kinds of traffic at random, by --random only" },
	{ 0 },
};
