/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that use connections, as rows show them even after they exit. */
#ifndef SOCKSTAT_PROCESS_H
#define SOCKSTAT_PROCESS_H

#include <linux/llist.h>
#include <linux/sched.h>

struct cred;
struct pid;
struct sockstat_caller;

/**
 * struct sockstat_process - the state of a process at one moment
 * @node: link in its hash bucket
 * @dead: link among the records to be freed, instead of @node
 * @pid: pid of the thread group, a reference held
 * @cred: its credentials, a reference held
 * @users: number of holders that share this record
 * @exec_id: as in struct sockstat_caller
 * @dumpable: whether its owner may look into it
 * @comm: name of its main thread
 *
 * Only @users changes, under the lock of the bucket: a process that has changed
 * gets a new record. A record found in a holder under RCU may be read without that
 * lock.
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
bool sockstat_process_lives(const struct sockstat_process *p);

#endif /* SOCKSTAT_PROCESS_H */
