// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockstat: shows /proc/sockstat, with FreeBSD's sockstat(1) as its model, and
 * how much moves there per second.
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

static int trouble(const char *sentence)
{
	fprintf(stderr, "sockstat: %s\n", sentence);
	return STATUS_TROUBLE;
}

/* A reader that has gone away ends this process by SIGPIPE, unless that is ignored. */
static bool flush(char *sentence)
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
		if (!write_json(view)) {
			snprintf(sentence, SENTENCE_LEN, "there is not enough memory for the rows");
			return false;
		}
		break;
	}
	return flush(sentence);
}

static int once(const struct options *opt)
{
	struct view view = { .opt = opt };
	char sentence[SENTENCE_LEN];
	int status = STATUS_SHOWN;

	if (!view_read(&view, sentence) || !view_select(&view, sentence) ||
	    !write_view(&view, sentence)) {
		status = trouble(sentence);
	} else if (!view.sheet.n_records) {
		status = STATUS_NOTHING;
		if (!opt->quiet && opt->format == FORMAT_TABLE && !opt->file && geteuid())
			fprintf(stderr,
				"sockstat: nothing to show of your own processes; root sees all\n");
	}
	view_free(&view);
	return status;
}

static void wait_until(const struct timespec *when)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL) == EINTR)
		;
}

static void advance(struct timespec *t, double seconds)
{
	t->tv_sec += (time_t)seconds;
	t->tv_nsec += (seconds - (time_t)seconds) * 1e9;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* What tells the tables of a watch apart */
static void write_time(const struct view *view)
{
	time_t seconds = view->now.time / 1000000000;
	char text[64] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s%s, %.1f s\n", view->n_read > 2 ? "\n" : "", text, view->seconds);
}

/* There is nothing to compare the first snapshot with: it is not shown. */
static int watch(const struct options *opt)
{
	struct view view = { .opt = opt };
	char sentence[SENTENCE_LEN];
	int status = STATUS_NOTHING;
	struct timespec next, now;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		if (!view_read(&view, sentence))
			break;
		if (view.n_read > 1) {
			if (opt->format == FORMAT_TABLE && !opt->quiet)
				write_time(&view);
			if (!view_select(&view, sentence) || !write_view(&view, sentence))
				break;
			if (view.sheet.n_records)
				status = STATUS_SHOWN;
			if (view.n_read - 1 == opt->count) {
				view_free(&view);
				return status;
			}
		}
		advance(&next, opt->interval);
		clock_gettime(CLOCK_MONOTONIC, &now);
		/* stopped, or waiting for its reader: what it missed is not made up for */
		if (later(&now, &next)) {
			next = now;
			advance(&next, opt->interval);
		}
		wait_until(&next);
	}
	view_free(&view);
	return trouble(sentence);
}

static int run(const struct options *opt)
{
	char sentence[SENTENCE_LEN];

	switch (opt->mode) {
	case MODE_WATCH:
		return watch(opt);
	case MODE_TOP:
		return top_run(opt, sentence) ? STATUS_SHOWN : trouble(sentence);
	case MODE_ONCE:
		break;
	}
	return once(opt);
}

int main(int argc, char **argv)
{
	struct options opt;
	int status;

	setlocale(LC_CTYPE, "");
	options_parse(&opt, argc, argv);
	display_init(opt.format != FORMAT_TABLE);
	status = run(&opt);
	filter_free(&opt.filter);
	return status;
}
