// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stand-ins for what module/conn.c and holder.c call in the kernel and in the rest of
 * the module: the tree, the pools, the processes, and a table with one bucket.
 */
#include "fuzz.h"
#include "pool.h"
#include "table.h"
#include "visited.h"

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->rb_node;

	while (n && n->rb_left)
		n = n->rb_left;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	if (n->rb_right) {
		n = n->rb_right;
		while (n->rb_left)
			n = n->rb_left;
		return (struct rb_node *)n;
	}
	while (n->parent && n == n->parent->rb_right)
		n = n->parent;
	return n->parent;
}

static struct rb_node *rb_leaf(struct rb_node *n)
{
	while (n->rb_left || n->rb_right)
		n = n->rb_left ? n->rb_left : n->rb_right;
	return n;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return root->rb_node ? rb_leaf(root->rb_node) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *n)
{
	struct rb_node *parent = n->parent;

	if (parent && n == parent->rb_left && parent->rb_right)
		return rb_leaf(parent->rb_right);
	return parent;
}

static void rb_replace(struct rb_node *old, struct rb_node *new, struct rb_root *root)
{
	if (!old->parent)
		root->rb_node = new;
	else if (old == old->parent->rb_left)
		old->parent->rb_left = new;
	else
		old->parent->rb_right = new;
	if (new)
		new->parent = old->parent;
}

void rb_erase(struct rb_node *n, struct rb_root *root)
{
	struct rb_node *next;

	if (!n->rb_left || !n->rb_right) {
		rb_replace(n, n->rb_left ? n->rb_left : n->rb_right, root);
		return;
	}
	next = rb_next(n);
	if (next->parent != n) {
		rb_replace(next, next->rb_right, root);
		next->rb_right = n->rb_right;
		next->rb_right->parent = next;
	}
	rb_replace(n, next, root);
	next->rb_left = n->rb_left;
	next->rb_left->parent = next;
}

int sockstat_pool_init(struct sockstat_pool *pool, const char *name, size_t size,
		       unsigned int target)
{
	pool->size = size;
	return 0;
}

void sockstat_pool_destroy(struct sockstat_pool *pool)
{
	assert(!pool->used);
}

void sockstat_pool_fill(struct sockstat_pool *pool)
{
}

void *sockstat_pool_get(struct sockstat_pool *pool)
{
	void *record = fuzz_no_memory ? NULL : calloc(1, pool->size);

	pool->used += !!record;
	pool->empty += !record;
	return record;
}

void sockstat_pool_put(struct sockstat_pool *pool, void *record)
{
	pool->used--;
	free(record);
}

int sockstat_process_init(void)
{
	return 0;
}

void sockstat_process_exit(void)
{
}

void sockstat_process_refill(void)
{
}

u64 sockstat_process_dropped(void)
{
	return 0;
}

bool sockstat_process_is_now(const struct sockstat_process *p, const struct sockstat_caller *caller)
{
	return p->pid == caller->pid && p->exec_id == caller->exec_id &&
	       !memcmp(p->comm, caller->task->comm, sizeof(p->comm));
}

struct sockstat_process *sockstat_process_get(const struct sockstat_caller *caller)
{
	struct sockstat_process *p = fuzz_no_memory ? NULL : calloc(1, sizeof(*p));

	if (p) {
		p->pid = caller->pid;
		p->exec_id = caller->exec_id;
		memcpy(p->comm, caller->task->comm, sizeof(p->comm));
	}
	return p;
}

void sockstat_process_put(struct sockstat_process *p)
{
	free(p);
}

void sockstat_ident_capture(struct sockstat_ident *id, struct sock *sk)
{
}

void sockstat_ident_remote(struct sockstat_ident *id, u16 family, const union sockstat_addr *addr,
			   __be16 port)
{
}

void sockstat_moment_set(struct sockstat_moment *m)
{
	m->real = 1;
}

static struct sockstat_bucket table_bucket;
struct sockstat_bucket *sockstat_table = &table_bucket;

bool sockstat_ident_is_tracked(const struct sock *sk)
{
	return true;
}

u64 sockstat_visited_now(void)
{
	return 1;
}

struct sockstat_conn *sockstat_table_new(struct sock *sk)
{
	struct sockstat_conn *conn = fuzz_no_memory ? NULL : calloc(1, sizeof(*conn));

	lockdep_assert_held(&sockstat_table_bucket(sk)->lock);
	if (!conn)
		return NULL;
	conn->sk = sk;
	hlist_add_head_rcu(&conn->node, &sockstat_table_bucket(sk)->head);
	return conn;
}

struct sockstat_past *sockstat_table_past(struct sockstat_conn *conn)
{
	if (!conn->past)
		conn->past = calloc(1, sizeof(*conn->past));
	return conn->past;
}

void sockstat_table_remove(struct sockstat_conn *conn, bool keep)
{
	hlist_del_rcu(&conn->node);
	fuzz_retired(conn);
	sockstat_holder_free_all(&conn->holders);
	free(conn->past);
	free(conn);
}
