/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of who sees what share. Processes of several users (the cast)
 * hold connections; readers of several kinds look at /proc/sockstat, and at
 * /proc/PID/fd, which is the truth.
 */
#ifndef SOCKSTAT_TESTS_ACCESS_H
#define SOCKSTAT_TESTS_ACCESS_H

#include <dirent.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 120

#define ALICE_ID 61001
#define BOB_ID 61002
#define CAROL_ID 61003 /* has no process, but for readers */
#define SUB_ID 100000  /* where a user namespace's ids begin outside */

#define BIT(n) (1u << (n))

enum actor {
	ROOT,
	ALICE,
	ALICE_AGAIN,
	ALICE_HIDDEN, /* not dumpable */
	ALICE_LATER,  /* hides once it has used its connections */
	ALICE_ABLE,   /* has a capability that plain Alice lacks */
	ALICE_GROUP,  /* of another group */
	ALICE_GONE,   /* has exited, connections open */
	BOB,
	INNER, /* in the reader's namespace, first of two */
	INNER_AGAIN,
	N_ACTORS,
};

#define ALL (BIT(INNER) - 1)
#define LIVE (ALL & ~BIT(ALICE_GONE))
#define ALICES (BIT(ALICE) | BIT(ALICE_AGAIN))
/* of which she may see the open connection, in whatever state, and the closed one */
#define ALICES_OPENED (ALICES | BIT(ALICE_GONE))
#define ALICES_CLOSED (ALICES_OPENED | BIT(ALICE_LATER))

/* An open connection of an actor, and one that it has closed. */
struct part {
	atomic_bool ready;
	int fd[2];
	uint64_t inode[2];
	uint64_t closed[2]; /* cookies */
};

/* Shared by all processes of a test. */
struct stage {
	struct part part[N_ACTORS];
	uint64_t nobodys; /* cookie of a socket in flight between processes */
	/* what the last reader saw: bit per actor */
	unsigned int seen, closed, any; /* any: of its open connection, in whatever state */
	bool saw_nobodys, right;
	atomic_bool done;
};

/* ---- to become somebody ---- */

static inline bool set_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	int i;

	for (i = 0; i < 2; i++) {
		data[i].permitted = mask >> 32 * i;
		data[i].effective = mask >> 32 * i;
	}
	return !syscall(SYS_capset, &head, data);
}

static inline bool become(uid_t uid, gid_t gid, uint64_t capabilities, bool dumpable)
{
	return !prctl(PR_SET_KEEPCAPS, 1) && !setgroups(0, NULL) && !setresgid(gid, gid, gid) &&
	       !setresuid(uid, uid, uid) && set_capabilities(capabilities) &&
	       !prctl(PR_SET_DUMPABLE, dumpable);
}

static inline bool become_alice(void)
{
	return become(ALICE_ID, ALICE_ID, 0, true);
}

static inline bool become_hidden_alice(void)
{
	return become(ALICE_ID, ALICE_ID, 0, false);
}

static inline bool become_able_alice(void)
{
	return become(ALICE_ID, ALICE_ID, BIT(CAP_NET_RAW), true);
}

static inline bool become_alice_of_bobs_group(void)
{
	return become(ALICE_ID, BOB_ID, 0, true);
}

static inline bool become_bob(void)
{
	return become(BOB_ID, BOB_ID, 0, true);
}

static inline bool stay_root(void)
{
	return true;
}

/* ---- the cast ---- */

static inline bool use_part(struct part *part)
{
	int fd[2], i;

	if (!bed_pair(BED_4, part->fd) || !bed_write(part->fd[0], 10) || !bed_pair(BED_4, fd) ||
	    !bed_write(fd[0], 10) || !bed_read(fd[1], 10))
		return false;
	for (i = 0; i < 2; i++) {
		part->inode[i] = bed_inode(part->fd[i]);
		part->closed[i] = bed_cookie(fd[i]);
		close(fd[i]);
	}
	return true;
}

static inline bool open_part(struct part *part)
{
	part->ready = use_part(part);
	return part->ready;
}

