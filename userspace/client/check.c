// SPDX-License-Identifier: GPL-2.0-only
/* Compares the ledger with /proc/sockstat, and with TCP_INFO. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "check.h"
#include "ledger.h"
#include "truth.h"
#include "verdict.h"

#define MS INT64_C(1000000)
#define MAX_ROW_DIFFS 24

/* One comparison: the ends, what the kernel says of them, and the table. */
struct comparison {
	struct run *r;
	int64_t now;
	unsigned int n;
	struct end **ends; /* sorted by cookie */
	struct truth *truths;
	struct sockstat_table table;
	const struct sockstat_row **rows; /* sorted by cookie */
	bool *taken;			  /* by place in rows */
	unsigned int n_fields, no_truth;
	unsigned int n_rows; /* compared */
	uint64_t tx_want, tx_seen, rx_want, rx_seen;
};

/* The differences of one row with one end */
struct row_diffs {
	struct difference d[MAX_ROW_DIFFS];
	unsigned int n, fields;
};

static int by_cookie(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int ends_by_cookie(const void *a, const void *b)
{
	const struct end *x = *(struct end *const *)a, *y = *(struct end *const *)b;
	int order = by_cookie(x->cookie, y->cookie);

	return order ? order : (x < y ? -1 : x > y);
}

static int rows_by_cookie(const void *a, const void *b)
{
	const struct sockstat_row *x = *(const struct sockstat_row *const *)a;
	const struct sockstat_row *y = *(const struct sockstat_row *const *)b;
	int order = by_cookie(x->cookie, y->cookie);

	return order ? order : (x < y ? -1 : x > y);
}

static void __attribute__((format(printf, 5, 6))) report(struct comparison *c, const char *row,
							 uint64_t cookie, const char *field,
							 const char *want_seen, ...)
{
	struct difference *d = &c->r->diffs[c->r->n_diffs];
	char text[200], *bar;
	va_list ap;

	if (c->r->n_diffs++ >= MAX_DIFFERENCES)
		return;
	va_start(ap, want_seen);
	vsnprintf(text, sizeof(text), want_seen, ap);
	va_end(ap);
	bar = strchr(text, '|');
	if (bar)
		*bar = '\0';
	snprintf(d->row, sizeof(d->row), "%s", row);
	d->cookie = cookie;
	snprintf(d->field, sizeof(d->field), "%s", field);
	snprintf(d->want, sizeof(d->want), "%.*s", (int)sizeof(d->want) - 1, text);
	snprintf(d->seen, sizeof(d->seen), "%.*s", (int)sizeof(d->seen) - 1, bar ? bar + 1 : "");
}

static void end_name(const struct end *e, char *buf, size_t size)
{
	char pid[16] = "-", fd[16] = "-";

	if (e->pid >= 0)
		snprintf(pid, sizeof(pid), "%d", e->pid);
	if (e->fd >= 0)
		snprintf(fd, sizeof(fd), "%d", e->fd);
	snprintf(buf, size, "pid %s fd %s cookie %" PRIu64 " %s", pid, fd, e->cookie,
		 sockstat_role_name(e->role));
}

static void differ(struct row_diffs *rd, const char *field, const char *want, const char *seen)
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
		differ(rd, field, want, seen);
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
	differ(rd, field, w, s);
}

static void time_text(char *buf, size_t size, int64_t ns)
{
	if (ns < 0)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%" PRId64 ".%03" PRId64, ns / (1000 * MS), ns / MS % 1000);
}

/* The column has milliseconds; either way of rounding is right. */
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
	differ(rd, field, w, s);
}

