/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may see whose rows. */
#ifndef SOCKSTAT_ACCESS_H
#define SOCKSTAT_ACCESS_H

#include "holder.h"

struct file;
struct pid_namespace;

bool sockstat_access_process(const struct file *reader, struct task_struct *task);
bool sockstat_access_past(const struct file *reader, const struct sockstat_holder *h);
bool sockstat_access_nobody(const struct file *reader, const struct pid_namespace *ns);

#endif /* SOCKSTAT_ACCESS_H */
