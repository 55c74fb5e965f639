// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot is made in three passes. The first adds a row for each descriptor
 * that the walk of all descriptor tables finds, the second for the holders and
 * connections in the table of which the walk found no descriptor, the third for
 * the connections in the history. Each pass marks the records that it shows, so
 * that the later passes leave them out (see visited.h).
 */
#include <linux/cred.h>
#include <net/inet_sock.h>
#include <net/tcp_states.h>

#include "history.h"
#include "row.h"
#include "table.h"

/* Number of rows after which a pass pauses, to bound the time under a lock. */
#define BATCH 32

/* Number of holders after which it pauses, whether they need a row or not. */
#define HOLDERS_BATCH 256

struct row_pass {
	struct sockstat_sink *sink;
	unsigned int left;
	unsigned int holders_left;
};

static struct sockstat_row *row_append(struct sockstat_sink *sink)
{
	struct sockstat_row *row = &sink->rows[sink->used++];

	memset(row, 0, sizeof(*row));
	row->pid = -1;
	row->fd = SOCKSTAT_FD_UNKNOWN;
	return row;
}

static void row_set_state(struct sockstat_row *row, const struct sock *sk)
{
	int state = READ_ONCE(sk->sk_state);

	row->state = state;
	/* has a peer, so a connection ended before the module saw it */
	if (state == TCP_CLOSE && row->id.remote_port)
		row->state = 0;
}

static void row_set_socket(struct sockstat_row *row, struct sock *sk)
{
	sockstat_ident_capture(&row->id, sk);
	sockstat_ledger_queues(sk, row->queue);
	row_set_state(row, sk);
}

/*
 * Set the times. A connection that opened or closed since the snapshot began has no
 * shorter duration than others: it gets the shortest that is not unknown.
 */
static void row_set_times(struct sockstat_row *row, const struct sockstat_conn *conn,
			  const struct sockstat_moment *closed, s64 now)
{
	s64 end = closed && closed->real ? closed->boot : now;

	row->opened = conn->opened.real;
	row->closed = closed ? closed->real : 0;
	row->ago = now - end;
	if (row->opened)
		row->duration = max_t(s64, end - conn->opened.boot, 1);
}

static void row_set_conn(struct sockstat_row *row, const struct sockstat_conn *conn, s64 now)
{
	bool dead = conn->flags & SOCKSTAT_CONN_DEAD;
	unsigned long inode = row->id.inode;

	row->role = conn->ledger.role;
	row_set_times(row, conn, dead ? &conn->past->closed : NULL, now);
	if (!dead)
		return;
	row->error = conn->past->error;
	row->id = conn->past->id;
	/* it died before accept() gave it an inode */
	if (!row->id.inode)
		row->id.inode = inode;
	row->state = 0;
}

static void row_set_holder(struct sockstat_row *row, const struct sockstat_holder *h)
{
	int flow;

	memcpy(row->bytes, h->bytes, sizeof(row->bytes));
	for (flow = 0; flow < SOCKSTAT_FLOWS; flow++)
		row->calls[flow] = atomic64_read(&h->calls[flow]);
}

/*
 * Infer the role of a connection without a record, which is older than the
 * module, and make a record if it has moved bytes.
 */
static struct sockstat_conn *row_adopt_conn(struct sockstat_row *row, struct sock *sk,
					    const struct sockstat_caller *caller)
{
	struct sockstat_ledger l = {};
	int flow;

	if (!READ_ONCE(inet_sk(sk)->inet_dport))
		return NULL;
	for (flow = 0; flow < SOCKSTAT_FLOWS; flow++)
		sockstat_ledger_settle(&l, sk, flow, SOCKSTAT_VIEW_NOW);
	row->role = l.role;
	if (!l.total[SOCKSTAT_TX] && !l.total[SOCKSTAT_RX])
		return NULL;
	return sockstat_conn_adopt(sk, caller);
}

