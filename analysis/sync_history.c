// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A handshake says: at this instant the guest's TSC was at least lo and at most
 * hi.  Held against the offset that was in force then, it allows the offset to
 * be wrong by [lo - guest, hi - guest]; what all of them allow is their common
 * part.  So handshakes on both sides of a change narrow the same interval.
 */
#include <stdlib.h>

#include "analysis/sync_internal.h"

typedef unsigned __int128 u128;
typedef __int128 s128;

#define NSEC_PER_SEC 1000000000u

uint64_t sync_ticks_ns(uint64_t ticks, uint64_t tsc_hz)
{
	u128 ns;

	if (!tsc_hz)
		return 0;
	ns = ((u128)ticks * NSEC_PER_SEC + tsc_hz - 1) / tsc_hz;
	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

uint64_t sync_width_at(struct sync_width *w, uint64_t host_ns)
{
	const struct tsc_sync_snapshot *s = w->snapshots;
	size_t before = w->at;
	uint32_t ticks;

	if (w->n < 2)
		return 0;
	while (w->at + 2 < w->n && s[w->at + 1].mono_ns <= host_ns)
		w->at++;
	if (w->at != before || !w->ns) {
		ticks = s[w->at].half_width_tsc;
		if (s[w->at + 1].half_width_tsc > ticks)
			ticks = s[w->at + 1].half_width_tsc;
		w->ns = sync_ticks_ns(ticks, w->tsc_hz);
	}
	return w->ns;
}

static void cursor_set(struct sync_cursor *c, const struct sync_width *w)
{
	c->bound_ns = sync_ticks_ns(c->history[c->at].bound_tsc, w->tsc_hz);
	if (c->at + 1 == c->n ||
	    tsc_sync_tsc_to_mono(w->snapshots, w->n, c->history[c->at + 1].from_host_tsc,
				 &c->changes_ns))
		c->changes_ns = UINT64_MAX;
}

uint64_t sync_bound_at(struct sync_cursor *c, const struct sync_width *w, uint64_t host_ns)
{
	if (!c->n)
		return 0;
	if (!c->has_begun) {
		c->has_begun = true;
		cursor_set(c, w);
	}
	while (host_ns >= c->changes_ns && c->at + 1 < c->n) {
		c->at++;
		cursor_set(c, w);
	}
	return c->bound_ns;
}

/* ---- handshakes ---------------------------------------------------------- */

/* The last entry from no later than @host_tsc on, else the first. */
static const struct tsc_sync_entry *entry_at(const struct tsc_sync_entry *hist, size_t n,
					     uint64_t host_tsc)
{
	size_t low = 0, high = n;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (hist[mid].from_host_tsc <= host_tsc)
			low = mid;
		else
			high = mid;
	}
	return &hist[low];
}

static int64_t clamp(s128 x)
{
	if (x < INT64_MIN)
		return INT64_MIN;
	return x > INT64_MAX ? INT64_MAX : (int64_t)x;
}

static void sync_handshakes(const struct tsc_sync_entry *hist, size_t n_hist,
			    const struct tsc_sync_entry *shake, size_t n, struct ivt_sync_vcpu *v)
{
	s128 lo = INT64_MIN, hi = INT64_MAX;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct tsc_sync_entry *e = entry_at(hist, n_hist, shake[i].from_host_tsc);
		uint64_t said, used;
		s128 off, bound = shake[i].bound_tsc;

		if (tsc_sync_host_to_guest(&shake[i].scale, shake[i].from_host_tsc, &said) ||
		    tsc_sync_host_to_guest(&e->scale, shake[i].from_host_tsc, &used))
			continue;
		off = (int64_t)(said - used);
		lo = off - bound > lo ? off - bound : lo;
		hi = off + bound < hi ? off + bound : hi;
		if (off > bound + e->bound_tsc || -off > bound + e->bound_tsc)
			v->handshake_misses++;
		v->handshakes++;
	}
	v->handshake_lo = clamp(v->offset_tsc + lo);
	v->handshake_hi = clamp(v->offset_tsc + hi);
}

void sync_history(const struct ivt_trace *t, uint64_t tsc_hz, struct ivt_sync_vcpu *v)
{
	const struct tsc_sync_entry *hist, *shake;
	uint64_t bound = 0;
	size_t n, n_shake, i;

	hist = ivt_trace_history(t, v->machine, v->vcpu, &n);
	if (!hist || !n)
		return;
	for (i = 0; i < n; i++) {
		if (hist[i].bound_tsc > bound)
			bound = hist[i].bound_tsc;
		if (hist[i].source < IVT_SYNC_SOURCES)
			v->sources |= 1u << hist[i].source;
	}
	v->entries = n;
	v->offset_tsc = hist[n - 1].scale.offset_tsc;
	v->error_ns = sync_ticks_ns(bound, tsc_hz);
	shake = ivt_trace_handshakes(t, v->machine, v->vcpu, &n_shake);
	if (shake && n_shake)
		sync_handshakes(hist, n, shake, n_shake, v);
}
