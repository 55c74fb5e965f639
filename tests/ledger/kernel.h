/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel as module/ledger.c, holder.c and conn.c see it, for a program on the
 * host. tests/ledger.sh makes every <linux/...> and <net/...> that these files
 * include a header which includes this one.
 *
 * READ_ONCE() lets the model run: another CPU may change the socket between any two
 * reads (see model.h).
 */
#ifndef SOCKSTAT_TEST_KERNEL_H
#define SOCKSTAT_TEST_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef uint16_t __be16;
typedef uint32_t __be32;
typedef struct {
	u32 val;
} kuid_t;
typedef struct {
	u32 val;
} kgid_t;
typedef struct {
	u64 val;
} kernel_cap_t;
typedef struct {
	s64 counter;
} atomic64_t;

#define CONFIG_64BIT 1
#define U8_MAX UINT8_MAX
#define U16_MAX UINT16_MAX
#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX
#define S32_MAX INT32_MAX
#define S64_MAX INT64_MAX
#define IFNAMSIZ 16
#define TASK_COMM_LEN 16
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define likely(x) (x)
#define unlikely(x) (x)
#define noinline __attribute__((noinline))
#define noinline_for_stack noinline
#ifndef __always_inline
#define __always_inline inline
#endif
#define __must_hold(x)
#define __acquires(x)
#define __releases(x)
#define __rcu
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

void model_tick(void);

#undef static_assert
#define static_assert(e) _Static_assert(e, #e)

#define READ_ONCE(x)                                  \
	(*({                                          \
		model_tick();                         \
		(const volatile __typeof__(x) *)&(x); \
	}))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define smp_store_release(p, v) WRITE_ONCE(*(p), v)
#define smp_load_acquire(p) READ_ONCE(*(p))
#define smp_rmb() ((void)0)
#define smp_wmb() ((void)0)
#define cpu_relax() ((void)0)
#define data_race(x) (x)
#define rcu_read_lock() ((void)0)
#define rcu_read_unlock() ((void)0)
#define rcu_access_pointer(p) (p)
#define rcu_dereference(p) (p)
#define lockdep_assert_held(l) assert((l)->held)
#define lockdep_assert_irqs_disabled() ((void)0)

#define atomic64_read(a) ((a)->counter)
#define atomic64_set(a, v) ((a)->counter = (v))
#define atomic64_inc(a) ((void)++(a)->counter)
#define atomic64_add(n, a) ((void)((a)->counter += (n)))

/* Locks: the program has one thread, so a lock that is held is a deadlock. */
typedef struct {
	bool held;
} raw_spinlock_t;

static inline void kernel_lock(raw_spinlock_t *l)
{
	assert(!l->held);
	l->held = true;
}

static inline void kernel_unlock(raw_spinlock_t *l)
{
	assert(l->held);
	l->held = false;
}

#define in_nmi() 0
#define raw_spin_lock_init(l) ((l)->held = false)
#define raw_spin_lock_irqsave_nested(l, flags, sub) ((flags) = 0, kernel_lock(l))
#define raw_spin_lock_irqsave(l, flags) ((flags) = 0, kernel_lock(l))
#define raw_spin_lock_nested(l, sub) kernel_lock(l)
#define raw_spin_unlock_irqrestore(l, flags) ((void)(flags), kernel_unlock(l))
#define raw_spin_unlock(l) kernel_unlock(l)

/* Lists */
struct list_head {
	struct list_head *next, *prev;
};
struct llist_node {
	struct llist_node *next;
};
struct llist_head {
	struct llist_node *first;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};

#define hlist_kernel_entry(p, type, member) ((p) ? container_of(p, type, member) : NULL)
#define hlist_for_each_entry(pos, head, member)                                      \
	for (pos = hlist_kernel_entry((head)->first, __typeof__(*pos), member); pos; \
	     pos = hlist_kernel_entry(pos->member.next, __typeof__(*pos), member))
#define hlist_for_each_entry_rcu hlist_for_each_entry

static inline void hlist_add_head_rcu(struct hlist_node *n, struct hlist_head *head)
{
	n->next = head->first;
	n->pprev = &head->first;
	if (n->next)
		n->next->pprev = &n->next;
	head->first = n;
}

static inline void hlist_del_rcu(struct hlist_node *n)
{
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
}

#define hash_ptr(p, bits) ((void)(p), 0)

/* A tree that is not balanced */
struct rb_node {
	struct rb_node *parent, *rb_left, *rb_right;
};
struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT ((struct rb_root){ NULL })
#define rb_entry(p, type, member) container_of(p, type, member)
#define rb_insert_color(n, root) ((void)(n), (void)(root))
#define rb_entry_safe(p, type, member)                              \
	({                                                          \
		struct rb_node *kernel_n = (p);                     \
		kernel_n ? rb_entry(kernel_n, type, member) : NULL; \
	})
