/* SPDX-License-Identifier: GPL-2.0-only */
/* One reading of the table, and the sentence for one that failed. */
#ifndef VIEWER_SNAPSHOT_H
#define VIEWER_SNAPSHOT_H

#include "../procfile.h"

#define SENTENCE_LEN 512

/**
 * struct snapshot - one reading of the table
 * @table: what was read
 * @time: when, ns since the epoch; of a saved table, when it was saved
 * @clock: when, in ns of a clock that is never set
 */
struct snapshot {
	struct sockstat_table table;
	int64_t time;
	int64_t clock;
};

bool snapshot_take(struct snapshot *snapshot, const char *path, char sentence[SENTENCE_LEN]);
void snapshot_free(struct snapshot *snapshot);

#endif /* VIEWER_SNAPSHOT_H */
