/* SPDX-License-Identifier: GPL-2.0-only */
/* --random: the random numbers, and the record of the actions for the report of a failure. */
#ifndef SOCKSTAT_CLIENT_RANDOM_STORY_H
#define SOCKSTAT_CLIENT_RANDOM_STORY_H

#include "random.h"

uint64_t rng_next(uint64_t *rng);
unsigned int random_pick(struct mix *m, unsigned int n);

void story_begin(void);
void story_action(unsigned int action);
void story_process(unsigned int process, pid_t pid);
void story_add(struct mix *m, const struct conn *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
uint64_t story_digest(void);
uint64_t story_overflows(void);

#endif
