// SPDX-License-Identifier: GPL-2.0-only
/*
 * The full-screen view: typing a filter. getch() returns the bytes of a character
 * one by one; get_wch() would lose the first ones if the terminal sends the
 * others later, because the screen is in nodelay() mode.
 */

#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "top.h"

static void search_append(struct top *top)
{
	char *search = top->opt.filter.search;
	size_t len = strlen(search);

	if (len + top->search.n >= SEARCH_LEN)
		return;
	memcpy(search + len, top->search.bytes, top->search.n);
	search[len + top->search.n] = '\0';
}

/**
 * top_search_byte - append a byte to the filter as soon as its character is complete
 * @top: the view
 * @byte: the byte typed; one that makes no printable character is ignored
 */
void top_search_byte(struct top *top, char byte)
{
	struct top_search *typed = &top->search;
	mbstate_t state = { 0 };
	wchar_t c;
	size_t len;

	typed->bytes[typed->n++] = byte;
	len = mbrtowc(&c, typed->bytes, typed->n, &state);
	if (len == (size_t)-1 && typed->n > 1) {
		/* the previous bytes are not the beginning of a character, this one may be */
		typed->n = 0;
		top_search_byte(top, byte);
		return;
	}
	if (len == (size_t)-2 && typed->n < sizeof(typed->bytes))
		return;
	if (len == typed->n && iswprint(c))
		search_append(top);
	typed->n = 0;
}

/**
 * top_search_erase - remove the last character of the filter
 * @top: the view
 */
void top_search_erase(struct top *top)
{
	char *search = top->opt.filter.search;
	size_t at = 0, last = 0, len = strlen(search);

	while (at < len) {
		size_t n = mbrlen(search + at, len - at, &(mbstate_t){ 0 });

		last = at;
		at += n && n <= len - at ? n : 1;
	}
	search[last] = '\0';
	top->search.n = 0;
}
