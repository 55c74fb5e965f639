// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit program (call32.c) that uses socketcall(2), which passes the
 * descriptor in memory and not in a register.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

/* Find call32 beside the objects of this program, where make puts it. */
static void call32_path(struct run *r, char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 32);
	char *slash;

	must(r, n > 0);
	path[n] = '\0';
	slash = strrchr(path, '/');
	must(r, slash);
	strcpy(slash, "/client/call32");
	if (access(path, X_OK))
		skip(r, "%s does not exist: the compiler cannot build 32-bit programs", path);
}

/*
 * Child: execute call32 with the turns' socket as standard input and output.
 * It inherits held[0], with a duplicate at each number that c->arg lists.
 */
static void call32_exec(struct child *c)
{
	char path[PATH_MAX], *argv[] = { path, NULL };
	const int *fd;

	call32_path(c->r, path);
	if (c->held[0])
		must(c->r, !fcntl(c->held[0]->fd, F_SETFD, 0));
	for (fd = c->arg; fd && *fd; fd++)
		must(c->r, *fd != c->sock[1] && dup2(c->held[0]->fd, *fd) == *fd);
	child_pass(c);
	must(c->r, dup2(c->sock[1], STDIN_FILENO) == STDIN_FILENO);
	must(c->r, dup2(c->sock[1], STDOUT_FILENO) == STDOUT_FILENO);
	execv(path, argv);
	if (errno == ENOEXEC)
		skip(c->r, "this kernel cannot run 32-bit programs");
	fail(c->r, "cannot run %s: %m", path);
}

/*
 * Let the 32-bit program execute the command @command (call32.c lists them).
 * Return the call's result; on error -1 with errno set.
 */
