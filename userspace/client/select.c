// SPDX-License-Identifier: GPL-2.0-only
/* The groups of scenarios, and which of them the command line selects. */

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "select.h"

#define GROUP(name, table) extern const struct scenario table[];
#include "groups.h"
#undef GROUP

#define MAX_NAME 96
#define MAX_NEAREST 3 /* names that are suggested */

static const struct group {
	const char *name;
	const struct scenario *scenarios;
} groups[] = {
#define GROUP(name, table) { name, table },
#include "groups.h"
#undef GROUP
};

static bool word_matches(const char *word, const char *group, const struct scenario *sc,
			 const char *test)
{
	char dotted[MAX_NAME];

	snprintf(dotted, sizeof(dotted), "%s.%s", group, sc->name);
	return !fnmatch(word, group, 0) || !fnmatch(word, sc->name, 0) ||
	       !fnmatch(word, dotted, 0) || !fnmatch(word, test, 0) ||
	       !fnmatch(word, test + strlen(group) + 1, 0);
}

/*
 * Whether a word names a scenario or one of its tests, whatever the other
 * options are.  The name of a test ends with the family and "nonblock".
 */
static bool word_names(const char *word, const char *group, const struct scenario *sc)
{
	int family, nonblock;

	for (family = 0; family < N_FAMILIES; family++) {
		for (nonblock = 0; nonblock < 2; nonblock++) {
			char test[MAX_NAME];

			if ((family != FAMILY_4 && sc->flags & SC_ONE_FAMILY) ||
			    (nonblock && !(sc->flags & SC_NONBLOCK)))
				continue;
			test_name(test, sizeof(test), group, sc, family, nonblock);
			if (word_matches(word, group, sc, test))
				return true;
		}
	}
	return false;
}

static bool word_exists(const char *word)
{
	const struct scenario *sc;
	size_t g;

	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		for (sc = groups[g].scenarios; sc->name; sc++) {
			if (word_names(word, groups[g].name, sc))
				return true;
		}
	}
	return false;
}

/* The number of characters to insert, delete or replace to turn @a into @b. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[MAX_NAME + 1], diagonal, above;
	size_t n = strlen(b), i, j;

	if (n > MAX_NAME)
		return n;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 1; j <= n; j++) {
			above = row[j];
			row[j] = diagonal + (a[i] != b[j - 1]);
			if (row[j] > above + 1)
				row[j] = above + 1;
			if (row[j] > row[j - 1] + 1)
				row[j] = row[j - 1] + 1;
			diagonal = above;
		}
	}
	return row[n];
}

/* The nearest names, nearest first; the last element is for the name that drops out. */
struct nearest {
	char names[MAX_NEAREST + 1][MAX_NAME];
	unsigned int distances[MAX_NEAREST + 1];
	unsigned int n;
};

/*
 * Add @name if it is near enough to @word to be meant: few edits apart, the
 * beginning of it was typed, or it is a scenario in the name of a test.
 */
static void nearest_add(struct nearest *nearest, const char *word, const char *name)
{
	unsigned int distance = edit_distance(word, name), i;
	size_t len = strlen(word), name_len = strlen(name);

	if ((len >= 3 && !strncmp(word, name, len)) ||
	    (!strncmp(word, name, name_len) && word[name_len] == '.' && strchr(name, '.')))
		distance = 1;
	if (distance > 1 + len / 4)
		return;
	for (i = 0; i < nearest->n; i++) {
		if (!strcmp(nearest->names[i], name))
			return;
	}
	for (i = nearest->n; i && nearest->distances[i - 1] > distance; i--) {
		strcpy(nearest->names[i], nearest->names[i - 1]);
		nearest->distances[i] = nearest->distances[i - 1];
	}
	snprintf(nearest->names[i], sizeof(nearest->names[i]), "%s", name);
	nearest->distances[i] = distance;
	if (nearest->n < MAX_NEAREST)
		nearest->n++;
}

/* A group may have several tables. */
static bool first_of_group(size_t g)
{
	size_t i;

	for (i = 0; strcmp(groups[i].name, groups[g].name); i++)
		;
	return i == g;
}

