// SPDX-License-Identifier: GPL-2.0-only
/* The ledger: the row that each descriptor should have, kept from system calls' results. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "ledger.h"
#include "truth.h"
#include "verdict.h"

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/**
 * now_ns - read the clock that OPENED and CLOSED use
 *
 * Return: CLOCK_REALTIME in ns.
 */
int64_t now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/**
 * boot_offset - compare the clock of OPENED and CLOSED with that of DURATION and AGO
 *
 * Return: CLOCK_REALTIME minus CLOCK_BOOTTIME, in ns. It only changes if somebody
 * sets the former.
 */
int64_t boot_offset(void)
{
	int64_t best = INT64_MAX, offset = 0;
	int i;

	/* The thread may lose the CPU between two readings, so take the shortest of some. */
	for (i = 0; i < 10; i++) {
		int64_t before = clock_ns(CLOCK_BOOTTIME), now = now_ns();
		int64_t took = clock_ns(CLOCK_BOOTTIME) - before;

		if (took < best) {
			best = took;
			offset = now - before;
		}
	}
	return offset;
}

/**
 * comm_of - read the COMMAND of a process
 * @pid: the process
 * @comm: set to its comm; not changed if the process has ended
 */
void comm_of(pid_t pid, char comm[SOCKSTAT_COMM_LEN])
{
	char path[32], buf[SOCKSTAT_COMM_LEN];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return;
	buf[n - 1] = '\0'; /* replace the newline */
	memcpy(comm, buf, sizeof(buf));
}

/**
 * euid_of - read the effective user of a process
 * @pid: the process
 * @euid: set to its EUID; not changed if the process has ended
 */
void euid_of(pid_t pid, int64_t *euid)
{
	unsigned int uid;
	char line[128];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Uid: %*u %u", &uid) == 1)
			*euid = uid;
	}
	if (f)
		fclose(f);
}

static uint32_t own_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

static struct end *end_alloc(struct run *r)
{
	unsigned int i = __atomic_fetch_add(&r->n_ends, 1, __ATOMIC_RELAXED);
	struct end *e = &r->ends[i];

	if (i >= MAX_ENDS)
		fail(r, "more than %d descriptors in one scenario", MAX_ENDS);
	memset(e, 0, sizeof(*e));
	e->run = r;
	e->opened_lo = e->opened_hi = -1;
	e->closed_lo = e->closed_hi = -1;
	return e;
}

static void end_publish(struct end *e)
{
	__atomic_store_n(&e->ready, true, __ATOMIC_RELEASE);
}

/**
 * end_new - expect a row for a TCP descriptor of this process
 * @r: the run
 * @fd: the descriptor
 * @role: SOCKSTAT_ROLE_NONE for a listener or a socket that is not connected yet
 * @opened_lo: the time just before the connect; -1 if the socket is not
 *	connected yet: call end_opened() after the connect
 *
 * Return: the end, valid as long as the run.
 */
struct end *end_new(struct run *r, int fd, enum sockstat_role role, int64_t opened_lo)
{
	struct end *e = end_alloc(r);
	socklen_t len = sizeof(e->cookie);
	struct stat st;
	int accepts = 0;

	e->pid = getpid();
	e->fd = fd;
	must(r, !getsockopt(fd, SOL_SOCKET, SO_COOKIE, &e->cookie, &len));
	must(r, !fstat(fd, &st));
	len = sizeof(accepts);
	must(r, !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len));
	e->listener = accepts;
	e->inode = st.st_ino;
	e->uid = st.st_uid;
	e->euid = geteuid();
	e->netns = own_netns();
	e->role = role;
	if (opened_lo >= 0) {
		e->opened_lo = opened_lo;
		e->opened_hi = now_ns();
	}
	comm_of(e->pid, e->comm);
	end_refresh(e);
	end_publish(e);
	return e;
}

/**
 * end_alias - expect a row for another descriptor of the same socket
 * @of: the end of the descriptor that was copied (dup, fork, SCM_RIGHTS,
 *	pidfd_getfd, exec)
 * @pid: the process that holds the copy
 * @fd: the number of the copy in that process
 *
 * The copy starts with no bytes and no calls.
 *
 * Return: the end of the copy, valid as long as the run.
 */
struct end *end_alias(struct end *of, pid_t pid, int fd)
{
	struct end *e = end_alloc(of->run);

