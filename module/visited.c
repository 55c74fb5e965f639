// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table with open addressing, without locks. It grows in process context
 * only, so that a mark can always be set while spinlocks are held.
 */
#include <linux/hash.h>
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
static struct sockstat_visited_slot *visited_find(const struct sockstat_visited *v, u64 who,
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
 * sockstat_visited_marks() - get the marks of a slot
 * @v: the snapshot
 * @who: as in &struct sockstat_visited_slot
 * @part: likewise
 *
 * Context: any.
 * Return: the marks, 0 if there is no such slot.
 */
u32 sockstat_visited_marks(struct sockstat_visited *v, u64 who, u32 part)
{
	struct sockstat_visited_slot *slot = visited_find(v, who, part);

	if (slot->marks)
		v->last = slot;
	return slot->marks;
}

/**
 * sockstat_visited_add() - add marks to a slot, which is made if missing
 * @v: the snapshot, with room for it
 * @who: as in &struct sockstat_visited_slot
 * @part: likewise
 * @marks: the marks
 *
 * Context: any.
 */
void sockstat_visited_add(struct sockstat_visited *v, u64 who, u32 part, u32 marks)
{
	struct sockstat_visited_slot *slot = visited_find(v, who, part);

	if (!slot->marks) {
		slot->who = who;
		slot->part = part;
		v->used++;
	}
	slot->marks |= marks;
	v->last = slot;
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
	return sockstat_visited_marks(v, visited_pid(p->pid), p->exec_id) & MARK_HIDDEN;
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

	if (sockstat_visited_marks(v, who, caller->exec_id) & MARK_HIDDEN)
		return;
	sockstat_visited_add(v, who, caller->exec_id, MARK_HIDDEN);
	/* with the reference, its address is not another process's before the snapshot ends */
	get_pid(caller->pid);
}

static int visited_grow(struct sockstat_visited *v)
{
	struct sockstat_visited old = *v;
	size_t i, n = old.bits ? BIT(old.bits) : 0;

	v->bits = n ? old.bits + 1 : SLOTS_BITS;
	v->last = NULL;
	v->slots = kvcalloc(BIT(v->bits), sizeof(*v->slots), GFP_KERNEL_ACCOUNT);
	if (!v->slots) {
		*v = old;
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		const struct sockstat_visited_slot *slot = &old.slots[i];

		if (slot->marks)
			*visited_find(v, slot->who, slot->part) = *slot;
		if (!(i % 1024))
			cond_resched();
	}
	kvfree(old.slots);
	return 0;
}

/**
 * sockstat_visited_reserve() - make room for SOCKSTAT_VISITED_BATCH marks
 * @v: the snapshot
 *
 * At least half of the slots are empty before and after these marks are set.
 * The memory is charged to current.
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int sockstat_visited_reserve(struct sockstat_visited *v)
{
	BUILD_BUG_ON(2 * SOCKSTAT_VISITED_BATCH > BIT(SLOTS_BITS));
	if (v->bits && v->used + SOCKSTAT_VISITED_BATCH <= BIT(v->bits) / 2)
		return 0;
	return visited_grow(v);
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
