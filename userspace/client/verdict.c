// SPDX-License-Identifier: GPL-2.0-only
/* Ending a scenario early, and messages for the user. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verdict.h"

/* The first word on a run counts, whichever of its processes or threads says it. */
static void give_verdict(struct run *r, enum verdict verdict, const char *fmt, va_list ap)
{
	enum verdict none = VERDICT_NONE;

	if (__atomic_compare_exchange_n(&r->verdict, &none, verdict, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	fflush(stdout);
	_exit(1);
}

/**
 * fail - end the scenario: it failed
 * @r: the run
 * @fmt: why
 */
void fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	give_verdict(r, VERDICT_FAIL, fmt, ap);
	va_end(ap);
	__builtin_unreachable();
}

/**
 * skip - end the scenario: it cannot be run here
 * @r: the run
 * @fmt: why not
 */
void skip(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	give_verdict(r, VERDICT_SKIP, fmt, ap);
	va_end(ap);
	__builtin_unreachable();
}

/**
 * note - have something told with the result
 * @r: the run, in which one thread at a time says this
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
 * say - tell the user of --steps what is going on
 * @r: the run
 * @fmt: one line, without its newline
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
