// SPDX-License-Identifier: GPL-2.0-only
/* The one parser of /proc/sockstat; procfile.h says what it promises. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfile.h"

#define MAX_COLUMNS 64
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A stretch of the text: not terminated. */
struct token {
	const char *s;
	size_t len;
};

/* Returns NULL, or what is wrong with the field. */
typedef const char *parse_fn(const struct token *tok, void *field);

static const char *const state_names[] = {
	[SOCKSTAT_ESTABLISHED] = "ESTABLISHED", [SOCKSTAT_SYN_SENT] = "SYN_SENT",
	[SOCKSTAT_SYN_RECV] = "SYN_RECV",	[SOCKSTAT_FIN_WAIT1] = "FIN_WAIT1",
	[SOCKSTAT_FIN_WAIT2] = "FIN_WAIT2",	[SOCKSTAT_TIME_WAIT] = "TIME_WAIT",
	[SOCKSTAT_CLOSED] = "CLOSED",		[SOCKSTAT_CLOSE_WAIT] = "CLOSE_WAIT",
	[SOCKSTAT_LAST_ACK] = "LAST_ACK",	[SOCKSTAT_LISTEN] = "LISTEN",
	[SOCKSTAT_CLOSING] = "CLOSING",		[SOCKSTAT_UNCONN] = "UNCONN",
};

static const char *const role_names[] = {
	[SOCKSTAT_ROLE_NONE] = "-",
	[SOCKSTAT_ROLE_CLIENT] = "client",
	[SOCKSTAT_ROLE_SERVER] = "server",
};

/**
 * sockstat_state_name - the word STATE has for a state
 * @state: one of the enum
 *
 * Return: a static string, "?" for a number outside the enum.
 */
const char *sockstat_state_name(enum sockstat_state state)
{
	if ((size_t)state >= ARRAY_SIZE(state_names) || !state_names[state])
		return "?";
	return state_names[state];
}

/**
 * sockstat_role_name - the word ROLE has for a role
 * @role: one of the enum
 *
 * Return: a static string.
 */
const char *sockstat_role_name(enum sockstat_role role)
{
	return (size_t)role < ARRAY_SIZE(role_names) ? role_names[role] : "?";
}

/**
 * sockstat_error_name - the word ERROR has for an errno
 * @error: an errno, or 0
 *
 * Return: a static string, "-" for 0.
 */
const char *sockstat_error_name(int error)
{
	const char *name = error ? strerrorname_np(error) : "-";

	return name ? name : "?";
}

static bool token_is(const struct token *tok, const char *s)
{
	return strlen(s) == tok->len && !memcmp(tok->s, s, tok->len);
}

static const char *parse_digits(const struct token *tok, const char *digits, uint64_t max,
				uint64_t *value)
{
	unsigned int base = strlen(digits);
	uint64_t v = 0;
	size_t i;

	if (!tok->len)
		return "is empty";
	for (i = 0; i < tok->len; i++) {
		const char *digit = memchr(digits, tok->s[i], base);

		if (!digit)
			return "is not a number";
		if (v > (max - (digit - digits)) / base)
			return "is too large a number";
		v = v * base + (digit - digits);
	}
	*value = v;
	return NULL;
}

static const char *parse_number(const struct token *tok, uint64_t max, uint64_t *value)
{
	return parse_digits(tok, "0123456789", max, value);
}

static const char *parse_u64(const struct token *tok, void *field)
{
	return parse_number(tok, UINT64_MAX, field);
}

/* COOKIE is in base 16, as ss -e prints it */
static const char *parse_cookie(const struct token *tok, void *field)
{
	return parse_digits(tok, "0123456789abcdef", UINT64_MAX, field);
}

static const char *parse_u32(const struct token *tok, void *field)
{
	uint64_t value = 0;
	const char *wrong = parse_number(tok, UINT32_MAX, &value);

	*(uint32_t *)field = value;
	return wrong;
}

