// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to a connection. Every event finds its record in the table and
 * changes it under the table's lock.
 */
#include <linux/ktime.h>
#include <net/inet_sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "conn.h"
#include "fd.h"
#include "table.h"

/* A handler that a breakpoint has entered may not wait for the timekeeper's lock. */
static u64 conn_now_ns(void)
{
	/* it looks again if it was changed meanwhile, which KCSAN is not told */
	return data_race(ktime_get_real_fast_ns());
}

static void conn_set_creditor(struct sockstat_conn *conn, enum sockstat_flow flow,
			      struct sockstat_holder *h)
{
	/* its fields are set before sockstat_table_again() may find it */
	smp_store_release(&conn->creditor[flow], h);
}

/*
 * Who comes first gets what moved before anybody was seen, and is credited
 * until somebody else shows up.
 */
static noinline struct sockstat_holder *conn_add_holder(struct sockstat_conn *conn,
							const struct sockstat_caller *caller)
{
	struct sockstat_holder *h;
	int flow;

	h = sockstat_holder_new(&conn->holders, caller, sockstat_table_generation());
	for (flow = 0; h == &conn->holders.first && flow < SOCKSTAT_FLOWS; flow++) {
		h->bytes[flow] = conn->ledger.total[flow];
		conn_set_creditor(conn, flow, h);
	}
	return h;
}

/**
 * sockstat_conn_first_holder() - give a connection nobody was seen with to one
 * @conn: a connection in the table, locked, without holders
 * @caller: a descriptor of it
 *
 * Context: any but NMI.
 * Return: the holder, which has all bytes there were so far.
 */
struct sockstat_holder *sockstat_conn_first_holder(struct sockstat_conn *conn,
						   const struct sockstat_caller *caller)
{
	return conn_add_holder(conn, caller);
}

/**
 * sockstat_conn_rest() - bytes that no holder is credited with
 * @conn: a connection, locked
 * @rest: the bytes, by flow
 *
 * Context: any.
 */
void sockstat_conn_rest(const struct sockstat_conn *conn, u64 rest[SOCKSTAT_FLOWS])
{
	struct rb_node *n;
	int flow;

	memcpy(rest, conn->ledger.total, sizeof(conn->ledger.total));
	for (n = rb_first(&conn->holders.root); n; n = rb_next(n)) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);

		for (flow = 0; flow < SOCKSTAT_FLOWS; flow++)
			rest[flow] -= h->bytes[flow];
	}
}

static void conn_add_first_holder(struct sockstat_conn *conn, const struct sockstat_caller *caller)
{
	if (caller->task && !sockstat_holder_count(&conn->holders))
		conn_add_holder(conn, caller);
}

static void conn_credit(struct sockstat_conn *conn, enum sockstat_flow flow, u64 bytes)
{
	struct sockstat_holder *h = conn->creditor[flow];

	if (h)
		h->bytes[flow] += bytes;
}

static void conn_settle_flow(struct sockstat_conn *conn, enum sockstat_flow flow,
			     enum sockstat_view view)
{
	conn_credit(conn, flow, sockstat_ledger_settle(&conn->ledger, conn->sk, flow, view));
}

/**
 * sockstat_conn_settle() - book everything that moved
 * @conn: a connection in the table, locked
 * @view: whether the caller has the socket lock too
 *
 * Context: any but NMI.
 */
void sockstat_conn_settle(struct sockstat_conn *conn, enum sockstat_view view)
{
	int flow;

	/* tcp_disconnect() may run unseen while kprobes are disarmed */
	if (!(conn->flags & SOCKSTAT_CONN_STARTED) || !READ_ONCE(inet_sk(conn->sk)->inet_dport))
		return;
	for (flow = 0; flow < SOCKSTAT_FLOWS; flow++)
		conn_settle_flow(conn, flow, view);
}

