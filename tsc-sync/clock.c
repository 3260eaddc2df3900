// SPDX-License-Identifier: GPL-2.0-or-later
#include "tsc-sync/clock.h"

#include <errno.h>

typedef unsigned __int128 u128;
typedef __int128 s128;

#define NSEC_PER_SEC 1000000000u

struct tsc_sync_scale tsc_sync_scale_unscaled(int64_t offset_tsc)
{
	return (struct tsc_sync_scale){ .offset_tsc = offset_tsc, .ratio = 1, .frac_bits = 0 };
}

static int scale_check(const struct tsc_sync_scale *scale)
{
	return scale->ratio == 0 || scale->frac_bits > 63 ? -EINVAL : 0;
}

int tsc_sync_guest_to_host(const struct tsc_sync_scale *scale, uint64_t guest_tsc,
			   uint64_t *ret_host_tsc)
{
	s128 ticks = (s128)guest_tsc - scale->offset_tsc;
	u128 host;

	if (scale_check(scale))
		return -EINVAL;
	if (ticks < 0)
		return -ERANGE;
	/* ticks < 2^64 + 2^63, so the shift by 63 at most stays in 128 bits */
	host = ((u128)ticks << scale->frac_bits) / scale->ratio;
	if (host > UINT64_MAX)
		return -ERANGE;
	*ret_host_tsc = (uint64_t)host;
	return 0;
}

int tsc_sync_host_to_guest(const struct tsc_sync_scale *scale, uint64_t host_tsc,
			   uint64_t *ret_guest_tsc)
{
	if (scale_check(scale))
		return -EINVAL;
	*ret_guest_tsc = (uint64_t)((u128)host_tsc * scale->ratio >> scale->frac_bits) +
			 (uint64_t)scale->offset_tsc;
	return 0;
}

/* y0 + floor((x - x0) * dy / dx), also left of x0. */
static int line_at(uint64_t x0, uint64_t dx, uint64_t y0, uint64_t dy, uint64_t x, uint64_t *ret)
{
	u128 step;

	if (x >= x0) {
		step = (u128)(x - x0) * dy / dx;
		if (step > UINT64_MAX - y0)
			return -ERANGE;
		*ret = y0 + (uint64_t)step;
		return 0;
	}
	/* Rounding down at the left is rounding the distance up.  The product is
	 * at most (2^64 - 1)^2, which leaves room for dx - 1. */
	step = ((u128)(x0 - x) * dy + (dx - 1)) / dx;
	if (step > y0)
		return -ERANGE;
	*ret = y0 - (uint64_t)step;
	return 0;
}

/* The pair around @key, or the nearest: its left index. */
static size_t pair_find(const struct tsc_sync_snapshot *snap, size_t n_snap, uint64_t key,
			int is_mono)
{
	size_t lo = 0, hi = n_snap - 1; /* answer in [0, n_snap - 2] */

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if ((is_mono ? snap[mid].mono_ns : snap[mid].host_tsc) <= key)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static int pair_check(const struct tsc_sync_snapshot *a)
{
	return a[1].host_tsc > a[0].host_tsc && a[1].mono_ns > a[0].mono_ns ? 0 : -EINVAL;
}

int tsc_sync_tsc_to_mono(const struct tsc_sync_snapshot *snap, size_t n_snap, uint64_t host_tsc,
			 uint64_t *ret_mono_ns)
{
	const struct tsc_sync_snapshot *a;

	if (n_snap < 2)
		return -EINVAL;
	a = snap + pair_find(snap, n_snap, host_tsc, 0);
	if (pair_check(a))
		return -EINVAL;
	return line_at(a->host_tsc, a[1].host_tsc - a->host_tsc, a->mono_ns,
		       a[1].mono_ns - a->mono_ns, host_tsc, ret_mono_ns);
}

int tsc_sync_mono_to_tsc(const struct tsc_sync_snapshot *snap, size_t n_snap, uint64_t mono_ns,
			 uint64_t *ret_host_tsc)
{
	const struct tsc_sync_snapshot *a;

	if (n_snap < 2)
		return -EINVAL;
	a = snap + pair_find(snap, n_snap, mono_ns, 1);
	if (pair_check(a))
		return -EINVAL;
	return line_at(a->mono_ns, a[1].mono_ns - a->mono_ns, a->host_tsc,
		       a[1].host_tsc - a->host_tsc, mono_ns, ret_host_tsc);
}

int tsc_sync_frequency(const struct tsc_sync_snapshot *snap, size_t n_snap, uint64_t *ret_hz)
{
	const struct tsc_sync_snapshot *a = snap, *b;
	uint64_t ns;
	u128 hz;

	if (n_snap < 2)
		return -EINVAL;
	b = snap + n_snap - 1;
	if (b->host_tsc <= a->host_tsc || b->mono_ns <= a->mono_ns)
		return -EINVAL;
	ns = b->mono_ns - a->mono_ns;
	hz = ((u128)(b->host_tsc - a->host_tsc) * NSEC_PER_SEC + ns / 2) / ns;
	if (hz > UINT64_MAX)
		return -ERANGE;
	*ret_hz = (uint64_t)hz;
	return 0;
}

const char *tsc_sync_source_name(unsigned int source)
{
	static const char *const names[] = {
		[TSC_SYNC_BPF] = "bpf",
		[TSC_SYNC_STAP] = "stap",
		[TSC_SYNC_DEBUGFS] = "debugfs",
		[TSC_SYNC_TCG] = "tcg",
		[TSC_SYNC_HANDSHAKE] = "handshake",
		[TSC_SYNC_ARRIVAL] = "arrival",
	};

	return source < sizeof(names) / sizeof(names[0]) ? names[source] : NULL;
}

/* How far @host_tsc lies outside the host interval of entry @i; 0 = inside. */
static uint64_t entry_distance(const struct tsc_sync_entry *hist, size_t n_hist, size_t i,
			       uint64_t host_tsc)
{
	if (i > 0 && host_tsc < hist[i].from_host_tsc)
		return hist[i].from_host_tsc - host_tsc;
	if (i + 1 < n_hist && host_tsc >= hist[i + 1].from_host_tsc)
		return host_tsc - hist[i + 1].from_host_tsc + 1;
	return 0;
}

/*
 * The instant of a change is known to the width of a guest's run or of a poll,
 * and a stamp may fall between the guest intervals of two entries; it then
 * belongs to the nearer one.
 */
int tsc_sync_history_to_host(const struct tsc_sync_entry *hist, size_t n_hist, uint64_t guest_tsc,
			     uint64_t *ret_host_tsc, size_t *ret_entry)
{
	uint64_t best_host = 0, best_distance = UINT64_MAX;
	int status = -ERANGE;
	size_t best = 0;

	if (n_hist == 0)
		return -ENOENT;
	for (size_t i = n_hist; i-- > 0 && best_distance > 0;) {
		uint64_t host, distance;
		int err = tsc_sync_guest_to_host(&hist[i].scale, guest_tsc, &host);

		if (err == -EINVAL)
			return err;
		if (err)
			continue;
		distance = entry_distance(hist, n_hist, i, host);
		if (status && distance == UINT64_MAX)
			distance--;
		if (distance < best_distance) {
			best_distance = distance;
			best_host = host;
			best = i;
			status = 0;
		}
	}
	if (status)
		return status;
	*ret_host_tsc = best_host;
	if (ret_entry)
		*ret_entry = best;
	return 0;
}
