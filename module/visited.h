/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records that a snapshot has dealt with: how it shows every descriptor and
 * every byte once.
 *
 * A snapshot makes its rows in three passes: (1) a walk of all descriptor tables,
 * (2) the table, (3) the history. It drops its locks in between, so connections
 * and holders come, go and move from the table to the history meanwhile, and a
 * pass that pauses within a bucket meets some records again. The snapshot
 * therefore notes the records that it has dealt with, in a &struct
 * sockstat_visited of its own: records have no marks, so any number of snapshots
 * may run at once and know nothing of each other. There are four marks:
 *
 *   SEEN    (connection) A row shows it as open, so it needs a row without a
 *           process only if there are bytes of no holder.
 *   RESTED  (connection) Pass 2 or 3 has dealt with the bytes of no holder.
 *   HOLDER  (holder) Pass 1 found the descriptor, or pass 2 or 3 has dealt with it.
 *           Pass 1 finds it again if threads share a table: no second row. If pass
 *           2 or 3 finds it without the mark, the descriptor is taken to be
 *           closed, unless its number is unknown.
 *   HIDDEN  (process) Pass 1 did not visit it, as the reader may not look into it.
 *           While a connection is in the table, a hidden process's holders get no
 *           row: an open descriptor would look closed.
 *
 * Memory of records is recycled, so addresses do not tell records apart. A
 * connection is known by its bucket and by how many were made there before it, a
 * holder by its connection and by how many holders were made before it, a process
 * by its struct pid, of which the set holds a reference, and exec_id.
 *
 * Besides, @born of a connection or holder is the number of the last snapshot that
 * had begun when the record was made. A record that is born during a snapshot is
 * left to a later one if this one may have a row for the descriptor or its bytes
 * already; see row_is_for_next_snapshot(). The number is taken before pass 1, which
 * locks the bucket of each descriptor, and @born is set under the same lock. So a
 * record that pass 1 could not find is born during this snapshot.
 */
#ifndef SOCKSTAT_VISITED_H
#define SOCKSTAT_VISITED_H

#include <linux/bits.h>
#include <linux/types.h>

#include "conn.h"

/*
 * Number of marks that can be set between two calls of sockstat_visited_reserve().
 * A descriptor or a row takes two at most: one of its connection, one of its holder.
 */
#define SOCKSTAT_VISITED_BATCH 160

enum sockstat_conn_mark { SOCKSTAT_CONN_SEEN, SOCKSTAT_CONN_RESTED, SOCKSTAT_CONN_MARKS };

/* Marks of a slot. The last bit of &sockstat_visited_slot.marks is never a connection's. */
#define SOCKSTAT_VISITED_MARKS 31

/**
 * struct sockstat_visited_slot - marks of a connection, or of a process
 * @who: bucket and serial of a connection, or the address of a struct pid
 * @part: SOCKSTAT_VISITED_MARKS * @part is the number of the connection's first mark
 *        that is in this slot; or the exec_id
 * @marks: the marks, 0 if the slot is empty
 */
struct sockstat_visited_slot {
	u64 who;
	u32 part;
	u32 marks;
};

/**
 * struct sockstat_visited - the records that one snapshot has dealt with
 * @number: number of the snapshot
 * @slots: hash table of marks
 * @last: the slot that was found last, which is often the next one too, or NULL; if it
 *        is empty, it is where the slot of (@last_who, @last_part) would be
 * @last_who: @who that was looked for last
 * @last_part: @part that was looked for last
 * @bits: logarithm of the number of slots, 0 if there are none
 * @used: number of slots that are not empty
 *
 * Only the process that takes the snapshot uses it.
 */
struct sockstat_visited {
	u64 number;
	struct sockstat_visited_slot *slots;
	struct sockstat_visited_slot *last;
	u64 last_who;
	u32 last_part;
	unsigned int bits;
	unsigned int used;
};

u64 sockstat_visited_now(void);
void sockstat_visited_begin(struct sockstat_visited *v);
int sockstat_visited_reserve(struct sockstat_visited *v, unsigned int conns);
void sockstat_visited_end(struct sockstat_visited *v);

