// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/clock_map.h"

#include <errno.h>

#include "trace/clock_line.h"

typedef unsigned __int128 u128;
typedef __int128 s128;

/* A piece is no longer than this, and its numbers no larger, so that nothing in
 * the fast path can wrap. */
#define PIECE_MAX_TICKS (1ull << 40)
#define DEN_MAX		(1ull << 62)
#define RATE_MAX	(1ull << 16)
#define BASE_MAX	(1ull << 63)

void ivt_clock_cursor_init(struct ivt_clock_cursor *c)
{
	*c = (struct ivt_clock_cursor){ .to_tsc.den = 1, .to_ns.den = 1 };
}

/* x -> floor((x * num + r0) / den); false: out of the fast path's range. */
static bool ratio_set(struct ivt_ratio *ratio, uint64_t num, uint64_t den, uint64_t r0)
{
	if (den == 0 || den > DEN_MAX || num / den > RATE_MAX)
		return false;
	ratio->k = num / den;
	ratio->rem = num % den;
	ratio->den = den;
	ratio->mult = (uint64_t)(((u128)ratio->rem << 64) / den);
	ratio->r0 = r0;
	return true;
}

/* ---- host TSC -> ns ------------------------------------------------------------ */

/* The pair around @tsc as the reference chooses it: its left index. */
static size_t pair_find(const struct ivt_clock_map *map, uint64_t tsc)
{
	size_t lo = 0, hi = map->n_snapshots - 1;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (map->snapshots[mid].host_tsc <= tsc)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* The piece from @tsc on: how many ticks it lasts, 0 for none. */
static uint64_t piece_to_ns(const struct ivt_clock_map *map, struct ivt_clock_cursor *c,
			    uint64_t tsc)
{
	size_t i = pair_find(map, tsc);
	const struct tsc_sync_snapshot *a = &map->snapshots[i];
	uint64_t ticks = a[1].host_tsc - a->host_tsc, ns = a[1].mono_ns - a->mono_ns;
	uint64_t r0, span = PIECE_MAX_TICKS;

	if (tsc >= a->host_tsc)
		r0 = (uint64_t)((u128)(tsc - a->host_tsc) * ns % ticks);
	else
		r0 = (ticks - (uint64_t)((u128)(a->host_tsc - tsc) * ns % ticks)) % ticks;
	if (!ratio_set(&c->to_ns, ns, ticks, r0) || c->ns_base > BASE_MAX || tsc > BASE_MAX)
		return 0;
	if (i + 2 < map->n_snapshots && a[1].host_tsc - tsc < span)
		span = a[1].host_tsc - tsc;
	return span;
}

/* ---- guest TSC -> host TSC -------------------------------------------------------- */

/* The smallest guest stamp, as a distance from @raw, that lies @tsc_span host
 * ticks or more behind @raw's. */
static uint64_t guest_span(const struct tsc_sync_scale *scale, uint64_t raw, uint64_t tsc,
			   uint64_t tsc_span)
{
	u128 end = (u128)(tsc + tsc_span) * scale->ratio;
	u128 mask = ((u128)1 << scale->frac_bits) - 1;
	u128 ticks = (end >> scale->frac_bits) + ((end & mask) ? 1 : 0);
	s128 span = (s128)ticks - ((s128)raw - scale->offset_tsc);

	if (span <= 0)
		return 0;
	return span < (s128)PIECE_MAX_TICKS ? (uint64_t)span : PIECE_MAX_TICKS;
}

static bool piece_to_tsc(struct ivt_clock_cursor *c, const struct tsc_sync_scale *scale,
			 uint64_t raw)
{
	uint64_t one = 1ull << scale->frac_bits;
	u128 ticks = (u128)((s128)raw - scale->offset_tsc) << scale->frac_bits;

	c->is_scaled = scale->ratio != one;
	return !c->is_scaled ||
	       ratio_set(&c->to_tsc, one, scale->ratio, (uint64_t)(ticks % scale->ratio));
}

/* ---- the entry of a history ---------------------------------------------------- */

void ivt_clock_reach_fill(const struct tsc_sync_entry *history, size_t n,
			  struct ivt_clock_reach *ret)
{
	uint64_t start, end, most = 0, least = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		if (i + 1 == n ||
		    tsc_sync_host_to_guest(&history[i].scale, history[i + 1].from_host_tsc, &end))
			end = UINT64_MAX;
		most = end > most ? end : most;
		ret[i].most_end = most;
	}
	for (size_t i = n; i-- > 0;) {
		if (tsc_sync_host_to_guest(&history[i].scale, history[i].from_host_tsc, &start))
			start = 0;
		least = start < least ? start : least;
		ret[i].least_start = least;
	}
}

