// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: the terminal, and the loop that waits for keys and snapshots. */

#include <curses.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "display.h"
#include "top_draw.h"

#include <term.h> /* after the headers above: it makes "columns" a macro */

#define ESCAPE_MS 25 /* how long to wait for the rest of a key that begins with Escape */

static int signal_caught;

static void handle_signal(int sig)
{
	(void)sig;
	__atomic_store_n(&signal_caught, 1, __ATOMIC_RELAXED);
}

/*
 * Catch the signals that end a program, so that top_run() restores the terminal.
 * They and SIGWINCH are blocked except in ppoll() and while a snapshot is taken:
 * one that was handled just before ppoll() would not interrupt it.
 */
static void catch_signals(sigset_t *before)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction action = { .sa_handler = handle_signal };
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

/* The colors of enum top_color; -1 is the terminal's background. */
static void open_colors(struct top *top)
{
	static const short colors[] = {
		[TOP_COLOR_GOOD] = COLOR_GREEN,
		[TOP_COLOR_ENDING] = COLOR_YELLOW,
		[TOP_COLOR_BAD] = COLOR_RED,
		[TOP_COLOR_BAR] = COLOR_CYAN,
	};
	const char *no_color = getenv("NO_COLOR");
	size_t i;

	top->color = has_colors() && !(no_color && *no_color);
	if (!top->color)
		return;
	start_color();
	use_default_colors();
	for (i = TOP_COLOR_GOOD; i < ARRAY_SIZE(colors); i++)
		init_pair(i, colors[i], -1);
}

/*
 * Whether TERM names a terminal whose cursor can be moved. newterm() would say so,
 * too, but leaks memory where it fails.
 */
static bool terminal_is_usable(void)
{
	const char *move;
	int error;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return false;
	move = tigetstr("cup");
	del_curterm(cur_term);
	return move && move != (const char *)-1;
}

static SCREEN *open_screen(void)
{
	/* ncurses would prefer these to the size of the terminal, and ignore its changes */
	unsetenv("COLUMNS");
	unsetenv("LINES");
	return terminal_is_usable() ? newterm(NULL, stdout, stdin) : NULL;
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
	open_colors(top);
	top->unicode = display_is_utf8();
	return true;
}

/* Handle all keys pressed so far; return false if one of them quits. */
static bool handle_keys(struct top *top)
{
	int key;

	while ((key = getch()) != ERR) {
		if (!top_key(top, key))
			return false;
	}
	return true;
}

/*
 * Wait for a key, a signal or the end of @seconds. Return false if the terminal is
 * gone.
 */
static bool wait_for_input(double seconds, const sigset_t *signals)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec timeout = { 0, 0 };

	if (seconds > 0 && seconds != INFINITY) {
		timeout.tv_sec = seconds;
		timeout.tv_nsec = (seconds - timeout.tv_sec) * 1e9;
	}
	if (ppoll(&input, 1, seconds == INFINITY ? NULL : &timeout, signals) < 0)
		return errno == EINTR;
	return !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* --file may name a pipe: open() waits for a writer, and signals must interrupt that. */
static void read_interruptibly(struct top *top, const sigset_t *signals)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, signals, &blocked);
	top_read(top);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void run_loop(struct top *top, const sigset_t *signals)
{
	double last = seconds_now(), wait;

	while (!__atomic_load_n(&signal_caught, __ATOMIC_RELAXED)) {
		top_draw(top);
		wait = last + top->opt.interval - seconds_now();
		if (!wait_for_input(top->paused ? INFINITY : wait, signals))
			break;
		if (!top->paused && seconds_now() >= last + top->opt.interval) {
			read_interruptibly(top, signals);
			last = seconds_now();
		}
		/* after the snapshot: getch() also reports a SIGWINCH that came meanwhile */
		if (!handle_keys(top))
			break;
	}
}

/**
 * top_run - show the full-screen view until it is quit
 * @opt: the command line
 * @sentence: on failure, the reason and the remedy
 *
 * Return: false if the view could not be shown.
 */
bool top_run(const struct options *opt, char sentence[SENTENCE_LEN])
{
	static struct top top;
	sigset_t signals;
	SCREEN *screen;
	bool done;

	top.given = opt;
	top.opt = *opt;
	top.opt.human = true;
	top.by_user = opt->sort;
	top.view.opt = &top.opt;
	done = view_read(&top.view, sentence);
	catch_signals(&signals);
	done = done && open_terminal(&top, &screen, sentence);
	if (done) {
		top_arrange(&top);
		top_select(&top);
		run_loop(&top, &signals);
		endwin();
		delscreen(screen);
	}
	sigprocmask(SIG_SETMASK, &signals, NULL);
	view_free(&top.view);
	return done;
}
