// SPDX-License-Identifier: GPL-2.0-only
/* The ledger: what this program's own system calls returned, per descriptor. */

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

/**
 * now_ns - the clock OPENED and CLOSED are told by
 *
 * Return: CLOCK_REALTIME in ns.
 */
int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/**
 * comm_of - what COMMAND should say of a process
 * @pid: the process
 * @comm: left alone if the process is gone
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
	buf[n - 1] = '\0'; /* the newline the kernel adds */
	memcpy(comm, buf, sizeof(buf));
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
 * @role: SOCKSTAT_ROLE_NONE for one that was not connected yet, and listeners
 * @opened_lo: the time just before connect or before the peer's connect; -1
 *	if not connected yet: call end_opened() after the connect
 *
 * Return: the end, alive as long as the run.
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
 * @of: the descriptor it was made from (dup, fork, SCM_RIGHTS, pidfd_getfd, exec)
 * @pid: the process that holds the other
 * @fd: its number there
 *
 * It starts with no bytes and no calls.
 *
 * Return: the end, alive as long as the run.
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
	end_publish(e);
	return e;
}

/**
 * end_nobody - expect a row for a connection that no process holds
 * @r: the run
 * @local: its addresses identify it, since no one can ask for its cookie
 * @remote: ditto
 * @opened_lo: the time just before the connect
 *
 * Return: the end; its role is server, its uid, inode and namespace are those
 * of an unaccepted child of this process's listener: correct what differs.
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
	e->netns = own_netns();
	e->state = SOCKSTAT_ESTABLISHED;
	strcpy(e->comm, "-");
	end_publish(e);
	return e;
}

/**
 * end_restart - the socket left its connection and can make another one
 * @e: its end, which becomes a CLOSED row
 * @since: the time just before connect(AF_UNSPEC)
 *
 * Return: a new end for the same descriptor, not connected yet.
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
 * end_refresh - take an open descriptor's addresses anew (after bind, connect)
 * @e: its end; where there is no peer any more, the last one stays
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
 * end_opened - the descriptor has been connected
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
 * end_connecting - a connect was called and is not over (or was refused)
 * @e: the descriptor's end
 * @since: the time just before the call
 * @to: the address it was given; getpeername() cannot tell it yet
 */
void end_connecting(struct end *e, int64_t since, const struct sockaddr_storage *to)
{
	end_opened(e, SOCKSTAT_ROLE_CLIENT, since);
	e->remote = *to;
	addr_plain(&e->remote);
}

/**
 * end_ended - the connection is over though the descriptor may be open
 * @e: its end
 * @since: the earliest time of the end
 * @error: what ERROR must say, 0 for "-"
 */
void end_ended(struct end *e, int64_t since, int error)
{
	e->error = error;
	e->closed = true;
	e->closed_lo = since;
	e->closed_hi = now_ns();
}

/**
 * end_connection_lives - is there another descriptor of the connection?
 * @e: an end
 *
 * Return: true if one is open and the connection has not ended.
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
 * end_gone - the descriptor was closed, by whatever means
 * @e: its end
 * @since: the time just before that
 *
 * What closed was one of several descriptors of the socket is no event in TCP:
 * the module finds out at its next look, and has no row if it never saw a use.
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
 * end_close - close the descriptor and expect its row to say so
 * @e: an end of this process; NULL is nothing to do
 */
void end_close(struct end *e)
{
	int64_t since = now_ns();
	struct truth t;

	if (!e)
		return;
	truth_get(e, &t);
	/* The peer's FIN may have been the end already. */
	if (t.known && t.state == SOCKSTAT_CLOSED && e->opened_lo >= 0)
		since = e->alive ? e->alive : e->opened_lo;
	must(e->run, !close(e->fd));
	end_gone(e, since);
}

/**
 * tx_add - book sending
 * @e: the descriptor's end
 * @bytes: how many bytes the calls took
 * @calls: entries into TCP's send function
 */
void tx_add(struct end *e, uint64_t bytes, uint64_t calls)
{
	__atomic_fetch_add(&e->tx_bytes, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&e->tx_calls, calls, __ATOMIC_RELAXED);
}

/**
 * rx_add - book receiving
 * @e: the descriptor's end
 * @bytes: how many bytes the calls delivered
 * @calls: entries into TCP's receive functions
 */
void rx_add(struct end *e, uint64_t bytes, uint64_t calls)
{
	__atomic_fetch_add(&e->rx_bytes, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&e->rx_calls, calls, __ATOMIC_RELAXED);
}

/**
 * tx - book one system call that entered TCP's send function once
 * @e: the end of the descriptor it was made through
 * @ret: what it returned; an error counts as a call
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
 * @e: the end of the descriptor it was made through
 * @ret: what it returned; an error counts as a call
 *
 * Return: @ret, with errno as it was.
 */
ssize_t rx(struct end *e, ssize_t ret)
{
	rx_add(e, ret > 0 ? ret : 0, 1);
	return ret;
}

/**
 * tx_call - book a call whose result is no bytes sent
 * @e: the end of the descriptor it was made through
 * @ret: what it returned
 *
 * Return: @ret, with errno as it was.
 */
ssize_t tx_call(struct end *e, ssize_t ret)
{
	tx_add(e, 0, 1);
	return ret;
}

/**
 * rx_call - book a call whose result is no bytes delivered (MSG_PEEK, MSG_ERRQUEUE)
 * @e: the end of the descriptor it was made through
 * @ret: what it returned
 *
 * Return: @ret, with errno as it was.
 */
ssize_t rx_call(struct end *e, ssize_t ret)
{
	rx_add(e, 0, 1);
	return ret;
}