/* A connection that was there before us shall not vanish without a trace. */
static struct sockstat_conn *conn_new_if_connected(struct sock *sk)
{
	return READ_ONCE(inet_sk(sk)->inet_dport) ? sockstat_table_new(sk) : NULL;
}

/* False, and counted, if there is no record to note it in. */
static bool conn_note_closing(struct sockstat_conn *conn)
{
	if (!sockstat_table_past(conn))
		return false;
	if (!conn->past->closed)
		conn->past->closed = conn_now_ns();
	return true;
}

/* Out of the table; a connection goes to the closed ones, all else is freed. */
static void conn_retire(struct sockstat_conn *conn)
{
	bool keep = conn->flags & SOCKSTAT_CONN_STARTED && conn_note_closing(conn);

	if (keep && !(conn->flags & SOCKSTAT_CONN_DEAD))
		sockstat_ident_capture(&conn->past->id, conn->sk);
	conn->flags |= SOCKSTAT_CONN_DEAD;
	sockstat_table_remove(conn, keep);
}

/* What the process has closed it does not use, but the socket in another way. */
static bool conn_fd_still_open(const struct sockstat_caller *caller,
			       const struct sockstat_holder *h, const struct sock *sk)
{
	struct files_struct *files = caller->task->files;

	return h->fd == SOCKSTAT_FD_UNKNOWN ||
	       (files && sockstat_fd_slot_holds(files, h->fd, READ_ONCE(sk->sk_socket)));
}

/*
 * A holder of the caller's process, if its descriptor is not known: the one
 * that was used last, in this direction if possible, else any.
 */
static struct sockstat_holder *conn_guess_holder(const struct sockstat_conn *conn,
						 enum sockstat_flow flow,
						 const struct sockstat_caller *caller)
{
	struct sockstat_caller by_fd = *caller;
	struct sockstat_holder *h;
	int i;

	for (i = 0; i < SOCKSTAT_FLOWS; i++) {
		h = conn->creditor[(flow + i) % SOCKSTAT_FLOWS];
		if (!h)
			continue;
		by_fd.fd = h->fd;
		if (sockstat_holder_is(h, &by_fd) && conn_fd_still_open(caller, h, conn->sk))
			return h;
	}
	h = sockstat_holder_of_process(&conn->holders, caller);
	return h && conn_fd_still_open(caller, h, conn->sk) ? h : NULL;
}

/*
 * Make the caller the one whose bytes come next. False if its descriptor is
 * to be searched for first.
 */
static noinline bool conn_change_creditor(struct sockstat_conn *conn, enum sockstat_flow flow,
					  const struct sockstat_caller *caller)
{
	struct sockstat_holder *h = NULL;

	if (!sockstat_ledger_synced(&conn->ledger, flow))
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_RACY);
	if (!caller->task)
		return true;
	if (caller->fd == SOCKSTAT_FD_UNKNOWN) {
		h = conn_guess_holder(conn, flow, caller);
		if (!h && !caller->searched)
			return false;
	}
	if (!h)
		h = sockstat_holder_claim(&conn->holders, caller) ?: conn_add_holder(conn, caller);
	conn_set_creditor(conn, flow, h);
	return true;
}

/**
 * sockstat_conn_enter() - somebody enters TCP to send or receive
 * @sk: the socket
 * @flow: which
 * @caller: who
 *
 * What moved since it was last booked is booked for who called before, and
 * @caller is who the next bytes are for.
 *
 * Context: any but NMI; @sk is the caller's, hence stays.
 * Return: false if @caller's descriptor should be searched for, and the call
 * repeated.
 */
bool sockstat_conn_enter(struct sock *sk, enum sockstat_flow flow,
			 const struct sockstat_caller *caller)
{
	struct sockstat_place place;
	struct sockstat_holder *h;
	struct sockstat_conn *conn;
	bool done = true;

	conn = sockstat_table_lock(&place, sk) ?: sockstat_table_new(sk);
	if (!conn)
		goto out;
	conn_credit(conn, flow, sockstat_ledger_advance(&conn->ledger, sk, flow));
	h = conn->creditor[flow];
	if (!h || !sockstat_holder_is(h, caller)) {
		done = conn_change_creditor(conn, flow, caller);
		h = conn->creditor[flow];
	}
	if (done && h)
		atomic64_inc(&h->calls[flow]);
out:
	sockstat_table_unlock(&place);
	return done;
}

