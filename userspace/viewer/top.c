// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: its terminal, and when it reads the table. */

#include <curses.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "display.h"
#include "top.h"

#define ESCAPE_MS 25 /* for the rest of a key that begins with Escape */

static int stopped; /* by a signal */

static void stop(int sig)
{
	(void)sig;
	__atomic_store_n(&stopped, 1, __ATOMIC_RELAXED);
}

/*
 * Whatever ends it, the terminal has to be as it was. None of them, and no new
 * size, comes but in ppoll() and while a table is read: just before ppoll(), it
 * would be lost until a key is pressed.
 */
static void catch_signals(sigset_t *before)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction action = { .sa_handler = stop };
	sigset_t caught;
	size_t i;

	sigemptyset(&caught);
	sigaddset(&caught, SIGWINCH);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		sigaction(ends[i], &action, NULL);
		sigaddset(&caught, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &caught, before);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* The screen's own columns: what fits, from what says most */
static void choose_columns(struct top *top)
{
	static const char *const open[] = {
		"command", "pid",     "fd",	 "local",    "remote",
		"state",   "tx_rate", "rx_rate", "tx_bytes", "rx_bytes"
	};
	static const char *const closed[] = {
		"command", "pid",   "fd",     "local",	  "remote",
		"role",	   "error", "closed", "tx_bytes", "rx_bytes"
	};
	const char *const *names = top->opt.filter.kinds == KIND_CLOSED ? closed : open;
	struct options *opt = &top->opt;
	size_t i;

	if (opt->group) {
		options_default_columns(opt);
		return;
	}
	opt->n_columns = 0;
	for (i = 0; i < ARRAY_SIZE(open); i++) {
		const struct view_column *column = options_column(GROUP_NONE, names[i]);

		if (COLS >= column->top_width)
			opt->columns[opt->n_columns++] = column;
	}
}

/**
 * top_arrange - choose columns, and the order if the user has not
 * @top: after the terminal's size or the kind of rows has changed
 */
void top_arrange(struct top *top)
{
	struct options *opt = &top->opt;
	bool closed = opt->filter.kinds == KIND_CLOSED && !opt->group;
	size_t i;

	choose_columns(top);
	top->n_sort = 0;
	for (i = 0; i < opt->n_columns; i++)
		top->sort[top->n_sort++] = opt->columns[i];
	if (!closed)
		top->sort[top->n_sort++] = options_column(opt->group, "rate");
	if (top->by_user && options_column(opt->group, opt->sort->name)) {
		opt->sort = options_column(opt->group, opt->sort->name);
	} else {
		opt->sort = options_column(opt->group, closed ? "closed" : "rate");
		opt->descending = true;
	}
}

/**
 * top_select - show the snapshot as the keys would have it
 * @top: after something has changed
 */
void top_select(struct top *top)
{
	size_t last;

	if (!view_select(&top->view, top->sentence))
		return;
	last = top->view.sheet.n_records;
	last -= last < top_page() ? last : top_page();
	if (top->first > last)
		top->first = last;
}

static void add_rate(struct top *top)
{
	const struct group *sum = &top->view.sum;

	if (sum->totals.seconds <= 0)
		return;
	if (top->n_rates == TOP_HISTORY)
		memmove(top->rates, top->rates + 1, --top->n_rates * sizeof(*top->rates));
	top->rates[top->n_rates++] = (sum->totals.tx_delta + sum->totals.rx_delta) / sum->totals.seconds;
}

/* What fails may succeed the next time (the module is loaded again): it is said, and that is all. */
static void next_snapshot(struct top *top)
{
	top->sentence[0] = '\0';
	if (!view_read(&top->view, top->sentence))
		return;
	top_select(top);
	add_rate(top);
}

static void open_colours(struct top *top)
{
	static const short colours[] = { COLOR_GREEN, COLOR_YELLOW, COLOR_RED, COLOR_CYAN };
	const char *no_color = getenv("NO_COLOR");
	size_t i;

	top->colour = has_colors() && !(no_color && *no_color);
	if (!top->colour)
		return;
	start_color();
	use_default_colors();
	for (i = 0; i < ARRAY_SIZE(colours); i++)
		init_pair(i + 1, colours[i], -1);
}

