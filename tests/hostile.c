// SPDX-License-Identifier: GPL-2.0-only
/*
 * Users who try to see more rows than /proc/PID/fd allows: in a file that another
 * user opened or reads, in a process that executes a setuid program or whose pid is
 * reused, and through a /proc that is mounted with other options.
 *
 * Every snapshot of an open /proc/sockstat shows what the opener may see when it is
 * taken, not what the reader may see, like other files of /proc that check
 * file->f_cred. Passing such a file on therefore gives away later snapshots as well.
 */
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "access.h"

#define YAMA "/proc/sys/kernel/yama/ptrace_scope"

#define MANY 20000 /* descriptors of a process whose table takes long to walk */
#define TRIALS 6   /* walks of it, or more until one was interrupted */
#define TEXT_MAX (16 << 20)

static bool stage_shows(const struct stage *stage, unsigned int seen, unsigned int closed,
			bool nobodys)
{
	if (stage->right && stage->seen == seen && stage->closed == closed &&
	    stage->saw_nobodys == nobodys)
		return true;
	printf("# live rows of %#x instead of %#x, closed rows of %#x instead of %#x\n",
	       stage->seen, seen, stage->closed, closed);
	fflush(stdout);
	return false;
}

static bool everybody_sees_own_rows(struct stage *stage)
{
	return read_as(stage, become_alice, true) &&
	       stage_shows(stage, ALICES, ALICES_CLOSED, false) &&
	       read_as(stage, become_bob, true) && stage_shows(stage, BIT(BOB), BIT(BOB), false) &&
	       read_as(stage, stay_root, true) && stage_shows(stage, LIVE, ALL, true);
}

/* ---- open files passed to another user ---- */

/*
 * Read an open /proc/sockstat in a process with the credentials that @become() sets:
 * the descriptor @fd, which it inherits, or one received from @channel unless that is -1.
 */
static bool read_given(struct stage *stage, bool (*become)(void), int fd, int channel)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (!become())
			_exit(1);
		if (channel >= 0)
			fd = bed_receive_fd(channel);
		if (lseek(fd, 0, SEEK_SET))
			_exit(1);
		stage_read_fd(stage, fd, false);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

TEST_F_TIMEOUT(access, opened_by_root_inherited_by_a_user, SECONDS)
{
	int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);

	ASSERT_TRUE(read_given(self->stage, become_bob, fd, -1));
	EXPECT_TRUE(stage_shows(self->stage, LIVE, ALL, true));
	/* and rows of a process that started after the file was opened */
	ASSERT_LT(0, actor_start(self->stage, INNER, become_alice));
	ASSERT_TRUE(wait_ready(self->stage, INNER));
	ASSERT_TRUE(read_given(self->stage, become_bob, fd, -1));
	EXPECT_TRUE(stage_shows(self->stage, LIVE | BIT(INNER), ALL | BIT(INNER), true));
	close(fd);
}

TEST_F_TIMEOUT(access, opened_by_root_sent_to_a_user, SECONDS)
{
	int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC), pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	ASSERT_TRUE(bed_send_fd(pair[0], fd));
	close(fd);
	ASSERT_TRUE(read_given(self->stage, become_bob, -1, pair[1]));
	EXPECT_TRUE(stage_shows(self->stage, LIVE, ALL, true));
	close(pair[0]);
	close(pair[1]);
}

/* Opening /proc/self/fd/N is a new open() with the credentials of its caller. */
TEST_F_TIMEOUT(access, opened_by_root_opened_again_by_a_user, SECONDS)
{
	int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC), status;
	char path[64];
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pid = fork();
	if (!pid) {
		fd = become_bob() ? open(path, O_RDONLY) : -1;
		stage_read_fd(self->stage, fd, false);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(stage_shows(self->stage, BIT(BOB), BIT(BOB), false));
	close(fd);
}

