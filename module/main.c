// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "history.h"
#include "hooks.h"
#include "later.h"
#include "procfile.h"
#include "table.h"

static unsigned int history_param = 1024;

static int history_param_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint(val, kp);

	if (err)
		return err;
	sockstat_history_limit(history_param);
	/* in any other state the table may not exist */
	if (THIS_MODULE->state == MODULE_STATE_LIVE)
		sockstat_table_trim();
	return 0;
}

static const struct kernel_param_ops history_param_ops = {
	.set = history_param_set,
	.get = param_get_uint,
};
module_param_cb(history, &history_param_ops, &history_param, 0644);
MODULE_PARM_DESC(history, "number of closed rows to keep (default 1024, 0 = none)");

static int __init sockstat_init(void)
{
	int err;

	sockstat_history_limit(history_param);
	err = sockstat_later_create_queue();
	if (err)
		return err;
	err = sockstat_table_init();
	if (err)
		goto err_queue;
	sockstat_moment_init();
	err = sockstat_hooks_register();
	if (err)
		goto err_moment;
	err = sockstat_procfile_create();
	if (err)
		goto err_hooks;
	pr_info("loaded, see /proc/sockstat\n");
	return 0;

err_hooks:
	sockstat_hooks_unregister();
err_moment:
	sockstat_moment_exit();
	sockstat_table_exit();
err_queue:
	sockstat_later_destroy_queue();
	return err;
}

static void __exit sockstat_exit(void)
{
	/*
	 * Wait for a running history_param_set(); later calls see
	 * MODULE_STATE_GOING and do not trim.
	 */
	kernel_param_lock(THIS_MODULE);
	kernel_param_unlock(THIS_MODULE);
	sockstat_procfile_remove();
	sockstat_hooks_unregister();
	sockstat_moment_exit();
	sockstat_table_exit();
	sockstat_later_destroy_queue();
	pr_info("unloaded\n");
}

module_init(sockstat_init);
module_exit(sockstat_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The sockstat developers");
MODULE_DESCRIPTION("Lists TCP socket descriptors, peers and exact byte counts in /proc/sockstat");
MODULE_VERSION("1.0");