static void want_addr(struct row_diffs *rd, const char *field, const struct sockaddr_storage *want,
		      const struct sockstat_addr *seen)
{
	char text[SOCKSTAT_ADDR_LEN];
	const struct sockaddr_in6 *w = (const struct sockaddr_in6 *)want;
	const struct sockaddr_in6 *s = (const struct sockaddr_in6 *)&seen->sa;

	/* How an interface's name is put is not ours to say, which one is. */
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

static void compare_row(struct comparison *c, const struct end *e, const struct truth *t,
			const struct sockstat_row *row, struct row_diffs *rd)
{
	enum sockstat_state state = state_wanted(e, t);
	bool known = e->closed || t->known;
	int64_t closed_lo = e->closed_lo;
	int64_t closed_hi = e->closed_hi == UNTIL_CHECK ? c->now : e->closed_hi;

	rd->n = rd->fields = 0;
	if (state == SOCKSTAT_CLOSED && !e->closed) {
		/* The connection has ended by itself since it was last looked at. */
		closed_lo = e->alive ? e->alive : e->opened_lo;
		closed_hi = c->now;
	}
	want_text(rd, "COMMAND", e->comm, row->comm);
	if (known || e->state)
		want_text(rd, "STATE", sockstat_state_name(state), sockstat_state_name(row->state));
	want_text(rd, "ROLE", sockstat_role_name(e->role), sockstat_role_name(row->role));
	want_addr(rd, "LOCAL", &e->local, &row->local);
	want_addr(rd, "REMOTE", &e->remote, &row->remote);
	if (!(e->loose & LOOSE_TX_BYTES))
		want_number(rd, "TX_BYTES", e->tx_bytes, row->tx_bytes);
	want_number(rd, "RX_BYTES", e->rx_bytes, row->rx_bytes);
	(e->loose & LOOSE_TX_CALLS ? want_at_least : want_number)(rd, "TX_CALLS", e->tx_calls,
								  row->tx_calls);
	(e->loose & LOOSE_RX_CALLS ? want_at_least : want_number)(rd, "RX_CALLS", e->rx_calls,
								  row->rx_calls);
	if (known)
		want_number(rd, "TX_QUEUE", state == SOCKSTAT_CLOSED ? 0 : t->tx_queue,
			    row->tx_queue);
	if (!(e->loose & LOOSE_RX_QUEUE) && known)
		want_number(rd, "RX_QUEUE", state == SOCKSTAT_CLOSED ? 0 : t->rx_queue,
			    row->rx_queue);
	want_time(rd, "OPENED", e->opened_lo, e->opened_hi, row->opened);
	/* What closed one of several descriptors is no event: its time may not be known. */
	if (e->closed_hi == UNTIL_CHECK && row->closed < 0 && end_connection_lives(e))
		rd->fields++;
	else
		want_time(rd, "CLOSED", state == SOCKSTAT_CLOSED ? closed_lo : -1, closed_hi,
			  row->closed);
	want_text(rd, "ERROR", sockstat_error_name(e->error),
		  row->error < 0 ? row->error_text : sockstat_error_name(row->error));
	want_number(rd, "UID", e->uid, row->uid);
	want_number(rd, "NETNS", e->netns, row->netns);
	want_number(rd, "INODE", e->inode, row->inode);
	rd->fields += 3; /* PID, FD and COOKIE found the row */
}

static bool same_address(const struct sockaddr_storage *sa, const struct sockstat_addr *addr)
{
	char text[SOCKSTAT_ADDR_LEN];

	return !strcmp(addr_text(sa, text), addr->text);
}

/* Can this row be that end's?  Its cookie was compared before, if known. */
static bool row_fits(const struct end *e, const struct sockstat_row *row)
{
	return row->pid == e->pid && (row->fd == e->fd || (e->fd_lost && row->fd < 0)) &&
	       (e->cookie ||
		(same_address(&e->local, &row->local) && same_address(&e->remote, &row->remote)));
}

static size_t first_row(const struct comparison *c, uint64_t cookie)
{
	size_t lo = 0, hi = c->table.n_rows;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->rows[mid]->cookie < cookie)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* One key may have several rows, before and after exec for one: the most alike is taken. */
static void compare_end(struct comparison *c, const struct end *e, const struct truth *t)
{
	size_t i = e->cookie ? first_row(c, e->cookie) : 0;
	struct row_diffs rd, best = { .n = MAX_ROW_DIFFS + 1 };
	const struct sockstat_row *row;
	size_t found = SIZE_MAX;
	char name[72];
	unsigned int k;

	for (; i < c->table.n_rows; i++) {
		if (e->cookie && c->rows[i]->cookie != e->cookie)
			break;
		if (c->taken[i] || !row_fits(e, c->rows[i]))
			continue;
		compare_row(c, e, t, c->rows[i], &rd);
		if (rd.n < best.n) {
			best = rd;
			found = i;
		}
		if (!rd.n)
			break;
	}
	end_name(e, name, sizeof(name));
	c->n_rows++;
	c->tx_want += e->tx_bytes;
	c->rx_want += e->rx_bytes;
	if (found == SIZE_MAX) {
		if (!e->may_lack)
			report(c, name, e->cookie, "row", "present|absent");
		return;
	}
	row = c->rows[found];
	c->taken[found] = true;
	c->n_fields += best.fields;
	if (!e->closed && !t->known)
		c->no_truth++;
	for (k = 0; k < best.n; k++)
		report(c, name, e->cookie, best.d[k].field, "%s|%s", best.d[k].want,
		       best.d[k].seen);
	c->tx_seen += row->tx_bytes;
	c->rx_seen += row->rx_bytes;
}

/* All ends of one socket, from @i up to @j: what they say together */
static void compare_sums(struct comparison *c, unsigned int i, unsigned int j)
{
	uint64_t tx_all = 0, rx_all = 0, tx_now = 0, rx_now = 0, tx_rows = 0, rx_rows = 0;
	uint64_t cookie = c->ends[i]->cookie;
	const struct truth *t = NULL;
	unsigned int loose = 0;
	char name[72];
	size_t k;

	if (!cookie)
		return;
	snprintf(name, sizeof(name), "cookie %" PRIu64, cookie);
	for (; i < j; i++) {
		const struct end *e = c->ends[i];

		loose |= e->loose;
		tx_all += e->tx_bytes;
		rx_all += e->rx_bytes;
		if (e->retired)
			continue;
		tx_now += e->tx_bytes;
		rx_now += e->rx_bytes;
		if (c->truths[i].sums_known && !e->closed)
			t = &c->truths[i];
	}
	if (t && !(loose & LOOSE_TCP_INFO)) {
		c->n_fields += 2;
		if (c->r->opt->dry_run) {
			c->tx_want += tx_now;
			c->tx_seen += t->tx_bytes;
			c->rx_want += rx_now;
			c->rx_seen += t->rx_bytes;
		}
		if (t->tx_bytes != tx_now)
			report(c, name, cookie, "TCP_INFO tx", "%" PRIu64 "|%" PRIu64, tx_now,
			       t->tx_bytes);
		if (t->rx_bytes != rx_now)
			report(c, name, cookie, "TCP_INFO rx", "%" PRIu64 "|%" PRIu64, rx_now,
			       t->rx_bytes);
	}
	if (c->r->opt->dry_run || c->ends[j - 1]->no_row)
		return;
	for (k = first_row(c, cookie); k < c->table.n_rows && c->rows[k]->cookie == cookie; k++) {
		tx_rows += c->rows[k]->tx_bytes;
		rx_rows += c->rows[k]->rx_bytes;
	}
	c->n_fields += 2;
	if (tx_rows != tx_all)
		report(c, name, cookie, "TX_BYTES sum", "%" PRIu64 "|%" PRIu64, tx_all, tx_rows);
	if (rx_rows != rx_all)
		report(c, name, cookie, "RX_BYTES sum", "%" PRIu64 "|%" PRIu64, rx_all, rx_rows);
}

static int pids_in_order(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

/* A row that no end expects, of our processes or on our sockets */
static void find_extra_rows(struct comparison *c)
{
	pid_t *pids = calloc(c->n + 1, sizeof(*pids));
	unsigned int e = 0;
	size_t i;

	must(c->r, pids);
	for (i = 0; i < c->n; i++)
		pids[i] = c->ends[i]->pid;
	pids[c->n] = getpid();
	qsort(pids, c->n + 1, sizeof(*pids), pids_in_order);
	for (i = 0; i < c->table.n_rows; i++) {
		const struct sockstat_row *row = c->rows[i];
		bool ours;

		/* Both are sorted, so one pass over each does. */
		while (e < c->n && c->ends[e]->cookie < row->cookie)
			e++;
		ours = (e < c->n && c->ends[e]->cookie == row->cookie) ||
		       (row->pid >= 0 &&
			bsearch(&row->pid, pids, c->n + 1, sizeof(*pids), pids_in_order));
		/* An earlier process may have had our number. */
		if (c->taken[i] || !ours || (row->closed >= 0 && row->closed < c->r->started))
			continue;
		report(c, "unexpected row", row->cookie, "row",
		       "|%s %d %d %s %s %s tx %" PRIu64 " rx %" PRIu64, row->comm_raw, row->pid,
		       row->fd, sockstat_state_name(row->state), row->local.text, row->remote.text,
		       row->tx_bytes, row->rx_bytes);
	}
	free(pids);
}

static void compare_table(struct comparison *c)
{
	unsigned int i;
	size_t k;

	c->rows = calloc(c->table.n_rows + 1, sizeof(*c->rows));
	c->taken = calloc(c->table.n_rows + 1, sizeof(*c->taken));
	must(c->r, c->rows && c->taken);
	/* these first, since they may be why rows are absent */
	if (c->table.missed != c->r->missed)
		report(c, "the last line", 0, "missed", "%" PRIu64 "|%" PRIu64, c->r->missed,
		       c->table.missed);
	if (c->table.dropped != c->r->dropped)
		report(c, "the last line", 0, "dropped", "%" PRIu64 "|%" PRIu64, c->r->dropped,
		       c->table.dropped);
	for (k = 0; k < c->table.n_rows; k++)
		c->rows[k] = &c->table.rows[k];
	qsort(c->rows, c->table.n_rows, sizeof(*c->rows), rows_by_cookie);
	for (i = 0; i < c->n; i++) {
		if (!c->ends[i]->no_row)
			compare_end(c, c->ends[i], &c->truths[i]);
	}
	find_extra_rows(c);
}

static void truths_get(struct comparison *c, struct truth *truths)
{
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		int64_t now = now_ns();

		if (c->ends[i]->closed) {
			memset(&truths[i], 0, sizeof(truths[i]));
			continue;
		}
		truth_get(c->ends[i], &truths[i]);
		if (truths[i].known && truths[i].state != SOCKSTAT_CLOSED)
			c->ends[i]->alive = now;
	}
}

static bool truths_same(const struct truth *a, const struct truth *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (a[i].state != b[i].state || a[i].tx_queue != b[i].tx_queue ||
		    a[i].rx_queue != b[i].rx_queue)
			return false;
	}
	return true;
}