/*
 * The reader's credentials add nothing. Otherwise a privileged program that reads
 * Bob's file as its standard input would put rows of its own sockets into the
 * snapshot, for Bob to read.
 */
TEST_F_TIMEOUT(access, opened_by_a_user_read_by_root, SECONDS)
{
	int fd = open_as(become_bob), status;
	pid_t pid;

	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid) {
		if (part_start(&self->stage->part[INNER]))
			stage_read_fd(self->stage, fd, false);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(stage_shows(self->stage, BIT(BOB), BIT(BOB), false));
	EXPECT_EQ(BIT(BOB), self->stage->any);
	close(fd);
}

/* The file stays open after every process of its opener's pid namespace has exited. */
TEST_F_TIMEOUT(access, opened_in_a_pid_namespace_that_is_gone, SECONDS)
{
	int pair[2], fd, status, i;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(1);
		pid = fork();
		if (!pid) {
			fd = open(SOCKSTAT_PROC_PATH, O_RDONLY);
			if (!part_start(&self->stage->part[INNER]) || !bed_send_fd(pair[0], fd))
				_exit(1);
			_exit(0);
		}
		_exit(waitpid(pid, &status, 0) == pid ? status : 1);
	}
	fd = bed_receive_fd(pair[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
		stage_read_fd(self->stage, fd, false);
		EXPECT_TRUE(stage_shows(self->stage, 0, BIT(INNER), false));
		EXPECT_EQ(BIT(INNER), self->stage->any);
	}
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* ---- processes that change ---- */

/* main() of this program when it is run as a setuid program of root's. */
static int setuid_main(int report)
{
	struct part part = { 0 };

	if (geteuid() || !getuid() || !part_start(&part) ||
	    write(report, &part, sizeof(part)) != sizeof(part))
		return 1;
	for (;;)
		pause();
}

/* Make a setuid copy of this program, which only Alice's group may execute. */
static bool setuid_install(const char *path)
{
	char command[4200];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s && chown 0:%d %s && chmod 4750 %s",
		 getpid(), path, ALICE_ID, path, path);
	return !system(command);
}

struct setuid {
	char path[64];
	int report[2];
};

static bool setuid_prepare(struct setuid *s)
{
	snprintf(s->path, sizeof(s->path), "/var/tmp/sockstat-hostile-%d", getpid());
	return !pipe(s->report) && setuid_install(s->path);
}

static void setuid_run(const struct setuid *s)
{
	char report[16];

	snprintf(report, sizeof(report), "%d", s->report[1]);
	execl(s->path, s->path, "--program", report, NULL);
	perror("# exec");
	_exit(1);
}

static bool setuid_report(const struct setuid *s, struct part *part)
{
	return read(s->report[0], part, sizeof(*part)) == sizeof(*part);
}

static void setuid_finish(const struct setuid *s)
{
	unlink(s->path);
	close(s->report[0]);
	close(s->report[1]);
}

static bool setuid_works(void)
{
	struct statvfs fs;

	return !statvfs("/var/tmp", &fs) && !(fs.f_flag & ST_NOSUID);
}

/*
 * Alice, with connections and /proc/sockstat open, executes a setuid program of
 * root's. She still sees the rows recorded before the exec, as closed rows, but no
 * row of the program.
 */
