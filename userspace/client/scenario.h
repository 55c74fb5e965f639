/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scenario of sockstat-client may use.
 *
 * A scenario is a function that makes TCP traffic with its own system calls
 * and books each of them, as it returns, with an "end": the ledger of one
 * descriptor, that is, of one row of /proc/sockstat.  check() then compares
 * every row the run should have with the rows the module shows, field by
 * field, and the ends' totals with the kernel's own TCP_INFO.  The runner
 * calls check() once more when the function has returned, then closes what is
 * still open and checks the CLOSED rows; so the least scenario is
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
 * and it is run for IPv4, IPv6 and v4-mapped addresses, each in a process of
 * its own with a watchdog.  A group is a table of them, ended by an empty
 * entry, and one line in groups.h.
 */
#ifndef SOCKSTAT_CLIENT_SCENARIO_H
#define SOCKSTAT_CLIENT_SCENARIO_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "../procfile.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum family {
	FAMILY_4,
	FAMILY_6,
	FAMILY_MAPPED, /* an IPv6 socket with ::ffff: addresses */
	N_FAMILIES,
};

/* struct scenario, flags */
#define SC_NONBLOCK 0x01   /* run once more with O_NONBLOCK descriptors (r->nonblock) */
#define SC_ONE_FAMILY 0x02 /* the address family makes no difference: IPv4 only */
#define SC_ROOT 0x04	   /* SKIP unless root */
#define SC_NO_FINISH 0x08  /* the runner neither checks nor closes at the end */
#define SC_OWN_COUNT 0x10  /* reads opt->connections itself; others are repeated that often */
#define SC_TO_HOST 0x20	   /* makes sense without the server's end (--to HOST:PORT) */
#define SC_RANDOM 0x40	   /* run by --random, which runs nothing else */

struct run;

struct scenario {
	const char *name;
	void (*run)(struct run *r);
	unsigned int flags;
	unsigned int seconds; /* the watchdog's patience; 0: DEFAULT_SECONDS */
	const char *what;     /* for --list */
};

#define DEFAULT_SECONDS 60

struct options {
	unsigned int families;	  /* bit per enum family */
	size_t bytes;		  /* --bytes, or 100,000 */
	unsigned int connections; /* --connections, 0 if not given */
	unsigned int threads;	  /* --threads, 0 if not given */
	bool steps;		  /* --steps: say() prints */
	bool tap;
	bool dry_run; /* no module: compare with TCP_INFO only */
	bool random;  /* --random */
	uint64_t seed;
	unsigned int seconds, actions; /* --seconds, --actions; 0 if not given */
	unsigned int patience;	       /* --patience, or 1 */
	bool to_host;
	struct sockaddr_storage to;
};

/* struct end, loose: fields that cannot be foretold; each use says why */
#define LOOSE_TX_CALLS 0x001 /* at least the number booked (sendfile, splice, io_uring) */
#define LOOSE_RX_CALLS 0x002
#define LOOSE_TX_BYTES 0x004 /* holders overlap: only the connection's sum is compared */
#define LOOSE_RX_BYTES 0x008
#define LOOSE_TX_QUEUE 0x010
#define LOOSE_RX_QUEUE 0x020
#define LOOSE_STATE 0x040
#define LOOSE_ERROR 0x080
#define LOOSE_TCP_INFO 0x100 /* urgent data, TCP_REPAIR: TCP_INFO is no truth */
#define LOOSE_INODE 0x200
#define LOOSE_TIMES 0x400
#define LOOSE_SUM 0x800 /* this connection's sums are not compared */

#define UNTIL_CHECK INT64_MAX /* a window's end: the moment of the check */

/**
 * struct end - the row that one descriptor should have
 *
 * Ends lie in memory that forked children share, so what a child books the
 * parent compares.  One direction of one end is to be booked by one thread
 * at a time; that is what makes the truth unambiguous.
 *
 * @pid, @fd: the key; -1, -1 for a connection that nobody holds
 * @cookie: SO_COOKIE, 0 if it cannot be known (then addresses identify)
 * @comm: of the process; taken anew at each check while the end is open
 * @closed: the row must say CLOSED, with a time in the window closed_*
 * @may_lack: no row is right, too (a duplicate nobody saw or used)
 * @no_row: no row is right, only (never connected and closed)
 * @retired: of an earlier connection on the same socket (connect(AF_UNSPEC))
 * @foreign: @fd is not this number in this process's table: ask sock_diag
 * @fd_lost: closed by no system call that names it, and never used: FD may be "-"
 * @state: for loose or foreign cases; normally TCP_INFO's word is expected
 * @opened_lo: earliest OPENED, CLOCK_REALTIME ns; -1: "-" is expected
 * @opened_hi: latest
 * @alive: when a check last saw that the connection had not ended, 0 if none did
 * @error: errno expected in ERROR, 0 for "-"
 */
