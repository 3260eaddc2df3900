// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <x86intrin.h>
#include "tsc-sync/sources/snapshot.h"

/* An interrupt or a migration widens a bracket; one of these is free of them. */
#define BRACKETS 8

uint64_t tsc_sync_host_tsc(void)
{
	unsigned int cpu;

	return __rdtscp(&cpu);
}

static uint64_t ns_of(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

/* The narrowest bracket around CLOCK_MONOTONIC. */
static int read_mono(struct tsc_sync_snapshot *snap)
{
	uint64_t best = UINT64_MAX;
	struct timespec ts;
	int i;

	for (i = 0; i < BRACKETS; i++) {
		uint64_t before = tsc_sync_host_tsc(), width;

		_mm_lfence();
		if (clock_gettime(CLOCK_MONOTONIC, &ts))
			return -errno;
		_mm_lfence();
		width = tsc_sync_host_tsc() - before;
		if (width >= best)
			continue;
		best = width;
		snap->host_tsc = before + width / 2;
		snap->mono_ns = ns_of(&ts);
	}
	best = (best + 1) / 2;
	snap->half_width_tsc = best > UINT32_MAX ? UINT32_MAX : (uint32_t)best;
	return 0;
}

/* @clock - CLOCK_MONOTONIC, ns, by the narrowest of several brackets of the
 * latter: it does not change within the microseconds that this takes. */
static int read_difference(clockid_t clock, int64_t *ret_ns)
{
	uint64_t best = UINT64_MAX;
	struct timespec before, it, after;
	int i;

	for (i = 0; i < BRACKETS; i++) {
		uint64_t width;

		if (clock_gettime(CLOCK_MONOTONIC, &before) || clock_gettime(clock, &it) ||
		    clock_gettime(CLOCK_MONOTONIC, &after))
			return -errno;
		width = ns_of(&after) - ns_of(&before);
		if (width >= best)
			continue;
		best = width;
		*ret_ns = (int64_t)(ns_of(&it) - ns_of(&before) - width / 2);
	}
	return 0;
}

int tsc_sync_snapshot_take(struct tsc_sync_snapshot *ret)
{
	struct tsc_sync_snapshot snap = { 0 };
	int64_t real, raw, boot;
	int err;

	err = read_difference(CLOCK_REALTIME, &real);
	if (!err)
		err = read_difference(CLOCK_MONOTONIC_RAW, &raw);
	if (!err)
		err = read_difference(CLOCK_BOOTTIME, &boot);
	if (!err)
		err = read_mono(&snap);
	if (err)
		return err;
	snap.real_ns = snap.mono_ns + (uint64_t)real;
	snap.mono_raw_ns = snap.mono_ns + (uint64_t)raw;
	snap.boot_ns = snap.mono_ns + (uint64_t)boot;
	snap.cpu = (uint32_t)sched_getcpu();
	*ret = snap;
	return 0;
}
