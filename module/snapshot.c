// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "access.h"
#include "fd.h"
#include "history.h"
#include "hooks.h"
#include "snapshot.h"
#include "table.h"

/* The allocator rounds up to a power of two; a batch takes several of them. */
#define CHUNK_SIZE SZ_16K
#define CHUNK_ROWS ((CHUNK_SIZE - sizeof(struct chunk)) / sizeof(struct sockstat_row))

struct chunk {
	struct list_head list;
	unsigned int used;
	struct sockstat_row rows[];
};

/* What one reader is doing; the sink is the chunk that is being filled. */
struct picture {
	struct sockstat_sink sink;
	struct sockstat_snapshot *snap;
	struct chunk *chunk;
	const struct sockstat_access *access;
};

/* The marks that a snapshot leaves on records are one reader's at a time. */
static DEFINE_MUTEX(one_at_a_time);

static bool row_is_closed(const struct sockstat_row *row)
{
	return !row->state;
}

static void sink_save(struct picture *pic)
{
	if (pic->chunk)
		pic->chunk->used = pic->sink.used;
}

/* Between batches: make room, have records at hand, let others run. */
static int breathe(struct picture *pic)
{
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	sockstat_table_refill();
	sink_save(pic);
	if (pic->chunk && pic->chunk->used < CHUNK_ROWS)
		return 0;
	pic->chunk = kvmalloc(CHUNK_SIZE, GFP_KERNEL_ACCOUNT);
	if (!pic->chunk)
		return -ENOMEM;
	pic->chunk->used = 0;
	list_add_tail(&pic->chunk->list, &pic->snap->chunks);
	pic->sink.rows = pic->chunk->rows;
	pic->sink.room = CHUNK_ROWS;
	pic->sink.used = 0;
	return 0;
}

/* What it used is not shown either: who may not look cannot know that it is closed. */
static bool may_look(struct task_struct *task, void *arg)
{
	struct sockstat_caller caller;
	struct picture *pic = arg;

	if (sockstat_access_process(pic->access, task))
		return true;
	sockstat_fd_set_process(&caller, task);
	sockstat_process_hide(&caller, pic->sink.generation);
	return false;
}

static bool found(const struct sockstat_caller *caller, pid_t pid, struct sock *sk, void *arg)
{
	struct picture *pic = arg;

	if (sockstat_table_tracks(sk))
		sockstat_row_descriptor(&pic->sink, caller, sk, pid);
	return pic->sink.used < pic->sink.room;
}

static bool visible(const struct sockstat_sink *sink, const struct sockstat_holder *h, pid_t *pid)
{
	const struct picture *pic = container_of(sink, struct picture, sink);

	if (!h)
		return sockstat_access_nobody(pic->access);
	*pid = pid_nr_ns(h->process->pid, pic->access->ns);
	return *pid && sockstat_access_past(pic->access, h);
}

static int walk_descriptors(struct picture *pic)
{
	struct sockstat_fd_walk walk = {
		.ns = pic->access->ns,
		.may_look = may_look,
		.found = found,
		.arg = pic,
	};
	int err;

	do {
		err = breathe(pic);
	} while (!err && !sockstat_fd_walk(&walk));
	pic->sink.unordered |= walk.unordered;
	return err;
}

static int walk_unheld(struct picture *pic)
{
	unsigned int place = 0;
	int err;

	do {
		err = breathe(pic);
	} while (!err && !sockstat_row_unheld(&pic->sink, &place));
	return err;
}

static int walk_closed(struct picture *pic)
{
	int err;

	sockstat_history_pin();
	do {
		err = breathe(pic);
	} while (!err && !sockstat_row_closed(&pic->sink));
	if (sockstat_history_unpin())
		sockstat_table_trim();
	return err;
}

static int order(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

/* Also lets others run, which sort() does not. */
static int by_descriptor(const void *pa, const void *pb)
{
	const struct sockstat_row *a = *(struct sockstat_row **)pa;
	const struct sockstat_row *b = *(struct sockstat_row **)pb;

	cond_resched();
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->fd != b->fd)
		return a->fd < b->fd ? -1 : 1;
	return order(a->id.cookie, b->id.cookie);
}

