// SPDX-License-Identifier: GPL-2.0-only
/*
 * kTLS: the kernel encrypts the bytes that a socket sends, and decrypts those
 * that it receives.  TX_BYTES and RX_BYTES count TLS records as TCP carries
 * them, with their headers and tags.  So each scenario books the results of its
 * calls, and the overhead of the records that the calls make.
 */

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scenario.h"
#include "tls.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

/* A call that sends more makes several records. */
#define RECORD_MAX 16384

const struct tls tls_1_2 = { TLS_1_2_VERSION, 5 + 8 + 16 };
const struct tls tls_1_3 = { TLS_1_3_VERSION, 5 + 1 + 16 };

/**
 * tls_carried - the bytes that TCP carries for one call that sends
 * @tls: the version
 * @len: the number of bytes passed to the call
 *
 * Return: @len and the overhead of the records.
 */
size_t tls_carried(const struct tls *tls, size_t len)
{
	return len + (len + RECORD_MAX - 1) / RECORD_MAX * tls->overhead;
}

/**
 * tls_key - set the key of one direction
 * @e: an end with the ULP "tls"
 * @tls: the version
 * @direction: TLS_TX or TLS_RX
 * @n: the number of the key, which both directions have in common
 *
 * Return: the result of setsockopt(2).
 */
int tls_key(struct end *e, const struct tls *tls, int direction, int n)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info = { .version = tls->version, .cipher_type = TLS_CIPHER_AES_GCM_128 },
		.iv = "0123456",
		.key = "0123456789abcde",
		.salt = "012",
	};

	key.key[0] += n;
	return setsockopt(e->fd, SOL_TLS, direction, &key, sizeof(key));
}

/**
 * tls_enable - enable kTLS in both directions, with key 0
 * @e: the end; the run is skipped if the kernel lacks this
 * @tls: the version
 */
