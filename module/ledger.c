// SPDX-License-Identifier: GPL-2.0-only
/*
 * write_seq advances by the bytes that the application queued, and copied_seq by
 * the bytes that it consumed. Exceptions are the SYN and the FIN, which take one
 * number each, and an urgent byte that tcp_recvmsg() steps over.
 *
 * The sequence numbers have 32 bits, and each may be read at any time.
 * bytes_acked and bytes_received have 64 bits, but agree with the other fields
 * only under the socket lock. So the low 32 bits of a total always come from the
 * sequence numbers, and the wide counters only tell how often those wrapped.
 */
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "ledger.h"

#define LEDGER_FIN_STATES \
	(TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_CLOSING | TCPF_LAST_ACK | TCPF_TIME_WAIT)

/* How often to try to read all fields of a busy socket in one state. */
#define LEDGER_SAMPLE_TRIES 8

/* The fields from which lifetime totals are computed. */
struct ledger_sample {
	u64 bytes_acked;
	u64 bytes_received;
	u64 bytes_sent;
	u64 bytes_retrans;
	u32 write_seq;
	u32 snd_nxt;
	u32 snd_una;
	u32 rcv_nxt;
};

/* sockstat_ledger_may_wait() reads flags, seq and urg_seq without a lock. */
static void ledger_set_flags(struct sockstat_ledger *l, u8 flags)
{
	WRITE_ONCE(l->flags, l->flags | flags);
}

static void ledger_clear_flags(struct sockstat_ledger *l, u8 flags)
{
	WRITE_ONCE(l->flags, l->flags & ~flags);
}

static void ledger_set_seq(struct sockstat_ledger *l, enum sockstat_flow flow, u32 seq)
{
	WRITE_ONCE(l->seq[flow], seq);
}

/* copied_seq without the FIN, which it counts once the reader has seen the end of file. */
static u32 ledger_consumed_seq(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 seq = READ_ONCE(tp->copied_seq);

	/* copied_seq passes the FIN only after SOCK_DONE and rcv_nxt are set */
	smp_rmb();
	if (unlikely(sock_flag(sk, SOCK_DONE))) {
		smp_rmb(); /* rcv_nxt passes the FIN before SOCK_DONE is set */
		if (seq == READ_ONCE(tp->rcv_nxt))
			seq--;
	}
	return seq;
}

/* The SYN takes one number, which is skipped; the data of a Fast Open SYN follow it. */
static u32 ledger_advance_tx(struct sockstat_ledger *l, const struct sock *sk)
{
	u32 delta = READ_ONCE(tcp_sk(sk)->write_seq) - l->seq[SOCKSTAT_TX];

	if (unlikely(l->flags & SOCKSTAT_LEDGER_SYN_PENDING)) {
		if (!delta)
			return 0;
		ledger_clear_flags(l, SOCKSTAT_LEDGER_SYN_PENDING);
		ledger_set_seq(l, SOCKSTAT_TX, l->seq[SOCKSTAT_TX] + 1);
		delta--;
	}
	return delta;
}

/*
 * Correct the advance of copied_seq to @seq for an urgent byte, so that each
 * delivery to the application counts once. Without SO_OOBINLINE, tcp_recvmsg()
 * steps over the byte in the stream: copied_seq advances, but nothing is
 * delivered. MSG_OOB delivers the byte and leaves copied_seq alone.
 *
 * The flags URG_PENDING and URG_COUNTED make three states, for the byte at
 * l->urg_seq: NONE (neither), PENDING (the first) and COUNTED (both).
 *
 *   state             found at a booking                      correction  next
 *   PENDING, COUNTED  new tp->urg_seq, @seq passed the old one    -1 *    NONE
 *   PENDING, COUNTED  new tp->urg_seq, @seq not past the old one   0      NONE
 *   NONE              new tp->urg_seq                              0      PENDING
 *   PENDING           urg_data is TCP_URG_READ: MSG_OOB took it   +1      COUNTED
 *   PENDING, COUNTED  @seq passed tp->urg_seq                     -1 *    NONE
 *
 *   * 0 with SO_OOBINLINE, as the stream delivers the byte.
 *
 * One call goes through the rows from top to bottom and takes each that applies.
 * In the second row there is nothing to correct: TCP delivers the old urgent byte
 * as ordinary data. sockstat_ledger_urgent() makes the step from PENDING to
 * COUNTED in advance.
 */
