/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the recorder sleeps between two turns.  What it finds in the fullest ring
 * decides: where a guest writes steadily, a turn is to find about a tenth of its ring
 * filled.  Then there is room for a rate that grows many times over between two turns, or
 * for a recorder that gets no CPU, and no turn is for a handful of records.
 */
#ifndef HOST_PACE_H
#define HOST_PACE_H

#include <stdint.h>

#define PACE_SHORTEST_NS 200000u

/* The next sleep, PACE_SHORTEST_NS to @longest_ns (which is at least as long), after one of
 * @sleep_ns that left the fullest ring filled by @fill_permille. */
uint64_t pace_next(uint64_t sleep_ns, unsigned int fill_permille, uint64_t longest_ns);

#endif /* HOST_PACE_H */
