// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot stays as long as its file is open, for reads at any position. It is
 * charged to a memory control group, but that often has no limit. So a user's
 * snapshots share one limit, as pipes do (pipe-user-pages-soft); users with
 * CAP_SYS_RESOURCE are exempt from both. One snapshot is always allowed, or the
 * table could not be read where it is large.
 */
#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "quota.h"

/* Bytes that the snapshots of one user may take if they are more than one. */
#define BYTES_MAX SZ_64M

static DEFINE_MUTEX(quota_mutex); /* protects the list, and @files of its entries */
static LIST_HEAD(quota_list);

static struct sockstat_quota *quota_find(kuid_t uid)
{
	struct sockstat_quota *quota;

	list_for_each_entry(quota, &quota_list, list)
		if (uid_eq(quota->uid, uid))
			return quota;
	return NULL;
}

static struct sockstat_quota *quota_add(kuid_t uid)
{
	struct sockstat_quota *quota = kzalloc(sizeof(*quota), GFP_KERNEL_ACCOUNT);

	if (quota) {
		quota->uid = uid;
		list_add(&quota->list, &quota_list);
	}
	return quota;
}

/**
 * sockstat_quota_get() - find the quota of the user who opens a file
 * @quota: set to the quota, to be returned by sockstat_quota_put(), or to NULL if
 *         the user is exempt
 * @file: the file that current is opening
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int sockstat_quota_get(struct sockstat_quota **quota, const struct file *file)
{
	*quota = NULL;
	if (file_ns_capable(file, &init_user_ns, CAP_SYS_RESOURCE))
		return 0;
	mutex_lock(&quota_mutex);
	*quota = quota_find(file->f_cred->uid) ?: quota_add(file->f_cred->uid);
	if (*quota)
		(*quota)->files++;
	mutex_unlock(&quota_mutex);
	return *quota ? 0 : -ENOMEM;
}

/**
 * sockstat_quota_put() - undo sockstat_quota_get()
 * @quota: the quota or NULL; nothing of this file is charged to it any more
 *
 * Context: process, may sleep.
 */
void sockstat_quota_put(struct sockstat_quota *quota)
{
	bool last;

	if (!quota)
		return;
	mutex_lock(&quota_mutex);
	last = !--quota->files;
	if (last)
		list_del(&quota->list);
	mutex_unlock(&quota_mutex);
	if (last)
		kfree(quota);
}

/**
 * sockstat_quota_charge() - charge memory of a snapshot to its user
 * @quota: the quota or NULL
 * @own: what is charged for this snapshot, raised if it is charged
 * @bytes: the memory
 *
 * Context: any.
 * Return: false if the user's limit is exceeded and other snapshots contribute to
 * that; nothing is charged then.
 */
bool sockstat_quota_charge(struct sockstat_quota *quota, size_t *own, size_t bytes)
{
	unsigned long all;

	if (!quota)
		return true;
	all = atomic_long_add_return(bytes, &quota->bytes);
	if (all > BYTES_MAX && all > *own + bytes) {
		atomic_long_sub(bytes, &quota->bytes);
		return false;
	}
	*own += bytes;
	return true;
}

/**
 * sockstat_quota_uncharge() - undo all sockstat_quota_charge() of a snapshot
 * @quota: the quota or NULL
 * @own: what is charged for the snapshot, set to 0
 *
 * Context: any.
 */
void sockstat_quota_uncharge(struct sockstat_quota *quota, size_t *own)
{
	if (quota)
		atomic_long_sub(*own, &quota->bytes);
	*own = 0;
}
