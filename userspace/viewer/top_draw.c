// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: what is on the screen. */

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "display.h"
#include "top.h"
#include "write.h"

#define HEAD_LINES 4
#define HELP_HEAD 2
#define BAR_LEAST 7 /* its title is whole */
#define RATE_LEAST 5
#define BAR_MOST 30

enum colour {
	COLOUR_GOOD = 1,
	COLOUR_ENDING,
	COLOUR_BAD,
	COLOUR_BAR,
};

static const char *const help[] = {
	"q           quit",
	"space p     pause: the rows stay, all other keys work",
	"up down k j PgUp PgDn Home End    move the rows",
	"< > s S     sort by another column (the marked one)",
	"r           reverse the order",
	"/           filter by a text: Enter keeps, Escape ends it",
	"c           open ones, closed ones, or all",
	"g           totals by command, user, remote host, or rows",
	"u           human units or exact numbers",
	"n           names of services and users, or numbers",
	"+ -         longer or shorter interval",
	"h ?         this help; any key leaves it",
};

/**
 * top_page - how many rows the screen has room for
 */
size_t top_page(void)
{
	int rows = LINES - HEAD_LINES - 1;

	return rows > 0 ? rows : 1;
}

static void colour_on(const struct top *top, enum colour colour)
{
	if (top->colour)
		attron(COLOR_PAIR(colour));
}

static void colour_off(const struct top *top, enum colour colour)
{
	if (top->colour)
		attroff(COLOR_PAIR(colour));
}

/* What is left of the line. Its last cell is never written: the cursor would leave the line. */
static int room_left(void)
{
	return COLS - 1 - getcurx(stdscr);
}

/* All text that may be too long: no line goes on in the next one. */
static void put(const char *text)
{
	addnstr(text, display_fit(text, room_left(), NULL));
}

__attribute__((format(printf, 1, 2))) static void putf(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put(text);
}

static void clock_text(int64_t ns, char *text, size_t size)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(text, size, "%H:%M:%S", &tm))
		*text = '\0';
}

static void draw_state(const struct top *top)
{
	const struct sockstat_table *table = &top->view.now.table;
	char text[32];

	clock_text(top->view.now.time, text, sizeof(text));
	attron(A_BOLD);
	put("sockstat");
	attroff(A_BOLD);
	putf("  %s  every %.3g s  ", text, top->opt.interval);
	if (top->paused) {
		attron(A_REVERSE);
		put(" PAUSED ");
		attroff(A_REVERSE);
		put("  ");
	}
	putf("%zu of %zu rows, %llu closed", (size_t)top->view.sum.descriptors, table->n_rows,
	     (unsigned long long)table->trailer_closed);
	if (table->dropped)
		putf(", %llu dropped", (unsigned long long)table->dropped);
}

/* One of 9 heights, 0 to 8 */
static const char *block(const struct top *top, int height)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const letters[] = { " ", ".", ".", ":", "-", "=", "+", "*", "#" };

	return top->unicode ? blocks[height] : letters[height];
}

/* The throughput of late, as high as its greatest part */
static void draw_sparkline(const struct top *top)
{
	size_t room = room_left(), n = top->n_rates < room ? top->n_rates : room, i;
	const double *rates = top->rates + top->n_rates - n;
	double most = 0;

	for (i = 0; i < n; i++)
		most = rates[i] > most ? rates[i] : most;
	colour_on(top, COLOUR_BAR);
	for (i = 0; i < n; i++) {
		int height = most > 0 ? (int)(rates[i] / most * 8 + 0.5) : 0;

		addstr(block(top, rates[i] > 0 && !height ? 1 : height));
	}
	colour_off(top, COLOUR_BAR);
}

static void draw_throughput(const struct top *top)
{
	const struct group *sum = &top->view.sum;
	char tx[32] = "-", rx[32] = "-";
	double seconds = sum->totals.seconds;

	if (seconds > 0 && top->opt.human) {
		human_bytes(sum->totals.tx_delta / seconds, tx, sizeof(tx));
		human_bytes(sum->totals.rx_delta / seconds, rx, sizeof(rx));
	} else if (seconds > 0) {
		snprintf(tx, sizeof(tx), "%.0f", sum->totals.tx_delta / seconds);
		snprintf(rx, sizeof(rx), "%.0f", sum->totals.rx_delta / seconds);
	}
	putf("sent %s/s  received %s/s  ", tx, rx);
	draw_sparkline(top);
}

