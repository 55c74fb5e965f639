// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that keep others from running: a real-time process that opens and closes
 * connections does not keep the module from freeing and allocating records, and
 * readers that get no time delay no other reader and pin no closed rows.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 300 /* a test's timeout */
#define RT_RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"
#define HISTORY "/sys/module/sockstat/parameters/history"
#define CYCLES 8000	 /* connections that one process opens and closes in a row */
#define READY 2048	 /* free records that the module keeps */
#define KEPT 4000	 /* closed rows that it keeps */
#define DESCRIPTORS 6000 /* that a snapshot has to visit */
#define ROUNDS 20	 /* times that readers are stopped within a snapshot */
#define LOOPERS 6

struct shared {
	atomic_int cycles;   /* connections closed so far, -1 after an error */
	atomic_int passes;   /* snapshots that readers have begun */
	atomic_int ended;    /* those of them that are complete */
	atomic_bool hog;     /* the real-time hog is to take its CPU */
	atomic_bool hogging; /* it has done so */
};

FIXTURE(cpu)
{
	struct shared *shared;
	pid_t hog;
	pid_t readers[LOOPERS];
	int last; /* the CPU that is not the first one, if there are two */
	char rt_runtime[32];
};

static bool pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

static bool set_policy(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return !sched_setscheduler(0, policy, &param);
}

/* Open a connection and reset it, so that nothing of it remains, not even TIME_WAIT. */
static bool cycle(int listener)
{
	struct linger linger = { .l_onoff = 1 };
	int client = bed_connect(BED_4, listener);
	int server = client < 0 ? -1 : bed_accept(listener);
	bool done =
		server >= 0 && !setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));

	close(client);
	close(server);
	return done;
}

static bool cycle_many(struct shared *shared)
{
	int listener = bed_listen(BED_4, 5), i;

	for (i = 0; i < CYCLES; i++) {
		if (!cycle(listener)) {
			shared->cycles = -1;
			return false;
		}
		shared->cycles++;
	}
	close(listener);
	return true;
}

/* Objects of a slab cache, or -1 if it is not listed. */
static long slab_objects(const char *name)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	long objects = -1, n;
	char line[512], cache[64];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", cache, &n) == 2 && !strcmp(cache, name))
			objects = n;
	if (f)
		fclose(f);
	return objects;
}

struct counts {
	uint64_t dropped;
	uint64_t ended; /* closed rows that the history has or has had */
};

static bool count_now(struct counts *counts)
{
	struct sockstat_table table;
	bool done = bed_table(&table);

	*counts = (struct counts){ table.dropped, table.trailer_closed + table.evicted };
	sockstat_table_free(&table);
	return done;
}

static bool ended_since(const struct counts *before, uint64_t rows)
{
	struct counts now;

	return count_now(&now) && now.ended - before->ended == rows;
}

/* A child has none of its parent's descriptors, which would be rows of its own. */
static void child_begin(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	syscall(__NR_close_range, STDERR_FILENO + 1, ~0u, 0);
}

/* Let nothing else run on the first CPU while shared->hog is set. */
static pid_t start_real_time_hog(struct shared *shared)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	child_begin();
	if (!pin_to(0) || !set_policy(SCHED_FIFO, 50))
		_exit(1);
	for (;;) {
		shared->hogging = shared->hog;
		if (!shared->hog)
			usleep(1000);
	}
}

/*
 * Read one byte of a snapshot again and again, on the first CPU. With a real-time
 * priority, since a process without one is given some time beside the hog.
 */
static pid_t start_reader(struct shared *shared)
{
	char c;
	int fd;
	pid_t pid = fork();

	if (pid)
		return pid;
	child_begin();
	fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
	if (!pin_to(0) || !set_policy(SCHED_RR, 1))
		_exit(1);
	for (;;) {
		shared->passes++;
		if (pread(fd, &c, 1, 0) != 1)
			_exit(1);
		shared->ended++;
	}
}

FIXTURE_SETUP(cpu)
{
	int fd = open(RT_RUNTIME, O_RDONLY | O_CLOEXEC);
	struct rlimit limit = { DESCRIPTORS + 1000, DESCRIPTORS + 1000 };
	ssize_t n;

	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_load());
	n = read(fd, self->rt_runtime, sizeof(self->rt_runtime) - 1);
	ASSERT_LT(0, n);
	self->rt_runtime[n] = '\0';
	close(fd);
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	self->last = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	ASSERT_TRUE(pin_to(self->last));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
}

