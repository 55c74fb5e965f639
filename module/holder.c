// SPDX-License-Identifier: GPL-2.0-only
#include "holder.h"
#include "pool.h"

/* Records at hand: what may be created before the refill gets to run. */
#define HOLDERS_READY 1024

/*
 * A socket that is handed on from process to process for years (the output of
 * an inetd script) must not eat up memory: further holders stay anonymous.
 */
#define HOLDERS_MAX 1024

/*
 * Nor must a user who uses many connections through many descriptors: whose
 * memory that is cannot be said where the records are made. If so many are in
 * use by all, a connection gets only few.
 */
#define HOLDERS_PLENTY 65536
#define HOLDERS_FEW 16

static struct sockstat_pool holder_pool;
static atomic64_t holder_refused;

/* Where a holder stands in the order; any total order does. */
static int holder_compare(const struct sockstat_holder *h, const struct pid *pid, u32 exec_id,
			  int fd)
{
	const struct sockstat_process *p = h->process;

	if (p->pid != pid)
		return p->pid < pid ? -1 : 1;
	if (p->exec_id != exec_id)
		return p->exec_id < exec_id ? -1 : 1;
	if (h->fd != fd)
		return h->fd < fd ? -1 : 1;
	return 0;
}

static bool holder_same_process(const struct sockstat_holder *h,
				const struct sockstat_caller *caller)
{
	return h->process->pid == caller->pid && h->process->exec_id == caller->exec_id;
}

/* The first holder at or after a place in the order. */
static struct sockstat_holder *holder_find_from(const struct sockstat_holders *all,
						const struct sockstat_caller *caller, int fd)
{
	struct rb_node *n = all->root.rb_node;
	struct sockstat_holder *best = NULL;

	while (n) {
		struct sockstat_holder *h = rb_entry(n, struct sockstat_holder, node);

		if (holder_compare(h, caller->pid, caller->exec_id, fd) < 0) {
			n = n->rb_right;
		} else {
			best = h;
			n = n->rb_left;
		}
	}
	return best;
}

/**
 * sockstat_holder_find() - find the caller's descriptor
 * @all: a connection's holders
 * @caller: who calls
 *
 * Context: any, the connection locked.
 * Return: the holder, which stays as long as the connection, or NULL.
 */
struct sockstat_holder *sockstat_holder_find(const struct sockstat_holders *all,
					     const struct sockstat_caller *caller)
{
	struct sockstat_holder *h = holder_find_from(all, caller, caller->fd);

	return h && sockstat_holder_is(h, caller) ? h : NULL;
}

/**
 * sockstat_holder_of_process() - find any descriptor of the caller's process
 * @all: a connection's holders
 * @caller: who calls
 *
 * Context: any, the connection locked.
 * Return: the holder, which stays as long as the connection, or NULL.
 */
struct sockstat_holder *sockstat_holder_of_process(const struct sockstat_holders *all,
						   const struct sockstat_caller *caller)
{
	struct sockstat_holder *h = holder_find_from(all, caller, SOCKSTAT_FD_UNKNOWN);

	return h && holder_same_process(h, caller) ? h : NULL;
}

static void holder_link(struct sockstat_holders *all, struct sockstat_holder *new)
{
	struct rb_node **link = &all->root.rb_node, *parent = NULL;

	while (*link) {
		struct sockstat_holder *h = rb_entry(*link, struct sockstat_holder, node);

		parent = *link;
		link = holder_compare(h, new->process->pid, new->process->exec_id, new->fd) > 0 ?
			       &parent->rb_left :
			       &parent->rb_right;
	}
	rb_link_node(&new->node, parent, link);
	rb_insert_color(&new->node, &all->root);
}

/**
 * sockstat_holder_note_process() - note what a closed row will say of a process
 * @h: one of its holders
 * @caller: the process; caller->task is current or kept by the caller
 *
 * Context: any but NMI, the connection locked.
 */
void sockstat_holder_note_process(struct sockstat_holder *h, const struct sockstat_caller *caller)
{
	struct sockstat_process *old = h->process, *new;

	if (sockstat_process_is_now(old, caller))
		return;
	new = sockstat_process_get(caller);
	if (!new)
		return;
	/* its fields are set before sockstat_holder_is() may look at them */
	smp_store_release(&h->process, new);
	sockstat_process_put(old);
}

