// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who moved which bytes, as the calls tell, and the comparison with the holders.
 *
 * The rule (sockstat(5)): the bytes of a call are the caller's, which may be nobody, a
 * kernel thread; bytes that move without a call that was seen are credited to the last
 * caller of that direction; bytes that moved before the first descriptor was seen are
 * that descriptor's.
 */
#include "fuzz.h"

/**
 * struct book - what the record of the connection should have
 * @live: there is a record
 * @strict: the record is as old as the connection, or its bytes so far were found
 *          right; until then only the sum is compared
 * @any: some descriptor was seen
 * @over: the connection has ended, its bytes were compared
 * @vague: a program made a call whose descriptor is unknown, so that its bytes are
 *         compared by program
 * @creditor: of the next bytes, by flow
 * @bytes: by program, by descriptor (0: unknown), by flow
 * @calls: by program and flow
 * @least: bytes of each program's holders when they were last compared
 */
static struct book {
	bool live, strict, any, over;
	bool vague[CREDITORS];
	struct actor creditor[MODEL_FLOWS];
	u64 bytes[CREDITORS][FDS + 1][MODEL_FLOWS];
	u64 calls[CREDITORS][MODEL_FLOWS];
	u64 least[CREDITORS][MODEL_FLOWS];
} book;

static const struct actor none = { NONE, SOCKSTAT_FD_UNKNOWN };

static unsigned int slot(int fd)
{
	return fd < FD_FIRST ? 0 : fd - FD_FIRST + 1;
}

static u64 *bytes_of(const struct actor *a, int flow)
{
	return &book.bytes[a->program][book.vague[a->program] ? 0 : slot(a->fd)][flow];
}

/* tcp_disconnect() has ended the connection: its record may stay for a while. */
void book_over(void)
{
	book.over = true;
}

void book_reset(void)
{
	memset(&book, 0, sizeof(book));
	book.creditor[MODEL_TX] = book.creditor[MODEL_RX] = none;
}

/* There is a record now; @from_start: since the connection began. */
void book_found(bool from_start)
{
	if (book.live || !fuzz_conn())
		return;
	book_reset();
	book.live = true;
	book.strict = from_start;
}

static bool is_holder(const struct sockstat_holder *h, unsigned int program)
{
	if (program == NOBODY)
		return sockstat_holder_is_nobodys(h);
	return h->process->pid && h->process->pid == programs[program].pid &&
	       h->process->exec_id == (u32)programs[program].exec_id;
}

static struct sockstat_holder *holder_of(const struct sockstat_conn *conn, unsigned int program)
{
	struct rb_node *n;

	for (n = rb_first(&conn->holders.root); n; n = rb_next(n)) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);

		if (is_holder(h, program))
			return h;
	}
	return NULL;
}

/* If @a is the first descriptor that was seen, what moved so far is its. */
void book_holder(struct sockstat_conn *conn, const struct actor *a)
{
	int flow;

	if (!conn || !book.live || book.over || a->program == NOBODY ||
	    !holder_of(conn, a->program))
		return;
	if (a->fd == SOCKSTAT_FD_UNKNOWN && !book.vague[a->program]) {
		for (int i = 1; i <= FDS; i++)
			for (flow = 0; flow < MODEL_FLOWS; flow++) {
				book.bytes[a->program][0][flow] += book.bytes[a->program][i][flow];
				book.bytes[a->program][i][flow] = 0;
			}
		book.vague[a->program] = true;
	}
	if (book.any)
		return;
	book.any = true;
	for (flow = 0; flow < MODEL_FLOWS; flow++) {
		u64 *of_none = bytes_of(&none, flow);

		*bytes_of(a, flow) += *of_none;
		*of_none = 0;
		if (book.creditor[flow].program == NONE)
			book.creditor[flow] = *a;
	}
}

/* A call of @a was seen. */
void book_call(const struct actor *a, int flow)
{
	struct sockstat_conn *conn = fuzz_conn();

	if (!conn || book.over)
		return;
	book_holder(conn, a);
	book.creditor[flow] = fuzz_no_memory && !conn->creditor[flow] ? none : *a;
	if (book.creditor[flow].program != NONE)
		book.calls[a->program][flow]++;
}

void event_moved(enum model_flow flow, u64 bytes)
{
	*bytes_of(&book.creditor[flow], flow) += bytes;
}

/* A descriptor has one holder. */
static void check_distinct(struct sockstat_conn *conn)
{
	for (struct rb_node *n = rb_first(&conn->holders.root); n; n = rb_next(n)) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);

		for (struct rb_node *m = rb_next(n); m; m = rb_next(m)) {
			struct sockstat_holder *other = rb_entry(m, struct sockstat_holder, node);

			if (h->fd == other->fd && h->process->pid == other->process->pid &&
			    h->process->exec_id == other->process->exec_id)
				fuzz_fail("a second holder of a descriptor", -1, h->fd);
		}
	}
}

