/* SPDX-License-Identifier: GPL-2.0-only */
/* Socket addresses: those of the run's family, and their text. */
#ifndef SOCKSTAT_CLIENT_ADDR_H
#define SOCKSTAT_CLIENT_ADDR_H

#include <netinet/in.h>

#include "../procfile.h"
#include "run.h"

int family_domain(const struct run *r);
socklen_t family_loopback(const struct run *r, uint16_t port, struct sockaddr_storage *sa);
uint16_t addr_port(const struct sockaddr_storage *sa);
const char *addr_text(const struct sockaddr_storage *sa, char text[SOCKSTAT_ADDR_LEN]);
void addr_plain(struct sockaddr_storage *sa);

#endif
