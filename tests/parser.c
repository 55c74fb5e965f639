// SPDX-License-Identifier: GPL-2.0-only
/* The parser of /proc/sockstat: valid texts, invalid ones, and the messages for these. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../userspace/procfile.h"

#define OLD_HEAD                                                                               \
	"COMMAND PID FD STATE ROLE LOCAL REMOTE TX_BYTES RX_BYTES TX_CALLS RX_CALLS TX_QUEUE " \
	"RX_QUEUE OPENED CLOSED ERROR UID NETNS INODE COOKIE"
#define HEAD OLD_HEAD " DURATION EUID AGO\n"
#define OLD_ROW                                                                   \
	"a\\040b  12  3 ESTABLISHED client 127.0.0.1:80 [::1]:65535 1 2 3 4 5 6 " \
	"1700000000.123 - - 1000 4026531840 77 ffffffffffffffff"
#define ROW OLD_ROW " 17.250 1001 -\n"
#define TAIL(rows) "# version=1 rows=" #rows " closed=0 missed=7 dropped=8\n"

/* @err is the expected result, @words a part of its message; 0 and NULL for a valid text */
static const struct {
	const char *name, *text;
	int err;
	const char *words;
} cases[] = {
	{ "no rows", HEAD TAIL(0), 0, NULL },
	{ "one row", HEAD ROW TAIL(1), 0, NULL },
	{ "a command that begins with #", HEAD "#" ROW TAIL(1), 0, NULL },
	{ "an older module's table", OLD_HEAD "\n" OLD_ROW "\n" TAIL(1), 0, NULL },
	{ "nothing", "", -EBADMSG, "cut off" },
	{ "no last line", HEAD ROW, -EBADMSG, "line 3: cut off" },
	{ "half a row", HEAD "a 1 2", -EBADMSG, "line 2: cut off" },
	{ "a field short", HEAD "a 1 2\n" TAIL(1), -EBADMSG, "line 2: 3 fields" },
	{ "a row too few", HEAD ROW TAIL(2), -EBADMSG, "rows=2 after 1" },
	{ "text after the end", HEAD TAIL(0) ROW, -EBADMSG, "line 2" },
	{ "another version", HEAD "# version=2 rows=0 closed=0 missed=0 dropped=0\n", -EPROTO,
	  "version 2" },
	{ "another version, with other columns", "NAME\n# version=3\n", -EPROTO, "version 3" },
	{ "a terminal's command", HEAD "\033[2J" ROW TAIL(1), -EBADMSG, "line 2: byte 27" },
	{ "no dropped=", HEAD "# version=1 rows=0 closed=0 missed=0\n", -EBADMSG, "dropped=" },
	{ "evicted=", HEAD "# version=1 rows=0 closed=0 missed=0 dropped=0 evicted=9\n", 0, NULL },
	{ "evicted= is not a number",
	  HEAD "# version=1 rows=0 closed=0 missed=0 dropped=0 evicted=x\n", -EBADMSG, "evicted" },
	{ "no COOKIE", "COMMAND PID FD\n" TAIL(0), -EBADMSG, "column STATE is missing" },
	{ "another file", "root:x:0:0\n", -EBADMSG, "line 1 has no name of a column" },
	{ "PID twice", "PID " HEAD TAIL(0), -EBADMSG, "column PID is there twice" },
};

/* An invalid field for ROW: @wrong replaces @right */
static const struct {
	const char *column, *right, *wrong;
} fields[] = {
	{ "COMMAND", "a\\040b", "a\\04" },
	{ "COMMAND", "a\\040b", "a\\000b" },
	{ "PID", "12 ", "1x " },
	{ "FD", " 3 EST", " -1 EST" },
	{ "STATE", "ESTABLISHED", "GONE" },
	{ "ROLE", "client", "host" },
	{ "LOCAL", "127.0.0.1:80", "127.0.0:80" },
	{ "LOCAL", "127.0.0.1:80", "127.0.0.1" },
	{ "REMOTE", "[::1]:65535", "[::1]:65536" },
	{ "REMOTE", "[::1]:65535", "[::1:65535" },
	{ "TX_BYTES", " 1 2", " -1 2" },
	{ "OPENED", "00.123", "00.12" },
	{ "ERROR", "- - 1000", "- what 1000" },
	{ "ERROR", "- - 1000", "- 4096 1000" },
	{ "ERROR", "- - 1000", "- -104 1000" },
	{ "UID", "1000", "4294967296" },
	{ "COOKIE", "ffffffffffffffff", "10000000000000000" },
	{ "DURATION", "17.250", "17.25" },
	{ "EUID", " 1001 -", " -1 -" },
	{ "AGO", " 1001 -", " 1001 1" },
};

static int n;
static int failures;

static void print_result(int ok, const char *name, const char *seen)
{
	if (!ok)
		printf("# message: %s\n", seen);
	printf("%sok %d %s\n", ok ? "" : "not ", ++n, name);
	failures += !ok;
}

