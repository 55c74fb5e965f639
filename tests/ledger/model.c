// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

struct model model;

static void run_write(const struct model_write *w)
{
	switch (w->size) {
	case 0:
		sk()->sk_flags |= BIT(w->add);
		break;
	case 4:
		*(u32 *)w->to += w->add;
		break;
	case 8:
		*(u64 *)w->to += w->add;
		break;
	}
}

/* Another CPU makes progress while the code under test reads. */
void model_tick(void)
{
	struct model_write *w = &model.writes[model.next];

	if (model.next == model.n_writes)
		return;
	if (w->wait) {
		w->wait--;
		return;
	}
	run_write(w);
	model.next++;
}

/* Make all stores that were put off. */
void model_flush(void)
{
	while (model.next < model.n_writes)
		run_write(&model.writes[model.next++]);
	model.next = model.n_writes = 0;
	sk()->sk_lock.owned = 0;
}

/*
 * From now on stores are put off. Within one operation they come less than one
 * pass of reads apart, as a CPU does not stop between them for longer.
 */
static u8 race_waits;

void model_race(bool on, u8 waits)
{
	model.racing = on;
	race_waits = waits;
}

void model_store(void *to, u8 size, u64 add, bool first)
{
	struct model_write w = { .to = to, .size = size, .add = add };

	w.wait = first ? race_waits >> 3 : race_waits & 7;
	if (model.racing && model.n_writes < MODEL_WRITES)
		model.writes[model.n_writes++] = w;
	else
		run_write(&w);
}

void model_add32(u32 *to, u32 n, bool first)
{
	model_store(to, 4, n, first);
}

void model_add64(u64 *to, u64 n, bool first)
{
	model_store(to, 8, n, first);
}

/* The value of a sequence number when the stores that were put off have been made */
u32 model_last(const u32 *seq)
{
	u32 n = *seq;

	for (unsigned int i = model.next; i < model.n_writes; i++)
		n += model.writes[i].to == seq ? model.writes[i].add : 0;
	return n;
}

void model_moved(enum model_flow flow, u64 bytes)
{
	model.truth[flow] += bytes;
	event_moved(flow, bytes);
}

/* inet_sk_state_store() and inet_sk_set_state(): the tracepoint comes first */
void model_set_state(int state)
{
	if (!(BIT(state) & (TCPF_CLOSE | TCPF_SYN_SENT | TCPF_SYN_RECV)))
		model.established = true;
	event_state(sk()->sk_state, state);
	sk()->sk_state = state;
	if (state == TCP_ESTABLISHED)
		model.socket.state = SS_CONNECTED;
}

bool model_in_state(int flags)
{
	return BIT(sk()->sk_state) & flags;
}

static void destroy(void)
{
	event_destroy();
	model.destroyed = true;
}

/* tcp_done() */
void model_done(void)
{
	model_set_state(TCP_CLOSE);
	sk()->sk_shutdown = SHUTDOWN_MASK;
	if (sock_flag(sk(), SOCK_DEAD))
		destroy();
}

/* A new socket, in TCP_CLOSE; numbers are left from no connection. */
void model_init(u32 isn, u32 peer_isn)
{
	memset(&model, 0, sizeof(model));
	sk()->sk_state = TCP_CLOSE;
	sk()->sk_socket = &model.socket;
	model.socket.state = SS_UNCONNECTED;
	model.tp.write_seq = isn;
	model.tp.rcv_nxt = model.tp.copied_seq = peer_isn;
	/* not by chance what the peer's first urgent byte has */
	model.tp.urg_seq = peer_isn - 1;
}

bool model_can_connect(void)
{
	return !model.open && !model.closed && !model.destroyed && sk()->sk_state == TCP_CLOSE;
}

/* tcp_connect() */
static void send_syn(u32 data)
{
	struct tcp_sock *tp = &model.tp;

	event_syn();
	event_window();
	tp->snd_una = tp->snd_nxt = tp->write_seq; /* tcp_connect_init() */
	if (!tp->repair)
		tp->rcv_nxt = 0;
	tp->copied_seq = tp->rcv_nxt;
	model.syn_sent = true;
	event_window();
	if (tp->repair) {
		model_set_state(TCP_ESTABLISHED);
		return;
	}
	tp->write_seq++;
	tp->packets_out++;
	if (data) {
		tp->write_seq += data; /* tcp_send_syn_data() */
		tp->bytes_sent += data;
		model_moved(MODEL_TX, data);
	}
	tp->snd_nxt = tp->write_seq;
}

