/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of /proc/sockstat before they are text; three passes make a snapshot of them. */
#ifndef SOCKSTAT_ROW_H
#define SOCKSTAT_ROW_H

#include "conn.h"
#include "visited.h"

struct sockstat_history_pass;
struct sockstat_table_pass;

/**
 * struct sockstat_row - a row of the table
 * @id: addresses, owner, inode and cookie
 * @comm: name of the process
 * @pid: process id in the reader's pid namespace, -1 if no process holds it
 * @fd: descriptor, -1 if none is known
 * @state: TCP state; 0 for a closed descriptor or connection
 * @role: enum sockstat_role
 * @error: errno with which the connection failed or ended, or 0
 * @euid: effective user of the process, if there is one
 * @bytes: application bytes, by flow
 * @calls: entries into TCP, by flow
 * @queue: see sockstat_ledger_queues()
 * @opened: ns since 1970, 0 if not known
 * @closed: ns since 1970, 0 if not known or not closed
 * @duration: ns from @opened to @closed, or to the snapshot; 0 if @opened is, else
 *            at least 1
 * @ago: ns from @closed to the beginning of the snapshot, negative if it closed since
 *       then; 0 if @closed is
 */
struct sockstat_row {
	struct sockstat_ident id;
	char comm[TASK_COMM_LEN];
	pid_t pid;
	int fd;
	u8 state;
	u8 role;
	s16 error;
	kuid_t euid;
	u64 bytes[SOCKSTAT_FLOWS];
	u64 calls[SOCKSTAT_FLOWS];
	u32 queue[SOCKSTAT_FLOWS];
	s64 opened;
	s64 closed;
	s64 duration;
	s64 ago;
};

/**
 * struct sockstat_sink - array to which a pass appends its rows
 * @visited: the records that the snapshot has dealt with
 * @now: when the snapshot began, CLOCK_BOOTTIME in ns
 * @stopped: where the last batch stopped within the holders of a connection: the
 *           connection, whether it was over, the holder that comes next, and its
 *           descriptor. @holder is valid only while that connection is
 * @rows: the array
 * @used: number of rows filled in
 * @room: number of rows in the array
 * @unordered: set if rows of open descriptors may not be in order of pid and fd
 * @visible: returns whether the reader may see a holder's row, and sets the pid
 *           to show; for NULL, the row of bytes that no holder is credited
 *           with. Called with raw spinlocks held.
 */
struct sockstat_sink {
	struct sockstat_visited visited;
	s64 now;
	struct {
		u32 serial;
		u16 bucket;
		bool over;
		int fd;
		struct sockstat_holder *holder;
	} stopped;
	struct sockstat_row *rows;
	unsigned int used;
	unsigned int room;
	bool unordered;
	bool (*visible)(const struct sockstat_sink *sink, const struct sockstat_holder *holder,
			pid_t *pid);
};

void sockstat_row_descriptor(struct sockstat_sink *sink, const struct sockstat_caller *caller,
			     struct sock *sk, pid_t pid);
bool sockstat_row_unheld(struct sockstat_sink *sink, struct sockstat_table_pass *pass);
bool sockstat_row_closed(struct sockstat_sink *sink, struct sockstat_history_pass *pass);

#endif /* SOCKSTAT_ROW_H */
