/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Percentiles of durations by nearest rank: always a value that occurred. */
#ifndef IVT_ANALYSIS_PERCENTILE_H
#define IVT_ANALYSIS_PERCENTILE_H

#include <stddef.h>
#include <stdint.h>

/* Sort ascending, in place. */
void ivt_sort_ns(uint64_t *ns, size_t n);

/* The smallest of the sorted @ns that at least @percent (0..100) of them do not
 * exceed; 0 when there are none. */
uint64_t ivt_percentile_ns(const uint64_t *ns, size_t n, unsigned int percent);

#endif /* IVT_ANALYSIS_PERCENTILE_H */
