/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the connections are kept: the lock, the memory, the lifetime. */
#ifndef SOCKSTAT_TABLE_H
#define SOCKSTAT_TABLE_H

#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>

#include "conn.h"
#include "lock.h"

#define SOCKSTAT_TABLE_BITS 15

struct sockstat_bucket {
	raw_spinlock_t lock; /* protects all of the connections in @head */
	struct hlist_head head;
};

/**
 * struct sockstat_place - where a socket's connection is, or would be
 * @bucket: locked
 * @flags: interrupts as they were
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
 * sockstat_table_lock() - find a connection and keep it, and its socket, still
 * @place: for sockstat_table_unlock()
 * @sk: the socket
 *
 * Context: any but NMI; the caller keeps @sk from going away.
 * Return: the connection, valid until sockstat_table_unlock(), which is to be
 * called also for NULL.
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
 * @place: from there
 *
 * Context: as left by sockstat_table_lock().
 */
static inline void sockstat_table_unlock(struct sockstat_place *place)
	__releases(place->bucket->lock)
{
	raw_spin_unlock_irqrestore(&place->bucket->lock, place->flags);
}

/* Under RCU, or not preemptible. */
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
 * Context: any; nobody else has @sk, whose record could come or go.
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
 * sockstat_table_again() - count a call if its maker made the last one, too
 * @sk: the socket
 * @flow: which direction
 * @caller: who calls
 *
 * The hot path: takes no lock. As nothing changes hands, what moved need not
 * be booked now.
 *
 * Context: not preemptible; the caller keeps @sk from going away.
 * Return: false if this is for sockstat_conn_enter().
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