TEST_F_TIMEOUT(access, setuid_program_is_hidden, SECONDS)
{
	const unsigned int both = BIT(INNER) | BIT(INNER_AGAIN);
	struct stage *stage = self->stage;
	struct setuid s;
	int pair[2], fd;
	pid_t pid;

	if (!setuid_works())
		SKIP(return, "/var/tmp is mounted nosuid");
	ASSERT_TRUE(setuid_prepare(&s));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = fork();
	if (!pid) {
		struct part *part = &stage->part[INNER];

		fd = become_alice() && part_start(part) ? open(SOCKSTAT_PROC_PATH, O_RDONLY) : -1;
		if (!bed_send_fd(pair[0], fd) || fcntl(part->fd[0], F_SETFD, 0) ||
		    fcntl(part->fd[1], F_SETFD, 0))
			_exit(1);
		setuid_run(&s);
	}
	fd = bed_receive_fd(pair[1]);
	ASSERT_TRUE(setuid_report(&s, &stage->part[INNER_AGAIN]));

	EXPECT_TRUE(read_as(stage, become_alice, true));
	EXPECT_TRUE(stage_shows(stage, ALICES, ALICES_CLOSED | BIT(INNER), false));
	EXPECT_EQ(ALICES_OPENED | BIT(INNER), stage->any);
	/* the same in the file that the process opened before the exec */
	stage_read_fd(stage, fd, false);
	EXPECT_TRUE(stage_shows(stage, ALICES, ALICES_CLOSED | BIT(INNER), false));
	EXPECT_EQ(ALICES_OPENED | BIT(INNER), stage->any);
	EXPECT_TRUE(read_as(stage, stay_root, true));
	EXPECT_TRUE(stage_shows(stage, LIVE | both, ALL | both, true));

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(read_as(stage, become_alice, true));
	EXPECT_TRUE(stage_shows(stage, ALICES, ALICES_CLOSED | BIT(INNER), false));
	EXPECT_EQ(ALICES_OPENED | BIT(INNER), stage->any);
	EXPECT_TRUE(read_as(stage, stay_root, true));
	EXPECT_TRUE(stage_shows(stage, LIVE, ALL | both, true));
	EXPECT_EQ(ALL | both, stage->any);
	setuid_finish(&s);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* As Alice, with MANY descriptors, execute the setuid program. */
static void run_with_many(struct stage *stage, const struct setuid *s)
{
	struct rlimit limit = { MANY + 100, MANY + 100 };
	int fd[2], i;

	if (setrlimit(RLIMIT_NOFILE, &limit) || !become_alice() || !bed_pair(BED_4, fd) ||
	    fcntl(fd[0], F_SETFD, 0))
		_exit(1);
	for (i = 3; i < MANY; i++)
		if (i != s->report[1] && dup2(fd[0], i) != i)
			_exit(1);
	stage->part[INNER].ready = true;
	/*
	 * Meanwhile the reader, which runs only while this process sleeps, takes
	 * snapshots. The exec interrupts one of them, wherever it is by then.
	 */
	usleep(200000 + rand() % 200000);
	setuid_run(s);
}

enum { SAW_NOTHING, SAW_HERS, SAW_THE_PROGRAMS, FAILED }; /* rows of the process */

/* Descriptors from before the exec, Alice's, are below MANY; the program's are above. */
static int find_rows_of(const char *text, size_t len, pid_t pid)
{
	struct sockstat_table table;
	int saw = SAW_NOTHING;
	size_t i;

	if (sockstat_table_parse(&table, text, len))
		saw = FAILED;
	for (i = 0; i < table.n_rows && saw < SAW_THE_PROGRAMS; i++) {
		if (table.rows[i].pid == pid)
			saw = table.rows[i].fd < MANY ? SAW_HERS : SAW_THE_PROGRAMS;
	}
	sockstat_table_free(&table);
	return saw;
}

/* Take snapshots until the program runs; judge the last one, which it interrupted. */
static int read_until_done(const struct stage *stage, pid_t pid)
{
	int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);
	char *text = malloc(TEXT_MAX);
	ssize_t n, len = 1;

	do {
		if (!text || pread(fd, text, 1, 0) != 1)
			return FAILED;
	} while (!stage->done);
	while ((n = pread(fd, text + len, TEXT_MAX - len, len)) > 0)
		len += n;
	return find_rows_of(text, len, pid);
}

