// SPDX-License-Identifier: GPL-2.0-only
/* Compares the ledger with /proc/sockstat, and with TCP_INFO. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "check_row.h"
#include "verdict.h"

#define SNAPSHOT_TRIES 500  /* a millisecond apart */
#define CLOCK_SLACK 5000000 /* ns by which two readings of boot_offset() may differ */

/**
 * struct comparison - one call of check()
 * @read: when the table was read
 * @n: length of @ends and @truths
 * @ends: sorted by cookie
 * @truths: of the end at the same index
 * @table: the snapshot of /proc/sockstat; empty in a dry run
 * @rows: its rows, sorted by cookie
 * @taken: whether an end expects the row at the same index of @rows
 * @n_rows, @n_fields: compared
 */
struct comparison {
	struct run *r;
	struct read_time read;
	unsigned int n;
	struct end **ends;
	struct truth *truths;
	struct sockstat_table table;
	const struct sockstat_row **rows;
	bool *taken;
	unsigned int n_rows, n_fields, no_truth;
	uint64_t tx_want, tx_seen, rx_want, rx_seen;
};

static int cookie_order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int ends_by_cookie(const void *a, const void *b)
{
	const struct end *x = *(struct end *const *)a, *y = *(struct end *const *)b;
	int order = cookie_order(x->cookie, y->cookie);

	return order ? order : (x < y ? -1 : x > y);
}

static int rows_by_cookie(const void *a, const void *b)
{
	const struct sockstat_row *x = *(const struct sockstat_row *const *)a;
	const struct sockstat_row *y = *(const struct sockstat_row *const *)b;
	int order = cookie_order(x->cookie, y->cookie);

	return order ? order : (x < y ? -1 : x > y);
}

/* The texts are cut off to fit. */
static void report(struct comparison *c, const char *row, uint64_t cookie, const char *field,
		   const char *want, const char *seen)
{
	struct difference *d = &c->r->diffs[c->r->n_diffs];

	if (c->r->n_diffs++ >= MAX_DIFFERENCES)
		return;
	snprintf(d->row, sizeof(d->row), "%s", row);
	d->cookie = cookie;
	snprintf(d->field, sizeof(d->field), "%s", field);
	snprintf(d->want, sizeof(d->want), "%s", want);
	snprintf(d->seen, sizeof(d->seen), "%.*s", (int)sizeof(d->seen) - 1, seen);
}

static void compare_number(struct comparison *c, const char *row, uint64_t cookie,
			   const char *field, uint64_t want, uint64_t seen)
{
	char w[24], s[24];

	if (want == seen)
		return;
	snprintf(w, sizeof(w), "%" PRIu64, want);
	snprintf(s, sizeof(s), "%" PRIu64, seen);
	report(c, row, cookie, field, w, s);
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

/* Return the index of the first row whose cookie is not less than @cookie. */
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

/*
 * Find the row of an end.  Several rows may have one key, for instance from
 * before and after an exec: choose the row with the fewest differences.
 *
 * Return its index, or SIZE_MAX if there is none.
 */
static size_t row_find(const struct comparison *c, const struct end *e, const struct truth *t,
		       struct row_diffs *best)
{
	size_t i = e->cookie ? first_row(c, e->cookie) : 0, found = SIZE_MAX;
	struct row_diffs rd;

	best->n = MAX_ROW_DIFFS + 1;
	for (; i < c->table.n_rows && best->n; i++) {
		if (e->cookie && c->rows[i]->cookie != e->cookie)
			break;
		if (c->taken[i] || !row_fits(e, c->rows[i]))
			continue;
		row_compare(&rd, e, t, c->rows[i], &c->read);
		if (rd.n < best->n) {
			*best = rd;
			found = i;
		}
	}
	return found;
}

static void compare_end(struct comparison *c, const struct end *e, const struct truth *t)
{
	struct row_diffs rd;
	size_t found = row_find(c, e, t, &rd);
	char name[72];
	unsigned int i;

	end_name(e, name, sizeof(name));
	c->n_rows++;
	c->tx_want += e->tx_bytes;
	c->rx_want += e->rx_bytes;
	if (found == SIZE_MAX) {
		if (!e->may_lack)
			report(c, name, e->cookie, "row", "present", "absent");
		return;
	}
	c->taken[found] = true;
	c->n_fields += rd.fields;
	if (!e->closed && !t->known)
		c->no_truth++;
	for (i = 0; i < rd.n; i++)
		report(c, name, e->cookie, rd.d[i].field, rd.d[i].want, rd.d[i].seen);
	c->tx_seen += c->rows[found]->tx_bytes;
	c->rx_seen += c->rows[found]->rx_bytes;
}

static void compare_tcp_info(struct comparison *c, const char *name, uint64_t cookie,
			     const struct truth *t, uint64_t tx_bytes, uint64_t rx_bytes)
{
	c->n_fields += 2;
	if (c->r->opt->dry_run) {
		c->tx_want += tx_bytes;
		c->tx_seen += t->tx_bytes;
		c->rx_want += rx_bytes;
		c->rx_seen += t->rx_bytes;
	}
	compare_number(c, name, cookie, "TCP_INFO tx", tx_bytes, t->tx_bytes);
	compare_number(c, name, cookie, "TCP_INFO rx", rx_bytes, t->rx_bytes);
}

/* Compare the sums over all ends of one socket, which are at the indices @i to @j - 1. */
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
	if (t && !(loose & LOOSE_TCP_INFO))
		compare_tcp_info(c, name, cookie, t, tx_now, rx_now);
	if (c->r->opt->dry_run || c->ends[j - 1]->no_row)
		return;
	for (k = first_row(c, cookie); k < c->table.n_rows && c->rows[k]->cookie == cookie; k++) {
		tx_rows += c->rows[k]->tx_bytes;
		rx_rows += c->rows[k]->rx_bytes;
	}
	c->n_fields += 2;
	compare_number(c, name, cookie, "TX_BYTES sum", tx_all, tx_rows);
	compare_number(c, name, cookie, "RX_BYTES sum", rx_all, rx_rows);
}