/* tcp_v4_connect(); with TCP_FASTOPEN_CONNECT, tcp_connect() is left to the first send. */
void model_connect(u32 syn_data, bool deferred)
{
	model.open = model.active = true;
	model.truth[MODEL_TX] = model.truth[MODEL_RX] = 0;
	model.tp.inet.inet_dport = 80;
	model_set_state(TCP_SYN_SENT);
	model.socket.state = SS_CONNECTING;
	event_window();
	if (!model.tp.repair && !model.tp.write_seq)
		model.tp.write_seq = 0xfffffff0;
	/* an accepted socket that is connected anew: see model_accept() */
	if (!deferred || model.tp.repair || sk()->sk_max_ack_backlog)
		send_syn(syn_data);
}

void model_connect_deferred(u32 syn_data)
{
	if (model.open && !model.syn_sent && sk()->sk_state == TCP_SYN_SENT)
		send_syn(syn_data);
}

static void ack(u32 n)
{
	model_add64(&model.tp.bytes_acked, n, true); /* tcp_snd_una_update() */
	model_add32(&model.tp.snd_una, n, false);
}

/* tcp_rcv_synsent_state_process(), also for a simultaneous open */
void model_syn_acked(u32 data_acked, bool simultaneous)
{
	struct tcp_sock *tp = &model.tp;
	u32 isn = 0x12345678;

	if (sk()->sk_state != TCP_SYN_SENT || !model.syn_sent)
		return;
	model_race(false, 0);
	if (simultaneous)
		model_set_state(TCP_SYN_RECV);
	ack(1 + min(data_acked, tp->snd_nxt - tp->snd_una - 1));
	tp->packets_out = 0;
	tp->rcv_nxt = isn;
	tp->copied_seq = tp->rcv_nxt;
	model_set_state(TCP_ESTABLISHED);
}

/* tcp_create_openreq_child(); with @syn_data, tcp_fastopen_create_child() */
void model_accept(u32 backlog, u32 syn_data)
{
	struct tcp_sock *tp = &model.tp;

	model.open = true;
	model.socket.state = SS_CONNECTED;
	tp->inet.inet_dport = 80;
	sk()->sk_max_ack_backlog = backlog;
	tp->snd_una = tp->snd_nxt = tp->write_seq;
	tp->copied_seq = tp->rcv_nxt;
	model_set_state(TCP_SYN_RECV);
	if (!syn_data)
		return;
	model.syn_sent = true; /* may be used before the handshake is complete */
	tp->rcv_nxt += syn_data;
	tp->bytes_received = syn_data;
}

/* Whether the handshake is not complete, so that accept() cannot return the socket. */
bool model_embryonic(void)
{
	return sk()->sk_state == TCP_SYN_RECV && !model.syn_sent;
}

/* tcp_rcv_state_process(), TCP_SYN_RECV: the ACK has come */
void model_accepted(void)
{
	if (sk()->sk_state == TCP_SYN_RECV)
		model_set_state(TCP_ESTABLISHED);
}

bool model_can_send(void)
{
	if (model.closed || model.destroyed || sk()->sk_shutdown & SEND_SHUTDOWN)
		return false;
	return model_in_state(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) ||
	       (sk()->sk_state == TCP_SYN_RECV && !model_embryonic());
}

/* tcp_sendmsg_locked(), as far as the buffer allows */
void model_send(u64 bytes)
{
	struct tcp_sock *tp = &model.tp;

	if (!model_can_send())
		return;
	if (tp->repair && model.repair_queue != 2) {
		if (model.repair_queue == 1 && bytes < MODEL_BUFFER)
			model_data(bytes); /* tcp_send_rcvq() */
		return;
	}
	bytes = min(bytes, (u64)MODEL_BUFFER - (u32)(model_last(&tp->write_seq) - tp->snd_una));
	sk()->sk_lock.owned = model.racing;
	model_add32(&tp->write_seq, bytes, true);
	if (tp->repair) /* tcp_write_xmit() transmits nothing */
		model_add32(&tp->snd_nxt, bytes, false);
	model_moved(MODEL_TX, bytes);
}

