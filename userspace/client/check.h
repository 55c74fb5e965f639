/* SPDX-License-Identifier: GPL-2.0-only */
/* Comparing the ledger with /proc/sockstat. */
#ifndef SOCKSTAT_CLIENT_CHECK_H
#define SOCKSTAT_CLIENT_CHECK_H

#include "run.h"

void check(struct run *r);
void check_finish(struct run *r);

#endif
