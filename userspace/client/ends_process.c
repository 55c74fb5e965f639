// SPDX-License-Identifier: GPL-2.0-only
/* Connections of a process that exits, is killed or calls exec. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

/* A connection from a child to the parent's listener, in memory that both share */
struct link {
	struct end *listener;
	struct end *client; /* the child's */
	struct end *server; /* the parent's */
};

/* Start a child with @fn, which connects to a new listener, and accept its connection. */
static struct child *client_start(struct run *r, child_fn fn)
{
	struct link *l = shared_memory(r, sizeof(*l));
	struct child *c;

	l->listener = listen_open(r, 1);
	c = child_start(r, fn, l, NULL);
	l->server = accept_from(r, l->listener, l->client->opened_lo);
	return c;
}

static void client_connect(struct child *c)
{
	struct link *l = c->arg;

	l->client = connect_to(c->r, l->listener);
}

static void client_connect_and_send(struct child *c)
{
	struct link *l = c->arg;

	client_connect(c);
	send_bytes(l->client, 1000);
}

/* Clear FD_CLOEXEC, so that exec leaves the client's descriptor open. */
static void client_keep_on_exec(struct child *c)
{
	struct link *l = c->arg;

	must(c->r, !fcntl(l->client->fd, F_SETFD, 0));
}

static void child_talk_and_exit(struct child *c)
{
	struct link *l = c->arg;

	client_connect_and_send(c);
	child_pause(c);
	read_all(l->client, 300);
}

/* exit() closes the descriptors; the peer still receives all bytes that were sent. */
static void ends_exit(struct run *r)
{
	struct child *c = client_start(r, child_talk_and_exit);
	struct link *l = c->arg;

	send_bytes(l->server, 300);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(l->server);
	check(r);
}

static void child_connect_and_exit(struct child *c)
{
	client_connect(c);
	child_pause(c);
}

/* No byte was moved: the module knows the connection's process from connect(). */
static void ends_exit_unused(struct run *r)
{
	struct child *c = client_start(r, child_connect_and_exit);
	struct link *l = c->arg;

	check(r);
	child_join(c);
	check(r);
	read_to_eof(l->server);
}

static void child_block_in_recv(struct child *c)
{
	struct link *l = c->arg;
	char byte;

	client_connect_and_send(c);
	/* recv() does not return, but the module counts the call when it starts. */
	rx_add(l->client, 0, 1);
	child_pass(c);
	recv(l->client->fd, &byte, 1, 0);
	fail(c->r, "recv() returned before the process was killed");
}

static void ends_sigkill(struct run *r)
{
	struct child *c = client_start(r, child_block_in_recv);
	struct link *l = c->arg;

	wait_in_syscall(r, c->pid, c->pid, SYS_recvfrom);
	check(r);
	child_kill(c);
	check(r);
	read_to_eof(l->server);
	check(r);
}

/* The killed process leaves bytes unread, so the kernel closes its socket with a reset. */
static void ends_sigkill_unread(struct run *r)
{
	struct child *c = client_start(r, child_talk_and_exit);
	struct link *l = c->arg;
	int64_t since;

	read_all(l->server, 1000);
	send_bytes(l->server, 300);
	wait_acked(l->server);
	since = now_ns();
	child_kill(c);
	wait_state(l->server, SOCKSTAT_CLOSED);
	end_ended(l->server, since, ECONNRESET);
	check(r);
}

static char *const cat_argv[] = { (char[]){ "cat" }, NULL };

static void child_exec_cloexec(struct child *c)
{
	client_connect_and_send(c);
	child_pause(c);
	child_exec(c, cat_argv);
}

/* exec closes the client's descriptor, which has FD_CLOEXEC; the process continues. */
static void ends_exec_cloexec(struct run *r)
{
	struct child *c = client_start(r, child_exec_cloexec);
	struct link *l = c->arg;
	int64_t since;

	read_all(l->server, 1000);
	check(r);
	since = now_ns();
	child_go(c);
	child_turn(c);
	end_gone(l->client, since);
	check(r);
	read_to_eof(l->server);
	child_join(c);
	check(r);
}

static void child_exec_keep(struct child *c)
{
	client_connect_and_send(c);
	client_keep_on_exec(c);
	child_pause(c);
	child_exec(c, cat_argv);
}

/* The new program inherits the descriptor, and its row starts without the old one's bytes. */
static void ends_exec_keep(struct run *r)
{
	struct child *c = client_start(r, child_exec_keep);
	struct link *l = c->arg;
	int64_t since;

	read_all(l->server, 1000);
	since = now_ns();
	child_go(c);
	child_turn(c);
	child_execed(l->client, since);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(l->server);
}

static void child_exec_write(struct child *c)
{
	struct link *l = c->arg;

	client_connect_and_send(c);
	client_keep_on_exec(c);
	child_pause(c);
	/* cat copies the bytes of the child's turns to the TCP socket. */
	must(c->r, dup2(c->sock[1], STDIN_FILENO) == STDIN_FILENO);
	must(c->r, dup2(l->client->fd, STDOUT_FILENO) == STDOUT_FILENO);
	execvp(cat_argv[0], cat_argv);
	fail(c->r, "cannot run cat: %m");
}

/* The new program writes to its standard output, which is the TCP socket. */
static void ends_exec_write(struct run *r)
{
	struct child *c = client_start(r, child_exec_write);
	struct end *inherited, *output;
	struct link *l = c->arg;
	int64_t since;
	int i;

	read_all(l->server, 1000);
	since = now_ns();
	child_go(c);
	for (i = 0; i < 5; i++) {
		child_go(c);
		read_all(l->server, 1);
	}
	inherited = child_execed(l->client, since);
	output = end_alias(inherited, c->pid, STDOUT_FILENO);
	tx_add(output, 5, 5);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(l->server);
}

const struct scenario ends_process_scenarios[] = {
	{ "exit", ends_exit, 0, 0, "exit without close(2)" },
	{ "exit_unused", ends_exit_unused, 0, 0,
	  "exit after connect(2), without using the socket" },
	{ "sigkill", ends_sigkill, 0, 0, "kill a process with SIGKILL while it waits in recv(2)" },
	{ "sigkill_unread", ends_sigkill_unread, 0, 0,
	  "kill a process that has unread bytes, which resets the connection" },
	{ "exec_cloexec", ends_exec_cloexec, 0, 0, "exec a program, which closes the descriptor" },
	{ "exec_keep", ends_exec_keep, 0, 0, "exec a program that inherits the descriptor" },
	{ "exec_write", ends_exec_write, 0, 0,
	  "exec a program that writes to the socket as standard output" },
	{ 0 },
};
