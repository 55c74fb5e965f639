/* SPDX-License-Identifier: GPL-2.0-only */
/* Pools of preallocated records, for contexts that must not allocate. */
#ifndef SOCKSTAT_POOL_H
#define SOCKSTAT_POOL_H

#include <linux/slab.h>
#include <linux/spinlock.h>

#include "later.h"

/**
 * struct sockstat_pool - preallocated records of one kind
 * @cache: slab cache of the records
 * @size: size of a record in bytes
 * @ready_lock: protects the members below
 * @ready: list of free, zeroed records, linked through their first word
 * @count: number of records in @ready
 * @target: number of records that @ready is filled up to
 * @used: number of records handed out
 * @refill: runs sockstat_pool_fill() when @count is low
 * @empty: number of times that a record was requested and none was free
 */
struct sockstat_pool {
	struct kmem_cache *cache;
	size_t size;
	raw_spinlock_t ready_lock;
	void *ready;
	unsigned int count;
	unsigned int target;
	unsigned int used;
	struct sockstat_later refill;
	u64 empty;
};

int sockstat_pool_init(struct sockstat_pool *pool, const char *name, size_t size,
		       unsigned int target);
void sockstat_pool_destroy(struct sockstat_pool *pool);
void *sockstat_pool_get(struct sockstat_pool *pool);
void sockstat_pool_put(struct sockstat_pool *pool, void *record);
void sockstat_pool_fill(struct sockstat_pool *pool);

#endif /* SOCKSTAT_POOL_H */
