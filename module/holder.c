// SPDX-License-Identifier: GPL-2.0-only
#include "holder.h"
#include "pool.h"

/* Free records to keep: they have to last until the refill work runs. */
#define HOLDERS_READY 1024

/*
 * Holders per connection. A socket that is passed from process to process for
 * years, such as the output of an inetd script, must not use up memory. Further
 * callers get no holder.
 */
#define HOLDERS_MAX 1024

/*
 * The same against a user of many connections and descriptors: handlers cannot
 * charge the memory of a holder to a user. While HOLDERS_PLENTY records or more
 * are in use altogether, no connection gets more than HOLDERS_FEW holders.
 */
#define HOLDERS_PLENTY 65536
#define HOLDERS_FEW 16

static_assert(HOLDERS_MAX <= U16_MAX);

static struct sockstat_pool holder_pool;
static atomic64_t holder_refused;

/* The process of nobody's holders: it has no pid, which puts them first in the order. */
static struct sockstat_process holder_nobody;

/* Compare a holder with a place in the order. Pids are ordered by address. */
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

/* Find the first holder at or after (process of @caller, @fd) in the order. */
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
 * sockstat_holder_find() - find the holder of the caller's descriptor
 * @all: a connection's holders
 * @caller: the process and descriptor that make the call
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
 * sockstat_holder_nobodys() - find the holder of the calls that belong to no process
 * @all: a connection's holders
 *
 * Context: any, the connection locked.
 * Return: the holder, which stays as long as the connection, or NULL.
 */
const struct sockstat_holder *sockstat_holder_nobodys(const struct sockstat_holders *all)
{
	const struct rb_node *n = rb_first(&all->root);
	const struct sockstat_holder *h = n ? rb_entry(n, struct sockstat_holder, node) : NULL;

	return h && sockstat_holder_is_nobodys(h) ? h : NULL;
}

/**
 * sockstat_holder_of_process() - find a holder of the caller's process
 * @all: a connection's holders
 * @caller: the process that makes the call; its descriptor does not matter
 *
 * Context: any, the connection locked.
 * Return: of the process's holders the one with the lowest descriptor, where
 * SOCKSTAT_FD_UNKNOWN comes first; it stays as long as the connection. Or NULL.
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
 * sockstat_holder_note_process() - update a holder's name and credentials
 * @h: a holder of the caller's process
 * @caller: the process; caller->task is current or kept by the caller
 *
 * The row of a closed descriptor shows the state noted last. If no record is free
 * for the new state, the old one stays.
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
	/* publish the fields of @new to sockstat_holder_is(), which may run without the lock */
	smp_store_release(&h->process, new);
	sockstat_process_put(old);
}

static unsigned int holder_limit(void)
{
	return READ_ONCE(holder_pool.used) < HOLDERS_PLENTY ? HOLDERS_MAX : HOLDERS_FEW;
}

static struct sockstat_holder *holder_alloc(struct sockstat_holders *all,
					    const struct sockstat_process *process)
{
	return sockstat_holder_count(all) || process == &holder_nobody ?
		       sockstat_pool_get(&holder_pool) :
		       &all->first;
}

static struct sockstat_process *holder_get_process(const struct sockstat_caller *caller)
{
	return caller->task ? sockstat_process_get(caller) : &holder_nobody;
}

static void holder_put_process(struct sockstat_process *process)
{
	if (process != &holder_nobody)
		sockstat_process_put(process);
}

/**
 * sockstat_holder_new() - add a holder for the caller's descriptor
 * @all: a connection's holders, none of which is the caller's descriptor
 * @caller: the process and descriptor that make the call, or nobody
 * @born: number of the last snapshot that has begun
 *
 * Context: any but NMI, the connection locked.
 * Return: the holder, which stays as long as the connection; NULL (and counted)
 * if there is no record for it or the connection has its maximum of holders.
 */
struct sockstat_holder *sockstat_holder_new(struct sockstat_holders *all,
					    const struct sockstat_caller *caller, u64 born)
{
	struct sockstat_process *process;
	struct sockstat_holder *h;

	if (caller->task && sockstat_holder_count(all) >= holder_limit()) {
		atomic64_inc(&holder_refused);
		return NULL;
	}
	process = holder_get_process(caller);
	if (!process)
		return NULL;
	h = holder_alloc(all, process);
	if (!h) {
		holder_put_process(process);
		return NULL;
	}
	h->process = process;
	h->fd = caller->fd;
	h->born = born;
	h->nr = sockstat_holder_count(all);
	holder_link(all, h);
	if (!sockstat_holder_is_nobodys(h))
		all->first.count++;
	return h;
}

/**
 * sockstat_holder_claim() - find or claim a holder for the caller's descriptor
 * @all: a connection's holders
 * @caller: the process and descriptor that make the call
 *
 * If the process has a holder whose descriptor is unknown, that becomes the
 * holder of the caller's descriptor, with the bytes credited to it so far.
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
 * sockstat_holder_free_all() - free all holders of a connection
 * @all: holders of a connection to which no reference is left
 *
 * Context: process, may sleep.
 */
void sockstat_holder_free_all(struct sockstat_holders *all)
{
	struct sockstat_holder *h, *next;

	rbtree_postorder_for_each_entry_safe(h, next, &all->root, node) {
		holder_put_process(h->process);
		if (h != &all->first)
			sockstat_pool_put(&holder_pool, h);
	}
}

/**
 * sockstat_holder_dropped() - count the failures to make a holder
 *
 * Context: any.
 */
u64 sockstat_holder_dropped(void)
{
	return READ_ONCE(holder_pool.empty) + atomic64_read(&holder_refused) +
	       sockstat_process_dropped();
}

/**
 * sockstat_holder_refill() - fill the pools of holders and processes
 *
 * Context: process, may sleep.
 */
void sockstat_holder_refill(void)
{
	sockstat_pool_fill(&holder_pool);
	sockstat_process_refill();
}

/**
 * sockstat_holder_init() - create the pools of holders and processes
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM with everything freed again.
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
 * sockstat_holder_exit() - free the pools of holders and processes
 *
 * Context: process, may sleep; no connection is left.
 */
void sockstat_holder_exit(void)
{
	sockstat_pool_destroy(&holder_pool);
	sockstat_process_exit();
}