/* If no call has been seen, credit the first descriptor that is found with all bytes. */
static struct sockstat_holder *row_find_holder(struct sockstat_conn *conn,
					       const struct sockstat_caller *caller)
{
	struct sockstat_holder *h;

	h = sockstat_holder_claim(&conn->holders, caller);
	if (!h && !sockstat_holder_count(&conn->holders) &&
	    (conn->ledger.total[SOCKSTAT_TX] || conn->ledger.total[SOCKSTAT_RX]))
		h = sockstat_conn_add_holder(conn, caller);
	return h;
}

static kuid_t row_task_euid(struct task_struct *task)
{
	kuid_t euid;

	rcu_read_lock();
	euid = __task_cred(task)->euid;
	rcu_read_unlock();
	return euid;
}

/**
 * sockstat_row_descriptor() - add the row of an open descriptor
 * @sink: has room for a row
 * @caller: the descriptor and its process
 * @sk: its socket, for which sockstat_ident_is_tracked() is true
 * @pid: process id to show
 *
 * Context: atomic; the caller keeps @sk from going away.
 */
void sockstat_row_descriptor(struct sockstat_sink *sink, const struct sockstat_caller *caller,
			     struct sock *sk, pid_t pid)
{
	struct sockstat_holder *h = NULL;
	struct sockstat_conn *conn;
	struct sockstat_row *row;
	struct sockstat_place place;

	row = row_append(sink);
	conn = sockstat_conn_lock(&place, sk);
	row_set_socket(row, sk);
	if (!conn)
		conn = row_adopt_conn(row, sk, caller);
	if (conn) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_NOW);
		row_set_conn(row, conn, sink->now);
		sockstat_visited_mark_conn(&sink->visited, conn, SOCKSTAT_CONN_SEEN);
		h = row_find_holder(conn, caller);
	}
	if (h && sockstat_visited_mark_holder(&sink->visited, conn, h)) {
		/* drop the row: threads share this table, which was walked twice */
		sink->used--;
	} else if (h) {
		sockstat_holder_note_process(h, caller);
		row_set_holder(row, h);
	}
	row->pid = pid;
	row->fd = caller->fd;
	row->euid = row_task_euid(caller->task);
	/* cheaper than strscpy(); the last byte of row->comm is 0 already */
	data_race(memcpy(row->comm, caller->task->group_leader->comm, sizeof(row->comm) - 1));
	sockstat_table_unlock(&place);
}

static void row_set_ident_and_conn(struct sockstat_row *row, const struct sockstat_conn *conn,
				   s64 now)
{
	if (conn->sk && !(conn->flags & SOCKSTAT_CONN_DEAD)) {
		sockstat_ident_capture(&row->id, conn->sk);
		if (!row->id.inode && conn->past)
			row->id.inode = conn->past->id.inode;
	}
	row_set_conn(row, conn, now);
}

static void row_set_closed(struct sockstat_row *row, const struct sockstat_conn *conn, s64 now)
{
	row->state = 0;
	row_set_times(row, conn, conn->past ? &conn->past->closed : NULL, now);
}

static bool row_conn_is_over(const struct sockstat_conn *conn)
{
	return conn->flags & (SOCKSTAT_CONN_DEAD | SOCKSTAT_CONN_CLOSED | SOCKSTAT_CONN_LEAVING);
}

/*
 * Whether to show a holder whose descriptor was never known as open while its
 * process lives: the socket may be a registered file of io_uring.
 */
static bool row_holder_has_no_fd(const struct sockstat_conn *conn, const struct sockstat_holder *h)
{
	return h->fd == SOCKSTAT_FD_UNKNOWN && !row_conn_is_over(conn) &&
	       sockstat_process_lives(h->process);
}

/* Whether a holder may be open in a process that the reader may not look into. */
static bool row_holder_is_hidden(const struct sockstat_conn *conn, const struct sockstat_holder *h,
				 struct sockstat_sink *sink)
{
	return conn->sk && sockstat_visited_hides(&sink->visited, h->process);
}

/* Add the row of a holder whose descriptor the walk did not find: as a rule it is closed. */
static void row_show_holder(struct sockstat_conn *conn, struct sockstat_holder *h,
			    struct sockstat_sink *sink)
{
	bool open = row_holder_has_no_fd(conn, h);
	struct sockstat_row *row;
	pid_t pid = -1;

