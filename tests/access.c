// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader sees exactly the rows of the descriptors that /proc/PID/fd shows it, and
 * the closed rows of the same processes.
 */
#include "access.h"

static bool become_carol(void)
{
	return become(CAROL_ID, CAROL_ID, 0, true);
}

static bool become_tracer(void)
{
	return become(CAROL_ID, CAROL_ID, BIT(CAP_SYS_PTRACE), true);
}

/* CAP_DAC_READ_SEARCH as well: the mode of /proc/PID/fd would stop a mere tracer. */
static bool become_searching_tracer(void)
{
	return become(CAROL_ID, CAROL_ID, BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH), true);
}

static bool become_searcher(void)
{
	return become(CAROL_ID, CAROL_ID, BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_DAC_OVERRIDE), true);
}

TEST_F_TIMEOUT(access, user_sees_own_processes, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_alice, true));
	EXPECT_EQ(ALICES, self->stage->seen);
	EXPECT_EQ(ALICES_CLOSED, self->stage->closed);
	/* no row, not even a CLOSED one, of open connections that Alice must not see */
	EXPECT_EQ(ALICES_OPENED, self->stage->any);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, another_user_sees_own_processes, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_bob, true));
	EXPECT_EQ(BIT(BOB), self->stage->seen);
	EXPECT_EQ(BIT(BOB), self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, user_without_processes_sees_nothing, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_carol, true));
	EXPECT_EQ(0u, self->stage->seen);
	EXPECT_EQ(0u, self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, more_capabilities_see_more, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_able_alice, true));
	EXPECT_EQ(ALICES | BIT(ALICE_ABLE), self->stage->seen);
	EXPECT_EQ(ALICES_CLOSED | BIT(ALICE_ABLE), self->stage->closed);
}

TEST_F_TIMEOUT(access, another_group_sees_own_group, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_alice_of_bobs_group, true));
	EXPECT_EQ(BIT(ALICE_GROUP), self->stage->seen);
	EXPECT_EQ(BIT(ALICE_GROUP), self->stage->closed);
}

TEST_F_TIMEOUT(access, root_sees_everything, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, stay_root, true));
	EXPECT_EQ(LIVE, self->stage->seen);
	EXPECT_EQ(ALL, self->stage->closed);
	EXPECT_TRUE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, cap_sys_ptrace_sees_everything, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_tracer, false));
	EXPECT_EQ(LIVE, self->stage->seen);
	EXPECT_EQ(ALL, self->stage->closed);
	EXPECT_TRUE(self->stage->saw_nobodys);
	EXPECT_TRUE(read_as(self->stage, become_searching_tracer, true));
	EXPECT_EQ(LIVE, self->stage->seen);
}

/* CAP_DAC_OVERRIDE, which opens any file, does not reveal any row. */
TEST_F_TIMEOUT(access, cap_dac_override_sees_nothing, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_searcher, true));
	EXPECT_EQ(0u, self->stage->seen);
	EXPECT_EQ(0u, self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

/* A process that is not dumpable sees its own rows. */
TEST_F_TIMEOUT(access, hidden_process_sees_itself, SECONDS)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (become_hidden_alice() && part_start(&self->stage->part[INNER]))
			stage_read(self->stage, false);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(ALICES | BIT(INNER), self->stage->seen);
}

/* The credentials at open() count: root reads a file of Alice's and sees her rows only. */
TEST_F_TIMEOUT(access, opener_decides_over_reader, SECONDS)
{
	int fd = open_as(become_alice);

	ASSERT_LE(0, fd);
	stage_read_fd(self->stage, fd, false);
	close(fd);
	EXPECT_EQ(ALICES, self->stage->seen);
	EXPECT_EQ(ALICES_CLOSED, self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

BED_HARNESS_MAIN
