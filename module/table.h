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
	raw_spinlock_t lock; /* protects @made and all connections in @head */
	u32 made;	     /* connections that @head has got so far, the newest first */
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

struct sockstat_conn *sockstat_table_new(struct sock *sk);
struct sockstat_past *sockstat_table_past(struct sockstat_conn *conn);
void sockstat_table_remove(struct sockstat_conn *conn, bool keep);
/**
 * struct sockstat_table_pass - position of a pass over the table
 * @bucket: index of the bucket to visit next
 * @inside: the pass stopped within that bucket
 * @serial: if @inside, serial of the connection at which it stopped
 *
 * All zero at the beginning of a pass.
 */
struct sockstat_table_pass {
	unsigned int bucket;
	u32 serial;
	bool inside;
};

bool sockstat_table_for_each(struct sockstat_table_pass *pass,
			     bool (*show)(struct sockstat_conn *conn, void *arg), void *arg);
void sockstat_table_refill(void);
void sockstat_table_trim(void);
u64 sockstat_table_dropped(void);
unsigned int sockstat_table_count(void);

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

/**
 * sockstat_table_find() - find a socket's connection without a lock
 * @sk: the socket
 *
 * Context: under RCU or not preemptible, which keep the record; no event of @sk may
 * remove it meanwhile, or the caller may get one that is no longer in the table.
 * Return: the connection, or NULL.
 */
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

#endif /* SOCKSTAT_TABLE_H */
