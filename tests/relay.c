// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay PORT TO-PORT COUNTS
 *
 * Pass each connection to 127.0.0.1:PORT on to 127.0.0.1:TO-PORT, and count the bytes
 * by the return values of read() and write(). Each connection has a line in the file
 * COUNTS, which is up to date whenever no byte is on its way:
 *
 *	CLIENT-PORT RELAY-PORT UP DOWN
 *
 * CLIENT-PORT is the client's own port, RELAY-PORT the one from which the relay calls
 * the server; UP and DOWN are the bytes to the server and to the client.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE 64

struct relay {
	int line;
	int client, server;
	int client_port, own_port;
	_Atomic unsigned long long up, down;
};

static int counts_fd;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void counts_write(struct relay *r)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	char line[LINE + 1];

	/* the line that is written last has the newest counts */
	pthread_mutex_lock(&lock);
	snprintf(line, sizeof(line), "%5d %5d %20llu %20llu %9s\n", r->client_port, r->own_port,
		 r->up, r->down, "");
	if (pwrite(counts_fd, line, LINE, (off_t)r->line * LINE) != LINE)
		die("pwrite");
	pthread_mutex_unlock(&lock);
}

/* Pass on until the end of the stream; count what was read, before it goes on. */
static void pass(struct relay *r, int from, int to, _Atomic unsigned long long *count)
{
	char buf[65536];
	ssize_t n, sent, at;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		*count += n;
		counts_write(r);
		for (at = 0; at < n; at += sent) {
			sent = write(to, buf + at, n - at);
			if (sent < 0)
				goto end;
		}
	}
end:
	shutdown(to, SHUT_WR);
}

static void *pass_up(void *arg)
{
	struct relay *r = arg;

	pass(r, r->client, r->server, &r->up);
	return NULL;
}

static void *pass_down(void *arg)
{
	struct relay *r = arg;

	pass(r, r->server, r->client, &r->down);
	return NULL;
}

static int port_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if (name(fd, (struct sockaddr *)&sin, &len))
		die("the name of a socket");
	return ntohs(sin.sin_port);
}

static void relay_start(int client, int to_port, int line)
{
	struct sockaddr_in to = loopback(to_port);
	struct relay *r = calloc(1, sizeof(*r));
	pthread_t thread;
	int one = 1;

	if (!r)
		die("calloc");
	r->line = line;
	r->client = client;
	r->server = socket(AF_INET, SOCK_STREAM, 0);
	if (r->server < 0 || connect(r->server, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	setsockopt(r->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(r->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	r->client_port = port_of(client, getpeername);
	r->own_port = port_of(r->server, getsockname);
	counts_write(r);
	if (pthread_create(&thread, NULL, pass_up, r) ||
	    pthread_create(&thread, NULL, pass_down, r))
		die("pthread_create");
}

int main(int argc, char **argv)
{
	struct sockaddr_in own;
	int listener, client, line, one = 1;

	if (argc != 4) {
		fprintf(stderr, "usage: %s PORT TO-PORT COUNTS\n", argv[0]);
		return 2;
	}
	counts_fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (counts_fd < 0)
		die(argv[3]);
	own = loopback(atoi(argv[1]));
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(listener, (struct sockaddr *)&own, sizeof(own)) || listen(listener, 64))
		die("listen");
	for (line = 0; (client = accept(listener, NULL, NULL)) >= 0; line++)
		relay_start(client, atoi(argv[2]), line);
	die("accept");
}
