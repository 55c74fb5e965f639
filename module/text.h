/* SPDX-License-Identifier: GPL-2.0-only */
/* Formats a snapshot as lines of text with aligned columns. */
#ifndef SOCKSTAT_TEXT_H
#define SOCKSTAT_TEXT_H

#include <linux/seq_file.h>

#include "snapshot.h"

#define SOCKSTAT_COLUMNS 23

/**
 * struct sockstat_layout - widths of the columns of a snapshot
 * @width: width in characters, by column
 * @length: length of a line in which no cell is wider than its column
 */
struct sockstat_layout {
	u8 width[SOCKSTAT_COLUMNS];
	unsigned int length;
};

void sockstat_text_layout(struct sockstat_layout *layout, const struct sockstat_snapshot *snap,
			  struct user_namespace *user_ns);
void sockstat_text_header(struct seq_file *m, const struct sockstat_layout *layout);
void sockstat_text_row(struct seq_file *m, const struct sockstat_layout *layout,
		       const struct sockstat_row *row);
void sockstat_text_trailer(struct seq_file *m, const struct sockstat_snapshot *snap);

#endif /* SOCKSTAT_TEXT_H */
