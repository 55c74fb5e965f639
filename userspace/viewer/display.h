/* SPDX-License-Identifier: GPL-2.0-only */
/* Text from outside (process and user names) made safe for a terminal, and its width there. */
#ifndef VIEWER_DISPLAY_H
#define VIEWER_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>

void display_init(bool for_programs);
bool display_is_utf8(void);
void display_text(const char *bytes, char *text, size_t size);
int display_width(const char *text);
size_t display_fit(const char *text, int width, int *used);

#endif /* VIEWER_DISPLAY_H */
