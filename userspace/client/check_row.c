// SPDX-License-Identifier: GPL-2.0-only
/* Compares one expected row with one row of /proc/sockstat, field by field. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "check_row.h"

#define MS INT64_C(1000000)

static void row_differs(struct row_diffs *rd, const char *field, const char *want, const char *seen)
{
	struct difference *d = &rd->d[rd->n];

	if (rd->n == MAX_ROW_DIFFS)
		return;
	rd->n++;
	snprintf(d->field, sizeof(d->field), "%s", field);
	snprintf(d->want, sizeof(d->want), "%s", want);
	snprintf(d->seen, sizeof(d->seen), "%s", seen);
}

static void want_text(struct row_diffs *rd, const char *field, const char *want, const char *seen)
{
	rd->fields++;
	if (strcmp(want, seen))
		row_differs(rd, field, want, seen);
}

static void want_number(struct row_diffs *rd, const char *field, uint64_t want, uint64_t seen)
{
	char w[24], s[24];

	snprintf(w, sizeof(w), "%" PRIu64, want);
	snprintf(s, sizeof(s), "%" PRIu64, seen);
	want_text(rd, field, w, s);
}

static void want_at_least(struct row_diffs *rd, const char *field, uint64_t want, uint64_t seen)
{
	char w[32], s[24];

	rd->fields++;
	if (seen >= want)
		return;
	snprintf(w, sizeof(w), ">=%" PRIu64, want);
	snprintf(s, sizeof(s), "%" PRIu64, seen);
	row_differs(rd, field, w, s);
}

static void time_text(char *buf, size_t size, int64_t ns)
{
	if (ns < 0)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%" PRId64 ".%03" PRId64, ns / (1000 * MS), ns / MS % 1000);
}

/* The column has milliseconds; the module may round up or down. */
static void want_time(struct row_diffs *rd, const char *field, int64_t lo, int64_t hi, int64_t seen)
{
	char w[64], s[24], to[24];

	rd->fields++;
	if (lo < 0 ? seen < 0 : seen >= lo / MS * MS && seen <= (hi + MS - 1) / MS * MS)
		return;
	time_text(w, sizeof(w), lo);
	if (lo >= 0) {
		time_text(to, sizeof(to), hi);
		strcat(w, "..");
		strcat(w, to);
	}
	time_text(s, sizeof(s), seen);
	row_differs(rd, field, w, s);
}

static void want_addr(struct row_diffs *rd, const char *field, const struct sockaddr_storage *want,
		      const struct sockstat_addr *seen)
{
	char text[SOCKSTAT_ADDR_LEN];
	const struct sockaddr_in6 *w = (const struct sockaddr_in6 *)want;
	const struct sockaddr_in6 *s = (const struct sockaddr_in6 *)&seen->sa;

	/* A scope may be written as a number or as an interface name: compare the numbers. */
	if (want->ss_family == AF_INET6 && w->sin6_scope_id && seen->sa.ss_family == AF_INET6 &&
	    !memcmp(&w->sin6_addr, &s->sin6_addr, sizeof(w->sin6_addr)) &&
	    w->sin6_port == s->sin6_port && w->sin6_scope_id == s->sin6_scope_id)
		rd->fields++;
	else
		want_text(rd, field, addr_text(want, text), seen->text);
}

static enum sockstat_state state_wanted(const struct end *e, const struct truth *t)
{
	if (e->closed)
		return SOCKSTAT_CLOSED;
	if (e->state)
		return e->state;
	if (t->state == SOCKSTAT_CLOSED && e->opened_lo < 0)
		return SOCKSTAT_UNCONN;
	return t->state;
}

static void compare_counts(struct row_diffs *rd, const struct end *e,
			   const struct sockstat_row *row)
{
	if (!(e->loose & LOOSE_TX_BYTES))
		want_number(rd, "TX_BYTES", e->tx_bytes, row->tx_bytes);
	want_number(rd, "RX_BYTES", e->rx_bytes, row->rx_bytes);
	(e->loose & LOOSE_TX_CALLS ? want_at_least : want_number)(rd, "TX_CALLS", e->tx_calls,
								  row->tx_calls);
	(e->loose & LOOSE_RX_CALLS ? want_at_least : want_number)(rd, "RX_CALLS", e->rx_calls,
								  row->rx_calls);
}

/*
 * DURATION and AGO are by CLOCK_BOOTTIME. The bounds are by CLOCK_REALTIME: their
 * differences are the same, as check() fails if somebody has set the clock.
 */