static void print_nearest(const char *word)
{
	struct nearest nearest = { .n = 0 };
	const struct scenario *sc;
	char dotted[MAX_NAME];
	unsigned int i;
	size_t g;

	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		nearest_add(&nearest, word, groups[g].name);
		for (sc = groups[g].scenarios; sc->name; sc++) {
			snprintf(dotted, sizeof(dotted), "%s.%s", groups[g].name, sc->name);
			nearest_add(&nearest, word, strchr(word, '.') ? dotted : sc->name);
		}
	}
	fprintf(stderr, "sockstat-client: no group or scenario is called \"%s\": ", word);
	for (i = 0; i < nearest.n; i++)
		fprintf(stderr, "%s%s", i ? i + 1 < nearest.n ? ", " : " or " : "did you mean ",
			nearest.names[i]);
	for (g = 0; !nearest.n && g < ARRAY_SIZE(groups); g++) {
		if (first_of_group(g))
			fprintf(stderr, "%s%s", g ? ", " : "the groups are ", groups[g].name);
	}
	fputs(nearest.n ? "?\n" : "; --list shows the scenarios\n", stderr);
}

/**
 * select_list - print the scenarios that the command line names, or all
 * @req: the command line
 */
void select_list(const struct request *req)
{
	const struct scenario *sc;
	char name[MAX_NAME];
	size_t g;
	int i;

	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		for (sc = groups[g].scenarios; sc->name; sc++) {
			for (i = 0; i < req->n_words; i++) {
				if (word_names(req->words[i], groups[g].name, sc))
					break;
			}
			if (req->n_words && i == req->n_words)
				continue;
			snprintf(name, sizeof(name), "%s.%s", groups[g].name, sc->name);
			printf("%-36s %c %s\n", name, sc->flags & SC_TO_HOST ? '@' : ' ',
			       sc->description ? sc->description : "");
		}
	}
}

static bool selected(const struct request *req, const char *group, const struct run *r)
{
	int i;

	for (i = 0; i < req->n_words; i++) {
		if (word_matches(req->words[i], group, r->sc, r->name))
			return true;
	}
	return !req->n_words;
}

static void select_variants(const struct request *req, struct run *r, const char *group,
			    const struct scenario *sc, select_fn visit, void *arg)
{
	int family, nonblock;

	for (family = 0; family < N_FAMILIES; family++) {
		for (nonblock = 0; nonblock < 2; nonblock++) {
			if (!run_variant(sc, &req->opt, family, nonblock))
				continue;
			run_prepare(r, group, sc, family, nonblock);
			if (selected(req, group, r))
				visit(r, &req->opt, arg);
		}
	}
}

/**
 * select_runs - call a function for each run that the command line selects
 * @req: the command line
 * @r: the arena, which is prepared for the run before each call
 * @visit: the function
 * @arg: for @visit
 */
void select_runs(const struct request *req, struct run *r, select_fn visit, void *arg)
{
	const struct scenario *sc;
	size_t g;

	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		for (sc = groups[g].scenarios; sc->name; sc++)
			select_variants(req, r, groups[g].name, sc, visit, arg);
	}
}

static void count_run(struct run *r, const struct options *opt, void *arg)
{
	(void)r;
	(void)opt;
	++*(unsigned int *)arg;
}

/**
 * select_count - count the runs that the command line selects
 * @req: the command line
 * @r: an arena
 *
 * Return: their number.
 */
unsigned int select_count(const struct request *req, struct run *r)
{
	unsigned int n = 0;

	select_runs(req, r, count_run, &n);
	return n;
}

/**
 * select_words - check that each word of the command line selects something
 * @req: the command line
 * @r: an arena
 *
 * Return: true if so; else a message was printed.
 */
bool select_words(const struct request *req, struct run *r)
{
	int i;

	for (i = 0; i < req->n_words; i++) {
		struct request one = { .opt = req->opt, .words = req->words + i, .n_words = 1 };

		if (!word_exists(req->words[i])) {
			print_nearest(req->words[i]);
			return false;
		}
		if (!req->list && !select_count(&one, r)) {
			fprintf(stderr,
				"sockstat-client: \"%s\" cannot be run with these options\n",
				req->words[i]);
			return false;
		}
	}
	return true;
}
