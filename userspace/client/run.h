/* SPDX-License-Identifier: GPL-2.0-only */
/* The data of a run: one scenario, one address family, blocking or non-blocking descriptors. */
#ifndef SOCKSTAT_CLIENT_RUN_H
#define SOCKSTAT_CLIENT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "../array.h"

enum family {
	FAMILY_4,
	FAMILY_6,
	FAMILY_MAPPED, /* an IPv6 socket with ::ffff: addresses */
	N_FAMILIES,
};

/* struct scenario, flags */
#define SC_NONBLOCK 0x01   /* run a second time with O_NONBLOCK descriptors (r->nonblock) */
#define SC_ONE_FAMILY 0x02 /* the address family makes no difference: IPv4 only */
#define SC_ROOT 0x04	   /* skipped unless the user is root */
#define SC_NO_FINISH 0x08  /* the runner does not call check_finish() */
#define SC_OWN_COUNT 0x10  /* the scenario reads opt->connections; the runner does not repeat it */
#define SC_TO_HOST 0x20	   /* works without the server's end (--to HOST:PORT) */
#define SC_RANDOM 0x40	   /* run by --random, which runs no other scenario */

struct run;

/**
 * struct scenario - one way to use TCP
 * @name: without its group
 * @run: makes the traffic
 * @flags: SC_*
 * @seconds: when the watchdog kills it; 0: DEFAULT_SECONDS
 * @description: for --list
 */
struct scenario {
	const char *name;
	void (*run)(struct run *r);
	unsigned int flags;
	unsigned int seconds;
	const char *description;
};

#define DEFAULT_SECONDS 60

struct options {
	unsigned int families;	  /* a bit per enum family */
	size_t bytes;		  /* --bytes, or 100,000 */
	unsigned int connections; /* --connections, 0 if not given */
	unsigned int threads;	  /* --threads, 0 if not given */
	bool steps;		  /* --steps: say() prints */
	bool tap;
	bool dry_run; /* without the module: compare with TCP_INFO only */
	bool random;  /* --random */
	uint64_t seed;
	unsigned int seconds, actions; /* --seconds, --actions; 0 if not given */
	unsigned int patience;	       /* --patience, or $SOCKSTAT_PATIENCE, or 1 */
	bool to_host;
	struct sockaddr_storage to;
};

struct difference {
	char row[72];
	uint64_t cookie;
	char field[16];
	char want[88];
	char seen[88];
};

#define MAX_DIFFERENCES 24
#define MAX_ENDS 65536

enum verdict { VERDICT_NONE, VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP };

struct end;

/**
 * struct run - one run of a scenario
 * @name: "group.scenario.family[.nonblock]"
 * @reason: why the run failed or was skipped
 * @notes: printed with the result
 * @n_diffs: differences found; may exceed MAX_DIFFERENCES, the number that @diffs keeps
 * @checks: calls of check()
 * @rows: rows that these calls compared
 * @fields: fields that these calls compared
 * @no_truth: rows of other processes' descriptors that sock_diag did not find
 * @tx_want, @tx_seen, @rx_want, @rx_seen: sums of the last check that compared anything
 * @missed, @dropped: counters in the last line of /proc/sockstat when the run started
 * @started: when the run started, CLOCK_REALTIME ns
 * @boot_offset: boot_offset() at that time
 * @pid: the scenario's process
 * @ends: MAX_ENDS of them, of which the first @n_ends are in use
 *
 * The processes that the scenario forks share this memory.  Scenarios read the
 * members up to @name; the others belong to runner.c, verdict.c and check.c.
 * A scenario that compares rows itself adds to @fields.
 */
struct run {
	const struct scenario *sc;
	const struct options *opt;
	enum family family;
	bool nonblock;
	char name[96];

	enum verdict verdict;
	char reason[256];
	char notes[256];
	struct difference diffs[MAX_DIFFERENCES];
	unsigned int n_diffs;
	unsigned int checks, rows, fields, no_truth;
	uint64_t tx_want, tx_seen, rx_want, rx_seen;
	uint64_t missed, dropped;
	int64_t started;
	int64_t boot_offset;
	pid_t pid;

	unsigned int n_ends;
	struct end *ends;
};

/**
 * patience_seconds - the length of a timeout on this machine
 * @r: the run
 * @seconds: the timeout on a fast machine
 *
 * Return: @seconds times --patience.
 */
static inline unsigned int patience_seconds(const struct run *r, unsigned int seconds)
{
	return seconds * r->opt->patience;
}

#endif