/* The last entry that begins no later than @raw, else the first. */
static size_t last_started(const struct ivt_clock_map *map, uint64_t raw)
{
	size_t lo = 0, hi = map->n_history;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (map->reach[mid].least_start <= raw)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Where two entries hold a stamp the later one has it, so a piece ends where
 * the guest interval of a later entry begins.
 */
static uint64_t later_entries_limit(const struct ivt_clock_map *map, size_t entry, uint64_t raw,
				    uint64_t span)
{
	size_t last = last_started(map, raw), end = last + 1;
	uint64_t start;

	if (end < map->n_history && map->reach[end].least_start - raw < span)
		span = map->reach[end].least_start - raw;
	for (size_t i = entry + 1; i < end; i++) {
		const struct tsc_sync_entry *later = &map->history[i];

		/* at its start itself, rounded down, it may not hold the stamp yet */
		if (!tsc_sync_host_to_guest(&later->scale, later->from_host_tsc, &start) &&
		    start >= raw && start - raw < span)
			span = start - raw;
	}
	return span;
}

struct nearest {
	size_t entry;
	uint64_t tsc;
	uint64_t distance; /* host ticks; 0: the entry holds the stamp */
};

/* How far the stamp lies outside entry @i, as the reference counts it. */
static uint64_t distance_of(const struct ivt_clock_map *map, size_t i, uint64_t raw, uint64_t *tsc)
{
	const struct tsc_sync_entry *entry = &map->history[i];

	if (tsc_sync_guest_to_host(&entry->scale, raw, tsc))
		return UINT64_MAX;
	if (i > 0 && *tsc < entry->from_host_tsc)
		return entry->from_host_tsc - *tsc;
	if (i + 1 < map->n_history && *tsc >= entry[1].from_host_tsc)
		return *tsc - entry[1].from_host_tsc + 1;
	return 0;
}

static void consider(const struct ivt_clock_map *map, size_t i, uint64_t raw, struct nearest *best)
{
	uint64_t tsc, distance = distance_of(map, i, raw, &tsc);

	if (distance < best->distance ||
	    (distance == best->distance && distance < UINT64_MAX && i > best->entry))
		*best = (struct nearest){ i, tsc, distance };
}

static bool is_unscaled(const struct tsc_sync_entry *entry)
{
	return entry->scale.ratio == 1ull << entry->scale.frac_bits;
}

/*
 * What tsc_sync_history_to_host() says, without looking at all entries: a host
 * with an unstable TSC has one for each run of a vCPU.  Later than the last one
 * that has begun none holds the stamp; earlier, only as far as one reaches to it
 * or nearer to it than the best.
 */
static int entry_find(const struct ivt_clock_map *map, struct ivt_clock_cursor *c, uint64_t raw,
		      uint64_t *ret_tsc)
{
	size_t last = last_started(map, raw), i;
	struct nearest best = { .distance = UINT64_MAX };
	bool is_plain = true;

	for (i = last + 1; i-- > 0 && best.distance;) {
		uint64_t end = map->reach[i].most_end;

		if (raw >= end && raw - end >= best.distance)
			break;
		is_plain &= is_unscaled(&map->history[i]);
		consider(map, i, raw, &best);
	}
	for (i = last + 1; i < map->n_history && best.distance; i++) {
		if (map->reach[i].least_start - raw > best.distance)
			break;
		is_plain &= is_unscaled(&map->history[i]);
		consider(map, i, raw, &best);
	}
	/* scaled ticks are not as long as the host's: their distances need care */
	if (best.distance && (!is_plain || best.distance == UINT64_MAX))
		return tsc_sync_history_to_host(map->history, map->n_history, raw, ret_tsc,
						&c->entry);
	c->entry = best.entry;
	*ret_tsc = best.tsc;
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------- */

static void piece_set(const struct ivt_clock_map *map, struct ivt_clock_cursor *c, uint64_t raw,
		      uint64_t tsc)
{
	const struct tsc_sync_entry *entry = map->n_history ? &map->history[c->entry] : NULL;
	uint64_t span = piece_to_ns(map, c, tsc);

	c->raw_base = raw;
	c->raw_span = 0;
	c->is_scaled = false;
	if (span == 0)
		return;
	if (!entry) {
		c->raw_span = span;
		return;
	}
	if (c->entry + 1 < map->n_history) {
		uint64_t end = entry[1].from_host_tsc;

		/* a stamp between two entries has no piece */
		if (tsc >= end)
			return;
		if (end - tsc < span)
			span = end - tsc;
	}
	if (c->entry > 0 && tsc < entry->from_host_tsc)
		return;
	if (!piece_to_tsc(c, &entry->scale, raw))
		return;
	if (c->is_scaled)
		span = guest_span(&entry->scale, raw, tsc, span);
	c->raw_span = later_entries_limit(map, c->entry, raw, span);
}

int ivt_clock_map_slow(const struct ivt_clock_map *map, struct ivt_clock_cursor *c, uint64_t raw,
		       uint64_t *ret_ns)
{
	uint64_t tsc = raw, ns;
	int ret;

	c->raw_span = 0;
	if (map->kind == IVT_MAP_NS) {
		*ret_ns = raw;
		c->raw_base = c->ns_base = 0;
		c->raw_span = UINT64_MAX;
		c->is_scaled = false;
		ratio_set(&c->to_ns, 1, 1, 0);
		return 0;
	}
	if (map->kind == IVT_MAP_LINE)
		return ivt_clock_line_mono(map->line, map->real_minus_mono_ns, raw, ret_ns);
	if (map->n_history) {
		ret = entry_find(map, c, raw, &tsc);
		if (ret)
			return ret;
	}
	ret = tsc_sync_tsc_to_mono(map->snapshots, map->n_snapshots, tsc, &ns);
	if (ret)
		return ret;
	c->ns_base = ns;
	piece_set(map, c, raw, tsc);
	*ret_ns = ns;
	return 0;
}
