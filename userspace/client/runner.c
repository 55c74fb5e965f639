// SPDX-License-Identifier: GPL-2.0-only
/* Runs a scenario in a process of its own, so that a crash or a hang fails only this scenario. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../procfile.h"
#include "check.h"
#include "ledger.h"
#include "runner.h"
#include "verdict.h"

static const char *const family_names[] = {
	[FAMILY_4] = "4",
	[FAMILY_6] = "6",
	[FAMILY_MAPPED] = "mapped",
};

/**
 * run_arena - allocate the memory of a run, which all its processes share
 *
 * Exits if there is no memory.
 *
 * Return: never NULL; it is used for one run after the other and never freed.
 */
struct run *run_arena(void)
{
	size_t size = sizeof(struct run) + MAX_ENDS * sizeof(struct end);
	struct run *r = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (r == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	r->ends = (struct end *)(r + 1);
	return r;
}

/**
 * run_variant - whether a variant of a scenario exists and the options select it
 * @sc: the scenario
 * @opt: the command line's options
 * @family: the variant's address family
 * @nonblock: whether the variant's descriptors are non-blocking
 *
 * Return: true if it is to be run.
 */
bool run_variant(const struct scenario *sc, const struct options *opt, enum family family,
		 bool nonblock)
{
	if (nonblock && !(sc->flags & SC_NONBLOCK))
		return false;
	if (opt->random != !!(sc->flags & SC_RANDOM))
		return false;
	if (opt->to_host)
		return sc->flags & SC_TO_HOST &&
		       family == (opt->to.ss_family == AF_INET ? FAMILY_4 : FAMILY_6);
	if (sc->flags & SC_ONE_FAMILY)
		return family == FAMILY_4;
	return opt->families & 1u << family;
}

/**
 * test_name - name a variant of a scenario
 * @buf: filled in
 * @size: of @buf
 * @group: the scenario's group
 * @sc: the scenario
 * @family: the variant's address family
 * @nonblock: whether the variant's descriptors are non-blocking
 */
void test_name(char *buf, size_t size, const char *group, const struct scenario *sc,
	       enum family family, bool nonblock)
{
	const char *suffix = nonblock ? ".nonblock" : "";

	if (sc->flags & SC_ONE_FAMILY)
		snprintf(buf, size, "%s.%s%s", group, sc->name, suffix);
	else
		snprintf(buf, size, "%s.%s.%s%s", group, sc->name, family_names[family], suffix);
}

/**
 * run_prepare - prepare an arena for a run
 * @r: the arena; its earlier contents are lost
 * @group: the scenario's group
 * @sc: the scenario
 * @family: the variant's address family
 * @nonblock: whether the variant's descriptors are non-blocking
 */
void run_prepare(struct run *r, const char *group, const struct scenario *sc, enum family family,
		 bool nonblock)
{
	struct end *ends = r->ends;

	memset(r, 0, sizeof(*r));
	r->ends = ends;
	r->sc = sc;
	r->family = family;
	r->nonblock = nonblock;
	test_name(r->name, sizeof(r->name), group, sc, family, nonblock);
}

/* The counters that check() compares with those of later tables. */
static void counters_read(struct run *r)
{
	struct sockstat_table table;

	if (sockstat_table_read(&table, NULL))
		fail(r, "/proc/sockstat: %s", table.error);
	r->missed = table.missed;
	r->dropped = table.dropped;
	sockstat_table_free(&table);
}

static void __attribute__((noreturn)) scenario_process(struct run *r)
{
	unsigned int repeat = r->sc->flags & SC_OWN_COUNT ? 1 : r->opt->connections;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (r->sc->flags & SC_ROOT && geteuid())
		skip(r, "needs root");
	r->started = now_ns();
	r->boot_offset = boot_offset();
	if (!r->opt->dry_run)
		counters_read(r);
	do {
		r->sc->run(r);
	} while (repeat-- > 1);
	if (!(r->sc->flags & SC_NO_FINISH))
		check_finish(r);
	if (r->n_diffs)
		fail(r, "%u differences", r->n_diffs);
	/* In a dry run, TCP_INFO has no comparable value for some scenarios. */
	if (!r->fields && !r->opt->dry_run)
		fail(r, "nothing was compared");
	if (r->verdict == VERDICT_NONE)
		r->verdict = VERDICT_PASS;
	fflush(stdout);
	_exit(0);
}

/* Set the verdict, unless the scenario has failed or was skipped. */
static void set_verdict(struct run *r, enum verdict verdict, const char *fmt, int number)
{
	if (r->verdict != VERDICT_NONE && r->verdict != VERDICT_PASS)
		return;
	r->verdict = verdict;
	snprintf(r->reason, sizeof(r->reason), fmt, number);
}

/* Wait for the process to end; return false if it has not ended in time. */
static bool ended_within(int pidfd, unsigned int seconds)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&pfd, 1, seconds > INT_MAX / 1000 ? -1 : (int)seconds * 1000);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* When the watchdog kills a run; it allows --random a quarter of a second per action. */
static unsigned int watchdog_seconds(const struct run *r)
{
	unsigned int seconds = r->sc->seconds ? r->sc->seconds : DEFAULT_SECONDS;

	return patience_seconds(r, seconds + r->opt->actions / 4) + r->opt->seconds;
}

/**
 * run_start - start a scenario
 * @r: prepared by run_prepare()
 * @opt: the command line's options; must stay valid until run_finish()
 */
void run_start(struct run *r, const struct options *opt)
{
	pid_t pid;

	r->opt = opt;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		scenario_process(r);
	r->pid = pid; /* not by the child, which shares this memory */
	if (pid > 0)
		setpgid(pid, pid);
}

static void watch(struct run *r, int pidfd)
{
	unsigned int seconds = watchdog_seconds(r);

	if (ended_within(pidfd, seconds))
		return;
	set_verdict(r, VERDICT_FAIL, "still running after %d s", seconds);
	kill(-r->pid, SIGKILL);
	if (!ended_within(pidfd, patience_seconds(r, 10)))
		set_verdict(r, VERDICT_FAIL, "process %d cannot be killed", r->pid);
}

/**
 * run_finish - wait until a scenario has ended
 * @r: started by run_start(); the verdict and the counts are stored in it
 *
 * Kills all processes of the scenario that are left, also if it hangs.
 */
void run_finish(struct run *r)
{
	int pidfd = r->pid < 0 ? -1 : syscall(SYS_pidfd_open, r->pid, 0), status = 0;

	if (pidfd < 0) {
		set_verdict(r, VERDICT_FAIL, "cannot start a process: error %d", errno);
		return;
	}
	watch(r, pidfd);
	close(pidfd);
	/* Processes that the scenario has left behind are in the same group. */
	kill(-r->pid, SIGKILL);
	if (waitpid(r->pid, &status, WNOHANG) == r->pid && WIFSIGNALED(status))
		set_verdict(r, VERDICT_FAIL, "killed by signal %d", WTERMSIG(status));
	if (r->verdict == VERDICT_NONE)
		set_verdict(r, VERDICT_FAIL, "ended with status %d without a verdict",
			    WEXITSTATUS(status));
}
