// SPDX-License-Identifier: GPL-2.0-only
/* Connections with descriptors in several processes: fork, SCM_RIGHTS, pidfd_getfd, clone. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"

#define ROUNDS 5

/* In round i the child sends 30 * i bytes and receives 44 * i. */
static void child_rounds(struct child *c)
{
	int i;

	child_pause(c);
	for (i = 1; i <= ROUNDS; i++) {
		send_bytes(c->held[0], 30 * i);
		child_pause(c);
		read_all(c->held[0], 44 * i);
		child_pause(c);
	}
}

/* Parent and child use the client's descriptor in turn. */
static void descriptors_fork(struct run *r)
{
	struct child *c;
	struct pair p;
	int i;

	pair_open(r, &p);
	send_bytes(p.client, 1000);
	read_all(p.server, 1000);
	c = child_start(r, child_rounds, NULL, p.client, NULL);
	check(r);
	for (i = 1; i <= ROUNDS; i++) {
		send_bytes(p.client, 100 * i);
		child_turn(c);
		read_all(p.server, 130 * i);
		send_bytes(p.server, 77 * i);
		child_turn(c);
		read_all(p.client, 33 * i);
		check(r);
	}
	child_join(c);
	check(r);
	send_bytes(p.client, 5);
	read_all(p.server, 5);
}

/* The parent closes its descriptor, and only the child uses the connection afterwards. */
static void descriptors_fork_parent_closes(struct run *r)
{
	struct child *c;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	c = child_start(r, child_rounds, NULL, p.client, NULL);
	end_close(p.client);
	check(r);
	child_turn(c);
	check(r);
	send_bytes(p.server, 44);
	child_turn(c);
	check(r);
	child_kill(c);
	check(r);
	read_to_eof(p.server);
}

#define CONCURRENT 200000

static void child_send_concurrently(struct child *c)
{
	child_pause(c);
	send_bytes(c->held[0], CONCURRENT);
}

/*
 * Both processes send at the same time.  The module may credit overlapping
 * bytes to either of them, so only the connection's sum is compared.
 */
static void descriptors_fork_concurrent(struct run *r)
{
	struct child *c;
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	c = child_start(r, child_send_concurrently, NULL, p.client, NULL);
	p.client->loose |= LOOSE_TX_BYTES;
	c->held[0]->loose |= LOOSE_TX_BYTES;
	drain_start(&d, p.server, 2 * CONCURRENT);
	child_go(c);
	send_bytes(p.client, CONCURRENT);
	drain_join(&d);
	child_join(c);
	check(r);
}

static void child_receive(struct child *c)
{
	child_pause(c);
	read_all(c->held[0], CONCURRENT);
}

/* One process sends and the other receives; the two directions are credited separately. */
static void descriptors_reader_writer(struct run *r)
{
	struct child *c;
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	c = child_start(r, child_receive, NULL, p.client, NULL);
	drain_start(&d, p.server, CONCURRENT);
	child_go(c);
	send_bytes(p.client, CONCURRENT / 2);
	send_bytes(p.server, CONCURRENT);
	send_bytes(p.client, CONCURRENT / 2);
	drain_join(&d);
	child_join(c);
	check(r);
}

/**
 * pass_descriptor - send a descriptor by SCM_RIGHTS
 * @r: the run
 * @to: one end of a UNIX socket pair
 * @fd: the descriptor, which stays open
 */
void pass_descriptor(struct run *r, int to, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { "d", 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	must(r, sendmsg(to, &msg, 0) == 1);
}

/**
 * receive_descriptor - receive a descriptor by SCM_RIGHTS
 * @r: the run
 * @from: the other end of the UNIX socket pair
 *
 * Return: the number of the new descriptor in this process.
 */
int receive_descriptor(struct run *r, int from)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cm;
	int fd;

	must(r, recvmsg(from, &msg, MSG_CMSG_CLOEXEC) == 1);
	cm = CMSG_FIRSTHDR(&msg);
	must(r, cm && cm->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	return fd;
}

/* A descriptor that is sent over @sock, and its ends in the sending and the receiving process */
struct parcel {
	int sock[2];
	struct end *sender, *receiver;
};

static struct parcel *parcel_new(struct run *r)
{
	struct parcel *parcel = shared_memory(r, sizeof(*parcel));

	must(r, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, parcel->sock));
	return parcel;
}

static void child_receive_descriptor(struct child *c)
{
	struct parcel *parcel = c->arg;
	int fd, other;

	child_pause(c);
	fd = receive_descriptor(c->r, parcel->sock[1]);
	other = dup2(fd, 200);
	must(c->r, other == 200 && !close(fd));
	parcel->receiver = end_alias(parcel->sender, getpid(), other);
	child_pause(c);
	send_bytes(parcel->receiver, 300);
	read_all(parcel->receiver, 20);
	child_pause(c);
}

