// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of users and services, where they are asked for. Asking may take a
 * while (NSS), so each is asked for once; what was found is kept for good.
 */

#include <ctype.h>
#include <netdb.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "order.h"

struct name {
	uint64_t key;
	char *text;
};

static bool resolve;

/**
 * names_resolve - names or numbers from now on
 * @on: names
 */
void names_resolve(bool on)
{
	resolve = on;
}

/**
 * names_resolved - whether names are shown
 */
bool names_resolved(void)
{
	return resolve;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct name *)a)->key, y = ((const struct name *)b)->key;

	return order_of(x, y);
}

static const char *remember(void **known, uint64_t key, const char *text)
{
	struct name *name = malloc(sizeof(*name));

	if (!name)
		return "?";
	name->key = key;
	name->text = strdup(text);
	if (!name->text || !tsearch(name, known, compare)) {
		free(name->text);
		free(name);
		return "?";
	}
	return name->text;
}

static const char *remembered(void **known, uint64_t key)
{
	const struct name wanted = { .key = key };
	struct name **found = tfind(&wanted, known, compare);

	return found ? (*found)->text : NULL;
}

/**
 * names_user - the name of a user
 * @uid: who
 *
 * Return: the name, or the number if there is none; it lives on.
 */
const char *names_user(uint32_t uid)
{
	static void *known;
	const char *text = remembered(&known, uid);
	const struct passwd *pw;
	char number[16];

	if (text)
		return text;
	pw = getpwuid(uid);
	snprintf(number, sizeof(number), "%u", uid);
	return remember(&known, uid, pw ? pw->pw_name : number);
}

/**
 * names_service - the name of an address's port
 * @sa: the address; its port's place is the same for both families
 *
 * Return: the name, empty if there is none; it lives on.
 */
const char *names_service(const struct sockaddr_storage *sa)
{
	static void *known;
	in_port_t port = ((const struct sockaddr_in *)sa)->sin_port;
	const char *text = remembered(&known, port);
	const struct servent *service;

	if (text)
		return text;
	service = getservbyport(port, "tcp");
	return remember(&known, port, service ? service->s_name : "");
}

/**
 * names_uid - the user of a name
 * @name: a name or a number
 * @uid: who
 *
 * Return: whether there is one.
 */
bool names_uid(const char *name, uint32_t *uid)
{
	const struct passwd *pw;
	unsigned long number;
	char *end;

	pw = getpwnam(name);
	if (pw) {
		*uid = pw->pw_uid;
		return true;
	}
	number = strtoul(name, &end, 10);
	*uid = number;
	return isdigit((unsigned char)*name) && !*end && number <= UINT32_MAX;
}
