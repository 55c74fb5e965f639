/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own report about a socket, without the module. */
#ifndef SOCKSTAT_CLIENT_TRUTH_H
#define SOCKSTAT_CLIENT_TRUTH_H

#include "ledger.h"

/**
 * struct truth - TCP_INFO and the queue lengths of one socket
 * @known: the kernel reported the socket; if not, the other members are 0
 * @state: TIME_WAIT is reported as SOCKSTAT_CLOSED
 * @sums_known: @tx_bytes and @rx_bytes are valid
 * @tx_bytes: bytes that the application has written, by TCP_INFO
 * @rx_bytes: bytes that the application has read, by TCP_INFO
 * @tx_queue: as column TX_QUEUE
 * @rx_queue: as column RX_QUEUE
 */
struct truth {
	bool known;
	enum sockstat_state state;
	bool sums_known;
	uint64_t tx_bytes, rx_bytes;
	uint64_t tx_queue, rx_queue;
};

void truth_get(const struct end *e, struct truth *t);
int diag_destroy(struct end *e);

#endif
