/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists, numbers and times on the command line. */
#ifndef VIEWER_WORDS_H
#define VIEWER_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORD_LEN 4096 /* a path of --netns fits */
#define WHY_LEN 512

struct range {
	uint32_t first, last;
};

/**
 * struct number_kind - the numbers that an option takes
 * @noun: the name of one number, as "process id"
 * @plural: the name of several
 * @max: the greatest number
 * @hint: the words that the option takes, and an example
 */
struct number_kind {
	const char *noun;
	const char *plural;
	uint32_t max;
	const char *hint;
};

/* Adds one word of a list to @to; returns false with the reason in @why. */
typedef bool (*words_add_fn)(void *to, const char *word, char why[WHY_LEN]);

__attribute__((format(printf, 2, 3))) bool words_wrong(char why[WHY_LEN], const char *format, ...);
bool words_each(const char *list, words_add_fn add, void *to, char why[WHY_LEN]);
bool words_number(const char *word, uint32_t max, uint32_t *number);
bool words_range(const char *word, const struct number_kind *kind, struct range *range,
		 char why[WHY_LEN]);
bool words_seconds(const char *text, double *seconds, char why[WHY_LEN]);

#endif /* VIEWER_WORDS_H */
