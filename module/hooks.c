// SPDX-License-Identifier: GPL-2.0-only
/*
 * An entry probe reads only argument 0, so that changes of a prototype do not
 * matter; tcp_recvmsg()'s also reads the length and the flags. Entry probes sit
 * on functions that run in process context: a hit in softirq would be missed if
 * it interrupted another probe's handler. Tracepoints report the events that
 * also occur in softirq, and those that must arrive while kprobes are disarmed.
 */
#include <linux/net.h>
#include <linux/ptrace.h>
#include <net/ipv6.h>
#include <net/scm.h>
#include <net/tcp.h>

#include "compat.h"
#include "conn.h"
#include "fd.h"
#include "hooks.h"
#include "probe.h"
#include "table.h"

/* The names of kernel modules whose functions are probed; NULL if they are built in. */
#define HOOKS_TLS (IS_BUILTIN(CONFIG_TLS) ? NULL : "tls")
#define HOOKS_IPV6 (IS_BUILTIN(CONFIG_IPV6) ? NULL : "ipv6")

/* Number of connect() calls in progress beyond which the kretprobe misses some. */
#define CONNECTS_MAX 64

static struct sock *hooks_arg_sock(struct pt_regs *regs)
{
	return (struct sock *)sockstat_compat_argument(regs, 0);
}

/* Entry probes run with preemption off, which protects descriptor tables as RCU does. */
static noinline void hooks_enter_slow(struct sock *sk, enum sockstat_flow flow)
{
	struct sockstat_caller caller;

	sockstat_fd_caller(&caller, sk);
	if (!sockstat_conn_enter(sk, flow, &caller)) {
		sockstat_fd_search(&caller, sk);
		sockstat_conn_enter(sk, flow, &caller);
	}
}

static __always_inline void hooks_enter(struct sock *sk, enum sockstat_flow flow)
{
	struct sockstat_caller caller;

	if (unlikely(!sockstat_fd_plain_caller(&caller, sk) ||
		     !sockstat_conn_again(sockstat_table_find(sk), sk, flow, &caller)))
		hooks_enter_slow(sk, flow);
}

/*
 * Searches for the descriptor if the registers do not tell it: the events that
 * call this are rare. Takes the RCU read lock, as handlers of tracepoints and
 * kretprobes may be preemptible.
 */
static void hooks_find_caller(struct sockstat_caller *caller, const struct sock *sk)
{
	rcu_read_lock();
	sockstat_fd_caller(caller, sk);
	if (caller->task && caller->fd == SOCKSTAT_FD_UNKNOWN)
		sockstat_fd_search(caller, sk);
	rcu_read_unlock();
}

static int hooks_on_send(struct kprobe *p, struct pt_regs *regs)
{
	hooks_enter(hooks_arg_sock(regs), SOCKSTAT_TX);
	return 0;
}

static int hooks_on_receive(struct kprobe *p, struct pt_regs *regs)
{
	hooks_enter(hooks_arg_sock(regs), SOCKSTAT_RX);
	return 0;
}

/*
 * Book the urgent byte before tcp_recvmsg() delivers it: another urgent byte may
 * replace it in tcp_sock before the next event.
 */
static noinline void hooks_enter_urgent(struct sock *sk, int flags, unsigned long len)
{
	hooks_enter_slow(sk, SOCKSTAT_RX);
	if (!(flags & (MSG_PEEK | MSG_ERRQUEUE)))
		sockstat_conn_urgent(sk, len);
}

static int hooks_on_recvmsg(struct kprobe *p, struct pt_regs *regs)
{
	int flags = sockstat_compat_argument(regs, SOCKSTAT_COMPAT_RECVMSG_FLAGS);

	if (unlikely(flags & MSG_OOB))
		hooks_enter_urgent(hooks_arg_sock(regs), flags, sockstat_compat_argument(regs, 2));
	else
		hooks_enter(hooks_arg_sock(regs), SOCKSTAT_RX);
	return 0;
}

static int hooks_on_splice_read(struct kprobe *p, struct pt_regs *regs)
{
	struct socket *sock = (struct socket *)sockstat_compat_argument(regs, 0);

	hooks_enter(sock->sk, SOCKSTAT_RX);
	return 0;
}

static int hooks_on_syn(struct kprobe *p, struct pt_regs *regs)
{
	sockstat_conn_syn(hooks_arg_sock(regs));
	return 0;
}

static int hooks_on_disconnect(struct kprobe *p, struct pt_regs *regs)
{
	struct sock *sk = hooks_arg_sock(regs);
	struct sockstat_caller caller;

	hooks_find_caller(&caller, sk);
	sockstat_conn_disconnect(sk, &caller);
	return 0;
}

static int hooks_on_close(struct kprobe *p, struct pt_regs *regs)
{
	struct sock *sk = hooks_arg_sock(regs);
	struct sockstat_caller caller;

	sockstat_fd_closer(&caller, sk);
	sockstat_conn_close(sk, &caller);
	return 0;
}

/*
 * Files in an SCM_RIGHTS message that goes: it was received, or was not and never will
 * be. In the second case this is the last reference to a socket in flight; the process
 * that drops it never had a descriptor, although it may be inside close() of another.
 */
