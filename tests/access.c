// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sees what: exactly what /proc/PID/fd lets one see, and closed rows by the
 * same rule.
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

/* /proc/PID/fd's own mode bits would stop a mere tracer. */
static bool become_searching_tracer(void)
{
	return become(CAROL_ID, CAROL_ID, BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH), true);
}

static bool become_searcher(void)
{
	return become(CAROL_ID, CAROL_ID, BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_DAC_OVERRIDE), true);
}

TEST_F_TIMEOUT(access, user, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_alice, true));
	EXPECT_EQ(ALICES, self->stage->seen);
	EXPECT_EQ(ALICES_CLOSED, self->stage->closed);
	/* not as closed either, what is open and must not be seen */
	EXPECT_EQ(ALICES_OPENED, self->stage->any);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, another_user, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_bob, true));
	EXPECT_EQ(BIT(BOB), self->stage->seen);
	EXPECT_EQ(BIT(BOB), self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, user_without_processes, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_carol, true));
	EXPECT_EQ(0u, self->stage->seen);
	EXPECT_EQ(0u, self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, same_user_with_more_capabilities, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_able_alice, true));
	EXPECT_EQ(ALICES | BIT(ALICE_ABLE), self->stage->seen);
	EXPECT_EQ(ALICES_CLOSED | BIT(ALICE_ABLE), self->stage->closed);
}

TEST_F_TIMEOUT(access, same_user_of_another_group, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_alice_of_bobs_group, true));
	EXPECT_EQ(BIT(ALICE_GROUP), self->stage->seen);
	EXPECT_EQ(BIT(ALICE_GROUP), self->stage->closed);
}

TEST_F_TIMEOUT(access, root, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, stay_root, true));
	EXPECT_EQ(LIVE, self->stage->seen);
	EXPECT_EQ(ALL, self->stage->closed);
	EXPECT_TRUE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, cap_sys_ptrace, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_tracer, false));
	EXPECT_EQ(LIVE, self->stage->seen);
	EXPECT_EQ(ALL, self->stage->closed);
	EXPECT_TRUE(self->stage->saw_nobodys);
	EXPECT_TRUE(read_as(self->stage, become_searching_tracer, true));
	EXPECT_EQ(LIVE, self->stage->seen);
}

/* To be allowed to open any file is not enough. */
TEST_F_TIMEOUT(access, cap_dac_override, SECONDS)
{
	EXPECT_TRUE(read_as(self->stage, become_searcher, true));
	EXPECT_EQ(0u, self->stage->seen);
	EXPECT_EQ(0u, self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

/* A process sees itself, whatever it is. */
TEST_F_TIMEOUT(access, hidden_process_sees_itself, SECONDS)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (become_hidden_alice() && open_part(&self->stage->part[INNER]))
			look(self->stage, false);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(ALICES | BIT(INNER), self->stage->seen);
}

/* What Alice opened shows what Alice may see, also to a privileged reader. */
TEST_F_TIMEOUT(access, opened_by_another, SECONDS)
{
	int fd = open_as(become_alice);

	ASSERT_LE(0, fd);
	look_at(self->stage, fd, false);
	close(fd);
	EXPECT_EQ(ALICES, self->stage->seen);
	EXPECT_EQ(ALICES_CLOSED, self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

BED_HARNESS_MAIN
