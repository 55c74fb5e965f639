// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "access.h"
#include "fd.h"
#include "history.h"
#include "hooks.h"
#include "quota.h"
#include "snapshot.h"
#include "table.h"

/* A power of two, as the page allocator would round up to one. */
#define CHUNK_SIZE SZ_16K
#define CHUNK_ROWS ((CHUNK_SIZE - sizeof(struct snapshot_chunk)) / sizeof(struct sockstat_row))

struct snapshot_chunk {
	struct list_head list;
	unsigned int used;
	struct sockstat_row rows[];
};

/* A snapshot that is being taken; @sink refers to the rows of @chunk. */
struct snapshot_builder {
	struct sockstat_sink sink;
	struct sockstat_snapshot *snap;
	struct snapshot_chunk *chunk;
	const struct sockstat_access *access;
};

static bool snapshot_row_is_closed(const struct sockstat_row *row)
{
	return !row->state;
}

static void snapshot_save_chunk(struct snapshot_builder *builder)
{
	if (builder->chunk)
		builder->chunk->used = builder->sink.used;
}

/* Before each batch: reschedule, refill the pools of records, make room for marks and a row. */
static int snapshot_prepare_batch(struct snapshot_builder *builder)
{
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	sockstat_table_refill();
	if (sockstat_visited_reserve(&builder->sink.visited, sockstat_table_count()))
		return -ENOMEM;
	snapshot_save_chunk(builder);
	if (builder->chunk && builder->chunk->used < CHUNK_ROWS)
		return 0;
	if (!sockstat_quota_charge(builder->snap->quota, &builder->snap->charged, CHUNK_SIZE))
		return -ENFILE;
	builder->chunk = kvmalloc(CHUNK_SIZE, GFP_KERNEL_ACCOUNT);
	if (!builder->chunk)
		return -ENOMEM;
	builder->chunk->used = 0;
	list_add_tail(&builder->chunk->list, &builder->snap->chunks);
	builder->sink.rows = builder->chunk->rows;
	builder->sink.room = CHUNK_ROWS;
	builder->sink.used = 0;
	return 0;
}

/*
 * If the reader may not look into a process, hide its holders too: as the walk
 * does not visit its descriptors, they would look closed.
 */
static bool snapshot_may_look(struct task_struct *task, void *arg)
{
	struct sockstat_caller caller;
	struct snapshot_builder *builder = arg;

	if (sockstat_access_process(builder->access, task))
		return true;
	sockstat_fd_set_process(&caller, task);
	sockstat_visited_hide(&builder->sink.visited, &caller);
	return false;
}

static bool snapshot_on_socket(const struct sockstat_caller *caller, pid_t pid, struct sock *sk,
			       void *arg)
{
	struct snapshot_builder *builder = arg;

	if (sockstat_ident_is_tracked(sk))
		sockstat_row_descriptor(&builder->sink, caller, sk, pid);
	return builder->sink.used < builder->sink.room;
}

static bool snapshot_is_visible(const struct sockstat_sink *sink, const struct sockstat_holder *h,
				pid_t *pid)
{
	const struct snapshot_builder *builder = container_of(sink, struct snapshot_builder, sink);

	if (!h)
		return sockstat_access_nobody(builder->access);
	*pid = pid_nr_ns(h->process->pid, builder->access->ns);
	return *pid && sockstat_access_past(builder->access, h);
}

static int snapshot_walk_descriptors(struct snapshot_builder *builder)
{
	struct sockstat_fd_walk walk = {
		.ns = builder->access->ns,
		.may_look = snapshot_may_look,
		.found = snapshot_on_socket,
		.arg = builder,
	};
	int err;

	do {
		err = snapshot_prepare_batch(builder);
	} while (!err && !sockstat_fd_walk(&walk));
	builder->sink.unordered |= walk.unordered;
	return err;
}

static int snapshot_walk_unheld(struct snapshot_builder *builder)
{
	struct sockstat_table_pass pass = {};
	int err;

	do {
		err = snapshot_prepare_batch(builder);
	} while (!err && !sockstat_row_unheld(&builder->sink, &pass));
	return err;
}

static int snapshot_walk_closed(struct snapshot_builder *builder)
{
	struct sockstat_history_pass pass;
	int err;

	sockstat_history_begin(&pass);
	do {
		err = snapshot_prepare_batch(builder);
	} while (!err && !sockstat_row_closed(&builder->sink, &pass));
	builder->snap->evicted = sockstat_history_evicted(&pass);
	return err;
}

/* Reschedules, as sort() does not. */
static int snapshot_by_descriptor(const void *pa, const void *pb)
{
	const struct sockstat_row *a = *(struct sockstat_row **)pa;
	const struct sockstat_row *b = *(struct sockstat_row **)pb;

	cond_resched();
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->fd != b->fd)
		return a->fd < b->fd ? -1 : 1;
	return a->id.cookie < b->id.cookie ? -1 : a->id.cookie > b->id.cookie;
}