static s64 ledger_urgent_correction(struct sockstat_ledger *l, const struct sock *sk, u32 seq)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 urg_seq = READ_ONCE(tp->urg_seq);
	bool skips = !sock_flag(sk, SOCK_URGINLINE);
	s64 correction = 0;

	if (l->flags & SOCKSTAT_LEDGER_URG_PENDING && urg_seq != l->urg_seq) {
		if (skips && after(seq, l->urg_seq))
			correction--;
		ledger_clear_flags(l, SOCKSTAT_LEDGER_URG_PENDING | SOCKSTAT_LEDGER_URG_COUNTED);
	}
	if (urg_seq != l->urg_seq) {
		WRITE_ONCE(l->urg_seq, urg_seq);
		ledger_set_flags(l, SOCKSTAT_LEDGER_URG_PENDING);
	}
	if (!(l->flags & SOCKSTAT_LEDGER_URG_COUNTED) && READ_ONCE(tp->urg_data) == TCP_URG_READ) {
		ledger_set_flags(l, SOCKSTAT_LEDGER_URG_COUNTED);
		correction++;
	}
	if (after(seq, urg_seq)) {
		if (skips)
			correction--;
		ledger_clear_flags(l, SOCKSTAT_LEDGER_URG_PENDING | SOCKSTAT_LEDGER_URG_COUNTED);
	}
	return correction;
}

static bool ledger_urgent_is_due(const struct sockstat_ledger *l, const struct sock *sk)
{
	return unlikely(READ_ONCE(tcp_sk(sk)->urg_seq) != l->urg_seq ||
			l->flags & SOCKSTAT_LEDGER_URG_PENDING);
}

/* Add @delta sequence numbers of a flow to its total, corrected for the urgent byte. */
static u64 ledger_book(struct sockstat_ledger *l, const struct sock *sk, enum sockstat_flow flow,
		       u64 delta)
{
	u64 bytes = delta;

	ledger_set_seq(l, flow, l->seq[flow] + delta);
	if (flow == SOCKSTAT_RX && ledger_urgent_is_due(l, sk))
		bytes += ledger_urgent_correction(l, sk, l->seq[flow]);
	l->total[flow] += bytes;
	return bytes;
}

static u32 ledger_numbers_due(struct sockstat_ledger *l, const struct sock *sk,
			      enum sockstat_flow flow)
{
	return flow == SOCKSTAT_TX ? ledger_advance_tx(l, sk) :
				     ledger_consumed_seq(sk) - l->seq[SOCKSTAT_RX];
}

/*
 * The bytes moved according to the wide counters, including SYN and FIN. Without
 * the socket lock the fields may be of different moments, even the two of a
 * difference, which is signed for this reason. But the result only has to be right
 * to within 2 GiB.
 */
static s64 ledger_wide_total(const struct sock *sk, enum sockstat_flow flow)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	s64 wide;

	if (flow == SOCKSTAT_TX) {
		wide = READ_ONCE(tp->bytes_acked);
		return wide + (s32)(READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_una));
	}
	wide = READ_ONCE(tp->bytes_received);
	return wide - (s32)(READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq));
}

/* Round to the nearest multiple of 4 GiB. */
static s64 ledger_round_to_wraps(s64 bytes)
{
	return (bytes + (s64)BIT_ULL(31)) & ~(s64)U32_MAX;
}

/**
 * sockstat_ledger_advance() - book the bytes that have moved since the last booking
 * @l: the socket's ledger
 * @sk: the socket; the caller keeps it from going away
 * @flow: the direction; if it has no base, it is left to sockstat_ledger_settle()
 *
 * Books any number of bytes: a difference of sequence numbers gives the low 32
 * bits, and the wide counters how often the numbers have wrapped.
 *
 * Context: any.
 * Return: application bytes that this call booked.
 */
u64 sockstat_ledger_advance(struct sockstat_ledger *l, const struct sock *sk,
			    enum sockstat_flow flow)
{
	s64 due;

