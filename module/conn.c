// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of connections. Each one looks up the socket's record in the table and
 * changes it with the record's bucket locked.
 */
#include <net/inet_sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "conn.h"
#include "fd.h"
#include "table.h"
#include "visited.h"

static void conn_set_creditor(struct sockstat_conn *conn, enum sockstat_flow flow,
			      struct sockstat_holder *h)
{
	/* publish the fields of @h to sockstat_conn_again(), which takes no lock */
	smp_store_release(&conn->creditor[flow], h);
}

/**
 * sockstat_conn_add_holder() - add the caller as a holder
 * @conn: a connection in the table, locked
 * @caller: a descriptor of it that has no holder
 *
 * The first holder that is a process is credited with all bytes that moved before,
 * except nobody's, and is the creditor of both flows until another holder makes a
 * call.
 *
 * Context: any but NMI.
 * Return: the holder, which stays as long as @conn; NULL (and counted) if there is no
 * record for it.
 */
noinline struct sockstat_holder *sockstat_conn_add_holder(struct sockstat_conn *conn,
							  const struct sockstat_caller *caller)
{
	const struct sockstat_holder *nobodys;
	struct sockstat_holder *h;
	int flow;

	h = sockstat_holder_new(&conn->holders, caller, sockstat_visited_now());
	if (h != &conn->holders.first)
		return h;
	nobodys = sockstat_holder_nobodys(&conn->holders);
	for (flow = 0; flow < SOCKSTAT_FLOWS; flow++) {
		h->bytes[flow] = conn->ledger.total[flow] - (nobodys ? nobodys->bytes[flow] : 0);
		if (!conn->creditor[flow])
			conn_set_creditor(conn, flow, h);
	}
	return h;
}

