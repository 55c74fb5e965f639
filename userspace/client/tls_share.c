// SPDX-License-Identifier: GPL-2.0-only
/* kTLS at both ends of a connection of which one end has several holders, or changes its key. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "scenario.h"
#include "tls.h"

#ifndef TLS_TX_ZEROCOPY_RO
#define TLS_TX_ZEROCOPY_RO 3
#endif

#define TLS_HANDSHAKE 22
#define TLS_KEY_UPDATE 24

#define SENDS 64
#define SEND_SIZE 16000
#define RECVS 16
#define RECV_SIZE 1000

static void child_send_and_receive(struct child *c)
{
	const struct tls *tls = c->arg;
	int i;

	child_pause(c);
	for (i = 0; i < SENDS; i++)
		tls_send(c->held[0], tls, SEND_SIZE);
	child_pause(c);
	for (i = 0; i < RECVS; i++)
		tls_recv(c->held[0], tls, RECV_SIZE);
	child_pause(c);
}

/* The parent sends a byte before it enables kTLS; then only the child sends. */
static void tls_fork_version(struct run *r, const struct tls *tls)
{
	struct child *c;
	struct drain d;
	struct pair p;
	int i;

	tls_pair(r, &p, tls);
	c = child_start(r, child_send_and_receive, (void *)tls, p.client, NULL);
	check(r);
	drain_start(&d, p.server, SENDS * SEND_SIZE);
	child_turn(c);
	drain_join(&d);
	rx_add(p.server, SENDS * tls->overhead, 0);
	wait_acked(p.client);
	check(r);
	if (tls_records_sent(p.client) != SENDS)
		fail(r, "%d calls made %llu records", SENDS,
		     (unsigned long long)tls_records_sent(p.client));
	for (i = 0; i < RECVS; i++)
		tls_send(p.server, tls, RECV_SIZE);
	child_turn(c);
	check(r);
	tls_send(p.client, tls, 20);
	tls_recv(p.server, tls, 20);
	tls_send(p.server, tls, 30);
	tls_recv(p.client, tls, 30);
	check(r);
	child_join(c);
	check(r);
}

static void tls_fork(struct run *r)
{
	tls_fork_version(r, &tls_1_2);
}

static void tls_fork_1_3(struct run *r)
{
	tls_fork_version(r, &tls_1_3);
}

/* The client's end in the parent, and a socket pair that carries its descriptor */
struct parcel {
	int sock[2];
	struct end *sender;
};

static void child_receive_descriptor(struct child *c)
{
	struct parcel *parcel = c->arg;
	struct end *e;
	int fd, other;

	child_pause(c);
	fd = receive_descriptor(c->r, parcel->sock[1]);
	other = dup2(fd, 200);
	must(c->r, other == 200 && !close(fd));
	e = end_alias(parcel->sender, getpid(), other);
	tls_send(e, &tls_1_3, 300);
	child_pause(c);
	tls_recv(e, &tls_1_3, 40);
	child_pause(c);
}

/* The receiver's descriptor has another number; both processes use the connection. */
static void tls_scm_rights(struct run *r)
{
	struct parcel *parcel = shared_memory(r, sizeof(*parcel));
	struct child *c;
	struct pair p;

	must(r, !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, parcel->sock));
	tls_pair(r, &p, &tls_1_3);
	parcel->sender = p.client;
	c = child_start(r, child_receive_descriptor, parcel, NULL);
	pass_descriptor(r, parcel->sock[0], p.client->fd);
	child_turn(c);
	tls_recv(p.server, &tls_1_3, 300);
	check(r);
	tls_send(p.client, &tls_1_3, 50);
	tls_recv(p.server, &tls_1_3, 50);
	tls_send(p.server, &tls_1_3, 40);
	child_turn(c);
	check(r);
	child_join(c);
	check(r);
}

struct duplicate {
	struct end *e;
	pid_t tid;
};

static void *duplicate_thread(void *arg)
{
	struct duplicate *d = arg;

	__atomic_store_n(&d->tid, gettid(), __ATOMIC_RELAXED);
	tls_recv(d->e, &tls_1_3, 700);
	tls_send(d->e, &tls_1_3, 70);
	return NULL;
}

static bool duplicate_is_used(void *arg)
{
	struct duplicate *d = arg;

	return __atomic_load_n(&d->tid, __ATOMIC_RELAXED);
}