/* Acks and FINs are on their way now and then: the table counts if all held still around it. */
static void snapshot(struct comparison *c)
{
	const struct timespec ms = { 0, MS };
	struct truth *after = calloc(c->n + 1, sizeof(*after));
	int tries;

	c->truths = calloc(c->n + 1, sizeof(*c->truths));
	must(c->r, after && c->truths);
	for (tries = 0; tries < 500; tries++) {
		truths_get(c, c->truths);
		sockstat_table_free(&c->table);
		if (!c->r->opt->dry_run && sockstat_table_read(&c->table, NULL))
			fail(c->r, "/proc/sockstat: %s", c->table.error);
		c->now = now_ns();
		truths_get(c, after);
		if (truths_same(c->truths, after, c->n))
			break;
		nanosleep(&ms, NULL);
	}
	free(after);
}

static void compare(struct comparison *c)
{
	struct run *r = c->r;
	char name[SOCKSTAT_COMM_LEN];
	unsigned int i, j;
	pid_t named = -1;

	c->ends = calloc(r->n_ends + 1, sizeof(*c->ends));
	must(r, c->ends);
	for (i = 0; i < r->n_ends; i++) {
		struct end *e = &r->ends[i];

		if (!__atomic_load_n(&e->ready, __ATOMIC_ACQUIRE))
			continue;
		if (!e->closed && e->pid >= 0) {
			if (e->pid != named)
				comm_of(e->pid, e->comm);
			else
				memcpy(e->comm, name, sizeof(name));
			named = e->pid;
			memcpy(name, e->comm, sizeof(name));
		}
		c->ends[c->n++] = e;
	}
	qsort(c->ends, c->n, sizeof(*c->ends), ends_by_cookie);
	snapshot(c);
	if (!r->opt->dry_run)
		compare_table(c);
	for (i = 0; i < c->n; i = j) {
		for (j = i + 1; j < c->n && c->ends[j]->cookie == c->ends[i]->cookie; j++)
			;
		compare_sums(c, i, j);
	}
}

static void comparison_free(struct comparison *c)
{
	sockstat_table_free(&c->table);
	free(c->ends);
	free(c->truths);
	free(c->rows);
	free(c->taken);
}

/**
 * check - compare every row this run should have with what is there
 * @r: the run; the differences are noted there and fail the scenario
 */
void check(struct run *r)
{
	struct comparison c = { .r = r };

	compare(&c);
	comparison_free(&c);
	r->checks++;
	r->rows += c.n_rows;
	r->fields += c.n_fields;
	r->no_truth += c.no_truth;
	if (c.n_fields) {
		r->tx_want = c.tx_want;
		r->tx_seen = c.tx_seen;
		r->rx_want = c.rx_want;
		r->rx_seen = c.rx_seen;
	}
}

/**
 * check_finish - the runner's end of a scenario: check, close all, check
 * @r: the run
 */
void check_finish(struct run *r)
{
	pid_t self = getpid();
	unsigned int i;

	check(r);
	for (i = 0; i < r->n_ends; i++) {
		struct end *e = &r->ends[i];

		/* One that ended but was not closed has an open descriptor still. */
		if (e->ready && e->pid == self && !e->shut && !e->retired && !e->foreign)
			end_close(e);
	}
	check(r);
}
