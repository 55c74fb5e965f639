// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzzer of module/conn.c, ledger.c and holder.c: the input is a list of steps, such
 * as "process 1 sends 2 GiB", that the model of a socket takes (model.c), while the
 * module's code is told of the same events as the probes of hooks.c tell it. After
 * each step the holders' bytes are compared with the calls (book.c).
 */
#include <stdio.h>

#include "fuzz.h"

static const u8 *input;
static size_t input_left;

/* Steps of the input are printed with FUZZ_TRACE set. */
static bool trace;

u8 take(void)
{
	if (!input_left)
		return 0;
	input_left--;
	return *input++;
}

void fuzz_fail(const char *what, u64 want, u64 have)
{
	fprintf(stderr, "ledger: %s: expected %llu, found %llu\n", what, (unsigned long long)want,
		(unsigned long long)have);
	abort();
}

/* The process, its tasks and descriptors */
struct program programs[PROGRAMS];
bool fuzz_no_memory;
static unsigned int n_programs;
static unsigned int running[PROCESSES]; /* the program that a process runs, or NOBODY */
static struct pid pids[PROCESSES];
static struct task_struct tasks[PROCESSES];
static struct files_struct files[PROCESSES];
static struct file socket_file;
static bool repairs;	  /* TCP_REPAIR may be used */
bool loaded, armed, used; /* used: not a new socket, so it cannot be accepted */

struct sockstat_conn *fuzz_conn(void)
{
	return sockstat_table_find(sk());
}

static void start_program(unsigned int process)
{
	unsigned int p = n_programs++;

	running[process] = p;
	tasks[process].self_exec_id++;
	programs[p] = (struct program){ &pids[process], &tasks[process],
					tasks[process].self_exec_id, false };
}

static void start_processes(void)
{
	n_programs = 0;
	memset(programs, 0, sizeof(programs));
	memset(tasks, 0, sizeof(tasks));
	memset(files, 0, sizeof(files));
	for (int i = 0; i < PROCESSES; i++) {
		tasks[i].pid = &pids[i];
		tasks[i].files = &files[i];
		start_program(i);
		files[i].fd[FD_FIRST + i % FDS] = &socket_file;
	}
	socket_file.private_data = &model.socket;
}

/* Who makes the next call, and whether the module sees it */
struct actor actor;
bool unseen;

void take_actor(void)
{
	u8 b = take();
	unsigned int process = b & 3;
	int fd = FD_FIRST + (b >> 2 & 3);

	unseen = b >> 4 & 1;
	actor = (struct actor){ NOBODY, SOCKSTAT_FD_UNKNOWN };
	if (process == PROCESSES || running[process] == NOBODY)
		return;
	actor.program = running[process];
	if (trace)
		fprintf(stderr, "  process %u program %u%s\n", process, actor.program,
			unseen ? " unseen" : "");
	if (fd < FD_FIRST + FDS && files[process].fd[fd])
		actor.fd = fd;
}

static u64 take_amount(void)
{
	static const u64 base[] = {
		1,
		1,
		2,
		3,
		7,
		100,
		1460,
		65536,
		1 << 20,
		1 << 28,
		(1 << 30) - 1,
		1 << 30,
		(1ULL << 31) - 4096,
		1ULL << 31,
		3ULL << 30,
		1ULL << 32,
	};
	u8 b = take();
	u64 n = base[b & 15];

	switch (b >> 4) {
	case 1:
		return n - 1;
	case 2:
		return n + 1;
	case 3:
		return n * 2;
	case 4:
		return n * 2 - 1;
	case 5:
		return n * 3;
	case 6:
		return n + 4096;
	case 7:
		return n + (1 << 20);
	default:
		return n;
	}
}

/* Of two bytes of the input, as min() evaluates one argument twice */
static u32 take_small(void)
{
	return min(take_amount(), 1ULL << 29);
}

static void step_connect(void)
{
	u8 how = take();
	u32 data = how & 1 ? take_small() & 0x3fff : 0;

	take_actor();
	unseen = false;
	if (!model_can_connect())
		return;
	if (data && !(how & 2))
		event_enter(SOCKSTAT_TX, false); /* sendmsg(MSG_FASTOPEN) */
	if (how & 4)
		model.tp.write_seq = take_amount();
	model_connect(data, how & 2);
}

static void step_accept(void)
{
	u8 how = take();

	take_actor();
	if (!model_can_connect() || model.tp.repair || used)
		return;
	model_accept(how & 4 ? 0 : how & 1 ? 128 : 1, how & 2 ? take_small() & 0x3fff : 0);
}

static void step_syn_acked(void)
{
	u64 data = take_amount();
	bool simultaneous = take() & 1;

	/* a record that is made in TCP_SYN_RECV is taken for a server's */
	model_syn_acked(data, simultaneous && fuzz_conn());
}

static void step_send(void)
{
	u64 bytes = take_amount();
	bool big = bytes > 1 << 28;

	take_actor();
	if (!has_descriptors())
		return;
	event_enter(SOCKSTAT_TX, false);
	if (model.open && !model.syn_sent && sk()->sk_state == TCP_SYN_SENT)
		model_connect_deferred(bytes & 0x3fff);
	else if (big)
		model_send_big(bytes);
	else
		model_send(bytes);
}