/* One thread is blocked in recv() on a duplicate while the other sends. */
static void tls_threads(struct run *r)
{
	struct duplicate d = { 0 };
	pthread_t thread;
	struct pair p;
	int fd;

	tls_pair(r, &p, &tls_1_3);
	fd = dup(p.client->fd);
	must(r, fd >= 0);
	d.e = end_alias(p.client, getpid(), fd);
	errno = pthread_create(&thread, NULL, duplicate_thread, &d);
	must(r, !errno);
	wait_until(r, duplicate_is_used, &d, "the thread to start");
	wait_in_syscall(r, getpid(), d.tid, SYS_recvfrom);
	tls_send(p.client, &tls_1_3, 33);
	tls_recv(p.server, &tls_1_3, 33);
	tls_send(p.server, &tls_1_3, 700);
	pthread_join(thread, NULL);
	tls_recv(p.server, &tls_1_3, 70);
	check(r);
	end_close(d.e);
	tls_send(p.client, &tls_1_3, 5);
	tls_recv(p.server, &tls_1_3, 5);
	check(r);
}

/* ---- files and pipes ---- */

static void child_send_file(struct child *c)
{
	size_t left = c->r->opt->bytes;
	int file = tls_memory_file(c->r, left);
	struct end *e = c->held[0];
	ssize_t n;

	child_pause(c);
	e->loose |= LOOSE_TX_CALLS; /* one sendfile() enters TLS several times */
	while (left) {
		n = tx_call(e, sendfile(e->fd, file, NULL, left));
		must(c->r, n > 0);
		left -= n;
	}
	child_pause(c);
}

/* Only the child sends, with sendfile(); its bytes are those that the peer's TCP receives. */
static void tls_sendfile(struct run *r)
{
	unsigned int on = 1;
	struct child *c;
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	send_bytes(p.client, 1);
	read_all(p.server, 1);
	tls_enable(p.client, &tls_1_3);
	if (setsockopt(p.client->fd, SOL_TLS, TLS_TX_ZEROCOPY_RO, &on, sizeof(on)))
		note(r, "without TLS_TX_ZEROCOPY_RO");
	c = child_start(r, child_send_file, NULL, p.client, NULL);
	drain_start(&d, p.server, tls_carried(&tls_1_3, r->opt->bytes));
	child_turn(c);
	drain_join(&d);
	tx_add(c->held[0], p.server->rx_bytes - 1, 0);
	wait_acked(p.client);
	check(r);
	child_join(c);
	check(r);
}

#define SPLICED 3000

static void child_splice(struct child *c)
{
	struct end *e = c->held[0];
	int fds[2];

	must(c->r, !pipe2(fds, O_CLOEXEC));
	child_pause(c);
	must(c->r, rx(e, splice(e->fd, NULL, fds[1], NULL, SPLICED, 0)) == SPLICED);
	rx_add(e, tls_1_3.overhead, 0);
	child_pause(c);
}

/* Only the child receives, with splice(). */
static void tls_splice(struct run *r)
{
	struct child *c;
	struct pair p;

	tls_pair(r, &p, &tls_1_3);
	tls_send(p.server, &tls_1_3, 9);
	tls_recv(p.client, &tls_1_3, 9);
	c = child_start(r, child_splice, NULL, p.client, NULL);
	tls_send(p.server, &tls_1_3, SPLICED);
	child_turn(c);
	check(r);
	child_join(c);
	check(r);
}

/* ---- records that are not one call ---- */

static void child_receive_rest(struct child *c)
{
	char buf[600];

	child_pause(c);
	must(c->r, rx_call(c->held[0], recv(c->held[0]->fd, buf, 600, 0)) == 600);
	child_pause(c);
}

/* The whole record is the holder's who receives its first byte, or looks at it with MSG_PEEK. */
static void tls_part(struct run *r)
{
	struct child *c;
	struct pair p;
	char buf[400];

	tls_pair(r, &p, &tls_1_3);
	c = child_start(r, child_receive_rest, NULL, p.client, NULL);
	tls_send(p.server, &tls_1_3, 1000);
	must(r, rx_call(p.client, recv(p.client->fd, buf, 10, MSG_PEEK)) == 10);
	rx_add(p.client, tls_carried(&tls_1_3, 1000), 0);
	check(r);
	must(r, rx_call(p.client, recv(p.client->fd, buf, 400, 0)) == 400);
	check(r);
	child_turn(c);
	check(r);
	child_join(c);
	check(r);
}