	*e = *of;
	__atomic_store_n(&e->ready, false, __ATOMIC_RELAXED);
	e->pid = pid;
	e->fd = fd;
	e->tx_bytes = e->rx_bytes = e->tx_calls = e->rx_calls = 0;
	e->foreign = e->retired = e->shut = false;
	e->shared = of->shared = true;
	comm_of(pid, e->comm);
	if (pid < 0)
		e->euid = -1;
	else
		euid_of(pid, &e->euid);
	end_publish(e);
	return e;
}

/**
 * end_nobody - expect a row for a connection that no process holds
 * @r: the run
 * @local: its local address; the addresses identify it, as its cookie is unknown
 * @remote: its remote address
 * @opened_lo: the time just before the connect
 *
 * Return: the end, valid as long as the run.  Its members describe a connection
 * that this process's listener has not accepted; the caller changes those that
 * differ.
 */
struct end *end_nobody(struct run *r, const struct sockaddr_storage *local,
		       const struct sockaddr_storage *remote, int64_t opened_lo)
{
	struct end *e = end_alloc(r);

	e->pid = -1;
	e->fd = -1;
	e->local = *local;
	e->remote = *remote;
	addr_plain(&e->local);
	addr_plain(&e->remote);
	e->role = SOCKSTAT_ROLE_SERVER;
	e->opened_lo = opened_lo;
	e->opened_hi = now_ns();
	e->uid = geteuid();
	e->euid = -1;
	e->netns = own_netns();
	e->state = SOCKSTAT_ESTABLISHED;
	strcpy(e->comm, "-");
	end_publish(e);
	return e;
}

/**
 * end_restart - book that connect(AF_UNSPEC) has disconnected a socket
 * @e: its end, which becomes a CLOSED row
 * @since: the time just before connect(AF_UNSPEC)
 *
 * Return: a new end for the same descriptor, not connected yet, valid as long
 * as the run.
 */
struct end *end_restart(struct end *e, int64_t since)
{
	struct end *next = end_alias(e, e->pid, e->fd);

	if (!e->closed)
		end_ended(e, since, e->error);
	e->retired = true;
	next->role = SOCKSTAT_ROLE_NONE;
	next->remote = (struct sockaddr_storage){ 0 };
	next->alive = 0;
	next->opened_lo = next->opened_hi = -1;
	next->closed = false;
	next->closed_lo = next->closed_hi = -1;
	next->error = 0;
	next->state = 0;
	next->shared = e->shared = false;
	end_refresh(next);
	return next;
}

/**
 * end_refresh - read an open descriptor's addresses again, after bind(2) or connect(2)
 * @e: its end; keeps the last peer's address if the socket has no peer any more
 */
void end_refresh(struct end *e)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getsockname(e->fd, (struct sockaddr *)&sa, &len) == 0) {
		addr_plain(&sa);
		if (!addr_port(&sa))
			sa = (struct sockaddr_storage){ 0 };
		e->local = sa;
	}
	sa = (struct sockaddr_storage){ 0 };
	len = sizeof(sa);
	if (getpeername(e->fd, (struct sockaddr *)&sa, &len) == 0) {
		addr_plain(&sa);
		e->remote = sa;
	}
}

/**
 * end_opened - book that a descriptor has been connected
 * @e: its end
 * @role: normally SOCKSTAT_ROLE_CLIENT
 * @lo: the time just before the connect
 */
void end_opened(struct end *e, enum sockstat_role role, int64_t lo)
{
	e->role = role;
	e->opened_lo = lo;
	e->opened_hi = now_ns();
	end_refresh(e);
}

/**
 * end_connecting - book that connect(2) was called and is in progress, or has failed
 * @e: the descriptor's end
 * @since: the time just before the call
 * @to: the address passed to connect(2), which getpeername(2) does not return yet
 */
void end_connecting(struct end *e, int64_t since, const struct sockaddr_storage *to)
{
	end_opened(e, SOCKSTAT_ROLE_CLIENT, since);
	e->remote = *to;
	addr_plain(&e->remote);
}

/**
 * end_ended - book that the connection is over; the descriptor may still be open
 * @e: its end
 * @since: the earliest time at which it may have ended
 * @error: the errno that ERROR must name, 0 for "-"
 */
