/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sync.bin: the clock log.  A 64-byte header, then 64-byte records: snapshots
 * of the host's clocks and the clock history of each vCPU.
 */
#ifndef IVT_TRACE_SYNC_LOG_H
#define IVT_TRACE_SYNC_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tsc-sync/clock.h"

#define IVT_SYNC_BYTES	 64
#define IVT_SYNC_MAX_LOG (1ull << 36)

/* One vCPU's clock from an instant on, and whose it is. */
struct ivt_sync_clock {
	uint32_t machine; /* index into the manifest's machines */
	uint32_t epoch;
	uint64_t guest_tsc; /* at from_host_tsc */
	struct tsc_sync_entry entry;
};

/* The log in memory; as read, snapshots ascend in host_tsc and clocks in
 * (machine, vcpu, from_host_tsc). */
struct ivt_sync_log {
	uint8_t uuid[16];
	uint64_t tsc_hz; /* nominal, 0 unknown */
	struct tsc_sync_snapshot *snapshots;
	size_t n_snapshots;
	struct ivt_sync_clock *clocks;
	size_t n_clocks;
	/* Handshakes as they were measured, behind the clocks and in the same
	 * order: they bound the offsets of another source from outside.  Of a
	 * machine that has no other source, clocks are made of them. */
	size_t n_checks;
	bool is_sorted;
	size_t skipped; /* records not understood */
};

/* The header's 64 bytes; @tsc_hz 0: unknown. */
void ivt_sync_header_encode(uint8_t ret[IVT_SYNC_BYTES], const uint8_t uuid[16], uint64_t tsc_hz);
/* A snapshot's 64 bytes. */
void ivt_sync_snapshot_encode(uint8_t ret[IVT_SYNC_BYTES], const struct tsc_sync_snapshot *snap);
/* A clock entry's 64 bytes. */
void ivt_sync_clock_encode(uint8_t ret[IVT_SYNC_BYTES], const struct ivt_sync_clock *clock);

/* Grow the log by one. 0 or -ENOMEM. */
int ivt_sync_log_add_snapshot(struct ivt_sync_log *log, const struct tsc_sync_snapshot *snap);
/* The same for a clock entry. */
int ivt_sync_log_add_clock(struct ivt_sync_log *log, const struct ivt_sync_clock *clock);

/* What a record of the log is. */
enum ivt_sync_kind {
	IVT_SYNC_OTHER, /* nothing to know, as that a vCPU is gone */
	IVT_SYNC_SNAPSHOT,
	IVT_SYNC_CLOCK,
	IVT_SYNC_BAD, /* not understood */
};

/* Is it the header of a log? */
bool ivt_sync_header_is_valid(const uint8_t header[IVT_SYNC_BYTES]);
/* One record; fills the one of @ret_snap and @ret_clock that it is. */
enum ivt_sync_kind ivt_sync_decode(const uint8_t rec[IVT_SYNC_BYTES],
				   struct tsc_sync_snapshot *ret_snap,
				   struct ivt_sync_clock *ret_clock);

/*
 * Read what a recorder that died left of "sync.bin", as a log that grows on: in the
 * order of the recording.  0; errors as ivt_sync_log_read().
 */
int ivt_sync_log_resume(int dirfd, struct ivt_sync_log *ret);

/*
 * Of a log that grows: drop what is older than @host_tsc, but the last snapshot
 * before it and the last entry before it of each vCPU and source.  Where a log gets
 * too long all the same its older half is thinned out.
 */
void ivt_sync_log_forget(struct ivt_sync_log *log, uint64_t host_tsc);
/* Of a log that grows for days, on the disk, too: thin out the older half of the
 * snapshots in memory, where there are too many. */
void ivt_sync_log_thin(struct ivt_sync_log *log);
/* Drop all entries of @machine. */
void ivt_sync_log_forget_machine(struct ivt_sync_log *log, uint32_t machine);

/*
 * Read "sync.bin" of the trace directory.  0; -ENOENT; -EINVAL: not a clock
 * log; -EFBIG; -errno.  A cut last record is left out; records of unknown kind
 * or impossible content are counted in skipped.  Snapshots that do not advance
 * in both clocks are left out, so that each pair is usable; of those of many days
 * every second one, or third ..., so that they find room in memory.
 */
int ivt_sync_log_read(int dirfd, struct ivt_sync_log *ret);
/* Free what the log points to; the structure itself is the caller's. */
void ivt_sync_log_deinit(struct ivt_sync_log *log);

/* One vCPU's part of the checks; UINT32_MAX: those that are of no one vCPU.
 * NULL and 0 when there is none. */
const struct ivt_sync_clock *ivt_sync_log_find_checks(const struct ivt_sync_log *log,
						      uint32_t machine, uint32_t vcpu,
						      size_t *ret_n);

/* The history of one vCPU: a part of log->clocks; UINT32_MAX: the machine's
 * first vCPU that has one.  NULL and 0 when there is none. */
const struct ivt_sync_clock *ivt_sync_log_find(const struct ivt_sync_log *log, uint32_t machine,
					       uint32_t vcpu, size_t *ret_n);

#endif /* IVT_TRACE_SYNC_LOG_H */