/* The receiver's descriptor has another number; both processes use the connection. */
static void descriptors_scm_rights(struct run *r)
{
	struct parcel *parcel = parcel_new(r);
	struct child *c;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	parcel->sender = p.client;
	c = child_start(r, child_receive_descriptor, parcel, NULL);
	pass_descriptor(r, parcel->sock[0], p.client->fd);
	check(r);
	child_turn(c);
	check(r);
	send_bytes(p.server, 20);
	child_turn(c);
	read_all(p.server, 300);
	check(r);
	talk(&p, 40);
	child_join(c);
	check(r);
}

/* Expect a row without process and descriptor: only an SCM_RIGHTS message holds the socket. */
static struct end *end_in_flight(struct end *e)
{
	struct end *nobody = end_alias(e, -1, -1);

	strcpy(nobody->comm, "-");
	return nobody;
}

static void descriptors_scm_in_flight(struct run *r)
{
	struct parcel *parcel = parcel_new(r);
	struct end *flying;
	struct child *c;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	parcel->sender = p.client;
	c = child_start(r, child_receive_descriptor, parcel, NULL);
	flying = end_in_flight(p.client);
	pass_descriptor(r, parcel->sock[0], p.client->fd);
	end_close(p.client);
	send_bytes(p.server, 20);
	check(r);
	/*
	 * The child copies the receiver's end from parcel->sender.  The client's
	 * own end is closed by now, so let it copy the open one.
	 */
	flying->ready = false;
	parcel->sender = flying;
	child_turn(c);
	check(r);
	child_turn(c);
	read_all(p.server, 300);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(p.server);
}

/* The message is never received: closing its socket closes the descriptor in it. */
static void descriptors_scm_never(struct run *r)
{
	struct parcel *parcel = parcel_new(r);
	struct end *flying;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	flying = end_in_flight(p.client);
	pass_descriptor(r, parcel->sock[0], p.client->fd);
	end_close(p.client);
	check(r);
	must(r, !close(parcel->sock[1]));
	flying->ready = false;
	read_to_eof(p.server);
	check(r);
}

static void child_send(struct child *c)
{
	send_bytes(c->held[0], 300);
	child_pause(c);
}

/* Two processes with the same pid, one after the other, have the connection at the same number. */
static void descriptors_pid_reused(struct run *r)
{
	struct child *first, *second;
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	first = child_start(r, child_send, NULL, p.client, NULL);
	read_all(p.server, 300);
	child_join(first);
	check(r);
	second = child_start_as(r, first->pid, child_rounds, NULL, p.client, NULL);
	must(r, second->pid == first->pid);
	check(r);
	child_turn(second);
	read_all(p.server, 30);
	check(r);
	child_kill(second);
	check(r);
}

/* The ends of a child's descriptors 0, 1 and 2 */
struct standard {
	struct end *in, *out, *err;
};

static void child_serve_inetd(struct child *c)
{
	struct standard *s = c->arg;
	struct run *r = c->r;
	int fds[2], fd, i;
	char byte;

	for (fd = 0; fd < 3; fd++)
		must(r, dup2(c->held[0]->fd, fd) == fd);
	s->in = end_alias(c->held[0], getpid(), 0);
	s->out = end_alias(c->held[0], getpid(), 1);
	s->err = end_alias(c->held[0], getpid(), 2);
	end_close(c->held[0]);
	must(r, !pipe2(fds, O_CLOEXEC));
	child_pause(c);
	for (i = 0; i < 10; i++)
		must(r, rx(s->in, read(0, &byte, 1)) == 1);
	must(r, tx(s->out, write(1, "write", 5)) == 5);
	must(r, tx(s->err, write(2, "error", 5)) == 5);
	child_pause(c);
	/* splice() from the pipe to the socket: its third argument is the socket's descriptor. */
	must(r, write(fds[1], "splice", 6) == 6);
	must(r, tx(s->out, splice(fds[0], NULL, 1, NULL, 6, 0)) == 6);
	child_pause(c);
	must(r, write(fds[1], "splice", 6) == 6);
	must(r, tx(s->err, splice(fds[0], NULL, 2, NULL, 6, 0)) == 6);
	child_pause(c);
	must(r, rx(s->in, splice(0, NULL, fds[1], NULL, 7, 0)) == 7);
	child_pause(c);
}

/* The socket is standard input, output and error, as in a server started by inetd. */
static void descriptors_inetd(struct run *r)
{
	struct standard *s = shared_memory(r, sizeof(*s));
	struct child *c;
	struct pair p;
	int i;

	pair_open(r, &p);
	talk(&p, 1000);
	c = child_start(r, child_serve_inetd, s, p.server, NULL);
	end_close(p.server);
	send_bytes(p.client, 10);
	child_turn(c);
	read_all(p.client, 10);
	check(r);
	for (i = 0; i < 2; i++) {
		child_turn(c);
		read_all(p.client, 6);
		check(r);
	}
	send_bytes(p.client, 7);
	child_turn(c);
	check(r);
	child_join(c);
	check(r);
	read_to_eof(p.client);
}

