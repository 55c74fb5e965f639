/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of users and services, from the system's databases. */
#ifndef VIEWER_NAMES_H
#define VIEWER_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "../procfile.h"

void names_show_users(bool show);
void names_show_services(bool show);
void names_resolve(bool on);
bool names_resolved(void);
const char *names_user(uint32_t uid);
const char *names_service(const struct sockaddr_storage *sa);
bool names_find_user(const char *name, uint32_t *uid);
bool names_find_service(const char *name, uint16_t *port);

#endif /* VIEWER_NAMES_H */
