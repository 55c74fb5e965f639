/* SPDX-License-Identifier: GPL-2.0-only */
/* The count of a connection's application bytes, taken from TCP's sequence numbers. */
#ifndef SOCKSTAT_LEDGER_H
#define SOCKSTAT_LEDGER_H

#include <linux/bits.h>
#include <linux/tcp.h>
#include <net/sock.h>

enum sockstat_flow { SOCKSTAT_TX, SOCKSTAT_RX, SOCKSTAT_FLOWS };

enum sockstat_role { SOCKSTAT_ROLE_UNKNOWN, SOCKSTAT_CLIENT, SOCKSTAT_SERVER };

/**
 * enum sockstat_view - how consistent a socket's fields are with one another
 * @SOCKSTAT_VIEW_RACY: another context may hold the socket lock; a value that
 *                      cannot be determined is left for a later call
 * @SOCKSTAT_VIEW_LOCKED: the caller runs under the socket lock
 * @SOCKSTAT_VIEW_NOW: as racy, but a value is needed now, if necessary guessed
 */
enum sockstat_view { SOCKSTAT_VIEW_RACY, SOCKSTAT_VIEW_LOCKED, SOCKSTAT_VIEW_NOW };

#define SOCKSTAT_LEDGER_TX_SYNCED BIT(0)   /* seq and total of TX are valid */
#define SOCKSTAT_LEDGER_RX_SYNCED BIT(1)   /* seq and total of RX are valid */
#define SOCKSTAT_LEDGER_SYN_PENDING BIT(2) /* the next advance of write_seq includes the SYN */
#define SOCKSTAT_LEDGER_TX_FROZEN BIT(3)   /* the FIN is next in write_seq, or in it */
#define SOCKSTAT_LEDGER_URG_PENDING BIT(4) /* copied_seq has not passed urg_seq */
#define SOCKSTAT_LEDGER_URG_COUNTED BIT(5) /* ... and MSG_OOB has taken the byte */
#define SOCKSTAT_LEDGER_OPENING BIT(6)	   /* connect() was called, no handshake yet */

/* Booking may be put off while fewer bytes than this have not been booked. */
#define SOCKSTAT_LEDGER_WAITS BIT(30)

/**
 * struct sockstat_ledger - the application bytes of a connection booked so far
 * @total: application bytes booked, by flow
 * @seq: write_seq, and copied_seq without a FIN, as of the last booking
 * @urg_seq: tp->urg_seq as of the last booking of RX
 * @flags: SOCKSTAT_LEDGER_*
 * @role: enum sockstat_role; decides whether the numbers sent include a SYN
 *
 * To book is to add to @total and to advance @seq. A ledger that is all zero has
 * not seen the socket yet. The owner serializes all calls for one ledger, except
 * sockstat_ledger_may_wait().
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
u64 sockstat_ledger_urgent(struct sockstat_ledger *l, const struct sock *sk, bool delivers);
u64 sockstat_ledger_settle(struct sockstat_ledger *l, const struct sock *sk,
			   enum sockstat_flow flow, enum sockstat_view view);
void sockstat_ledger_queues(const struct sock *sk, u32 queue[SOCKSTAT_FLOWS]);

/**
 * sockstat_ledger_synced() - whether the base of a flow's total is known
 * @l: a ledger
 * @flow: the direction
 *
 * Context: any.
 */
static inline bool sockstat_ledger_synced(const struct sockstat_ledger *l, enum sockstat_flow flow)
{
	return l->flags &
	       (flow == SOCKSTAT_TX ? SOCKSTAT_LEDGER_TX_SYNCED : SOCKSTAT_LEDGER_RX_SYNCED);
}

/**
 * sockstat_ledger_opening() - whether connect() was called and no handshake is complete
 * @l: a ledger
 *
 * Context: any.
 */
static inline bool sockstat_ledger_opening(const struct sockstat_ledger *l)
{
	return l->flags & SOCKSTAT_LEDGER_OPENING;
}

/* Whether only application data can have advanced TCP's number since the last booking. */
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
 * sockstat_ledger_may_wait() - whether the next booking may be put off
 * @l: the socket's ledger
 * @sk: the socket; the caller keeps it from going away
 * @flow: the direction
 *
 * A later booking finds the same bytes, however many they become. Until then the
 * flow's creditor must stay the same.
 *
 * Context: any; another CPU may be changing the ledger.
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