/* Copy a descriptor from another process with pidfd_getfd(). */
static void descriptors_pidfd_getfd(struct run *r)
{
	struct end *taken;
	struct child *c;
	struct pair p;
	int fd;

	pair_open(r, &p);
	talk(&p, 1000);
	c = child_start(r, child_rounds, NULL, p.client, NULL);
	end_close(p.client);
	child_turn(c);
	read_all(p.server, 30);
	fd = syscall(__NR_pidfd_getfd, c->pidfd, c->held[0]->fd, 0);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		skip(r, "pidfd_getfd: %m");
	/* Avoid the number closed above: its old row would be continued. */
	must(r, fd >= 0 && dup2(fd, 300) == 300 && !close(fd));
	taken = end_alias(c->held[0], getpid(), 300);
	check(r);
	send_bytes(taken, 100);
	read_all(p.server, 100);
	check(r);
	child_kill(c);
	check(r);
	send_bytes(taken, 7);
	read_all(p.server, 7);
	end_close(taken);
	check(r);
}

/* fork() except that parent and child share one descriptor table (CLONE_FILES). */
static pid_t fork_sharing_files(struct run *r)
{
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	must(r, pid >= 0);
	return pid;
}

static bool other_has_read(void *arg)
{
	struct end **e = arg;

	return *e && __atomic_load_n(&(*e)->rx_bytes, __ATOMIC_RELAXED) == 100;
}

/*
 * CLONE_FILES without CLONE_THREAD: two processes share one descriptor table.
 * A descriptor that one process opens or closes is open or closed in both.
 */
static void descriptors_clone_files(struct run *r)
{
	struct end *listener = listen_open(r, 1), *client, *server, **theirs;
	unsigned int i;
	int64_t since;
	struct pair p;
	int status;
	char byte;
	pid_t pid;

	theirs = shared_memory(r, 2 * sizeof(*theirs));
	pair_open_on(r, listener, &p);
	talk(&p, 1000);
	pid = fork_sharing_files(r);
	if (!pid) {
		theirs[0] = end_alias(p.client, getpid(), p.client->fd);
		theirs[1] = end_alias(p.server, getpid(), p.server->fd);
		end_alias(listener, getpid(), listener->fd);
		send_bytes(theirs[0], 300);
		read_all(theirs[1], 100);
		/* This recv() blocks until the end; the module counts it when it starts. */
		rx_add(theirs[0], 0, 1);
		_exit(recv(theirs[0]->fd, &byte, 1, 0) != 0);
	}
	wait_until(r, other_has_read, &theirs[1], "the other process to read");
	wait_in_syscall(r, pid, pid, SYS_recvfrom);
	check(r);
	read_all(p.server, 200);
	client = connect_to(r, listener);
	server = accept_from(r, listener, client->opened_lo);
	theirs[0] = end_alias(client, pid, client->fd);
	end_alias(server, pid, server->fd);
	check(r);
	end_close(client);
	end_gone(theirs[0], client->closed_lo);
	check(r);
	since = now_ns();
	must(r, !shutdown(p.server->fd, SHUT_WR));
	must(r, waitpid(pid, &status, 0) == pid && !status);
	for (i = 0; i < r->n_ends; i++) {
		if (r->ends[i].pid == pid && !r->ends[i].shut)
			end_gone(&r->ends[i], since);
	}
	check(r);
}

const struct scenario descriptors_process_scenarios[] = {
	{ "fork", descriptors_fork, 0, 0,
	  "send and receive in turn in both processes after fork(2)" },
	{ "fork_parent_closes", descriptors_fork_parent_closes, 0, 0,
	  "continue only in the child after fork(2)" },
	{ "fork_concurrent", descriptors_fork_concurrent, 0, 0,
	  "send from both processes at the same time after fork(2)" },
	{ "reader_writer", descriptors_reader_writer, 0, 0,
	  "send in one process and receive in another" },
	{ "scm_rights", descriptors_scm_rights, 0, 0,
	  "pass a descriptor with SCM_RIGHTS and use it in both processes" },
	{ "scm_in_flight", descriptors_scm_in_flight, SC_ROOT, 0,
	  "pass a descriptor that the sender closes before it is received" },
	{ "scm_never", descriptors_scm_never, SC_ROOT, 0,
	  "pass a descriptor with SCM_RIGHTS that is never received" },
	{ "pid_reused", descriptors_pid_reused, SC_ROOT, 0,
	  "use a connection in a process that has an earlier process's pid" },
	{ "inetd", descriptors_inetd, 0, 0,
	  "use one socket as descriptors 0, 1 and 2, as inetd servers do" },
	{ "pidfd_getfd", descriptors_pidfd_getfd, 0, 0,
	  "copy another process's descriptor with pidfd_getfd(2) and use it" },
	{ "clone_files", descriptors_clone_files, 0, 0,
	  "share one descriptor table between two processes (CLONE_FILES)" },
	{ 0 },
};
