// SPDX-License-Identifier: GPL-2.0-only
/*
 * EUID, and which closed rows of exited processes their user may see. The processes
 * tell their effective users and their cookies themselves.
 */
#include <sched.h>

#include "access.h"

#define SETUID_CAT "/tmp/sockstat-setuid-cat"

/* Shared by all processes of a test. */
struct scene {
	uint64_t cookie[2]; /* a connection's client and server end */
	bool saw[2];	    /* the last reader has found a CLOSED row of that end */
	int64_t euid;	    /* EUID of the row that the last reader looked for */
	atomic_int turn;
};

FIXTURE(owner)
{
	struct scene *scene;
};

FIXTURE_SETUP(owner)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	self->scene = mmap(NULL, sizeof(*self->scene), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->scene);
	ASSERT_EQ(0, bed_start());
}

FIXTURE_TEARDOWN(owner)
{
	munmap(self->scene, sizeof(*self->scene));
}

/*
 * Connect and accept in a process, which then exits without having used either end:
 * only its exit tells the module of the server's end.
 */
static bool come_and_go(struct scene *scene, bool (*become)(void), bool (*then)(void))
{
	int status = -1, fd[2];
	pid_t pid = fork();

	if (!pid) {
		if (!become() || !bed_pair(BED_4, fd))
			_exit(1);
		scene->cookie[0] = bed_cookie(fd[0]);
		scene->cookie[1] = bed_cookie(fd[1]);
		_exit(!then());
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static bool do_nothing(void)
{
	return true;
}

static bool become_not_dumpable(void)
{
	return !prctl(PR_SET_DUMPABLE, 0);
}

static const struct sockstat_row *find_closed(const struct sockstat_table *table, uint64_t cookie)
{
	const struct sockstat_row *row = sockstat_table_find_cookie(table, cookie, NULL);

	while (row && (row->state != SOCKSTAT_CLOSED || row->pid < 0))
		row = sockstat_table_find_cookie(table, cookie, row);
	return row;
}

/* Look for the closed rows in a process with the credentials that @become() sets. */
static bool look(struct scene *scene, bool (*become)(void))
{
	struct sockstat_table table;
	int status = -1, i;
	pid_t pid = fork();

	if (!pid) {
		if (!become() || !bed_table(&table))
			_exit(1);
		for (i = 0; i < 2; i++)
			scene->saw[i] = find_closed(&table, scene->cookie[i]);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

TEST_F_TIMEOUT(owner, user_sees_exited_process, SECONDS)
{
	ASSERT_TRUE(come_and_go(self->scene, become_alice, do_nothing));
	ASSERT_TRUE(look(self->scene, become_alice));
	EXPECT_TRUE(self->scene->saw[0]);
	EXPECT_TRUE(self->scene->saw[1]);
	ASSERT_TRUE(look(self->scene, become_bob));
	EXPECT_FALSE(self->scene->saw[0]);
	EXPECT_FALSE(self->scene->saw[1]);
}

TEST_F_TIMEOUT(owner, user_does_not_see_exited_hidden_process, SECONDS)
{
	ASSERT_TRUE(come_and_go(self->scene, become_hidden_alice, do_nothing));
	ASSERT_TRUE(look(self->scene, become_alice));
	EXPECT_FALSE(self->scene->saw[0]);
	EXPECT_FALSE(self->scene->saw[1]);
	ASSERT_TRUE(look(self->scene, stay_root));
	EXPECT_TRUE(self->scene->saw[0]);
	EXPECT_TRUE(self->scene->saw[1]);
}

/* The state in which the process was last seen with the descriptor decides. */
TEST_F_TIMEOUT(owner, user_does_not_see_process_that_hid_before_exit, SECONDS)
{
	ASSERT_TRUE(come_and_go(self->scene, become_alice, become_not_dumpable));
	ASSERT_TRUE(look(self->scene, become_alice));
	EXPECT_FALSE(self->scene->saw[1]);
	ASSERT_TRUE(look(self->scene, stay_root));
	EXPECT_TRUE(self->scene->saw[1]);
}

/* Run a setuid program with the server's end as its input; it ends with the input. */
static bool run_setuid_cat(struct scene *scene)
{
	int status = -1, fd[2];
	pid_t pid = fork();

	if (!pid) {
		if (!become_alice() || !bed_pair(BED_4, fd))
			_exit(1);
		scene->cookie[0] = 0;
		scene->cookie[1] = bed_cookie(fd[1]);
		dup2(fd[1], 0);
		close(fd[0]);
		execl(SETUID_CAT, "cat", NULL);
		_exit(1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static int count_rows(uint64_t cookie, const char *comm)
{
	const struct sockstat_row *row = NULL;
	struct sockstat_table table;
	int n = 0;

	if (!bed_table(&table))
		return -1;
	while ((row = sockstat_table_find_cookie(&table, cookie, row)))
		n += !strcmp(row->comm, comm);
	sockstat_table_free(&table);
	return n;
}

TEST_F_TIMEOUT(owner, user_does_not_see_exited_setuid_program, SECONDS)
{
	uint64_t cookie;
	int status = -1;
	pid_t pid;

	ASSERT_EQ(0, system("cp /bin/cat " SETUID_CAT " && chmod 4755 " SETUID_CAT));
	EXPECT_TRUE(run_setuid_cat(self->scene));
	unlink(SETUID_CAT);
	cookie = self->scene->cookie[1];
	EXPECT_EQ(1, count_rows(cookie, "cat") + count_rows(cookie, "sockstat-setuid"));
	pid = fork();
	if (!pid)
		_exit(!become_alice() || count_rows(cookie, "cat") ||
		      count_rows(cookie, "sockstat-setuid"));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* ---- EUID ---- */

/* EUID of the row of a descriptor, open or closed; -2 if there is no row. */
static int64_t euid_of_row(pid_t pid, uint64_t cookie)
{
	const struct sockstat_row *row = NULL;
	struct sockstat_table table;
	int64_t euid = -2;

	if (!bed_table(&table))
		return -2;
	while ((row = sockstat_table_find_cookie(&table, cookie, row)))
		if (row->pid == pid)
			euid = row->euid;
	sockstat_table_free(&table);
	return euid;
}

static bool scene_turn(struct scene *scene, int turn)
{
	scene->turn = turn;
	return BED_WAIT(scene->turn == turn + 1);
}

/* Wait for one's turns in a child process, and take them. */
static bool serve(struct scene *scene, int fd)
{
	if (!BED_WAIT(scene->turn == 1) || !become_alice() || !bed_read(fd, 10))
		return false;
	scene->turn = 2;
	return BED_WAIT(scene->turn == 3);
}

/* As a server does: root accepts, and a child that has become another user serves. */
TEST_F_TIMEOUT(owner, euid_is_that_of_the_process, SECONDS)
{
	int fd[2], status = -1;
	uint64_t cookie;
	pid_t pid;

	ASSERT_TRUE(bed_pair(BED_4, fd));
	cookie = bed_cookie(fd[1]);
	pid = fork();
	if (!pid)
		_exit(!serve(self->scene, fd[1]));
	EXPECT_EQ(0, euid_of_row(pid, cookie));
	EXPECT_EQ(0, euid_of_row(getpid(), cookie));
	ASSERT_TRUE(bed_write(fd[0], 10));
	ASSERT_TRUE(scene_turn(self->scene, 1));
	EXPECT_EQ(ALICE_ID, euid_of_row(pid, cookie));
	EXPECT_EQ(0, euid_of_row(getpid(), cookie));
	self->scene->turn = 3;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(ALICE_ID, euid_of_row(pid, cookie));
}

/* An open descriptor's row has the present user, though no call was seen since. */
TEST_F_TIMEOUT(owner, euid_is_the_present_one, SECONDS)
{
	uint64_t cookie;
	int fd[2];

	ASSERT_TRUE(bed_pair(BED_4, fd));
	cookie = bed_cookie(fd[1]);
	ASSERT_TRUE(bed_write(fd[1], 10));
	EXPECT_EQ(0, euid_of_row(getpid(), cookie));
	ASSERT_EQ(0, setresuid(-1, BOB_ID, 0));
	EXPECT_EQ(BOB_ID, euid_of_row(getpid(), cookie));
	ASSERT_EQ(0, setresuid(-1, 0, 0));
	EXPECT_EQ(0, euid_of_row(getpid(), cookie));
}

static bool read_in_user_namespace(struct scene *scene)
{
	char map[64];
	int fd[2];

	snprintf(map, sizeof(map), "7 %d 1", ALICE_ID);
	if (!become_alice() || !bed_pair(BED_4, fd) || unshare(CLONE_NEWUSER) ||
	    !bed_put("/proc/self/uid_map", map))
		return false;
	scene->cookie[1] = bed_cookie(fd[1]);
	scene->euid = euid_of_row(getpid(), scene->cookie[1]);
	return BED_WAIT(scene->turn == 1);
}

/* As UID, it is a number of the reader's user namespace. */
TEST_F_TIMEOUT(owner, euid_in_user_namespace, SECONDS)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(!read_in_user_namespace(self->scene));
	ASSERT_TRUE(BED_WAIT(self->scene->euid || waitpid(pid, &status, WNOHANG) == pid));
	EXPECT_EQ(7, self->scene->euid);
	EXPECT_EQ(ALICE_ID, euid_of_row(pid, self->scene->cookie[1]));
	self->scene->turn = 1;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The actors of access.h, and a socket that no process holds */
TEST_F_TIMEOUT(access, euid_of_all, SECONDS)
{
	static const int64_t euids[] = {
		[ROOT] = 0,
		[ALICE] = ALICE_ID,
		[ALICE_AGAIN] = ALICE_ID,
		[ALICE_HIDDEN] = ALICE_ID,
		[ALICE_LATER] = ALICE_ID,
		[ALICE_ABLE] = ALICE_ID,
		[ALICE_GROUP] = ALICE_ID,
		[ALICE_GONE] = ALICE_ID,
		[BOB] = BOB_ID,
	};
	struct sockstat_table table;
	size_t i, found = 0;

	ASSERT_TRUE(bed_table(&table));
	for (i = 0; i < table.n_rows; i++) {
		const struct sockstat_row *row = &table.rows[i];
		int actor = actor_of(self->stage, row->inode);

		if (row->pid < 0 || actor >= 0) {
			EXPECT_EQ(row->pid < 0 ? -1 : euids[actor], row->euid);
			found++;
		}
	}
	EXPECT_LE(ARRAY_SIZE(euids) + 1, found);
	sockstat_table_free(&table);
}

BED_HARNESS_MAIN