static unsigned int holder_limit(void)
{
	return READ_ONCE(holder_pool.used) < HOLDERS_PLENTY ? HOLDERS_MAX : HOLDERS_FEW;
}

static struct sockstat_holder *holder_alloc(struct sockstat_holders *all)
{
	return sockstat_holder_count(all) ? sockstat_pool_get(&holder_pool) : &all->first;
}

/**
 * sockstat_holder_new() - add the caller's descriptor
 * @all: a connection's holders
 * @caller: who calls; caller->task is not NULL
 * @born: generation of the current snapshot
 *
 * Context: any but NMI, the connection locked.
 * Return: the holder, which stays as long as the connection; NULL (and counted)
 * if there is no record for it.
 */
struct sockstat_holder *sockstat_holder_new(struct sockstat_holders *all,
					    const struct sockstat_caller *caller, u32 born)
{
	struct sockstat_process *process;
	struct sockstat_holder *h;

	if (sockstat_holder_count(all) >= holder_limit()) {
		atomic64_inc(&holder_refused);
		return NULL;
	}
	process = sockstat_process_get(caller);
	if (!process)
		return NULL;
	h = holder_alloc(all);
	if (!h) {
		sockstat_process_put(process);
		return NULL;
	}
	h->process = process;
	h->fd = caller->fd;
	h->born = born;
	holder_link(all, h);
	all->first.count++;
	return h;
}

/**
 * sockstat_holder_claim() - find the caller's descriptor, perhaps a nameless one
 * @all: a connection's holders
 * @caller: who calls; its descriptor is known
 *
 * What a process moved before its descriptor was known is now @caller's.
 *
 * Context: any, the connection locked.
 * Return: the holder, which stays as long as the connection, or NULL.
 */
struct sockstat_holder *sockstat_holder_claim(struct sockstat_holders *all,
					      const struct sockstat_caller *caller)
{
	struct sockstat_holder *h = sockstat_holder_find(all, caller);

	if (h)
		return h;
	h = sockstat_holder_of_process(all, caller);
	if (!h || h->fd != SOCKSTAT_FD_UNKNOWN)
		return NULL;
	rb_erase(&h->node, &all->root);
	WRITE_ONCE(h->fd, caller->fd);
	holder_link(all, h);
	return h;
}

/**
 * sockstat_holder_free_all() - let all holders of a connection go
 * @all: holders of a connection that nobody can reach any more
 *
 * Context: process, may sleep.
 */
void sockstat_holder_free_all(struct sockstat_holders *all)
{
	struct sockstat_holder *h, *next;

	rbtree_postorder_for_each_entry_safe(h, next, &all->root, node) {
		sockstat_process_put(h->process);
		if (h != &all->first)
			sockstat_pool_put(&holder_pool, h);
	}
}

/**
 * sockstat_holder_dropped() - descriptors that got no record
 *
 * Context: any.
 */
u64 sockstat_holder_dropped(void)
{
	return READ_ONCE(holder_pool.empty) + atomic64_read(&holder_refused) +
	       sockstat_process_dropped();
}

/**
 * sockstat_holder_refill() - have all records at hand that may be wanted
 *
 * Context: process, may sleep.
 */
void sockstat_holder_refill(void)
{
	sockstat_pool_fill(&holder_pool);
}

/**
 * sockstat_holder_init() - get records ready
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM, nothing left behind.
 */
int sockstat_holder_init(void)
{
	int err;

	err = sockstat_process_init();
	if (err)
		return err;
	err = sockstat_pool_init(&holder_pool, "sockstat_holder", sizeof(struct sockstat_holder),
				 HOLDERS_READY);
	if (err)
		sockstat_process_exit();
	return err;
}

/**
 * sockstat_holder_exit() - free the records at hand
 *
 * Context: process, may sleep; no connection is left.
 */
void sockstat_holder_exit(void)
{
	sockstat_pool_destroy(&holder_pool);
	sockstat_process_exit();
}