static int pid_order(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

static void report_extra_row(struct comparison *c, const struct sockstat_row *row)
{
	char seen[512];

	snprintf(seen, sizeof(seen), "%s %d %d %s %s %s tx %" PRIu64 " rx %" PRIu64, row->comm_raw,
		 row->pid, row->fd, sockstat_state_name(row->state), row->local.text,
		 row->remote.text, row->tx_bytes, row->rx_bytes);
	report(c, "unexpected row", row->cookie, "row", "", seen);
}

/* Report rows of the run's processes or sockets that no end expects. */
static void find_extra_rows(struct comparison *c)
{
	pid_t *pids = calloc(c->n + 1, sizeof(*pids));
	unsigned int e = 0;
	size_t i;

	must(c->r, pids);
	for (i = 0; i < c->n; i++)
		pids[i] = c->ends[i]->pid;
	pids[c->n] = getpid();
	qsort(pids, c->n + 1, sizeof(*pids), pid_order);
	for (i = 0; i < c->table.n_rows; i++) {
		const struct sockstat_row *row = c->rows[i];
		bool ours;

		/* Ends and rows are both sorted by cookie: one pass over each is enough. */
		while (e < c->n && c->ends[e]->cookie < row->cookie)
			e++;
		ours = (e < c->n && c->ends[e]->cookie == row->cookie) ||
		       (row->pid >= 0 &&
			bsearch(&row->pid, pids, c->n + 1, sizeof(*pids), pid_order));
		/* A process that ended before the run may have had the same pid. */
		if (!c->taken[i] && ours && (row->closed < 0 || row->closed >= c->r->started))
			report_extra_row(c, row);
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
	/* Report these counters first, since they may explain absent rows. */
	compare_number(c, "the last line", 0, "missed", c->r->missed, c->table.missed);
	compare_number(c, "the last line", 0, "dropped", c->r->dropped, c->table.dropped);
	for (k = 0; k < c->table.n_rows; k++)
		c->rows[k] = &c->table.rows[k];
	qsort(c->rows, c->table.n_rows, sizeof(*c->rows), rows_by_cookie);
	for (i = 0; i < c->n; i++) {
		if (!c->ends[i]->no_row)
			compare_end(c, c->ends[i], &c->truths[i]);
	}
	find_extra_rows(c);
}

/* The state that TCP must be in by the ledger alone; 0 if the ledger does not tell it. */
static enum sockstat_state state_by_ledger(const struct end *e)
{
	if (e->closed || (e->opened_lo < 0 && !e->listener))
		return SOCKSTAT_CLOSED;
	return e->listener ? SOCKSTAT_LISTEN : e->state;
}

/* A dry run has no STATE column to compare: compare TCP_INFO's state instead. */
static void compare_state(struct comparison *c, const struct end *e, const struct truth *t)
{
	enum sockstat_state state = state_by_ledger(e);
	char name[72];

	if (!state || !t->known)
		return;
	c->n_fields++;
	if (t->state == state)
		return;
	end_name(e, name, sizeof(name));
	report(c, name, e->cookie, "TCP_INFO state", sockstat_state_name(state),
	       sockstat_state_name(t->state));
}

/* Whether the descriptor is open in this process; its connection may be over. */
static bool open_here(const struct end *e)
{
	return e->pid == getpid() && !e->shut && !e->foreign && !e->retired;
}

static void truths_get(struct comparison *c, struct truth *truths)
{
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		struct end *e = c->ends[i];
		int64_t now = now_ns();

		memset(&truths[i], 0, sizeof(truths[i]));
		if (e->closed && !(c->r->opt->dry_run && open_here(e)))
			continue;
		truth_get(e, &truths[i]);
		if (!e->closed && truths[i].known && truths[i].state != SOCKSTAT_CLOSED)
			e->alive = now;
	}
}

/* Return the index of the first socket that has changed, or @n if none has. */
static unsigned int truths_changed(const struct truth *a, const struct truth *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (a[i].state != b[i].state || a[i].tx_queue != b[i].tx_queue ||
		    a[i].rx_queue != b[i].rx_queue)
			break;
	}
	return i;
}

