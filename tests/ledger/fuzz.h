/* SPDX-License-Identifier: GPL-2.0-only */
/* What fuzz.c, book.c and kernel.c share. */
#ifndef SOCKSTAT_TEST_FUZZ_H
#define SOCKSTAT_TEST_FUZZ_H

#include "model.h"
#include "table.h"

#define PROCESSES 3
#define PROGRAMS 12	    /* a process that calls execve() becomes another program */
#define NOBODY PROGRAMS	    /* the kernel's threads */
#define NONE (PROGRAMS + 1) /* no descriptor was seen, or there was no memory */
#define CREDITORS (PROGRAMS + 2)
#define FD_FIRST 3
#define FDS 3

/**
 * struct actor - who makes a call
 * @program: index of the program, or NOBODY for a kernel thread
 * @fd: the descriptor, SOCKSTAT_FD_UNKNOWN if the registers do not tell it
 */
struct actor {
	unsigned int program;
	int fd;
};

struct program {
	struct pid *pid;
	struct task_struct *task;
	u64 exec_id;
	bool gone;
};

extern struct program programs[PROGRAMS];
extern bool fuzz_no_memory;

struct sockstat_conn *fuzz_conn(void);
void fuzz_retired(struct sockstat_conn *conn);
void fuzz_fail(const char *what, u64 want, u64 have) __attribute__((noreturn));

/* Who makes the next call, and whether the module sees it */
extern struct actor actor;
extern bool unseen;

/* The module is loaded; its kprobes are armed; the socket is not new, so not an accepted one */
extern bool loaded, armed, used;

u8 take(void);
void take_actor(void);
bool seen(void);
bool has_descriptors(void);
void settled(void);
void note_booked(void);
void event_reset(void);
void event_read(void);
void event_enter(enum sockstat_flow flow, bool slow);

void book_reset(void);
void book_over(void);
void book_found(bool from_start);
void book_call(const struct actor *a, int flow);
void book_holder(struct sockstat_conn *conn, const struct actor *a);
void book_closed(const struct actor *a);
void book_check(struct sockstat_conn *conn, bool settled);

#endif
