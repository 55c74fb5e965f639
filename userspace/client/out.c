// SPDX-License-Identifier: GPL-2.0-only
/* Send with the system calls that copy from a buffer to the socket. */

#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "scenario.h"
#include "way.h"

#define CHUNK 5000

/* Open a connection and send r->opt->bytes with @op while a thread reads the other end. */
static void send_stream(struct run *r, send_op op)
{
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	drain_start(&d, p.server, r->opt->bytes);
	send_all(p.client, op, r->opt->bytes, CHUNK);
	drain_join(&d);
}

static ssize_t op_write(struct end *e, const char *buf, size_t len)
{
	return tx(e, write(e->fd, buf, len));
}

static void out_write(struct run *r)
{
	send_stream(r, op_write);
}

/* Split a buffer into three pieces, of which the middle one is empty; return 3. */
static int iov_split(struct iovec iov[3], const char *buf, size_t len)
{
	size_t half = len / 2;

	iov[0] = (struct iovec){ (void *)buf, half };
	iov[1] = (struct iovec){ (void *)buf, 0 };
	iov[2] = (struct iovec){ (void *)(buf + half), len - half };
	return 3;
}

static ssize_t op_writev(struct end *e, const char *buf, size_t len)
{
	struct iovec iov[3];
	int n = iov_split(iov, buf, len);

	return tx(e, writev(e->fd, iov, n));
}

static void out_writev(struct run *r)
{
	send_stream(r, op_writev);
}

static ssize_t op_pwritev2(struct end *e, const char *buf, size_t len)
{
	struct iovec iov[3];
	int n = iov_split(iov, buf, len);

	return tx(e, pwritev2(e->fd, iov, n, -1, 0));
}

static void out_pwritev2(struct run *r)
{
	send_stream(r, op_pwritev2);
}

static ssize_t op_pwritev2_nowait(struct end *e, const char *buf, size_t len)
{
	struct iovec iov[3];
	int n = iov_split(iov, buf, len);
	ssize_t ret = pwritev2(e->fd, iov, n, -1, RWF_NOWAIT);

	if (ret < 0 && errno == EOPNOTSUPP)
		skip(e->run, "sockets of this kernel do not support RWF_NOWAIT");
	return tx(e, ret);
}

static void out_pwritev2_nowait(struct run *r)
{
	send_stream(r, op_pwritev2_nowait);
}

static ssize_t op_send(struct end *e, const char *buf, size_t len)
{
	return tx(e, send(e->fd, buf, len, 0));
}

static void out_send(struct run *r)
{
	send_stream(r, op_send);
}

static ssize_t op_send_dontwait(struct end *e, const char *buf, size_t len)
{
	return tx(e, send(e->fd, buf, len, MSG_DONTWAIT));
}

static void out_send_dontwait(struct run *r)
{
	send_stream(r, op_send_dontwait);
}

/* TCP ignores the destination address on a connected socket. */
static ssize_t op_sendto(struct end *e, const char *buf, size_t len)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = family_loopback(e->run, 9, &sa);

	return tx(e, sendto(e->fd, buf, len, 0, (struct sockaddr *)&sa, sa_len));
}

static void out_sendto(struct run *r)
{
	send_stream(r, op_sendto);
}

static ssize_t op_sendmsg(struct end *e, const char *buf, size_t len)
{
	struct iovec iov[3];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = iov_split(iov, buf, len) };

	return tx(e, sendmsg(e->fd, &msg, 0));
}

static void out_sendmsg(struct run *r)
{
	send_stream(r, op_sendmsg);
}

#define MESSAGES 4

/*
 * Send with sendmmsg(), which enters TCP once per message.  It stops after a
 * message that was sent in part.  If it stops after a complete one, it entered
 * TCP once more, for a message that found no room, and does not report that.
 */
static ssize_t op_sendmmsg(struct end *e, const char *buf, size_t len)
{
	struct mmsghdr msgs[MESSAGES] = { 0 };
	struct iovec iov[MESSAGES];
	size_t each = len / MESSAGES;
	ssize_t sum = 0;
	int i, n;

	for (i = 0; i < MESSAGES; i++) {
		size_t size = i < MESSAGES - 1 ? each : len - i * each;

		iov[i] = (struct iovec){ (void *)(buf + i * each), size };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = sendmmsg(e->fd, msgs, MESSAGES, 0);
	if (n < 0)
		return tx(e, n);
	for (i = 0; i < n; i++)
		sum += msgs[i].msg_len;
	tx_add(e, sum, n + (n < MESSAGES && msgs[n - 1].msg_len == iov[n - 1].iov_len));
	return sum;
}

static void out_sendmmsg(struct run *r)
{
	send_stream(r, op_sendmmsg);
}

static ssize_t op_more(struct end *e, const char *buf, size_t len)
{
	return tx(e, send(e->fd, buf, len, MSG_MORE));
}

/* Bytes sent with MSG_MORE are credited at once, although TCP delays them. */
static void out_more(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	send_all(p.client, op_more, 300, 100);
	check(r);
	send_all(p.client, op_send, 1, 1);
	read_all(p.server, 301);
}

static void out_cork(struct run *r)
{
	struct pair p;
	int on = 1, off = 0;

	pair_open(r, &p);
	must(r, !setsockopt(p.client->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)));
	send_all(p.client, op_write, 300, 100);
	check(r);
	must(r, !setsockopt(p.client->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off)));
	read_all(p.server, 300);
}

