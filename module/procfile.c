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
 * struct procfile_reader - one open file
 * @read_mutex: held while a snapshot is taken or printed
 * @access: what may be seen in it
 * @taken: @snap is there
 * @snap: what is being read
 * @layout: its columns
 */
struct procfile_reader {
	struct mutex read_mutex; /* one read at a time: none sees half a snapshot */
	struct sockstat_access access;
	bool taken;
	struct sockstat_snapshot snap;
	struct sockstat_layout layout;
};

/* Position 0 is the header, then come the rows, then the trailer. */
static void *procfile_seq_start(struct seq_file *m, loff_t *pos)
{
	struct procfile_reader *reader = m->private;

	return *pos <= reader->snap.nr_rows + 1 ? pos : NULL;
}

static void *procfile_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return procfile_seq_start(m, pos);
}

static void procfile_seq_stop(struct seq_file *m, void *v)
{
}

static int procfile_seq_show(struct seq_file *m, void *v)
{
	struct procfile_reader *reader = m->private;
	size_t line = *(loff_t *)v;

	if (!line)
		sockstat_text_header(m, &reader->layout);
	else if (line <= reader->snap.nr_rows)
		sockstat_text_row(m, &reader->layout, reader->snap.rows[line - 1]);
	else
		sockstat_text_trailer(m, &reader->snap);
	return 0;
}

static const struct seq_operations procfile_seq_ops = {
	.start = procfile_seq_start,
	.next = procfile_seq_next,
	.stop = procfile_seq_stop,
	.show = procfile_seq_show,
};

static int procfile_open(struct inode *inode, struct file *file)
{
	struct seq_file *m;
	struct procfile_reader *reader;

	reader = __seq_open_private(file, &procfile_seq_ops, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	m = file->private_data;
	m->buf = kvmalloc(BUFFER, GFP_KERNEL_ACCOUNT);
	if (!m->buf) {
		seq_release_private(inode, file);
		return -ENOMEM;
	}
	m->size = BUFFER;
	mutex_init(&reader->read_mutex);
	INIT_LIST_HEAD(&reader->snap.chunks);
	sockstat_access_init(&reader->access, file);
	return 0;
}

static int procfile_release(struct inode *inode, struct file *file)
{
	struct procfile_reader *reader = ((struct seq_file *)file->private_data)->private;

	sockstat_snapshot_free(&reader->snap);
	sockstat_access_exit(&reader->access);
	mutex_destroy(&reader->read_mutex);
	return seq_release_private(inode, file);
}

static int procfile_take_snapshot(struct procfile_reader *reader, const struct file *file)
{
	int err;

	sockstat_snapshot_free(&reader->snap);
	err = sockstat_snapshot_take(&reader->snap, &reader->access);
	reader->taken = !err;
	if (err)
		sockstat_snapshot_free(&reader->snap);
	else
		sockstat_text_layout(&reader->layout, &reader->snap, file->f_cred->user_ns);
	return err;
}

static ssize_t procfile_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct seq_file *m = file->private_data;
	struct procfile_reader *reader = m->private;
	ssize_t ret = 0;

	if (mutex_lock_killable(&reader->read_mutex))
		return -EINTR;
	if (!iocb->ki_pos || !reader->taken) {
		ret = procfile_take_snapshot(reader, file);
		/* where in the text it stood was in another snapshot's */
		m->read_pos = 0;
	}
	if (!ret)
		ret = seq_read_iter(iocb, to);
	mutex_unlock(&reader->read_mutex);
	return ret;
}

static const struct proc_ops procfile_ops = {
	.proc_open = procfile_open,
	.proc_read_iter = procfile_read,
	/* seq_lseek() would look into the snapshot: reading does that */
	.proc_lseek = no_seek_end_llseek,
	.proc_release = procfile_release,
};

/* proc_create() would leave a backtrace in the log and call it -ENOMEM. */
static bool procfile_name_is_taken(void)
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
	if (procfile_name_is_taken()) {
		pr_err("another module has made /proc/" NAME ": unload that first\n");
		return -EEXIST;
	}
	if (!proc_create(NAME, 0444, NULL, &procfile_ops)) {
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
