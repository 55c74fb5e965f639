// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets in a sockmap, whose messages a BPF program passes or redirects.
 *
 * The calls on such a socket go to tcp_bpf_sendmsg() and tcp_bpf_recvmsg() instead of
 * the functions that the module probes, and the data may never reach TCP. The table
 * shows the bytes that TCP itself has counted, as for every other socket:
 *
 *  - a message that is passed is counted as usual;
 *  - a message redirected to another socket's output is counted for that socket,
 *    whose TCP sends it, not for the socket to which it was written;
 *  - a message redirected to another socket's input is not counted: it is handed
 *    over in memory, and neither socket's TCP counts it;
 *  - data that a stream's program redirects is received and sent by the kernel: it
 *    is nobody's;
 *  - a socket that has left the map is counted as before.
 *
 * Expected values are the results of this program's own calls.
 */
#include <linux/bpf.h>
#include <signal.h>
#include <sys/wait.h>

#include "../bed.h"
#include "kselftest_harness.h"

#define BYTES 3000
#define TO 0   /* key of the socket that receives redirected messages */
#define FROM 1 /* key of the socket whose messages are redirected */

#define INSN(c, d, s, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .imm = (i) })
#define SET(reg, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, value)
#define SET_MAP(reg, map) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, map), INSN(0, 0, 0, 0)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, helper)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0)

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int new_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = sizeof(int),
		.value_size = sizeof(int),
		.max_entries = 2,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

static int load_program_of(enum bpf_prog_type type, const struct bpf_insn *insns, size_t n)
{
	static char log[4096];
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)insns,
		.insn_cnt = n,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		printf("# BPF_PROG_LOAD: %m\n# %s\n", log);
	return fd;
}

static int load_program(const struct bpf_insn *insns, size_t n)
{
	return load_program_of(BPF_PROG_TYPE_SK_MSG, insns, n);
}

static int load_pass(void)
{
	const struct bpf_insn insns[] = { SET(BPF_REG_0, SK_PASS), EXIT };

	return load_program(insns, ARRAY_SIZE(insns));
}

/* The kernel has put the message into BPF_REG_1 already. */
static int load_redirect(int map, int flags)
{
	const struct bpf_insn insns[] = {
		SET_MAP(BPF_REG_2, map),
		SET(BPF_REG_3, TO),
		SET(BPF_REG_4, flags),
		CALL(BPF_FUNC_msg_redirect_map),
		EXIT,
	};

	return load_program(insns, ARRAY_SIZE(insns));
}

static bool attach_as(int map, int program, enum bpf_attach_type type)
{
	union bpf_attr attr = {
		.target_fd = map,
		.attach_bpf_fd = program,
		.attach_type = type,
	};

	return !bpf(BPF_PROG_ATTACH, &attr);
}

static bool attach(int map, int program)
{
	return attach_as(map, program, BPF_SK_MSG_VERDICT);
}

static bool map_put(int map, int key, int fd)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&fd,
	};

	return !bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static bool map_delete(int map, int key)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
	};

	return !bpf(BPF_MAP_DELETE_ELEM, &attr);
}

/* Two connections; the program decides where messages written to a[0] go. */
FIXTURE(redirect)
{
	int map, program;
	int a[2], b[2];
};

FIXTURE_VARIANT(redirect)
{
	enum bed_family family;
};

FIXTURE_VARIANT_ADD(redirect, ipv4){
	.family = BED_4,
};

FIXTURE_VARIANT_ADD(redirect, ipv6){
	.family = BED_6,
};

FIXTURE_SETUP(redirect)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	self->map = new_map();
	if (self->map < 0)
		SKIP(return, "this kernel has no sockmap: %s", strerror(errno));
	ASSERT_EQ(0, bed_load());
	ASSERT_TRUE(bed_pair(variant->family, self->a));
	ASSERT_TRUE(bed_pair(variant->family, self->b));
}

FIXTURE_TEARDOWN(redirect)
{
	close(self->map);
	close(self->program);
	close(self->a[0]);
	close(self->a[1]);
	close(self->b[0]);
	close(self->b[1]);
	EXPECT_EQ(0, bed_unload());
}

static void expect_bytes(struct __test_metadata *_metadata, int fd, uint64_t tx, uint64_t rx)
{
	const struct sockstat_row *row;
	struct sockstat_table table;

	ASSERT_TRUE(bed_table(&table));
	row = bed_row(&table, getpid(), fd);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(tx, row->tx_bytes);
	EXPECT_EQ(rx, row->rx_bytes);
	sockstat_table_free(&table);
}

