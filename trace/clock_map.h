/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a record's own stamp to host CLOCK_MONOTONIC, fast: the reference
 * arithmetic of tsc-sync/clock.h is linear in pieces, so a cursor keeps the
 * piece in force with its division turned into a multiplication.  The result is
 * that of the reference, to the ns.
 */
#ifndef IVT_TRACE_CLOCK_MAP_H
#define IVT_TRACE_CLOCK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trace/trace_info.h"
#include "tsc-sync/clock.h"

enum ivt_clock_map_kind {
	IVT_MAP_NS,   /* stamps are CLOCK_MONOTONIC */
	IVT_MAP_TSC,  /* by snapshots, and by the history if there is one */
	IVT_MAP_LINE, /* by the manifest's straight line */
};

/*
 * Of an entry of a history: the least guest stamp at which it or a later one
 * begins, and the greatest at which it or an earlier one ends.  Offsets that
 * are measured begin nearly in order, but not quite; this says how far one has
 * to look.
 */
struct ivt_clock_reach {
	uint64_t least_start;
	uint64_t most_end;
};

/* Of all entries of one vCPU's history (ascending in from_host_tsc); @ret has
 * room for @n. */
void ivt_clock_reach_fill(const struct tsc_sync_entry *history, size_t n,
			  struct ivt_clock_reach *ret);

/* How one stream's stamps are rebased; what it points to is borrowed. */
struct ivt_clock_map {
	enum ivt_clock_map_kind kind;
	const struct tsc_sync_snapshot *snapshots;
	size_t n_snapshots;
	const struct tsc_sync_entry *history; /* n 0: stamps are host TSC */
	size_t n_history;
	const struct ivt_clock_reach *reach; /* parallel to history */
	const struct ivt_machine_info *line;
	int64_t real_minus_mono_ns;
};

/* floor((x * num + r0) / den) as x * k + (x * mult >> 64) + a correction. */
struct ivt_ratio {
	uint64_t k;
	uint64_t rem;
	uint64_t den;
	uint64_t mult;
	uint64_t r0;
};

struct ivt_clock_cursor {
	uint64_t raw_base;
	uint64_t raw_span; /* the piece holds for [raw_base, raw_base + raw_span) */
	uint64_t ns_base;
	struct ivt_ratio to_tsc;
	struct ivt_ratio to_ns;
	bool is_scaled;
	size_t entry; /* of the history, in force */
};

static inline uint64_t ivt_ratio_apply(const struct ivt_ratio *ratio, uint64_t x)
{
	uint64_t q = (uint64_t)((unsigned __int128)x * ratio->mult >> 64);
	uint64_t r = x * ratio->rem + ratio->r0 - q * ratio->den;

	while (r >= ratio->den) { /* twice at most */
		r -= ratio->den;
		q++;
	}
	return x * ratio->k + q;
}

/* No piece yet: the first stamp finds it. */
void ivt_clock_cursor_init(struct ivt_clock_cursor *c);

/* The way without a piece: by the reference, and sets the piece up. */
int ivt_clock_map_slow(const struct ivt_clock_map *map, struct ivt_clock_cursor *c, uint64_t raw,
		       uint64_t *ret_ns);

/* 0; -ERANGE, -EINVAL as in tsc-sync/clock.h. */
static inline int ivt_clock_map_ns(const struct ivt_clock_map *map, struct ivt_clock_cursor *c,
				   uint64_t raw, uint64_t *ret_ns)
{
	uint64_t x = raw - c->raw_base;

	if (__builtin_expect(x >= c->raw_span, 0))
		return ivt_clock_map_slow(map, c, raw, ret_ns);
	if (c->is_scaled)
		x = ivt_ratio_apply(&c->to_tsc, x);
	*ret_ns = c->ns_base + ivt_ratio_apply(&c->to_ns, x);
	return 0;
}

#endif /* IVT_TRACE_CLOCK_MAP_H */
