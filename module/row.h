/* SPDX-License-Identifier: GPL-2.0-only */
/* The table's lines, before they are text: three passes make a snapshot. */
#ifndef SOCKSTAT_ROW_H
#define SOCKSTAT_ROW_H

#include "conn.h"

/**
 * struct sockstat_row - a line of the table before it is text
 * @id: names
 * @comm: the process's name
 * @pid: process id in the reader's namespace, -1: nobody's
 * @fd: descriptor, -1: none known
 * @state: TCP state; 0 for a closed descriptor or connection
 * @role: enum sockstat_role
 * @error: errno or 0
 * @bytes: application bytes, by flow
 * @calls: entries into TCP, by flow
 * @queue: bytes in the socket's buffers, by flow
 * @opened: ns since 1970 or 0
 * @closed: ns since 1970 or 0
 */
struct sockstat_row {
	struct sockstat_ident id;
	char comm[TASK_COMM_LEN];
	pid_t pid;
	int fd;
	u8 state;
	u8 role;
	s16 error;
	u64 bytes[SOCKSTAT_FLOWS];
	u64 calls[SOCKSTAT_FLOWS];
	u32 queue[SOCKSTAT_FLOWS];
	s64 opened;
	s64 closed;
};

/**
 * struct sockstat_sink - where a pass over the table puts its rows
 * @generation: of this snapshot
 * @rows: room for rows
 * @used: how many of @rows are filled
 * @room: how many there are
 * @unordered: set once rows of open descriptors did not come by pid and fd
 * @visible: whether the reader may see this holder's rows (of nobody's if
 *           NULL); sets the pid to show. Called with raw spinlocks held.
 */
struct sockstat_sink {
	u32 generation;
	struct sockstat_row *rows;
	unsigned int used;
	unsigned int room;
	bool unordered;
	bool (*visible)(const struct sockstat_sink *sink, const struct sockstat_holder *holder,
			pid_t *pid);
};

void sockstat_row_descriptor(struct sockstat_sink *sink, const struct sockstat_caller *caller,
			     struct sock *sk, pid_t pid);
bool sockstat_row_unheld(struct sockstat_sink *sink, unsigned int *place);
bool sockstat_row_closed(struct sockstat_sink *sink);

#endif /* SOCKSTAT_ROW_H */