/* By the clock that nobody sets; first the rows without a time. */
static int snapshot_by_closing(const void *pa, const void *pb)
{
	const struct sockstat_row *a = *(struct sockstat_row **)pa;
	const struct sockstat_row *b = *(struct sockstat_row **)pb;

	cond_resched();
	if (!a->closed != !b->closed)
		return a->closed ? 1 : -1;
	if (a->ago != b->ago)
		return a->ago > b->ago ? -1 : 1;
	return snapshot_by_descriptor(pa, pb);
}

/* Append the rows that @want selects to snap->rows, of which @n are filled; return the new @n. */
static size_t snapshot_collect(struct sockstat_snapshot *snap, size_t n,
			       bool (*want)(const struct sockstat_row *row))
{
	struct snapshot_chunk *chunk;
	unsigned int i;

	list_for_each_entry(chunk, &snap->chunks, list) {
		for (i = 0; i < chunk->used; i++)
			if (want(&chunk->rows[i]))
				snap->rows[n++] = &chunk->rows[i];
		cond_resched();
	}
	return n;
}

static bool snapshot_row_is_unowned(const struct sockstat_row *row)
{
	return !snapshot_row_is_closed(row) && row->pid < 0;
}

static bool snapshot_row_is_owned(const struct sockstat_row *row)
{
	return !snapshot_row_is_closed(row) && row->pid >= 0;
}

/* Drop repeated rows: a descriptor table that threads share may have been walked twice. */
static size_t snapshot_drop_duplicates(struct sockstat_row **rows, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++)
		if (!kept || snapshot_by_descriptor(&rows[kept - 1], &rows[i]))
			rows[kept++] = rows[i];
	return kept;
}

static int snapshot_sort(struct snapshot_builder *builder)
{
	struct sockstat_snapshot *snap = builder->snap;
	size_t nobodys, live, all = 0;
	struct snapshot_chunk *chunk;

	snapshot_save_chunk(builder);
	list_for_each_entry(chunk, &snap->chunks, list)
		all += chunk->used;
	if (!sockstat_quota_charge(snap->quota, &snap->charged, all * sizeof(*snap->rows)))
		return -ENFILE;
	snap->rows = kvmalloc_array(all ?: 1, sizeof(*snap->rows), GFP_KERNEL_ACCOUNT);
	if (!snap->rows)
		return -ENOMEM;
	nobodys = snapshot_collect(snap, 0, snapshot_row_is_unowned);
	sort(snap->rows, nobodys, sizeof(*snap->rows), snapshot_by_descriptor, NULL);
	live = snapshot_collect(snap, nobodys, snapshot_row_is_owned);
	if (builder->sink.unordered) {
		sort(snap->rows + nobodys, live - nobodys, sizeof(*snap->rows),
		     snapshot_by_descriptor, NULL);
		live = nobodys + snapshot_drop_duplicates(snap->rows + nobodys, live - nobodys);
	}
	snap->nr_rows = snapshot_collect(snap, live, snapshot_row_is_closed);
	snap->nr_closed = snap->nr_rows - live;
	sort(snap->rows + live, snap->nr_closed, sizeof(*snap->rows), snapshot_by_closing, NULL);
	return 0;
}

static int snapshot_walk_all(struct snapshot_builder *builder)
{
	int err;

	sockstat_visited_begin(&builder->sink.visited);
	builder->sink.now = sockstat_moment_boot();
	err = snapshot_walk_descriptors(builder);
	if (!err)
		err = snapshot_walk_unheld(builder);
	if (!err)
		err = snapshot_walk_closed(builder);
	sockstat_visited_end(&builder->sink.visited);
	return err;
}

/**
 * sockstat_snapshot_take() - take a snapshot of all descriptors and the history
 * @snap: an empty snapshot
 * @access: decides which rows it has
 *
 * Context: process, may sleep for long; a fatal signal ends it.
 * Return: 0, -EINTR, -ENOMEM, or -ENFILE if it exceeds the quota; free @snap in any
 * case.
 */
int sockstat_snapshot_take(struct sockstat_snapshot *snap, const struct sockstat_access *access)
{
	struct snapshot_builder builder = {
		.sink = { .visible = snapshot_is_visible },
		.snap = snap,
		.access = access,
	};
	int err;

	err = snapshot_walk_all(&builder);
	if (!err)
		err = snapshot_sort(&builder);
	snap->missed = sockstat_hooks_missed();
	snap->dropped = sockstat_table_dropped();
	return err;
}

/**
 * sockstat_snapshot_free() - free the rows of a snapshot
 * @snap: the snapshot, which is empty then
 *
 * Context: process, may sleep.
 */
void sockstat_snapshot_free(struct sockstat_snapshot *snap)
{
	struct snapshot_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &snap->chunks, list)
		kvfree(chunk);
	INIT_LIST_HEAD(&snap->chunks);
	kvfree(snap->rows);
	snap->rows = NULL;
	snap->nr_rows = 0;
	snap->nr_closed = 0;
	sockstat_quota_uncharge(snap->quota, &snap->charged);
}