static void draw_choice(const struct top *top)
{
	const struct options *opt = &top->opt;
	unsigned int kinds = opt->filter.kinds;

	putf("show %s  by %s  sort %s%s",
	     opt->filter.states	     ? "some" :
	     kinds == KIND_CLOSED    ? "closed" :
	     kinds == KIND_ALL	     ? "all" :
	     kinds == KIND_LISTENING ? "listening" :
	     kinds == KIND_CONNECTED ? "connected" :
	     kinds		     ? "some" :
				       "open",
	     opt->group ? group_word(opt->group) : "descriptor", opt->descending ? "-" : "",
	     opt->sort->name);
	if (opt->filter.search[0] && top->input != INPUT_FILTER)
		putf("  filter \"%s\"", opt->filter.search);
}

static enum colour colour_of(const struct sockstat_row *row)
{
	if (row->error)
		return COLOUR_BAD;
	if (row->state == SOCKSTAT_ESTABLISHED)
		return COLOUR_GOOD;
	if (row->state == SOCKSTAT_LISTEN || row->state == SOCKSTAT_UNCONN)
		return 0;
	return COLOUR_ENDING;
}

static double rate_of(const struct view_column *rate, const void *record)
{
	struct value value;

	rate->get(record, &value);
	return value.kind == VALUE_RATE ? value.rate : 0;
}

static double greatest_rate(const struct top *top, const struct view_column *rate)
{
	const struct sheet *sheet = &top->view.sheet;
	double most = 0, r;
	size_t i;

	for (i = 0; i < sheet->n_records; i++) {
		r = rate_of(rate, sheet->records[i]);
		most = r > most ? r : most;
	}
	return most;
}

static void draw_bar(const struct top *top, double part, int room)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int length = part * room * 8 + 0.5, i;

	if (part > 0 && !length)
		length = 1;
	colour_on(top, COLOUR_BAR);
	for (i = 0; i < length / 8; i++)
		addstr(top->unicode ? "█" : "#");
	if (length % 8)
		addstr(top->unicode ? eighths[length % 8] : ".");
	colour_off(top, COLOUR_BAR);
}

static void draw_title(const struct top *top, const struct sheet *sheet, const int *widths, int bar)
{
	char cell[CELL_PADDED];
	size_t c;

	for (c = 0; c < sheet->n_columns; c++) {
		attr_t how = sheet->columns[c] == top->opt.sort ? A_REVERSE | A_BOLD : A_REVERSE;

		table_cell(sheet->columns[c], sheet->columns[c]->title, widths[c], cell);
		attron(how);
		put(cell);
		attroff(A_BOLD);
		put(" ");
		attroff(A_REVERSE);
	}
	if (bar) {
		bool sorted = !strcmp(top->opt.sort->name, "RATE");

		attron(sorted ? A_REVERSE | A_BOLD : A_REVERSE);
		putf("%-*s", bar, "BYTES/S");
		attroff(A_REVERSE | A_BOLD);
	}
}

static void draw_record(const struct top *top, const struct sheet *sheet, const void *record,
			const int *widths)
{
	enum colour colour = 0;
	char text[CELL_LEN], cell[CELL_PADDED];
	struct value value;
	size_t c;

	if (!top->opt.group)
		colour = colour_of(((const struct entry *)record)->row);
	for (c = 0; c < sheet->n_columns; c++) {
		bool tinted = colour && sheet->columns[c]->flags & COLUMN_STATE;

		sheet->columns[c]->get(record, &value);
		column_text(&value, top->opt.human, text);
		table_cell(sheet->columns[c], text, widths[c], cell);
		if (tinted)
			colour_on(top, colour);
		put(cell);
		if (tinted)
			colour_off(top, colour);
		put(" ");
	}
}

/* What is on the screen decides how wide its columns are. */
static struct sheet visible(const struct top *top)
{
	struct sheet page = top->view.sheet;
	size_t rest = page.n_records - top->first;

	page.records += top->first;
	page.n_records = rest < top_page() ? rest : top_page();
	return page;
}