static void move(struct __test_metadata *_metadata, int from, int to, size_t bytes)
{
	ASSERT_TRUE(bed_write(from, bytes));
	ASSERT_TRUE(bed_read(to, bytes));
}

TEST_F(redirect, passed_is_counted)
{
	self->program = load_pass();
	ASSERT_LE(0, self->program);
	ASSERT_TRUE(attach(self->map, self->program));
	move(_metadata, self->a[0], self->a[1], 10);
	ASSERT_TRUE(map_put(self->map, FROM, self->a[0]));
	ASSERT_TRUE(map_put(self->map, TO, self->a[1]));
	move(_metadata, self->a[0], self->a[1], BYTES);
	move(_metadata, self->a[1], self->a[0], 2 * BYTES);
	expect_bytes(_metadata, self->a[0], 10 + BYTES, 2 * BYTES);
	expect_bytes(_metadata, self->a[1], 2 * BYTES, 10 + BYTES);
}

TEST_F(redirect, to_output_is_counted_there)
{
	self->program = load_redirect(self->map, 0);
	ASSERT_LE(0, self->program);
	ASSERT_TRUE(attach(self->map, self->program));
	move(_metadata, self->a[0], self->a[1], 10);
	move(_metadata, self->b[0], self->b[1], 20);
	ASSERT_TRUE(map_put(self->map, TO, self->b[0]));
	ASSERT_TRUE(map_put(self->map, FROM, self->a[0]));
	move(_metadata, self->a[0], self->b[1], BYTES);
	expect_bytes(_metadata, self->a[0], 10, 0);
	expect_bytes(_metadata, self->a[1], 0, 10);
	expect_bytes(_metadata, self->b[0], 20 + BYTES, 0);
	expect_bytes(_metadata, self->b[1], 0, 20 + BYTES);
}

TEST_F(redirect, to_input_is_not_counted)
{
	self->program = load_redirect(self->map, BPF_F_INGRESS);
	ASSERT_LE(0, self->program);
	ASSERT_TRUE(attach(self->map, self->program));
	move(_metadata, self->a[0], self->a[1], 10);
	move(_metadata, self->b[0], self->b[1], 20);
	ASSERT_TRUE(map_put(self->map, TO, self->b[1]));
	ASSERT_TRUE(map_put(self->map, FROM, self->a[0]));
	move(_metadata, self->a[0], self->b[1], BYTES);
	expect_bytes(_metadata, self->a[0], 10, 0);
	expect_bytes(_metadata, self->a[1], 0, 10);
	expect_bytes(_metadata, self->b[0], 20, 0);
	expect_bytes(_metadata, self->b[1], 0, 20);

	/* bytes that TCP receives between redirected messages are counted */
	move(_metadata, self->b[0], self->b[1], 300);
	move(_metadata, self->a[0], self->b[1], BYTES);
	expect_bytes(_metadata, self->b[0], 320, 0);
	expect_bytes(_metadata, self->b[1], 0, 320);
}

TEST_F(redirect, counts_again_outside_the_map)
{
	self->program = load_redirect(self->map, BPF_F_INGRESS);
	ASSERT_LE(0, self->program);
	ASSERT_TRUE(attach(self->map, self->program));
	ASSERT_TRUE(map_put(self->map, TO, self->b[1]));
	ASSERT_TRUE(map_put(self->map, FROM, self->a[0]));
	move(_metadata, self->a[0], self->b[1], BYTES);
	ASSERT_TRUE(map_delete(self->map, FROM));
	ASSERT_TRUE(map_delete(self->map, TO));
	move(_metadata, self->a[0], self->a[1], 400);
	move(_metadata, self->a[1], self->a[0], 500);
	move(_metadata, self->b[0], self->b[1], 600);
	expect_bytes(_metadata, self->a[0], 400, 500);
	expect_bytes(_metadata, self->a[1], 500, 400);
	expect_bytes(_metadata, self->b[0], 600, 0);
	expect_bytes(_metadata, self->b[1], 0, 600);
}

