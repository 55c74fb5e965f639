// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text from outside (process and user names) made safe for a terminal, and its
 * width there. In a UTF-8 locale, printable characters are shown as they are;
 * every other byte becomes a backslash and three octal digits, as in
 * /proc/sockstat.
 */

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "display.h"

#define ESCAPE_LEN 4 /* "\ooo" */

static bool utf8_output;

static bool is_utf8_locale(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/**
 * display_init - decide which characters display_text() passes
 * @for_programs: the output is JSON or CSV, which is UTF-8 in any locale
 *
 * Call it once, before the first display_text(). Sets LC_CTYPE only: numbers keep
 * their decimal point. Without it, only ASCII is passed.
 */
void display_init(bool for_programs)
{
	setlocale(LC_CTYPE, "");
	if (for_programs && !is_utf8_locale())
		setlocale(LC_CTYPE, "C.UTF-8");
	utf8_output = is_utf8_locale();
}

/**
 * display_is_utf8 - test whether characters outside ASCII may be printed
 */
bool display_is_utf8(void)
{
	return utf8_output;
}

/* Characters that iswprint() accepts, but which are invisible or reorder the line. */
static bool is_format_control(wchar_t c)
{
	static const struct {
		uint32_t first, last;
	} controls[] = {
		{ 0xad, 0xad },	      { 0x61c, 0x61c },	  { 0x115f, 0x1160 }, { 0x180b, 0x180f },
		{ 0x200b, 0x200f },   { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff9, 0xfffb },
		{ 0xe0000, 0xe0fff },
	};
	size_t i;

	for (i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		if ((uint32_t)c >= controls[i].first && (uint32_t)c <= controls[i].last)
			return true;
	}
	return false;
}

/*
 * The length in bytes of the character at @bytes and its width, 0 if it is not a
 * printable one. ASCII is decided here without the locale.
 */
static size_t character_length(const char *bytes, int *width)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t len;

	*width = 1;
	if (!((unsigned char)*bytes & 0x80))
		return *bytes >= ' ' && *bytes <= '~';
	if (!utf8_output)
		return 0;
	len = mbrtowc(&c, bytes, strlen(bytes), &state);
	if (len == (size_t)-1 || len == (size_t)-2 || !iswprint(c) || is_format_control(c))
		return 0;
	*width = wcwidth(c);
	return *width < 0 ? 0 : len;
}

/* A backslash is escaped only where it would look like the beginning of an escape. */
static bool looks_like_escape(const char *bytes)
{
	return bytes[0] == '\\' && bytes[1] >= '0' && bytes[1] <= '3' && bytes[2] >= '0' &&
	       bytes[2] <= '7' && bytes[3] >= '0' && bytes[3] <= '7';
}

/**
 * display_text - make bytes printable
 * @bytes: any bytes, terminated by NUL; none at all is displayed as "\000"
 * @text: the printable text, terminated; cut between two characters if too long
 * @size: of @text, at least ESCAPE_LEN + 1
 *
 * A zero-width character is shown only after one that has a width: it would
 * otherwise change whatever precedes @text on the line.
 */
void display_text(const char *bytes, char *text, size_t size)
{
	bool has_base = false;
	char *end = text + size - 1;
	const char *b = bytes;

	if (!*bytes) {
		snprintf(text, size, "\\000");
		return;
	}
	while (*b) {
		int width;
		size_t len = character_length(b, &width);

		if (len && (width || has_base) && !looks_like_escape(b)) {
			if (len > (size_t)(end - text))
				break;
			memcpy(text, b, len);
			text += len;
			b += len;
			has_base = true;
		} else {
			if (end - text < ESCAPE_LEN)
				break;
			text += sprintf(text, "\\%03o", (unsigned char)*b++);
			has_base = false;
		}
	}
	*text = '\0';
}

/**
 * display_fit - measure how much of a text fits into some columns of the terminal
 * @text: from display_text(), or any text of printable characters
 * @width: the number of columns
 * @used: set to the number of columns that the part takes, unless NULL
 *
 * Return: the length of the part in bytes; it ends between two characters.
 */
size_t display_fit(const char *text, int width, int *used)
{
	const char *t = text;
	int sum = 0;

	while (*t) {
		int w;
		size_t len = character_length(t, &w);

		if (w > width - sum)
			break;
		sum += w;
		t += len ? len : 1;
	}
	if (used)
		*used = sum;
	return t - text;
}

/**
 * display_width - measure a text
 * @text: from display_text(), or any text of printable characters
 *
 * Return: the number of columns of the terminal that it takes.
 */
int display_width(const char *text)
{
	int width;

	display_fit(text, INT_MAX, &width);
	return width;
}
