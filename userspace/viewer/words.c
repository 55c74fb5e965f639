// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists, numbers and times on the command line. A function that fails writes the
 * reason, a sentence that quotes the word, for a message that begins with the name
 * of the option.
 */

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/**
 * words_wrong - write the reason of a failure
 * @why: the result
 * @format: as for printf()
 *
 * Return: false, for the caller to return.
 */
bool words_wrong(char why[WHY_LEN], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, WHY_LEN, format, args);
	va_end(args);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Copy the first word of @list, which a comma ends; "\," is a comma within it, and
 * blanks before the comma are dropped. Return the number of bytes read, or 0 if the
 * word is too long.
 */
static size_t copy_word(const char *list, char word[WORD_LEN])
{
	const char *l = list;
	size_t n = 0;

	for (; *l && *l != ','; l++) {
		if (l[0] == '\\' && l[1] == ',')
			l++;
		if (n + 1 == WORD_LEN)
			return 0;
		word[n++] = *l;
	}
	while (*l && n && is_blank(word[n - 1]))
		n--;
	word[n] = '\0';
	return l - list;
}

/**
 * words_each - call a function for each word of a comma-separated list
 * @list: the list; blanks around a comma are skipped, "\," is a comma within a word
 * @add: the function
 * @to: its first argument
 * @why: the reason of a failure
 *
 * Return: false if a word is empty or too long, or @add returned false.
 */
bool words_each(const char *list, words_add_fn add, void *to, char why[WHY_LEN])
{
	const char *rest = list;
	char word[WORD_LEN] = "";

	for (;;) {
		size_t len = copy_word(rest, word);

		if (!len && *rest && *rest != ',')
			return words_wrong(why, "a word of the list is longer than %d bytes",
					   WORD_LEN - 1);
		if (!word[0])
			return *list ? words_wrong(why, "the list \"%.200s\" has an empty word",
						   list) :
				       words_wrong(why, "the list is empty");
		if (!add(to, word, why))
			return false;
		if (!rest[len])
			return true;
		rest += len + 1;
		while (is_blank(*rest))
			rest++;
	}
}

/**
 * words_number - read a decimal number
 * @word: the word
 * @max: the greatest number allowed
 * @number: the result
 *
 * Return: false if @word is anything but a number of at most @max.
 */
bool words_number(const char *word, uint32_t max, uint32_t *number)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(word, &end, 10);
	*number = n;
	return isdigit((unsigned char)*word) && !*end && !errno && n <= max;
}

static size_t count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/**
 * words_range - read a number or a range of numbers
 * @word: "N" or "N-M"
 * @kind: the kind of number
 * @range: the result
 * @why: the reason of a failure
 */
bool words_range(const char *word, const struct number_kind *kind, struct range *range,
		 char why[WHY_LEN])
{
	size_t digits = count_digits(word), more = 0;
	bool dash = digits && word[digits] == '-';
	char first[16];

	if (dash)
		more = count_digits(word + digits + 1);
	if (!digits || (dash && !more) || word[digits + dash + more])
		return words_wrong(why, "\"%.200s\" is not a %s: give %s", word, kind->noun,
				   kind->hint);
	snprintf(first, sizeof(first), "%.*s", digits < 15 ? (int)digits : 15, word);
	if (!words_number(first, kind->max, &range->first) ||
	    !words_number(dash ? word + digits + 1 : first, kind->max, &range->last))
		return words_wrong(why, "\"%.200s\" is out of range: %s are 0 to %u", word,
				   kind->plural, kind->max);
	if (range->first > range->last)
		return words_wrong(why, "the range \"%s\" is reversed: write %u-%u", word,
				   range->last, range->first);
	return true;
}

/**
 * words_seconds - read a length of time
 * @text: a decimal number, which s, m, h or d may follow
 * @seconds: the result
 * @why: the reason of a failure
 */
bool words_seconds(const char *text, double *seconds, char why[WHY_LEN])
{
	static const char units[] = "smhd";
	static const int lengths[] = { 1, 60, 3600, 86400 };
	size_t len = strspn(text, "0123456789.");
	const char *unit = text[len] ? strchr(units, text[len]) : units;
	char *end;

	*seconds = strtod(text, &end);
	if (!count_digits(text + (*text == '.')) || end != text + len || !unit ||
	    (text[len] && text[len + 1]))
		return words_wrong(why, "\"%.200s\" is not a time: write 10, 0.5s, 5m, 2h or 1d",
				   text);
	*seconds *= lengths[unit - units];
	if (*seconds < 1e9)
		return true;
	return words_wrong(why, "\"%.200s\" is too long: a time is less than 1000000000 s", text);
}
