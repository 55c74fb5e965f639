/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP's own count of a connection's bytes, read from its sequence numbers. */
#ifndef SOCKSTAT_LEDGER_H
#define SOCKSTAT_LEDGER_H

#include <linux/bits.h>
#include <linux/tcp.h>
#include <net/sock.h>

enum sockstat_flow { SOCKSTAT_TX, SOCKSTAT_RX, SOCKSTAT_FLOWS };

enum sockstat_role { SOCKSTAT_ROLE_UNKNOWN, SOCKSTAT_CLIENT, SOCKSTAT_SERVER };

/**
 * enum sockstat_view - how far a socket's fields agree with one another
 * @SOCKSTAT_VIEW_RACY: the socket lock may be held by somebody else
 * @SOCKSTAT_VIEW_LOCKED: the caller runs under the socket lock
 * @SOCKSTAT_VIEW_NOW: as racy, but an answer is needed: guess what is unclear
 */
enum sockstat_view { SOCKSTAT_VIEW_RACY, SOCKSTAT_VIEW_LOCKED, SOCKSTAT_VIEW_NOW };

#define SOCKSTAT_LEDGER_TX_SYNCED BIT(0)   /* seq and total of TX are valid */
#define SOCKSTAT_LEDGER_RX_SYNCED BIT(1)   /* seq and total of RX are valid */
#define SOCKSTAT_LEDGER_SYN_PENDING BIT(2) /* write_seq's next advance is a SYN */
#define SOCKSTAT_LEDGER_TX_FROZEN BIT(3)   /* the FIN is next: write_seq is done */
#define SOCKSTAT_LEDGER_URG_PENDING BIT(4) /* the reader is not past urg_seq yet */
#define SOCKSTAT_LEDGER_URG_COUNTED BIT(5) /* ... but took that byte by MSG_OOB */
#define SOCKSTAT_LEDGER_OPENING BIT(6)	   /* connect() called, no handshake yet */

/* Bytes that may wait to be booked. */
#define SOCKSTAT_LEDGER_WAITS BIT(30)

/**
 * struct sockstat_ledger - what of a connection's bytes has been booked
 * @total: application bytes booked, by flow
 * @seq: the sequence number up to which @total reaches, by flow, without the
 *       SYN and FIN that are no bytes of the application's
 * @urg_seq: the urgent byte dealt with last
 * @flags: SOCKSTAT_LEDGER_*
 * @role: enum sockstat_role; a SYN that was sent or not decides on a byte
 *
 * All zero is a ledger that has seen nothing yet. The owner serialises calls
 * for one ledger.
 */
struct sockstat_ledger {
	u64 total[SOCKSTAT_FLOWS];
	u32 seq[SOCKSTAT_FLOWS];
	u32 urg_seq;
	u8 flags;
	u8 role;
};

void sockstat_ledger_open(struct sockstat_ledger *l);
void sockstat_ledger_connect(struct sockstat_ledger *l, const struct sock *sk);
void sockstat_ledger_established(struct sockstat_ledger *l);
void sockstat_ledger_freeze_tx(struct sockstat_ledger *l);
u64 sockstat_ledger_advance(struct sockstat_ledger *l, const struct sock *sk,
			    enum sockstat_flow flow);
u64 sockstat_ledger_urgent(struct sockstat_ledger *l, const struct sock *sk);
u64 sockstat_ledger_settle(struct sockstat_ledger *l, const struct sock *sk,
			   enum sockstat_flow flow, enum sockstat_view view);
void sockstat_ledger_queues(const struct sock *sk, u32 queue[SOCKSTAT_FLOWS]);

/**
 * sockstat_ledger_synced() - whether a flow's booking has begun
 * @l: a ledger
 * @flow: which direction
 *
 * Context: any.
 */
static inline bool sockstat_ledger_synced(const struct sockstat_ledger *l, enum sockstat_flow flow)
{
	return l->flags &
	       (flow == SOCKSTAT_TX ? SOCKSTAT_LEDGER_TX_SYNCED : SOCKSTAT_LEDGER_RX_SYNCED);
}

/* Whether nothing but application data can have moved the numbers. */
static inline bool sockstat_ledger_is_plain(const struct sockstat_ledger *l, const struct sock *sk,
					    enum sockstat_flow flow)
{
	u8 flags = READ_ONCE(l->flags);

	if (flow == SOCKSTAT_TX)
		return (flags & (SOCKSTAT_LEDGER_TX_SYNCED | SOCKSTAT_LEDGER_SYN_PENDING |
				 SOCKSTAT_LEDGER_TX_FROZEN)) == SOCKSTAT_LEDGER_TX_SYNCED;
	return (flags & (SOCKSTAT_LEDGER_RX_SYNCED | SOCKSTAT_LEDGER_URG_PENDING)) ==
		       SOCKSTAT_LEDGER_RX_SYNCED &&
	       READ_ONCE(tcp_sk(sk)->urg_seq) == READ_ONCE(l->urg_seq);
}

/**
 * sockstat_ledger_may_wait() - whether what moved may be booked later as well
 * @l: the socket's ledger
 * @sk: the socket; the caller keeps it from going away
 * @flow: which direction
 *
 * The difference to TCP's number says how much moved, whenever it is taken, as
 * long as it has 32 bits.
 *
 * Context: any; the ledger may be in use.
 */
static inline bool sockstat_ledger_may_wait(const struct sockstat_ledger *l, const struct sock *sk,
					    enum sockstat_flow flow)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 seq = flow == SOCKSTAT_TX ? READ_ONCE(tp->write_seq) : READ_ONCE(tp->copied_seq);

	return sockstat_ledger_is_plain(l, sk, flow) &&
	       seq - READ_ONCE(l->seq[flow]) < SOCKSTAT_LEDGER_WAITS;
}

#endif /* SOCKSTAT_LEDGER_H */