/* One call that sends any number of bytes: the peer acknowledges all when the buffer is full. */
void model_send_big(u64 bytes)
{
	if (model.tp.repair)
		return;
	while (bytes && model_can_send()) {
		u32 n = min(bytes, MODEL_CHUNK);

		if (model.tp.write_seq - model.tp.snd_una + n > MODEL_BUFFER) {
			model_transmit(U32_MAX, false);
			model_ack(U32_MAX);
		}
		model_send(n);
		bytes -= n;
	}
}

/* tcp_write_xmit(), or with @again tcp_retransmit_skb() */
void model_transmit(u32 bytes, bool again)
{
	struct tcp_sock *tp = &model.tp;
	u32 left = tp->write_seq - tp->snd_nxt, fin;

	if (!model_in_state(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_CLOSING |
			    TCPF_LAST_ACK | TCPF_SYN_RECV) ||
	    tp->repair || model.destroyed || model_embryonic())
		return;
	if (again) {
		fin = model.fin_queued && tp->snd_nxt == tp->write_seq;
		bytes = min(bytes, tp->snd_nxt - tp->snd_una - fin);
		if ((s32)bytes <= 0)
			return;
		model_add64(&tp->bytes_retrans, bytes, true);
		model_add64(&tp->bytes_sent, bytes, false);
		return;
	}
	bytes = min(bytes, left);
	if (!bytes)
		return;
	fin = model.fin_queued && bytes == left;
	model_add64(&tp->bytes_sent, bytes - fin, true); /* __tcp_transmit_skb() */
	model_add32(&tp->snd_nxt, bytes, false);	 /* tcp_event_new_data_sent() */
	if (model.racing && model.stalls && model.n_writes && model.n_writes < MODEL_WRITES)
		model.writes[model.n_writes - 1].wait = U8_MAX;
}

/*
 * Whether sk_max_ack_backlog does not tell who called connect(): an accepted socket was
 * connected anew, or its listener called listen(fd, 0).
 */
bool model_backlog_misleads(void)
{
	return model.active == !!sk()->sk_max_ack_backlog;
}

/*
 * __tcp_retransmit_skb() without memory for a clone: the bytes count as sent again, but
 * not as sent. The counters no longer tell whether there was a SYN; of very few bytes
 * they tell the wrong thing (Documentation/limits.md).
 */
void model_transmit_fails(void)
{
	struct tcp_sock *tp = &model.tp;

	if (model_backlog_misleads())
		return;
	if (model_in_state(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) && tp->snd_nxt - tp->snd_una > 3) {
		tp->bytes_retrans += tp->snd_nxt - tp->snd_una;
		model.failed = true;
	}
}

/* The bytes in the two buffers */
u32 model_queue(enum model_flow flow)
{
	struct tcp_sock *tp = &model.tp;

	if (model_in_state(TCPF_CLOSE) || (sk()->sk_state == TCP_SYN_SENT && !model.syn_sent))
		return 0;
	if (flow == MODEL_RX)
		return tp->rcv_nxt - tp->copied_seq - (model.fin_came && !model.fin_read);
	return tp->write_seq - tp->snd_una - (sk()->sk_state == TCP_SYN_SENT) -
	       (model.fin_queued && tp->snd_una != tp->write_seq);
}

/* tcp_ack(), and what tcp_rcv_state_process() makes of an acknowledged FIN */
void model_ack(u32 bytes)
{
	struct tcp_sock *tp = &model.tp;

	if (model_in_state(TCPF_CLOSE | TCPF_SYN_SENT | TCPF_SYN_RECV) || model.destroyed ||
	    tp->repair)
		return;
	bytes = min(bytes, tp->snd_nxt - tp->snd_una);
	if (!bytes)
		return;
	ack(bytes);
	if (!model.fin_queued || model.racing || tp->snd_una != tp->write_seq)
		return;
	if (sk()->sk_state == TCP_FIN_WAIT1)
		model_set_state(TCP_FIN_WAIT2);
	else if (model_in_state(TCPF_CLOSING | TCPF_LAST_ACK))
		model_done();
}

