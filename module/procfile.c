// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/magic.h>
#include <linux/mutex.h>
#include <linux/namei.h>
#include <linux/printk.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "access.h"
#include "procfile.h"
#include "text.h"

#define NAME "sockstat"

/* What one read() gives at most: fewer than 256 lines. */
#define BUFFER SZ_32K

/**
 * struct reading - one open file
 * @lock: held while a snapshot is taken or printed
 * @access: what may be seen in it
 * @taken: @snap is there
 * @snap: what is being read
 * @layout: its columns
 */
struct reading {
	struct mutex lock; /* one read at a time: none sees half a snapshot */
	struct sockstat_access access;
	bool taken;
	struct sockstat_snapshot snap;
	struct sockstat_layout layout;
};

/* Position 0 is the header, then come the rows, then the trailer. */
static void *start(struct seq_file *m, loff_t *pos)
{
	struct reading *r = m->private;

	return *pos <= r->snap.nr_rows + 1 ? pos : NULL;
}

static void *next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return start(m, pos);
}

static void stop(struct seq_file *m, void *v)
{
}

static int show(struct seq_file *m, void *v)
{
	struct reading *r = m->private;
	size_t line = *(loff_t *)v;

	if (!line)
		sockstat_text_header(m, &r->layout);
	else if (line <= r->snap.nr_rows)
		sockstat_text_row(m, &r->layout, r->snap.rows[line - 1]);
	else
		sockstat_text_trailer(m, &r->snap);
	return 0;
}

static const struct seq_operations lines = {
	.start = start,
	.next = next,
	.stop = stop,
	.show = show,
};

static int proc_open(struct inode *inode, struct file *file)
{
	struct seq_file *m;
	struct reading *r;

	r = __seq_open_private(file, &lines, sizeof(*r));
	if (!r)
		return -ENOMEM;
	m = file->private_data;
	m->buf = kvmalloc(BUFFER, GFP_KERNEL_ACCOUNT);
	if (!m->buf) {
		seq_release_private(inode, file);
		return -ENOMEM;
	}
	m->size = BUFFER;
	mutex_init(&r->lock);
	INIT_LIST_HEAD(&r->snap.chunks);
	sockstat_access_init(&r->access, file);
	return 0;
}

static int proc_release(struct inode *inode, struct file *file)
{
	struct reading *r = ((struct seq_file *)file->private_data)->private;

	sockstat_snapshot_free(&r->snap);
	sockstat_access_exit(&r->access);
	mutex_destroy(&r->lock);
	return seq_release_private(inode, file);
}

static int take_snapshot(struct reading *r, const struct file *file)
{
	int err;

	sockstat_snapshot_free(&r->snap);
	err = sockstat_snapshot_take(&r->snap, &r->access);
	r->taken = !err;
	if (err)
		sockstat_snapshot_free(&r->snap);
	else
		sockstat_text_layout(&r->layout, &r->snap, file->f_cred->user_ns);
	return err;
}

static ssize_t proc_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct seq_file *m = file->private_data;
	struct reading *r = m->private;
	ssize_t ret = 0;

	if (mutex_lock_killable(&r->lock))
		return -EINTR;
	if (!iocb->ki_pos || !r->taken) {
		ret = take_snapshot(r, file);
		/* where in the text it stood was in another snapshot's */
		m->read_pos = 0;
	}
	if (!ret)
		ret = seq_read_iter(iocb, to);
	mutex_unlock(&r->lock);
	return ret;
}

static const struct proc_ops ops = {
	.proc_open = proc_open,
	.proc_read_iter = proc_read,
	/* seq_lseek() would look into the snapshot: reading does that */
	.proc_lseek = no_seek_end_llseek,
	.proc_release = proc_release,
};

/* proc_create() would leave a backtrace in the log and call it -ENOMEM. */
static bool is_taken(void)
{
	struct path path;
	bool taken;

	if (kern_path("/proc/" NAME, 0, &path))
		return false;
	taken = path.dentry->d_sb->s_magic == PROC_SUPER_MAGIC;
	path_put(&path);
	return taken;
}

/**
 * sockstat_procfile_create() - make /proc/sockstat
 *
 * Context: process, may sleep. Readers come from here on.
 * Return: 0, -EEXIST or -ENOMEM.
 */
int sockstat_procfile_create(void)
{
	if (is_taken()) {
		pr_err("another module has made /proc/" NAME ": unload that first\n");
		return -EEXIST;
	}
	if (!proc_create(NAME, 0444, NULL, &ops)) {
		pr_err("cannot create /proc/" NAME "\n");
		return -ENOMEM;
	}
	return 0;
}

/**
 * sockstat_procfile_remove() - take /proc/sockstat away
 *
 * Context: process, may sleep. Waits for reads under way; files that are still
 * open give no more.
 */
void sockstat_procfile_remove(void)
{
	remove_proc_entry(NAME, NULL);
}