/**
 * sockstat_conn_urgent() - somebody is about to take the urgent byte
 * @sk: the socket; sockstat_conn_enter() has just been called for this, too
 *
 * Context: any but NMI; @sk is the caller's, hence stays.
 */
void sockstat_conn_urgent(struct sock *sk)
{
	struct sockstat_place place;
	struct sockstat_conn *conn;

	conn = sockstat_table_lock(&place, sk);
	if (conn)
		conn_credit(conn, SOCKSTAT_RX, sockstat_ledger_urgent(&conn->ledger, sk));
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_connect() - a connection is being opened
 * @sk: the socket, addresses set, sequence numbers not yet
 * @caller: who does it
 *
 * Context: under the socket lock.
 */
void sockstat_conn_connect(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk);
	/* its tcp_disconnect() went unseen: the numbers are another's by now */
	if (conn && conn->flags & SOCKSTAT_CONN_STARTED) {
		conn_retire(conn);
		conn = NULL;
	}
	if (!conn)
		conn = sockstat_table_new(sk);
	if (conn) {
		conn->flags |= SOCKSTAT_CONN_STARTED;
		conn->ledger.role = SOCKSTAT_CLIENT;
		conn->opened = conn_now_ns();
		sockstat_ledger_open(&conn->ledger);
		conn_add_first_holder(conn, caller);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_syn() - the first sequence number of an active open is set
 * @sk: the socket, before its SYN is queued
 *
 * Context: under the socket lock.
 */
void sockstat_conn_syn(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk);
	if (conn)
		sockstat_ledger_connect(&conn->ledger, sk);
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_established() - a handshake is done
 * @sk: the socket, numbers of both directions set
 * @active: known to be the side that called connect
 *
 * Context: under the socket lock, also in softirq.
 */
void sockstat_conn_established(struct sock *sk, bool active)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk) ?: sockstat_table_new(sk);
	if (conn) {
		conn->flags |= SOCKSTAT_CONN_STARTED;
		if (active)
			conn->ledger.role = SOCKSTAT_CLIENT;
		if (conn->ledger.role != SOCKSTAT_CLIENT) {
			conn->ledger.role = SOCKSTAT_SERVER;
			conn->opened = conn_now_ns();
		}
		sockstat_ledger_established(&conn->ledger);
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_fin() - the send direction is being shut
 * @sk: the socket, before its FIN is queued
 *
 * Context: under the socket lock.
 */
void sockstat_conn_fin(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk);
	if (conn && conn->flags & SOCKSTAT_CONN_STARTED) {
		conn_settle_flow(conn, SOCKSTAT_TX, SOCKSTAT_VIEW_LOCKED);
		sockstat_ledger_freeze_tx(&conn->ledger);
	}
	sockstat_table_unlock(&place);
}

static void conn_note_death(struct sockstat_conn *conn)
{
	sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
	if (!conn_note_closing(conn))
		return;
	sockstat_ident_capture(&conn->past->id, conn->sk);
	if (!conn->past->error)
		conn->past->error = READ_ONCE(conn->sk->sk_err);
	conn->flags |= SOCKSTAT_CONN_DEAD;
}

/**
 * sockstat_conn_dead() - a connection is over
 * @sk: the socket, which may live on without it
 *
 * Context: under the socket lock, also in softirq.
 */
void sockstat_conn_dead(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk) ?: conn_new_if_connected(sk);
	if (conn && conn->flags & SOCKSTAT_CONN_STARTED && !(conn->flags & SOCKSTAT_CONN_DEAD))
		conn_note_death(conn);
	/* an orphan's destruction follows at once */
	if (conn && (conn->flags & SOCKSTAT_CONN_LEAVING || sock_flag(sk, SOCK_DEAD)))
		conn_retire(conn);
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_disconnect() - the socket is being made unconnected again
 * @sk: the socket, its numbers and addresses still those of the connection
 * @caller: who does it
 *
 * Context: under the socket lock.
 */
void sockstat_conn_disconnect(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk) ?: conn_new_if_connected(sk);
	if (conn && conn->flags & SOCKSTAT_CONN_STARTED) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
		conn_add_first_holder(conn, caller);
		/* else its very next step is the change to CLOSE */
		if (READ_ONCE(sk->sk_state) == TCP_CLOSE)
			conn_retire(conn);
		else
			conn->flags |= SOCKSTAT_CONN_LEAVING;
	}
	sockstat_table_unlock(&place);
}

