/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's clocks read at one instant.
 */
#ifndef TSC_SYNC_SNAPSHOT_H
#define TSC_SYNC_SNAPSHOT_H

#include "tsc-sync/clock.h"

/* The time stamp counter now, host ticks. */
uint64_t tsc_sync_host_tsc(void);

/*
 * Read TSC and clocks together: of several brackets [tsc, clocks, tsc] the
 * narrowest is taken, its half is the error.  Any thread.  0; -errno of
 * clock_gettime().
 */
int tsc_sync_snapshot_take(struct tsc_sync_snapshot *ret);

#endif /* TSC_SYNC_SNAPSHOT_H */
