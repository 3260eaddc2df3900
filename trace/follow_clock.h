/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock log of a trace that is being recorded: what is new in sync.bin is
 * taken as it comes.  What is used for a vCPU is what ivt_sync_log_read() would
 * choose: any source but handshakes and arrival; where there is none, what the
 * handshakes have in common; else the time of arrival.
 */
#ifndef IVT_TRACE_FOLLOW_CLOCK_H
#define IVT_TRACE_FOLLOW_CLOCK_H

#include "trace/clock_map.h"
#include "trace/sync_log.h"

/* One vCPU's clock as far as it is known. */
struct ivt_follow_history {
	uint32_t machine;
	uint32_t vcpu;
	struct tsc_sync_entry *rows[3]; /* by how good they are; each ascending */
	size_t n_rows[3];
	struct tsc_sync_entry *merged; /* of the handshakes; NULL: not made */
	size_t n_merged;
	struct ivt_clock_reach *reach; /* of what is used */
};

struct ivt_follow_clock {
	int fd; /* -1: not there yet */
	uint64_t at_bytes;
	struct tsc_sync_snapshot *snapshots;
	size_t n_snapshots;
	struct ivt_follow_history **histories; /* by machine, vcpu */
	size_t n_histories;
	uint64_t n_clocks; /* that were taken; grows when a map may be another */
	size_t skipped;	   /* records not understood */
};

void ivt_follow_clock_init(struct ivt_follow_clock *c);
void ivt_follow_clock_deinit(struct ivt_follow_clock *c);

/* Take what is new of "sync.bin" in @dirfd.  Maps that were made are void.  1;
 * 0: nothing is; -EINVAL: it is no clock log; -ENOMEM; -errno. */
int ivt_follow_clock_poll(struct ivt_follow_clock *c, int dirfd);

/*
 * How stamps of @vcpu of machine number @machine, which is @m, are rebased by now.
 * False: that is not known; at the trace's end (@is_last) the manifest's line, which
 * then holds, is taken.  Valid until the next poll; @m is borrowed.
 */
bool ivt_follow_clock_map(struct ivt_follow_clock *c, uint32_t machine,
			  const struct ivt_machine_info *m, uint32_t vcpu, bool is_last,
			  struct ivt_clock_map *ret);

#endif /* IVT_TRACE_FOLLOW_CLOCK_H */
