// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of users and services, from the system's databases. A lookup (NSS) may
 * take long, so each is made once and its result is kept until the program ends.
 */

#include <ctype.h>
#include <netdb.h>
#include <pwd.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "order.h"

struct name {
	uint64_t key;
	char *text; /* empty if there is no name */
};

static bool show_users;
static bool show_services;

/**
 * names_show_users - select names or numbers of users
 * @show: true for names
 */
void names_show_users(bool show)
{
	show_users = show;
}

/**
 * names_show_services - select names or numbers of ports
 * @show: true for names
 */
void names_show_services(bool show)
{
	show_services = show;
}

/**
 * names_resolve - select names or numbers of both users and ports
 * @on: true for names
 */
void names_resolve(bool on)
{
	show_users = on;
	show_services = on;
}

/**
 * names_resolved - test whether ports are shown by name
 */
bool names_resolved(void)
{
	return show_services;
}

static int compare_names(const void *a, const void *b)
{
	return order_of(((const struct name *)a)->key, ((const struct name *)b)->key);
}

/* Return the name for @key, looked up by @look_up() the first time; NULL if there is none. */
static const char *name_of(void **known, uint64_t key, const char *(*look_up)(uint64_t key))
{
	struct name wanted = { .key = key }, *name;
	struct name **found = tfind(&wanted, known, compare_names);
	const char *text;

	if (found)
		return (*found)->text[0] ? (*found)->text : NULL;
	text = look_up(key);
	name = malloc(sizeof(*name));
	if (!name)
		return NULL;
	name->key = key;
	name->text = strdup(text ? text : "");
	if (!name->text || !tsearch(name, known, compare_names)) {
		free(name->text);
		free(name);
		return NULL;
	}
	return name->text[0] ? name->text : NULL;
}

static const char *look_up_user(uint64_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw ? pw->pw_name : NULL;
}

/**
 * names_user - look up the name of a user
 * @uid: the user
 *
 * Return: the name, which may hold any bytes and is never freed; NULL if the user
 * has none or names of users are not selected.
 */
const char *names_user(uint32_t uid)
{
	static void *known;

	return show_users ? name_of(&known, uid, look_up_user) : NULL;
}

static const char *look_up_service(uint64_t port)
{
	const struct servent *service = getservbyport(port, "tcp");

	return service ? service->s_name : NULL;
}

/**
 * names_service - look up the name of the port of an address
 * @sa: the address; sin_port and sin6_port are at the same offset
 *
 * Return: the name, which may hold any bytes and is never freed; NULL if the port
 * has none, @sa is AF_UNSPEC, or names of services are not selected.
 */
const char *names_service(const struct sockaddr_storage *sa)
{
	static void *known;

	if (!show_services || sa->ss_family == AF_UNSPEC)
		return NULL;
	return name_of(&known, ((const struct sockaddr_in *)sa)->sin_port, look_up_service);
}

/**
 * names_find_user - look up a user by name or number
 * @name: the name, or a decimal number
 * @uid: the result
 *
 * Return: false if there is no such name and it is not a number of 32 bits.
 */
bool names_find_user(const char *name, uint32_t *uid)
{
	const struct passwd *pw = getpwnam(name);
	unsigned long number;
	char *end;

	if (pw) {
		*uid = pw->pw_uid;
		return true;
	}
	number = strtoul(name, &end, 10);
	*uid = number;
	return isdigit((unsigned char)*name) && !*end && number <= UINT32_MAX;
}

/**
 * names_find_service - look up the port of a TCP service
 * @name: the name, as in /etc/services
 * @port: the result, in host byte order
 *
 * Return: false if there is no such name.
 */
bool names_find_service(const char *name, uint16_t *port)
{
	const struct servent *service = getservbyname(name, "tcp");

	if (service)
		*port = ntohs(service->s_port);
	return service;
}