static void conn_add_first_holder(struct sockstat_conn *conn, const struct sockstat_caller *caller)
{
	if (caller->task && !sockstat_holder_count(&conn->holders))
		sockstat_conn_add_holder(conn, caller);
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
 * sockstat_conn_settle() - book all bytes that have moved, in both directions
 * @conn: a connection in the table, locked
 * @view: whether the caller also holds the socket lock
 *
 * Context: any but NMI.
 */
void sockstat_conn_settle(struct sockstat_conn *conn, enum sockstat_view view)
{
	int flow;

	if (!(conn->flags & SOCKSTAT_CONN_STARTED) || conn->flags & SOCKSTAT_CONN_LEAVING)
		return;
	/* tcp_disconnect() clears inet_dport; it goes unnoticed while kprobes are disarmed */
	if (!READ_ONCE(inet_sk(conn->sk)->inet_dport))
		return;
	for (flow = 0; flow < SOCKSTAT_FLOWS; flow++)
		conn_settle_flow(conn, flow, view);
}

/* Make a record of a locked socket; NULL if it is not tracked or (counted) none is free. */
static struct sockstat_conn *conn_new(struct sock *sk)
{
	struct sockstat_conn *conn = sockstat_ident_is_tracked(sk) ? sockstat_table_new(sk) : NULL;

	if (!conn)
		return NULL;
	if (READ_ONCE(inet_sk(sk)->inet_dport))
		conn->flags |= SOCKSTAT_CONN_STARTED;
	if (READ_ONCE(sk->sk_state) == TCP_SYN_RECV)
		conn->ledger.role = SOCKSTAT_SERVER;
	return conn;
}

/*
 * Make a record for a caller or a reader. tcp_v4_connect() sets inet_dport shortly
 * before it enters TCP_SYN_SENT; there is no connection and no valid number yet.
 */
static struct sockstat_conn *conn_new_unless_connecting(struct sock *sk)
{
	const struct socket *sock = READ_ONCE(sk->sk_socket);
	struct sockstat_conn *conn = conn_new(sk);

	if (conn && sock && READ_ONCE(sock->state) == SS_UNCONNECTED &&
	    READ_ONCE(sk->sk_state) == TCP_CLOSE)
		conn->flags &= ~SOCKSTAT_CONN_STARTED;
	return conn;
}

/* Note when the connection ended. False (and counted) if there is no record for it. */
static bool conn_note_closing(struct sockstat_conn *conn)
{
	if (!sockstat_table_past(conn))
		return false;
	if (!conn->past->closed.real)
		sockstat_moment_set(&conn->past->closed);
	return true;
}

/* Move a record from the table to the history; free it if there was no connection. */
static void conn_retire(struct sockstat_conn *conn)
{
	/* not if there was no record for the addresses before tcp_disconnect() cleared them */
	bool known = !(conn->flags & SOCKSTAT_CONN_LEAVING) || conn->flags & SOCKSTAT_CONN_DEAD;
	bool keep = conn->flags & SOCKSTAT_CONN_STARTED && known && conn_note_closing(conn);

	if (keep && !(conn->flags & SOCKSTAT_CONN_DEAD))
		sockstat_ident_capture(&conn->past->id, conn->sk);
	conn->flags |= SOCKSTAT_CONN_DEAD;
	sockstat_table_remove(conn, keep);
}

/**
 * sockstat_conn_lock() - sockstat_table_lock(), without an ended connection
 * @place: filled in for sockstat_table_unlock()
 * @sk: the socket
 *
 * If tcp_disconnect() has cleared inet_dport, the old connection moves to the
 * history. Before, a second record would count the bytes of its lifetime again.
 *
 * Context, Return: those of sockstat_table_lock().
 */
struct sockstat_conn *sockstat_conn_lock(struct sockstat_place *place, const struct sock *sk)
{
	struct sockstat_conn *conn = sockstat_table_lock(place, sk);

	if (!conn || !(conn->flags & SOCKSTAT_CONN_LEAVING) || READ_ONCE(inet_sk(sk)->inet_dport))
		return conn;
	conn_retire(conn);
	return NULL;
}

/*
 * sockstat_conn_lock() for an event that ends a connection; NULL if none was begun. A
 * connection without a record is older than the module, or none was free: one is made.
 */
static struct sockstat_conn *conn_lock_begun(struct sockstat_place *place, struct sock *sk)
{
	struct sockstat_conn *conn = sockstat_conn_lock(place, sk);

	if (!conn && READ_ONCE(inet_sk(sk)->inet_dport))
		conn = conn_new(sk);
	return conn && conn->flags & SOCKSTAT_CONN_STARTED ? conn : NULL;
}

/*
 * Whether @h may be the descriptor of this call. If the process's descriptor no
 * longer refers to this socket, the call came by another route, such as a fixed
 * file of io_uring.
 */
static bool conn_fd_still_open(const struct sockstat_caller *caller,
			       const struct sockstat_holder *h, const struct sock *sk)
{
	struct files_struct *files = caller->task->files;

	return h->fd == SOCKSTAT_FD_UNKNOWN ||
	       (files && sockstat_fd_slot_holds(files, h->fd, READ_ONCE(sk->sk_socket)));
}

/*
 * Choose a holder for a caller whose descriptor is unknown: the creditor of this
 * flow if it belongs to the same process, else that of the other flow, else the
 * holder with the lowest descriptor of the process. Holders whose descriptor no
 * longer refers to this socket do not count.
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
 * Make the caller the creditor of the flow's next bytes. Where the kernel has taken
 * the socket over, a call of nobody's is the sign for both flows: NVMe and iSCSI
 * receive in softirq by tcp_read_sock(), which has no probe. False if the caller's
 * descriptor is unknown, no holder can be chosen, and sockstat_fd_search() was not
 * tried yet.
 */
static noinline bool conn_change_creditor(struct sockstat_conn *conn, enum sockstat_flow flow,
					  const struct sockstat_caller *caller)
{
	bool taken_over = !caller->task && sockstat_fd_kernel_uses(conn->sk);
	struct sockstat_holder *h = NULL;

	if (taken_over || !sockstat_ledger_synced(&conn->ledger, flow))
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_RACY);
	if (caller->task && caller->fd == SOCKSTAT_FD_UNKNOWN) {
		h = conn_guess_holder(conn, flow, caller);
		if (!h && !caller->searched)
			return false;
	}
	if (!h)
		h = sockstat_holder_claim(&conn->holders, caller);
	if (!h)
		h = sockstat_conn_add_holder(conn, caller);
	conn_set_creditor(conn, flow, h);
	if (taken_over)
		conn_set_creditor(conn, !flow, h);
	return true;
}

/* Without a creditor, as sockstat_conn_again() must not count the calls that follow. */
static noinline void conn_count_late_call(struct sockstat_conn *conn, enum sockstat_flow flow,
					  const struct sockstat_caller *caller)
{
	struct sockstat_holder *h = sockstat_holder_claim(&conn->holders, caller) ?:
					    sockstat_holder_of_process(&conn->holders, caller);

	if (!h && caller->task)
		h = sockstat_conn_add_holder(conn, caller);
	if (h)
		atomic64_inc(&h->calls[flow]);
}

