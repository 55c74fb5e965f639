// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockstat-client: makes TCP traffic, keeps the expected rows from the results
 * of its own system calls, and compares them with the rows of /proc/sockstat.
 *
 * Exit status: 0 if all fields are exact, 1 if one differs, 2 if nothing can be
 * run (usage, or the module is not loaded), 4 if every test was skipped.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../procfile.h"
#include "random.h"
#include "report.h"
#include "runner.h"
#include "select.h"

#define EXIT_SKIP 4
#define MAX_VARIANTS (2 * N_FAMILIES) /* of one scenario */

/**
 * struct batch - runs that are started at the same time
 * @results: where their results go
 * @runs: arenas, of which the first @n are prepared
 */
struct batch {
	struct results results;
	struct run *runs[MAX_VARIANTS];
	unsigned int n;
};

static void batch_run(struct batch *batch, const struct options *opt)
{
	struct results *res = &batch->results;
	bool progress = !opt->tap && !opt->steps && isatty(STDERR_FILENO);
	unsigned int i;

	for (i = 0; i < batch->n; i++)
		run_start(batch->runs[i], opt);
	for (i = 0; i < batch->n; i++) {
		struct run *r = batch->runs[i];

		if (progress)
			fprintf(stderr, "\r\033[K[%u/%u] %s", res->n + 1, res->total, r->name);
		run_finish(r);
		if (progress)
			fprintf(stderr, "\r\033[K");
		report_run(res, r);
	}
	batch->n = 0;
}

/*
 * Whether the variants of a scenario may run at the same time.  With the module
 * they may not, since its counters and its history are global.  Scenarios with
 * SC_OWN_COUNT need most of the machine's ports, descriptors or memory.
 */
static bool concurrent(const struct run *r, const struct options *opt)
{
	return opt->dry_run && !opt->steps && !opt->connections && !(r->sc->flags & SC_OWN_COUNT);
}

static void batch_add(struct run *r, const struct options *opt, void *arg)
{
	struct batch *batch = arg;
	struct run **place = &batch->runs[batch->n];
	struct end *ends;

	if (batch->n && (batch->runs[0]->sc != r->sc || !concurrent(r, opt))) {
		batch_run(batch, opt);
		place = &batch->runs[0];
	}
	if (!*place)
		*place = run_arena();
	ends = (*place)->ends;
	**place = *r;
	(*place)->ends = ends;
	batch->n++;
}

static int run_all(const struct request *req, struct run *r)
{
	struct batch batch = { .results.total = select_count(req, r) };
	struct results *res = &batch.results;

	if (!res->total) {
		fprintf(stderr, "sockstat-client: no scenario can be run with these options\n");
		return EXIT_USAGE;
	}
	res->done = calloc(res->total, sizeof(*res->done));
	if (!res->done) {
		perror("sockstat-client");
		return EXIT_USAGE;
	}
	report_begin(res, &req->opt);
	select_runs(req, r, batch_add, &batch);
	batch_run(&batch, &req->opt);
	report_end(res, &req->opt);
	free(res->done);
	if (res->failed)
		return EXIT_FAILURE;
	return res->skipped == res->total ? EXIT_SKIP : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct run *r = run_arena();
	struct request req;

	options_parse(&req, argc, argv);
	if (!select_words(&req, r))
		return EXIT_USAGE;
	if (req.list) {
		select_list(&req);
		return EXIT_SUCCESS;
	}
	if (!req.opt.dry_run && access(SOCKSTAT_PROC_PATH, F_OK)) {
		fprintf(stderr,
			"sockstat-client: there is no " SOCKSTAT_PROC_PATH
			": load the module with \"insmod sockstat.ko\" as root, or \"make load\"\n");
		return EXIT_USAGE;
	}
	if (req.opt.random)
		random_prepare(&req.opt);
	return run_all(&req, r);
}