struct sockstat_visited_slot *sockstat_visited_find(struct sockstat_visited *v, u64 who, u32 part);
bool sockstat_visited_hides(struct sockstat_visited *v, const struct sockstat_process *p);
void sockstat_visited_hide(struct sockstat_visited *v, const struct sockstat_caller *caller);

/* Find the slot of a connection's mark, or the empty one where it would be. */
static inline struct sockstat_visited_slot *
sockstat_visited_slot_of(struct sockstat_visited *v, const struct sockstat_conn *conn, u32 nr)
{
	u64 who = (u64)conn->bucket << 32 | conn->serial;
	u32 part = nr / SOCKSTAT_VISITED_MARKS;

	if (v->last && v->last_who == who && v->last_part == part)
		return v->last;
	return sockstat_visited_find(v, who, part);
}

/* Set marks in the slot that was found last. */
static inline void sockstat_visited_add_to_last(struct sockstat_visited *v, u32 marks)
{
	struct sockstat_visited_slot *slot = v->last;

	if (!slot->marks) {
		slot->who = v->last_who;
		slot->part = v->last_part;
		v->used++;
	}
	slot->marks |= marks;
}

static inline bool sockstat_visited_test_nr(struct sockstat_visited *v,
					    const struct sockstat_conn *conn, u32 nr)
{
	return sockstat_visited_slot_of(v, conn, nr)->marks & BIT(nr % SOCKSTAT_VISITED_MARKS);
}

static inline bool sockstat_visited_mark_nr(struct sockstat_visited *v,
					    const struct sockstat_conn *conn, u32 nr)
{
	bool was = sockstat_visited_test_nr(v, conn, nr);

	if (!was)
		sockstat_visited_add_to_last(v, BIT(nr % SOCKSTAT_VISITED_MARKS));
	return was;
}

/**
 * sockstat_visited_test_conn() - whether a connection has a mark
 * @v: the snapshot
 * @conn: the connection
 * @mark: the mark
 *
 * Context: any, the connection locked.
 */
static inline bool sockstat_visited_test_conn(struct sockstat_visited *v,
					      const struct sockstat_conn *conn,
					      enum sockstat_conn_mark mark)
{
	return sockstat_visited_test_nr(v, conn, mark);
}

/**
 * sockstat_visited_mark_conn() - mark a connection
 * @v: the snapshot
 * @conn: the connection
 * @mark: the mark
 *
 * Context: any, the connection locked.
 * Return: whether it had the mark already.
 */
static inline bool sockstat_visited_mark_conn(struct sockstat_visited *v,
					      const struct sockstat_conn *conn,
					      enum sockstat_conn_mark mark)
{
	return sockstat_visited_mark_nr(v, conn, mark);
}

/**
 * sockstat_visited_test_holder() - whether a holder is marked
 * @v: the snapshot
 * @conn: its connection
 * @h: the holder
 *
 * Context: any, the connection locked.
 */
static inline bool sockstat_visited_test_holder(struct sockstat_visited *v,
						const struct sockstat_conn *conn,
						const struct sockstat_holder *h)
{
	return sockstat_visited_test_nr(v, conn, SOCKSTAT_CONN_MARKS + h->nr);
}

/**
 * sockstat_visited_mark_holder() - mark a holder
 * @v: the snapshot
 * @conn: its connection
 * @h: the holder
 *
 * Context: any, the connection locked.
 * Return: whether it was marked already.
 */
static inline bool sockstat_visited_mark_holder(struct sockstat_visited *v,
						const struct sockstat_conn *conn,
						const struct sockstat_holder *h)
{
	return sockstat_visited_mark_nr(v, conn, SOCKSTAT_CONN_MARKS + h->nr);
}

/**
 * sockstat_visited_born_during() - whether a record was made during the snapshot
 * @v: the snapshot
 * @born: @born of the connection or holder
 *
 * Context: any.
 */
static inline bool sockstat_visited_born_during(const struct sockstat_visited *v, u64 born)
{
	return born >= v->number;
}

#endif /* SOCKSTAT_VISITED_H */
