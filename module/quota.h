/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory the snapshots of one user's open files may take. */
#ifndef SOCKSTAT_QUOTA_H
#define SOCKSTAT_QUOTA_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct file;

/**
 * struct sockstat_quota - memory of the snapshots of one user
 * @list: link in the list of all users that have /proc/sockstat open
 * @uid: the user
 * @files: number of open files
 * @bytes: memory of their snapshots
 */
struct sockstat_quota {
	struct list_head list;
	kuid_t uid;
	unsigned int files;
	atomic_long_t bytes;
};

int sockstat_quota_get(struct sockstat_quota **quota, const struct file *file);
void sockstat_quota_put(struct sockstat_quota *quota);
bool sockstat_quota_charge(struct sockstat_quota *quota, size_t *own, size_t bytes);
void sockstat_quota_uncharge(struct sockstat_quota *quota, size_t *own);

#endif /* SOCKSTAT_QUOTA_H */