	sockstat_visited_mark_holder(&sink->visited, conn, h);
	if (row_holder_is_hidden(conn, h, sink) || !sink->visible(sink, h, &pid))
		return;
	row = row_append(sink);
	if (open)
		row_set_socket(row, conn->sk);
	row_set_ident_and_conn(row, conn, sink->now);
	row_set_holder(row, h);
	memcpy(row->comm, h->process->comm, sizeof(row->comm));
	row->euid = h->process->cred.euid;
	row->pid = pid;
	row->fd = h->fd;
	if (open) {
		sockstat_visited_mark_conn(&sink->visited, conn, SOCKSTAT_CONN_SEEN);
		sink->unordered = true;
	} else {
		row_set_closed(row, conn, sink->now);
	}
}

/* Subtract the bytes of all processes from those of the connection. */
static void row_get_rest(const struct sockstat_conn *conn, u64 rest[SOCKSTAT_FLOWS])
{
	struct rb_node *n;
	int flow;

	memcpy(rest, conn->ledger.total, sizeof(conn->ledger.total));
	for (n = rb_first(&conn->holders.root); n; n = rb_next(n)) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);

		for (flow = 0; flow < SOCKSTAT_FLOWS && !sockstat_holder_is_nobodys(h); flow++)
			rest[flow] -= h->bytes[flow];
	}
}

/*
 * Add a row for the calls of no process and for the bytes that no process is
 * credited with. It stands for a socket that the kernel uses, for a connection
 * without holders (in flight in SCM_RIGHTS, or not accepted yet), or for descriptors
 * for which there was no record.
 */
static void row_show_rest(struct sockstat_conn *conn, struct sockstat_sink *sink)
{
	const struct sockstat_holder *nobodys = sockstat_holder_nobodys(&conn->holders);
	bool over = row_conn_is_over(conn);
	u64 rest[SOCKSTAT_FLOWS];
	struct sockstat_row *row;
	pid_t pid = -1;
	bool some;

	row_get_rest(conn, rest);
	some = nobodys || rest[SOCKSTAT_TX] || rest[SOCKSTAT_RX];
	sockstat_visited_mark_conn(&sink->visited, conn, SOCKSTAT_CONN_RESTED);
	if (!some && (sockstat_visited_test_conn(&sink->visited, conn, SOCKSTAT_CONN_SEEN) ||
		      (over && sockstat_holder_count(&conn->holders))))
		return;
	if (!sink->visible(sink, NULL, &pid))
		return;
	row = row_append(sink);
	if (!over)
		row_set_socket(row, conn->sk);
	row_set_ident_and_conn(row, conn, sink->now);
	if (nobodys)
		row_set_holder(row, nobodys);
	memcpy(row->bytes, rest, sizeof(row->bytes));
	if (over)
		row_set_closed(row, conn, sink->now);
}

/* Whether there is room for one more row, and the pass need not pause before it. */
static bool row_pass_may_go_on(struct row_pass *pass)
{
	if (!pass->left || pass->sink->used >= pass->sink->room)
		return false;
	pass->left--;
	return true;
}

/*
 * Whether to leave a record to a later snapshot: it was made since this one began,
 * and its descriptor or its bytes may already have a row:
 * - the connection is open, or a descriptor of it has been shown (SEEN): the walk
 *   may have shown this descriptor before the record existed;
 * - the row of uncredited bytes has been shown (RESTED): the first holder to be
 *   made is credited with the same bytes;
 * - the connection is older than the module (no conn->opened.real): the walk shows it
 *   without making a record if it has not moved bytes.
 * Otherwise the connection is over and has no row yet.
 */
static bool row_is_for_next_snapshot(struct sockstat_visited *v, const struct sockstat_conn *conn,
				     u64 born)
{
	return sockstat_visited_born_during(v, born) &&
	       (!row_conn_is_over(conn) || !conn->opened.real ||
		sockstat_visited_test_conn(v, conn, SOCKSTAT_CONN_SEEN) ||
		sockstat_visited_test_conn(v, conn, SOCKSTAT_CONN_RESTED));
}

