// SPDX-License-Identifier: GPL-2.0-only
/*
 * Namespaces. A reader in a pid namespace sees the processes of that namespace, by
 * their pids in it. The root user of a user namespace sees no more than /proc/PID/fd
 * shows. Connections with equal addresses in different network namespaces have
 * separate rows.
 */
#include <sched.h>
#include <sys/mount.h>

#include "access.h"

/* Become root of a user namespace that is Alice, without capabilities, outside. */
static bool become_alice_root(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %d 1", ALICE_ID);
	return become_alice() && !unshare(CLONE_NEWUSER) &&
	       bed_put("/proc/self/setgroups", "deny") && bed_put("/proc/self/uid_map", map) &&
	       bed_put("/proc/self/gid_map", map);
}

/* Become root of a user namespace that is uid 0, without capabilities, outside. */
static bool become_root_in_namespace(void)
{
	return !unshare(CLONE_NEWUSER) && bed_put("/proc/self/setgroups", "deny") &&
	       bed_put("/proc/self/uid_map", "0 0 1") && bed_put("/proc/self/gid_map", "0 0 1");
}

/* Become root of a user namespace with a range of ids of its own, as a container has. */
static bool become_container_root(void)
{
	char map[64], path[64];
	int in[2], out[2], status = -1;
	pid_t helper;
	char c = 0;

	/* only a process outside the namespace may map a range of ids */
	if (pipe(in) || pipe(out))
		return false;
	snprintf(map, sizeof(map), "0 %d 65536", SUB_ID);
	helper = fork();
	if (!helper) {
		bool done = read(in[0], &c, 1) == 1;

		snprintf(path, sizeof(path), "/proc/%d/uid_map", getppid());
		done = done && bed_put(path, map);
		snprintf(path, sizeof(path), "/proc/%d/gid_map", getppid());
		_exit(done && bed_put(path, map) ? 0 : 1);
	}
	if (unshare(CLONE_NEWUSER) || write(in[1], &c, 1) != 1 ||
	    waitpid(helper, &status, 0) != helper || status)
		return false;
	return !setgroups(0, NULL) && !setresgid(0, 0, 0) && !setresuid(0, 0, 0) &&
	       !prctl(PR_SET_DUMPABLE, 1);
}

static bool become_container_user(void)
{
	return !setresgid(5, 5, 5) && !setresuid(5, 5, 5) && !prctl(PR_SET_DUMPABLE, 1);
}

/* The first process of a pid namespace: mounts /proc, starts another process, reads. */
static int first_in_namespace(struct stage *stage)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL) ||
	    actor_start(stage, INNER_AGAIN, become_alice) != 2 || !wait_ready(stage, INNER_AGAIN) ||
	    !part_start(&stage->part[INNER])) {
		printf("# the first process of the pid namespace: %m\n");
		return 1;
	}
	stage_read(stage, true);
	stage->done = true;
	for (;;)
		pause();
}

TEST_F_TIMEOUT(access, pid_namespace_sees_itself, SECONDS)
{
	unsigned int inner = BIT(INNER) | BIT(INNER_AGAIN);
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		if (unshare(CLONE_NEWPID | CLONE_NEWNS))
			_exit(1);
		pid = fork();
		if (!pid)
			_exit(first_in_namespace(self->stage));
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	ASSERT_TRUE(BED_WAIT(self->stage->done));
	EXPECT_TRUE(self->stage->right);
	EXPECT_EQ(inner, self->stage->seen);
	EXPECT_EQ(inner, self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);

	/* readers outside see both processes, by the pids they have there */
	EXPECT_TRUE(read_as(self->stage, stay_root, true));
	EXPECT_EQ(LIVE | inner, self->stage->seen);
	EXPECT_TRUE(read_as(self->stage, become_alice, true));
	EXPECT_EQ(ALICES | BIT(INNER_AGAIN), self->stage->seen);
}

/*
 * Read the table in a process that @become() puts into a user namespace, beside a
 * process with the credentials that @other() sets there.
 */
static bool read_in_user_namespace(struct stage *stage, bool (*become)(void), bool (*other)(void))
{
	pid_t pid = fork();

	if (!pid) {
		if (!become() || actor_start(stage, INNER, other) < 0 ||
		    !wait_ready(stage, INNER)) {
			printf("# the reader in the user namespace: %m\n");
			fflush(stdout);
			_exit(1);
		}
		stage_read(stage, true);
		stage->done = true;
		for (;;)
			pause();
	}
	return pid > 0 && BED_WAIT(stage->done || waitpid(pid, NULL, WNOHANG) == pid) &&
	       stage->right;
}

