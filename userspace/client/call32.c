// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit program that makes its socket calls the old way, by socketcall(2).
 *
 *	call32 FD send N	sends N bytes (at most 4096)
 *	call32 FD recv N	receives up to N bytes (at most 4096)
 *	call32 FD write N	the same by write(2)
 *	call32 FD read N	the same by read(2)
 *
 * What the call returned is the line it prints.  It is built without a C
 * library, so that no 32-bit one is needed.
 */

enum { NR_EXIT = 1, NR_READ = 3, NR_WRITE = 4, NR_SOCKETCALL = 102 };
enum { CALL_SEND = 9, CALL_RECV = 10 };

static char buffer[4096];

static int call(int nr, long a, long b, long c)
{
	int ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

static int number(const char *s)
{
	int n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + *s++ - '0';
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

static int transfer(int fd, const char *how, int len)
{
	long args[4] = { fd, (long)buffer, len, 0 };

	if (len > (int)sizeof(buffer))
		args[2] = len = sizeof(buffer);
	switch (how[0]) {
	case 's':
		return call(NR_SOCKETCALL, CALL_SEND, (long)args, 0);
	case 'w':
		return call(NR_WRITE, fd, (long)buffer, len);
	default:
		/* "recv" and "read" differ in their third letter. */
		if (how[2] == 'c')
			return call(NR_SOCKETCALL, CALL_RECV, (long)args, 0);
		return call(NR_READ, fd, (long)buffer, len);
	}
}

/* The kernel starts a program with argc and argv on the stack. */
__attribute__((used, noreturn)) void start(const long *stack)
{
	const char *const *argv = (const char *const *)(stack + 1);
	int ret = -1;

	if (stack[0] == 4)
		ret = transfer(number(argv[1]), argv[2], number(argv[3]));
	print(ret);
	call(NR_EXIT, stack[0] != 4, 0, 0);
	__builtin_unreachable();
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	movl %esp, %eax\n"
	"	andl $-16, %esp\n"
	"	subl $12, %esp\n"
	"	pushl %eax\n"
	"	call start\n");
