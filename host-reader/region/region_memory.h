/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions in memory that has no name in a file system (memfd): who is to have one
 * is given its descriptor.  It cannot be cut: it is sealed.
 */
#ifndef HOST_REGION_MEMORY_H
#define HOST_REGION_MEMORY_H

#include <stdbool.h>
#include <sys/types.h>
#include "ivring/region.h"
#include "trace/error.h"

/* Make, allocate, format and seal the region of the VM @name, and attach to it as
 * the reader.  0 with *ret for ivring_region_close(); -errno with *err. */
int region_memory_make(const char *name, const struct ivring_region_options *opt,
		       bool in_huge_pages, struct ivring_region *ret, struct ivt_error *err);

/*
 * The region that region_memory_make() made for @name in a process that is gone by
 * now: a QEMU has it still.  0 with *ret and that QEMU's pid; -ENOENT: there is
 * none; -errno: there is, but it cannot be used.
 */
int region_memory_find(const char *name, struct ivring_region *ret, pid_t *ret_pid);

#endif /* HOST_REGION_MEMORY_H */