static inline void play(struct stage *stage, enum actor actor, bool (*become)(void))
{
	struct part *part = &stage->part[actor];

	if (!become() || prctl(PR_SET_PDEATHSIG, SIGKILL) || !use_part(part) ||
	    (actor == ALICE_LATER && prctl(PR_SET_DUMPABLE, 0))) {
		printf("# actor %d: %m\n", actor);
		_exit(1);
	}
	part->ready = true;
	if (actor == ALICE_GONE)
		_exit(0);
	for (;;)
		pause();
}

static inline pid_t act(struct stage *stage, enum actor actor, bool (*become)(void))
{
	pid_t pid = fork();

	if (!pid)
		play(stage, actor, become);
	return pid;
}

/* ---- a descriptor that goes from one process to another ---- */

static inline bool send_fd(int channel, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(channel, &msg, 0) == 1;
}

/* -1 if there was none. */
static inline int receive_fd(int channel)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(channel, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* A socket that no process holds: it waits in a message. */
static inline bool put_in_flight(struct stage *stage, int channel)
{
	int fd[2];

	if (!bed_pair(BED_4, fd) || !bed_write(fd[0], 10) || !bed_read(fd[1], 10))
		return false;
	stage->nobodys = bed_cookie(fd[0]);
	if (!send_fd(channel, fd[0]))
		return false;
	close(fd[0]);
	return true;
}

/* /proc/sockstat, opened by a process that has become somebody, and ended since. */
static inline int open_as(bool (*become)(void))
{
	int pair[2], fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	pid = fork();
	if (!pid) {
		fd = become() ? open(SOCKSTAT_PROC_PATH, O_RDONLY) : -1;
		_exit(fd >= 0 && send_fd(pair[0], fd) ? 0 : 1);
	}
	close(pair[0]);
	if (pid > 0) {
		fd = receive_fd(pair[1]);
		waitpid(pid, NULL, 0);
	}
	close(pair[1]);
	return fd;
}

/* ---- the readers ---- */

struct seen {
	pid_t pid;
	int fd;
	uint64_t inode;
};

static inline int actor_of(const struct stage *stage, uint64_t inode)
{
	int i;

	for (i = 0; i < N_ACTORS; i++) {
		if (stage->part[i].ready &&
		    (stage->part[i].inode[0] == inode || stage->part[i].inode[1] == inode))
			return i;
	}
	return -1;
}

static inline uint64_t linked_inode(pid_t pid, int fd)
{
	char path[64], target[64];
	unsigned long long inode;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

/* The actors' sockets that this process finds in /proc/PID/fd. */
static inline size_t walk(const struct stage *stage, struct seen *seen, size_t max)
{
	struct dirent *process, *entry;
	DIR *proc = opendir("/proc"), *fds;
	size_t n = 0;

	while (proc && (process = readdir(proc))) {
		char path[300];
		pid_t pid = atoi(process->d_name);

		snprintf(path, sizeof(path), "/proc/%s/fd", process->d_name);
		fds = pid > 0 ? opendir(path) : NULL;
		if (!fds)
			continue;
		while ((entry = readdir(fds))) {
			int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
			uint64_t inode = fd < 0 ? 0 : linked_inode(pid, fd);

			if (inode && actor_of(stage, inode) >= 0 && n < max)
				seen[n++] = (struct seen){ pid, fd, inode };
		}
		closedir(fds);
	}
	closedir(proc);
	return n;
}

static inline bool row_there(const struct sockstat_table *table, const struct seen *seen)
{
	const struct sockstat_row *row = sockstat_table_find(table, seen->pid, seen->fd, NULL);

	while (row && row->inode != seen->inode)
		row = sockstat_table_find(table, seen->pid, seen->fd, row);
	if (!row)
		printf("# /proc/%d/fd/%d can be read, but has no row\n", seen->pid, seen->fd);
	return row;
}

/* Neither more nor less than /proc/PID/fd has. */
static inline bool like_proc(const struct stage *stage, const struct sockstat_table *table)
{
	struct seen seen[128];
	size_t i, n = walk(stage, seen, ARRAY_SIZE(seen));
	bool right = true;

	for (i = 0; i < n; i++)
		right &= row_there(table, &seen[i]);
	for (i = 0; i < table->n_rows; i++) {
		const struct sockstat_row *row = &table->rows[i];

		if (row->pid < 0 || row->state == SOCKSTAT_CLOSED ||
		    linked_inode(row->pid, row->fd) == row->inode)
			continue;
		printf("# line %u: /proc/%d/fd/%d cannot be read\n", row->line, row->pid, row->fd);
		right = false;
	}
	return right;
}

static inline void note(struct stage *stage, const struct sockstat_table *table)
{
	size_t i;
	int k;

	for (i = 0; i < table->n_rows; i++) {
		const struct sockstat_row *row = &table->rows[i];
		int actor = actor_of(stage, row->inode);

		if (row->cookie == stage->nobodys && row->pid < 0)
			stage->saw_nobodys = true;
		if (actor >= 0)
			stage->any |= BIT(actor);
		if (actor >= 0 && row->pid >= 0 && row->state != SOCKSTAT_CLOSED)
			stage->seen |= BIT(actor);
		for (k = 0; k < 2 * N_ACTORS; k++) {
			if (stage->part[k / 2].closed[k % 2] == row->cookie &&
			    row->state == SOCKSTAT_CLOSED)
				stage->closed |= BIT(k / 2);
		}
	}
}

static inline void look_at(struct stage *stage, int fd, bool compare)
{
	struct sockstat_table table;
	int err = sockstat_table_read_fd(&table, fd);

	stage->seen = 0;
	stage->closed = 0;
	stage->any = 0;
	stage->saw_nobodys = false;
	stage->right = false;
	if (err) {
		printf("# reading: %s\n", table.error);
		return;
	}
	note(stage, &table);
	stage->right = !compare || like_proc(stage, &table);
	sockstat_table_free(&table);
}

static inline void look(struct stage *stage, bool compare)
{
	int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);

	look_at(stage, fd, compare);
	close(fd);
	fflush(stdout);
}

static inline bool wait_ready(struct stage *stage, enum actor actor)
{
	return BED_WAIT(stage->part[actor].ready);
}

/* @become says who reads; whether that worked. */
static inline bool read_as(struct stage *stage, bool (*become)(void), bool compare)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (!become()) {
			printf("# the reader: %m\n");
			fflush(stdout);
			_exit(1);
		}
		look(stage, compare);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && !status && stage->right;
}