static void make_text(char *out, size_t size, const char *from, const char *to)
{
	const char *at = strstr(ROW, from);

	snprintf(out, size, "%s%.*s%s%s%s", HEAD, (int)(at - ROW), ROW, to, at + strlen(from),
		 TAIL(1));
}

static int values_right(void)
{
	/* another order, an unknown column, and "-" wherever it is allowed */
	static const char text[] =
		"COOKIE NEW COMMAND FD PID STATE ROLE REMOTE LOCAL TX_BYTES RX_BYTES TX_CALLS "
		"RX_CALLS TX_QUEUE RX_QUEUE OPENED CLOSED ERROR UID NETNS INODE\n"
		"1f ? \\377\\134 - - CLOSED - [fe80::1%lo]:5 *:* 18446744073709551615 2 3 4 5 6 "
		"- 1.001 ECONNREFUSED 0 1 -\n" TAIL(1);
	struct sockstat_table t;
	const struct sockstat_row *r;
	const struct sockaddr_in6 *sin6;
	int ok;

	if (sockstat_table_parse(&t, text, strlen(text)) || t.n_rows != 1)
		return 0;
	r = sockstat_table_find(&t, -1, -1, NULL);
	if (!r || r != sockstat_table_find_cookie(&t, 0x1f, NULL))
		return 0;
	sin6 = (const struct sockaddr_in6 *)&r->remote.sa;
	ok = !strcmp(r->comm, "\377\\") && !strcmp(r->comm_raw, "\\377\\134") &&
	     r->state == SOCKSTAT_CLOSED && r->role == SOCKSTAT_ROLE_NONE &&
	     sin6->sin6_family == AF_INET6 && sin6->sin6_port == htons(5) &&
	     sin6->sin6_scope_id == 1 && r->local.sa.ss_family == AF_UNSPEC &&
	     r->tx_bytes == UINT64_MAX && r->rx_bytes == 2 && r->tx_calls == 3 &&
	     r->rx_calls == 4 && r->tx_queue == 5 && r->rx_queue == 6 && r->opened == -1 &&
	     r->closed == 1001000000 && r->error == ECONNREFUSED && r->uid == 0 && r->netns == 1 &&
	     r->inode == 0 && t.missed == 7 && t.dropped == 8 && t.evicted == UINT64_MAX;
	sockstat_table_free(&t);
	return ok;
}

static int new_values_right(const char *text, int64_t duration, int64_t euid, int64_t ago)
{
	struct sockstat_table t;
	int ok;

	ok = !sockstat_table_parse(&t, text, strlen(text)) && t.rows[0].duration == duration &&
	     t.rows[0].euid == euid && t.rows[0].ago == ago;
	sockstat_table_free(&t);
	return ok;
}

static int number_for_name_right(void)
{
	struct sockstat_table t;
	char text[1024];
	int ok;

	make_text(text, sizeof(text), "- - 1000", "- 104 1000");
	ok = !sockstat_table_parse(&t, text, strlen(text)) && t.rows[0].error == ECONNRESET;
	sockstat_table_free(&t);
	return ok;
}

int main(void)
{
	size_t n_cases = sizeof(cases) / sizeof(cases[0]);
	size_t n_fields = sizeof(fields) / sizeof(fields[0]);
	struct sockstat_table t;
	char text[1024], name[64];
	size_t i;
	int err;

	printf("TAP version 13\n1..%zu\n", n_cases + n_fields + 5);
	for (i = 0; i < n_cases; i++) {
		err = sockstat_table_parse(&t, cases[i].text, strlen(cases[i].text));
		print_result(err == cases[i].err &&
				     (!err || (strstr(t.error, cases[i].words) && !t.n_rows)),
			     cases[i].name, t.error);
		sockstat_table_free(&t);
	}
	for (i = 0; i < n_fields; i++) {
		make_text(text, sizeof(text), fields[i].right, fields[i].wrong);
		err = sockstat_table_parse(&t, text, strlen(text));
		snprintf(name, sizeof(name), "line 2, column %s:", fields[i].column);
		err = err == -EBADMSG && strstr(t.error, name) && !t.rows && !t.n_rows;
		snprintf(name, sizeof(name), "%s: %s", fields[i].column, fields[i].wrong);
		print_result(err, name, t.error);
		sockstat_table_free(&t);
	}
	print_result(values_right(), "every value, columns in another order", "");
	print_result(new_values_right(HEAD ROW TAIL(1), 17250000000, 1001, -1),
		     "the values of DURATION, EUID and AGO", "");
	print_result(new_values_right(HEAD OLD_ROW " - - 0.001\n" TAIL(1), -1, -1, 1000000),
		     "DURATION and EUID without a value", "");
	print_result(new_values_right(OLD_HEAD "\n" OLD_ROW "\n" TAIL(1), -1, -1, -1),
		     "no value if an older module's table has no such columns", "");
	print_result(number_for_name_right(), "an errno as a number", "");
	return failures != 0;
}