static int hooks_on_scm_destroy(struct kprobe *p, struct pt_regs *regs)
{
	const struct scm_cookie *scm = (struct scm_cookie *)sockstat_compat_argument(regs, 0);
	struct sockstat_caller nobody;
	int i;

	sockstat_fd_nobody(&nobody);
	for (i = 0; scm->fp && i < scm->fp->count; i++) {
		struct file *file = scm->fp->fp[i];
		struct socket *sock = sockstat_compat_sock_from_file(file);

		if (sock && sock->sk && file_count(file) == 1 &&
		    sockstat_ident_is_tracked(sock->sk))
			sockstat_conn_close(sock->sk, &nobody);
	}
	return 0;
}

/* A part of the kernel begins to read: nobody receives, until a process does. */
static void hooks_kernel_reads(struct sock *sk)
{
	struct sockstat_caller nobody;

	sockstat_fd_nobody(&nobody);
	sockstat_conn_enter(sk, SOCKSTAT_RX, &nobody);
}

/*
 * KCM, sockmap and others attach a parser to a socket, which then reads it in softirq.
 * So did kTLS before 6.0, but the records that it takes are those that a process asks for.
 */
static int hooks_on_strp_init(struct kprobe *p, struct pt_regs *regs)
{
	struct sock *sk = (struct sock *)sockstat_compat_argument(regs, 1);

	if (sockstat_ident_is_tracked(sk) && !inet_csk(sk)->icsk_ulp_ops)
		hooks_kernel_reads(sk);
	return 0;
}

static int hooks_on_verdict(struct kprobe *p, struct pt_regs *regs)
{
	hooks_kernel_reads(hooks_arg_sock(regs));
	return 0;
}

static struct sockstat_entry_probe hooks_entries[] = {
	{ .function = "tcp_close", .handler = hooks_on_close },
	{ .function = "tcp_disconnect", .handler = hooks_on_disconnect },
	{ .function = "tcp_connect", .handler = hooks_on_syn },
	{ .function = "tcp_sendmsg", .handler = hooks_on_send },
	/* removed in 6.5, since when sendfile() and splice() use tcp_sendmsg() */
	{ .function = "tcp_sendpage", .handler = hooks_on_send, .optional = true },
	{ .function = "tcp_recvmsg", .handler = hooks_on_recvmsg },
	{ .function = "tcp_splice_read", .handler = hooks_on_splice_read },
	{ .function = "tcp_zerocopy_receive", .handler = hooks_on_receive, .direct = true },
	{ .function = "__scm_destroy", .handler = hooks_on_scm_destroy },
	{ .function = "strp_init", .handler = hooks_on_strp_init, .optional = true },
	/* calls on a socket in a sockmap; the last one sends through another socket */
	{ .function = "sk_psock_start_verdict", .handler = hooks_on_verdict, .optional = true },
	{ .function = "tcp_bpf_sendmsg", .handler = hooks_on_send, .optional = true },
	{ .function = "tcp_bpf_sendpage", .handler = hooks_on_send, .optional = true },
	{ .function = "tcp_bpf_recvmsg", .handler = hooks_on_receive, .optional = true },
	{ .function = "tcp_bpf_recvmsg_parser", .handler = hooks_on_receive, .optional = true },
	{ .function = "tcp_bpf_sendmsg_redir", .handler = hooks_on_send, .optional = true },
	/* sockmap's work item before 5.12, and ESP in TCP */
	{ .function = "skb_send_sock_locked", .handler = hooks_on_send, .optional = true },
	{ .function = "espintcp_sendmsg", .handler = hooks_on_send, .optional = true },
	/*
	 * kTLS calls TCP below the functions above. What a device decrypts is also
	 * received through tls_sw_recvmsg() and tls_sw_splice_read().
	 */
	{ .function = "tls_sw_sendmsg", .module = HOOKS_TLS, .handler = hooks_on_send },
	{ .function = "tls_sw_recvmsg", .module = HOOKS_TLS, .handler = hooks_on_receive },
	{ .function = "tls_sw_splice_read", .module = HOOKS_TLS, .handler = hooks_on_splice_read },
	/* removed in 6.5, as tcp_sendpage() */
	{ .function = "tls_sw_sendpage",
	  .module = HOOKS_TLS,
	  .handler = hooks_on_send,
	  .optional = true },
	/* since 6.6; other parts of the kernel call it, such as NVMe over TCP */
	{ .function = "tls_sw_read_sock",
	  .module = HOOKS_TLS,
	  .handler = hooks_on_receive,
	  .optional = true },
	/* only with CONFIG_TLS_DEVICE */
	{ .function = "tls_device_sendmsg",
	  .module = HOOKS_TLS,
	  .handler = hooks_on_send,
	  .optional = true },
	{ .function = "tls_device_sendpage",
	  .module = HOOKS_TLS,
	  .handler = hooks_on_send,
	  .optional = true },
};

/* The arguments of connect(), as the socket has no peer any more once it has failed. */
struct hooks_attempt {
	struct sock *sk;
	union sockstat_addr addr;
	__be16 port;
	u16 family;
};

