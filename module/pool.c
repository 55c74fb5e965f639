// SPDX-License-Identifier: GPL-2.0-only
#include "lock.h"
#include "pool.h"

static bool pool_put_ready(struct sockstat_pool *pool, void *record, bool was_used)
{
	unsigned long flags;
	bool wanted;

	raw_spin_lock_irqsave(&pool->ready_lock, flags);
	pool->used -= was_used;
	wanted = pool->count < pool->target;
	if (wanted) {
		*(void **)record = pool->ready;
		pool->ready = record;
		WRITE_ONCE(pool->count, pool->count + 1);
	}
	raw_spin_unlock_irqrestore(&pool->ready_lock, flags);
	return wanted;
}

/**
 * sockstat_pool_fill() - allocate records until a pool has its target
 * @pool: the pool
 *
 * Stops early if there is no memory. sockstat_pool_get() requests another attempt
 * while less than half of the target is left.
 *
 * Context: process, may sleep.
 */
void sockstat_pool_fill(struct sockstat_pool *pool)
{
	while (READ_ONCE(pool->count) < pool->target) {
		void *record = kmem_cache_zalloc(pool->cache, GFP_KERNEL);

		if (!record)
			return;
		if (!pool_put_ready(pool, record, false))
			kmem_cache_free(pool->cache, record);
	}
}

static void pool_refill(struct sockstat_later *later)
{
	sockstat_pool_fill(container_of(later, struct sockstat_pool, refill));
}

/**
 * sockstat_pool_get() - take a record out of a pool
 * @pool: the pool
 *
 * Context: any but NMI, interrupts off, raw spinlocks may be held.
 * Return: a zeroed record, to be returned by sockstat_pool_put(); NULL, counted in
 * @pool->empty, if none is free.
 */
void *sockstat_pool_get(struct sockstat_pool *pool)
{
	bool low;
	void *record;

	lockdep_assert_irqs_disabled();
	sockstat_lock(&pool->ready_lock);
	record = pool->ready;
	if (record) {
		pool->ready = *(void **)record;
		WRITE_ONCE(pool->count, pool->count - 1);
		pool->used++;
	} else {
		WRITE_ONCE(pool->empty, pool->empty + 1);
	}
	low = pool->count < pool->target / 2;
	raw_spin_unlock(&pool->ready_lock);

	if (low)
		sockstat_later_ask(&pool->refill);
	if (record)
		*(void **)record = NULL;
	return record;
}

/**
 * sockstat_pool_put() - return a record to its pool
 * @pool: the pool that the record came from
 * @record: a record to which no reference is left
 *
 * Context: process, may sleep.
 */
void sockstat_pool_put(struct sockstat_pool *pool, void *record)
{
	memset(record, 0, pool->size);
	if (!pool_put_ready(pool, record, true))
		kmem_cache_free(pool->cache, record);
}

/**
 * sockstat_pool_init() - create a pool and fill it
 * @pool: the pool
 * @name: name of its slab cache
 * @size: size of a record in bytes
 * @target: number of free records to keep
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM with everything freed again.
 */
int sockstat_pool_init(struct sockstat_pool *pool, const char *name, size_t size,
		       unsigned int target)
{
	pool->cache = kmem_cache_create(name, size, 0, 0, NULL);
	if (!pool->cache)
		return -ENOMEM;
	pool->size = size;
	raw_spin_lock_init(&pool->ready_lock);
	pool->target = target;
	sockstat_later_init(&pool->refill, pool_refill, 0);
	sockstat_pool_fill(pool);
	if (pool->count == target)
		return 0;
	sockstat_pool_destroy(pool);
	return -ENOMEM;
}

/**
 * sockstat_pool_destroy() - free a pool's records and its slab cache
 * @pool: a pool that is not used any more, with all records returned
 *
 * Context: process, may sleep.
 */
void sockstat_pool_destroy(struct sockstat_pool *pool)
{
	sockstat_later_cancel(&pool->refill);
	while (pool->ready) {
		void *record = pool->ready;

		pool->ready = *(void **)record;
		kmem_cache_free(pool->cache, record);
	}
	pool->count = 0;
	kmem_cache_destroy(pool->cache);
}
