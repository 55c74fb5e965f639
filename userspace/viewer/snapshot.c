// SPDX-License-Identifier: GPL-2.0-only
/* One snapshot of the table, and the message for one that cannot be taken. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "snapshot.h"

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* A saved table describes the moment at which its file was last written. */
static int64_t table_time(const char *path)
{
	struct stat st;
	bool has_stat = path && !(strcmp(path, "-") ? stat(path, &st) : fstat(STDIN_FILENO, &st));

	if (has_stat && S_ISREG(st.st_mode) && st.st_size)
		return st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	return clock_ns(CLOCK_REALTIME);
}

/* Write why the table cannot be read, and how to correct that. */
static void explain(int err, const char *path, const struct sockstat_table *table, char *sentence)
{
	const char *name = !path ? SOCKSTAT_PROC_PATH : strcmp(path, "-") ? path : "standard input";

	if (err == -ENOENT && !path)
		snprintf(sentence, SENTENCE_LEN,
			 "there is no %s: load the module as root, by \"modprobe sockstat\" or "
			 "\"insmod sockstat.ko\"",
			 name);
	else if (err == -EACCES || err == -EPERM)
		snprintf(
			sentence, SENTENCE_LEN,
			"%s may not be read here: run sockstat as root, or outside of this sandbox",
			name);
	else if (err == -EPROTO && table->version > SOCKSTAT_FORMAT_VERSION)
		snprintf(sentence, SENTENCE_LEN,
			 "%s: %s: use the sockstat that belongs to the newer module", name,
			 table->error);
	else if (err == -EPROTO)
		snprintf(sentence, SENTENCE_LEN,
			 "%s: %s: load the module that came with this sockstat", name,
			 table->error);
	else if (err == -EBADMSG)
		snprintf(sentence, SENTENCE_LEN, "%s is not a complete copy of %s: %s", name,
			 SOCKSTAT_PROC_PATH, table->error);
	else if (strncmp(table->error, name, strlen(name)))
		snprintf(sentence, SENTENCE_LEN, "%s: %s", name, table->error);
	else
		snprintf(sentence, SENTENCE_LEN, "%s", table->error);
}

/**
 * snapshot_take - read the table
 * @snapshot: the result; the caller frees it with snapshot_free()
 * @path: the path of a saved table, "-" for standard input; NULL: /proc/sockstat
 * @sentence: on failure, the reason and how to correct it
 *
 * Return: whether it succeeded. On failure @snapshot need not be freed.
 */
bool snapshot_take(struct snapshot *snapshot, const char *path, char sentence[SENTENCE_LEN])
{
	int err;

	if (path && !strcmp(path, "-"))
		err = sockstat_table_read_fd(&snapshot->table, STDIN_FILENO);
	else
		err = sockstat_table_read(&snapshot->table, path);
	snapshot->clock = clock_ns(CLOCK_BOOTTIME);
	snapshot->time = table_time(path);
	if (err)
		explain(err, path, &snapshot->table, sentence);
	return !err;
}

/**
 * snapshot_free - free the memory of a snapshot
 * @snapshot: a snapshot, or zero
 */
void snapshot_free(struct snapshot *snapshot)
{
	sockstat_table_free(&snapshot->table);
}