static const char *parse_inode(const struct token *tok, void *field)
{
	*(uint64_t *)field = 0;
	return token_is(tok, "-") ? NULL : parse_u64(tok, field);
}

/* PID and FD: a number or "-" */
static const char *parse_id(const struct token *tok, void *field)
{
	const char *wrong = NULL;
	uint64_t value = 0;

	if (token_is(tok, "-")) {
		*(int *)field = -1;
	} else {
		wrong = parse_number(tok, INT_MAX, &value);
		*(int *)field = value;
	}
	return wrong;
}

static int find_word(const struct token *tok, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (words[i] && token_is(tok, words[i]))
			return i;
	}
	return -1;
}

static const char *parse_state(const struct token *tok, void *field)
{
	int i = find_word(tok, state_names, ARRAY_SIZE(state_names));

	*(enum sockstat_state *)field = i;
	return i < 0 ? "is not a state" : NULL;
}

static const char *parse_role(const struct token *tok, void *field)
{
	int i = find_word(tok, role_names, ARRAY_SIZE(role_names));

	*(enum sockstat_role *)field = i;
	return i < 0 ? "is not a role" : NULL;
}

/* Seconds, a dot and exactly three digits; or "-" */
static const char *parse_time(const struct token *tok, void *field)
{
	const char *dot = memchr(tok->s, '.', tok->len);
	struct token seconds, millis;
	uint64_t s = 0, ms = 0;
	int64_t *ns = field;

	*ns = -1;
	if (token_is(tok, "-"))
		return NULL;
	if (!dot)
		return "is not a time";
	seconds = (struct token){ tok->s, dot - tok->s };
	millis = (struct token){ dot + 1, tok->s + tok->len - dot - 1 };
	if (millis.len != 3 || parse_number(&millis, 999, &ms) ||
	    parse_number(&seconds, INT64_MAX / 1000000000 - 1, &s))
		return "is not a time";
	*ns = s * 1000000000 + ms * 1000000;
	return NULL;
}

static const char *parse_comm(const struct token *tok, void *field)
{
	char *out = field;
	size_t i, n = 0;

	for (i = 0; i < tok->len; i++) {
		unsigned int c = (unsigned char)tok->s[i];

		if (n == SOCKSTAT_COMM_LEN - 1)
			return "is too long";
		if (c == '\\') {
			unsigned int k;

			if (tok->len - i < 4)
				return "has a broken escape";
			for (k = 1, c = 0; k <= 3; k++) {
				unsigned int digit = (unsigned char)tok->s[i + k] - '0';

				if (digit > 7)
					return "has a broken escape";
				c = c * 8 + digit;
			}
			/* an empty name is one zero byte */
			if (c > 255 || (!c && tok->len != 4))
				return "has a broken escape";
			i += 3;
		} else if (c < ' ' || c == 0x7f) {
			return "has a control byte that is not escaped";
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return NULL;
}

static const char *parse_error(const struct token *tok, void *field)
{
	int e;

	*(int *)field = 0;
	if (token_is(tok, "-"))
		return NULL;
	if (tok->len >= sizeof(((struct sockstat_row *)NULL)->error_text))
		return "is too long";
	for (e = 1; e < 4096; e++) {
		const char *name = strerrorname_np(e);

		if (name && token_is(tok, name)) {
			*(int *)field = e;
			return NULL;
		}
	}
	*(int *)field = -1;
	return tok->len > 1 && tok->s[0] == 'E' ? NULL : "is not an errno name";
}

static const char *parse_v4(char *host, uint64_t port, struct sockaddr_storage *sa)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)sa;

	if (inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		return "is not an address";
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	return NULL;
}

/* @host is what stands before the port: "[addr]", "[addr%if]" or "[addr]%if" */
static const char *parse_v6(char *host, uint64_t port, struct sockaddr_storage *sa)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sa;
	char *end = strchr(host, ']');
	char *scope = strchr(host, '%');

	if (!end)
		return "has a [ without ]";
	if (scope && scope < end ? end[1] != '\0' : (end[1] && scope != end + 1))
		return "has text after its ]";
	*end = '\0';
	if (scope) {
		/* Its ] is cut off already where that follows the name. */
		*scope++ = '\0';
		sin6->sin6_scope_id = if_nametoindex(scope);
	}
	if (inet_pton(AF_INET6, host + 1, &sin6->sin6_addr) != 1)
		return "is not an address";
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	return NULL;
}