TEST_F_TIMEOUT(access, user_namespace_of_a_user_sees_itself, SECONDS)
{
	EXPECT_TRUE(read_in_user_namespace(self->stage, become_alice_root, stay_root));
	EXPECT_EQ(BIT(INNER), self->stage->seen);
	EXPECT_EQ(BIT(INNER), self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
	/* Alice, as the namespace's owner, sees the process inside */
	EXPECT_TRUE(read_as(self->stage, become_alice, true));
	EXPECT_EQ(ALICES | BIT(INNER), self->stage->seen);
	EXPECT_TRUE(read_as(self->stage, become_bob, true));
	EXPECT_EQ(BIT(BOB), self->stage->seen);
}

TEST_F_TIMEOUT(access, user_namespace_of_root_sees_itself, SECONDS)
{
	EXPECT_TRUE(read_in_user_namespace(self->stage, become_root_in_namespace, stay_root));
	EXPECT_EQ(BIT(INNER), self->stage->seen);
	EXPECT_EQ(BIT(INNER), self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

TEST_F_TIMEOUT(access, user_namespace_of_a_container_sees_itself, SECONDS)
{
	EXPECT_TRUE(
		read_in_user_namespace(self->stage, become_container_root, become_container_user));
	EXPECT_EQ(BIT(INNER), self->stage->seen);
	EXPECT_EQ(BIT(INNER), self->stage->closed);
	EXPECT_FALSE(self->stage->saw_nobodys);
}

/* ---- network namespaces ---- */

#define PORT 7000

struct net {
	atomic_bool ready;
	pid_t pid;
	int fd[2];
	uint64_t cookie[2], netns;
};

static bool loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool up = !ioctl(fd, SIOCSIFFLAGS, &ifr);

	close(fd);
	return up;
}

/* Connect two sockets in a new network namespace, always with the same addresses. */
static bool connect_in_namespace(struct net *net, enum bed_family family, size_t bytes)
{
	struct sockaddr_storage to, from;
	socklen_t len = bed_loopback(family, &to);
	int listener, on = 1;
	struct stat st;

	if (unshare(CLONE_NEWNET) || !loopback_up() || stat("/proc/self/ns/net", &st))
		return false;
	net->netns = st.st_ino;
	bed_loopback(family, &from);
	/* sin_port and sin6_port have the same offset */
	((struct sockaddr_in *)&to)->sin_port = htons(PORT);
	((struct sockaddr_in *)&from)->sin_port = htons(PORT + 1);
	listener = bed_socket(family);
	net->fd[0] = bed_socket(family);
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(listener, (struct sockaddr *)&to, len) || listen(listener, 5) ||
	    bind(net->fd[0], (struct sockaddr *)&from, len) ||
	    connect(net->fd[0], (struct sockaddr *)&to, len))
		return false;
	net->fd[1] = bed_accept(listener);
	net->cookie[0] = bed_cookie(net->fd[0]);
	net->cookie[1] = bed_cookie(net->fd[1]);
	return bed_write(net->fd[0], bytes) && bed_read(net->fd[1], bytes);
}

static pid_t net_start(struct net *net, enum bed_family family, size_t bytes)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	net->pid = getpid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || !connect_in_namespace(net, family, bytes)) {
		printf("# the process in the network namespace: %m\n");
		fflush(stdout);
		_exit(1);
	}
	net->ready = true;
	for (;;)
		pause();
}

static void expect_net(struct __test_metadata *_metadata, const struct net *net, size_t bytes,
		       bool open)
{
	const struct sockstat_row *row;
	struct sockstat_table table;
	int i;

	ASSERT_TRUE(bed_table(&table));
	for (i = 0; i < 2; i++) {
		row = sockstat_table_find_cookie(&table, net->cookie[i], NULL);
		ASSERT_NE(NULL, row);
		EXPECT_EQ(NULL, sockstat_table_find_cookie(&table, net->cookie[i], row));
		EXPECT_EQ(net->pid, row->pid);
		EXPECT_EQ(net->fd[i], row->fd);
		EXPECT_EQ(net->netns, row->netns);
		EXPECT_EQ(i ? 0 : bytes, row->tx_bytes);
		EXPECT_EQ(i ? bytes : 0, row->rx_bytes);
		EXPECT_STREQ(open ? "ESTABLISHED" : "CLOSED", sockstat_state_name(row->state));
		EXPECT_EQ(htons(PORT + !i), ((struct sockaddr_in *)&row->local.sa)->sin_port);
		EXPECT_EQ(htons(PORT + i), ((struct sockaddr_in *)&row->remote.sa)->sin_port);
	}
	sockstat_table_free(&table);
}

TEST(network_namespaces_with_the_same_addresses_do_not_mix)
{
	static const enum bed_family family[] = { BED_4, BED_4, BED_6, BED_6 };
	struct net *nets;
	pid_t pid[ARRAY_SIZE(family)];
	size_t i;

	if (geteuid())
		SKIP(return, "this test needs root");
	nets = mmap(NULL, sizeof(*nets) * ARRAY_SIZE(family), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, nets);
	ASSERT_EQ(0, bed_load());
	for (i = 0; i < ARRAY_SIZE(family); i++) {
		pid[i] = net_start(&nets[i], family[i], 100 + i);
		ASSERT_TRUE(BED_WAIT(nets[i].ready || waitpid(pid[i], NULL, WNOHANG) == pid[i]));
		ASSERT_TRUE(nets[i].ready);
	}
	EXPECT_NE(nets[0].netns, nets[1].netns);
	for (i = 0; i < ARRAY_SIZE(family); i++)
		expect_net(_metadata, &nets[i], 100 + i, true);
	for (i = 0; i < ARRAY_SIZE(family); i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	for (i = 0; i < ARRAY_SIZE(family); i++)
		expect_net(_metadata, &nets[i], 100 + i, false);
	EXPECT_EQ(0, bed_unload());
}

BED_HARNESS_MAIN
