/* SPDX-License-Identifier: GPL-2.0-only */
/* One snapshot of the table, and the message for one that cannot be taken. */
#ifndef VIEWER_SNAPSHOT_H
#define VIEWER_SNAPSHOT_H

#include "../procfile.h"

#define SENTENCE_LEN 512

/**
 * struct snapshot - one snapshot of the table
 * @table: the table
 * @time: when it was taken, in ns since the epoch; of a saved table, when that was saved
 * @clock: when it was taken, in ns of CLOCK_BOOTTIME, which nobody sets
 */
struct snapshot {
	struct sockstat_table table;
	int64_t time;
	int64_t clock;
};

bool snapshot_take(struct snapshot *snapshot, const char *path, char sentence[SENTENCE_LEN]);
void snapshot_free(struct snapshot *snapshot);

#endif /* VIEWER_SNAPSHOT_H */