FIXTURE_TEARDOWN(cpu)
{
	int i;

	if (self->hog)
		kill(self->hog, SIGKILL);
	for (i = 0; i < LOOPERS; i++)
		if (self->readers[i])
			kill(self->readers[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	EXPECT_TRUE(bed_put(RT_RUNTIME, self->rt_runtime));
	EXPECT_EQ(0, bed_unload());
}

TEST_F_TIMEOUT(cpu, real_time_closer, SECONDS)
{
	struct counts before, after;
	long most = 0, conns;
	int status;
	pid_t pid;

	if (!self->last)
		SKIP(return, "this test needs two CPUs");
	ASSERT_TRUE(count_now(&before));
	/* nothing else may run on its CPU until it is done or waits */
	ASSERT_TRUE(bed_put(RT_RUNTIME, "-1"));
	pid = fork();
	if (!pid)
		_exit(!pin_to(0) || !set_policy(SCHED_FIFO, 50) || !cycle_many(self->shared));
	while (!waitpid(pid, &status, WNOHANG)) {
		conns = slab_objects("sockstat_conn");
		most = conns > most ? conns : most;
		usleep(20000);
	}
	ASSERT_EQ(0, status);
	ASSERT_EQ(CYCLES, self->shared->cycles);
	EXPECT_TRUE(BED_WAIT(ended_since(&before, 2 * CYCLES)));
	ASSERT_TRUE(count_now(&after));
	printf("# %d connections, dropped %llu, at most %ld records\n", CYCLES,
	       (unsigned long long)(after.dropped - before.dropped), most);
	fflush(stdout);
	EXPECT_EQ(before.dropped, after.dropped);
	/* the free ones, the history of 1024 rows, and some that wait to be freed */
	EXPECT_GT(READY + 1024 + CYCLES, most);
}

/* Open many descriptors, so that a snapshot of them takes long. */
static bool hold_many(void)
{
	int fd[2], i;

	if (!bed_pair(BED_4, fd))
		return false;
	for (i = 0; i < DESCRIPTORS; i++)
		if (dup(fd[0]) < 0)
			return false;
	return true;
}

static int readers_inside(const struct shared *shared)
{
	return shared->passes - shared->ended;
}

static bool is_over(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

/* Whether a process can read the whole table now. */
static bool can_read(void)
{
	struct counts counts;
	pid_t pid = fork();
	bool over;
	int status;

	if (!pid) {
		child_begin();
		_exit(!count_now(&counts));
	}
	over = BED_WAIT(is_over(pid, &status));
	if (!over)
		kill(pid, SIGKILL);
	return over && !status;
}

/*
 * Readers, who take a whole snapshot for each byte that they read, are stopped where
 * they happen to be, as a process of a higher priority takes their CPU. As long as it
 * runs, they cannot let go of anything for which another reader might have to wait.
 */
TEST_F_TIMEOUT(cpu, stopped_readers_delay_nobody, SECONDS)
{
	int i, passes, ended, rounds = 0, stopped = 0;

	if (!self->last)
		SKIP(return, "this test needs two CPUs");
	ASSERT_TRUE(hold_many());
	ASSERT_TRUE(bed_put(RT_RUNTIME, "-1"));
	self->hog = start_real_time_hog(self->shared);
	for (i = 0; i < LOOPERS; i++)
		self->readers[i] = start_reader(self->shared);
	while (rounds < ROUNDS) {
		ended = self->shared->ended;
		ASSERT_TRUE(BED_WAIT(self->shared->ended > ended));
		self->shared->hog = true;
		ASSERT_TRUE(BED_WAIT(self->shared->hogging));
		passes = self->shared->passes;
		ended = self->shared->ended;
		if (readers_inside(self->shared)) {
			ASSERT_TRUE(can_read());
			stopped += readers_inside(self->shared);
			rounds++;
		}
		/* none of them has moved since */
		EXPECT_EQ(passes, self->shared->passes);
		EXPECT_EQ(ended, self->shared->ended);
		self->shared->hog = false;
		ASSERT_TRUE(BED_WAIT(!self->shared->hogging));
	}
	printf("# %d reads while %d other readers were within a snapshot, on the average\n", ROUNDS,
	       stopped / ROUNDS);
	fflush(stdout);
}

static bool is_within(pid_t pid, const char *function)
{
	char path[64], stack[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, stack, sizeof(stack) - 1);
	close(fd);
	stack[n > 0 ? n : 0] = '\0';
	return strstr(stack, function);
}

/* Stop the first reader; true if it is within its pass over the closed rows then. */
static bool stop_within_history(FIXTURE_DATA(cpu) * self)
{
	self->shared->hog = true;
	if (!BED_WAIT(self->shared->hogging))
		return false;
	if (is_within(self->readers[0], "sockstat_history_for_each"))
		return true;
	self->shared->hog = false;
	BED_WAIT(!self->shared->hogging);
	return false;
}

/* Rows are removed while a reader is half way through them. */
TEST_F_TIMEOUT(cpu, stopped_reader_pins_nothing, SECONDS)
{
	long most = 0, conns;
	struct counts before;
	int status, passes;
	pid_t pid;

	if (!self->last)
		SKIP(return, "this test needs two CPUs");
	if (slab_objects("sockstat_conn") < 0)
		SKIP(return, "the slab caches of the module are merged with others");
	ASSERT_TRUE(bed_put(HISTORY, "4000"));
	ASSERT_TRUE(count_now(&before));
	ASSERT_TRUE(cycle_many(self->shared));
	ASSERT_TRUE(BED_WAIT(ended_since(&before, 2 * CYCLES)));
	ASSERT_TRUE(bed_put(RT_RUNTIME, "-1"));
	self->hog = start_real_time_hog(self->shared);
	self->readers[0] = start_reader(self->shared);
	ASSERT_TRUE(BED_WAIT(stop_within_history(self)));
	passes = self->shared->passes;
	pid = fork();
	if (!pid)
		_exit(!cycle_many(self->shared));
	while (!waitpid(pid, &status, WNOHANG)) {
		conns = slab_objects("sockstat_conn");
		most = conns > most ? conns : most;
		usleep(20000);
	}
	ASSERT_EQ(0, status);
	EXPECT_TRUE(BED_WAIT(ended_since(&before, 4 * CYCLES)));
	/* it has not moved since */
	EXPECT_EQ(passes, self->shared->passes);
	printf("# at most %ld records, %d snapshots before\n", most, passes);
	fflush(stdout);
	EXPECT_GT(READY + KEPT + CYCLES, most);
}

BED_HARNESS_MAIN
