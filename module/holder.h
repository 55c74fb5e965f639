/* SPDX-License-Identifier: GPL-2.0-only */
/* The descriptors through which a connection is used, and what each moved. */
#ifndef SOCKSTAT_HOLDER_H
#define SOCKSTAT_HOLDER_H

#include <linux/rbtree.h>
#include <linux/sched.h>

#include "ledger.h"
#include "process.h"

#define SOCKSTAT_FD_UNKNOWN (-1)

/**
 * struct sockstat_caller - whose call it is
 * @task: a thread of the process; NULL: nobody's in particular
 * @pid: the thread group's pid
 * @exec_id: tells apart the programs that a process runs one after another
 * @fd: the descriptor, or SOCKSTAT_FD_UNKNOWN
 * @searched: @fd is all that can be found out
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
 * @node: in &struct sockstat_holders.root, by (pid, exec_id, @fd)
 * @process: its process as it was last seen, a reference held
 * @bytes: application bytes credited, by flow
 * @calls: entries into TCP, by flow
 * @fd: descriptor number or SOCKSTAT_FD_UNKNOWN
 * @born: generation of the snapshot that was being taken, or was last taken,
 *        when the record was made
 * @seen: generation of the last snapshot that showed it
 * @count: of a connection's first holder: how many there are
 *
 * Under RCU @process, @fd and @calls may be looked at, and @calls be raised,
 * without the owner's lock.
 */
struct sockstat_holder {
	struct rb_node node;
	struct sockstat_process *process;
	u64 bytes[SOCKSTAT_FLOWS];
	atomic64_t calls[SOCKSTAT_FLOWS];
	int fd;
	u32 born;
	u32 seen;
	u32 count;
};

/**
 * struct sockstat_holders - all holders of one connection
 * @root: them, in order
 * @first: the first there was, if there was any; the rest is from a pool
 *
 * The connection's owner serialises access; holders stay as long as it does.
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
 * @caller: who calls
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
 * sockstat_holder_count() - how many holders a connection has
 * @all: a connection's holders
 *
 * Context: any, the connection locked.
 */
static inline unsigned int sockstat_holder_count(const struct sockstat_holders *all)
{
	return all->first.count;
}

struct sockstat_holder *sockstat_holder_find(const struct sockstat_holders *all,
					     const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_claim(struct sockstat_holders *all,
					      const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_of_process(const struct sockstat_holders *all,
						   const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_new(struct sockstat_holders *all,
					    const struct sockstat_caller *caller, u32 born);
void sockstat_holder_note_process(struct sockstat_holder *h, const struct sockstat_caller *caller);
void sockstat_holder_free_all(struct sockstat_holders *all);

#endif /* SOCKSTAT_HOLDER_H */