FIXTURE(access)
{
	struct stage *stage;
	int channel[2];
};

FIXTURE_SETUP(access)
{
	static bool (*const cast[])(void) = {
		[ROOT] = stay_root,
		[ALICE] = become_alice,
		[ALICE_AGAIN] = become_alice,
		[ALICE_HIDDEN] = become_hidden_alice,
		[ALICE_LATER] = become_alice,
		[ALICE_ABLE] = become_able_alice,
		[ALICE_GROUP] = become_alice_of_bobs_group,
		[ALICE_GONE] = become_alice,
		[BOB] = become_bob,
	};
	unsigned int i;

	if (geteuid())
		SKIP(return, "this test needs root");
	/* so that teardown ends all processes at once */
	setpgid(0, 0);
	ASSERT_EQ(0, bed_load());
	self->stage = mmap(NULL, sizeof(*self->stage), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->stage);
	for (i = 0; i < ARRAY_SIZE(cast); i++) {
		pid_t pid = act(self->stage, i, cast[i]);

		ASSERT_LT(0, pid);
		ASSERT_TRUE(wait_ready(self->stage, i));
		if (i == ALICE_GONE)
			ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	}
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, self->channel));
	ASSERT_TRUE(put_in_flight(self->stage, self->channel[0]));
}

FIXTURE_TEARDOWN(access)
{
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	close(self->channel[0]);
	close(self->channel[1]);
	EXPECT_EQ(0, bed_unload());
}

#endif
