/* SPDX-License-Identifier: GPL-2.0-only */
/* The identity of a connection, which its row shows after the socket is gone. */
#ifndef SOCKSTAT_IDENT_H
#define SOCKSTAT_IDENT_H

#include <linux/if.h>
#include <linux/in6.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct sock;

union sockstat_addr {
	__be32 v4;
	struct in6_addr v6;
};

/**
 * struct sockstat_ident - the identity of a connection, copied from its socket
 * @local: local address, valid if @local_port is not 0
 * @remote: remote address, valid if @remote_port is not 0
 * @local_port: local port, 0 if there is none yet
 * @remote_port: remote port, 0 if there is none yet
 * @family: AF_INET (also for v4-mapped addresses) or AF_INET6
 * @scope: interface of a link-local address, else empty
 * @uid: owner of the socket
 * @netns: inode number of the network namespace
 * @inode: inode number of the socket's file, 0 if there is none
 * @cookie: socket cookie
 */
struct sockstat_ident {
	union sockstat_addr local;
	union sockstat_addr remote;
	__be16 local_port;
	__be16 remote_port;
	u16 family;
	char scope[IFNAMSIZ];
	kuid_t uid;
	u32 netns;
	unsigned long inode;
	u64 cookie;
};

void sockstat_ident_capture(struct sockstat_ident *id, struct sock *sk);
void sockstat_ident_remote(struct sockstat_ident *id, u16 family, const union sockstat_addr *addr,
			   __be16 port);
bool sockstat_ident_is_tracked(const struct sock *sk);

#endif /* SOCKSTAT_IDENT_H */