static const char *parse_addr(const struct token *tok, void *field)
{
	struct sockstat_addr *addr = field;
	struct token port_tok;
	const char *wrong;
	uint64_t port = 0;
	char host[SOCKSTAT_ADDR_LEN];
	char *colon;

	if (tok->len >= sizeof(addr->text))
		return "is too long";
	memcpy(addr->text, tok->s, tok->len);
	addr->text[tok->len] = '\0';
	memset(&addr->sa, 0, sizeof(addr->sa));
	if (token_is(tok, "*:*"))
		return NULL;
	memcpy(host, addr->text, sizeof(host));
	colon = strrchr(host, ':');
	if (!colon)
		return "has no port";
	*colon = '\0';
	port_tok = (struct token){ colon + 1, strlen(colon + 1) };
	wrong = parse_number(&port_tok, 65535, &port);
	if (wrong)
		return wrong;
	return host[0] == '[' ? parse_v6(host, port, &addr->sa) : parse_v4(host, port, &addr->sa);
}

#define COLUMN(name, member, parse) { name, offsetof(struct sockstat_row, member), parse }
static const struct column {
	const char *name;
	size_t offset;
	parse_fn *parse;
} columns[] = {
	COLUMN("COMMAND", comm, parse_comm),
	COLUMN("PID", pid, parse_id),
	COLUMN("FD", fd, parse_id),
	COLUMN("STATE", state, parse_state),
	COLUMN("ROLE", role, parse_role),
	COLUMN("LOCAL", local, parse_addr),
	COLUMN("REMOTE", remote, parse_addr),
	COLUMN("TX_BYTES", tx_bytes, parse_u64),
	COLUMN("RX_BYTES", rx_bytes, parse_u64),
	COLUMN("TX_CALLS", tx_calls, parse_u64),
	COLUMN("RX_CALLS", rx_calls, parse_u64),
	COLUMN("TX_QUEUE", tx_queue, parse_u64),
	COLUMN("RX_QUEUE", rx_queue, parse_u64),
	COLUMN("OPENED", opened, parse_time),
	COLUMN("CLOSED", closed, parse_time),
	COLUMN("ERROR", error, parse_error),
	COLUMN("UID", uid, parse_u32),
	COLUMN("NETNS", netns, parse_u32),
	COLUMN("INODE", inode, parse_inode),
	COLUMN("COOKIE", cookie, parse_cookie),
};

static int __attribute__((format(printf, 3, 4))) fail(struct sockstat_table *table, int err,
						       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(table->error, sizeof(table->error), fmt, ap);
	va_end(ap);
	free(table->rows);
	table->rows = NULL;
	table->n_rows = 0;
	return err;
}

/* Cuts one line into tokens; returns their number, or max + 1 if there are more. */
static size_t split(const char *s, const char *end, struct token *tok, size_t max)
{
	size_t n = 0;

	for (;;) {
		const char *start;

		while (s < end && *s == ' ')
			s++;
		if (s == end)
			return n;
		for (start = s; s < end && *s != ' '; s++)
			;
		if (n == max)
			return max + 1;
		tok[n++] = (struct token){ start, s - start };
	}
}

