// SPDX-License-Identifier: GPL-2.0-only
/* Socket addresses: those of the run's family, and their text. */

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

/**
 * family_domain - return the domain argument of socket(2) for the run's family
 * @r: the run
 *
 * Return: AF_INET or AF_INET6.
 */
int family_domain(const struct run *r)
{
	return r->family == FAMILY_4 ? AF_INET : AF_INET6;
}

/**
 * family_loopback - make a loopback address of the run's family
 * @r: the run
 * @port: host byte order
 * @sa: filled in
 *
 * Return: the length of the address.
 */
socklen_t family_loopback(const struct run *r, uint16_t port, struct sockaddr_storage *sa)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sa;
	struct sockaddr_in *sin = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof(*sa));
	if (r->family == FAMILY_4) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	inet_pton(AF_INET6, r->family == FAMILY_6 ? "::1" : "::ffff:127.0.0.1", &sin6->sin6_addr);
	return sizeof(*sin6);
}

/**
 * addr_port - return the port of an address
 * @sa: of any family
 *
 * Return: the port in host byte order; 0 for AF_UNSPEC.
 */
uint16_t addr_port(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	if (sa->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
	return 0;
}

/**
 * addr_plain - turn a v4-mapped address into the IPv4 address that rows show
 * @sa: changed in place
 */
void addr_plain(struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (sa->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
		return;
	sin.sin_port = sin6->sin6_port;
	memcpy(&sin.sin_addr, &sin6->sin6_addr.s6_addr[12], 4);
	memset(sa, 0, sizeof(*sa));
	memcpy(sa, &sin, sizeof(sin));
}

/**
 * addr_text - format an address as /proc/sockstat does
 * @sa: the address, not v4-mapped
 * @text: the buffer
 *
 * Return: @text.
 */
const char *addr_text(const struct sockaddr_storage *sa, char text[SOCKSTAT_ADDR_LEN])
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;
	char host[INET6_ADDRSTRLEN], scope[IF_NAMESIZE + 1] = "";

	if (sa->ss_family == AF_INET) {
		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
		snprintf(text, SOCKSTAT_ADDR_LEN, "%s:%u", host, addr_port(sa));
	} else if (sa->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
		if (sin6->sin6_scope_id) {
			scope[0] = '%';
			if (!if_indextoname(sin6->sin6_scope_id, scope + 1))
				snprintf(scope + 1, IF_NAMESIZE, "%u", sin6->sin6_scope_id);
		}
		snprintf(text, SOCKSTAT_ADDR_LEN, "[%s%s]:%u", host, scope, addr_port(sa));
	} else {
		strcpy(text, "*:*");
	}
	return text;
}
