/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the connections are kept: the lock, the memory, the lifetime. */
#ifndef SOCKSTAT_TABLE_H
#define SOCKSTAT_TABLE_H

#include "conn.h"

int sockstat_table_init(void);
void sockstat_table_exit(void);

bool sockstat_table_tracks(const struct sock *sk);
struct sockstat_conn *sockstat_table_lock(struct sock *sk, unsigned long *flags) __acquires(table);
void sockstat_table_unlock(struct sock *sk, unsigned long flags) __releases(table);
struct sockstat_conn *sockstat_table_new(struct sock *sk);
void sockstat_table_remove(struct sockstat_conn *conn, bool keep);
bool sockstat_table_for_each(unsigned int *place,
			     bool (*show)(struct sockstat_conn *conn, void *arg), void *arg);

u32 sockstat_table_snapshot_begin(void);
u32 sockstat_table_generation(void);
void sockstat_table_refill(void);
void sockstat_table_trim(void);
u64 sockstat_table_dropped(void);

#endif /* SOCKSTAT_TABLE_H */
