/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP's own count of a connection's bytes, read from its sequence numbers. */
#ifndef SOCKSTAT_LEDGER_H
#define SOCKSTAT_LEDGER_H

#include <linux/types.h>

struct sock;

enum sockstat_flow { SOCKSTAT_TX, SOCKSTAT_RX, SOCKSTAT_FLOWS };

enum sockstat_role { SOCKSTAT_ROLE_UNKNOWN, SOCKSTAT_CLIENT, SOCKSTAT_SERVER };

/**
 * enum sockstat_view - how far a socket's fields agree with one another
 * @SOCKSTAT_VIEW_RACY: the socket lock may be held by somebody else
 * @SOCKSTAT_VIEW_LOCKED: the caller runs under the socket lock
 * @SOCKSTAT_VIEW_NOW: as racy, but an answer is needed: guess what is unclear
 */
enum sockstat_view { SOCKSTAT_VIEW_RACY, SOCKSTAT_VIEW_LOCKED, SOCKSTAT_VIEW_NOW };

/**
 * struct sockstat_ledger - what of a connection's bytes has been booked
 * @total: application bytes booked, by flow
 * @seq: the sequence number up to which @total reaches, by flow, without the
 *       SYN and FIN that are no bytes of the application's
 * @urg_seq: the urgent byte dealt with last
 * @flags: private to ledger.c
 *
 * All zero is a ledger that has seen nothing yet. The owner serialises calls
 * for one ledger.
 */
struct sockstat_ledger {
	u64 total[SOCKSTAT_FLOWS];
	u32 seq[SOCKSTAT_FLOWS];
	u32 urg_seq;
	u8 flags;
};

void sockstat_ledger_open(struct sockstat_ledger *l);
void sockstat_ledger_connect(struct sockstat_ledger *l, const struct sock *sk);
void sockstat_ledger_freeze_tx(struct sockstat_ledger *l);
bool sockstat_ledger_synced(const struct sockstat_ledger *l, enum sockstat_flow flow);
u64 sockstat_ledger_advance(struct sockstat_ledger *l, const struct sock *sk,
			    enum sockstat_flow flow);
u64 sockstat_ledger_settle(struct sockstat_ledger *l, const struct sock *sk,
			   enum sockstat_flow flow, enum sockstat_role *role,
			   enum sockstat_view view);
void sockstat_ledger_queues(const struct sock *sk, u32 queue[SOCKSTAT_FLOWS]);

#endif /* SOCKSTAT_LEDGER_H */
