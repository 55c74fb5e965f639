// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the model call module/conn.c as the probes of module/hooks.c and the
 * readers of module/row.c do.
 */
#include "fuzz.h"

static bool leaving; /* tcp_disconnect() runs while the kprobes are disarmed */

void event_reset(void)
{
	leaving = false;
}

static void make_caller(struct sockstat_caller *c)
{
	memset(c, 0, sizeof(*c));
	c->fd = actor.fd;
	c->searched = actor.program == NOBODY; /* sockstat_fd_nobody() */
	if (c->searched)
		return;
	c->task = programs[actor.program].task;
	c->pid = programs[actor.program].pid;
	c->exec_id = programs[actor.program].exec_id;
}

/* sockstat_fd_search() */
static void search(struct sockstat_caller *c)
{
	c->searched = true;
	for (int fd = 0; fd < KERNEL_FDS && c->task; fd++)
		if (c->task->files->fd[fd]) {
			c->fd = actor.fd = fd;
			return;
		}
}

/* hooks_find_caller() */
static void find_caller(struct sockstat_caller *c)
{
	make_caller(c);
	if (c->task && c->fd == SOCKSTAT_FD_UNKNOWN)
		search(c);
}

bool has_descriptors(void)
{
	return !model.closed && !model.destroyed && !model_embryonic();
}

/* The module may have noticed an urgent byte. */
void note_booked(void)
{
	model.urgent_unbooked = model.inline_unbooked = false;
}

bool seen(void)
{
	return loaded && armed && !unseen;
}

/* hooks_enter() and hooks_enter_slow() */
void event_enter(enum sockstat_flow flow, bool slow)
{
	struct sockstat_caller c;

	used = true;
	if (!seen())
		return;
	make_caller(&c);
	if (slow || !c.task || c.fd == SOCKSTAT_FD_UNKNOWN ||
	    !sockstat_conn_again(sockstat_table_find(sk()), sk(), flow, &c)) {
		if (!sockstat_conn_enter(sk(), flow, &c)) {
			search(&c);
			sockstat_conn_enter(sk(), flow, &c);
		}
	}
	if (flow == SOCKSTAT_RX)
		note_booked();
	book_found(false);
	book_call(&actor, flow);
}

void settled(void)
{
	struct sockstat_conn *conn = fuzz_conn();

	if (conn && conn->flags & SOCKSTAT_CONN_STARTED && model.open) {
		book_check(conn, true);
		note_booked();
	}
}

void event_state(int old, int new)
{
	struct sockstat_caller c;

	used = true;
	if (!loaded)
		return;
	switch (new) {
	case TCP_SYN_SENT:
		find_caller(&c);
		sockstat_conn_connect(sk(), &c);
		book_found(armed);
		book_holder(fuzz_conn(), &actor);
		break;
	case TCP_ESTABLISHED:
		sockstat_conn_established(sk(), old == TCP_SYN_SENT);
		book_found(old == TCP_SYN_RECV && !model.truth[MODEL_TX] && !model.truth[MODEL_RX]);
		settled();
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		sockstat_conn_fin(sk());
		break;
	case TCP_CLOSE:
		sockstat_conn_dead(sk());
		book_found(false);
		settled();
		if (leaving)
			book_over();
		leaving = false;
		break;
	}
}

void event_syn(void)
{
	if (loaded && armed)
		sockstat_conn_syn(sk());
}

void event_disconnect(void)
{
	struct sockstat_caller c;

	if (!loaded)
		return;
	if (!armed) {
		/* the change of state is reported, if there is one */
		leaving = true;
		if (sk()->sk_state == TCP_CLOSE)
			book_over();
		return;
	}
	find_caller(&c);
	sockstat_conn_disconnect(sk(), &c);
	book_found(false);
	book_holder(fuzz_conn(), &actor);
	settled();
	book_over();
}

void event_close(void)
{
	struct sockstat_caller c;

	if (!loaded || !armed)
		return;
	make_caller(&c);
	sockstat_conn_close(sk(), &c);
	book_closed(&actor);
	book_found(false);
	book_holder(fuzz_conn(), &actor);
}

void event_destroy(void)
{
	if (loaded)
		sockstat_conn_destroy(sk());
}

/* The record leaves the table: its last numbers */
void fuzz_retired(struct sockstat_conn *conn)
{
	book_found(false);
	book_holder(conn, &actor);
	if (conn->flags & SOCKSTAT_CONN_STARTED)
		book_check(conn, model.open);
	book_reset();
}

/*
 * A snapshot finds the socket, by a descriptor (sockstat_row_descriptor()) or, if
 * there is none, in the table (row_show_unheld()).
 */
void event_read(void)
{
	struct sockstat_place place;
	struct sockstat_caller c;
	struct sockstat_conn *conn;

	if (!loaded || model.destroyed)
		return;
	if (!has_descriptors())
		actor = (struct actor){ NOBODY, SOCKSTAT_FD_UNKNOWN };
	find_caller(&c);
	conn = sockstat_conn_lock(&place, sk());
	if (!conn && c.task && inet_sk(sk())->inet_dport)
		conn = sockstat_conn_adopt(sk(), &c);
	if (conn) {
		sockstat_conn_settle(conn, SOCKSTAT_VIEW_NOW);
		if (c.task && !sockstat_holder_claim(&conn->holders, &c) &&
		    !sockstat_holder_count(&conn->holders) &&
		    (conn->ledger.total[SOCKSTAT_TX] || conn->ledger.total[SOCKSTAT_RX]))
			sockstat_conn_add_holder(conn, &c);
	}
	sockstat_table_unlock(&place);
	book_found(false);
	book_holder(fuzz_conn(), &actor);
}

/* Before there is a record, only TCP's count tells what was delivered. */
void event_urgent_lost(int n)
{
	if (!fuzz_conn())
		model.truth[MODEL_RX] += n;
}

/* Another CPU reads the table. */
void event_window(void)
{
	struct actor saved = actor;

	if (!(take() & 1))
		return;
	sk()->sk_lock.owned = 1;
	take_actor();
	event_read();
	sk()->sk_lock.owned = 0;
	actor = saved;
	unseen = false;
}