static void expect_nobodys(struct __test_metadata *_metadata, int fd, uint64_t tx, uint64_t rx)
{
	const struct sockstat_row *row;
	struct sockstat_table table;
	uint64_t cookie = bed_cookie(fd);

	ASSERT_TRUE(bed_table(&table));
	row = sockstat_table_find_cookie(&table, cookie, NULL);
	while (row && row->pid != -1)
		row = sockstat_table_find_cookie(&table, cookie, row);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(tx, row->tx_bytes);
	EXPECT_EQ(rx, row->rx_bytes);
	sockstat_table_free(&table);
}

/* A child's calls on a socket in the map are the child's. */
TEST_F(redirect, callers_are_told_apart)
{
	const struct sockstat_row *row;
	struct sockstat_table table;
	int gate[2];
	pid_t child;
	char c;

	self->program = load_pass();
	ASSERT_LE(0, self->program);
	ASSERT_TRUE(attach(self->map, self->program));
	move(_metadata, self->a[0], self->a[1], 10);
	move(_metadata, self->a[1], self->a[0], 20);
	ASSERT_TRUE(map_put(self->map, FROM, self->a[0]));
	ASSERT_EQ(0, pipe(gate));
	ASSERT_TRUE(bed_write(self->a[1], 7));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		bool done = bed_write(self->a[0], BYTES) && bed_read(self->a[0], 7);

		done = write(gate[1], done ? "+" : "-", 1) == 1;
		pause();
		_exit(!done);
	}
	ASSERT_EQ(1, read(gate[0], &c, 1));
	EXPECT_EQ('+', c);
	expect_bytes(_metadata, self->a[0], 10, 20);
	ASSERT_TRUE(bed_table(&table));
	row = bed_row(&table, child, self->a[0]);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(BYTES, row->tx_bytes);
	EXPECT_EQ(7, row->rx_bytes);
	EXPECT_LE(1, row->tx_calls);
	EXPECT_LE(1, row->rx_calls);
	sockstat_table_free(&table);
	kill(child, SIGKILL);
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	close(gate[0]);
	close(gate[1]);
}

/* The kernel takes the data from one socket and sends it through the other. */
TEST_F(redirect, what_the_kernel_moves_is_nobodys)
{
	const struct bpf_insn insns[] = {
		SET_MAP(BPF_REG_2, self->map),
		SET(BPF_REG_3, TO),
		SET(BPF_REG_4, 0),
		CALL(BPF_FUNC_sk_redirect_map),
		EXIT,
	};

	self->program = load_program_of(BPF_PROG_TYPE_SK_SKB, insns, ARRAY_SIZE(insns));
	ASSERT_LE(0, self->program);
	if (!attach_as(self->map, self->program, BPF_SK_SKB_STREAM_VERDICT))
		SKIP(return, "no verdict without a parser on this kernel: %s", strerror(errno));
	move(_metadata, self->a[1], self->a[0], 10);
	move(_metadata, self->b[0], self->b[1], 20);
	ASSERT_TRUE(map_put(self->map, TO, self->b[0]));
	ASSERT_TRUE(map_put(self->map, FROM, self->a[0]));
	move(_metadata, self->a[1], self->b[1], BYTES);
	expect_bytes(_metadata, self->a[1], 10 + BYTES, 0);
	expect_bytes(_metadata, self->a[0], 0, 10);
	expect_nobodys(_metadata, self->a[0], 0, BYTES);
	expect_bytes(_metadata, self->b[0], 20, 0);
	expect_nobodys(_metadata, self->b[0], BYTES, 0);
	expect_bytes(_metadata, self->b[1], 0, 20 + BYTES);
}

/* The sockets are in the map and have moved bytes before the module is loaded. */
TEST_F(redirect, older_than_the_module)
{
	ASSERT_EQ(0, bed_unload());
	self->program = load_redirect(self->map, 0);
	ASSERT_LE(0, self->program);
	ASSERT_TRUE(attach(self->map, self->program));
	move(_metadata, self->a[0], self->a[1], 10);
	ASSERT_TRUE(map_put(self->map, TO, self->b[0]));
	ASSERT_TRUE(map_put(self->map, FROM, self->a[0]));
	move(_metadata, self->a[0], self->b[1], BYTES);
	ASSERT_EQ(0, bed_load());
	move(_metadata, self->a[0], self->b[1], BYTES);
	expect_bytes(_metadata, self->a[0], 10, 0);
	expect_bytes(_metadata, self->b[0], 2 * BYTES, 0);
	expect_bytes(_metadata, self->b[1], 0, 2 * BYTES);
}

BED_HARNESS_MAIN
