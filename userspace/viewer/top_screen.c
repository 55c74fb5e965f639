// SPDX-License-Identifier: GPL-2.0-only
/* The full-screen view: the size of its parts, and text that never leaves its line. */

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>

#include "display.h"
#include "top_draw.h"

/**
 * top_page - get the number of rows for which the screen has room
 */
size_t top_page(void)
{
	int rows = LINES - TOP_HEAD_LINES - TOP_FOOT_LINES;

	return rows > 0 ? rows : 1;
}

/**
 * top_room - get the number of columns from the cursor to the end of the line
 *
 * The last cell of a line is never written: the cursor would leave the line.
 */
int top_room(void)
{
	return COLS - 1 - getcurx(stdscr);
}

/**
 * top_put - write a text, as much of it as the line has room for
 * @text: printable text
 */
void top_put(const char *text)
{
	int room = top_room();

	if (room > 0)
		addnstr(text, display_fit(text, room, NULL));
}

/**
 * top_putf - write formatted text, as much of it as the line has room for
 * @format: as for printf()
 */
void top_putf(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	top_put(text);
}

/**
 * top_color_on - write in a color from now on, if colors are used
 * @top: the view
 * @color: the color
 */
void top_color_on(const struct top *top, enum top_color color)
{
	if (top->color)
		attron(COLOR_PAIR(color));
}

/**
 * top_color_off - write in the terminal's own color again
 * @top: the view
 * @color: the color given to top_color_on()
 */
void top_color_off(const struct top *top, enum top_color color)
{
	if (top->color)
		attroff(COLOR_PAIR(color));
}
