// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netdevice.h>
#include <linux/sock_diag.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/mptcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "ident.h"

static void ident_capture_v4(struct sockstat_ident *id, const struct sock *sk)
{
	id->family = AF_INET;
	id->local.v4 = READ_ONCE(sk->sk_rcv_saddr);
	id->remote.v4 = READ_ONCE(sk->sk_daddr);
}

#if IS_ENABLED(CONFIG_IPV6)
static bool ident_is_link_local(const struct sockstat_ident *id)
{
	return id->family == AF_INET6 &&
	       ((ipv6_addr_type(&id->local.v6) | ipv6_addr_type(&id->remote.v6)) &
		IPV6_ADDR_LINKLOCAL);
}

static void ident_capture_scope(struct sockstat_ident *id, const struct sock *sk)
{
	struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(sock_net(sk), READ_ONCE(sk->sk_bound_dev_if));
	if (dev)
		/* a concurrent rename may leave a mixture of the two names */
		data_race(strscpy(id->scope, dev->name, sizeof(id->scope)));
	rcu_read_unlock();
}

static void ident_capture_v6(struct sockstat_ident *id, const struct sock *sk)
{
	/* a concurrent connect() may leave a mixture, as the kernel-doc below says */
	struct in6_addr local = data_race(sk->sk_v6_rcv_saddr);
	/* likewise */
	struct in6_addr remote = data_race(sk->sk_v6_daddr);
	/* when a socket is disconnected, its remote address stays and its port is cleared */
	bool connected = READ_ONCE(inet_sk(sk)->inet_dport);

	if (ipv6_addr_v4mapped(&local) || (connected && ipv6_addr_v4mapped(&remote))) {
		id->family = AF_INET;
		id->local.v4 = local.s6_addr32[3];
		id->remote.v4 = remote.s6_addr32[3];
		return;
	}
	id->family = AF_INET6;
	id->local.v6 = local;
	id->remote.v6 = remote;
	if (ident_is_link_local(id))
		ident_capture_scope(id, sk);
}
#else
static void ident_capture_v6(struct sockstat_ident *id, const struct sock *sk)
{
}
#endif

/**
 * sockstat_ident_capture() - copy the identity of a socket
 * @id: filled in; if the socket has lost its file, @id->inode keeps its value
 * @sk: a full TCP socket that the caller keeps from going away
 *
 * Context: any, raw spinlocks may be held. Takes no lock: if the socket is just
 * changing its addresses, the copy may mix old and new ones.
 */
void sockstat_ident_capture(struct sockstat_ident *id, struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	unsigned long inode = sockstat_compat_sock_ino(sk) ?: id->inode;
	u32 cookie[2]; /* the low half first, on any machine */

	memset(id, 0, sizeof(*id));
	if (sk->sk_family == AF_INET6)
		ident_capture_v6(id, sk);
	else
		ident_capture_v4(id, sk);
	id->local_port = READ_ONCE(inet->inet_sport);
	id->remote_port = READ_ONCE(inet->inet_dport);
	id->uid = READ_ONCE(sk->sk_uid);
	id->netns = sock_net(sk)->ns.inum;
	id->inode = inode;
	sock_diag_save_cookie(sk, cookie);
	id->cookie = (u64)cookie[1] << 32 | cookie[0];
}

/**
 * sockstat_ident_remote() - set the remote address of a failed connection
 * @id: a captured identity
 * @family: AF_INET or AF_INET6, the family of @addr
 * @addr: the address that connect() was given
 * @port: the port that connect() was given
 *
 * A connect() that fails clears the remote port of the socket, but the row has
 * to show which peer could not be reached. A local address of another family is
 * cleared.
 *
 * Context: any.
 */
void sockstat_ident_remote(struct sockstat_ident *id, u16 family, const union sockstat_addr *addr,
			   __be16 port)
{
	if (id->family != family)
		memset(&id->local, 0, sizeof(id->local));
	id->family = family;
	id->remote = *addr;
	id->remote_port = port;
}

/**
 * sockstat_ident_is_tracked() - whether the module records this kind of socket
 * @sk: any full socket
 *
 * True for TCP over IPv4 or IPv6, except MPTCP subflows: no descriptor refers to
 * them. They stay excluded by their ULP after a fallback to plain TCP.
 *
 * Context: any; the caller keeps @sk from going away.
 */
bool sockstat_ident_is_tracked(const struct sock *sk)
{
	const struct tcp_ulp_ops *ulp;

	if (sk->sk_protocol != IPPROTO_TCP || sk->sk_type != SOCK_STREAM ||
	    (sk->sk_family != AF_INET && sk->sk_family != AF_INET6) || sk_is_mptcp(sk))
		return false;
	ulp = READ_ONCE(inet_csk(sk)->icsk_ulp_ops);
	return !ulp || strncmp(ulp->name, "mptcp", sizeof(ulp->name));
}
