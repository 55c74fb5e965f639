/* SPDX-License-Identifier: GPL-2.0-only */
/* Who used a connection: what a row says of a process that may be gone. */
#ifndef SOCKSTAT_PROCESS_H
#define SOCKSTAT_PROCESS_H

#include <linux/llist.h>
#include <linux/sched.h>

struct cred;
struct pid;
struct sockstat_caller;

/**
 * struct sockstat_process - a process as it was at one moment
 * @node: among those that are equal in hash
 * @dead: waiting to be freed, after that
 * @pid: the thread group's pid, a reference held
 * @cred: its credentials, a reference held
 * @users: how many holders share this record
 * @exec_id: as in struct sockstat_caller
 * @hidden: generation of the last snapshot whose reader may not look into it
 * @dumpable: whether its owner may look into it
 * @comm: its name
 *
 * Does not change but for @users and @hidden: when the process does, it gets
 * another one. Readable under RCU by who found it in a holder.
 */
struct sockstat_process {
	union {
		struct hlist_node node;
		struct llist_node dead;
	};
	struct pid *pid;
	const struct cred *cred;
	unsigned int users;
	u32 exec_id;
	u32 hidden;
	bool dumpable;
	char comm[TASK_COMM_LEN];
};

int sockstat_process_init(void);
void sockstat_process_exit(void);
u64 sockstat_process_dropped(void);

struct sockstat_process *sockstat_process_get(const struct sockstat_caller *caller);
bool sockstat_process_is_now(const struct sockstat_process *p,
			     const struct sockstat_caller *caller);
void sockstat_process_put(struct sockstat_process *p);
void sockstat_process_hide(const struct sockstat_caller *caller, u32 generation);
bool sockstat_process_lives(const struct sockstat_process *p);

#endif /* SOCKSTAT_PROCESS_H */