void tls_enable(struct end *e, const struct tls *tls)
{
	if (setsockopt(e->fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		skip(e->run, "this kernel has no TLS: %m");
	if (tls_key(e, tls, TLS_TX, 0) || tls_key(e, tls, TLS_RX, 0))
		skip(e->run, "this kernel's TLS does not support TLS 1.%d with AES-GCM: %m",
		     (tls->version & 0xff) - 1);
}

/**
 * tls_pair - open a connection, send one byte without TLS, and enable kTLS at both ends
 * @r: the run
 * @p: filled in
 * @tls: the version
 */
void tls_pair(struct run *r, struct pair *p, const struct tls *tls)
{
	pair_open(r, p);
	send_bytes(p->client, 1);
	read_all(p->server, 1);
	tls_enable(p->client, tls);
	tls_enable(p->server, tls);
}

/**
 * tls_send - send with one call, and book it and its records
 * @e: the end
 * @tls: the version
 * @len: the number of bytes
 */
void tls_send(struct end *e, const struct tls *tls, size_t len)
{
	char *buf = malloc(len);

	must(e->run, buf);
	fill(buf, len);
	must(e->run, tx(e, send(e->fd, buf, len, MSG_NOSIGNAL)) == (ssize_t)len);
	tx_add(e, tls_carried(tls, len) - len, 0);
	free(buf);
}

/**
 * tls_recv - receive one record with one call, and book it
 * @e: the end
 * @tls: the version
 * @len: the number of bytes in the record
 */
void tls_recv(struct end *e, const struct tls *tls, size_t len)
{
	char *buf = malloc(len);

	must(e->run, buf);
	must(e->run, rx(e, recv(e->fd, buf, len, MSG_WAITALL)) == (ssize_t)len);
	rx_add(e, tls->overhead, 0);
	free(buf);
}

/**
 * tls_records_sent - the number of records that the kernel has encrypted
 * @e: an end with kTLS, whose keys were set with number 0 for the first record
 *
 * Return: what getsockopt(TLS_TX) says.
 */
uint64_t tls_records_sent(struct end *e)
{
	struct tls12_crypto_info_aes_gcm_128 key = { 0 };
	socklen_t len = sizeof(key);
	uint64_t n;

	must(e->run, !getsockopt(e->fd, SOL_TLS, TLS_TX, &key, &len));
	memcpy(&n, key.rec_seq, sizeof(n));
	return be64toh(n);
}

/* ---- one end has kTLS ---- */

/*
 * The server sends the client's records back unchanged, and the client can decrypt
 * them, as both directions have one key.
 */
static void tls_round(struct pair *p, size_t len)
{
	size_t carried = tls_carried(&tls_1_2, len), at;
	struct run *r = p->client->run;
	char *clear = malloc(len), *records = malloc(carried);
	ssize_t n;

	must(r, clear && records);
	tls_send(p->client, &tls_1_2, len);
	for (at = 0; at < carried; at += n) {
		n = rx(p->server, recv(p->server->fd, records + at, carried - at, 0));
		must(r, n > 0);
	}
	wait_acked(p->client);
	check(r);

	must(r, tx(p->server, send(p->server->fd, records, carried, 0)) == (ssize_t)carried);
	for (at = 0; at < len; at += n) {
		n = rx(p->client, recv(p->client->fd, clear + at, len - at, 0));
		must(r, n > 0);
	}
	rx_add(p->client, carried - len, 0);
	fill(records, len);
	if (memcmp(clear, records, len))
		fail(r, "the client received other bytes than it had sent");
	check(r);
	free(clear);
	free(records);
}

static void tls_echo(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	tls_enable(p.client, &tls_1_2);
	tls_round(&p, 1);
	tls_round(&p, 1000);
	tls_round(&p, RECORD_MAX);
	tls_round(&p, 20000);
	must(r, !shutdown(p.client->fd, SHUT_WR));
	read_to_eof(p.server);
	check(r);
}

/* kTLS is enabled on a connection that has already moved bytes. */
static void tls_later(struct run *r)
{
	struct pair p;

	pair_open(r, &p);
	talk(&p, 1000);
	tls_enable(p.client, &tls_1_2);
	check(r);
	tls_round(&p, 1000);
	tls_round(&p, 3000);
}

/**
 * tls_memory_file - create a file in memory
 * @r: the run
 * @size: its size in bytes
 *
 * Return: a descriptor of it.
 */
int tls_memory_file(struct run *r, size_t size)
{
	int file = memfd_create("sockstat", MFD_CLOEXEC);
	char *buf = malloc(size);

	must(r, file >= 0 && buf);
	fill(buf, size);
	must(r, write(file, buf, size) == (ssize_t)size && !lseek(file, 0, SEEK_SET));
	free(buf);
	return file;
}

/*
 * Send more than the buffers hold, with send() and sendfile().  TX_BYTES must
 * be the number of bytes that the peer received, including the TLS overhead.
 */
static void tls_stream(struct run *r)
{
	size_t size = 200000, left;
	int file = tls_memory_file(r, size);
	char *buf = malloc(size);
	struct drain d;
	struct pair p;
	ssize_t n;

	must(r, buf);
	fill(buf, size);
	pair_open(r, &p);
	tls_enable(p.client, &tls_1_2);
	drain_start(&d, p.server, UINT64_MAX);
	for (left = r->opt->bytes; left; left -= n) {
		n = tx_call(p.client, send(p.client->fd, buf, left < size ? left : size, 0));
		must(r, n > 0);
	}
	p.client->loose |= LOOSE_TX_CALLS; /* one sendfile() enters TLS several times */
	for (left = size; left; left -= n) {
		n = tx_call(p.client, sendfile(p.client->fd, file, NULL, left));
		must(r, n > 0);
	}
	must(r, !shutdown(p.client->fd, SHUT_WR));
	drain_join(&d);
	if (p.server->rx_bytes <= r->opt->bytes + size)
		fail(r, "the peer received no TLS overhead, so TLS was not in use");
	tx_add(p.client, p.server->rx_bytes, 0);
	wait_acked(p.client);
	check(r);
	close(file);
	free(buf);
}

const struct scenario tls_scenarios[] = {
	{ "echo", tls_echo, 0, 0, "send and receive with kTLS at one end, 1 to 20,000 bytes" },
	{ "later", tls_later, 0, 0, "enable kTLS on a connection that is already in use" },
	{ "stream", tls_stream, 0, 0, "send a stream with kTLS by send(2) and sendfile(2)" },
	{ 0 },
};
