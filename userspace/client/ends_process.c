// SPDX-License-Identifier: GPL-2.0-only
/* Connections that end because their process does, or becomes another program. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

/* What a child connects, it shows to the parent, who plays the server. */
struct shown {
	struct end *listener;
	struct end *client;
};

static void keep_on_exec(struct end *e)
{
	must(e->run, !fcntl(e->fd, F_SETFD, 0));
}

static void connect_and_send(struct child *c)
{
	struct shown *s = c->arg;

	s->client = connect_to(c->r, s->listener);
	send_bytes(s->client, 1000);
	child_pause(c);
	read_all(s->client, 300);
}

/* exit() closes what is open; all that was sent still arrives. */
static void ends_exit(struct run *r)
{
	struct shown *s = shared_memory(r, sizeof(*s));
	struct end *server;
	struct child *c;

	s->listener = listen_open(r, 1);
	c = child_start(r, connect_and_send, s, NULL);
	server = accept_from(r, s->listener, s->client->opened_lo);
	send_bytes(server, 300);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(server);
	check(r);
}

static void connect_and_exit(struct child *c)
{
	struct shown *s = c->arg;

	s->client = connect_to(c->r, s->listener);
	child_pause(c);
}

/* The connection's process is known from connect(). */
static void ends_exit_unused(struct run *r)
{
	struct shown *s = shared_memory(r, sizeof(*s));
	struct end *server;
	struct child *c;

	s->listener = listen_open(r, 1);
	c = child_start(r, connect_and_exit, s, NULL);
	server = accept_from(r, s->listener, s->client->opened_lo);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(server);
}

static void send_and_wait(struct child *c)
{
	struct shown *s = c->arg;
	char byte;

	s->client = connect_to(c->r, s->listener);
	send_bytes(s->client, 1000);
	/* It does not come back from this call, which counts when it is made. */
	rx_add(s->client, 0, 1);
	child_pass(c);
	recv(s->client->fd, &byte, 1, 0);
	fail(c->r, "recv() returned in a process that was to be killed");
}

static void ends_sigkill(struct run *r)
{
	struct shown *s = shared_memory(r, sizeof(*s));
	struct end *server;
	struct child *c;

	s->listener = listen_open(r, 1);
	c = child_start(r, send_and_wait, s, NULL);
	server = accept_from(r, s->listener, s->client->opened_lo);
	wait_in_syscall(r, c->pid, c->pid, SYS_recvfrom);
	check(r);
	child_kill(c);
	check(r);
	read_to_eof(server);
	check(r);
}

/* Bytes that the killed process left unread make its end a reset. */
static void ends_sigkill_unread(struct run *r)
{
	struct shown *s = shared_memory(r, sizeof(*s));
	struct end *server;
	struct child *c;
	int64_t since;

	s->listener = listen_open(r, 1);
	c = child_start(r, connect_and_send, s, NULL);
	server = accept_from(r, s->listener, s->client->opened_lo);
	read_all(server, 1000);
	send_bytes(server, 300);
	wait_acked(server);
	since = now_ns();
	child_kill(c);
	wait_state(server, SOCKSTAT_CLOSED);
	end_ended(server, since, ECONNRESET);
	check(r);
}

static void use_and_exec(struct child *c)
{
	static char cat[] = "cat", *argv[] = { cat, NULL };
	struct shown *s = c->arg;

	s->client = connect_to(c->r, s->listener);
	send_bytes(s->client, 1000);
	child_pause(c);
	child_exec(c, argv);
}

/* The descriptor goes with the program, the process stays. */
static void ends_exec_cloexec(struct run *r)
{
	struct shown *s = shared_memory(r, sizeof(*s));
	struct end *server;
	struct child *c;
	int64_t since;

	s->listener = listen_open(r, 1);
	c = child_start(r, use_and_exec, s, NULL);
	server = accept_from(r, s->listener, s->client->opened_lo);
	read_all(server, 1000);
	check(r);
	since = now_ns();
	child_go(c);
	child_turn(c);
	end_gone(s->client, since);
	check(r);
	read_to_eof(server);
	child_join(c);
	check(r);
}

static void keep_and_exec(struct child *c)
{
	static char cat[] = "cat", *argv[] = { cat, NULL };
	struct shown *s = c->arg;

	s->client = connect_to(c->r, s->listener);
	keep_on_exec(s->client);
	send_bytes(s->client, 1000);
	child_pause(c);
	child_exec(c, argv);
}

/* The new program has the descriptor, but not the old one's bytes. */
static void ends_exec_keep(struct run *r)
{
	struct shown *s = shared_memory(r, sizeof(*s));
	struct end *server;
	struct child *c;
	int64_t since;

	s->listener = listen_open(r, 1);
	c = child_start(r, keep_and_exec, s, NULL);
	server = accept_from(r, s->listener, s->client->opened_lo);
	read_all(server, 1000);
	since = now_ns();
	child_go(c);
	child_turn(c);
	child_execed(s->client, since);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(server);
}

static void write_by_exec(struct child *c)
{
	static char cat[] = "cat", *argv[] = { cat, NULL };
	struct shown *s = c->arg;

	s->client = connect_to(c->r, s->listener);
	keep_on_exec(s->client);
	send_bytes(s->client, 1000);
	child_pause(c);
	/* From its turns to the socket: what the new program writes are the bytes of turns. */
	must(c->r, dup2(c->sock[1], STDIN_FILENO) == STDIN_FILENO);
	must(c->r, dup2(s->client->fd, STDOUT_FILENO) == STDOUT_FILENO);
	execvp(argv[0], argv);
	fail(c->r, "cannot run cat: %m");
}

/* The new program writes to its standard output, which is the socket. */
static void ends_exec_write(struct run *r)
{
	struct shown *s = shared_memory(r, sizeof(*s));
	struct end *server, *number, *output;
	struct child *c;
	int64_t since;
	int i;

	s->listener = listen_open(r, 1);
	c = child_start(r, write_by_exec, s, NULL);
	server = accept_from(r, s->listener, s->client->opened_lo);
	read_all(server, 1000);
	since = now_ns();
	child_go(c);
	for (i = 0; i < 5; i++) {
		child_go(c);
		read_all(server, 1);
	}
	number = child_execed(s->client, since);
	output = end_alias(number, c->pid, STDOUT_FILENO);
	tx_add(output, 5, 5);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(server);
}

const struct scenario ends_process_scenarios[] = {
	{ "exit", ends_exit, 0, 0, "exit without close(2)" },
	{ "exit_unused", ends_exit_unused, 0, 0, "exit, nothing sent or received" },
	{ "sigkill", ends_sigkill, 0, 0, "SIGKILL in recv(2)" },
	{ "sigkill_unread", ends_sigkill_unread, 0, 0, "SIGKILL with bytes unread" },
	{ "exec_cloexec", ends_exec_cloexec, 0, 0, "exec closes the descriptor" },
	{ "exec_keep", ends_exec_keep, 0, 0, "exec keeps the descriptor" },
	{ "exec_write", ends_exec_write, 0, 0, "the new program writes to what it inherited" },
	{ 0 },
};
