/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region as a user asks for it: what is missing is made, what is there is
 * used, and what does not fit is said.
 */
#ifndef HOST_REGION_SETUP_H
#define HOST_REGION_SETUP_H

#include "ivring/region.h"
#include "trace/error.h"

/*
 * Make the file @path, or format it if it is blank, and attach to it as the
 * reader.  @size_bytes, @cpus: 0 = default, or whatever an existing region has;
 * otherwise an existing region must agree (@cpus: have at least as many).
 * A region that another user may have made beforehand is used, with a warning on
 * stderr.  0 with *ret for ivring_region_close(); -errno with *err.
 */
int region_setup(const char *path, uint64_t size_bytes, uint32_t cpus, struct ivring_region *ret,
		 struct ivt_error *err);

/* The same, but that a region is there already: nothing is made, no blank file is
 * written to. */
int region_attach(const char *path, uint64_t size_bytes, uint32_t cpus, struct ivring_region *ret,
		  struct ivt_error *err);

/* Is @region as @size_bytes and @cpus say, in the sense of above?  0; -EEXIST with
 * *err, which calls it @name. */
int region_check(const struct ivring_region *region, const char *name, uint64_t size_bytes,
		 uint32_t cpus, struct ivt_error *err);

#endif /* HOST_REGION_SETUP_H */
