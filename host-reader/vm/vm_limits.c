// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/base/options.h"
#include "host-reader/vm/vm_limits.h"

static int add_named(struct vm_limits *limits, const char *name, size_t n, uint64_t value)
{
	size_t i;

	if (!is_vm_name(name, n) || n >= sizeof(limits->of[0].name))
		return -EINVAL;
	for (i = 0; i < limits->n; i++)
		if (strlen(limits->of[i].name) == n && !memcmp(limits->of[i].name, name, n))
			break;
	if (i == VM_LIMITS_MAX)
		return -ENOSPC;
	snprintf(limits->of[i].name, sizeof(limits->of[i].name), "%.*s", (int)n, name);
	limits->of[i].value = value;
	limits->n += i == limits->n;
	return 0;
}

int vm_limits_add(struct vm_limits *limits, const char *text, vm_limit_parse_fn *parse)
{
	const char *colon = strchr(text, ':');
	uint64_t value;

	if (parse(colon ? colon + 1 : text, &value))
		return -EINVAL;
	if (colon)
		return add_named(limits, text, (size_t)(colon - text), value);
	limits->common = value;
	return 0;
}

uint64_t vm_limits_get(const struct vm_limits *limits, const char *name)
{
	size_t i;

	for (i = 0; i < limits->n; i++)
		if (!strcmp(limits->of[i].name, name))
			return limits->of[i].value;
	return limits->common;
}

const char *vm_limits_name(const struct vm_limits *limits, size_t i)
{
	return i < limits->n ? limits->of[i].name : NULL;
}
