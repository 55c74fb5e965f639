/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that use connections, as rows show them even after they exit. */
#ifndef SOCKSTAT_PROCESS_H
#define SOCKSTAT_PROCESS_H

#include <linux/capability.h>
#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/uidgid.h>

struct cred;
struct pid;
struct sockstat_caller;
struct user_namespace;

/**
 * struct sockstat_cred - the part of a process's credentials that decides who may see it
 * @uid: real user id
 * @euid: effective user id
 * @suid: saved user id
 * @gid: real group id
 * @egid: effective group id
 * @sgid: saved group id
 * @permitted: capabilities
 * @user_ns: user namespace
 *
 * A record has a copy of these instead of a reference to the struct cred, which
 * would keep its supplementary groups (up to 256 KiB) and keyrings as well.
 */
struct sockstat_cred {
	kuid_t uid;
	kuid_t euid;
	kuid_t suid;
	kgid_t gid;
	kgid_t egid;
	kgid_t sgid;
	kernel_cap_t permitted;
	struct user_namespace *user_ns;
};

/**
 * struct sockstat_process - the state of a process at one moment
 * @node: link in its hash bucket
 * @dead: link among the records to be freed, instead of @node
 * @pid: pid of the thread group, a reference held
 * @cred: its credentials, a reference to the user namespace held
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
	struct sockstat_cred cred;
	unsigned int users;
	u32 exec_id;
	bool dumpable;
	char comm[TASK_COMM_LEN];
};

void sockstat_cred_copy(struct sockstat_cred *to, const struct cred *from);

int sockstat_process_init(void);
void sockstat_process_exit(void);
void sockstat_process_refill(void);
u64 sockstat_process_dropped(void);

struct sockstat_process *sockstat_process_get(const struct sockstat_caller *caller);
bool sockstat_process_is_now(const struct sockstat_process *p,
			     const struct sockstat_caller *caller);
void sockstat_process_put(struct sockstat_process *p);
bool sockstat_process_lives(const struct sockstat_process *p);

#endif /* SOCKSTAT_PROCESS_H */
