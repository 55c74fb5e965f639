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

static void run_and_report(struct run *r, const struct options *opt, void *arg)
{
	struct results *res = arg;
	bool progress = !opt->tap && !opt->steps && isatty(STDERR_FILENO);

	if (progress)
		fprintf(stderr, "\r\033[K[%u/%u] %s", res->n + 1, res->total, r->name);
	run_one(r, opt);
	if (progress)
		fprintf(stderr, "\r\033[K");
	report_run(res, r);
}

static int run_all(const struct request *req, struct run *r)
{
	struct results res = { .total = select_count(req, r) };

	if (!res.total) {
		fprintf(stderr, "sockstat-client: no scenario can be run with these options\n");
		return EXIT_USAGE;
	}
	res.done = calloc(res.total, sizeof(*res.done));
	if (!res.done) {
		perror("sockstat-client");
		return EXIT_USAGE;
	}
	report_begin(&res, &req->opt);
	select_runs(req, r, run_and_report, &res);
	report_end(&res, &req->opt);
	free(res.done);
	if (res.failed)
		return EXIT_FAILURE;
	return res.skipped == res.total ? EXIT_SKIP : EXIT_SUCCESS;
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