/* The reader shares a CPU with process @pid and runs only while that sleeps. */
static pid_t start_reading(const struct stage *stage, pid_t pid)
{
	const struct sched_param param = { 0 };
	pid_t reader = fork();

	if (!reader)
		_exit(become_alice() && !sched_setscheduler(0, SCHED_IDLE, &param) ?
			      read_until_done(stage, pid) :
			      FAILED);
	return reader;
}

static bool stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return !sched_setaffinity(0, sizeof(one), &one);
}

/*
 * A process executes a setuid program while a reader walks its descriptors. How far
 * the walk has come is up to chance: try until one trial has interrupted it between
 * Alice's descriptors and the end of the snapshot.
 */
TEST_F_TIMEOUT(access, setuid_program_is_hidden_from_a_running_walk, SECONDS)
{
	int trial, status, saw[FAILED + 1] = { 0 };
	struct stage *stage = self->stage;
	int64_t until = bed_deadline();
	struct setuid s;

	if (!setuid_works())
		SKIP(return, "/var/tmp is mounted nosuid");
	ASSERT_TRUE(setuid_prepare(&s));
	ASSERT_TRUE(stay_on_one_cpu());
	for (trial = 0; trial < TRIALS || (!saw[SAW_HERS] && bed_now() < until); trial++) {
		pid_t pid, reader;

		stage->part[INNER].ready = false;
		stage->done = false;
		rand();
		pid = fork();
		if (!pid)
			run_with_many(stage, &s);
		ASSERT_TRUE(wait_ready(stage, INNER));
		reader = start_reading(stage, pid);
		ASSERT_TRUE(setuid_report(&s, &stage->part[INNER_AGAIN]));
		stage->done = true;
		EXPECT_LE(MANY, stage->part[INNER_AGAIN].fd[0]);
		ASSERT_EQ(reader, waitpid(reader, &status, 0));
		ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= FAILED);
		saw[WEXITSTATUS(status)]++;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	setuid_finish(&s);
	printf("# the exec interrupted %d of %d walks\n", saw[SAW_HERS] + saw[SAW_THE_PROGRAMS],
	       trial);
	fflush(stdout);
	EXPECT_EQ(0, saw[FAILED]);
	EXPECT_EQ(0, saw[SAW_THE_PROGRAMS]);
	EXPECT_LT(0, saw[SAW_HERS]);
}

static pid_t fork_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

static bool become_alice_for_a_while(void)
{
	return become_alice() && !prctl(PR_SET_NAME, "was_alice");
}

static bool become_bob_in_her_place(void)
{
	return become_bob() && !prctl(PR_SET_NAME, "is_bob");
}

static const char *name_of(const struct sockstat_table *table, uint64_t cookie, pid_t pid)
{
	const struct sockstat_row *row = sockstat_table_find_cookie(table, cookie, NULL);

	return row && row->pid == pid ? row->comm : "";
}

/* A process of Bob's has the pid of an exited process of Alice's. */
TEST_F_TIMEOUT(access, reused_pid_does_not_mix_users, SECONDS)
{
	struct stage *stage = self->stage;
	struct sockstat_table table;
	pid_t pid;

	pid = actor_start(stage, INNER, become_alice_for_a_while);
	ASSERT_TRUE(wait_ready(stage, INNER));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	switch (fork_with_pid(pid)) {
	case 0:
		actor_run(stage, INNER_AGAIN, become_bob_in_her_place);
		break;
	case -1:
		ASSERT_EQ(0, errno) TH_LOG("clone3: %m");
	}
	ASSERT_TRUE(wait_ready(stage, INNER_AGAIN));

	EXPECT_TRUE(read_as(stage, become_alice, true));
	EXPECT_TRUE(stage_shows(stage, ALICES, ALICES_CLOSED | BIT(INNER), false));
	EXPECT_EQ(ALICES_OPENED | BIT(INNER), stage->any);
	EXPECT_TRUE(read_as(stage, become_bob, true));
	EXPECT_TRUE(stage_shows(stage, BIT(BOB) | BIT(INNER_AGAIN), BIT(BOB) | BIT(INNER_AGAIN),
				false));
	EXPECT_EQ(BIT(BOB) | BIT(INNER_AGAIN), stage->any);

	ASSERT_TRUE(bed_table(&table));
	EXPECT_STREQ("was_alice", name_of(&table, stage->part[INNER].closed[0], pid));
	EXPECT_STREQ("is_bob", name_of(&table, stage->part[INNER_AGAIN].closed[0], pid));
	sockstat_table_free(&table);
}

