// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table of connections by socket. Under the lock of its bucket a record may
 * be changed and conn->sk be used: the handler of tcp_destroy_sock takes that lock
 * and removes the record before the socket's memory is freed.
 *
 * The locks are raw spinlocks, because handlers must not sleep on PREEMPT_RT.
 * For the same reason records are taken from pools and freed by a work item; it
 * waits for a grace period, since sockstat_conn_again() takes no lock.
 *
 * Lock order: bucket -> bucket of processes -> pool, and bucket -> history_lock.
 */
#include "compat.h"
#include "history.h"
#include "later.h"
#include "pool.h"
#include "table.h"
#include "visited.h"

#define TABLE_SIZE BIT(SOCKSTAT_TABLE_BITS)

/* Free records to keep: they have to last until the refill work runs. */
#define CONNS_READY 2048

/* How many connections of a bucket a pass visits before it releases the lock. */
#define PASS_CONNS 32

/*
 * Delay of table_reap(): long enough for many records to share a grace period,
 * short enough for most to return before the pool has to be refilled.
 */
#define REAP_DELAY msecs_to_jiffies(10)

struct sockstat_bucket *sockstat_table;
static struct sockstat_pool table_conn_pool;
static struct sockstat_pool table_past_pool;
static LLIST_HEAD(table_dead);

static struct sockstat_later table_reap_later;

static_assert(SOCKSTAT_TABLE_BITS <= 16); /* sockstat_conn.bucket */

/**
 * sockstat_table_new() - make a record of a socket
 * @sk: a socket without a record
 *
 * Context: between sockstat_table_lock() and sockstat_table_unlock().
 * Return: the record, in the table, valid until sockstat_table_unlock(); NULL (and
 * counted) if none is free. All is zero in it but what tells it from other records.
 */
struct sockstat_conn *sockstat_table_new(struct sock *sk)
{
	struct sockstat_bucket *b = sockstat_table_bucket(sk);
	struct sockstat_conn *conn;

	lockdep_assert_held(&b->lock);
	conn = sockstat_pool_get(&table_conn_pool);
	if (!conn)
		return NULL;
	conn->sk = sk;
	conn->born = sockstat_visited_now();
	conn->serial = b->made++;
	conn->bucket = b - sockstat_table;
	hlist_add_head_rcu(&conn->node, &b->head);
	return conn;
}

/**
 * sockstat_table_past() - get the past of a connection, which is made if missing
 * @conn: a connection in the table, locked
 *
 * Context: any but NMI.
 * Return: @conn->past, which stays as long as @conn; NULL (and counted) if it was
 * missing and no record is free.
 */
struct sockstat_past *sockstat_table_past(struct sockstat_conn *conn)
{
	if (!conn->past) {
		conn->past = sockstat_pool_get(&table_past_pool);
		if (conn->past)
			conn->past->conn = conn;
	}
	return conn->past;
}

/**
 * sockstat_table_remove() - remove a connection from the table
 * @conn: a connection in the table, locked
 * @keep: move it to the history, it has a past; else it is freed
 *
 * Context: any but NMI. The caller must not use @conn any more.
 */
void sockstat_table_remove(struct sockstat_conn *conn, bool keep)
{
	bool work;

	lockdep_assert_held(&sockstat_table_bucket(conn->sk)->lock);
	WRITE_ONCE(conn->sk, NULL);
	/*
	 * First into the history: sockstat_table_for_each() looks without the lock whether
	 * a bucket is empty, and the pass over the history may follow at once. The grace
	 * period before the record is freed does not end here, as interrupts are off.
	 */
	work = keep ? sockstat_history_add(conn->past) : llist_add(&conn->dead, &table_dead);
	hlist_del_rcu(&conn->node);
	if (work)
		sockstat_table_trim();
}

/* Whether a connection is newer than the one at which a pass stopped within its bucket. */
static bool table_pass_is_past(const struct sockstat_table_pass *pass,
			       const struct sockstat_conn *conn)
{
	return pass->inside && (s32)(conn->serial - pass->serial) > 0;
}

/* Continue a pass in its bucket; false if it stops there, with pass->inside set. */
static bool table_pass_bucket(struct sockstat_table_pass *pass,
			      bool (*show)(struct sockstat_conn *conn, void *arg), void *arg)
{
	struct sockstat_bucket *b = &sockstat_table[pass->bucket];
	unsigned int left = PASS_CONNS;
	struct sockstat_conn *conn;
	unsigned long flags;
	bool done = true;

	raw_spin_lock_irqsave(&b->lock, flags);
	hlist_for_each_entry(conn, &b->head, node) {
		if (table_pass_is_past(pass, conn))
			continue;
		done = left-- && show(conn, arg);
		if (done)
			continue;
		pass->serial = conn->serial;
		break;
	}
	raw_spin_unlock_irqrestore(&b->lock, flags);
	pass->inside = !done;
	return done;
}

/**
 * sockstat_table_for_each() - begin or continue a pass over the table
 * @pass: position of the pass
 * @show: called for each connection, locked; returns false if it wants to get the
 *        same connection again, in the next call
 * @arg: passed to @show
 *
 * Returns when @show returns false, and after a bounded number of connections in
 * one bucket. Connections may be added and removed between calls.
 *
 * Context: process; calls @show in atomic context.
 * Return: whether the pass is complete.
 */
