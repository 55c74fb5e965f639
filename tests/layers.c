// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that another protocol of the kernel uses on behalf of a program: KCM, and SMC
 * that falls back to TCP. Bytes that a process moves are its own if it has a descriptor
 * of the TCP socket; all others are nobody's.
 *
 * Expected values are the results of this program's own calls.
 */
#include <linux/bpf.h>
#include <linux/kcm.h>

#include "bed.h"
#include "kselftest_harness.h"

#define SECONDS 120
#define MESSAGE 100

#ifndef AF_SMC
#define AF_SMC 43
#endif

FIXTURE(layers)
{
	struct sockstat_table table;
};

FIXTURE_SETUP(layers)
{
	if (geteuid())
		SKIP(return, "this test needs root");
	ASSERT_EQ(0, bed_load());
}

FIXTURE_TEARDOWN(layers)
{
	sockstat_table_free(&self->table);
	EXPECT_EQ(0, bed_unload());
}

static void read_table(struct __test_metadata *_metadata, FIXTURE_DATA(layers) * self)
{
	sockstat_table_free(&self->table);
	ASSERT_TRUE(bed_table(&self->table));
}

/* Add up the bytes of a socket's rows: nobody's, or those of this process. */
static void sum(FIXTURE_DATA(layers) * self, uint64_t cookie, pid_t pid, uint64_t *tx, uint64_t *rx)
{
	const struct sockstat_row *row = NULL;

	*tx = *rx = 0;
	while ((row = sockstat_table_find_cookie(&self->table, cookie, row))) {
		if (row->pid != pid)
			continue;
		*tx += row->tx_bytes;
		*rx += row->rx_bytes;
	}
}

/* ---- KCM: messages over a TCP socket, which the kernel reads ---- */

/* A program that says that every message has MESSAGE bytes. */
static int load_parser(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = MESSAGE },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL",
	};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static bool send_messages(int fd, int n)
{
	char message[MESSAGE] = { 0 };

	while (n-- > 0)
		if (send(fd, message, sizeof(message), 0) != sizeof(message))
			return false;
	return true;
}

static bool receive_messages(int fd, int n)
{
	char message[2 * MESSAGE];

	while (n-- > 0)
		if (recv(fd, message, sizeof(message), 0) != MESSAGE)
			return false;
	return true;
}

TEST_F_TIMEOUT(layers, kcm, SECONDS)
{
	struct kcm_attach attach;
	uint64_t cookie, tx, rx;
	int kcm, tcp[2];

	kcm = socket(AF_KCM, SOCK_DGRAM | SOCK_CLOEXEC, KCMPROTO_CONNECTED);
	if (kcm < 0)
		SKIP(return, "this kernel has no KCM: %s", strerror(errno));
	ASSERT_TRUE(bed_pair(BED_4, tcp));
	cookie = bed_cookie(tcp[0]);
	ASSERT_TRUE(bed_write(tcp[0], 10) && bed_read(tcp[1], 10));
	ASSERT_TRUE(bed_write(tcp[1], 20) && bed_read(tcp[0], 20));
	attach.fd = tcp[0];
	attach.bpf_fd = load_parser();
	ASSERT_LE(0, attach.bpf_fd);
	ASSERT_EQ(0, ioctl(kcm, SIOCKCMATTACH, &attach));

	/* the descriptor is open: this process sends, the kernel receives */
	ASSERT_TRUE(send_messages(kcm, 3) && bed_read(tcp[1], 3 * MESSAGE));
	ASSERT_TRUE(bed_write(tcp[1], 4 * MESSAGE) && receive_messages(kcm, 4));
	read_table(_metadata, self);
	sum(self, cookie, getpid(), &tx, &rx);
	EXPECT_EQ(10 + 3 * MESSAGE, tx);
	EXPECT_EQ(20, rx);
	sum(self, cookie, -1, &tx, &rx);
	EXPECT_EQ(0, tx);
	EXPECT_EQ(4 * MESSAGE, rx);

	/* it is closed: all is nobody's */
	close(tcp[0]);
	ASSERT_TRUE(send_messages(kcm, 5) && bed_read(tcp[1], 5 * MESSAGE));
	ASSERT_TRUE(bed_write(tcp[1], 6 * MESSAGE) && receive_messages(kcm, 6));
	read_table(_metadata, self);
	sum(self, cookie, getpid(), &tx, &rx);
	EXPECT_EQ(10 + 3 * MESSAGE, tx);
	EXPECT_EQ(20, rx);
	sum(self, cookie, -1, &tx, &rx);
	EXPECT_EQ(5 * MESSAGE, tx);
	EXPECT_EQ(10 * MESSAGE, rx);
	close(kcm);
	close(tcp[1]);
	close(attach.bpf_fd);
}

/* ---- SMC: without RDMA it falls back to TCP, and the descriptor refers to that ---- */

static const struct sockstat_row *row_of(FIXTURE_DATA(layers) * self, int fd)
{
	return sockstat_table_find(&self->table, getpid(), fd, NULL);
}

TEST_F_TIMEOUT(layers, smc_falls_back, SECONDS)
{
	const struct sockstat_row *row;
	struct sockaddr_storage sa;
	socklen_t len = bed_loopback(BED_4, &sa);
	int listener, client, server;

	listener = socket(AF_SMC, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		SKIP(return, "this kernel has no SMC: %s", strerror(errno));
	client = socket(AF_SMC, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, client);
	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&sa, len));
	ASSERT_EQ(0, listen(listener, 5));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&sa, &len));
	ASSERT_EQ(0, connect(client, (struct sockaddr *)&sa, len));
	server = bed_accept(listener);
	ASSERT_LE(0, server);
	ASSERT_TRUE(bed_write(client, 1000) && bed_read(server, 1000));
	ASSERT_TRUE(bed_write(server, 300) && bed_read(client, 300));
	read_table(_metadata, self);
	row = row_of(self, client);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(1000, row->tx_bytes);
	EXPECT_EQ(300, row->rx_bytes);
	row = row_of(self, server);
	ASSERT_NE(NULL, row);
	EXPECT_EQ(300, row->tx_bytes);
	EXPECT_EQ(1000, row->rx_bytes);
	close(client);
	close(server);
	close(listener);
}

BED_HARNESS_MAIN