static int hooks_on_connect_v4(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct hooks_attempt *a = (struct hooks_attempt *)ri->data;
	const struct sockaddr_in *sin =
		(const struct sockaddr_in *)sockstat_compat_argument(regs, 1);
	int len = sockstat_compat_argument(regs, 2);

	if (len < (int)sizeof(*sin) || sin->sin_family != AF_INET)
		return 1;
	a->sk = hooks_arg_sock(regs);
	a->family = AF_INET;
	a->addr.v4 = sin->sin_addr.s_addr;
	a->port = sin->sin_port;
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
/* tcp_v6_connect() passes a v4-mapped address on to tcp_v4_connect(), whose probe reports it. */
static int hooks_on_connect_v6(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct hooks_attempt *a = (struct hooks_attempt *)ri->data;
	const struct sockaddr_in6 *sin6 =
		(const struct sockaddr_in6 *)sockstat_compat_argument(regs, 1);
	int len = sockstat_compat_argument(regs, 2);

	if (len < SIN6_LEN_RFC2133 || sin6->sin6_family != AF_INET6 ||
	    ipv6_addr_v4mapped(&sin6->sin6_addr))
		return 1;
	a->sk = hooks_arg_sock(regs);
	a->family = AF_INET6;
	a->addr.v6 = sin6->sin6_addr;
	a->port = sin6->sin6_port;
	return 0;
}
#endif

static int hooks_on_connect_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct hooks_attempt *a = (struct hooks_attempt *)ri->data;
	int err = (int)regs_return_value(regs);
	struct sockstat_caller caller;

	/* -EINVAL: the address is malformed, so nothing was attempted */
	if (err >= 0 || err == -EINVAL)
		return 0;
	hooks_find_caller(&caller, a->sk);
	sockstat_conn_failed(a->sk, &caller, a->family, &a->addr, a->port, -err);
	return 0;
}

static struct sockstat_return_probe hooks_returns[] = {
	{
		.function = "tcp_v4_connect",
		.entry = hooks_on_connect_v4,
		.handler = hooks_on_connect_return,
		.data_size = sizeof(struct hooks_attempt),
		.maxactive = CONNECTS_MAX,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.function = "tcp_v6_connect",
		.module = HOOKS_IPV6,
		.entry = hooks_on_connect_v6,
		.handler = hooks_on_connect_return,
		.data_size = sizeof(struct hooks_attempt),
		.maxactive = CONNECTS_MAX,
	},
#endif
};

/* Not inlined: the caller would cost a stack frame on each change of a state. */
static noinline void hooks_on_syn_sent(struct sock *sk)
{
	struct sockstat_caller caller;

	hooks_find_caller(&caller, sk);
	sockstat_conn_connect(sk, &caller);
}

static void hooks_on_state(void *data, const struct sock *const_sk, const int oldstate,
			   const int newstate)
{
	struct sock *sk = (struct sock *)const_sk;

	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	switch (newstate) {
	case TCP_SYN_SENT:
		hooks_on_syn_sent(sk);
		break;
	case TCP_ESTABLISHED:
		sockstat_conn_established(sk, oldstate == TCP_SYN_SENT);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		sockstat_conn_fin(sk);
		break;
	case TCP_CLOSE:
		sockstat_conn_dead(sk);
		break;
	}
}

static void hooks_on_destroy(void *data, struct sock *sk)
{
	sockstat_conn_destroy(sk);
}

static struct sockstat_trace_probe hooks_traces[] = {
	{ .name = "tcp_destroy_sock", .handler = hooks_on_destroy },
	{ .name = "inet_sock_set_state", .handler = hooks_on_state },
};

static_assert(ARRAY_SIZE(hooks_entries) <= SOCKSTAT_PROBE_MAX);
static_assert(ARRAY_SIZE(hooks_returns) <= SOCKSTAT_PROBE_MAX);

static struct sockstat_probe_set hooks_probes = {
	.traces = hooks_traces,
	.entries = hooks_entries,
	.returns = hooks_returns,
	.nr_traces = ARRAY_SIZE(hooks_traces),
	.nr_entries = ARRAY_SIZE(hooks_entries),
	.nr_returns = ARRAY_SIZE(hooks_returns),
};

/**
 * sockstat_hooks_register() - register all probes
 *
 * Handlers may run before this returns.
 *
 * Context: process, may sleep; after sockstat_table_init().
 * Return: 0, or a negative errno with nothing registered.
 */
int sockstat_hooks_register(void)
{
	return sockstat_probe_register(&hooks_probes);
}

/**
 * sockstat_hooks_unregister() - unregister all probes
 *
 * No handler runs any more when this returns.
 *
 * Context: process, may sleep.
 */
void sockstat_hooks_unregister(void)
{
	sockstat_probe_unregister(&hooks_probes);
}

/**
 * sockstat_hooks_missed() - count the probe hits that the kernel has skipped
 *
 * Context: process, may sleep.
 * Return: the count since sockstat_hooks_register().
 */
u64 sockstat_hooks_missed(void)
{
	return sockstat_probe_missed(&hooks_probes);
}
