// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "analysis/percentile.h"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void ivt_sort_ns(uint64_t *ns, size_t n)
{
	if (n)
		qsort(ns, n, sizeof(*ns), by_value);
}

uint64_t ivt_percentile_ns(const uint64_t *ns, size_t n, unsigned int percent)
{
	size_t rank = (n * percent + 99) / 100;

	if (!n)
		return 0;
	return ns[rank ? rank - 1 : 0];
}
