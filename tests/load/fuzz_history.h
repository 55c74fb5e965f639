/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that writes random values to the parameter "history". */
#ifndef SOCKSTAT_TESTS_FUZZ_HISTORY_H
#define SOCKSTAT_TESTS_FUZZ_HISTORY_H

#include <ctype.h>

#include "fuzz.h"

#define PARAMETER "/sys/module/sockstat/parameters/history"

static int base_of(const char *text)
{
	if (*text != '0')
		return 10;
	return tolower(text[1]) == 'x' && isxdigit((unsigned char)text[2]) ? 16 : 8;
}

/* Parse like kstrtouint(): also octal and hexadecimal, and with one newline. */
static bool is_number(const char *text, unsigned int *value)
{
	unsigned long long n;
	char *end;

	if (*text == '+')
		text++;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, base_of(text));
	if (*end == '\n')
		end++;
	*value = n;
	return !*end && !errno && n <= UINT_MAX;
}

static size_t random_value(char *text, size_t size)
{
	static const char *const values[] = {
		"-1",
		"x",
		"1.5",
		"0x10",
		"010",
		"08",
		"0x",
		"99999999999",
		"4294967295",
		"4294967296",
		"18446744073709551617",
		" 5",
		"5 ",
		"+7",
		"+-7",
		"--7",
		"12 13",
		"5\n",
		"5\n\n",
		"\n",
		"-0",
		"0",
		"1",
		"1e3",
		"%s%n",
		"\377",
		"0b11",
		"true",
	};
	size_t n, i;

	switch (random_below(4)) {
	case 0:
		return snprintf(text, size, "%s", values[random_below(ARRAY_SIZE(values))]);
	case 1:
		n = random_below(size);
		for (i = 0; i < n; i++)
			text[i] = random_below(256);
		return n;
	case 2:
		return snprintf(text, size, "%lld", (long long)random_64());
	default:
		return snprintf(text, size, "%u\n", random_below(3000));
	}
}

static unsigned int history_read(int fd)
{
	unsigned int value = 0;
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	if (n <= 0 || sscanf(text, "%u\n", &value) != 1)
		DIE("history reads as \"%s\"", text);
	return value;
}

/* Write values until told to stop; the parameter always reads as the last valid one. */
static int history_fuzz(int number, unsigned int seed)
{
	int fd = open(PARAMETER, O_RDWR | O_CLOEXEC);
	unsigned int is, value = 0;

	me.seed = seed;
	me.number = number;
	me.doing = "history";
	is = history_read(fd);
	for (; !shared->stop; usleep(1000)) {
		char text[80] = { 0 };
		size_t len = random_value(text, sizeof(text) - 1);
		bool valid = is_number(text, &value);
		ssize_t n = pwrite(fd, text, len, 0);

		me.step++;
		/* an empty write() succeeds and does not reach the module */
		if (!len ? n != 0 : valid ? n != (ssize_t)len : n >= 0)
			DIE("writing \"%s\" (%zu bytes) returns %zd: %m", text, len, n);
		if (len && valid)
			is = value;
		if (history_read(fd) != is)
			DIE("after \"%s\" it is %u, not %u", text, history_read(fd), is);
		shared->values++;
		shared->refused += n < 0;
	}
	return 0;
}

#endif