struct end {
	struct run *run;
	pid_t pid;
	int fd;
	uint64_t cookie;
	char comm[SOCKSTAT_COMM_LEN];
	enum sockstat_role role;
	struct sockaddr_storage local, remote; /* AF_UNSPEC: *:* */
	uint64_t tx_bytes, rx_bytes, tx_calls, rx_calls;
	unsigned int loose;
	bool closed, may_lack, no_row, retired, foreign, fd_lost;
	bool listener;
	enum sockstat_state state; /* 0: as TCP_INFO says */
	int64_t opened_lo, opened_hi;
	int64_t closed_lo, closed_hi;
	int64_t alive;
	int error;
	uint32_t uid;
	uint32_t netns;
	uint64_t inode;
	bool shared; /* other ends are of the same connection */
	bool shut;   /* the descriptor is closed */
	bool ready;  /* filled in; checks pass over an end that is not */
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

/**
 * struct run - one scenario, one family, blocking or not
 * @name: "group.scenario.family[.nonblock]"
 * @allow_extra: rows of the run's processes that no end expects are no difference
 * @eventually: check() repeats for this many ms before it calls a difference one
 *
 * Shared with the processes it forks; the rest is the runner's and check()'s.
 */
struct run {
	const struct scenario *sc;
	const struct options *opt;
	enum family family;
	bool nonblock;
	char name[96];
	bool allow_extra;
	unsigned int eventually;

	enum verdict verdict;
	char reason[256];
	char notes[256];
	struct difference diffs[MAX_DIFFERENCES];
	unsigned int n_diffs; /* may exceed MAX_DIFFERENCES */
	unsigned int checks, rows, fields, no_truth;
	uint64_t tx_want, tx_seen, rx_want, rx_seen;
	uint64_t missed, dropped; /* of the table at the start */
	int64_t started;

	unsigned int n_ends;
	struct end *ends; /* MAX_ENDS of them */
};

/* run.c: ending a scenario early, from any process of it */
void fail(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void skip(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void note(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Fails the scenario, with errno's text, unless the condition holds. */
#define must(r, condition)                                                          \
	do {                                                                        \
		if (!(condition))                                                   \
			fail((r), "%s:%d: %s: %m", __FILE__, __LINE__, #condition); \
	} while (0)

/* ledger.c: ends and what is booked with them */
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
void comm_of(pid_t pid, char comm[SOCKSTAT_COMM_LEN]);

/* check.c */
void check(struct run *r);
void check_finish(struct run *r);

/* truth.c: what the kernel says of a socket, other than through the module */
struct truth {
	bool known;
	enum sockstat_state state; /* TCP_CLOSE as SOCKSTAT_CLOSED */
	bool sums_known;	   /* the two below: data bytes by TCP_INFO */
	uint64_t tx_bytes, rx_bytes;
	uint64_t tx_queue, rx_queue;
};

void truth_get(const struct end *e, struct truth *t);
int diag_destroy(struct end *e);

/* net.c */
struct pair {
	struct end *client;
	struct end *server; /* NULL with --to HOST:PORT: helpers take that as nothing to do */
};

int family_domain(const struct run *r);
socklen_t family_loopback(const struct run *r, uint16_t port, struct sockaddr_storage *sa);
uint16_t addr_port(const struct sockaddr_storage *sa);
const char *addr_text(const struct sockaddr_storage *sa, char text[SOCKSTAT_ADDR_LEN]);
void addr_plain(struct sockaddr_storage *sa);
int tcp_socket(struct run *r);
void set_nonblock(struct run *r, int fd, bool on);
struct end *listen_open(struct run *r, int backlog);
struct end *connect_to(struct run *r, const struct end *listener);
struct end *accept_from(struct run *r, struct end *listener, int64_t since);
void pair_open(struct run *r, struct pair *p);
void pair_open_on(struct run *r, struct end *listener, struct pair *p);
void net_private(struct run *r);
void wait_poll(struct run *r, int fd, short events);
void wait_until(struct run *r, bool (*done)(void *arg), void *arg, const char *what);
void wait_acked(struct end *e);
void wait_queued(struct end *e, int bytes);
void wait_state(struct end *e, enum sockstat_state state);
void sysctl_set(struct run *r, const char *path, const char *value);
size_t fill(char *buf, size_t len);

/* One system call that sends up to @len bytes of @buf; it books itself with @e. */
typedef ssize_t (*send_op)(struct end *e, const char *buf, size_t len);

void send_all(struct end *e, send_op op, uint64_t bytes, size_t chunk);
void send_bytes(struct end *e, uint64_t bytes);
void read_all(struct end *e, uint64_t bytes);
void read_to_eof(struct end *e);
void talk(struct pair *p, uint64_t bytes);

/* A thread that reads an end, so that the other can send without bound. */
struct drain {
	pthread_t thread;
	struct end *e;
	uint64_t bytes;
};

void drain_start(struct drain *d, struct end *e, uint64_t bytes);
void drain_join(struct drain *d);

#endif
