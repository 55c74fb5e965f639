/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values as text in the cells of a line. Each function writes at @cell and returns
 * the end of what it wrote; with a width it aligns to the right, and needs more than
 * the width if the value does. A line has been filled with blanks before.
 */
#ifndef SOCKSTAT_CELL_H
#define SOCKSTAT_CELL_H

#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/types.h>

#define SOCKSTAT_CELL_NONE "-"

#define SOCKSTAT_CELL_BILLION 1000000000

/* The numbers from 00 to 99. On one line, as checkpatch.pl wants a text to be. */
#define SOCKSTAT_CELL_PAIRS \
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

/**
 * sockstat_cell_put() - write a text
 * @cell: where
 * @text: the text, of which the terminating NUL is not written
 *
 * Context: any.
 */
static inline char *sockstat_cell_put(char *cell, const char *text)
{
	while (*text)
		*cell++ = *text++;
	return cell;
}

/**
 * sockstat_cell_put_digits() - write a number with leading zeros
 * @cell: where
 * @n: the number
 * @digits: how many digits, at least as many as @n has
 *
 * Writes two digits per division.
 *
 * Context: any.
 */
static inline char *sockstat_cell_put_digits(char *cell, u32 n, int digits)
{
	char *end = cell + digits;
	char *c = end;

	for (; digits >= 2; digits -= 2) {
		c -= 2;
		memcpy(c, SOCKSTAT_CELL_PAIRS + 2 * (n % 100), 2);
		n /= 100;
	}
	if (digits)
		*--c = '0' + n;
	return end;
}

/*
 * Count the digits of a number, at least 1. A number of b bits has b * log10(2) digits,
 * rounded down, or one more; 1233 / 4096 is close enough to log10(2) for 32 bits.
 */
static inline int sockstat_cell_count_digits(u32 n)
{
	static const u32 powers[] = { 1,      10,      100,	 1000,	    10000,
				      100000, 1000000, 10000000, 100000000, 1000000000 };
	int digits = fls(n) * 1233 >> 12;

	return digits + (n >= powers[digits] || !n);
}

/**
 * sockstat_cell_put_last() - write one byte
 * @cell: where
 * @width: width of the cell
 * @c: the byte
 *
 * Context: any.
 */
static inline char *sockstat_cell_put_last(char *cell, int width, char c)
{
	if (width > 1)
		cell += width - 1;
	*cell++ = c;
	return cell;
}

/**
 * sockstat_cell_put_hex() - write a hexadecimal number, without a prefix
 * @cell: where
 * @n: the number
 *
 * Context: any.
 */
static inline char *sockstat_cell_put_hex(char *cell, u64 n)
{
	char *end = cell + DIV_ROUND_UP(fls64(n | 1), 4);
	char *c;

	for (c = end; c > cell; n >>= 4)
		*--c = "0123456789abcdef"[n & 0xf];
	return end;
}

/**
 * sockstat_cell_put_none() - write that there is no value
 * @cell: where
 * @width: width of the cell
 *
 * Context: any.
 */
static inline char *sockstat_cell_put_none(char *cell, int width)
{
	return sockstat_cell_put_last(cell, width, *SOCKSTAT_CELL_NONE);
}

/* Write a decimal number of 32 bits. */
static inline char *sockstat_cell_put_u32(char *cell, int width, u32 n)
{
	int digits = sockstat_cell_count_digits(n);

	if (width > digits)
		cell += width - digits;
	return sockstat_cell_put_digits(cell, n, digits);
}

/* Write a decimal number above U32_MAX. */
static inline char *sockstat_cell_put_long(char *cell, int width, u64 n)
{
	u32 low, middle;

	n = div_u64_rem(n, SOCKSTAT_CELL_BILLION, &low);
	if (n <= U32_MAX) {
		cell = sockstat_cell_put_u32(cell, width - 9, n);
	} else {
		n = div_u64_rem(n, SOCKSTAT_CELL_BILLION, &middle);
		cell = sockstat_cell_put_u32(cell, width - 18, n);
		cell = sockstat_cell_put_digits(cell, middle, 9);
	}
	return sockstat_cell_put_digits(cell, low, 9);
}

/**
 * sockstat_cell_put_number() - write a decimal number
 * @cell: where
 * @width: width of the cell
 * @n: the number
 *
 * Context: any.
 */
static inline char *sockstat_cell_put_number(char *cell, int width, u64 n)
{
	if (n < 10)
		return sockstat_cell_put_last(cell, width, '0' + n);
	if (n > U32_MAX)
		return sockstat_cell_put_long(cell, width, n);
	return sockstat_cell_put_u32(cell, width, n);
}

/**
 * sockstat_cell_put_number_or_none() - write a decimal number, if there is one
 * @cell: where
 * @width: width of the cell
 * @n: the number
 * @some: whether there is one
 *
 * Context: any.
 */
static inline char *sockstat_cell_put_number_or_none(char *cell, int width, u64 n, bool some)
{
	return some ? sockstat_cell_put_number(cell, width, n) :
		      sockstat_cell_put_none(cell, width);
}

/**
 * sockstat_cell_put_octal() - write a byte as an escape
 * @cell: where
 * @byte: the byte
 *
 * Context: any.
 */
static inline char *sockstat_cell_put_octal(char *cell, u8 byte)
{
	*cell++ = '\\';
	*cell++ = '0' + (byte >> 6);
	*cell++ = '0' + (byte >> 3 & 7);
	*cell++ = '0' + (byte & 7);
	return cell;
}

#endif /* SOCKSTAT_CELL_H */
