// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include "host-reader/vm/guest_facts.h"

void guest_facts_copy(const struct ivring_region *region, struct ivt_machine_info *m)
{
	const struct ivring_guest_page *page = guest_facts_page(region);
	size_t i;

	memcpy(m->guest_release, page->release, sizeof(m->guest_release));
	m->guest_release[sizeof(m->guest_release) - 1] = '\0';
	for (i = 0; m->guest_release[i]; i++)
		if (m->guest_release[i] < 0x20 || m->guest_release[i] > 0x7e)
			m->guest_release[i] = '?';
	m->guest_cpus = ivring_load(&page->nr_cpus);
	m->guest_tsc_khz = ivring_load(&page->tsc_khz);
}
