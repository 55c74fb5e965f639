/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TCP socket, modeled on RFC 9293 and on the kernel's tcp.c, tcp_input.c,
 * tcp_output.c and tcp_minisocks.c, and not on this module. Each function makes the
 * changes of one kernel function, in its order, and counts the application's bytes.
 *
 * A change that another CPU makes has steps (struct model_write). They may be put off,
 * and then run between the reads of the code under test: model_tick().
 */
#ifndef SOCKSTAT_TEST_MODEL_H
#define SOCKSTAT_TEST_MODEL_H

#include "kernel.h"

enum model_flow { MODEL_TX, MODEL_RX, MODEL_FLOWS };

#define MODEL_WRITES 64

/* Most bytes in a buffer: sk_sndbuf and sk_rcvbuf are of type int and count more than the data. */
#define MODEL_BUFFER (S32_MAX - 65536U)
#define MODEL_CHUNK (1ULL << 28) /* of a call that moves more */

/**
 * struct model_write - one store to a member of the socket
 * @to: the member, of @size bytes
 * @add: added to it; or, if @size is 0, a flag that is set in sk_flags
 * @wait: reads by the code under test before it
 */
struct model_write {
	void *to;
	u64 add;
	u8 size;
	u8 wait;
};

/**
 * struct model - the socket and what is known of it
 * @tp: the socket
 * @truth: application bytes of the connection, by flow
 * @open: connect() has set the peer, or the socket was accepted
 * @active: this side has called connect()
 * @syn_sent: tcp_connect() has run
 * @established: the handshake is complete, so that all sequence numbers are valid
 * @fin_queued: the last number of write_seq is the FIN's
 * @fin_came: the last number of rcv_nxt is the peer's FIN's
 * @fin_read: copied_seq has passed it
 * @closed: the application has closed its last descriptor
 * @destroyed: the socket is gone
 * @repair_queue: TCP_REPAIR_QUEUE: 0 none, 1 receive, 2 send
 * @urgent_unbooked: an urgent byte has come or was stepped over since the last event
 *                   that the code under test may have noticed it at
 * @inline_unbooked: an urgent byte was delivered in line since then
 * @failed: a retransmission was counted but not made
 * @writes: stores that are put off, from @next on, @n_writes of them
 * @racing: the next operation's stores are put off
 * @stalls: and the CPU that transmits may stop between two of them for any time
 */
struct model {
	struct tcp_sock tp;
	struct socket socket;
	u64 truth[MODEL_FLOWS];
	bool open, active, syn_sent, established, fin_queued, fin_came, fin_read, closed, destroyed;
	u8 repair_queue;
	bool urgent_unbooked, inline_unbooked, failed;
	struct model_write writes[MODEL_WRITES];
	unsigned int next, n_writes;
	bool racing, stalls;
};

extern struct model model;

static inline struct sock *sk(void)
{
	return &model.tp.inet.sk;
}

/* Events that the code under test is told of; fuzz.c has them. */
void event_state(int old, int new);
void event_syn(void);
void event_disconnect(void);
void event_close(void);
void event_destroy(void);
void event_window(void);       /* between two changes under the lock of the socket */
void event_urgent_lost(int n); /* deliveries of an urgent byte fewer than TCP counts */
void event_moved(enum model_flow flow, u64 bytes);

/* for model.c and model_receive.c */
void model_store(void *to, u8 size, u64 add, bool first);
void model_add32(u32 *to, u32 n, bool first);
void model_add64(u64 *to, u64 n, bool first);
u32 model_last(const u32 *seq);
void model_moved(enum model_flow flow, u64 bytes);
void model_set_state(int state);
bool model_in_state(int flags);
void model_done(void);

void model_init(u32 isn, u32 peer_isn);
void model_race(bool on, u8 waits);
void model_flush(void);
bool model_can_connect(void);
void model_connect(u32 syn_data, bool deferred);
void model_connect_deferred(u32 syn_data);
void model_syn_acked(u32 data_acked, bool simultaneous);
void model_accept(u32 backlog, u32 syn_data);
bool model_embryonic(void);
void model_accepted(void);
bool model_can_send(void);
void model_send(u64 bytes);
void model_send_big(u64 bytes);
void model_transmit(u32 bytes, bool again);
void model_transmit_fails(void);
bool model_backlog_misleads(void);
u32 model_queue(enum model_flow flow);
void model_ack(u32 bytes);
bool model_can_receive(void);
void model_data(u32 bytes);
void model_urgent(u32 ahead);
void model_fin(void);
u64 model_recv(u64 bytes, bool peek);
u64 model_recv_big(u64 bytes);
int model_recv_urgent(bool peek, u64 len);
void model_shutdown(void);
void model_reset(void);
void model_disconnect(void);
void model_close(bool linger);
void model_repair(bool on, u8 queue);
void model_repair_seq(u32 seq);

#endif
