/* SPDX-License-Identifier: GPL-2.0-only */
/* The descriptors through which a connection is used, and what each moved. */
#ifndef SOCKSTAT_HOLDER_H
#define SOCKSTAT_HOLDER_H

#include <linux/rbtree.h>
#include <linux/sched.h>

#include "ledger.h"

struct cred;
struct pid;

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
 * @node: in &struct sockstat_holders.root, by (@pid, @exec_id, @fd)
 * @pid: the process, a reference held
 * @cred: its credentials when it was first seen, a reference held
 * @bytes: application bytes credited, by flow
 * @calls: entries into TCP, by flow
 * @exec_id: as in struct sockstat_caller
 * @fd: descriptor number or SOCKSTAT_FD_UNKNOWN
 * @born: generation of the snapshot that was being taken, or was last taken,
 *        when the record was made
 * @seen: generation of the last snapshot that showed it
 * @dumpable: whether its owner may look into the process
 * @comm: the process's name
 */
struct sockstat_holder {
	struct rb_node node;
	struct pid *pid;
	const struct cred *cred;
	u64 bytes[SOCKSTAT_FLOWS];
	u64 calls[SOCKSTAT_FLOWS];
	u32 exec_id;
	int fd;
	u32 born;
	u32 seen;
	bool dumpable;
	char comm[TASK_COMM_LEN];
};

/**
 * struct sockstat_holders - all holders of one connection
 * @root: them, in order
 * @count: how many
 * @first: the first there was, if @count is not 0; the rest is from a pool
 *
 * The connection's owner serialises access; holders stay as long as it does.
 */
struct sockstat_holders {
	struct rb_root root;
	unsigned int count;
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
 * Context: any.
 */
static inline bool sockstat_holder_is(const struct sockstat_holder *h,
				      const struct sockstat_caller *caller)
{
	return h->fd == caller->fd && h->pid == caller->pid && h->exec_id == caller->exec_id;
}

struct sockstat_holder *sockstat_holder_find(const struct sockstat_holders *all,
					     const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_claim(struct sockstat_holders *all,
					      const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_of_process(const struct sockstat_holders *all,
						   const struct sockstat_caller *caller);
struct sockstat_holder *sockstat_holder_new(struct sockstat_holders *all,
					    const struct sockstat_caller *caller, u32 born);
void sockstat_holder_note_process(struct sockstat_holder *h, struct task_struct *task);
void sockstat_holder_free_all(struct sockstat_holders *all);

#endif /* SOCKSTAT_HOLDER_H */
