// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own report about a socket, without the module: TCP_INFO and the
 * queue ioctls for a descriptor of this process, sock_diag for other sockets.
 */

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "truth.h"

/* A FIN takes a sequence number, but is no byte of the application's. */
static bool fin_sent(unsigned int state)
{
	return state == SOCKSTAT_FIN_WAIT1 || state == SOCKSTAT_FIN_WAIT2 ||
	       state == SOCKSTAT_CLOSING || state == SOCKSTAT_LAST_ACK;
}

/* Whether an unacknowledged sequence number may be that of a SYN or a FIN */
static bool syn_or_fin_unacked(unsigned int state)
{
	return state == SOCKSTAT_SYN_SENT || state == SOCKSTAT_FIN_WAIT1 ||
	       state == SOCKSTAT_CLOSING || state == SOCKSTAT_LAST_ACK;
}

static bool fin_received(unsigned int state)
{
	return state == SOCKSTAT_CLOSE_WAIT || state == SOCKSTAT_CLOSING ||
	       state == SOCKSTAT_LAST_ACK;
}

/* In these states the counters of TCP_INFO are those of one whole connection. */
static bool sums_count(unsigned int state)
{
	return state == SOCKSTAT_ESTABLISHED || state == SOCKSTAT_CLOSE_WAIT || fin_sent(state);
}

/* As in "ss -l": the limit of the accept queue, and the connections in it. */
static void truth_fill_listener(struct truth *t, uint64_t limit, uint64_t waiting)
{
	t->known = true;
	t->state = SOCKSTAT_LISTEN;
	t->tx_queue = limit;
	t->rx_queue = waiting;
}

/*
 * @outq: sequence numbers that the peer has not acknowledged
 * @inq: sequence numbers that the application has not read, without a FIN
 */
static void truth_fill(struct truth *t, const struct end *e, const struct tcp_info *info,
		       uint64_t outq, uint64_t inq)
{
	unsigned int state = info->tcpi_state;

	t->known = true;
	t->state = state == SOCKSTAT_TIME_WAIT ? SOCKSTAT_CLOSED : (enum sockstat_state)state;
	t->sums_known = sums_count(state);
	if (t->sums_known) {
		t->tx_bytes = info->tcpi_bytes_acked + outq - (e->role == SOCKSTAT_ROLE_CLIENT) -
			      fin_sent(state);
		t->rx_bytes = info->tcpi_bytes_received - inq - fin_received(state);
	}
	/* A closed socket has sequence numbers, but their difference is no queue. */
	if (state == SOCKSTAT_CLOSED)
		return;
	t->tx_queue = outq - (outq && syn_or_fin_unacked(state));
	t->rx_queue = inq;
}

static void truth_by_fd(const struct end *e, struct truth *t)
{
	struct tcp_info before = { 0 }, after = { 0 };
	int outq = 0, inq = 0;
	socklen_t len;
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		len = sizeof(before);
		if (getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &before, &len))
			return;
		if (before.tcpi_state == SOCKSTAT_LISTEN) {
			truth_fill_listener(t, before.tcpi_sacked, before.tcpi_unacked);
			return;
		}
		if (ioctl(e->fd, SIOCOUTQ, &outq) || ioctl(e->fd, SIOCINQ, &inq))
			return;
		len = sizeof(after);
		if (getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &after, &len))
			return;
		if (before.tcpi_state == after.tcpi_state &&
		    before.tcpi_bytes_acked == after.tcpi_bytes_acked &&
		    before.tcpi_bytes_received == after.tcpi_bytes_received) {
			truth_fill(t, e, &after, outq, inq);
			return;
		}
	}
}

static void diag_address(const struct sockaddr_storage *sa, __be32 out[4], __be16 *port)
{
	if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;

		memcpy(out, &sin6->sin6_addr, 16);
		*port = sin6->sin6_port;
	} else {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;

		out[0] = sin->sin_addr.s_addr;
		*port = sin->sin_port;
	}
}

/* Return the length of the answer, 0 for an acknowledgment, or a negative errno. */
static ssize_t diag_request(const struct end *e, int type, void *answer, size_t size)
{
	struct {
		struct nlmsghdr nlh;
		struct inet_diag_req_v2 req;
	} msg = { 0 };
	struct nlmsghdr *nlh = answer;
	ssize_t n;
	int fd;

	msg.nlh.nlmsg_len = sizeof(msg);
	msg.nlh.nlmsg_type = type;
	msg.nlh.nlmsg_flags = NLM_F_REQUEST | (type == SOCK_DESTROY ? NLM_F_ACK : 0);
	msg.req.sdiag_family = e->local.ss_family;
	msg.req.sdiag_protocol = IPPROTO_TCP;
	msg.req.idiag_ext = 1 << (INET_DIAG_INFO - 1);
	msg.req.idiag_states = -1;
	diag_address(&e->local, msg.req.id.idiag_src, &msg.req.id.idiag_sport);
	diag_address(&e->remote, msg.req.id.idiag_dst, &msg.req.id.idiag_dport);
	msg.req.id.idiag_cookie[0] = e->cookie ? (uint32_t)e->cookie : INET_DIAG_NOCOOKIE;
	msg.req.id.idiag_cookie[1] = e->cookie ? e->cookie >> 32 : INET_DIAG_NOCOOKIE;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return -errno;
	n = send(fd, &msg, sizeof(msg), 0);
	if (n >= 0)
		n = recv(fd, answer, size, 0);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0 || !NLMSG_OK(nlh, n))
		return n < 0 ? n : -EBADMSG;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
	return n;
}

static void truth_by_diag(const struct end *e, struct truth *t)
{
	char answer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = (struct nlmsghdr *)answer;
	struct inet_diag_msg *msg = NLMSG_DATA(nlh);
	struct tcp_info info = { 0 };
	struct rtattr *attr;
	int left;

	if (!e->local.ss_family ||
	    diag_request(e, SOCK_DIAG_BY_FAMILY, answer, sizeof(answer)) <= 0)
		return;
	attr = (struct rtattr *)(msg + 1);
	left = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		size_t len = RTA_PAYLOAD(attr);

		if (attr->rta_type != INET_DIAG_INFO)
			continue;
		memcpy(&info, RTA_DATA(attr), len < sizeof(info) ? len : sizeof(info));
		info.tcpi_state = msg->idiag_state;
		if (msg->idiag_state == SOCKSTAT_LISTEN) {
			truth_fill_listener(t, msg->idiag_wqueue, msg->idiag_rqueue);
			continue;
		}
		truth_fill(t, e, &info, msg->idiag_wqueue,
			   msg->idiag_rqueue -
				   (msg->idiag_rqueue && fin_received(msg->idiag_state)));
	}
}

/**
 * truth_get - query the kernel about a socket, without the module
 * @e: its end
 * @t: filled in; @t->known is false if the kernel does not find the socket
 */
void truth_get(const struct end *e, struct truth *t)
{
	memset(t, 0, sizeof(*t));
	if (!e->foreign && e->pid == getpid())
		truth_by_fd(e, t);
	else
		truth_by_diag(e, t);
}

/**
 * diag_destroy - destroy a socket with SOCK_DESTROY, as "ss -K" does
 * @e: its end
 *
 * Return: 0 or a negative errno; -EOPNOTSUPP without CONFIG_INET_DIAG_DESTROY.
 */
int diag_destroy(struct end *e)
{
	char answer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));

	return diag_request(e, SOCK_DESTROY, answer, sizeof(answer));
}
