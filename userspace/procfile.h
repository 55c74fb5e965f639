/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parser of /proc/sockstat.
 *
 * It finds columns by their names in the header line, in any order, and ignores
 * columns that it does not know. Columns that older modules lack may be missing:
 * their fields are then as for "-". Everything else is strict: a text that is cut off
 * or a field that is invalid in its column is an error, which names the line and
 * the column.
 */
#ifndef SOCKSTAT_PROCFILE_H
#define SOCKSTAT_PROCFILE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define SOCKSTAT_PROC_PATH "/proc/sockstat"
#define SOCKSTAT_FORMAT_VERSION 1

#define SOCKSTAT_COMM_LEN 64
#define SOCKSTAT_ADDR_LEN 80

/*
 * The numbers of the kernel's include/net/tcp_states.h. CLOSED and UNCONN both
 * correspond to TCP_CLOSE; UNCONN has no number there.
 */
enum sockstat_state {
	SOCKSTAT_ESTABLISHED = 1,
	SOCKSTAT_SYN_SENT,
	SOCKSTAT_SYN_RECV,
	SOCKSTAT_FIN_WAIT1,
	SOCKSTAT_FIN_WAIT2,
	SOCKSTAT_TIME_WAIT,
	SOCKSTAT_CLOSED,
	SOCKSTAT_CLOSE_WAIT,
	SOCKSTAT_LAST_ACK,
	SOCKSTAT_LISTEN,
	SOCKSTAT_CLOSING,
	SOCKSTAT_UNCONN,
};

enum sockstat_role {
	SOCKSTAT_ROLE_NONE,
	SOCKSTAT_ROLE_CLIENT,
	SOCKSTAT_ROLE_SERVER,
};

/**
 * struct sockstat_addr - a LOCAL or REMOTE address
 * @text: the text of the field
 * @sa: sockaddr_in or sockaddr_in6 with port and scope; AF_UNSPEC for "*:*"
 */
struct sockstat_addr {
	char text[SOCKSTAT_ADDR_LEN];
	struct sockaddr_storage sa;
};

/**
 * struct sockstat_row - one descriptor's share of one connection
 * @line: line number in the text, the header being 1
 * @comm: COMMAND without its octal escapes: any bytes except NUL
 * @comm_raw: COMMAND as in the text, with its escapes
 * @pid: -1 for "-"
 * @fd: -1 for "-"
 * @opened: ns since the epoch, -1 for "-"
 * @closed: ns since the epoch, -1 for "-"
 * @error: an errno, 0 for "-", -1 for a name that this libc does not know
 * @error_text: the text of the field
 * @inode: 0 for "-"
 * @duration: ns, -1 for "-"
 * @euid: -1 for "-"
 * @ago: ns, -1 for "-"
 *
 * The other members are the values of the columns of the same name.
 */
struct sockstat_row {
	unsigned int line;
	char comm[SOCKSTAT_COMM_LEN];
	char comm_raw[4 * SOCKSTAT_COMM_LEN];
	pid_t pid;
	int fd;
	enum sockstat_state state;
	enum sockstat_role role;
	struct sockstat_addr local;
	struct sockstat_addr remote;
	uint64_t tx_bytes;
	uint64_t rx_bytes;
	uint64_t tx_calls;
	uint64_t rx_calls;
	uint64_t tx_queue;
	uint64_t rx_queue;
	int64_t opened;
	int64_t closed;
	int error;
	char error_text[24];
	uint32_t uid;
	uint32_t netns;
	uint64_t inode;
	uint64_t cookie;
	int64_t duration;
	int64_t euid;
	int64_t ago;
};

/**
 * struct sockstat_table - one snapshot
 * @rows: the rows, in the order of the text
 * @n_rows: the number of rows
 * @version: the last line's version=; also set if it is not SOCKSTAT_FORMAT_VERSION
 * @trailer_closed: the last line's closed=
 * @missed: the last line's missed=
 * @dropped: the last line's dropped=
 * @evicted: the last line's evicted=, UINT64_MAX if it has none
 * @error: the reason why reading failed, with line and column
 */
struct sockstat_table {
	struct sockstat_row *rows;
	size_t n_rows;
	uint64_t version;
	uint64_t trailer_closed;
	uint64_t missed;
	uint64_t dropped;
	uint64_t evicted;
	char error[256];
};

int sockstat_table_read(struct sockstat_table *table, const char *path);
int sockstat_table_read_fd(struct sockstat_table *table, int fd);
int sockstat_table_parse(struct sockstat_table *table, const char *text, size_t len);
void sockstat_table_free(struct sockstat_table *table);

const char *sockstat_state_name(enum sockstat_state state);
const char *sockstat_role_name(enum sockstat_role role);
const char *sockstat_error_name(int error);

/**
 * sockstat_table_find - find the next row of a descriptor
 * @table: the snapshot
 * @pid: the process, -1 for "-"
 * @fd: the number of the descriptor, -1 for "-"
 * @after: the previous result, NULL to begin
 *
 * A descriptor number that was reused has several rows.
 *
 * Return: a row that lives as long as @table, or NULL.
 */
static inline const struct sockstat_row *sockstat_table_find(const struct sockstat_table *table,
							     pid_t pid, int fd,
							     const struct sockstat_row *after)
{
	const struct sockstat_row *row = after ? after + 1 : table->rows;

	for (; row < table->rows + table->n_rows; row++) {
		if (row->pid == pid && row->fd == fd)
			return row;
	}
	return NULL;
}

/**
 * sockstat_table_find_cookie - find the next row of a socket
 * @table: the snapshot
 * @cookie: the cookie of the socket
 * @after: the previous result, NULL to begin
 *
 * Return: a row that lives as long as @table, or NULL.
 */
static inline const struct sockstat_row *
sockstat_table_find_cookie(const struct sockstat_table *table, uint64_t cookie,
			   const struct sockstat_row *after)
{
	const struct sockstat_row *row = after ? after + 1 : table->rows;

	for (; row < table->rows + table->n_rows; row++) {
		if (row->cookie == cookie)
			return row;
	}
	return NULL;
}

#endif
