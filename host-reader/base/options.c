// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "host-reader/base/options.h"
#include "ivring/events.h"
#include "trace/event_table.h"

#define SHM_PREFIX "/dev/shm/ivtrace-"

/* Leading digits; *end is what follows. */
static int read_digits(const char *text, uint64_t *ret, const char **ret_end)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	*ret_end = end;
	return errno ? -EINVAL : 0;
}

int parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *ret)
{
	const char *end;
	uint64_t n;

	if (read_digits(text, &n, &end) || *end || n < low || n > high)
		return -EINVAL;
	*ret = n;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int parse_with_unit(const char *text, const struct unit *unit, uint64_t *ret)
{
	const char *end;
	uint64_t n;

	if (read_digits(text, &n, &end))
		return -EINVAL;
	for (; unit->name; unit++) {
		if (strcmp(end, unit->name))
			continue;
		if (!n || n > UINT64_MAX / 4 / unit->factor)
			return -EINVAL;
		*ret = n * unit->factor;
		return 0;
	}
	return -EINVAL;
}

int parse_size(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },	     { "K", 1u << 10 },	  { "M", 1u << 20 }, { "G", 1u << 30 },
		{ "k", 1u << 10 },   { "m", 1u << 20 },	  { "g", 1u << 30 }, { "KiB", 1u << 10 },
		{ "MiB", 1u << 20 }, { "GiB", 1u << 30 }, { NULL, 0 },
	};

	return parse_with_unit(text, units, ret_bytes);
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct unit units[] = {
		{ "", 1000000000u },	 { "s", 1000000000u },	{ "ms", 1000000u },
		{ "us", 1000u },	 { "m", 60000000000u }, { "min", 60000000000u },
		{ "h", 3600000000000u }, { NULL, 0 },
	};

	return parse_with_unit(text, units, ret_ns);
}

bool event_set_has(const struct event_set *set, unsigned int type)
{
	return type < IVRING_MAX_TYPE && set->bits[type / 64] >> (type % 64) & 1;
}

bool event_set_is_empty(const struct event_set *set)
{
	size_t i;

	for (i = 0; i < IVRING_BITMAP_WORDS; i++)
		if (set->bits[i])
			return false;
	return true;
}

bool event_set_has_group(const struct event_set *set, const char *group)
{
	const struct ivt_event_desc *desc;
	size_t i;

	for (i = 0; (desc = ivt_event_desc_at(i)); i++)
		if (!strcmp(desc->group->name, group) && event_set_has(set, desc->type))
			return true;
	return false;
}

static bool is_called(const struct ivt_event_desc *desc, const char *name)
{
	if (!strcmp(name, "default"))
		return desc->group->is_default;
	return !strcmp(name, "all") || !strcmp(desc->group->name, name) ||
	       !strcmp(desc->name, name);
}

/* Add the group or event called @name; false when there is none. */
static bool add_events(struct event_set *set, const char *name)
{
	const struct ivt_event_desc *desc;
	bool is_found = false;
	size_t i;

	for (i = 0; (desc = ivt_event_desc_at(i)); i++) {
		if (!is_called(desc, name))
			continue;
		set->bits[desc->type / 64] |= 1ULL << (desc->type % 64);
		is_found = true;
	}
	return is_found;
}

int parse_event_names(const char *text, struct event_set *ret, char *bad, size_t bad_bytes)
{
	struct event_set set = { { 0 } };
	char part[128];

	while (strcmp(text, "none")) {
		size_t n = strcspn(text, ",");

		snprintf(part, sizeof(part), "%.*s", (int)n, text);
		if (n >= sizeof(part) || !add_events(&set, part)) {
			snprintf(bad, bad_bytes, "%s", part);
			return -EINVAL;
		}
		if (!text[n])
			break;
		text += n + 1;
	}
	*ret = set;
	return 0;
}

int parse_events(const char *text, struct event_set *ret, char *bad, size_t bad_bytes)
{
	int err = parse_event_names(text, ret, bad, bad_bytes);

	if (!err && strcmp(text, "none"))
		add_events(ret, "ivtrace"); /* state dumps and marks go with any event */
	return err;
}

static bool is_bit_set(const struct event_set *set, unsigned int bit)
{
	return set->bits[bit / 64] >> (bit % 64) & 1;
}

bool event_set_add_chains(struct event_set *set, const struct event_set *chains)
{
	bool is_any = false;
	unsigned int type;

	for (type = 0; type < IVT_TYPE_CHAIN; type++) {
		unsigned int bit = IVT_TYPE_CHAIN + type;

		if (!is_bit_set(set, type) || !is_bit_set(chains, type))
			continue;
		set->bits[bit / 64] |= 1ULL << (bit % 64);
		is_any = true;
	}
	return is_any;
}

bool event_set_has_chains(const struct event_set *set)
{
	size_t i;

	for (i = IVT_TYPE_CHAIN / 64; i < IVRING_BITMAP_WORDS; i++)
		if (set->bits[i])
			return true;
	return false;
}

const char *event_groups(void)
{
	static char names[256];
	const struct ivt_event_group *group;
	size_t i, len = 0;

	for (i = 0; (group = ivt_event_group_at(i)) && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? "," : "",
					group->name);
	return names;
}

/* A VM's name becomes a directory's. */
bool is_vm_name(const char *name, size_t n)
{
	size_t i;

	if (!n || n >= IVT_NAME_BYTES || !isalnum((unsigned char)*name) ||
	    (n == 4 && !memcmp(name, "host", n)))
		return false;
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && (!name[i] || !strchr("._-", name[i])))
			return false;
	return true;
}

int parse_vm(const char *text, struct vm_spec *ret)
{
	const char *path = strchr(text, '=');
	size_t n = path ? (size_t)(path - text) : strlen(text);
	struct vm_spec spec = { .name = "" };
	int len;

	if (!is_vm_name(text, n))
		return -EINVAL;
	memcpy(spec.name, text, n);
	if (!path) {
		len = snprintf(spec.path, sizeof(spec.path), SHM_PREFIX "%s", spec.name);
	} else {
		path++;
		spec.is_socket = !strncmp(path, "sock:", 5);
		if (spec.is_socket)
			path += 5;
		else if (!strncmp(path, "shm:", 4))
			path += 4;
		else if (*path != '/') /* another way to reach a VM, which we do not know */
			return -EINVAL;
		len = snprintf(spec.path, sizeof(spec.path), "%s", path);
	}
	if (len <= 0 || (size_t)len >= sizeof(spec.path) || !spec.path[0])
		return -EINVAL;
	if (spec.is_socket && (size_t)len >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -EINVAL;
	*ret = spec;
	return 0;
}