/**
 * sockstat_conn_enter() - a call enters TCP to send or to receive
 * @sk: the socket
 * @flow: the direction
 * @caller: the process and descriptor that make the call
 *
 * Credits the bytes that moved since the last booking to the flow's creditor so
 * far, makes @caller the creditor, and counts the call.
 *
 * Context: any but NMI; the call in progress keeps @sk from going away.
 * Return: false if the caller is to try sockstat_fd_search() on @caller and to
 * repeat this call with the result.
 */
bool sockstat_conn_enter(struct sock *sk, enum sockstat_flow flow,
			 const struct sockstat_caller *caller)
{
	struct sockstat_place place;
	struct sockstat_holder *h;
	struct sockstat_conn *conn;
	bool done = true;

	conn = sockstat_conn_lock(&place, sk) ?: conn_new_unless_connecting(sk);
	if (!conn)
		goto out;
	if (unlikely(conn->flags & SOCKSTAT_CONN_LEAVING)) {
		conn_count_late_call(conn, flow, caller);
		goto out;
	}
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
 * sockstat_conn_urgent() - recv(MSG_OOB) is about to take the urgent byte
 * @sk: the socket, for which sockstat_conn_enter() has reported the same call
 * @delivers: false if the caller's buffer has no room for it
 *
 * Context: any but NMI; the call in progress keeps @sk from going away.
 */
void sockstat_conn_urgent(struct sock *sk, bool delivers)
{
	struct sockstat_place place;
	struct sockstat_conn *conn;

	conn = sockstat_conn_lock(&place, sk);
	if (conn && !(conn->flags & SOCKSTAT_CONN_LEAVING))
		conn_credit(conn, SOCKSTAT_RX, sockstat_ledger_urgent(&conn->ledger, sk, delivers));
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_connect() - connect() begins to open a connection
 * @sk: the socket, with its addresses set but not yet its sequence numbers
 * @caller: the process and descriptor that call connect()
 *
 * Context: under the socket lock.
 */
void sockstat_conn_connect(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_conn_lock(&place, sk);
	/* an unnoticed tcp_disconnect() has reset the numbers to which the record refers */
	if (conn && conn->flags & SOCKSTAT_CONN_STARTED) {
		conn_retire(conn);
		conn = NULL;
	}
	if (!conn)
		conn = conn_new(sk);
	if (conn) {
		conn->flags |= SOCKSTAT_CONN_STARTED;
		conn->ledger.role = SOCKSTAT_CLIENT;
		sockstat_moment_set(&conn->opened);
		sockstat_ledger_open(&conn->ledger);
		conn_add_first_holder(conn, caller);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_syn() - tcp_connect() is about to queue the SYN
 * @sk: the socket; write_seq is the number that the SYN will take
 *
 * Context: under the socket lock.
 */
void sockstat_conn_syn(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_conn_lock(&place, sk);
	if (conn)
		sockstat_ledger_connect(&conn->ledger, sk);
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_established() - the handshake of a connection is complete
 * @sk: the socket, with the sequence numbers of both directions set
 * @active: whether this side is known to have called connect()
 *
 * Context: under the socket lock, also in softirq.
 */
void sockstat_conn_established(struct sock *sk, bool active)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_conn_lock(&place, sk) ?: conn_new(sk);
	if (conn) {
		conn->flags |= SOCKSTAT_CONN_STARTED;
		if (active)
			conn->ledger.role = SOCKSTAT_CLIENT;
		if (conn->ledger.role != SOCKSTAT_CLIENT) {
			conn->ledger.role = SOCKSTAT_SERVER;
			sockstat_moment_set(&conn->opened);
		}
		sockstat_ledger_established(&conn->ledger);
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_fin() - the send direction is being shut down
 * @sk: the socket, before tcp_send_fin() queues the FIN
 *
 * Context: under the socket lock.
 */
void sockstat_conn_fin(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = conn_lock_begun(&place, sk);
	if (conn) {
		conn_settle_flow(conn, SOCKSTAT_TX, SOCKSTAT_VIEW_LOCKED);
		sockstat_ledger_freeze_tx(&conn->ledger);
	}
	sockstat_table_unlock(&place);
}

/* If TCP knows no error, and connect() is not complete, this side has given it up. */
static int conn_error(const struct sockstat_conn *conn)
{
	int error = READ_ONCE(conn->sk->sk_err);

	return !error && sockstat_ledger_opening(&conn->ledger) ? ECANCELED : error;
}

static void conn_note_death(struct sockstat_conn *conn)
{
	sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
	if (!conn_note_closing(conn))
		return;
	sockstat_ident_capture(&conn->past->id, conn->sk);
	if (!conn->past->error)
		conn->past->error = conn_error(conn);
	conn->flags |= SOCKSTAT_CONN_DEAD;
}

/**
 * sockstat_conn_dead() - the socket enters TCP_CLOSE: the connection has ended
 * @sk: the socket, which may outlive the connection
 *
 * Context: under the socket lock, also in softirq.
 */
void sockstat_conn_dead(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = conn_lock_begun(&place, sk);
	if (conn && !(conn->flags & SOCKSTAT_CONN_DEAD))
		conn_note_death(conn);
	/* TCP destroys an orphan (SOCK_DEAD) right after this */
	if (conn && !(conn->flags & SOCKSTAT_CONN_LEAVING) && sock_flag(sk, SOCK_DEAD))
		conn_retire(conn);
	sockstat_table_unlock(&place);
}

/* Make the totals final; sockstat_conn_lock() retires the connection later. */
static void conn_leave(struct sockstat_conn *conn)
{
	int flow;

	if (!(conn->flags & SOCKSTAT_CONN_DEAD))
		conn_note_death(conn);
	conn->flags |= SOCKSTAT_CONN_LEAVING;
	for (flow = 0; flow < SOCKSTAT_FLOWS; flow++)
		conn_set_creditor(conn, flow, NULL);
}

/**
 * sockstat_conn_disconnect() - tcp_disconnect() is called
 * @sk: the socket, with its numbers and addresses not yet cleared
 * @caller: the process and descriptor that make the call
 *
 * Context: under the socket lock.
 */
void sockstat_conn_disconnect(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = conn_lock_begun(&place, sk);
	if (conn) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
		conn_add_first_holder(conn, caller);
		conn_leave(conn);
	}
	sockstat_table_unlock(&place);
}

/* Refresh the record of the process that closes it; if no call was seen, credit it. */
static void conn_note_closer(struct sockstat_conn *conn, const struct sockstat_caller *caller)
{
	struct sockstat_holder *h = sockstat_holder_find(&conn->holders, caller);

	if (h)
		sockstat_holder_note_process(h, caller);
	else
		conn_add_first_holder(conn, caller);
}

/**
 * sockstat_conn_close() - no descriptor is left: tcp_close() is called, or will be
 * @sk: the socket; the first report of it counts
 * @caller: the process and, if known, the descriptor that was closed last
 *
 * Context: process.
 */
void sockstat_conn_close(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = conn_lock_begun(&place, sk);
	if (conn && !(conn->flags & SOCKSTAT_CONN_CLOSED)) {
		/* tcp_close() detaches the file, which has the inode number */
		if (conn_note_closing(conn) && !conn->past->id.inode)
			conn->past->id.inode = sockstat_compat_sock_ino(sk);
		conn->flags |= SOCKSTAT_CONN_CLOSED;
		if (caller->task)
			conn_note_closer(conn, caller);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_destroy() - TCP destroys the socket
 * @sk: the socket
 *
 * Context: any; no other call uses @sk any more.
 */
void sockstat_conn_destroy(struct sock *sk)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	if (!sockstat_table_has(sk))
		return;
	conn = sockstat_conn_lock(&place, sk);
	if (conn) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_LOCKED);
		conn_retire(conn);
	}
	sockstat_table_unlock(&place);
}

/**
 * sockstat_conn_failed() - connect() failed before it sent a packet
 * @sk: the socket, unconnected
 * @caller: the process and descriptor that called connect()
 * @family: AF_INET or AF_INET6, the family of @addr
 * @addr: the address that connect() was given
 * @port: the port that connect() was given
 * @error: errno, positive
 *
 * Context: under the socket lock.
 */
void sockstat_conn_failed(struct sock *sk, const struct sockstat_caller *caller, u16 family,
			  const union sockstat_addr *addr, __be16 port, int error)
{
	struct sockstat_conn *conn;
	struct sockstat_place place;

	conn = sockstat_conn_lock(&place, sk) ?: conn_new(sk);
	if (conn) {
		if (!(conn->flags & SOCKSTAT_CONN_STARTED))
			sockstat_moment_set(&conn->opened);
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
 * sockstat_conn_adopt() - make a record of a connection that has none
 * @sk: a socket without a record
 * @caller: a descriptor of it, credited with all bytes of its lifetime
 *
 * Context: between sockstat_conn_lock() and sockstat_table_unlock().
 * Return: the record, valid until sockstat_table_unlock(); NULL (and counted) if
 * none is available.
 */
struct sockstat_conn *sockstat_conn_adopt(struct sock *sk, const struct sockstat_caller *caller)
{
	struct sockstat_conn *conn = conn_new_unless_connecting(sk);

	if (conn) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_NOW);
		conn_add_first_holder(conn, caller);
	}
	return conn;
}
