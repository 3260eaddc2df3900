/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --filter-pid and --filter-comm: whose events of a VM are wanted.
 */
#ifndef HOST_FILTER_OPTIONS_H
#define HOST_FILTER_OPTIONS_H

#include "host-reader/base/options.h"

enum filter_kind {
	FILTER_PID,
	FILTER_COMM,
};

/*
 * Add what @text says, "VM:PID,PID..." or "[VM:]NAME,NAME...", to the filters of
 * the VMs that it means; without a VM names are meant for all, numbers for the only
 * one.  0; -EINVAL: @why (@why_bytes) has a sentence, filters may have got a part.
 */
int filter_parse(enum filter_kind kind, const char *text, struct vm_spec *vms, size_t n_vms,
		 char *why, size_t why_bytes);

/* Is there any? */
bool filter_is_set(const struct ivring_filter *f);

/* "pid 12,34 name bash" into @ret; empty where there is none. */
void filter_text(const struct ivring_filter *f, char *ret, size_t ret_bytes);

#endif /* HOST_FILTER_OPTIONS_H */