/* A connection that nobody used is its closer's. */
static void conn_note_closer(struct sockstat_conn *conn, const struct sockstat_caller *caller)
{
	struct sockstat_holder *h;

	if (!sockstat_holder_count(&conn->holders)) {
		conn_add_holder(conn, caller);
		return;
	}
	h = sockstat_holder_find(&conn->holders, caller);
	if (h)
		sockstat_holder_note_process(h, caller);
}

/**
 * sockstat_conn_close() - the last descriptor is gone
 * @sk: the socket
 * @caller: who closed it, if that can be told
 *
 * Context: process.
 */
void sockstat_conn_close(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk) ?: conn_new_if_connected(sk);
	if (conn && conn->flags & SOCKSTAT_CONN_STARTED) {
		/* its file is gone when it dies */
		if (conn_note_closing(conn) && !conn->past->id.inode)
			conn->past->id.inode = sockstat_compat_sock_ino(sk);
		conn->flags |= SOCKSTAT_CONN_CLOSED;
		if (caller->task)
			conn_note_closer(conn, caller);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_destroy() - the socket is going away
 * @sk: the socket
 *
 * Context: any; nobody else has @sk.
 */
void sockstat_conn_destroy(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	if (!sockstat_table_has(sk))
		return;
	conn = sockstat_table_lock(&place, sk);
	if (conn) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
		conn_retire(conn);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_failed() - connect() failed before any packet was sent
 * @sk: the socket, unconnected
 * @caller: who called it
 * @family: of @addr
 * @addr: where to
 * @port: where to
 * @error: errno
 *
 * Context: under the socket lock.
 */
void sockstat_conn_failed(struct sock *sk, const struct sockstat_caller *caller, u16 family,
			  const union sockstat_addr *addr, __be16 port, int error)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_table_lock(&place, sk) ?: sockstat_table_new(sk);
	if (conn) {
		if (!(conn->flags & SOCKSTAT_CONN_STARTED))
			conn->opened = conn_now_ns();
		conn->ledger.role = SOCKSTAT_CLIENT;
		conn_add_first_holder(conn, caller);
		if (conn_note_closing(conn)) {
			if (!(conn->flags & SOCKSTAT_CONN_DEAD))
				sockstat_ident_capture(&conn->past->id, sk);
			sockstat_ident_remote(&conn->past->id, family, addr, port);
			conn->past->error = error;
		}
		conn->flags |= SOCKSTAT_CONN_STARTED | SOCKSTAT_CONN_DEAD;
		conn_retire(conn);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_adopt() - begin to keep a record of a connection
 * @sk: a socket without one
 * @caller: one of its descriptors, credited with its lifetime
 *
 * Context: between sockstat_table_lock() and sockstat_table_unlock().
 * Return: the record, or NULL (and counted) if there is none at hand.
 */
struct sockstat_conn *sockstat_conn_adopt(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn = sockstat_table_new(sk);

	if (conn) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_NOW);
		conn_add_first_holder(conn, caller);
	}
	return conn;
}
