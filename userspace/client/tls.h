/* SPDX-License-Identifier: GPL-2.0-only */
/* kTLS with fixed keys, for the scenarios of the group "tls". */
#ifndef SOCKSTAT_CLIENT_TLS_H
#define SOCKSTAT_CLIENT_TLS_H

#include <linux/tls.h>

#include "net.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/**
 * struct tls - a version of TLS, with AES-GCM
 * @version: as setsockopt(TLS_TX) takes it
 * @overhead: bytes that a record has beside the application's: the header and
 *	the tag; in TLS 1.2 an explicit nonce, in TLS 1.3 the type of the content
 */
struct tls {
	uint16_t version;
	size_t overhead;
};

extern const struct tls tls_1_2, tls_1_3;

size_t tls_carried(const struct tls *tls, size_t len);
int tls_key(struct end *e, const struct tls *tls, int direction, int n);
void tls_enable(struct end *e, const struct tls *tls);
void tls_pair(struct run *r, struct pair *p, const struct tls *tls);
void tls_send(struct end *e, const struct tls *tls, size_t len);
void tls_recv(struct end *e, const struct tls *tls, size_t len);
uint64_t tls_records_sent(struct end *e);
int tls_memory_file(struct run *r, size_t size);

#endif