static int call32_ask(struct child *c, const char *command, int fd, const char *rest)
{
	struct pollfd pfd = { .fd = c->sock[0], .events = POLLIN };
	char text[300];
	int n, ret;

	n = snprintf(text, sizeof(text), "%s %d %s\n", command, fd, rest);
	must(c->r, write(c->sock[0], text, n) == n);
	must(c->r, poll(&pfd, 1, patience_seconds(c->r, 30) * 1000) == 1);
	n = read(c->sock[0], text, sizeof(text) - 1);
	if (n <= 0 || text[n - 1] != '\n')
		fail(c->r, "the 32-bit program did not answer");
	ret = atoi(text);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static int call32_ask_number(struct child *c, const char *command, int fd, unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return call32_ask(c, command, fd, text);
}

static int call32_ask_address(struct child *c, const char *command, int fd,
			      const struct sockaddr_storage *sa, socklen_t len)
{
	const unsigned char *bytes = (const unsigned char *)sa;
	char text[2 * sizeof(struct sockaddr_in6) + 1];
	socklen_t i;

	for (i = 0; i < len && i < sizeof(struct sockaddr_in6); i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return call32_ask(c, command, fd, text);
}

/*
 * Open a connection, and start the 32-bit program, which inherits the client's
 * descriptor.  @numbers end with 0: it duplicates the descriptor to each of them.
 */
static struct child *call32_start(struct run *r, struct pair *p, int *numbers)
{
	pair_open(r, p);
	talk(p, 1000);
	return child_start(r, call32_exec, numbers, p->client, NULL);
}

/* Let the 32-bit program send and receive once with each of its calls. */
static void call32_every_call(struct child *c, struct end *theirs, struct end *ours)
{
	static const char *const sends[] = { "S", "T", "M", "w" };
	static const char *const receives[] = { "R", "F", "G", "r" };
	struct run *r = c->r;
	unsigned int i;
	ssize_t n;

	for (i = 0; i < ARRAY_SIZE(sends); i++) {
		must(r, tx(theirs, call32_ask_number(c, sends[i], theirs->fd, 100 * i + 7)) > 0);
		read_all(ours, 100 * i + 7);
		check(r);
		send_bytes(ours, 10 * i + 3);
		n = call32_ask_number(c, receives[i], theirs->fd, 4096);
		must(r, rx(theirs, n) == 10 * (ssize_t)i + 3);
		check(r);
	}
}

/* The 32-bit program inherits the client's descriptor. */
static void descriptors_socketcall(struct run *r)
{
	struct child *c;
	struct pair p;

	c = call32_start(r, &p, NULL);
	call32_every_call(c, c->held[0], p.server);
	talk(&p, 100);
	child_join(c);
	check(r);
}

/*
 * socketcall(2) has the operation's number in the register in which other
 * system calls have the descriptor.  The program therefore gets a duplicate at
 * each number of a sending or receiving operation, which must stay unused.
 */
static void descriptors_socketcall_numbers(struct run *r)
{
	static int numbers[] = { 9, 10, 11, 12, 16, 17, 0 };
	struct child *c;
	unsigned int i;
	struct pair p;

	c = call32_start(r, &p, numbers);
	must(r, c->held[0]->fd < numbers[0]);
	for (i = 0; numbers[i]; i++)
		end_alias(c->held[0], c->pid, numbers[i]);
	call32_every_call(c, c->held[0], p.server);
	child_join(c);
	check(r);
}

/* The 32-bit program uses duplicates in turn; each row counts its own bytes. */
static void descriptors_socketcall_duplicates(struct run *r)
{
	static int numbers[] = { 300, 200, 100, 0 };
	struct end *duplicates[ARRAY_SIZE(numbers)];
	struct child *c;
	unsigned int i;
	struct pair p;

	c = call32_start(r, &p, numbers);
	for (i = 0; numbers[i]; i++)
		duplicates[i] = end_alias(c->held[0], c->pid, numbers[i]);
	for (i = 0; numbers[i]; i++)
		call32_every_call(c, duplicates[i], p.server);
	call32_every_call(c, c->held[0], p.server);
	child_join(c);
	check(r);
}

/* Create the end of the child's descriptor @fd, by pidfd_getfd(2) of the same socket. */
static struct end *end_of_child(struct child *c, int fd, enum sockstat_role role, int64_t since)
{
	int ours = syscall(__NR_pidfd_getfd, c->pidfd, fd, 0);
	struct end *e;

	if (ours < 0 && (errno == ENOSYS || errno == EPERM))
		skip(c->r, "pidfd_getfd: %m");
	must(c->r, ours >= 0);
	e = end_new(c->r, ours, role, since);
	e->pid = c->pid;
	e->fd = fd;
	must(c->r, !close(ours));
	return e;
}

/* The 32-bit program opens listener, client and server itself, all with socketcall(2). */
static void descriptors_socketcall_own(struct run *r)
{
	struct child *c = child_start(r, call32_exec, NULL, NULL);
	struct sockaddr_storage sa;
	socklen_t len = family_loopback(r, 0, &sa);
	struct end *listener, *client, *server, *ours;
	int64_t since;
	int fd;

	fd = call32_ask(c, "s", family_domain(r), "");
	must(r, fd >= 0);
	must(r, !call32_ask_address(c, "b", fd, &sa, len));
	must(r, !call32_ask_number(c, "l", fd, 2));
	listener = end_of_child(c, fd, SOCKSTAT_ROLE_NONE, -1);
	check(r);

	len = family_loopback(r, addr_port(&listener->local), &sa);
	fd = call32_ask(c, "s", family_domain(r), "");
	must(r, fd >= 0);
	since = now_ns();
	must(r, !call32_ask_address(c, "c", fd, &sa, len));
	client = end_of_child(c, fd, SOCKSTAT_ROLE_CLIENT, since);
	fd = call32_ask(c, "a", listener->fd, "");
	must(r, fd >= 0);
	server = end_of_child(c, fd, SOCKSTAT_ROLE_SERVER, since);
	check(r);
	must(r, tx(client, call32_ask_number(c, "S", client->fd, 1000)) == 1000);
	must(r, rx(server, call32_ask_number(c, "R", server->fd, 4096)) == 1000);
	check(r);

	since = now_ns();
	ours = connect_to(r, listener);
	fd = call32_ask(c, "a", listener->fd, "");
	must(r, fd >= 0);
	call32_every_call(c, end_of_child(c, fd, SOCKSTAT_ROLE_SERVER, since), ours);

	since = now_ns();
	must(r, !call32_ask(c, "x", client->fd, ""));
	end_gone(client, since);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(ours);
}

const struct scenario descriptors_32_scenarios[] = {
	{ "socketcall", descriptors_socketcall, 0, 0,
	  "use an inherited descriptor in a 32-bit program with socketcall(2)" },
	{ "socketcall_numbers", descriptors_socketcall_numbers, 0, 0,
	  "the same, with duplicates at socketcall(2)'s operation numbers" },
	{ "socketcall_duplicates", descriptors_socketcall_duplicates, 0, 0,
	  "use several duplicates in turn with socketcall(2)" },
	{ "socketcall_own", descriptors_socketcall_own, 0, 0,
	  "open and use both ends of a connection in a 32-bit program" },
	{ 0 },
};
