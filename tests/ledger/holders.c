// SPDX-License-Identifier: GPL-2.0-only
/*
 * More holders than the steps of fuzz.c make: each descriptor's holder is found among
 * many, and their number has the limits of Documentation/limits.md.
 */
#include <stdio.h>

#include "fuzz.h"

#define MOST 1024    /* holders of a connection */
#define PLENTY 65536 /* holders of all connections, from which on ... */
#define FEW 16	     /* ... these are the most of a connection */
#define PIDS 4
#define EXEC_IDS 16
#define FDS_EACH 16

static struct pid pids[PIDS];
static struct task_struct task;

/* The @i-th of MOST callers, which differ in pid, exec_id or descriptor, in mixed order */
static struct sockstat_caller caller(unsigned int i)
{
	i = i * 389 % MOST;
	return (struct sockstat_caller){
		.task = &task,
		.pid = &pids[i % PIDS],
		.exec_id = i / PIDS % EXEC_IDS,
		.fd = (int)(i / PIDS / EXEC_IDS) - 1,
	};
}

static void want(const char *what, u64 expected, u64 found)
{
	if (expected != found)
		fuzz_fail(what, expected, found);
}

/* Make up to @n holders; returns how many were made. */
static unsigned int add(struct sockstat_holders *all, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct sockstat_caller c = caller(i);
		struct sockstat_holder *h = sockstat_holder_new(all, &c, 7);

		if (!h)
			return i;
		want("number of the holder", i, h->nr);
		want("snapshot", 7, h->born);
	}
	return n;
}

static void check_found(struct sockstat_holders *all)
{
	struct sockstat_caller c;
	struct sockstat_holder *h;

	for (unsigned int i = 0; i < MOST; i++) {
		c = caller(i);
		h = sockstat_holder_find(all, &c);
		if (!h || h->nr != i)
			fuzz_fail("the holder found", i, h ? h->nr : MOST);
		h = sockstat_holder_of_process(all, &c);
		if (!h || h->process->pid != c.pid || h->process->exec_id != c.exec_id)
			fuzz_fail("a holder of the process", i, h ? h->nr : MOST);
		want("its lowest descriptor", SOCKSTAT_FD_UNKNOWN, h->fd);
		c.fd = FDS_EACH - 1;
		want("a holder of no such descriptor", 0, !!sockstat_holder_find(all, &c));
		c.exec_id = EXEC_IDS;
		want("a holder of no such process", 0, !!sockstat_holder_of_process(all, &c));
	}
}

/* A holder whose descriptor was unknown gets one, and its place in the order. */
static void check_claimed(struct sockstat_holders *all)
{
	struct sockstat_caller c, none;
	struct sockstat_holder *h;

	for (unsigned int i = 0; i < MOST; i++) {
		none = c = caller(i);
		if (c.fd != SOCKSTAT_FD_UNKNOWN)
			continue;
		c.fd = FDS_EACH - 1;
		h = sockstat_holder_claim(all, &c);
		want("the holder claimed", i, h ? h->nr : MOST);
		want("it, found", 1, sockstat_holder_find(all, &c) == h);
		want("it, by its old descriptor", 0, !!sockstat_holder_find(all, &none));
		c.fd = FDS_EACH;
		want("a second claim", 0, !!sockstat_holder_claim(all, &c));
		want("the lowest descriptor then", 0, sockstat_holder_of_process(all, &c)->fd);
	}
}

/* The holder next in the order is another process's. */
static void check_strangers(void)
{
	struct sockstat_caller c = { .task = &task, .pid = &pids[1], .exec_id = 1, .fd = 3 };
	struct sockstat_holders all = {};

	want("the only holder", 1, !!sockstat_holder_new(&all, &c, 0));
	c.pid = &pids[0];
	want("a holder of a lower pid", 0, !!sockstat_holder_of_process(&all, &c));
	c = (struct sockstat_caller){ .task = &task, .pid = &pids[1], .exec_id = 0, .fd = 3 };
	want("a holder before execve()", 0, !!sockstat_holder_of_process(&all, &c));
	want("nobody's", 0, !!sockstat_holder_nobodys(&all));
	sockstat_holder_free_all(&all);
}

static void check_nobodys(struct sockstat_holders *all)
{
	struct sockstat_caller nobody = { .fd = SOCKSTAT_FD_UNKNOWN };
	unsigned int count = sockstat_holder_count(all);

	want("nobody's holder before there is one", 0, !!sockstat_holder_nobodys(all));
	want("nobody's holder", 1, !!sockstat_holder_new(all, &nobody, 0));
	want("nobody's holder, found", 1, !!sockstat_holder_nobodys(all));
	want("the count, without nobody's", count, sockstat_holder_count(all));
}

int main(void)
{
	static struct sockstat_holders all[PLENTY / MOST + 2];
	struct sockstat_holders *last = &all[PLENTY / MOST + 1];
	u64 dropped;

	sockstat_holder_init();
	check_strangers();
	dropped = sockstat_holder_dropped();
	want("holders of a connection", MOST, add(&all[0], MOST));
	want("dropped", dropped, sockstat_holder_dropped());
	check_found(&all[0]);
	want("one more", 0, add(&all[0], 1));
	want("dropped", dropped + 1, sockstat_holder_dropped());
	check_nobodys(&all[0]);
	check_found(&all[0]);
	check_claimed(&all[0]);
	for (int i = 1; i < PLENTY / MOST; i++)
		want("holders of each connection", MOST, add(&all[i], MOST));
	want("the last ones", 1, add(&all[PLENTY / MOST], MOST) < MOST);
	want("holders of one more connection", FEW, add(last, MOST));
	check_nobodys(last);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		sockstat_holder_free_all(&all[i]);
	sockstat_holder_exit();
	return 0;
}
