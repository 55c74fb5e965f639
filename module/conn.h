/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection, and what happens to it. */
#ifndef SOCKSTAT_CONN_H
#define SOCKSTAT_CONN_H

#include <linux/list.h>
#include <linux/llist.h>

#include "holder.h"
#include "ident.h"
#include "ledger.h"

struct sock;

#define SOCKSTAT_CONN_STARTED BIT(0) /* there was or is a connection */
#define SOCKSTAT_CONN_DEAD BIT(1)    /* it is over: TCP says CLOSE */
#define SOCKSTAT_CONN_CLOSED BIT(2)  /* its last descriptor is gone */
#define SOCKSTAT_CONN_LEAVING BIT(3) /* its socket is about to forget it */

/**
 * struct sockstat_past - what a connection's row says when it is over
 * @history: among the closed ones, once the socket is gone
 * @conn: whose past this is
 * @id: names, which the socket forgets
 * @closed: when it was closed or died, ns since 1970, or 0
 * @error: errno it failed or ended with, or 0
 */
struct sockstat_past {
	struct list_head history;
	struct sockstat_conn *conn;
	struct sockstat_ident id;
	s64 closed;
	s16 error;
};

/**
 * struct sockstat_conn - one connection, from its beginning to its closed row
 * @node: in the table, while there is a socket
 * @sk: the socket; valid while in the table, since tcp_destroy_sock's handler
 *      takes the record out. NULL after that
 * @creditor: who is credited with the flow's next bytes, if anybody
 * @ledger: TCP's count
 * @opened: when connect() was called or the handshake done, ns since 1970, or
 *          0 if that was before the module
 * @past: from when it is closed or dead, if there was a record for it
 * @dead: waiting to be freed
 * @born: as in struct sockstat_holder
 * @seen: generation of the last snapshot that found a descriptor of it
 * @shown: generation of the last snapshot with a row for nobody's bytes
 * @flags: SOCKSTAT_CONN_*
 * @holders: who used it
 *
 * Freed after a grace period: it is found, and a call of the creditor's
 * counted, without a lock.
 */
struct sockstat_conn {
	struct hlist_node node;
	struct sock *sk;
	struct sockstat_holder *creditor[SOCKSTAT_FLOWS];
	struct sockstat_ledger ledger;
	s64 opened;
	union {
		struct sockstat_past *past;
		struct llist_node dead;
	};
	u32 born;
	u32 seen;
	u32 shown;
	u16 flags;
	struct sockstat_holders holders;
};

#ifdef CONFIG_64BIT
static_assert(sizeof(struct sockstat_conn) <= 192);
#endif

/* events, from the hooks */
bool sockstat_conn_enter(struct sock *sk, enum sockstat_flow flow,
			 const struct sockstat_caller *caller);
void sockstat_conn_urgent(struct sock *sk);
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

/* for the table's reader */
void sockstat_conn_settle(struct sockstat_conn *conn, enum sockstat_view view);
struct sockstat_holder *sockstat_conn_first_holder(struct sockstat_conn *conn,
						   const struct sockstat_caller *caller);
void sockstat_conn_rest(const struct sockstat_conn *conn, u64 rest[SOCKSTAT_FLOWS]);
struct sockstat_conn *sockstat_conn_adopt(struct sock *sk, const struct sockstat_caller *caller);

#endif /* SOCKSTAT_CONN_H */
