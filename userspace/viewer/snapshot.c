// SPDX-License-Identifier: GPL-2.0-only
/* One reading of the table, and the sentence for one that failed. */

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

/* When what a file says was so: a saved one was true when it was saved. */
static int64_t time_of(const char *path)
{
	struct stat st;
	bool is = path && !(strcmp(path, "-") ? stat(path, &st) : fstat(STDIN_FILENO, &st));

	if (is && S_ISREG(st.st_mode) && st.st_size)
		return st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	return clock_ns(CLOCK_REALTIME);
}

/* What to do about a table that could not be read */
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
		snprintf(sentence, SENTENCE_LEN, "%s is not a whole table of sockstat: %s", name,
			 table->error);
	else if (strncmp(table->error, name, strlen(name)))
		snprintf(sentence, SENTENCE_LEN, "%s: %s", name, table->error);
	else
		snprintf(sentence, SENTENCE_LEN, "%s", table->error);
}

/**
 * snapshot_take - read the table
 * @snapshot: to be filled; the caller frees it with snapshot_free()
 * @path: of a saved table, "-" for standard input; NULL: of the module
 * @sentence: what is wrong and what to do, where it fails
 *
 * Return: whether it succeeded.
 */
bool snapshot_take(struct snapshot *snapshot, const char *path, char sentence[SENTENCE_LEN])
{
	int err;

	if (path && !strcmp(path, "-"))
		err = sockstat_table_read_fd(&snapshot->table, STDIN_FILENO);
	else
		err = sockstat_table_read(&snapshot->table, path);
	snapshot->clock = clock_ns(CLOCK_MONOTONIC);
	snapshot->time = time_of(path);
	if (err)
		explain(err, path, &snapshot->table, sentence);
	return !err;
}

/**
 * snapshot_free - give its memory back
 * @snapshot: what snapshot_take() filled, or zero
 */
void snapshot_free(struct snapshot *snapshot)
{
	sockstat_table_free(&snapshot->table);
}
