/* SPDX-License-Identifier: GPL-2.0-only */
/* The full-screen view: the parts of the screen. */
#ifndef VIEWER_TOP_DRAW_H
#define VIEWER_TOP_DRAW_H

#include "top.h"

#define TOP_HEAD_LINES 4 /* the lines above the rows */
#define TOP_FOOT_LINES 1

/* Color pairs; 0 is the terminal's own color */
enum top_color {
	TOP_COLOR_GOOD = 1,
	TOP_COLOR_ENDING,
	TOP_COLOR_BAD,
	TOP_COLOR_BAR,
};

/**
 * struct top_layout - the columns for which the screen has room
 * @page: the records on the screen, with @columns
 * @columns: the columns
 * @order: for each of them, its index in &struct top.columns
 * @texts: the widths of their widest texts
 * @titles: the widths of their titles
 * @widths: their widths on the screen
 * @bar: the width of the bars at the right, 0: no bars
 * @brief: titles, states and times are abbreviated
 */
struct top_layout {
	struct sheet page;
	const struct view_column *columns[MAX_VIEW_COLUMNS];
	size_t order[MAX_VIEW_COLUMNS];
	int texts[MAX_VIEW_COLUMNS];
	int titles[MAX_VIEW_COLUMNS];
	int widths[MAX_VIEW_COLUMNS];
	int bar;
	bool brief;
};

int top_room(void);
void top_put(const char *text);
__attribute__((format(printf, 1, 2))) void top_putf(const char *format, ...);
void top_color_on(const struct top *top, enum top_color color);
void top_color_off(const struct top *top, enum top_color color);

void top_layout(const struct top *top, struct top_layout *layout);
void top_layout_title(const struct top_layout *layout, const struct view_column *column,
		      char title[CELL_LEN]);
void top_layout_cell(const struct top *top, const struct top_layout *layout, size_t c,
		     const void *record, char cell[CELL_PADDED]);

void top_draw_head(const struct top *top, const struct top_layout *layout);
void top_draw_detail(const struct top *top);

#endif /* VIEWER_TOP_DRAW_H */