void end_ended(struct end *e, int64_t since, int error)
{
	e->error = error;
	e->closed = true;
	e->closed_lo = since;
	e->closed_hi = now_ns();
}

/**
 * end_connection_lives - whether the connection has another open descriptor
 * @e: an end
 *
 * Return: true if it has one and the connection has not ended.
 */
bool end_connection_lives(const struct end *e)
{
	const struct run *r = e->run;
	unsigned int i;

	if (!e->shared)
		return false;
	for (i = 0; i < r->n_ends; i++) {
		const struct end *o = &r->ends[i];

		if (o != e && o->ready && !o->closed && o->cookie == e->cookie)
			return true;
	}
	return false;
}

/**
 * end_gone - book that a descriptor was closed, by close(2) or otherwise
 * @e: its end
 * @since: the time just before it was closed
 *
 * TCP is told only when the last descriptor of a socket is closed.  The module
 * notices that another one was closed when the table is read next, and has no
 * row for it if the descriptor was never used.
 */
void end_gone(struct end *e, int64_t since)
{
	bool ended = e->closed;

	if (e->role == SOCKSTAT_ROLE_NONE && e->opened_lo < 0)
		e->no_row = true;
	e->closed = e->shut = true;
	if (!ended)
		e->closed_lo = since;
	e->closed_hi = now_ns();
	if (end_connection_lives(e))
		e->closed_hi = UNTIL_CHECK;
	if (e->shared && !e->tx_calls && !e->rx_calls)
		e->may_lack = true;
}

/**
 * end_close - close a descriptor and book that
 * @e: an end of this process; nothing is done if it is NULL
 */
void end_close(struct end *e)
{
	int64_t since = now_ns();
	struct truth t;

	if (!e)
		return;
	truth_get(e, &t);
	/* The peer's FIN may have ended the connection before. */
	if (t.known && t.state == SOCKSTAT_CLOSED && e->opened_lo >= 0)
		since = e->alive ? e->alive : e->opened_lo;
	must(e->run, !close(e->fd));
	end_gone(e, since);
}

/**
 * tx_add - book calls that send
 * @e: the descriptor's end
 * @bytes: bytes that the calls have sent
 * @calls: entries into TCP's send function
 */
void tx_add(struct end *e, uint64_t bytes, uint64_t calls)
{
	__atomic_fetch_add(&e->tx_bytes, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&e->tx_calls, calls, __ATOMIC_RELAXED);
}

/**
 * rx_add - book calls that receive
 * @e: the descriptor's end
 * @bytes: bytes that the calls have delivered
 * @calls: entries into TCP's receive functions
 */
void rx_add(struct end *e, uint64_t bytes, uint64_t calls)
{
	__atomic_fetch_add(&e->rx_bytes, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&e->rx_calls, calls, __ATOMIC_RELAXED);
}

/**
 * tx - book one system call that entered TCP's send function once
 * @e: the end of the descriptor that the call used
 * @ret: the call's result; a call that failed counts as a call
 *
 * Return: @ret, with errno as it was.
 */
ssize_t tx(struct end *e, ssize_t ret)
{
	tx_add(e, ret > 0 ? ret : 0, 1);
	return ret;
}

/**
 * rx - book one system call that entered TCP's receive function once
 * @e: the end of the descriptor that the call used
 * @ret: the call's result; a call that failed counts as a call
 *
 * Return: @ret, with errno as it was.
 */
ssize_t rx(struct end *e, ssize_t ret)
{
	rx_add(e, ret > 0 ? ret : 0, 1);
	return ret;
}

/**
 * tx_call - book one call that entered TCP's send function and sent no bytes
 * @e: the end of the descriptor that the call used
 * @ret: the call's result, which is not a number of bytes sent
 *
 * Return: @ret, with errno as it was.
 */
ssize_t tx_call(struct end *e, ssize_t ret)
{
	tx_add(e, 0, 1);
	return ret;
}

/**
 * rx_call - book one call that received without consuming bytes (MSG_PEEK, MSG_ERRQUEUE)
 * @e: the end of the descriptor that the call used
 * @ret: the call's result, which is not a number of bytes consumed
 *
 * Return: @ret, with errno as it was.
 */
ssize_t rx_call(struct end *e, ssize_t ret)
{
	rx_add(e, 0, 1);
	return ret;
}
