// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table with open addressing, without locks. It grows in process context
 * only, so that a mark can always be set while spinlocks are held.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "visited.h"

/* Logarithm of the number of slots at first. */
#define SLOTS_BITS 9

#define MARK_HIDDEN BIT(SOCKSTAT_VISITED_MARKS)

static atomic64_t visited_number;

/**
 * sockstat_visited_now() - get the number of the last snapshot that has begun
 *
 * Context: any.
 * Return: the number for @born of a record that is being made.
 */
u64 sockstat_visited_now(void)
{
	return atomic64_read(&visited_number);
}

/**
 * sockstat_visited_begin() - begin a snapshot
 * @v: filled in; call sockstat_visited_reserve() before marks are set
 *
 * Context: any.
 */
void sockstat_visited_begin(struct sockstat_visited *v)
{
	*v = (struct sockstat_visited){ .number = atomic64_inc_return(&visited_number) };
}

/* Find the slot of a part, or the empty one where it would be. */
static struct sockstat_visited_slot *visited_probe(const struct sockstat_visited *v, u64 who,
						   u32 part)
{
	u32 mask = BIT(v->bits) - 1, i = hash_64(who + part, v->bits);
	struct sockstat_visited_slot *slot = &v->slots[i];

	while (slot->marks && (slot->who != who || slot->part != part)) {
		i = (i + 1) & mask;
		slot = &v->slots[i];
	}
	return slot;
}

/**
 * sockstat_visited_find() - find the slot of a part, or the empty one for it
 * @v: the snapshot, with room for the slot
 * @who: as in &struct sockstat_visited_slot
 * @part: likewise
 *
 * Context: any.
 * Return: @v->last, which is set to the slot. An empty one is made the part's by
 * sockstat_visited_add_to_last().
 */
struct sockstat_visited_slot *sockstat_visited_find(struct sockstat_visited *v, u64 who, u32 part)
{
	v->last_who = who;
	v->last_part = part;
	v->last = visited_probe(v, who, part);
	return v->last;
}

static u64 visited_pid(const struct pid *pid)
{
	return (unsigned long)pid;
}

/**
 * sockstat_visited_hides() - whether the snapshot's reader may not see a process
 * @v: the snapshot, after the walk of all descriptor tables
 * @p: a record of the process
 *
 * Context: any.
 */
bool sockstat_visited_hides(struct sockstat_visited *v, const struct sockstat_process *p)
{
	return visited_probe(v, visited_pid(p->pid), p->exec_id)->marks & MARK_HIDDEN;
}

/**
 * sockstat_visited_hide() - note that the snapshot's reader may not see a process
 * @v: the snapshot, with room for it
 * @caller: the process
 *
 * Context: any.
 */
void sockstat_visited_hide(struct sockstat_visited *v, const struct sockstat_caller *caller)
{
	u64 who = visited_pid(caller->pid);

	if (sockstat_visited_find(v, who, caller->exec_id)->marks & MARK_HIDDEN)
		return;
	sockstat_visited_add_to_last(v, MARK_HIDDEN);
	/* with the reference, its address is not another process's before the snapshot ends */
	get_pid(caller->pid);
}

/* The logarithm of a number of slots of which half are enough for a slot per connection. */
static unsigned int visited_bits_for(unsigned int conns)
{
	return max_t(unsigned int, order_base_2(conns + SOCKSTAT_VISITED_BATCH) + 1, SLOTS_BITS);
}

static int visited_grow(struct sockstat_visited *v, unsigned int bits)
{
	struct sockstat_visited old = *v;
	size_t i, n = old.bits ? BIT(old.bits) : 0;

	v->bits = bits;
	v->last = NULL;
	v->slots = kvcalloc(BIT(v->bits), sizeof(*v->slots), GFP_KERNEL_ACCOUNT);
	if (!v->slots) {
		*v = old;
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		const struct sockstat_visited_slot *slot = &old.slots[i];

		if (slot->marks)
			*visited_probe(v, slot->who, slot->part) = *slot;
		if (!(i % 1024))
			cond_resched();
	}
	kvfree(old.slots);
	return 0;
}

/**
 * sockstat_visited_reserve() - make room for SOCKSTAT_VISITED_BATCH marks
 * @v: the snapshot
 * @conns: about how many connections it will mark altogether; the first call makes
 *         room for them, so that the table need not grow step by step
 *
 * At least half of the slots are empty before and after these marks are set.
 * The memory is charged to current.
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int sockstat_visited_reserve(struct sockstat_visited *v, unsigned int conns)
{
	BUILD_BUG_ON(2 * SOCKSTAT_VISITED_BATCH > BIT(SLOTS_BITS));
	if (v->bits && v->used + SOCKSTAT_VISITED_BATCH <= BIT(v->bits) / 2)
		return 0;
	return visited_grow(v, v->bits ? v->bits + 1 : visited_bits_for(conns));
}

/**
 * sockstat_visited_end() - end a snapshot
 * @v: the snapshot, of which nothing is left
 *
 * Context: process, may sleep.
 */
void sockstat_visited_end(struct sockstat_visited *v)
{
	size_t i, n = v->bits ? BIT(v->bits) : 0;

	for (i = 0; i < n; i++) {
		if (v->slots[i].marks & MARK_HIDDEN)
			put_pid((struct pid *)(unsigned long)v->slots[i].who);
		if (!(i % 1024))
			cond_resched();
	}
	kvfree(v->slots);
	v->slots = NULL;
	v->last = NULL;
	v->bits = 0;
	v->used = 0;
}
