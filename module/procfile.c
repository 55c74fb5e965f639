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
#include "quota.h"
#include "text.h"

#define NAME "sockstat"

/* Size of the seq_file's buffer, which limits one read() to less than 256 lines. */
#define BUFFER SZ_32K

/**
 * struct procfile_reader - an open file
 * @read_mutex: held while @snap is taken or printed
 * @access: the process that opened it
 * @taken: @snap and @layout are valid
 * @snap: the snapshot that is being read
 * @layout: widths of the columns of @snap
 */
struct procfile_reader {
	struct mutex read_mutex; /* protects all but @access */
	struct sockstat_access access;
	bool taken;
	struct sockstat_snapshot snap;
	struct sockstat_layout layout;
};

/* Position 0 is the header; the rows and the trailer follow. */
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
	int err = -ENOMEM;

	reader = __seq_open_private(file, &procfile_seq_ops, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	m = file->private_data;
	m->buf = kvmalloc(BUFFER, GFP_KERNEL_ACCOUNT);
	if (m->buf)
		err = sockstat_quota_get(&reader->snap.quota, file);
	if (err) {
		seq_release_private(inode, file);
		return err;
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
	sockstat_quota_put(reader->snap.quota);
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
		/* make seq_read_iter() look for the position in the new text */
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
	/* not seq_lseek(): it would print rows, outside read_mutex, to find the position */
	.proc_lseek = no_seek_end_llseek,
	.proc_release = procfile_release,
};

/* Checked first, as proc_create() logs a backtrace for a name that exists and returns NULL. */
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
 * sockstat_procfile_create() - create /proc/sockstat
 *
 * Readers may open it before this returns.
 *
 * Context: process, may sleep.
 * Return: 0; -EEXIST or -ENOMEM, with the reason in the kernel log.
 */
int sockstat_procfile_create(void)
{
	if (procfile_name_is_taken()) {
		pr_err("another module has created /proc/" NAME ": unload it first\n");
		return -EEXIST;
	}
	if (!proc_create(NAME, 0444, NULL, &procfile_ops)) {
		pr_err("cannot create /proc/" NAME "\n");
		return -ENOMEM;
	}
	return 0;
}

/**
 * sockstat_procfile_remove() - remove /proc/sockstat
 *
 * Waits for system calls on it that are running; later reads of files that are
 * still open fail with EIO.
 *
 * Context: process, may sleep.
 */
void sockstat_procfile_remove(void)
{
	remove_proc_entry(NAME, NULL);
}
