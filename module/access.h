/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rows a reader may see. */
#ifndef SOCKSTAT_ACCESS_H
#define SOCKSTAT_ACCESS_H

#include "holder.h"

struct cred;
struct file;
struct pid;
struct pid_namespace;

/**
 * struct sockstat_access - the process that opened /proc/sockstat
 * @cred: credentials of the opener; the file holds the reference
 * @ns: pid namespace of the opener, whose processes are shown, a reference held
 * @self: pid of the opener's thread group, a reference held
 * @exec_id: which program the opener ran, as in &struct sockstat_caller
 * @may_trace: the opener has CAP_SYS_PTRACE in its own user namespace
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