static void step_transmit(void)
{
	u64 bytes = take_amount();
	u8 how = take();

	if (how & 2)
		model_transmit_fails();
	else
		model_transmit(bytes, how & 1);
}

static void step_shutdown(void)
{
	/* the counters must tell whether there was a FIN */
	if (!model.failed || fuzz_conn())
		model_shutdown();
}

static void step_recv(void)
{
	u64 bytes = take_amount();
	u8 how = take();

	take_actor();
	/* see model_urgent() */
	if (!has_descriptors() || (!seen() && model.urgent_unbooked))
		return;
	event_enter(SOCKSTAT_RX, false);
	if (how & 1)
		model_recv(bytes, true);
	else if (how & 2)
		model_recv_big(bytes);
	else
		model_recv(bytes, false);
}

/* hooks_enter_urgent() */
static void step_recv_urgent(void)
{
	u8 how = take();
	u64 len = how & 2 ? 0 : 1;
	bool noticed;

	take_actor();
	if (!has_descriptors())
		return;
	event_enter(SOCKSTAT_RX, true);
	/* without memory for a record, nothing is noted of a call that is seen */
	noticed = seen() && fuzz_conn();
	if (seen() && !(how & 1))
		sockstat_conn_urgent(sk(), len);
	/* a call that was not noticed is taken to have had room for the byte */
	model_recv_urgent(how & 1, noticed ? len : 1);
	model.urgent_unbooked |= !noticed;
}

static void step_urgent(void)
{
	u32 n = take() & 7;

	if (n && !model.tp.urg_data)
		model_data(n);
	model_urgent(take() & 3);
	model_data(take() & 7);
}

static void step_inline(void)
{
	/* the module looks at the option when it books the byte (Documentation/limits.md) */
	if (!model.tp.urg_data && !model.urgent_unbooked && !model.inline_unbooked)
		sk()->sk_flags ^= BIT(SOCK_URGINLINE);
}

/*
 * With TCP_REPAIR, the numbers of bytes transmitted do not agree with the sequence
 * numbers, so that the module must have seen the connection from its beginning.
 */
static void step_repair(void)
{
	u8 how = take();

	if (!repairs)
		return;
	if (how & 4)
		model_repair_seq(take_amount() - 1);
	else
		model_repair(how & 1, how >> 1 & 1 ? 2 : 1);
}

static void step_process(void)
{
	u8 b = take();
	unsigned int process = (b & 3) % PROCESSES;
	struct file **fd = &files[process].fd[FD_FIRST + (b >> 2 & 3) % FDS];

	if (running[process] == NOBODY)
		return;
	if (b & 64)
		tasks[process].comm[0]++; /* prctl(PR_SET_NAME) */
	switch (b >> 4 & 3) {
	case 0:
		*fd = model.closed ? NULL : &socket_file;
		break;
	case 1:
		*fd = NULL;
		break;
	case 2:
		if (n_programs < PROGRAMS)
			start_program(process);
		break;
	case 3:
		programs[running[process]].gone = true;
		running[process] = NOBODY;
		memset(&files[process], 0, sizeof(files[process]));
		break;
	}
}

/* A read shows no fewer bytes than had moved when it began, and no more than when it ended. */
static void check_read(const u64 *before)
{
	struct sockstat_conn *conn = fuzz_conn();

	if (!conn || !model.established || model.destroyed)
		return;
	for (int flow = 0; flow < MODEL_FLOWS; flow++) {
		u64 n = conn->ledger.total[flow];

		if (n < before[flow] || n > model.truth[flow])
			fuzz_fail(flow == MODEL_TX ? "TX as read" : "RX as read", before[flow], n);
	}
}

/* Other CPUs use the socket while the module's code reads it. */
static void step_race(void)
{
	u8 what = take(), event = take();
	enum sockstat_flow flow = event & 2 ? SOCKSTAT_TX : SOCKSTAT_RX;
	bool read = event & 1;
	u64 before[MODEL_FLOWS];

	memcpy(before, model.truth, sizeof(before));
	model_race(true, take());
	model.stalls = !read;
	/* of two calls in one direction at a time, either may be credited */
	if (what & 1 && !model.tp.urg_data && !model.urgent_unbooked &&
	    (read || flow == SOCKSTAT_TX))
		model_recv(take_small(), false);
	if (what & 2 && (read || flow == SOCKSTAT_RX))
		model_send(take_small());
	if (what & 4)
		model_ack(take_small());
	if (what & 8)
		model_transmit(take_small(), what & 16);
	for (int i = 0; what & 128 && !model_backlog_misleads() && i < 24; i++)
		model_transmit(1460, true);
	if (what & 32)
		model_data(take_small());
	else if (what & 64)
		model_fin();
	model_race(false, 0);
	take_actor();
	if (read) {
		event_read();
		check_read(before);
	} else if (has_descriptors()) {
		event_enter(flow, false);
	}
	model_flush();
}