static int by_closing(const void *pa, const void *pb)
{
	const struct sockstat_row *a = *(struct sockstat_row **)pa;
	const struct sockstat_row *b = *(struct sockstat_row **)pb;

	cond_resched();
	return order(a->closed, b->closed) ?: by_descriptor(pa, pb);
}

/* Rows of one kind, in the order in which they were found. */
static size_t collect(struct sockstat_snapshot *snap, size_t n,
		      bool (*want)(const struct sockstat_row *row))
{
	struct chunk *chunk;
	unsigned int i;

	list_for_each_entry(chunk, &snap->chunks, list) {
		for (i = 0; i < chunk->used; i++)
			if (want(&chunk->rows[i]))
				snap->rows[n++] = &chunk->rows[i];
		cond_resched();
	}
	return n;
}

static bool is_nobodys(const struct sockstat_row *row)
{
	return !row_is_closed(row) && row->pid < 0;
}

static bool is_somebodys(const struct sockstat_row *row)
{
	return !row_is_closed(row) && row->pid >= 0;
}

/* A table that threads share may have been walked twice. */
static size_t drop_repeated(struct sockstat_row **rows, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++)
		if (!kept || by_descriptor(&rows[kept - 1], &rows[i]))
			rows[kept++] = rows[i];
	return kept;
}

static int put_in_order(struct picture *pic)
{
	struct sockstat_snapshot *snap = pic->snap;
	size_t nobodys, live, all = 0;
	struct chunk *chunk;

	sink_save(pic);
	list_for_each_entry(chunk, &snap->chunks, list)
		all += chunk->used;
	snap->rows = kvmalloc_array(all ?: 1, sizeof(*snap->rows), GFP_KERNEL_ACCOUNT);
	if (!snap->rows)
		return -ENOMEM;
	nobodys = collect(snap, 0, is_nobodys);
	sort(snap->rows, nobodys, sizeof(*snap->rows), by_descriptor, NULL);
	live = collect(snap, nobodys, is_somebodys);
	if (pic->sink.unordered) {
		sort(snap->rows + nobodys, live - nobodys, sizeof(*snap->rows), by_descriptor,
		     NULL);
		live = nobodys + drop_repeated(snap->rows + nobodys, live - nobodys);
	}
	snap->nr_rows = collect(snap, live, row_is_closed);
	snap->nr_closed = snap->nr_rows - live;
	sort(snap->rows + live, snap->nr_closed, sizeof(*snap->rows), by_closing, NULL);
	return 0;
}

static int take(struct picture *pic)
{
	int err;

	pic->sink.generation = sockstat_table_snapshot_begin();
	err = walk_descriptors(pic);
	if (!err)
		err = walk_unheld(pic);
	if (!err)
		err = walk_closed(pic);
	return err;
}

/**
 * sockstat_snapshot_take() - picture everything as it is now
 * @snap: an empty snapshot
 * @access: what may be seen of it
 *
 * Context: process, may sleep long, killable.
 * Return: 0, -EINTR or -ENOMEM; @snap is to be freed in any case.
 */
int sockstat_snapshot_take(struct sockstat_snapshot *snap, const struct sockstat_access *access)
{
	struct picture pic = {
		.sink = { .visible = visible },
		.snap = snap,
		.access = access,
	};
	int err;

	if (mutex_lock_killable(&one_at_a_time))
		return -EINTR;
	err = take(&pic);
	mutex_unlock(&one_at_a_time);
	if (!err)
		err = put_in_order(&pic);
	snap->missed = sockstat_hooks_missed();
	snap->dropped = sockstat_table_dropped();
	return err;
}

/**
 * sockstat_snapshot_free() - forget the rows
 * @snap: a snapshot, left empty
 *
 * Context: process, may sleep.
 */
void sockstat_snapshot_free(struct sockstat_snapshot *snap)
{
	struct chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &snap->chunks, list)
		kvfree(chunk);
	INIT_LIST_HEAD(&snap->chunks);
	kvfree(snap->rows);
	snap->rows = NULL;
	snap->nr_rows = 0;
	snap->nr_closed = 0;
}
