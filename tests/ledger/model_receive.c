// SPDX-License-Identifier: GPL-2.0-only
/* The model's receiving half: data, urgent bytes and the FIN come, and are read. */
#include "model.h"

bool model_can_receive(void)
{
	return !model.fin_came && !(sk()->sk_shutdown & RCV_SHUTDOWN) &&
	       (model_in_state(TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2) ||
		(sk()->sk_state == TCP_SYN_RECV && !model_embryonic()));
}

static void urgent_arrives(void)
{
	struct tcp_sock *tp = &model.tp;

	if (tp->urg_data == TCP_URG_NOTYET && before(tp->urg_seq, tp->rcv_nxt))
		tp->urg_data = TCP_URG_VALID | 'u';
}

/* tcp_queue_rcv() and tcp_urg() */
void model_data(u32 bytes)
{
	struct tcp_sock *tp = &model.tp;
	u32 unread = model_last(&tp->rcv_nxt) - tp->copied_seq;

	if (!model_can_receive() || unread + (u64)bytes > MODEL_BUFFER)
		return;
	if (tp->urg_data == TCP_URG_NOTYET)
		model_flush(), model_race(false, 0);
	model_add64(&tp->bytes_received, bytes, true); /* tcp_rcv_nxt_update() */
	model_add32(&tp->rcv_nxt, bytes, false);
	urgent_arrives();
}

/*
 * tcp_check_urg(): a segment tells of an urgent byte that is @ahead bytes after the
 * data so far. If another one comes before the module could notice it, TCP may drop
 * bytes that count as delivered (Documentation/limits.md), so the model waits.
 */
void model_urgent(u32 ahead)
{
	struct tcp_sock *tp = &model.tp;
	u32 at = tp->rcv_nxt + ahead;

	if (!model_can_receive() || model.urgent_unbooked)
		return;
	if (after(tp->copied_seq, at) || before(at, tp->rcv_nxt))
		return;
	if (tp->urg_data && !after(at, tp->urg_seq))
		return;
	/* the module compares urg_seq, which may be the same only by chance (limits.md) */
	if (at == tp->urg_seq)
		return;
	if (tp->urg_seq == tp->copied_seq && tp->urg_data && !sock_flag(sk(), SOCK_URGINLINE) &&
	    tp->copied_seq != tp->rcv_nxt) {
		tp->copied_seq++;
		event_urgent_lost(tp->urg_data != TCP_URG_READ);
	} else if (tp->urg_data == TCP_URG_READ) {
		event_urgent_lost(-1);
	}
	tp->urg_data = TCP_URG_NOTYET;
	tp->urg_seq = at;
	model.urgent_unbooked = true;
}

/* tcp_fin() */
void model_fin(void)
{
	struct tcp_sock *tp = &model.tp;

	if (!model_can_receive() || sk()->sk_state == TCP_SYN_RECV)
		return;
	model.fin_came = true;
	model_add64(&tp->bytes_received, 1, true);
	model_add32(&tp->rcv_nxt, 1, false);
	sk()->sk_shutdown |= RCV_SHUTDOWN;
	model_store(NULL, 0, SOCK_DONE, false);
	switch (sk()->sk_state) {
	case TCP_ESTABLISHED:
		model_set_state(TCP_CLOSE_WAIT);
		break;
	case TCP_FIN_WAIT1:
		model_set_state(TCP_CLOSING);
		break;
	case TCP_FIN_WAIT2:
		model_flush(), model_done();
		break; /* tcp_time_wait() */
	}
}

/* tcp_recvmsg_locked(), without waiting; returns the bytes delivered. */
u64 model_recv(u64 bytes, bool peek)
{
	struct tcp_sock *tp = &model.tp;
	bool inline_ = sock_flag(sk(), SOCK_URGINLINE);
	u32 seq = tp->copied_seq, off;
	u64 copied = 0, used;

	if (!model.open || model.closed || model.destroyed || model_embryonic() ||
	    (tp->repair && !peek))
		return 0;
	while (copied < bytes) {
		if (tp->urg_data && tp->urg_seq == seq && copied)
			break;
		used = tp->rcv_nxt - model.fin_came - seq;
		if (model.fin_read || !used) {
			if (model.fin_came && !model.fin_read) {
				seq++; /* found_fin_ok */
				model.fin_read = !peek;
			}
			break;
		}
		used = min(used, bytes - copied);
		off = tp->urg_seq - seq;
		if (tp->urg_data && off < used) {
			if (off) {
				used = off;
			} else if (!inline_) {
				seq++;
				used--;
				model.urgent_unbooked |= !peek;
				if (!peek)
					event_urgent_lost(tp->urg_data != TCP_URG_READ);
			}
		}
		seq += used;
		copied += used;
		if (!peek && tp->urg_data && after(seq, tp->urg_seq)) {
			tp->urg_data = 0;
			model.inline_unbooked |= inline_;
		}
	}
	if (peek)
		return 0;
	sk()->sk_lock.owned = model.racing;
	model_add32(&tp->copied_seq, seq - tp->copied_seq, true);
	model_moved(MODEL_RX, copied);
	return copied;
}

/* One call with MSG_WAITALL, which the peer sends any number of bytes. */
u64 model_recv_big(u64 bytes)
{
	u64 left = bytes;

	while (left && model_can_receive() && !model.tp.urg_data && !model.tp.repair) {
		u32 queued = model.tp.rcv_nxt - model.tp.copied_seq;
		u64 n;

		if (!queued)
			model_data(min(left, MODEL_CHUNK));
		n = model_recv(left, false);
		if (!n)
			break;
		left -= n;
	}
	return bytes - left;
}

/* tcp_recv_urg(); returns 1 if it delivers the byte, or a negative errno. */
int model_recv_urgent(bool peek, u64 len)
{
	struct tcp_sock *tp = &model.tp;

	if (sock_flag(sk(), SOCK_URGINLINE) || !tp->urg_data || tp->urg_data == TCP_URG_READ)
		return -EINVAL;
	if (sk()->sk_state == TCP_CLOSE && !sock_flag(sk(), SOCK_DONE))
		return -ENOTCONN;
	if (!(tp->urg_data & TCP_URG_VALID))
		return -EAGAIN;
	if (peek)
		return 0;
	tp->urg_data = TCP_URG_READ;
	if (!len) /* delivered to nobody */
		return 0;
	model_moved(MODEL_RX, 1);
	return 1;
}