	if (!sockstat_ledger_synced(l, flow) ||
	    (flow == SOCKSTAT_TX && l->flags & SOCKSTAT_LEDGER_TX_FROZEN))
		return 0;
	due = (s32)ledger_numbers_due(l, sk, flow);
	/* in TCP_SYN_SENT, tcp_connect_init() may not have set snd_una yet */
	if (READ_ONCE(sk->sk_state) != TCP_SYN_SENT)
		due += ledger_round_to_wraps(ledger_wide_total(sk, flow) - (s64)l->total[flow] -
					     due);
	/* a racy view of a FIN makes -1, which a later call finds to be 0 */
	return due < 0 ? 0 : ledger_book(l, sk, flow, due);
}

static void ledger_sample_once(struct ledger_sample *s, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	s->bytes_acked = READ_ONCE(tp->bytes_acked);
	s->bytes_received = READ_ONCE(tp->bytes_received);
	s->bytes_sent = READ_ONCE(tp->bytes_sent);
	s->bytes_retrans = READ_ONCE(tp->bytes_retrans);
	s->write_seq = READ_ONCE(tp->write_seq);
	s->snd_nxt = READ_ONCE(tp->snd_nxt);
	s->snd_una = READ_ONCE(tp->snd_una);
	s->rcv_nxt = READ_ONCE(tp->rcv_nxt);
}

/* Read all fields in one state of the socket. False if they keep changing. */
static bool ledger_sample_stable(struct ledger_sample *s, const struct sock *sk)
{
	struct ledger_sample first;
	int i;

	memset(&first, 0, sizeof(first));
	memset(s, 0, sizeof(*s));
	for (i = 0; i < LEDGER_SAMPLE_TRIES; i++) {
		ledger_sample_once(&first, sk);
		smp_rmb(); /* the second pass of reads begins after the first */
		ledger_sample_once(s, sk);
		if (!memcmp(&first, s, sizeof(*s)))
			return true;
		cpu_relax();
	}
	return false;
}

/*
 * How many SYNs and FINs were sent: sequence numbers sent minus payload bytes
 * sent. 0, 1 and 2 are valid; anything else is a racy sample.
 */
static s64 ledger_syn_fin_sent(const struct ledger_sample *s)
{
	u64 sent = s->bytes_acked + (s32)(s->snd_nxt - s->snd_una);

	return sent - (s->bytes_sent - s->bytes_retrans);
}

/*
 * Whether a segment may be in transmission: TCP adds its length to bytes_sent
 * before it advances snd_nxt, so that the two disagree.
 */
static bool ledger_may_be_transmitting(const struct ledger_sample *s, const struct sock *sk)
{
	return s->snd_nxt != s->write_seq || READ_ONCE(sk->sk_lock.owned);
}

/*
 * How many numbers of the lifetime TX count are a SYN or a FIN: 0 to 2, or -EAGAIN
 * if a racy view does not tell. If the role is not known, or TCP_CLOSE hides
 * whether there was a FIN, the payload counters decide, and set the role: only an
 * active open counts its SYN. If they do not decide, sk_max_ack_backlog does: an
 * accepted socket inherits its listener's, a socket that never listened has 0.
 */
static int ledger_infer_syn_fin(struct sockstat_ledger *l, const struct ledger_sample *s,
				const struct sock *sk, enum sockstat_view view)
{
	int state = READ_ONCE(sk->sk_state);
	bool fin = BIT(state) & LEDGER_FIN_STATES;
	bool fin_sent = fin && s->snd_nxt == s->write_seq;
	s64 extra = ledger_syn_fin_sent(s);

	if (l->role != SOCKSTAT_ROLE_UNKNOWN && state != TCP_CLOSE)
		return (l->role == SOCKSTAT_CLIENT) + fin;
	if (view == SOCKSTAT_VIEW_RACY &&
	    (ledger_may_be_transmitting(s, sk) || extra < 0 || extra > 2))
		return -EAGAIN;
	if (state == TCP_CLOSE && extra >= 0 && extra <= 2) {
		if (extra != 1)
			l->role = extra ? SOCKSTAT_CLIENT : SOCKSTAT_SERVER;
		return extra;
	}
	extra -= fin_sent;
	if (extra != 0 && extra != 1)
		extra = !READ_ONCE(sk->sk_max_ack_backlog);
	l->role = extra ? SOCKSTAT_CLIENT : SOCKSTAT_SERVER;
	return extra + fin;
}

/*
 * Whether the sequence numbers are valid. inet_sock_set_state reports the end of
 * the handshake before sk_state changes, so a known role decides first. A socket
 * that is found in TCP_SYN_SENT is treated as if connect() had been seen: if it is
 * closed now, its numbers never become valid.
 */
