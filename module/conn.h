/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of a connection, and the events that change it. */
#ifndef SOCKSTAT_CONN_H
#define SOCKSTAT_CONN_H

#include <linux/list.h>
#include <linux/llist.h>

#include "holder.h"
#include "ident.h"
#include "ledger.h"
#include "moment.h"

struct sock;
struct sockstat_place;

#define SOCKSTAT_CONN_STARTED BIT(0) /* a connection was begun: connect() or a handshake */
#define SOCKSTAT_CONN_DEAD BIT(1)    /* it has ended, and @past has been filled in */
#define SOCKSTAT_CONN_CLOSED BIT(2)  /* tcp_close() was called: no file refers to it */
#define SOCKSTAT_CONN_LEAVING BIT(3) /* tcp_disconnect() was called: the totals are final */

/**
 * struct sockstat_past - data of an ended connection for its row
 * @history: link in the history, once the connection has left the table
 * @conn: the connection
 * @seq: in the history: number of its first row
 * @id: addresses and numbers, copied before the socket loses them
 * @closed: tcp_close() or TCP_CLOSE, whichever came first
 * @error: errno with which it failed or ended, ECANCELED if this side gave it up
 *         before the handshake was complete, or 0
 */
struct sockstat_past {
	struct list_head history;
	struct sockstat_conn *conn;
	u64 seq;
	struct sockstat_ident id;
	struct sockstat_moment closed;
	s16 error;
};

/**
 * struct sockstat_conn - one connection, from its beginning to its closed row
 * @node: link in the table, as long as the record has a socket
 * @sk: the socket. It stays valid while the record is in the table, because the
 *      handler of tcp_destroy_sock removes the record; NULL after the removal
 * @creditor: the holder to which the next bytes of a flow are credited, or NULL
 * @ledger: bytes counted so far
 * @opened: connect(), or the handshake if accepted; not known if the module was
 *          not loaded then
 * @past: NULL until the connection is closed or dead, or for want of memory
 * @dead: link among the records to be freed, instead of @past
 * @born: number of the last snapshot that had begun when the record was made (see
 *        visited.h)
 * @serial: how many connections its bucket had got before, modulo 2^32
 * @bucket: index of its bucket, which with @serial tells it from all others
 * @flags: SOCKSTAT_CONN_*
 * @holders: the descriptors through which it was used
 *
 * In the table, the lock of its bucket protects a record ("locked" in the
 * comments), in the history, history_lock. sockstat_table_find() finds records in
 * the table under RCU instead, for sockstat_table_has() and sockstat_conn_again(),
 * hence a record is freed after a grace period.
 */
struct sockstat_conn {
	struct hlist_node node;
	struct sock *sk;
	struct sockstat_holder *creditor[SOCKSTAT_FLOWS];
	struct sockstat_ledger ledger;
	struct sockstat_moment opened;
	union {
		struct sockstat_past *past;
		struct llist_node dead;
	};
	u64 born;
	u32 serial;
	u16 bucket;
	u16 flags;
	struct sockstat_holders holders;
};

#ifdef CONFIG_64BIT
/* of these, 8 bytes are for DURATION, whose clock is another one than that of OPENED */
static_assert(sizeof(struct sockstat_conn) <= 200);
#endif

/* events, reported by hooks.c */
bool sockstat_conn_enter(struct sock *sk, enum sockstat_flow flow,
			 const struct sockstat_caller *caller);
void sockstat_conn_urgent(struct sock *sk, bool delivers);
void sockstat_conn_connect(struct sock *sk, const struct sockstat_caller *caller);
void sockstat_conn_syn(struct sock *sk);
void sockstat_conn_established(struct sock *sk, bool active);
void sockstat_conn_fin(struct sock *sk);
void sockstat_conn_dead(struct sock *sk);
void sockstat_conn_disconnect(struct sock *sk, const struct sockstat_caller *caller);
void sockstat_conn_close(struct sock *sk, const struct sockstat_caller *caller);
void sockstat_conn_destroy(struct sock *sk);
void sockstat_conn_failed(struct sock *sk, const struct sockstat_caller *caller, u16 family,
			  const union sockstat_addr *addr, __be16 port, int error);

/* for snapshots, called by row.c */
struct sockstat_conn *sockstat_conn_lock(struct sockstat_place *place, const struct sock *sk);
void sockstat_conn_settle(struct sockstat_conn *conn, enum sockstat_view view);
struct sockstat_holder *sockstat_conn_add_holder(struct sockstat_conn *conn,
						 const struct sockstat_caller *caller);
struct sockstat_conn *sockstat_conn_adopt(struct sock *sk, const struct sockstat_caller *caller);

/**
 * sockstat_conn_again() - count a call by the same caller as the one before
 * @conn: the connection that sockstat_table_find() has found for @sk, or NULL
 * @sk: the socket
 * @flow: the direction
 * @caller: the process and descriptor that make the call
 *
 * The fast path, without a lock. As the creditor of the flow stays the same, the
 * bytes that have moved may be booked by a later call.
 *
 * Context: not preemptible since @conn was found; the caller keeps @sk from going
 * away.
 * Return: false if nothing was counted: call sockstat_conn_enter() instead.
 */
static __always_inline bool sockstat_conn_again(struct sockstat_conn *conn, const struct sock *sk,
						enum sockstat_flow flow,
						const struct sockstat_caller *caller)
{
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

#endif /* SOCKSTAT_CONN_H */
