/* SPDX-License-Identifier: GPL-2.0-only */
/* Records at hand where nothing may be allocated. */
#ifndef SOCKSTAT_POOL_H
#define SOCKSTAT_POOL_H

#include <linux/slab.h>
#include <linux/spinlock.h>

#include "later.h"

/**
 * struct sockstat_pool - preallocated records of one kind
 * @cache: where the records come from
 * @size: of one
 * @ready_lock: protects the members below
 * @ready: zeroed records, linked through their first word
 * @count: how many are in @ready
 * @target: how many there shall be
 * @used: how many are handed out
 * @refill: fills up to @target
 * @empty: how often a record was wanted and there was none
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
