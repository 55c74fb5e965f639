/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of connections: their locks, memory and lifetime. */
#ifndef SOCKSTAT_TABLE_H
#define SOCKSTAT_TABLE_H

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>

#include "conn.h"
#include "lock.h"

#define SOCKSTAT_TABLE_BITS 15

struct sockstat_bucket {
	raw_spinlock_t lock; /* protects all connections in @head */
	struct hlist_head head;
};

/**
 * struct sockstat_place - the locked bucket of a socket
 * @bucket: the bucket that has the socket's connection, or would have it
 * @flags: saved interrupt state
 */
struct sockstat_place {
	struct sockstat_bucket *bucket;
	unsigned long flags;
};

extern struct sockstat_bucket *sockstat_table;

int sockstat_table_init(void);
void sockstat_table_exit(void);

bool sockstat_table_tracks(const struct sock *sk);
struct sockstat_conn *sockstat_table_new(struct sock *sk);
struct sockstat_past *sockstat_table_past(struct sockstat_conn *conn);
void sockstat_table_remove(struct sockstat_conn *conn, bool keep);
bool sockstat_table_for_each(unsigned int *place,
			     bool (*show)(struct sockstat_conn *conn, void *arg), void *arg);

/*
 * Generations: how a snapshot shows every descriptor and every byte once
 *
 * A snapshot makes its rows in three passes: (1) a walk of all descriptor tables,
 * (2) the table, (3) the history. It drops its locks in between, so connections
 * and holders come, go and move from the table to the history meanwhile. Each
 * snapshot therefore gets a number, its generation (never 0), and leaves it as a
 * mark on the records that it has dealt with. A mark is set if it equals the
 * generation of the current snapshot, so none has to be cleared. One set of marks
 * is enough, as snapshot.c takes one snapshot at a time.
 *
 *   holder->seen     pass 1 found the descriptor, or pass 2 or 3 has dealt with it.
 *                    Pass 1 finds it again if threads share a table: no second row.
 *                    If pass 2 or 3 finds it not set, the descriptor is taken to
 *                    be closed, unless its number is unknown.
 *   conn->seen       a row shows the connection as open, so that it needs a row
 *                    without a process only if there are bytes of no holder.
 *   conn->shown      pass 2 or 3 has dealt with the bytes of no holder.
 *   process->hidden  pass 1 did not visit the process, as the reader may not look
 *                    into it. While the connection is in the table its holders get
 *                    no row: an open descriptor would look closed.
 *   holder->born,    generation when the record was made: of the snapshot that was
 *   conn->born       running then, or was the last one.
 *
 * A record that is born during a snapshot is left to the next one if this one may
 * have a row for the descriptor or its bytes already:
 * - the connection is open: pass 1 shows a descriptor also without a record of it;
 * - conn->seen or conn->shown is set;
 * - the connection is older than the module: it may have had no record in pass 1.
 * Otherwise the connection began and ended during the snapshot: it gets its rows.
 *
 * The generation begins before pass 1, which locks the bucket of each descriptor,
 * and born is set under the same lock. So a record that pass 1 could not find has
 * the generation of this snapshot.
 */
u32 sockstat_table_snapshot_begin(void);
u32 sockstat_table_generation(void);
void sockstat_table_refill(void);
void sockstat_table_trim(void);
u64 sockstat_table_dropped(void);

static inline struct sockstat_bucket *sockstat_table_bucket(const struct sock *sk)
{
	return &sockstat_table[hash_ptr(sk, SOCKSTAT_TABLE_BITS)];
}

/**
 * sockstat_table_lock() - find a socket's connection and lock its bucket
 * @place: filled in for sockstat_table_unlock()
 * @sk: the socket
 *
 * The lock also keeps the sockets of all connections in the bucket, as the
 * handler of tcp_destroy_sock takes it.
 *
 * Context: any but NMI; the caller keeps @sk from going away.
 * Return: the connection, valid until sockstat_table_unlock(); NULL if there is
 * none. The bucket is locked in both cases.
 */
static inline struct sockstat_conn *sockstat_table_lock(struct sockstat_place *place,
							const struct sock *sk)
	__acquires(place->bucket->lock)
{
	struct sockstat_conn *conn;

	place->bucket = sockstat_table_bucket(sk);
	sockstat_lock_irqsave(&place->bucket->lock, place->flags);
	hlist_for_each_entry(conn, &place->bucket->head, node)
		if (conn->sk == sk)
			return conn;
	return NULL;
}

/**
 * sockstat_table_unlock() - undo sockstat_table_lock()
 * @place: as filled in by sockstat_table_lock()
 *
 * Context: as left by sockstat_table_lock().
 */
static inline void sockstat_table_unlock(struct sockstat_place *place)
	__releases(place->bucket->lock)
{
	raw_spin_unlock_irqrestore(&place->bucket->lock, place->flags);
}

/* The connection of a socket, or NULL. RCU keeps it: call under RCU or not preemptible. */
static __always_inline struct sockstat_conn *sockstat_table_find(const struct sock *sk)
{
	struct sockstat_conn *conn;

	hlist_for_each_entry_rcu(conn, &sockstat_table_bucket(sk)->head, node)
		if (READ_ONCE(conn->sk) == sk)
			return conn;
	return NULL;
}

/**
 * sockstat_table_has() - whether there is a record of a socket
 * @sk: the socket
 *
 * Context: any; no event of @sk may make or remove its record meanwhile.
 */
static inline bool sockstat_table_has(const struct sock *sk)
{
	bool has;

	rcu_read_lock();
	has = sockstat_table_find(sk);
	rcu_read_unlock();
	return has;
}

/**
 * sockstat_table_again() - count a call by the same caller as the one before
 * @sk: the socket
 * @flow: the direction
 * @caller: the process and descriptor that make the call
 *
 * The fast path, without a lock. As the creditor of the flow stays the same, the
 * bytes that have moved may be booked by a later call.
 *
 * Context: not preemptible; the caller keeps @sk from going away.
 * Return: false if nothing was counted: call sockstat_conn_enter() instead.
 */
static __always_inline bool sockstat_table_again(const struct sock *sk, enum sockstat_flow flow,
						 const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn = sockstat_table_find(sk);
	struct sockstat_holder *h;

	if (unlikely(!conn))
		return false;
	h = READ_ONCE(conn->creditor[flow]);
	if (unlikely(!h || !sockstat_holder_is(h, caller) ||
		     !sockstat_ledger_may_wait(&conn->ledger, sk, flow)))
		return false;
	atomic64_inc(&h->calls[flow]);
	return true;
}

#endif /* SOCKSTAT_TABLE_H */
