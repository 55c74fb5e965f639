// SPDX-License-Identifier: GPL-2.0-only
/* Ending a scenario early, and messages for the user. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verdict.h"

/* The first verdict of a run stands, whichever of its processes or threads gives it. */
static void __attribute__((noreturn, format(printf, 3, 0)))
verdict_give(struct run *r, enum verdict verdict, const char *fmt, va_list ap)
{
	enum verdict none = VERDICT_NONE;

	if (__atomic_compare_exchange_n(&r->verdict, &none, verdict, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	fflush(stdout);
	_exit(1);
}

/**
 * fail - fail the scenario, and end the calling process
 * @r: the run
 * @fmt: the reason
 */
void fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verdict_give(r, VERDICT_FAIL, fmt, ap);
	va_end(ap);
}

/**
 * skip - skip the scenario, which cannot be run here, and end the calling process
 * @r: the run
 * @fmt: the reason
 */
void skip(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verdict_give(r, VERDICT_SKIP, fmt, ap);
	va_end(ap);
}

/**
 * note - add a remark to the result
 * @r: the run; only one thread at a time may call this
 * @fmt: a few words
 */
void note(struct run *r, const char *fmt, ...)
{
	size_t used = strlen(r->notes);
	va_list ap;

	if (used && used < sizeof(r->notes) - 3) {
		strcat(r->notes, ", ");
		used += 2;
	}
	va_start(ap, fmt);
	vsnprintf(r->notes + used, sizeof(r->notes) - used, fmt, ap);
	va_end(ap);
}

/**
 * say - print a line if the user has given --steps
 * @r: the run
 * @fmt: the line, without its newline
 */
void say(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (!r->opt->steps)
		return;
	va_start(ap, fmt);
	if (r->opt->tap)
		printf("# ");
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	va_end(ap);
}
