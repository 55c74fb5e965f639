/* SPDX-License-Identifier: GPL-2.0-only */
/* The ledger: the row that each descriptor should have, kept from system calls' results. */
#ifndef SOCKSTAT_CLIENT_LEDGER_H
#define SOCKSTAT_CLIENT_LEDGER_H

#include "../procfile.h"
#include "run.h"

/* struct end, loose: fields that cannot be predicted; each user of a flag gives the reason */
#define LOOSE_TX_CALLS 0x01 /* at least the number booked (sendfile, splice, io_uring) */
#define LOOSE_RX_CALLS 0x02
#define LOOSE_TX_BYTES 0x04 /* calls of two holders overlap: compare only the sum of all ends */
#define LOOSE_RX_QUEUE 0x08
#define LOOSE_TCP_INFO 0x10 /* urgent data, TCP_REPAIR: TCP_INFO does not count the bytes */

#define UNTIL_CHECK INT64_MAX /* closed_hi: the descriptor's closing may be noticed at the check */

/**
 * struct end - the row that one descriptor should have
 * @run: the run that it belongs to
 * @pid, @fd: the key; -1, -1 for a connection that no process holds
 * @cookie: SO_COOKIE, 0 if it cannot be known (then the addresses identify the row)
 * @comm: COMMAND; read again at each check while the descriptor is open
 * @euid: EUID, -1 for "-"; read again like @comm
 * @role: ROLE
 * @local, @remote: AF_UNSPEC stands for *:*
 * @tx_bytes, @rx_bytes, @tx_calls, @rx_calls: the counts that the row must have
 * @loose: LOOSE_*
 * @closed: the row must be CLOSED, with a time from @closed_lo to @closed_hi
 * @may_lack: the row may be missing (a duplicate that the module never saw used)
 * @no_row: the row must be missing (the socket was closed without a connection)
 * @retired: the row of an earlier connection of the same socket (connect(AF_UNSPEC))
 * @foreign: @fd is no descriptor of this process: query sock_diag
 * @fd_lost: never used, and not closed by close(2): FD may be "-"
 * @listener: the socket listens
 * @state: STATE where TCP_INFO does not tell it, else 0
 * @opened_lo: earliest OPENED, CLOCK_REALTIME ns; -1: OPENED must be "-"
 * @opened_hi: latest OPENED
 * @closed_lo: earliest CLOSED; -1: CLOSED must be "-"
 * @closed_hi: latest CLOSED, or UNTIL_CHECK
 * @alive: when a check last saw the connection alive, 0 if none did
 * @error: the errno that ERROR must name, 0 for "-"
 * @uid, @netns, @inode: the columns of these names
 * @shared: there are other ends of the same connection
 * @shut: the descriptor is closed
 * @ready: the members are valid; check() ignores an end that is not ready
 *
 * Ends are in memory that forked children share, so the parent compares what a
 * child has booked.  Only one thread at a time may book one direction of an end.
 */
struct end {
	struct run *run;
	pid_t pid;
	int fd;
	uint64_t cookie;
	char comm[SOCKSTAT_COMM_LEN];
	int64_t euid;
	enum sockstat_role role;
	struct sockaddr_storage local, remote;
	uint64_t tx_bytes, rx_bytes, tx_calls, rx_calls;
	unsigned int loose;
	bool closed, may_lack, no_row, retired, foreign, fd_lost;
	bool listener;
	enum sockstat_state state;
	int64_t opened_lo, opened_hi;
	int64_t closed_lo, closed_hi;
	int64_t alive;
	int error;
	uint32_t uid;
	uint32_t netns;
	uint64_t inode;
	bool shared, shut, ready;
};

struct end *end_new(struct run *r, int fd, enum sockstat_role role, int64_t opened_lo);
struct end *end_alias(struct end *of, pid_t pid, int fd);
struct end *end_nobody(struct run *r, const struct sockaddr_storage *local,
		       const struct sockaddr_storage *remote, int64_t opened_lo);
struct end *end_restart(struct end *e, int64_t since);
void end_refresh(struct end *e);
void end_opened(struct end *e, enum sockstat_role role, int64_t lo);
void end_connecting(struct end *e, int64_t since, const struct sockaddr_storage *to);
void end_ended(struct end *e, int64_t since, int error);
void end_gone(struct end *e, int64_t since);
void end_close(struct end *e);
bool end_connection_lives(const struct end *e);
ssize_t tx(struct end *e, ssize_t ret);
ssize_t rx(struct end *e, ssize_t ret);
ssize_t tx_call(struct end *e, ssize_t ret);
ssize_t rx_call(struct end *e, ssize_t ret);
void tx_add(struct end *e, uint64_t bytes, uint64_t calls);
void rx_add(struct end *e, uint64_t bytes, uint64_t calls);
int64_t now_ns(void);
int64_t boot_offset(void);
void comm_of(pid_t pid, char comm[SOCKSTAT_COMM_LEN]);
void euid_of(pid_t pid, int64_t *euid);

#endif
