// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockstat: show /proc/sockstat and the rates of its byte counts. The model of its
 * options and columns is sockstat(1) of FreeBSD.
 */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "display.h"
#include "top.h"
#include "write.h"

static int report_error(const char *sentence)
{
	fprintf(stderr, "sockstat: %s\n", sentence);
	return STATUS_TROUBLE;
}

static int status_of(const struct options *opt, bool shown)
{
	return shown || !opt->exit_status ? STATUS_SHOWN : STATUS_NOTHING;
}

/* A closed pipe ends this process with SIGPIPE, unless the signal is ignored. */
static bool flush_output(char *sentence)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	snprintf(sentence, SENTENCE_LEN, "the output cannot be written: %s", strerror(errno));
	return false;
}

static bool write_view(const struct view *view, char *sentence)
{
	switch (view->opt->format) {
	case FORMAT_TABLE:
		write_table(view);
		break;
	case FORMAT_CSV:
		write_csv(view);
		break;
	case FORMAT_JSON:
		if (write_json(view))
			break;
		snprintf(sentence, SENTENCE_LEN, "there is not enough memory for the rows");
		return false;
	}
	return flush_output(sentence);
}

static void explain_empty_table(const struct options *opt)
{
	if (!opt->quiet && opt->format == FORMAT_TABLE && !opt->file && geteuid())
		fprintf(stderr, "sockstat: nothing to show of your own processes; root sees all\n");
}

static int show_once(const struct options *opt)
{
	struct view view = { .opt = opt };
	char sentence[SENTENCE_LEN];
	int status;

	if (!view_read(&view, sentence) || !view_select(&view, sentence) ||
	    !write_view(&view, sentence)) {
		status = report_error(sentence);
	} else {
		status = status_of(opt, view.sheet.n_records);
		if (!view.sheet.n_records)
			explain_empty_table(opt);
	}
	view_free(&view);
	return status;
}

static void wait_until(const struct timespec *when)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL) == EINTR)
		;
}

static void add_seconds(struct timespec *t, double seconds)
{
	t->tv_sec += (time_t)seconds;
	t->tv_nsec += (seconds - (time_t)seconds) * 1e9;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* Write the line above each table of --watch. */
static void write_time(const struct view *view)
{
	time_t seconds = view->now.time / 1000000000;
	char text[64] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s%s, %.1f s\n", view->n_read > 2 ? "\n" : "", text, view->seconds);
}

static void explain_wait(const struct options *opt)
{
	if (!opt->quiet && isatty(STDERR_FILENO))
		fprintf(stderr,
			"sockstat: waiting %g s for the second snapshot, which the first table needs\n",
			opt->interval);
}

/* Write the table of a snapshot; set @shown if it has rows. */
static bool write_snapshot(struct view *view, bool *shown, char *sentence)
{
	if (view->opt->format == FORMAT_TABLE && !view->opt->quiet)
		write_time(view);
	if (!view_select(view, sentence) || !write_view(view, sentence))
		return false;
	*shown |= view->sheet.n_records;
	return true;
}

/*
 * Wait until an interval after @next, and set it to then. If that time is past,
 * because the program was stopped or its output blocked, the missed tables are skipped.
 */
static void wait_for_next(struct timespec *next, double interval)
{
	struct timespec now;

	add_seconds(next, interval);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (is_later(&now, next)) {
		*next = now;
		add_seconds(next, interval);
	}
	wait_until(next);
}

/* The first snapshot has no rates, so the first table is that of the second one. */
static int watch(const struct options *opt)
{
	struct view view = { .opt = opt };
	char sentence[SENTENCE_LEN];
	bool shown = false, done = false;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (view_read(&view, sentence)) {
		if (view.n_read == 1)
			explain_wait(opt);
		else if (!write_snapshot(&view, &shown, sentence))
			break;
		done = opt->count && view.n_read - 1 == opt->count;
		if (done)
			break;
		wait_for_next(&next, opt->interval);
	}
	view_free(&view);
	return done ? status_of(opt, shown) : report_error(sentence);
}

static int run_mode(const struct options *opt)
{
	char sentence[SENTENCE_LEN];

	switch (opt->mode) {
	case MODE_WATCH:
		return watch(opt);
	case MODE_TOP:
		return top_run(opt, sentence) ? STATUS_SHOWN : report_error(sentence);
	case MODE_ONCE:
		break;
	}
	return show_once(opt);
}

int main(int argc, char **argv)
{
	struct options opt;
	int status;

	setlocale(LC_CTYPE, "");
	options_parse(&opt, argc, argv);
	display_init(opt.format != FORMAT_TABLE);
	status = run_mode(&opt);
	filter_free(&opt.filter);
	return status;
}
