// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: the three lines above the rows. */

#include <curses.h>
#include <stdio.h>
#include <time.h>

#include "top_draw.h"

#define SCALE_WIDTH 15 /* of " max 1023/s" or " max 123456789/s", with some reserve */

static void clock_text(int64_t ns, char *text, size_t size)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(text, size, "%H:%M:%S", &tm))
		*text = '\0';
}

static void draw_snapshot(const struct top *top)
{
	const struct sockstat_table *table = &top->view.now.table;
	char text[32];

	clock_text(top->view.now.time, text, sizeof(text));
	attron(A_BOLD);
	top_put("sockstat");
	attroff(A_BOLD);
	top_putf("  %s  every %.3g s  ", text, top->opt.interval);
	if (top->paused) {
		attron(A_REVERSE);
		top_put(" PAUSED ");
		attroff(A_REVERSE);
		top_put("  ");
	}
	top_putf("%zu of %zu rows, %llu closed", (size_t)top->view.sum.descriptors, table->n_rows,
		 (unsigned long long)table->trailer_closed);
	if (table->dropped)
		top_putf(", %llu dropped", (unsigned long long)table->dropped);
}

/* Get the character for one of 9 heights, 0 to 8. */
static const char *height_block(const struct top *top, int height)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const letters[] = { " ", ".", ".", ":", "-", "=", "+", "*", "#" };

	return top->unicode ? blocks[height] : letters[height];
}

static void rate_text(const struct top *top, double rate, char *text, size_t size)
{
	if (top->opt.human)
		human_bytes(rate, text, size);
	else
		snprintf(text, size, "%.0f", rate);
}

/* Draw the history of the throughput of all rows; its maximum is the full height. */
static void draw_sparkline(const struct top *top)
{
	int room = top_room() - SCALE_WIDTH;
	size_t n = room > 0 ? room : 0, i;
	const double *rates;
	char text[32];
	double max = 0;

	if (n > top->n_rates)
		n = top->n_rates;
	if (!n)
		return;
	rates = top->rates + top->n_rates - n;
	for (i = 0; i < n; i++)
		max = rates[i] > max ? rates[i] : max;
	top_color_on(top, TOP_COLOR_BAR);
	for (i = 0; i < n; i++) {
		int height = max > 0 ? (int)(rates[i] / max * 8 + 0.5) : 0;

		addstr(height_block(top, rates[i] > 0 && !height ? 1 : height));
	}
	top_color_off(top, TOP_COLOR_BAR);
	rate_text(top, max, text, sizeof(text));
	top_putf(" max %s/s", text);
}

static void draw_throughput(const struct top *top)
{
	const struct totals *sum = &top->view.sum.totals;
	char tx[32] = "-", rx[32] = "-";

	if (sum->seconds > 0) {
		rate_text(top, sum->tx_delta / sum->seconds, tx, sizeof(tx));
		rate_text(top, sum->rx_delta / sum->seconds, rx, sizeof(rx));
	}
	top_putf("sent %s/s  received %s/s  all rows ", tx, rx);
	draw_sparkline(top);
}

static const char *kinds_word(const struct filter *filter)
{
	if (filter->states)
		return "some";
	switch (filter->kinds) {
	case 0:
		return "open";
	case KIND_CLOSED:
		return "closed";
	case KIND_ALL:
		return "all";
	case KIND_LISTENING:
		return "listening";
	case KIND_CONNECTED:
		return "connected";
	}
	return "some";
}

static void draw_choice(const struct top *top, const struct top_layout *layout)
{
	const struct options *opt = &top->opt;
	char title[CELL_LEN];

	top_layout_title(layout, opt->sort, title);
	top_putf("show %s  by %s  sort %s%s", kinds_word(&opt->filter),
		 opt->group ? group_word(opt->group) : "descriptor", opt->descending ? "-" : "",
		 title);
	if (opt->filter.search[0] && top->input != INPUT_FILTER)
		top_putf("  filter \"%s\"", opt->filter.search);
}

/**
 * top_draw_head - draw the lines above the rows
 * @top: the view
 * @layout: the layout of the rows
 */
void top_draw_head(const struct top *top, const struct top_layout *layout)
{
	move(0, 0);
	draw_snapshot(top);
	move(1, 0);
	draw_throughput(top);
	move(2, 0);
	draw_choice(top, layout);
}