/* Fills map[position in the line] = the column there, NULL for one unknown here */
static int parse_header(struct sockstat_table *table, const char *s, const char *end,
			const struct column **map, size_t *n_map)
{
	struct token tok[MAX_COLUMNS];
	bool seen[ARRAY_SIZE(columns)] = { false };
	size_t n = split(s, end, tok, MAX_COLUMNS);
	size_t i, k;

	if (n > MAX_COLUMNS)
		return fail(table, -EBADMSG, "line 1: more than %d columns", MAX_COLUMNS);
	for (i = 0; i < n; i++) {
		map[i] = NULL;
		for (k = 0; k < ARRAY_SIZE(columns); k++) {
			if (!token_is(&tok[i], columns[k].name))
				continue;
			if (seen[k])
				return fail(table, -EBADMSG, "line 1: column %s stands there twice",
					    columns[k].name);
			seen[k] = true;
			map[i] = &columns[k];
		}
	}
	for (k = 0; k < ARRAY_SIZE(columns); k++) {
		if (!seen[k])
			return fail(table, -EBADMSG, "line 1: column %s is missing",
				    columns[k].name);
	}
	*n_map = n;
	return 0;
}

static int parse_row(struct sockstat_table *table, struct sockstat_row *row, const char *s,
		     const char *end, const struct column *const *map, size_t n_map)
{
	struct token tok[MAX_COLUMNS];
	size_t n = split(s, end, tok, MAX_COLUMNS);
	unsigned int line = row->line;
	size_t i;

	if (n != n_map)
		return fail(table, -EBADMSG, "line %u: %zu fields where the header has %zu columns",
			    line, n, n_map);
	for (i = 0; i < n; i++) {
		const char *wrong;

		if (!map[i])
			continue;
		wrong = map[i]->parse(&tok[i], (char *)row + map[i]->offset);
		if (wrong)
			return fail(table, -EBADMSG, "line %u, column %s: \"%.*s\" %s", line,
				    map[i]->name, (int)(tok[i].len < 80 ? tok[i].len : 80),
				    tok[i].s, wrong);
		/* These two are kept as printed, too; their parsers bound the length. */
		if (map[i]->parse == parse_comm)
			memcpy(row->comm_raw, tok[i].s, tok[i].len);
		else if (map[i]->parse == parse_error)
			memcpy(row->error_text, tok[i].s, tok[i].len);
	}
	return 0;
}

static int parse_trailer(struct sockstat_table *table, unsigned int line, const char *s,
			 const char *end)
{
	uint64_t version = 0, rows = 0;
	const struct {
		const char *name;
		uint64_t *value;
	} keys[] = {
		{ "version", &version },	 { "rows", &rows },
		{ "closed", &table->trailer_closed }, { "missed", &table->missed },
		{ "dropped", &table->dropped },
	};
	struct token tok[MAX_COLUMNS];
	size_t n = split(s + 1, end, tok, MAX_COLUMNS);
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(keys); k++) {
		size_t len = strlen(keys[k].name);
		struct token value = { NULL, 0 };

		for (i = 0; i < n && i < MAX_COLUMNS; i++) {
			if (tok[i].len > len && !memcmp(tok[i].s, keys[k].name, len) &&
			    tok[i].s[len] == '=')
				value = (struct token){ tok[i].s + len + 1, tok[i].len - len - 1 };
		}
		if (!value.s)
			return fail(table, -EBADMSG, "line %u: the last line has no %s=", line,
				    keys[k].name);
		if (parse_number(&value, UINT64_MAX, keys[k].value))
			return fail(table, -EBADMSG, "line %u, %s: \"%.*s\" is not a number",
				    line, keys[k].name, (int)value.len, value.s);
	}
	if (version != SOCKSTAT_VERSION)
		return fail(table, -EPROTO, "line %u: format version %llu, this program reads %d",
			    line, (unsigned long long)version, SOCKSTAT_VERSION);
	if (rows != table->n_rows)
		return fail(table, -EBADMSG, "line %u: the last line says rows=%llu after %zu rows",
			    line, (unsigned long long)rows, table->n_rows);
	return 0;
}

