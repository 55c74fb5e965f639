/* SPDX-License-Identifier: GPL-2.0-only */
/* Ending a scenario early, and messages for the user; any process of the run may call these. */
#ifndef SOCKSTAT_CLIENT_VERDICT_H
#define SOCKSTAT_CLIENT_VERDICT_H

#include "run.h"

void fail(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void skip(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void note(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Fail the scenario, with the text of errno, unless the condition holds. */
#define must(r, condition)                                                          \
	do {                                                                        \
		if (!(condition))                                                   \
			fail((r), "%s:%d: %s: %m", __FILE__, __LINE__, #condition); \
	} while (0)

#endif