/* The width of each column; what they and the blanks after them take together */
static int measure(const struct sheet *page, bool human, int *widths)
{
	int length = 0;
	size_t i;

	table_widths(page, human, true, widths);
	for (i = 0; i < page->n_columns; i++) {
		/* rates come and go: their columns stay where they are */
		if (page->columns[i]->flags & COLUMN_RATE && widths[i] < RATE_LEAST)
			widths[i] = RATE_LEAST;
	}
	table_fit(page, widths, COLS - 1 - BAR_LEAST - 1);
	for (i = 0; i < page->n_columns; i++)
		length += widths[i] + 1;
	return length;
}

static void draw_rows(const struct top *top)
{
	const struct view_column *rate = options_column(top->opt.group, "rate");
	double most = greatest_rate(top, rate);
	struct sheet page = visible(top);
	int widths[MAX_VIEW_COLUMNS], length, bar;
	size_t i;

	/* the last ones, which say least, are left out until the others fit as a whole */
	while ((length = measure(&page, top->opt.human, widths)) > COLS && page.n_columns > 1)
		page.n_columns--;
	bar = COLS - 1 - length;
	bar = bar < BAR_LEAST ? 0 : bar > BAR_MOST ? BAR_MOST : bar;
	if (top->opt.filter.kinds == KIND_CLOSED && !top->opt.group)
		bar = 0;
	move(HEAD_LINES - 1, 0);
	draw_title(top, &page, widths, bar);
	for (i = 0; i < page.n_records; i++) {
		move(HEAD_LINES + i, 0);
		draw_record(top, &page, page.records[i], widths);
		if (bar && most > 0)
			draw_bar(top, rate_of(rate, page.records[i]) / most, bar);
	}
}

/* Of a long one its end, which is where the next letter comes */
static void draw_search(const char *search)
{
	size_t len = strlen(search), room;

	put("filter: ");
	room = room_left() - 1;
	put(len > room ? search + len - room : search);
	put("_");
}

/* As many as fit as a whole */
static void draw_hints(void)
{
	static const char *const hints[] = { "q quit",	 "? help",   "space pause", "< > sort",
					     "/ filter", "c closed", "g group" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hints) && (int)strlen(hints[i]) <= room_left(); i++) {
		put(hints[i]);
		put("  ");
	}
}

static void draw_foot(const struct top *top)
{
	move(LINES - 1, 0);
	if (top->input == INPUT_FILTER) {
		draw_search(top->opt.filter.search);
	} else if (top->sentence[0]) {
		colour_on(top, COLOUR_BAD);
		put(top->sentence);
		colour_off(top, COLOUR_BAD);
	} else {
		draw_hints();
	}
}

/* How many of its lines the screen has room for */
static size_t help_page(void)
{
	int room = LINES - HELP_HEAD;

	return room > 0 ? room : 1;
}

/**
 * top_next_help - turn the help's page
 * @top: the view
 *
 * Return: whether there was another one.
 */
bool top_next_help(struct top *top)
{
	top->help += help_page();
	return top->help < ARRAY_SIZE(help);
}

static void draw_help(const struct top *top)
{
	bool whole = top->help + help_page() >= ARRAY_SIZE(help);
	size_t i;

	move(0, 0);
	put("sockstat --top: its keys");
	put(whole ? "" : " (any key: the rest of them)");
	for (i = top->help; i < ARRAY_SIZE(help) && i - top->help < help_page(); i++) {
		move(HELP_HEAD + i - top->help, 2);
		put(help[i]);
	}
}

/**
 * top_draw - draw the screen anew
 * @top: the view
 */
void top_draw(const struct top *top)
{
	erase();
	if (LINES < TOP_LINES || COLS < TOP_COLUMNS) {
		char text[64];

		snprintf(text, sizeof(text), "too small: make it %dx%d", TOP_COLUMNS, TOP_LINES);
		mvaddnstr(0, 0, text, COLS);
	} else if (top->input == INPUT_HELP) {
		draw_help(top);
	} else {
		move(0, 0);
		draw_state(top);
		move(1, 0);
		draw_throughput(top);
		move(2, 0);
		draw_choice(top);
		draw_rows(top);
		draw_foot(top);
	}
	refresh();
}
