/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the tests of which rows a reader may see. Processes of several users,
 * the actors, hold connections. Readers with various credentials read
 * /proc/sockstat and compare it with /proc/PID/fd, which sets the rule.
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

#define SECONDS 120 /* a test's timeout */

#define ALICE_ID 61001
#define BOB_ID 61002
#define CAROL_ID 61003 /* of readers only: no actor has it */
#define SUB_ID 100000  /* id outside that is 0 inside a user namespace */

#define BIT(n) (1u << (n))

enum actor {
	ROOT,
	ALICE,
	ALICE_AGAIN,
	ALICE_HIDDEN, /* not dumpable */
	ALICE_LATER,  /* becomes not dumpable after using its connections */
	ALICE_ABLE,   /* has a capability that the other Alices lack */
	ALICE_GROUP,  /* has Bob's group */
	ALICE_GONE,   /* exited without closing its connections */
	BOB,
	INNER, /* started by a test, as is INNER_AGAIN */
	INNER_AGAIN,
	N_ACTORS,
};

#define ALL (BIT(INNER) - 1)
#define LIVE (ALL & ~BIT(ALICE_GONE))
#define ALICES (BIT(ALICE) | BIT(ALICE_AGAIN))
/*
 * Actors of whom Alice may see a row, in any state, for the connection that they left
 * open, and actors of whom she may see the row of the connection that they closed.
 */
#define ALICES_OPENED (ALICES | BIT(ALICE_GONE))
#define ALICES_CLOSED (ALICES_OPENED | BIT(ALICE_LATER))

/* An actor's two connections: one that it leaves open, one that it closes. */
struct part {
	atomic_bool ready;
	int fd[2];
	uint64_t inode[2];  /* of the open connection's sockets */
	uint64_t closed[2]; /* cookies of the closed connection's sockets */
};

/* Shared by all processes of a test. */
struct stage {
	struct part part[N_ACTORS];
	uint64_t nobodys; /* cookie of a socket in an SCM_RIGHTS message */
	/* what the last reader saw, one bit for each actor: */
	unsigned int seen;   /* a live row of its open connection */
	unsigned int closed; /* a CLOSED row of its closed connection */
	unsigned int any;    /* a row of its open connection, in any state */
	bool saw_nobodys;
	bool right; /* the table could be read and agreed with /proc/PID/fd */
	atomic_bool done;
};

/* ---- changing credentials ---- */

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

/* ---- actors ---- */

static inline bool part_use(struct part *part)
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

static inline bool part_start(struct part *part)
{
	part->ready = part_use(part);
	return part->ready;
}

static inline void actor_run(struct stage *stage, enum actor actor, bool (*become)(void))
{
	struct part *part = &stage->part[actor];

	if (!become() || prctl(PR_SET_PDEATHSIG, SIGKILL) || !part_use(part) ||
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

static inline pid_t actor_start(struct stage *stage, enum actor actor, bool (*become)(void))
{
	pid_t pid = fork();

	if (!pid)
		actor_run(stage, actor, become);
	return pid;
}

/* ---- a socket that no process holds ---- */

/* Make a socket that no process holds: the only reference is in an unread message. */
static inline bool put_in_flight(struct stage *stage, int channel)
{
	int fd[2];

	if (!bed_pair(BED_4, fd) || !bed_write(fd[0], 10) || !bed_read(fd[1], 10))
		return false;
	stage->nobodys = bed_cookie(fd[0]);
	if (!bed_send_fd(channel, fd[0]))
		return false;
	close(fd[0]);
	return true;
}

/* Open /proc/sockstat in a process with other credentials, which then exits. */
static inline int open_as(bool (*become)(void))
{
	int pair[2], fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	pid = fork();
	if (!pid) {
		fd = become() ? open(SOCKSTAT_PROC_PATH, O_RDONLY) : -1;
		_exit(fd >= 0 && bed_send_fd(pair[0], fd) ? 0 : 1);
	}
	close(pair[0]);
	if (pid > 0) {
		fd = bed_receive_fd(pair[1]);
		waitpid(pid, NULL, 0);
	}
	close(pair[1]);
	return fd;
}

/* ---- readers ---- */

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

/* List the actors' sockets that this process can see in /proc/PID/fd. */
static inline size_t walk_proc_fds(const struct stage *stage, struct seen *seen, size_t max)
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

static inline bool row_exists(const struct sockstat_table *table, const struct seen *seen)
{
	const struct sockstat_row *row = sockstat_table_find(table, seen->pid, seen->fd, NULL);

	while (row && row->inode != seen->inode)
		row = sockstat_table_find(table, seen->pid, seen->fd, row);
	if (!row)
		printf("# /proc/%d/fd/%d is readable, but the descriptor has no row\n", seen->pid,
		       seen->fd);
	return row;
}

/* The live rows are exactly the descriptors that /proc/PID/fd shows to this process. */
static inline bool agrees_with_proc(const struct stage *stage, const struct sockstat_table *table)
{
	struct seen seen[128];
	size_t i, n = walk_proc_fds(stage, seen, ARRAY_SIZE(seen));
	bool right = true;

	for (i = 0; i < n; i++)
		right &= row_exists(table, &seen[i]);
	for (i = 0; i < table->n_rows; i++) {
		const struct sockstat_row *row = &table->rows[i];

		if (row->pid < 0 || row->state == SOCKSTAT_CLOSED ||
		    linked_inode(row->pid, row->fd) == row->inode)
			continue;
		printf("# line %u: /proc/%d/fd/%d is not readable\n", row->line, row->pid, row->fd);
		right = false;
	}
	return right;
}

static inline void note_rows(struct stage *stage, const struct sockstat_table *table)
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

static inline void stage_read_fd(struct stage *stage, int fd, bool compare)
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
	note_rows(stage, &table);
	stage->right = !compare || agrees_with_proc(stage, &table);
	sockstat_table_free(&table);
}

static inline void stage_read(struct stage *stage, bool compare)
{
	int fd = open(SOCKSTAT_PROC_PATH, O_RDONLY | O_CLOEXEC);

	stage_read_fd(stage, fd, compare);
	close(fd);
	fflush(stdout);
}

static inline bool wait_ready(struct stage *stage, enum actor actor)
{
	return BED_WAIT(stage->part[actor].ready);
}

/* Read the table in a process with the credentials that @become() sets. */
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
		stage_read(stage, compare);
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
	/* a process group of its own, so that teardown can kill every actor at once */
	setpgid(0, 0);
	ASSERT_EQ(0, bed_start());
	self->stage = mmap(NULL, sizeof(*self->stage), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->stage);
	for (i = 0; i < ARRAY_SIZE(cast); i++) {
		pid_t pid = actor_start(self->stage, i, cast[i]);

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
}

#endif