/**
 * sockstat_table_parse - read a snapshot out of memory
 * @table: to be filled; the caller frees it with sockstat_table_free()
 * @text: the text, not necessarily terminated
 * @len: its length
 *
 * Return: 0, or a negative errno with @table->error set and no rows: -EPROTO
 * for a version that is not ours, -EBADMSG for anything else that is wrong.
 */
int sockstat_table_parse(struct sockstat_table *table, const char *text, size_t len)
{
	const struct column *map[MAX_COLUMNS];
	const char *end = text + len;
	const char *s, *eol;
	size_t n_map = 0, lines = 0;
	unsigned int line = 0;
	int err;

	memset(table, 0, sizeof(*table));
	if (memchr(text, '\0', len))
		return fail(table, -EBADMSG, "the text holds a NUL byte");
	for (s = text; s < end && (s = memchr(s, '\n', end - s)); s++)
		lines++;
	table->rows = calloc(lines + 1, sizeof(*table->rows));
	if (!table->rows)
		return fail(table, -ENOMEM, "no memory for %zu rows", lines);

	for (s = text; s < end; s = eol + 1) {
		line++;
		eol = memchr(s, '\n', end - s);
		if (!eol)
			return fail(table, -EBADMSG, "line %u: cut off, it has no end", line);
		if (line == 1) {
			err = parse_header(table, s, eol, map, &n_map);
		} else if (*s == '#' && eol + 1 == end) {
			/* Only at the end: a process may call itself "#". */
			return parse_trailer(table, line, s, eol);
		} else {
			struct sockstat_row *row = &table->rows[table->n_rows];

			row->line = line;
			err = parse_row(table, row, s, eol, map, n_map);
			table->n_rows++;
		}
		if (err)
			return err;
	}
	return fail(table, -EBADMSG, "line %u: cut off, the last line (\"# version=...\") is missing",
		    line + 1);
}

/**
 * sockstat_table_read_fd - read a snapshot from an open file
 * @table: to be filled; the caller frees it with sockstat_table_free()
 * @fd: read from where it stands to its end
 *
 * Return: as sockstat_table_parse(), or the read's own negative errno.
 */
int sockstat_table_read_fd(struct sockstat_table *table, int fd)
{
	size_t size = 1 << 16, len = 0;
	char *text = malloc(size);
	int err = 0;

	memset(table, 0, sizeof(*table));
	while (text) {
		ssize_t n;

		if (len == size) {
			char *bigger = realloc(text, size * 2);

			if (!bigger)
				break;
			text = bigger;
			size *= 2;
		}
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = fail(table, -errno, "read: %s", strerror(errno));
		else if (n == 0)
			err = sockstat_table_parse(table, text, len);
		if (n <= 0) {
			free(text);
			return err;
		}
		len += n;
	}
	free(text);
	return fail(table, -ENOMEM, "no memory for more than %zu bytes of text", len);
}

/**
 * sockstat_table_read - read a fresh snapshot
 * @table: to be filled; the caller frees it with sockstat_table_free()
 * @path: the file, NULL for /proc/sockstat
 *
 * Return: as sockstat_table_read_fd(), or the open's negative errno: -ENOENT
 * means that the module is not loaded.
 */
int sockstat_table_read(struct sockstat_table *table, const char *path)
{
	int err, fd;

	if (!path)
		path = SOCKSTAT_PROC_PATH;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		memset(table, 0, sizeof(*table));
		return fail(table, err, "%s: %s", path, strerror(-err));
	}
	err = sockstat_table_read_fd(table, fd);
	close(fd);
	return err;
}

/**
 * sockstat_table_free - give a snapshot's memory back
 * @table: what one of the readers filled, with or without success
 */
void sockstat_table_free(struct sockstat_table *table)
{
	free(table->rows);
	table->rows = NULL;
	table->n_rows = 0;
}