bool sockstat_table_for_each(struct sockstat_table_pass *pass,
			     bool (*show)(struct sockstat_conn *conn, void *arg), void *arg)
{
	for (; pass->bucket < TABLE_SIZE; pass->bucket++) {
		/* a connection that is being added may be missed; see sockstat_table_remove() */
		if (!READ_ONCE(sockstat_table[pass->bucket].head.first))
			continue;
		if (!table_pass_bucket(pass, show, arg))
			return false;
		cond_resched();
	}
	return true;
}

static void table_free_conn(struct sockstat_conn *conn)
{
	sockstat_holder_free_all(&conn->holders);
	sockstat_pool_put(&table_conn_pool, conn);
}

/* Prepend the connections that the history must give up to a list; return the new one. */
static struct llist_node *table_evict(struct llist_node *gone)
{
	struct sockstat_past *past, *next;
	struct list_head evicted;

	while (sockstat_history_evict(&evicted)) {
		list_for_each_entry_safe(past, next, &evicted, history) {
			struct sockstat_conn *conn = past->conn;

			sockstat_pool_put(&table_past_pool, past);
			conn->dead.next = gone;
			gone = &conn->dead;
			cond_resched();
		}
	}
	return gone;
}

static void table_reap(struct sockstat_later *later)
{
	struct llist_node *gone = table_evict(llist_del_all(&table_dead));
	struct sockstat_conn *conn, *next;

	if (!gone)
		return;
	synchronize_rcu();
	llist_for_each_entry_safe(conn, next, gone, dead) {
		table_free_conn(conn);
		cond_resched();
	}
}

/**
 * sockstat_table_trim() - request that closed rows above the limit be freed
 *
 * Context: any, raw spinlocks may be held. A work item frees them later.
 */
void sockstat_table_trim(void)
{
	sockstat_later_ask(&table_reap_later);
}

/**
 * sockstat_table_refill() - fill the pools that a snapshot takes records from
 *
 * Context: process, may sleep.
 */
void sockstat_table_refill(void)
{
	sockstat_pool_fill(&table_conn_pool);
	sockstat_pool_fill(&table_past_pool);
	sockstat_holder_refill();
}

/**
 * sockstat_table_dropped() - count the failures to make a record
 *
 * Context: any.
 */
u64 sockstat_table_dropped(void)
{
	return READ_ONCE(table_conn_pool.empty) + READ_ONCE(table_past_pool.empty) +
	       sockstat_holder_dropped();
}

/**
 * sockstat_table_count() - count the records of connections, in the history too
 *
 * Context: any.
 */
unsigned int sockstat_table_count(void)
{
	return READ_ONCE(table_conn_pool.used);
}

static int table_alloc(void)
{
	unsigned int i;

	sockstat_table = kvmalloc_array(TABLE_SIZE, sizeof(*sockstat_table), GFP_KERNEL);
	if (!sockstat_table)
		return -ENOMEM;
	for (i = 0; i < TABLE_SIZE; i++) {
		raw_spin_lock_init(&sockstat_table[i].lock);
		INIT_HLIST_HEAD(&sockstat_table[i].head);
		sockstat_table[i].made = 0;
	}
	return 0;
}

/**
 * sockstat_table_init() - create an empty table and the pools
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM with everything freed again.
 */
int sockstat_table_init(void)
{
	int err;

	err = table_alloc();
	if (err)
		return err;
	sockstat_later_init(&table_reap_later, table_reap, REAP_DELAY);
	err = sockstat_pool_init(&table_conn_pool, "sockstat_conn", sizeof(struct sockstat_conn),
				 CONNS_READY);
	if (err)
		goto err_table;
	err = sockstat_pool_init(&table_past_pool, "sockstat_past", sizeof(struct sockstat_past),
				 CONNS_READY);
	if (err)
		goto err_conns;
	err = sockstat_holder_init();
	if (err)
		goto err_pasts;
	return 0;

err_pasts:
	sockstat_pool_destroy(&table_past_pool);
err_conns:
	sockstat_pool_destroy(&table_conn_pool);
err_table:
	kvfree(sockstat_table);
	return err;
}

/**
 * sockstat_table_exit() - free the table, the history and the pools
 *
 * Context: process, may sleep; all probes and /proc files are gone.
 */
void sockstat_table_exit(void)
{
	unsigned int i;

	sockstat_later_cancel(&table_reap_later);
	sockstat_history_limit(0);
	table_reap(NULL);
	for (i = 0; i < TABLE_SIZE; i++) {
		struct sockstat_conn *conn;
		struct hlist_node *next;

		hlist_for_each_entry_safe(conn, next, &sockstat_table[i].head, node) {
			if (conn->past)
				sockstat_pool_put(&table_past_pool, conn->past);
			table_free_conn(conn);
		}
		cond_resched();
	}
	sockstat_pool_destroy(&table_past_pool);
	sockstat_pool_destroy(&table_conn_pool);
	sockstat_holder_exit();
	kvfree(sockstat_table);
}
