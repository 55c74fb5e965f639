/* SPDX-License-Identifier: GPL-2.0-only */
/* The file /proc/sockstat. */
#ifndef SOCKSTAT_PROCFILE_H
#define SOCKSTAT_PROCFILE_H

int sockstat_procfile_create(void);
void sockstat_procfile_remove(void);

#endif /* SOCKSTAT_PROCFILE_H */
