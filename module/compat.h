/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wrappers for everything that differs between kernel versions. Kbuild looks for
 * each feature (SOCKSTAT_HAVE_*) in the kernel's headers, as distributions
 * backport changes and the version number would mislead.
 */
#ifndef SOCKSTAT_COMPAT_H
#define SOCKSTAT_COMPAT_H

#include <linux/compat.h>
#include <linux/ftrace.h>
#include <linux/irq_work.h>
#include <linux/net.h>
#include <linux/ptrace.h>
#include <linux/sched/coredump.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <net/sock.h>

#ifdef CONFIG_IA32_EMULATION
#include <asm/unistd_32_ia32.h>
#endif

/*
 * The inode number of a socket's file, 0 if it has none. Since 6.16.6
 * (5d6b58c932ec "net: lockless sock_i_ino()") struct sock has a copy. Before that
 * only the file's inode has it; another CPU may be releasing that, but its memory
 * is freed by RCU.
 */
#ifdef SOCKSTAT_HAVE_SK_INO
static inline unsigned long sockstat_compat_sock_ino(const struct sock *sk)
{
	return READ_ONCE(sk->sk_ino);
}
#else
static inline unsigned long sockstat_compat_sock_ino(const struct sock *sk)
{
	struct socket *sock;
	unsigned long ino;

	rcu_read_lock();
	sock = READ_ONCE(sk->sk_socket);
	ino = sock ? SOCK_INODE(sock)->i_ino : 0;
	rcu_read_unlock();
	return ino;
}
#endif

/*
 * The socket of a file, NULL if the file is not a socket. Until 5.11
 * (dba4a9256bb4 "net: Remove the err argument from sock_from_file") there was an
 * argument for an errno.
 */
static inline struct socket *sockstat_compat_sock_from_file(struct file *file)
{
#ifdef SOCKSTAT_HAVE_SOCK_FROM_FILE_ERR
	int err;

	return sock_from_file(file, &err);
#else
	return sock_from_file(file);
#endif
}

/*
 * The position of the flags among tcp_recvmsg()'s arguments: until 5.19
 * (ec095263a965 "net: remove noblock parameter from recvmsg() entities") they
 * came after "nonblock".
 */
#ifdef SOCKSTAT_HAVE_RECVMSG_NONBLOCK
#define SOCKSTAT_COMPAT_RECVMSG_FLAGS 4
#else
#define SOCKSTAT_COMPAT_RECVMSG_FLAGS 3
#endif

/*
 * Whether the owner of a process may trace it (PR_SET_DUMPABLE), and the user
 * namespace in which CAP_SYS_PTRACE overrides that. Since 7.2 the task has both
 * (linux/sched/exec_state.h). Before, its mm has them, which stays if the task is
 * current or under task_lock(). A task that exits gives up its mm before its
 * descriptors; it keeps a copy in user_dumpable if the kernel has the fix of 2026
 * ("ptrace: slightly saner 'get_dumpable()' logic"). Otherwise, and for a kernel
 * thread, sockstat_compat_dumpable_is_known() is false, and the answer no.
 */
#ifdef SOCKSTAT_HAVE_EXEC_STATE
#include <linux/sched/exec_state.h>

static inline bool sockstat_compat_dumpable(const struct task_struct *task,
					    struct user_namespace **ns)
{
	const struct task_exec_state *state;
	bool dumpable;

	rcu_read_lock();
	state = rcu_dereference(task->exec_state);
	dumpable = READ_ONCE(state->dumpable) == TASK_DUMPABLE_OWNER;
	*ns = state->user_ns;
	rcu_read_unlock();
	return dumpable;
}

static inline bool sockstat_compat_dumpable_is_known(const struct task_struct *task)
{
	return true;
}
#else
#ifdef SOCKSTAT_HAVE_USER_DUMPABLE
static inline bool sockstat_compat_dumpable_is_known(const struct task_struct *task)
{
	return true;
}

static inline bool sockstat_compat_dumpable_without_mm(const struct task_struct *task)
{
	return task->user_dumpable;
}
#else
static inline bool sockstat_compat_dumpable_is_known(const struct task_struct *task)
{
	return task->mm;
}

static inline bool sockstat_compat_dumpable_without_mm(const struct task_struct *task)
{
	return false;
}
#endif

static inline bool sockstat_compat_dumpable(const struct task_struct *task,
					    struct user_namespace **ns)
{
	struct mm_struct *mm = task->mm;

