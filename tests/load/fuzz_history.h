/* SPDX-License-Identifier: GPL-2.0-only */
/* Who gives the parameter "history" anything at all. */
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

/* What kstrtouint() makes of it: also octal and hexadecimal, and one newline. */
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

static size_t some_value(char *text, size_t size)
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

	switch (below(4)) {
	case 0:
		return snprintf(text, size, "%s", values[below(ARRAY_SIZE(values))]);
	case 1:
		n = below(size);
		for (i = 0; i < n; i++)
			text[i] = below(256);
		return n;
	case 2:
		return snprintf(text, size, "%lld", (long long)any64());
	default:
		return snprintf(text, size, "%u\n", below(3000));
	}
}

static unsigned int parameter(int fd)
{
	unsigned int value = 0;
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	if (n <= 0 || sscanf(text, "%u\n", &value) != 1)
		DIE("the parameter reads \"%s\"", text);
	return value;
}

/* The parameter is what was last accepted. */
static int set_values(int number, unsigned int seed)
{
	int fd = open(PARAMETER, O_RDWR | O_CLOEXEC);
	unsigned int is, value = 0;

	me.seed = seed;
	me.number = number;
	me.doing = "history";
	is = parameter(fd);
	for (; !shared->stop; usleep(1000)) {
		char text[80] = { 0 };
		size_t len = some_value(text, sizeof(text) - 1);
		bool valid = is_number(text, &value);
		ssize_t n = pwrite(fd, text, len, 0);

		me.step++;
		/* nothing at all is no value, and is not passed on */
		if (!len ? n != 0 : valid ? n != (ssize_t)len : n >= 0)
			DIE("\"%s\" (%zu) gives %zd: %m", text, len, n);
		if (len && valid)
			is = value;
		if (parameter(fd) != is)
			DIE("\"%s\" makes it %u, not %u", text, parameter(fd), is);
		shared->values++;
		shared->refused += n < 0;
	}
	return 0;
}

#endif
