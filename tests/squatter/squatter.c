// SPDX-License-Identifier: GPL-2.0-only
/* Occupies the name /proc/sockstat, for tests/refusals.sh. */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

static int squatter_show(struct seq_file *m, void *v)
{
	seq_puts(m, "squatter\n");
	return 0;
}

static int __init squatter_init(void)
{
	if (!proc_create_single("sockstat", 0444, NULL, squatter_show))
		return -ENOMEM;
	return 0;
}

static void __exit squatter_exit(void)
{
	remove_proc_entry("sockstat", NULL);
}

module_init(squatter_init);
module_exit(squatter_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Occupies the name /proc/sockstat for a test");
