// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit program that makes its socket calls through socketcall(2).
 *
 * Each line of standard input is one command.  The program makes the call and
 * prints its return value (a negative errno on error) on a line of its own.
 * All numbers are decimal:
 *
 *	s DOMAIN	socket			b FD ADDRESS	bind
 *	l FD BACKLOG	listen			c FD ADDRESS	connect
 *	a FD		accept			h FD HOW	shutdown
 *	S FD N		send			R FD N		recv
 *	T FD N		sendto			F FD N		recvfrom
 *	M FD N		sendmsg			G FD N		recvmsg
 *	w FD N		write(2)		r FD N		read(2)
 *	x FD		close(2)
 *
 * ADDRESS is a struct sockaddr in lower-case hexadecimal digits; N is at most
 * 4096.  The program uses no C library, so building it needs no 32-bit one.
 */

enum { NR_EXIT = 1, NR_READ = 3, NR_WRITE = 4, NR_CLOSE = 6, NR_SOCKETCALL = 102 };
enum {
	CALL_SOCKET = 1,
	CALL_BIND = 2,
	CALL_CONNECT = 3,
	CALL_LISTEN = 4,
	CALL_ACCEPT = 5,
	CALL_SEND = 9,
	CALL_RECV = 10,
	CALL_SENDTO = 11,
	CALL_RECVFROM = 12,
	CALL_SHUTDOWN = 13,
	CALL_SENDMSG = 16,
	CALL_RECVMSG = 17,
};

struct iovec32 {
	void *base;
	unsigned long len;
};

struct msghdr32 {
	void *name;
	int namelen;
	struct iovec32 *iov;
	unsigned long iovlen;
	void *control;
	unsigned long controllen;
	unsigned int flags;
};

static char buffer[4096];

static int syscall_int80(int nr, long a, long b, long c)
{
	int ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

static int socketcall(int nr, long a, long b, long c, long d)
{
	long args[6] = { a, b, c, d, 0, 0 };

	return syscall_int80(NR_SOCKETCALL, nr, (long)args, 0);
}

static long parse_number(const char **s)
{
	long n = 0;

	while (**s == ' ')
		++*s;
	while (**s >= '0' && **s <= '9')
		n = n * 10 + *(*s)++ - '0';
	return n;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int parse_address(const char *s, char sa[64])
{
	int n = 0;

	while (*s == ' ')
		s++;
	while (n < 64 && s[0] && s[1]) {
		sa[n++] = hex_digit(s[0]) << 4 | hex_digit(s[1]);
		s += 2;
	}
	return n;
}

static void print_number(int value)
{
	unsigned int v = value < 0 ? -(unsigned int)value : (unsigned int)value;
	char text[16], *p = text + sizeof(text);

	*--p = '\n';
	do {
		*--p = '0' + v % 10;
		v /= 10;
	} while (v);
	if (value < 0)
		*--p = '-';
	syscall_int80(NR_WRITE, 1, (long)p, text + sizeof(text) - p);
}

static int socketcall_message(int nr, int fd, long len)
{
	struct iovec32 iov = { buffer, len };
	struct msghdr32 msg = { .iov = &iov, .iovlen = 1 };

	return socketcall(nr, fd, (long)&msg, 0, 0);
}

static int send_or_receive(char how, int fd, long len)
{
	if (len > (long)sizeof(buffer))
		len = sizeof(buffer);
	switch (how) {
	case 'S':
		return socketcall(CALL_SEND, fd, (long)buffer, len, 0);
	case 'R':
		return socketcall(CALL_RECV, fd, (long)buffer, len, 0);
	case 'T':
		return socketcall(CALL_SENDTO, fd, (long)buffer, len, 0);
	case 'F':
		return socketcall(CALL_RECVFROM, fd, (long)buffer, len, 0);
	case 'M':
		return socketcall_message(CALL_SENDMSG, fd, len);
	case 'G':
		return socketcall_message(CALL_RECVMSG, fd, len);
	case 'w':
		return syscall_int80(NR_WRITE, fd, (long)buffer, len);
	case 'r':
		return syscall_int80(NR_READ, fd, (long)buffer, len);
	default:
		return -22;
	}
}

static int command_run(const char *line)
{
	const char *rest = line + 1;
	long first = parse_number(&rest);
	char sa[64];
	int len;

	switch (line[0]) {
	case 's':
		return socketcall(CALL_SOCKET, first, 1, 0, 0);
	case 'b':
		len = parse_address(rest, sa);
		return socketcall(CALL_BIND, first, (long)sa, len, 0);
	case 'c':
		len = parse_address(rest, sa);
		return socketcall(CALL_CONNECT, first, (long)sa, len, 0);
	case 'l':
		return socketcall(CALL_LISTEN, first, parse_number(&rest), 0, 0);
	case 'a':
		return socketcall(CALL_ACCEPT, first, 0, 0, 0);
	case 'h':
		return socketcall(CALL_SHUTDOWN, first, parse_number(&rest), 0, 0);
	case 'x':
		return syscall_int80(NR_CLOSE, first, 0, 0);
	default:
		return send_or_receive(line[0], first, parse_number(&rest));
	}
}

__attribute__((used, noreturn)) void start(void)
{
	static char line[256];
	unsigned int n = 0;

	while (n < sizeof(line) && syscall_int80(NR_READ, 0, (long)&line[n], 1) == 1) {
		if (line[n++] != '\n')
			continue;
		line[n - 1] = '\0';
		print_number(command_run(line));
		n = 0;
	}
	syscall_int80(NR_EXIT, 0, 0, 0);
	__builtin_unreachable();
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	andl $-16, %esp\n"
	"	call start\n");
