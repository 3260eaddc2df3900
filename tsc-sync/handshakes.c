// SPDX-License-Identifier: GPL-2.0-or-later
#include "tsc-sync/clock.h"

/* A host's CPUs do not count exactly alike. */
#define SKEW_TSC 256
/* A smaller step is a clock that drifts or was nudged, a larger one a stop. */
#define MAX_DRIFT_TSC (1ULL << 24)

/* What the offset can be, relative to the first row of a part: two offsets can
 * lie further apart than their difference can be said. */
struct part {
	uint64_t base;
	int64_t lo, hi;
	const struct tsc_sync_entry *last;
};

static void part_begin(struct part *p, const struct tsc_sync_entry *row)
{
	int64_t bound = row->bound_tsc < INT64_MAX / 4 ? (int64_t)row->bound_tsc : INT64_MAX / 4;

	p->base = (uint64_t)row->scale.offset_tsc;
	p->lo = -bound;
	p->hi = bound;
	p->last = row;
}

/* 0: the row fits and narrows the part; 1: the offset is another one. */
static int part_narrow(struct part *p, const struct tsc_sync_entry *row)
{
	int64_t middle = (int64_t)((uint64_t)row->scale.offset_tsc - p->base), lo, hi;
	struct part own;

	part_begin(&own, row);
	if (middle > INT64_MAX / 2 || middle < INT64_MIN / 2)
		return 1;
	lo = middle + own.lo > p->lo ? middle + own.lo : p->lo;
	hi = middle + own.hi < p->hi ? middle + own.hi : p->hi;
	if (lo > hi + SKEW_TSC)
		return 1;
	p->lo = lo < hi ? lo : hi;
	p->hi = lo < hi ? hi : lo;
	p->last = row;
	return 0;
}

static void part_end(const struct part *p, struct tsc_sync_entry *entry)
{
	uint64_t width = (uint64_t)(p->hi - p->lo);

	entry->scale = tsc_sync_scale_unscaled((int64_t)(p->base + (uint64_t)p->lo + width / 2));
	entry->bound_tsc += (width + 1) / 2;
}

/*
 * The change fell somewhere between two rows.  A guest that was stopped goes on
 * where it was: the new offset then holds from its stamp at the last row.
 */
static void entry_begin(const struct tsc_sync_entry *before, const struct tsc_sync_entry *row,
			struct tsc_sync_entry *entry)
{
	uint64_t change = (uint64_t)row->scale.offset_tsc - (uint64_t)before->scale.offset_tsc;
	uint64_t stop = 0 - change, between = row->from_host_tsc - before->from_host_tsc;

	*entry = *row;
	entry->bound_tsc = 0;
	entry->from_host_tsc = before->from_host_tsc + 1;
	if (stop < between)
		entry->from_host_tsc += stop;
	if (change < MAX_DRIFT_TSC)
		entry->bound_tsc = change;
	else if (stop < MAX_DRIFT_TSC)
		entry->bound_tsc = stop;
}

size_t tsc_sync_merge_handshakes(const struct tsc_sync_entry *rows, size_t n,
				 struct tsc_sync_entry *ret)
{
	struct part part;
	size_t n_ret = 0;

	for (size_t i = 0; i < n; i++) {
		if (n_ret && !part_narrow(&part, &rows[i]))
			continue;
		if (n_ret) {
			part_end(&part, &ret[n_ret - 1]);
			entry_begin(part.last, &rows[i], &ret[n_ret]);
		} else {
			ret[0] = rows[0];
			ret[0].bound_tsc = 0;
		}
		part_begin(&part, &rows[i]);
		n_ret++;
	}
	if (n_ret)
		part_end(&part, &ret[n_ret - 1]);
	return n_ret;
}
