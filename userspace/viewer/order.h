/* SPDX-License-Identifier: GPL-2.0-only */
/* The order of two integers, as qsort() expects it from its callback. */
#ifndef VIEWER_ORDER_H
#define VIEWER_ORDER_H

#include <stdint.h>

/**
 * order_of - compare two integers for qsort() and tsearch()
 * @a: the first
 * @b: the second
 *
 * Return: -1, 0 or 1 if @a is less than, equal to or greater than @b.
 */
static inline int order_of(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

#endif /* VIEWER_ORDER_H */