static void send_fin(void)
{
	event_window();
	model.tp.write_seq++;
	model.fin_queued = true;
}

/* tcp_close_state() and tcp_send_fin() */
static void close_state(void)
{
	switch (sk()->sk_state) {
	case TCP_SYN_SENT:
		model_set_state(TCP_CLOSE);
		break;
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		model_set_state(TCP_FIN_WAIT1), send_fin();
		break;
	case TCP_CLOSE_WAIT:
		model_set_state(TCP_LAST_ACK), send_fin();
		break;
	}
}

/* tcp_reset() */
void model_reset(void)
{
	if (!model.open || model.destroyed || sk()->sk_state == TCP_CLOSE ||
	    (sk()->sk_state == TCP_SYN_SENT && !model.syn_sent))
		return;
	sk()->sk_err = ECONNRESET;
	model_done();
}

/* tcp_disconnect(), within the lock of the socket */
static void disconnect(void)
{
	struct tcp_sock *tp = &model.tp;

	event_disconnect();
	if (sk()->sk_state != TCP_CLOSE)
		model_set_state(TCP_CLOSE);
	tp->copied_seq = tp->rcv_nxt;
	tp->urg_data = 0;
	tp->inet.inet_dport = 0;
	model.socket.state = SS_UNCONNECTED;
	sk()->sk_shutdown = 0;
	sk()->sk_flags &= ~BIT(SOCK_DONE);
	tp->write_seq += 65535 + 2;
	if (!tp->write_seq)
		tp->write_seq = 1;
	tp->bytes_sent = tp->bytes_acked = tp->bytes_received = tp->bytes_retrans = 0;
	tp->packets_out = 0;
	model.open = model.active = model.syn_sent = model.established = false;
	model.fin_queued = model.fin_came = model.fin_read = false;
	model.urgent_unbooked = model.inline_unbooked = model.failed = false;
}

void model_disconnect(void)
{
	if (model.open && !model.closed && !model.destroyed && !model_embryonic())
		disconnect();
}

/* inet_shutdown() and tcp_shutdown() */
void model_shutdown(void)
{
	if (model.closed || model.destroyed || !model.open)
		return;
	if (sk()->sk_state == TCP_SYN_SENT)
		disconnect();
	if (!model_in_state(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) &&
	    !(sk()->sk_state == TCP_SYN_RECV && !model_embryonic()))
		return;
	close_state();
	sk()->sk_shutdown |= SEND_SHUTDOWN;
}

/* __tcp_close() */
void model_close(bool linger)
{
	struct tcp_sock *tp = &model.tp;
	u32 unread = tp->rcv_nxt - tp->copied_seq - (model.fin_came && !model.fin_read);

	if (model.closed || model.destroyed)
		return;
	if (model_embryonic()) {
		sk()->sk_flags |= BIT(SOCK_DEAD);
		model_done();
		return;
	}
	event_close();
	model.closed = true;
	sk()->sk_shutdown = SHUTDOWN_MASK;
	if (sk()->sk_state != TCP_CLOSE) {
		if (tp->repair)
			disconnect();
		else if (unread && sk()->sk_state != TCP_SYN_SENT)
			model_set_state(TCP_CLOSE);
		else if (linger)
			disconnect();
		else
			close_state();
	}
	sk()->sk_flags |= BIT(SOCK_DEAD); /* sock_orphan() */
	sk()->sk_socket = NULL;
	if (sk()->sk_state == TCP_FIN_WAIT2)
		model_done(); /* tcp_time_wait() */
	else if (sk()->sk_state == TCP_CLOSE)
		destroy();
}

void model_repair(bool on, u8 queue)
{
	if (model.closed || model.destroyed)
		return;
	model.tp.repair = on;
	model.repair_queue = on ? queue : 0;
}

/* TCP_QUEUE_SEQ */
void model_repair_seq(u32 seq)
{
	if (sk()->sk_state != TCP_CLOSE || !model.tp.repair || model.open)
		return;
	if (model.repair_queue == 2)
		model.tp.write_seq = seq;
	else if (model.repair_queue == 1 && model.tp.rcv_nxt == model.tp.copied_seq)
		model.tp.rcv_nxt = model.tp.copied_seq = seq;
}
