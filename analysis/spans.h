/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of numbers as ascending spans [from, to) that do not touch. */
#ifndef IVT_ANALYSIS_SPANS_H
#define IVT_ANALYSIS_SPANS_H

#include <stddef.h>
#include <stdint.h>

struct ivt_span {
	uint64_t from;
	uint64_t to;
};

/* Zeroed memory is the empty set; free of at the end. */
struct ivt_spans {
	struct ivt_span *of;
	size_t n;
	size_t capacity;
};

/*
 * Add [from, to), from <= to.  *ret_fresh: how many of its numbers were not in
 * the set.  O(log n), and O(n) to move what follows.  0 or -ENOMEM.
 */
int ivt_spans_add(struct ivt_spans *s, uint64_t from, uint64_t to, uint64_t *ret_fresh);

#endif /* IVT_ANALYSIS_SPANS_H */
