/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of users and services, where they are asked for. */
#ifndef VIEWER_NAMES_H
#define VIEWER_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "../procfile.h"

void names_resolve(bool on);
bool names_resolved(void);
const char *names_user(uint32_t uid);
const char *names_service(const struct sockaddr_storage *sa);
bool names_uid(const char *name, uint32_t *uid);

#endif /* VIEWER_NAMES_H */