/* ---- mount options of /proc, Yama ---- */

/* Run @test in a mount namespace of its own with /proc mounted with @options. */
static bool run_with_proc(const char *options, bool (*test)(struct stage *stage),
			  struct stage *stage)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("proc", "/proc", "proc", 0, options)) {
			printf("# mount /proc: %m\n");
			fflush(stdout);
			_exit(2);
		}
		_exit(test(stage) ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

/* hidepid= hides processes only from users who may not read their /proc/PID/fd anyway. */
TEST_F_TIMEOUT(access, proc_with_hidepid_shows_the_same, SECONDS)
{
	static const char *const options[] = {
		"hidepid=0", "hidepid=1", "hidepid=2", "hidepid=2,gid=61002", "hidepid=4",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		printf("# /proc mounted with %s\n", options[i]);
		fflush(stdout);
		EXPECT_TRUE(run_with_proc(options[i], everybody_sees_own_rows, self->stage));
	}
}

static bool is_absent(struct stage *stage)
{
	return open(SOCKSTAT_PROC_PATH, O_RDONLY) < 0 && errno == ENOENT &&
	       !access("/proc/self/fd", F_OK) && stage;
}

/* subset=pid leaves only the directories of processes in /proc. */
TEST_F_TIMEOUT(access, proc_with_subset_pid_lacks_the_table, SECONDS)
{
	EXPECT_TRUE(run_with_proc("subset=pid", is_absent, self->stage));
}

static bool is_refused(struct stage *stage)
{
	return become_alice() && open(SOCKSTAT_PROC_PATH, O_RDONLY) < 0 && errno == EACCES && stage;
}

/* The administrator may chmod /proc/sockstat to keep users out. */
TEST_F_TIMEOUT(access, chmod_keeps_users_out, SECONDS)
{
	ASSERT_EQ(0, chmod(SOCKSTAT_PROC_PATH, 0400));
	EXPECT_TRUE(run_with_proc(NULL, is_refused, self->stage));
	EXPECT_TRUE(read_as(self->stage, stay_root, true));
	EXPECT_TRUE(stage_shows(self->stage, LIVE, ALL, true));
	ASSERT_EQ(0, chmod(SOCKSTAT_PROC_PATH, 0444));
}

/*
 * Yama restricts who may attach to a process, not who may read its /proc/PID/fd.
 * (Scope 3 cannot be set back, and differs from 2 only in who may attach.)
 */
TEST_F_TIMEOUT(access, yama_changes_nothing, SECONDS)
{
	static const char *const scopes[] = { "0", "1", "2" };
	int fd = open(YAMA, O_RDONLY | O_CLOEXEC);
	char before[2] = "";
	size_t i;

	if (fd < 0 || read(fd, before, 1) != 1)
		SKIP(return, "this kernel has no Yama");
	close(fd);
	for (i = 0; i < ARRAY_SIZE(scopes); i++) {
		ASSERT_TRUE(bed_put(YAMA, scopes[i]));
		EXPECT_TRUE(everybody_sees_own_rows(self->stage))
		TH_LOG("ptrace_scope %s", scopes[i]);
	}
	EXPECT_TRUE(bed_put(YAMA, before));
}

/* The harness defines main(); this program's own one also serves as the setuid program. */
#define main harness_main
BED_HARNESS_MAIN
#undef main

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--program"))
		return setuid_main(atoi(argv[2]));
	return harness_main(argc, argv);
}
