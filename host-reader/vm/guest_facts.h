/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest says of itself on its page of the region: its word, bounded.
 */
#ifndef HOST_GUEST_FACTS_H
#define HOST_GUEST_FACTS_H

#include "ivring/region.h"
#include "trace/trace_info.h"

/* The page; all of it the guest's, and it may change at any moment. */
static inline const struct ivring_guest_page *guest_facts_page(const struct ivring_region *region)
{
	return (const struct ivring_guest_page *)((const char *)region->base + IVRING_GUEST_OFF);
}

/* Release (printable characters only), CPUs and TSC rate, copied once into @m. */
void guest_facts_copy(const struct ivring_region *region, struct ivt_machine_info *m);

#endif /* HOST_GUEST_FACTS_H */