static void out_both_ways(struct run *r)
{
	struct pair p;
	int i;

	pair_open(r, &p);
	for (i = 1; i <= 50; i++) {
		send_all(p.client, op_send, 10 * i, CHUNK);
		read_all(p.server, 10 * i);
		send_all(p.server, op_write, 7 * i, CHUNK);
		read_all(p.client, 7 * i);
	}
	check(r);
}

/* Sending zero bytes enters TCP and counts as a call, except that the VFS ends writev() early. */
static void out_zero_length(struct run *r)
{
	struct iovec none = { "", 0 };
	struct msghdr msg = { 0 };
	struct pair p;

	pair_open(r, &p);
	must(r, tx(p.client, write(p.client->fd, "", 0)) == 0);
	must(r, tx(p.client, send(p.client->fd, "", 0, 0)) == 0);
	must(r, tx(p.client, sendmsg(p.client->fd, &msg, 0)) == 0);
	must(r, writev(p.client->fd, &none, 1) == 0);
	check(r);
	send_all(p.client, op_send, 10, 10);
	read_all(p.server, 10);
}

/* An unconnected socket gives EPIPE if the kernel accepts RWF_NOWAIT, else EOPNOTSUPP. */
static bool nowait_usable(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct iovec iov = { "", 1 };
	bool usable = pwritev2(fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno == EPIPE;

	close(fd);
	return usable;
}

const struct out_way out_ways[] = {
	{ "send", op_send, 0, NULL },
	{ "write", op_write, 0, NULL },
	{ "writev", op_writev, 0, NULL },
	{ "pwritev2", op_pwritev2, 0, NULL },
	{ "pwritev2_nowait", op_pwritev2_nowait, 0, nowait_usable },
	{ "send_dontwait", op_send_dontwait, 0, NULL },
	{ "sendto", op_sendto, 0, NULL },
	{ "sendmsg", op_sendmsg, 0, NULL },
	{ "sendmmsg", op_sendmmsg, 0, NULL },
	{ "more", op_more, WAY_MORE, NULL },
	{ 0 },
};

const struct scenario out_scenarios[] = {
	{ "write", out_write, SC_NONBLOCK | SC_TO_HOST, 0, "send with write(2)" },
	{ "writev", out_writev, SC_NONBLOCK | SC_TO_HOST, 0, "send with writev(2)" },
	{ "pwritev2", out_pwritev2, SC_NONBLOCK | SC_TO_HOST, 0, "send with pwritev2(2)" },
	{ "pwritev2_nowait", out_pwritev2_nowait, SC_TO_HOST, 0,
	  "send with pwritev2(2) and RWF_NOWAIT" },
	{ "send", out_send, SC_NONBLOCK | SC_TO_HOST, 0, "send with send(2)" },
	{ "send_dontwait", out_send_dontwait, SC_TO_HOST, 0, "send with send(2) and MSG_DONTWAIT" },
	{ "sendto", out_sendto, SC_NONBLOCK | SC_TO_HOST, 0,
	  "send with sendto(2) and a destination address" },
	{ "sendmsg", out_sendmsg, SC_NONBLOCK | SC_TO_HOST, 0, "send with sendmsg(2)" },
	{ "sendmmsg", out_sendmmsg, SC_NONBLOCK | SC_TO_HOST, 0, "send with sendmmsg(2)" },
	{ "more", out_more, SC_NONBLOCK, 0,
	  "send with MSG_MORE and check while TCP delays the bytes" },
	{ "cork", out_cork, SC_NONBLOCK, 0,
	  "send under TCP_CORK and check while TCP delays the bytes" },
	{ "both_ways", out_both_ways, SC_NONBLOCK, 0, "send and receive at both ends in turn" },
	{ "zero_length", out_zero_length, SC_NONBLOCK, 0, "send zero bytes with each call" },
	{ 0 },
};