/* A terminal whose cursor can be moved; NULL if TERM names none */
static SCREEN *open_screen(void)
{
	const char *move;
	SCREEN *screen;

	/* ncurses would believe these, also where the terminal's size changes */
	unsetenv("COLUMNS");
	unsetenv("LINES");
	screen = newterm(NULL, stdout, stdin);
	move = screen ? tigetstr("cup") : NULL;
	if (move && move != (const char *)-1)
		return screen;
	if (screen) {
		endwin();
		delscreen(screen);
	}
	return NULL;
}

static bool open_terminal(struct top *top, SCREEN **screen, char *sentence)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		snprintf(sentence, SENTENCE_LEN, "--top needs a terminal: use --watch here");
		return false;
	}
	*screen = open_screen();
	if (!*screen) {
		snprintf(sentence, SENTENCE_LEN,
			 "--top knows no terminal \"%s\": set TERM, or use --watch",
			 term ? term : "");
		return false;
	}
	if (LINES < TOP_LINES || COLS < TOP_COLUMNS) {
		endwin();
		snprintf(
			sentence, SENTENCE_LEN,
			"the terminal is too small (%dx%d): make it %dx%d at least, or use --watch",
			COLS, LINES, TOP_COLUMNS, TOP_LINES);
		delscreen(*screen);
		return false;
	}
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	open_colours(top);
	top->unicode = display_is_utf8();
	return true;
}

/* All keys that have been pressed; false to end */
static bool take_keys(struct top *top)
{
	int key;

	while ((key = getch()) != ERR) {
		if (!top_key(top, key))
			return false;
	}
	return true;
}

/* Until there is a key, a signal (of a new size, too), or it is time */
static bool wait_for_input(double seconds, const sigset_t *signals)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec most = { 0, 0 };

	if (seconds > 0) {
		most.tv_sec = seconds;
		most.tv_nsec = (seconds - most.tv_sec) * 1e9;
	}
	if (ppoll(&input, 1, seconds == INFINITY ? NULL : &most, signals) < 0)
		return errno == EINTR;
	return !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Signals may come here, too: a pipe's writer can be waited for without end. */
static void read_interruptibly(struct top *top, const sigset_t *signals)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, signals, &blocked);
	next_snapshot(top);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void run(struct top *top, const sigset_t *signals)
{
	double last = seconds_now(), wait;

	while (!__atomic_load_n(&stopped, __ATOMIC_RELAXED)) {
		top_draw(top);
		wait = last + top->opt.interval - seconds_now();
		if (!wait_for_input(top->paused ? INFINITY : wait, signals))
			break;
		if (!top->paused && seconds_now() >= last + top->opt.interval) {
			read_interruptibly(top, signals);
			last = seconds_now();
		}
		/* after it, since a new size that came meanwhile is a key, too */
		if (!take_keys(top))
			break;
	}
}

/**
 * top_run - show the full-screen view until it is quit
 * @opt: what is shown at first
 * @sentence: what is wrong and what to do, where it fails
 *
 * Return: whether there was anything to quit.
 */
bool top_run(const struct options *opt, char sentence[SENTENCE_LEN])
{
	static struct top top;
	sigset_t signals;
	SCREEN *screen;
	bool done;

	top.opt = *opt;
	top.opt.human = true;
	top.kinds = opt->filter.kinds;
	top.states = opt->filter.states;
	top.by_user = opt->sort;
	top.view.opt = &top.opt;
	done = view_read(&top.view, sentence);
	catch_signals(&signals);
	done = done && open_terminal(&top, &screen, sentence);
	if (done) {
		top_arrange(&top);
		top_select(&top);
		run(&top, &signals);
		endwin();
		delscreen(screen);
	}
	sigprocmask(SIG_SETMASK, &signals, NULL);
	view_free(&top.view);
	return done;
}