#define rbtree_postorder_for_each_entry_safe(pos, n, root, member)                                 \
	for (pos = rb_entry_safe(rb_first_postorder(root), __typeof__(*pos), member);              \
	     pos && ({                                                                             \
		     n = rb_entry_safe(rb_next_postorder(&pos->member), __typeof__(*pos), member); \
		     1;                                                                            \
	     });                                                                                   \
	     pos = n)

static inline void rb_link_node(struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	*n = (struct rb_node){ .parent = parent };
	*link = n;
}

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *n);
void rb_erase(struct rb_node *n, struct rb_root *root);

/* Processes. The address of a process is its struct pid. */
struct pid {
	int nr;
};
struct cred {
	int unused;
};
struct file {
	void *private_data;
};

#define KERNEL_FDS 8

struct files_struct {
	struct file *fd[KERNEL_FDS];
};

struct task_struct {
	struct pid *pid;
	struct files_struct *files;
	u64 self_exec_id;
	char comm[TASK_COMM_LEN];
};

enum { SS_UNCONNECTED = 1, SS_CONNECTING, SS_CONNECTED };
struct socket {
	int state;
};

/* fd.h is about registers and descriptor tables: */
#define SOCKSTAT_FD_H

static inline bool sockstat_fd_slot_holds(struct files_struct *files, unsigned int fd,
					  const struct socket *sock)
{
	return fd < KERNEL_FDS && files->fd[fd] && files->fd[fd]->private_data == sock;
}

/* The kernel never takes the socket over. */
#define sockstat_fd_kernel_uses(sk) ((void)(sk), false)

/* Sockets */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

#define TCPF_ESTABLISHED (1 << TCP_ESTABLISHED)
#define TCPF_SYN_SENT (1 << TCP_SYN_SENT)
#define TCPF_SYN_RECV (1 << TCP_SYN_RECV)
#define TCPF_FIN_WAIT1 (1 << TCP_FIN_WAIT1)
#define TCPF_FIN_WAIT2 (1 << TCP_FIN_WAIT2)
#define TCPF_TIME_WAIT (1 << TCP_TIME_WAIT)
#define TCPF_CLOSE (1 << TCP_CLOSE)
#define TCPF_CLOSE_WAIT (1 << TCP_CLOSE_WAIT)
#define TCPF_LAST_ACK (1 << TCP_LAST_ACK)
#define TCPF_LISTEN (1 << TCP_LISTEN)
#define TCPF_CLOSING (1 << TCP_CLOSING)

#define TCP_URG_VALID 0x0100
#define TCP_URG_NOTYET 0x0200
#define TCP_URG_READ 0x0400

#define RCV_SHUTDOWN 1
#define SEND_SHUTDOWN 2
#define SHUTDOWN_MASK 3

enum sock_flags { SOCK_DEAD, SOCK_DONE, SOCK_URGINLINE };

struct in6_addr {
	u8 s6_addr[16];
};

struct sock {
	int sk_state;
	unsigned long sk_flags;
	struct {
		int owned;
	} sk_lock;
	int sk_err;
	u8 sk_shutdown;
	u32 sk_max_ack_backlog;
	u32 sk_ack_backlog;
	struct socket *sk_socket;
};

struct inet_sock {
	struct sock sk;
	__be16 inet_dport;
	__be16 inet_sport;
};

struct tcp_sock {
	struct inet_sock inet;
	u64 bytes_acked;
	u64 bytes_received;
	u64 bytes_sent;
	u64 bytes_retrans;
	u32 write_seq;
	u32 snd_nxt;
	u32 snd_una;
	u32 rcv_nxt;
	u32 copied_seq;
	u32 urg_seq;
	u16 urg_data;
	u8 repair;
	u32 packets_out;
};

#define inet_sk(sk) ((struct inet_sock *)(sk))
#define tcp_sk(sk) ((struct tcp_sock *)(sk))
#define sock_flag(sk, flag) (!!(READ_ONCE((sk)->sk_flags) & BIT(flag)))
#define before(a, b) ((s32)((a) - (b)) < 0)
#define after(a, b) before(b, a)

static inline u64 ktime_get_real_fast_ns(void)
{
	return 1;
}

static inline u64 ktime_get_boot_fast_ns(void)
{
	return 1;
}

/* compat.h is about differences between kernels. */
#define SOCKSTAT_COMPAT_H
#define sockstat_compat_sock_ino(sk) ((void)(sk), 1UL)

/* later.h is about work, for the pools of kernel.c nothing: */
#define SOCKSTAT_LATER_H

struct kmem_cache;
struct sockstat_later {
	int unused;
};

#endif
