// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit program that makes its socket calls the old way, by socketcall(2).
 *
 * It does what the lines of its standard input say, all numbers decimal, and
 * answers each with what the call returned:
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
 * ADDRESS is a sockaddr as hexadecimal digits; N is at most 4096. It is built
 * without a C library, so that no 32-bit one is needed.
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

static int call(int nr, long a, long b, long c)
{
	int ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

static int socketcall(int nr, long a, long b, long c, long d)
{
	long args[6] = { a, b, c, d, 0, 0 };

	return call(NR_SOCKETCALL, nr, (long)args, 0);
}

static long number(const char **s)
{
	long n = 0;

	while (**s == ' ')
		++*s;
	while (**s >= '0' && **s <= '9')
		n = n * 10 + *(*s)++ - '0';
	return n;
}

static int nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int address(const char *s, char sa[64])
{
	int n = 0;

	while (*s == ' ')
		s++;
	while (n < 64 && s[0] && s[1]) {
		sa[n++] = nibble(s[0]) << 4 | nibble(s[1]);
		s += 2;
	}
	return n;
}

static void print(int value)
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
	call(NR_WRITE, 1, (long)p, text + sizeof(text) - p);
}

static int message(int nr, int fd, long len)
{
	struct iovec32 iov = { buffer, len };
	struct msghdr32 msg = { .iov = &iov, .iovlen = 1 };

	return socketcall(nr, fd, (long)&msg, 0, 0);
}

static int transfer(char how, int fd, long len)
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
		return message(CALL_SENDMSG, fd, len);
	case 'G':
		return message(CALL_RECVMSG, fd, len);
	case 'w':
		return call(NR_WRITE, fd, (long)buffer, len);
	case 'r':
		return call(NR_READ, fd, (long)buffer, len);
	default:
		return -22;
	}
}

static int obey(const char *line)
{
	const char *rest = line + 1;
	long first = number(&rest);
	char sa[64];
	int len;

	switch (line[0]) {
	case 's':
		return socketcall(CALL_SOCKET, first, 1, 0, 0);
	case 'b':
		len = address(rest, sa);
		return socketcall(CALL_BIND, first, (long)sa, len, 0);
	case 'c':
		len = address(rest, sa);
		return socketcall(CALL_CONNECT, first, (long)sa, len, 0);
	case 'l':
		return socketcall(CALL_LISTEN, first, number(&rest), 0, 0);
	case 'a':
		return socketcall(CALL_ACCEPT, first, 0, 0, 0);
	case 'h':
		return socketcall(CALL_SHUTDOWN, first, number(&rest), 0, 0);
	case 'x':
		return call(NR_CLOSE, first, 0, 0);
	default:
		return transfer(line[0], first, number(&rest));
	}
}

__attribute__((used, noreturn)) void start(void)
{
	static char line[256];
	unsigned int n = 0;

	while (n < sizeof(line) && call(NR_READ, 0, (long)&line[n], 1) == 1) {
		if (line[n++] != '\n')
			continue;
		line[n - 1] = '\0';
		print(obey(line));
		n = 0;
	}
	call(NR_EXIT, 0, 0, 0);
	__builtin_unreachable();
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	andl $-16, %esp\n"
	"	call start\n");
