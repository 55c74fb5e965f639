/* SPDX-License-Identifier: GPL-2.0-only */
/* The history: closed connections that snapshots still show, oldest first. */
#ifndef SOCKSTAT_HISTORY_H
#define SOCKSTAT_HISTORY_H

#include <linux/types.h>

struct sockstat_conn;
struct sockstat_past;

bool sockstat_history_add(struct sockstat_past *past);
struct sockstat_past *sockstat_history_evict(void);
void sockstat_history_limit(unsigned int rows);

void sockstat_history_pin(void);
bool sockstat_history_unpin(void);
bool sockstat_history_for_each(bool (*show)(struct sockstat_conn *conn, void *arg), void *arg);

#endif /* SOCKSTAT_HISTORY_H */