/*
 * Read the table.  Acknowledgments and FINs may be in flight, so a table
 * counts only if all sockets have the same state and queues before and after.
 */
static void snapshot(struct comparison *c)
{
	const struct timespec ms = { 0, 1000000 };
	unsigned int tries = SNAPSHOT_TRIES * c->r->opt->patience, i, changed = 0;
	struct truth *after = calloc(c->n + 1, sizeof(*after));
	char name[72];

	c->truths = calloc(c->n + 1, sizeof(*c->truths));
	must(c->r, after && c->truths);
	for (i = 0; i < tries; i++) {
		truths_get(c, c->truths);
		sockstat_table_free(&c->table);
		c->read.lo = now_ns();
		if (!c->r->opt->dry_run && sockstat_table_read(&c->table, NULL))
			fail(c->r, "/proc/sockstat: %s", c->table.error);
		c->read.hi = now_ns();
		truths_get(c, after);
		changed = truths_changed(c->truths, after, c->n);
		if (changed == c->n)
			break;
		nanosleep(&ms, NULL);
	}
	free(after);
	if (i < tries)
		return;
	end_name(c->ends[changed], name, sizeof(name));
	fail(c->r, "the table never held still in %u tries: %s", tries, name);
}

/* Read the COMMAND and the EUID that each process of an open descriptor has now. */
static void processes_refresh(struct comparison *c)
{
	const struct end *last = NULL;
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		struct end *e = c->ends[i];

		if (e->closed || e->pid < 0)
			continue;
		if (last && last->pid == e->pid) {
			memcpy(e->comm, last->comm, sizeof(e->comm));
			e->euid = last->euid;
		} else {
			comm_of(e->pid, e->comm);
			euid_of(e->pid, &e->euid);
		}
		last = e;
	}
}

static void compare(struct comparison *c)
{
	struct run *r = c->r;
	unsigned int i, j;

	c->ends = calloc(r->n_ends + 1, sizeof(*c->ends));
	must(r, c->ends);
	for (i = 0; i < r->n_ends; i++) {
		if (__atomic_load_n(&r->ends[i].ready, __ATOMIC_ACQUIRE))
			c->ends[c->n++] = &r->ends[i];
	}
	processes_refresh(c);
	qsort(c->ends, c->n, sizeof(*c->ends), ends_by_cookie);
	snapshot(c);
	if (llabs(boot_offset() - r->boot_offset) > CLOCK_SLACK)
		fail(r, "somebody has set the clock meanwhile");
	if (!r->opt->dry_run)
		compare_table(c);
	for (i = 0; r->opt->dry_run && i < c->n; i++)
		compare_state(c, c->ends[i], &c->truths[i]);
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
 * check - compare every row that the run should have with /proc/sockstat
 * @r: the run
 *
 * Differences are stored in @r; the runner fails the scenario for them when it
 * ends.  Fails at once if the sockets do not hold still while the table is read.
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
 * check_finish - check(), close the run's open descriptors, and check() again
 * @r: the run, whose scenario has returned
 */
void check_finish(struct run *r)
{
	unsigned int i;

	check(r);
	for (i = 0; i < r->n_ends; i++) {
		struct end *e = &r->ends[i];

		if (e->ready && open_here(e))
			end_close(e);
	}
	check(r);
}
