// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "analysis/map.h"
#include "analysis/spans.h"

/* The first span that ends at @from or later. */
static size_t spans_find(const struct ivt_spans *s, uint64_t from)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->of[mid].to < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int ivt_spans_add(struct ivt_spans *s, uint64_t from, uint64_t to, uint64_t *ret_fresh)
{
	size_t first = spans_find(s, from), end = first;
	uint64_t fresh = to - from;
	struct ivt_span all = { from, to };

	if (ivt_array_reserve(&s->of, &s->capacity, s->n + 1, sizeof(*s->of)))
		return -ENOMEM;
	for (; end < s->n && s->of[end].from <= to; end++) {
		const struct ivt_span *o = &s->of[end];
		uint64_t a = o->from > from ? o->from : from;
		uint64_t b = o->to < to ? o->to : to;

		fresh -= a < b ? b - a : 0;
		all.from = o->from < all.from ? o->from : all.from;
		all.to = o->to > all.to ? o->to : all.to;
	}
	memmove(&s->of[first + 1], &s->of[end], (s->n - end) * sizeof(*s->of));
	s->of[first] = all;
	s->n = s->n - (end - first) + 1;
	*ret_fresh = fresh;
	return 0;
}