static void compare_spans(struct row_diffs *rd, const struct end *e, const struct sockstat_row *row,
			  int64_t closed_lo, int64_t closed_hi, const struct read_time *read)
{
	bool ended = closed_lo >= 0;
	int64_t lo = (ended ? closed_lo : read->lo) - e->opened_hi;
	int64_t hi = (ended ? closed_hi : read->hi) - e->opened_lo;

	if (e->opened_lo < 0)
		lo = -1;
	else if (lo < 0)
		lo = 0;
	want_time(rd, "DURATION", lo, hi, row->duration);
	lo = ended && read->lo > closed_hi ? read->lo - closed_hi : 0;
	want_time(rd, "AGO", ended ? lo : -1, read->hi - closed_lo, row->ago);
}

static void compare_times(struct row_diffs *rd, const struct end *e, const struct sockstat_row *row,
			  bool closed, const struct read_time *read)
{
	int64_t closed_lo = closed ? e->closed_lo : -1;
	int64_t closed_hi = e->closed_hi == UNTIL_CHECK ? read->hi : e->closed_hi;

	if (closed && !e->closed) {
		/* The connection has ended by itself since check() last saw it alive. */
		closed_lo = e->alive ? e->alive : e->opened_lo;
		closed_hi = read->hi;
	}
	want_time(rd, "OPENED", e->opened_lo, e->opened_hi, row->opened);
	/* TCP is not told when one of several descriptors is closed: CLOSED may be unknown. */
	if (e->closed_hi == UNTIL_CHECK && row->closed < 0 && end_connection_lives(e)) {
		rd->fields++;
		closed_lo = -1;
	} else {
		want_time(rd, "CLOSED", closed_lo, closed_hi, row->closed);
	}
	compare_spans(rd, e, row, closed_lo, closed_hi, read);
}

static void want_euid(struct row_diffs *rd, int64_t want, int64_t seen)
{
	char w[24] = "-", s[24] = "-";

	if (want >= 0)
		snprintf(w, sizeof(w), "%" PRId64, want);
	if (seen >= 0)
		snprintf(s, sizeof(s), "%" PRId64, seen);
	want_text(rd, "EUID", w, s);
}

/**
 * row_compare - compare an expected row with one of /proc/sockstat
 * @rd: filled in with the differences
 * @e: the expected row
 * @t: what the kernel reports about the socket
 * @row: the row, for which row_fits() was true
 * @read: when the table was read
 */
void row_compare(struct row_diffs *rd, const struct end *e, const struct truth *t,
		 const struct sockstat_row *row, const struct read_time *read)
{
	enum sockstat_state state = state_wanted(e, t);
	bool closed = state == SOCKSTAT_CLOSED;
	bool known = e->closed || t->known;

	rd->n = rd->fields = 0;
	want_text(rd, "COMMAND", e->comm, row->comm);
	if (known || e->state)
		want_text(rd, "STATE", sockstat_state_name(state), sockstat_state_name(row->state));
	want_text(rd, "ROLE", sockstat_role_name(e->role), sockstat_role_name(row->role));
	want_addr(rd, "LOCAL", &e->local, &row->local);
	want_addr(rd, "REMOTE", &e->remote, &row->remote);
	compare_counts(rd, e, row);
	if (known)
		want_number(rd, "TX_QUEUE", closed ? 0 : t->tx_queue, row->tx_queue);
	if (!(e->loose & LOOSE_RX_QUEUE) && known)
		want_number(rd, "RX_QUEUE", closed ? 0 : t->rx_queue, row->rx_queue);
	compare_times(rd, e, row, closed, read);
	want_text(rd, "ERROR", sockstat_error_name(e->error),
		  row->error < 0 ? row->error_text : sockstat_error_name(row->error));
	want_number(rd, "UID", e->uid, row->uid);
	want_euid(rd, e->euid, row->euid);
	want_number(rd, "NETNS", e->netns, row->netns);
	want_number(rd, "INODE", e->inode, row->inode);
	rd->fields += 3; /* row_fits() has compared PID, FD and COOKIE */
}

static bool same_address(const struct sockaddr_storage *sa, const struct sockstat_addr *addr)
{
	char text[SOCKSTAT_ADDR_LEN];

	return !strcmp(addr_text(sa, text), addr->text);
}

/**
 * row_fits - whether a row may be the one that an end expects
 * @e: the end
 * @row: a row with the same cookie, if the end's cookie is known
 *
 * Return: true if the keys are equal.
 */
bool row_fits(const struct end *e, const struct sockstat_row *row)
{
	return row->pid == e->pid && (row->fd == e->fd || (e->fd_lost && row->fd < 0)) &&
	       (e->cookie ||
		(same_address(&e->local, &row->local) && same_address(&e->remote, &row->remote)));
}