static void row_stop_at(struct sockstat_sink *sink, const struct sockstat_conn *conn,
			struct sockstat_holder *h)
{
	sink->stopped.serial = conn->serial;
	sink->stopped.bucket = conn->bucket;
	sink->stopped.over = row_conn_is_over(conn);
	sink->stopped.fd = h->fd;
	sink->stopped.holder = h;
}

/*
 * The holder at which a batch stopped, if that was within this connection: holders
 * stay as long as it. Begin anew if the holder's descriptor has become known since
 * then, as it is at another place in the order; or if the connection has ended, as
 * holders that were left to the next snapshot may get a row now.
 */
static struct rb_node *row_first_holder(const struct sockstat_sink *sink,
					const struct sockstat_conn *conn)
{
	struct sockstat_holder *h = sink->stopped.holder;

	if (h && sink->stopped.serial == conn->serial && sink->stopped.bucket == conn->bucket &&
	    sink->stopped.over == row_conn_is_over(conn) && sink->stopped.fd == h->fd)
		return &h->node;
	return rb_first(&conn->holders.root);
}

static bool row_show_holders(struct sockstat_conn *conn, struct row_pass *pass)
{
	struct sockstat_visited *v = &pass->sink->visited;
	struct rb_node *n;

	for (n = row_first_holder(pass->sink, conn); n; n = rb_next(n)) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);
		/* row_show_rest() has nobody's bytes */
		bool done = sockstat_holder_is_nobodys(h) ||
			    sockstat_visited_test_holder(v, conn, h) ||
			    row_is_for_next_snapshot(v, conn, h->born);

		if (!pass->holders_left-- || !(done || row_pass_may_go_on(pass))) {
			row_stop_at(pass->sink, conn, h);
			return false;
		}
		if (!done)
			row_show_holder(conn, h, pass->sink);
	}
	return true;
}

/* Add the rows of a connection that are not shown yet; false if they did not all fit. */
static bool row_show_conn(struct sockstat_conn *conn, struct row_pass *pass)
{
	struct sockstat_visited *v = &pass->sink->visited;

	if (!row_show_holders(conn, pass))
		return false;
	if (sockstat_visited_test_conn(v, conn, SOCKSTAT_CONN_RESTED) ||
	    row_is_for_next_snapshot(v, conn, conn->born))
		return true;
	if (!row_pass_may_go_on(pass))
		return false;
	row_show_rest(conn, pass->sink);
	return true;
}

static bool row_show_unheld(struct sockstat_conn *conn, void *arg)
{
	struct row_pass *pass = arg;

	if (!(conn->flags & SOCKSTAT_CONN_STARTED))
		return true;
	/* if the walk has found a descriptor, it has settled the connection */
	if (!sockstat_visited_test_conn(&pass->sink->visited, conn, SOCKSTAT_CONN_SEEN))
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_NOW);
	return row_show_conn(conn, pass);
}

static bool row_show_closed(struct sockstat_conn *conn, void *arg)
{
	return row_show_conn(conn, arg);
}

/**
 * sockstat_row_unheld() - add rows for records in the table that have none yet
 * @sink: has room for at least one row
 * @pass: position in the table, all zero at first
 *
 * Context: process; takes locks for a bounded number of rows.
 * Return: whether the pass is complete; if not, call again with room for a row.
 */
bool sockstat_row_unheld(struct sockstat_sink *sink, struct sockstat_table_pass *pass)
{
	struct row_pass rows = { .sink = sink, .left = BATCH, .holders_left = HOLDERS_BATCH };

	return sockstat_table_for_each(pass, row_show_unheld, &rows);
}

/**
 * sockstat_row_closed() - add rows for records in the history that have none yet
 * @sink: has room for at least one row
 * @pass: begun with sockstat_history_begin()
 *
 * Context: process; takes locks for a bounded number of rows.
 * Return: whether the pass is complete; if not, call again with room for a row.
 */
bool sockstat_row_closed(struct sockstat_sink *sink, struct sockstat_history_pass *pass)
{
	struct row_pass rows = { .sink = sink, .left = BATCH, .holders_left = HOLDERS_BATCH };

	return sockstat_history_for_each(pass, row_show_closed, &rows);
}
