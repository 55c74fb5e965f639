// SPDX-License-Identifier: GPL-2.0-only
/* The columns of /proc/sockstat and the parsers of their fields. */

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "procfield.h"
#include "procfile.h"

#define MAX_ERRNO 4095 /* as in the kernel's include/linux/err.h */
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
 * sockstat_state_name - get the word for a state in the column STATE
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
 * sockstat_role_name - get the word for a role in the column ROLE
 * @role: one of the enum
 *
 * Return: a static string, "?" for a number outside the enum.
 */
const char *sockstat_role_name(enum sockstat_role role)
{
	return (size_t)role < ARRAY_SIZE(role_names) ? role_names[role] : "?";
}

static const char *const error_names[] = {
	[0] = "-",
#include "errname.h"
};

/**
 * sockstat_error_name - get the word for an errno in the column ERROR
 * @error: an errno, or 0
 *
 * Return: a static string, "-" for 0, "?" for an errno without a name.
 */
const char *sockstat_error_name(int error)
{
	const size_t count = sizeof(error_names) / sizeof(error_names[0]);

	return error >= 0 && (size_t)error < count && error_names[error] ? error_names[error] : "?";
}

/**
 * procfield_token_is - compare a token with a word
 * @tok: the token
 * @s: the word
 */
bool procfield_token_is(const struct token *tok, const char *s)
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

/**
 * procfield_number - parse a decimal number
 * @tok: the token
 * @max: the greatest number allowed
 * @value: the result
 *
 * Return: NULL, or the reason why it is wrong.
 */
const char *procfield_number(const struct token *tok, uint64_t max, uint64_t *value)
{
	return parse_digits(tok, "0123456789", max, value);
}

static const char *parse_u64(const struct token *tok, void *field)
{
	return procfield_number(tok, UINT64_MAX, field);
}

/* COOKIE is hexadecimal, as ss -e prints it. */
static const char *parse_cookie(const struct token *tok, void *field)
{
	return parse_digits(tok, "0123456789abcdef", UINT64_MAX, field);
}

static const char *parse_u32(const struct token *tok, void *field)
{
	uint64_t value = 0;
	const char *wrong = procfield_number(tok, UINT32_MAX, &value);

	*(uint32_t *)field = value;
	return wrong;
}

static const char *parse_inode(const struct token *tok, void *field)
{
	*(uint64_t *)field = 0;
	return procfield_token_is(tok, "-") ? NULL : parse_u64(tok, field);
}

/* PID and FD are a number or "-". */
static const char *parse_id(const struct token *tok, void *field)
{
	const char *wrong = NULL;
	uint64_t value = 0;

	if (procfield_token_is(tok, "-")) {
		*(int *)field = -1;
	} else {
		wrong = procfield_number(tok, INT_MAX, &value);
		*(int *)field = value;
	}
	return wrong;
}

static int find_word(const struct token *tok, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (words[i] && procfield_token_is(tok, words[i]))
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

static const char *parse_euid(const struct token *tok, void *field)
{
	uint32_t uid = 0;
	const char *wrong = NULL;

	if (procfield_token_is(tok, "-")) {
		*(int64_t *)field = -1;
	} else {
		wrong = parse_u32(tok, &uid);
		*(int64_t *)field = uid;
	}
	return wrong;
}

/* A time is seconds, a dot and three digits; or "-". */
static const char *parse_time(const struct token *tok, void *field)
{
	const char *dot = memchr(tok->s, '.', tok->len);
	struct token seconds, millis;
	uint64_t s = 0, ms = 0;
	int64_t *ns = field;

	*ns = -1;
	if (procfield_token_is(tok, "-"))
		return NULL;
	if (!dot)
		return "is not a time";
	seconds = (struct token){ tok->s, dot - tok->s };
	millis = (struct token){ dot + 1, tok->s + tok->len - dot - 1 };
	if (millis.len != 3 || procfield_number(&millis, 999, &ms) ||
	    procfield_number(&seconds, INT64_MAX / 1000000000 - 1, &s))
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
			/* \000 is the text for an empty name, and it is not allowed elsewhere */
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

/* A kernel without CONFIG_SYMBOLIC_ERRNAME prints a number. */
static const char *parse_error(const struct token *tok, void *field)
{
	uint64_t number;
	size_t e;

	if (tok->len >= sizeof(((struct sockstat_row *)NULL)->error_text))
		return "is too long";
	for (e = 0; e < sizeof(error_names) / sizeof(error_names[0]); e++) {
		if (error_names[e] && procfield_token_is(tok, error_names[e])) {
			*(int *)field = e;
			return NULL;
		}
	}
	if (!procfield_number(tok, MAX_ERRNO, &number) && number) {
		*(int *)field = number;
		return NULL;
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

/* @host is the part before the port: "[addr]", "[addr%if]" or "[addr]%if". */
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
		/* in "[addr%if]", the ] after the name is already cut off */
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
	if (procfield_token_is(tok, "*:*"))
		return NULL;
	memcpy(host, addr->text, sizeof(host));
	colon = strrchr(host, ':');
	if (!colon)
		return "has no port";
	*colon = '\0';
	port_tok = (struct token){ colon + 1, strlen(colon + 1) };
	wrong = procfield_number(&port_tok, 65535, &port);
	if (wrong)
		return wrong;
	return host[0] == '[' ? parse_v6(host, port, &addr->sa) : parse_v4(host, port, &addr->sa);
}

#define MEMBER(member) offsetof(struct sockstat_row, member)
#define COLUMN(name, member, parse) { name, MEMBER(member), parse, 0, false }
#define OPTIONAL(name, member, parse) { name, MEMBER(member), parse, 0, true }
/* The columns; the header line must have all that are not optional */
const struct column procfield_columns[PROCFIELD_COLUMNS] = {
	{ "COMMAND", MEMBER(comm), parse_comm, MEMBER(comm_raw), false },
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
	{ "ERROR", MEMBER(error), parse_error, MEMBER(error_text), false },
	COLUMN("UID", uid, parse_u32),
	COLUMN("NETNS", netns, parse_u32),
	COLUMN("INODE", inode, parse_inode),
	COLUMN("COOKIE", cookie, parse_cookie),
	OPTIONAL("DURATION", duration, parse_time),
	OPTIONAL("EUID", euid, parse_euid),
	OPTIONAL("AGO", ago, parse_time),
};