/* The holder of the descriptor that was closed last shows its process as it is now. */
void book_closed(const struct actor *a)
{
	struct sockstat_conn *conn = fuzz_conn();

	if (!conn || !(conn->flags & SOCKSTAT_CONN_STARTED) || book.over || a->program == NOBODY ||
	    fuzz_no_memory)
		return;
	for (struct rb_node *n = rb_first(&conn->holders.root); n; n = rb_next(n)) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);

		if (is_holder(h, a->program) && h->fd == a->fd &&
		    h->process->comm[0] != programs[a->program].task->comm[0])
			fuzz_fail("name of the process", programs[a->program].task->comm[0],
				  h->process->comm[0]);
	}
}

static void collect(struct sockstat_conn *conn, struct book *found)
{
	struct rb_node *n;

	memset(found, 0, sizeof(*found));
	for (int flow = 0; flow < MODEL_FLOWS; flow++)
		found->bytes[NONE][0][flow] = conn->ledger.total[flow];
	for (n = rb_first(&conn->holders.root); n; n = rb_next(n)) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);

		for (int p = 0; p <= NOBODY; p++) {
			unsigned int fd = book.vague[p] ? 0 : slot(h->fd);

			for (int flow = 0; is_holder(h, p) && flow < MODEL_FLOWS; flow++) {
				found->bytes[p][fd][flow] += h->bytes[flow];
				found->bytes[NONE][0][flow] -= h->bytes[flow];
				found->calls[p][flow] += atomic64_read(&h->calls[flow]);
			}
		}
	}
}

static u64 sum(const struct book *b, int program, int flow)
{
	u64 n = 0;

	for (int fd = 0; fd <= FDS; fd++)
		n += b->bytes[program][fd][flow];
	return n;
}

static void check_flow(struct sockstat_conn *conn, const struct book *found, int flow, bool settled)
{
	u64 all = 0;

	for (int p = 0; p < CREDITORS; p++) {
		u64 n = sum(found, p, flow);

		all += n;
		if (n > 1ULL << 60)
			fuzz_fail("bytes below 0", 0, n);
		if (p != NONE && n < book.least[p][flow])
			fuzz_fail("a holder has gone down", book.least[p][flow], n);
		book.least[p][flow] = n;
		if (book.strict && n > sum(&book, p, flow))
			fuzz_fail("more than its own bytes", sum(&book, p, flow), n);
	}
	if (all != conn->ledger.total[flow])
		fuzz_fail("sum of the holders", conn->ledger.total[flow], all);
	if (settled && all != model.truth[flow])
		fuzz_fail(flow == MODEL_TX ? "TX in all" : "RX in all", model.truth[flow], all);
	for (int p = 0; settled && book.strict && p < CREDITORS; p++) {
		for (int fd = 0; fd <= FDS; fd++)
			if (found->bytes[p][fd][flow] != book.bytes[p][fd][flow])
				fuzz_fail(flow == MODEL_TX ? "TX of a descriptor" :
							     "RX of a descriptor",
					  book.bytes[p][fd][flow], found->bytes[p][fd][flow]);
		if (found->calls[p][flow] != book.calls[p][flow])
			fuzz_fail(flow == MODEL_TX ? "TX calls" : "RX calls", book.calls[p][flow],
				  found->calls[p][flow]);
	}
}

/* After TCP_CLOSE, the counters may leave open whether one number was a SYN or a FIN. */
static void check_role(const struct sockstat_conn *conn)
{
	bool open =
		sk()->sk_state == TCP_CLOSE && (model.active != model.fin_queued || model.failed);
	int role = conn->ledger.role;

	if (role == SOCKSTAT_ROLE_UNKNOWN && open)
		return;
	if (role != (model.active ? SOCKSTAT_CLIENT : SOCKSTAT_SERVER))
		fuzz_fail("role", model.active, role);
}

/* Compare a record with the truth; @settled: all bytes must have been booked. */
void book_check(struct sockstat_conn *conn, bool settled)
{
	bool synced = true;
	struct book found;

	if (book.over)
		return;
	for (int flow = 0; flow < MODEL_FLOWS; flow++)
		synced &= sockstat_ledger_synced(&conn->ledger, flow);
	collect(conn, &found);
	check_distinct(conn);
	if (settled && model.established)
		check_role(conn);
	for (int flow = 0; flow < MODEL_FLOWS; flow++)
		check_flow(conn, &found, flow,
			   settled && (model.established ||
				       sockstat_ledger_synced(&conn->ledger, flow)));
	if (settled && synced && !book.strict) {
		memcpy(book.bytes, found.bytes, sizeof(book.bytes));
		memcpy(book.calls, found.calls, sizeof(book.calls));
		book.strict = true;
	}
}