	*ns = mm ? mm->user_ns : &init_user_ns;
	return mm ? get_dumpable(mm) == SUID_DUMP_USER : sockstat_compat_dumpable_without_mm(task);
}
#endif

/*
 * An argument of a function at its entry, the first one is 0. On s390x, where five
 * are in registers, the kernel's function for that calls one that is not exported.
 */
static __always_inline unsigned long sockstat_compat_argument(struct pt_regs *regs, unsigned int n)
{
#ifdef CONFIG_S390
	return regs->gprs[2 + n];
#else
	return regs_get_kernel_argument(regs, n);
#endif
}

/*
 * A kernel with dynamic ftrace but without KPROBES_ON_FTRACE refuses probes on ftrace
 * sites. On riscv64 before 6.16 these are the entries of functions. The offset of the
 * next instruction, 0 if there is no such rule.
 */
#if defined(CONFIG_DYNAMIC_FTRACE) && !defined(CONFIG_KPROBES_ON_FTRACE)
#define SOCKSTAT_COMPAT_PAST_SITE MCOUNT_INSN_SIZE
#else
#define SOCKSTAT_COMPAT_PAST_SITE 0
#endif

/* Number of arguments that syscall_get_arguments() copies. */
#define SOCKSTAT_COMPAT_SYSCALL_ARGS 6

/*
 * An irq_work that runs in the interrupt itself with PREEMPT_RT too, which else
 * leaves it to a thread of this CPU. Before 5.11 (7a9f50a05843 "irq_work: Cleanup")
 * there was no such macro.
 */
#ifdef IRQ_WORK_INIT_HARD
#define sockstat_compat_init_irq_work(work, func) (*(work) = IRQ_WORK_INIT_HARD(func))
#else
#define sockstat_compat_init_irq_work(work, func) init_irq_work(work, func)
#endif

/*
 * System calls by number. The numbers of 32-bit programs differ. i386 and s390x
 * have socketcall(), the latter for 64-bit programs, too.
 */
static inline bool sockstat_compat_is_socketcall(int nr)
{
#if defined(CONFIG_IA32_EMULATION)
	return in_compat_syscall() && nr == __NR_ia32_socketcall;
#elif defined(__NR_socketcall)
	return nr == __NR_socketcall;
#else
	return false;
#endif
}

static inline bool sockstat_compat_is_splice(int nr)
{
#ifdef CONFIG_IA32_EMULATION
	return nr == (in_compat_syscall() ? __NR_ia32_splice : __NR_splice);
#else
	return nr == __NR_splice && !in_compat_syscall();
#endif
}

static inline bool sockstat_compat_is_io_submit(int nr)
{
#ifdef CONFIG_IA32_EMULATION
	return nr == (in_compat_syscall() ? __NR_ia32_io_submit : __NR_io_submit);
#else
	return nr == __NR_io_submit && !in_compat_syscall();
#endif
}

/*
 * The first argument of the system call that current is in, or -1 for
 * socketcall(), whose first argument is another call's number. x86-64 has it in the
 * register of a function's first argument; others overwrite that register, but
 * have a copy. Not for 32-bit programs.
 */
static __always_inline int sockstat_compat_first_argument(void)
{
	struct pt_regs *regs = task_pt_regs(current);
#ifdef CONFIG_X86_64
	return regs_get_kernel_argument(regs, 0);
#else
	unsigned long args[SOCKSTAT_COMPAT_SYSCALL_ARGS];

	if (sockstat_compat_is_socketcall(syscall_get_nr(current, regs)))
		return -1;
	syscall_get_arguments(current, regs, args);
	return args[0];
#endif
}

/*
 * The descriptor of a socketcall(), -1 if it cannot be read. The call's arguments
 * are longs in user memory, which the kernel has just read; another thread may have
 * changed them since.
 */
static inline int sockstat_compat_socketcall_fd(unsigned long args)
{
	long fd;
#ifdef CONFIG_COMPAT
	compat_long_t fd32;

	if (in_compat_syscall())
		return copy_from_user_nofault(&fd32, compat_ptr(args), sizeof(fd32)) ? -1 : fd32;
#endif
	return copy_from_user_nofault(&fd, (const void __user *)args, sizeof(fd)) ? -1 : fd;
}

#endif /* SOCKSTAT_COMPAT_H */
