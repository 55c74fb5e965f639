/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may see whose rows. */
#ifndef SOCKSTAT_ACCESS_H
#define SOCKSTAT_ACCESS_H

#include "holder.h"

struct cred;
struct file;
struct pid;
struct pid_namespace;

/**
 * struct sockstat_access - what a reader may see: what who opened the file may
 * @cred: its credentials, which the file keeps
 * @ns: its pid namespace, whose processes are shown, a reference held
 * @self: the pid of its thread group, a reference held
 * @exec_id: the program that it ran, as in &struct sockstat_caller
 * @may_trace: has CAP_SYS_PTRACE in its own user namespace
 */
struct sockstat_access {
	const struct cred *cred;
	struct pid_namespace *ns;
	struct pid *self;
	u32 exec_id;
	bool may_trace;
};

void sockstat_access_init(struct sockstat_access *access, const struct file *file);
void sockstat_access_exit(struct sockstat_access *access);
bool sockstat_access_process(const struct sockstat_access *access, struct task_struct *task);
bool sockstat_access_past(const struct sockstat_access *access, const struct sockstat_holder *h);
bool sockstat_access_nobody(const struct sockstat_access *access);

#endif /* SOCKSTAT_ACCESS_H */