static bool ledger_numbers_started(struct sockstat_ledger *l, const struct sock *sk)
{
	int state = READ_ONCE(sk->sk_state);

	if (l->role == SOCKSTAT_ROLE_UNKNOWN && state == TCP_SYN_SENT) {
		l->role = SOCKSTAT_CLIENT;
		sockstat_ledger_open(l);
	}
	if (l->role != SOCKSTAT_ROLE_UNKNOWN)
		return !(l->flags & SOCKSTAT_LEDGER_OPENING);
	return !(BIT(state) & (TCPF_LISTEN | TCPF_SYN_RECV));
}

/*
 * Book the lifetime total of a flow as its base, and return it. Not inlined, as
 * CONFIG_INIT_STACK_ALL_ZERO would clear the sample on each settlement.
 */
static noinline_for_stack u64 ledger_sync(struct sockstat_ledger *l, const struct sock *sk,
					  enum sockstat_flow flow, enum sockstat_view view)
{
	struct ledger_sample s;
	u64 total;
	u32 seq;
	int extra;

	if (!ledger_numbers_started(l, sk))
		return 0;
	if (view == SOCKSTAT_VIEW_LOCKED)
		ledger_sample_once(&s, sk);
	else if (!ledger_sample_stable(&s, sk) && view == SOCKSTAT_VIEW_RACY)
		return 0;
	if (flow == SOCKSTAT_TX) {
		extra = ledger_infer_syn_fin(l, &s, sk, view);
		if (extra < 0)
			return 0;
		seq = s.write_seq;
		total = s.bytes_acked + (s32)(s.write_seq - s.snd_una) - extra;
		if (BIT(READ_ONCE(sk->sk_state)) & LEDGER_FIN_STATES)
			ledger_set_flags(l, SOCKSTAT_LEDGER_TX_FROZEN);
	} else {
		seq = ledger_consumed_seq(sk);
		/* if racy, copied_seq may have passed the rcv_nxt of the sample */
		total = s.bytes_received - (s32)(s.rcv_nxt - seq);
		WRITE_ONCE(l->urg_seq, READ_ONCE(tcp_sk(sk)->urg_seq));
		if (READ_ONCE(tcp_sk(sk)->urg_data) && !before(l->urg_seq, seq)) {
			ledger_set_flags(l, SOCKSTAT_LEDGER_URG_PENDING);
			total += ledger_urgent_correction(l, sk, seq);
		}
	}
	/* TCP_REPAIR sets the sequence numbers without changing the counters */
	if ((s64)total < 0)
		total = 0;
	ledger_set_seq(l, flow, seq);
	l->total[flow] += total;
	ledger_set_flags(l, flow == SOCKSTAT_TX ? SOCKSTAT_LEDGER_TX_SYNCED :
						  SOCKSTAT_LEDGER_RX_SYNCED);
	return total;
}

/**
 * sockstat_ledger_settle() - book all bytes that have moved
 * @l: the socket's ledger
 * @sk: the socket; the caller keeps it from going away
 * @flow: the direction
 * @view: whether the caller holds the socket lock
 *
 * Counts any number of bytes since the last booking. A flow without a base gets
 * one: its lifetime total is booked, and the role is set if it was unknown.
 *
 * Context: any; under the socket lock if @view is SOCKSTAT_VIEW_LOCKED.
 * Return: application bytes that this call booked.
 */
u64 sockstat_ledger_settle(struct sockstat_ledger *l, const struct sock *sk,
			   enum sockstat_flow flow, enum sockstat_view view)
{
	if (!sockstat_ledger_synced(l, flow))
		return ledger_sync(l, sk, flow, view);
	return sockstat_ledger_advance(l, sk, flow);
}

