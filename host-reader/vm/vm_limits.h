/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a user allows each VM: "VALUE" for all, "VM:VALUE" for one.
 */
#ifndef HOST_VM_LIMITS_H
#define HOST_VM_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include "trace/trace_info.h"

#define VM_LIMITS_MAX 256

struct vm_limits {
	uint64_t common; /* of VMs that are not named */
	size_t n;
	struct {
		char name[IVT_NAME_BYTES];
		uint64_t value;
	} of[VM_LIMITS_MAX];
};

/* Reads a value.  0 or -EINVAL. */
typedef int vm_limit_parse_fn(const char *text, uint64_t *ret);

/* "64M" or "a:64M", the value read by @parse; a later one of the same VM holds.
 * 0; -EINVAL; -ENOSPC: too many VMs are named. */
int vm_limits_add(struct vm_limits *limits, const char *text, vm_limit_parse_fn *parse);
uint64_t vm_limits_get(const struct vm_limits *limits, const char *name);
/* The i-th VM that is named; NULL past the last. */
const char *vm_limits_name(const struct vm_limits *limits, size_t i);

#endif /* HOST_VM_LIMITS_H */