static void step_module(void)
{
	u8 b = take();

	loaded = true;
	if (b & 4)
		armed = true;
	if (b & 1 && !repairs)
		fuzz_no_memory = b & 2;
}

static void check_queues(void)
{
	u32 queue[SOCKSTAT_FLOWS];

	sockstat_ledger_queues(sk(), queue);
	for (int flow = 0; flow < MODEL_FLOWS; flow++)
		if (queue[flow] != model_queue(flow))
			fuzz_fail("queue", model_queue(flow), queue[flow]);
}

/* The queues of a listener: connections that wait for accept(), and their limit */
static void read_listener(void)
{
	u32 queue[SOCKSTAT_FLOWS];

	if (model.open || sk()->sk_state != TCP_CLOSE)
		return;
	sk()->sk_state = TCP_LISTEN;
	sk()->sk_ack_backlog = 1;
	sockstat_ledger_queues(sk(), queue);
	if (queue[SOCKSTAT_TX] != sk()->sk_max_ack_backlog || queue[SOCKSTAT_RX] != 1)
		fuzz_fail("queue of a listener", 1, queue[SOCKSTAT_RX]);
	sk()->sk_state = TCP_CLOSE;
}

static void step_read(void)
{
	take_actor();
	event_read();
	settled();
	read_listener();
}

/*
 * The socket may enter TCP_CLOSE now. If it has no record and a FIN that was never
 * transmitted, its numbers do not tell that this is not a byte.
 */
static void transmit_fin(void)
{
	if (model.fin_queued && !fuzz_conn())
		model_transmit(U32_MAX, false);
}

static void step_reset(void)
{
	transmit_fin();
	model_reset();
}

static void step_close(void)
{
	u8 how = take();

	take_actor();
	transmit_fin();
	model_close(how & 1);
	if (model.closed)
		memset(files, 0, sizeof(files));
}

static void step(void)
{
	u8 b = take();

	if (trace)
		fprintf(stderr, "step %u state %d\n", b % 24, sk()->sk_state);
	switch (b % 24) {
	case 0:
		step_connect();
		break;
	case 1:
		step_accept();
		break;
	case 2:
		step_syn_acked();
		break;
	case 3:
		model_accepted();
		break;
	case 4:
	case 5:
		step_send();
		break;
	case 6:
	case 7:
		step_recv();
		break;
	case 8:
		step_recv_urgent();
		break;
	case 9:
		step_transmit();
		break;
	case 10:
		model_ack(take_amount());
		break;
	case 11:
		model_data(take_small());
		break;
	case 12:
		step_urgent();
		break;
	case 13:
		model_fin();
		break;
	case 14:
		step_shutdown();
		break;
	case 15:
		step_reset();
		break;
	case 16:
		take_actor();
		model_disconnect();
		break;
	case 17:
		step_close();
		break;
	case 18:
		step_repair();
		break;
	case 19:
		step_inline();
		break;
	case 20:
		step_read();
		break;
	case 21:
		step_process();
		break;
	case 22:
		step_race();
		break;
	case 23:
		step_module();
		break;
	}
}

/* What libFuzzer and replay.c call. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 isn;
	u8 how;

	trace = getenv("FUZZ_TRACE");
	sockstat_holder_init();
	input = data;
	input_left = size;
	how = take();
	fuzz_no_memory = false;
	loaded = !(how & 1);
	repairs = loaded && how & 2;
	armed = !(how & 8);
	event_reset();
	used = unseen = false;
	actor = (struct actor){ NOBODY, SOCKSTAT_FD_UNKNOWN };
	isn = take_amount() + take();
	model_init(isn, take_amount() + 3);
	start_processes();
	book_reset();
	while (input_left && !model.destroyed) {
		struct sockstat_conn *conn;

		step();
		if (!model.destroyed)
			check_queues();
		conn = fuzz_conn();
		if (trace)
			fprintf(stderr,
				"  write %x una %x rcv %x copied %x urg %x@%x truth %llu/%llu"
				" booked %llu/%llu flags %x\n",
				model.tp.write_seq, model.tp.snd_una, model.tp.rcv_nxt,
				model.tp.copied_seq, model.tp.urg_data, model.tp.urg_seq,
				(unsigned long long)model.truth[0],
				(unsigned long long)model.truth[1],
				(unsigned long long)(conn ? conn->ledger.total[0] : 0),
				(unsigned long long)(conn ? conn->ledger.total[1] : 0),
				conn ? conn->ledger.flags : 0);
		if (conn && conn->flags & SOCKSTAT_CONN_STARTED)
			book_check(conn, false);
	}
	fuzz_no_memory = false;
	actor = (struct actor){ NOBODY, SOCKSTAT_FD_UNKNOWN };
	unseen = false;
	transmit_fin();
	if (!model.destroyed)
		model_close(false);
	transmit_fin();
	if (!model.destroyed)
		model_reset();
	assert(model.destroyed && (!loaded || !fuzz_conn()));
	sockstat_holder_exit();
	return 0;
}
