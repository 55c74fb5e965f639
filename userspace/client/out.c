// SPDX-License-Identifier: GPL-2.0-only
/* Sending: every system call that puts bytes into TCP. */

#include <sys/socket.h>
#include <unistd.h>

#include "scenario.h"

static ssize_t op_write(struct end *e, const char *buf, size_t len)
{
	return tx(e, write(e->fd, buf, len));
}

static void stream(struct run *r, send_op op, size_t chunk)
{
	struct drain d;
	struct pair p;

	pair_open(r, &p);
	drain_start(&d, p.server, r->opt->bytes);
	send_all(p.client, op, r->opt->bytes, chunk);
	drain_join(&d);
}

static void out_write(struct run *r)
{
	stream(r, op_write, 5000);
}

const struct scenario out_scenarios[] = {
	{ "write", out_write, SC_NONBLOCK | SC_TO_HOST, 0, "write(2)" },
	{ 0 },
};
