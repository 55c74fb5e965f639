/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that a scenario of sockstat-client may use.
 *
 * A scenario is a function that makes TCP traffic with its own system calls.
 * It books the result of each call with an "end" (struct end): the expected
 * row of one descriptor in /proc/sockstat.  check() compares every expected
 * row with the row that the module shows, field by field, and the totals of
 * the ends with the kernel's TCP_INFO.  When the function has returned, the
 * runner calls check(), closes the descriptors that are still open, and checks
 * their CLOSED rows.  The shortest scenario is
 *
 *	static void out_write(struct run *r)
 *	{
 *		struct pair p;
 *
 *		pair_open(r, &p);
 *		tx(p.client, write(p.client->fd, "hello", 5));
 *		read_all(p.server, 5);
 *	}
 *
 * The runner runs it for IPv4, IPv6 and v4-mapped addresses, each time in a
 * process of its own that a watchdog kills if it hangs.  A group is a table of
 * scenarios, ended by an empty entry; groups.h lists these tables.
 */
#ifndef SOCKSTAT_CLIENT_SCENARIO_H
#define SOCKSTAT_CLIENT_SCENARIO_H

#include "addr.h"
#include "check.h"
#include "ledger.h"
#include "net.h"
#include "run.h"
#include "truth.h"
#include "verdict.h"
#include "wait.h"

#endif