/* Whether recv(MSG_OOB) takes a byte: the conditions of tcp_recv_urg(), in its order. */
static bool ledger_urgent_is_ready(const struct sock *sk)
{
	if (sock_flag(sk, SOCK_URGINLINE))
		return false;
	if (READ_ONCE(sk->sk_state) == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return false;
	return READ_ONCE(tcp_sk(sk)->urg_data) & TCP_URG_VALID;
}

/**
 * sockstat_ledger_urgent() - book the urgent byte before MSG_OOB takes it
 * @l: the socket's ledger, just advanced
 * @sk: the socket; the caller keeps it from going away
 * @delivers: false if the caller's buffer has no room, so that the byte is lost
 *
 * Context: any.
 * Return: application bytes that this call booked, 1 or 0.
 */
u64 sockstat_ledger_urgent(struct sockstat_ledger *l, const struct sock *sk, bool delivers)
{
	if (!(l->flags & SOCKSTAT_LEDGER_URG_PENDING) || l->flags & SOCKSTAT_LEDGER_URG_COUNTED ||
	    !ledger_urgent_is_ready(sk))
		return 0;
	ledger_set_flags(l, SOCKSTAT_LEDGER_URG_COUNTED);
	l->total[SOCKSTAT_RX] += delivers;
	return delivers;
}

/**
 * sockstat_ledger_open() - connect() begins to open a connection
 * @l: the socket's ledger, all zero
 *
 * From here to sockstat_ledger_established(), settling takes no base from the
 * socket: a failed connect() leaves sequence numbers without meaning.
 *
 * Context: any.
 */
void sockstat_ledger_open(struct sockstat_ledger *l)
{
	ledger_set_flags(l, SOCKSTAT_LEDGER_OPENING);
}

/**
 * sockstat_ledger_connect() - take the initial sequence number as the base of TX
 * @l: the socket's ledger
 * @sk: a socket whose SYN is about to be queued
 *
 * Context: under the socket lock.
 */
void sockstat_ledger_connect(struct sockstat_ledger *l, const struct sock *sk)
{
	ledger_set_seq(l, SOCKSTAT_TX, tcp_sk(sk)->write_seq);
	ledger_set_flags(l, SOCKSTAT_LEDGER_TX_SYNCED);
	/* with TCP_REPAIR, tcp_connect() sends no SYN */
	if (!tcp_sk(sk)->repair)
		ledger_set_flags(l, SOCKSTAT_LEDGER_SYN_PENDING);
}

/**
 * sockstat_ledger_established() - the handshake is complete
 * @l: the socket's ledger, with its role set; the caller settles it next
 *
 * Context: under the socket lock.
 */
void sockstat_ledger_established(struct sockstat_ledger *l)
{
	ledger_clear_flags(l, SOCKSTAT_LEDGER_OPENING);
}

/**
 * sockstat_ledger_freeze_tx() - no more data will be queued, only the FIN
 * @l: a ledger that was just settled
 *
 * Context: under the socket lock.
 */
void sockstat_ledger_freeze_tx(struct sockstat_ledger *l)
{
	if (l->flags & SOCKSTAT_LEDGER_TX_SYNCED)
		ledger_set_flags(l, SOCKSTAT_LEDGER_TX_FROZEN);
}

/**
 * sockstat_ledger_queues() - count the contents of a socket's two queues
 * @sk: a full TCP socket that the caller keeps from going away
 * @queue: filled in: bytes queued but not acknowledged, bytes received but not
 *         read; for a listener, as "ss -l" shows them, the limit of its accept
 *         queue, and the connections in it
 *
 * Context: any.
 */
void sockstat_ledger_queues(const struct sock *sk, u32 queue[SOCKSTAT_FLOWS])
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int state = READ_ONCE(sk->sk_state);
	s32 tx, rx;

	queue[SOCKSTAT_TX] = 0;
	queue[SOCKSTAT_RX] = 0;
	if (state == TCP_LISTEN) {
		queue[SOCKSTAT_TX] = READ_ONCE(sk->sk_max_ack_backlog);
		queue[SOCKSTAT_RX] = READ_ONCE(sk->sk_ack_backlog);
	}
	if (BIT(state) & (TCPF_LISTEN | TCPF_CLOSE))
		return;
	/* with TCP_FASTOPEN_CONNECT, the SYN and its sequence number are put off */
	if (state == TCP_SYN_SENT && !READ_ONCE(tp->packets_out))
		return;
	tx = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_una);
	if (state == TCP_SYN_SENT || BIT(state) & LEDGER_FIN_STATES)
		tx--;
	rx = READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq);
	if (sock_flag(sk, SOCK_DONE))
		rx--;
	queue[SOCKSTAT_TX] = max(tx, 0);
	if (state != TCP_SYN_SENT)
		queue[SOCKSTAT_RX] = max(rx, 0);
}
