/* SPDX-License-Identifier: GPL-2.0-only */
/* Holders: the descriptors through which a connection was used, and their bytes. */
#ifndef SOCKSTAT_HOLDER_H
#define SOCKSTAT_HOLDER_H

#include <linux/rbtree.h>
#include <linux/sched.h>

#include "ledger.h"
#include "process.h"

#define SOCKSTAT_FD_UNKNOWN (-1)

/**
 * struct sockstat_caller - the process and descriptor that make a call
 * @task: a thread of the process; NULL if the call belongs to no process, such as
 *        that of a kernel thread
 * @pid: pid of the thread group
 * @exec_id: task->self_exec_id, which changes with execve()
 * @fd: the descriptor, or SOCKSTAT_FD_UNKNOWN
 * @searched: sockstat_fd_search() has been tried
 */
struct sockstat_caller {
	struct task_struct *task;
	struct pid *pid;
	u32 exec_id;
	int fd;
	bool searched;
};

/**
 * struct sockstat_holder - a descriptor through which a connection was used
 * @node: in &struct sockstat_holders.root, ordered by (pid, exec_id, @fd)
 * @process: the process as it was last seen, a reference held
 * @bytes: application bytes credited, by flow
 * @calls: calls of TCP's send or receive functions, by flow, failed ones included
 * @fd: descriptor number or SOCKSTAT_FD_UNKNOWN
 * @nr: how many holders its connection had before, without nobody's
 * @count: in a connection's first holder: number of its holders, without nobody's
 * @born: number of the last snapshot that had begun when the record was made (see
 *        visited.h)
 *
 * The lock of the connection protects a holder. Under RCU, @process, @fd and
 * @calls may be read and @calls incremented without it.
 */
struct sockstat_holder {
	struct rb_node node;
	struct sockstat_process *process;
	u64 bytes[SOCKSTAT_FLOWS];
	atomic64_t calls[SOCKSTAT_FLOWS];
	int fd;
	u16 nr;
	u16 count;
	u64 born;
};

/**
 * struct sockstat_holders - all holders of one connection
 * @root: the holders in order
 * @first: the first one that was made for a process, if any; the others are from a
 *         pool
 *
 * The lock of the connection protects them. Holders stay as long as it does.
 */
struct sockstat_holders {
	struct rb_root root;
	struct sockstat_holder first;
};

int sockstat_holder_init(void);
void sockstat_holder_exit(void);
void sockstat_holder_refill(void);
u64 sockstat_holder_dropped(void);

/**
 * sockstat_holder_is() - whether a holder is the caller's descriptor
 * @h: a holder
 * @caller: the process and descriptor that make the call
 *
 * Context: any, the connection locked, or under RCU.
 */
static inline bool sockstat_holder_is(const struct sockstat_holder *h,
				      const struct sockstat_caller *caller)
{
	const struct sockstat_process *p = READ_ONCE(h->process);

	return READ_ONCE(h->fd) == caller->fd && p->pid == caller->pid &&
	       p->exec_id == caller->exec_id;
}

/**
 * sockstat_holder_is_nobodys() - whether a holder stands for calls of no process
 * @h: a holder
 *
 * Context: any, the connection locked.
 */
static inline bool sockstat_holder_is_nobodys(const struct sockstat_holder *h)
{
	return !h->process->pid;
}

/**
 * sockstat_holder_count() - count the holders of a connection, without nobody's
 * @all: a connection's holders
 *
 * Context: any, the connection locked.
 */
static inline unsigned int sockstat_holder_count(const struct sockstat_holders *all)
{
	return all->first.count;
}

const struct sockstat_holder *sockstat_holder_nobodys(const struct sockstat_holders *all);
struct sockstat_holder *sockstat_holder_find(const struct sockstat_holders *all,
					     const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_claim(struct sockstat_holders *all,
					      const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_of_process(const struct sockstat_holders *all,
						   const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_new(struct sockstat_holders *all,
					    const struct sockstat_caller *caller, u64 born);
void sockstat_holder_note_process(struct sockstat_holder *h, const struct sockstat_caller *caller);
void sockstat_holder_free_all(struct sockstat_holders *all);

#endif /* SOCKSTAT_HOLDER_H */