static void child_send_rest(struct child *c)
{
	char buf[200];

	child_pause(c);
	fill(buf, sizeof(buf));
	must(c->r, tx_call(c->held[0], send(c->held[0]->fd, buf, 200, 0)) == 200);
	tx_add(c->held[0], tls_carried(&tls_1_3, 300), 0);
	child_pause(c);
}

/* With MSG_MORE the record stays open: it is sent, and counted, with the call that ends it. */
static void tls_more(struct run *r)
{
	struct child *c;
	struct pair p;
	char buf[100];

	tls_pair(r, &p, &tls_1_3);
	c = child_start(r, child_send_rest, NULL, p.client, NULL);
	fill(buf, sizeof(buf));
	must(r, tx_call(p.client, send(p.client->fd, buf, 100, MSG_MORE)) == 100);
	check(r);
	child_turn(c);
	tls_recv(p.server, &tls_1_3, 300);
	check(r);
	child_join(c);
	check(r);
}

/* ---- a new key ---- */

/* Send a TLS record that is not the application's data. */
static void record_send(struct end *e, unsigned char type, const char *data, size_t len)
{
	char control[CMSG_SPACE(1)] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_TLS;
	cm->cmsg_type = TLS_SET_RECORD_TYPE;
	cm->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cm) = type;
	must(e->run, tx(e, sendmsg(e->fd, &msg, 0)) == (ssize_t)len);
	tx_add(e, tls_1_3.overhead, 0);
}

static void record_recv(struct end *e, size_t len)
{
	char control[CMSG_SPACE(1)] __attribute__((aligned(8))), buf[64];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };

	must(e->run, rx(e, recvmsg(e->fd, &msg, 0)) == (ssize_t)len);
	rx_add(e, tls_1_3.overhead, 0);
}

static void child_change_key(struct child *c)
{
	static const char update[] = { TLS_KEY_UPDATE, 0, 0, 1, 0 };
	struct end *e = c->held[0];

	child_pause(c);
	record_send(e, TLS_HANDSHAKE, update, sizeof(update));
	if (tls_key(e, &tls_1_3, TLS_TX, 1))
		skip(c->r, "this kernel's TLS cannot change a key: %m");
	tls_send(e, &tls_1_3, 1000);
	child_pause(c);
}

/* The child announces a new key and sends with it, as TLS 1.3 does with KeyUpdate. */
static void tls_rekey(struct run *r)
{
	struct child *c;
	struct pair p;
	char byte;

	tls_pair(r, &p, &tls_1_3);
	c = child_start(r, child_change_key, NULL, p.client, NULL);
	tls_send(p.client, &tls_1_3, 20);
	tls_recv(p.server, &tls_1_3, 20);
	child_turn(c);
	record_recv(p.server, 5);
	must(r, rx(p.server, recv(p.server->fd, &byte, 1, 0)) < 0 && errno == EKEYEXPIRED);
	must(r, !tls_key(p.server, &tls_1_3, TLS_RX, 1));
	tls_recv(p.server, &tls_1_3, 1000);
	check(r);
	tls_send(p.client, &tls_1_3, 7);
	tls_recv(p.server, &tls_1_3, 7);
	check(r);
	child_join(c);
	check(r);
}

const struct scenario tls_share_scenarios[] = {
	{ "fork", tls_fork, 0, 0, "send a byte, enable kTLS (TLS 1.2), and send in a child" },
	{ "fork_1_3", tls_fork_1_3, 0, 0, "the same with TLS 1.3" },
	{ "scm_rights", tls_scm_rights, 0, 0,
	  "pass a kTLS descriptor with SCM_RIGHTS and use it in both processes" },
	{ "threads", tls_threads, 0, 0, "use a kTLS descriptor and its duplicate in two threads" },
	{ "sendfile", tls_sendfile, 0, 0,
	  "send a file with sendfile(2) in a child, with TLS_TX_ZEROCOPY_RO" },
	{ "splice", tls_splice, 0, 0, "receive with splice(2) in a child" },
	{ "part", tls_part, 0, 0, "receive the parts of a record in two processes" },
	{ "more", tls_more, 0, 0, "send the parts of a record in two processes, with MSG_MORE" },
	{ "rekey", tls_rekey, 0, 0, "change the key of a kTLS connection in a child" },
	{ 0 },
};
