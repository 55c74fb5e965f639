// SPDX-License-Identifier: GPL-2.0-only
/* Replaces tcp_sendmsg() by a copy that does the same, for tests/livepatch.sh. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <net/tcp.h>

static int livepatch_tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	int ret;

	lock_sock(sk);
	ret = tcp_sendmsg_locked(sk, msg, size);
	release_sock(sk);
	return ret;
}

static struct klp_func livepatch_functions[] = {
	{ .old_name = "tcp_sendmsg", .new_func = livepatch_tcp_sendmsg },
	{},
};

static struct klp_object livepatch_objects[] = {
	{ .funcs = livepatch_functions },
	{},
};

static struct klp_patch livepatch = {
	.mod = THIS_MODULE,
	.objs = livepatch_objects,
};

static int __init livepatch_init(void)
{
	return klp_enable_patch(&livepatch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Replaces tcp_sendmsg() for a test");
MODULE_INFO(livepatch, "Y");
