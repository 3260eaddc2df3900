/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that the rings of one region hold now, into a trace: of a flight recorder,
 * whose guest may go on writing, or of a guest that is dead, with what it had not
 * published.  Nothing is changed in the region.
 */
#ifndef HOST_RING_TAKE_H
#define HOST_RING_TAKE_H

#include <stdatomic.h>
#include "ivring/region.h"
#include "trace/trace_writer.h"

struct ring_take {
	const struct ivring_region *region; /* mapped until the end */
	uint64_t guest_epoch;		    /* of the boot whose records are wanted */
	bool is_dead;			    /* its writers run no more */
	const uint64_t *death_tsc;	    /* by channel, the largest stamp; NULL: not known */
	const atomic_bool *is_void;	    /* set when the rings may be cleared; NULL: never */
	struct ivt_trace_writer *writer;
	uint32_t machine; /* of the writer */
	/* the result */
	uint64_t n_records;
	uint64_t n_salvaged;
	uint64_t n_uncommitted;
	uint64_t n_overwritten; /* records that were older, as far as the guest counted them */
	uint64_t n_violations;
};

/*
 * Streams of the machine are opened as they are needed, and its counters set.  All
 * channels are cut at about the same instant.  0; -errno with *err: what was written
 * before is whole.
 */
int ring_take_run(struct ring_take *t, struct ivt_error *err);

/* The stamp, by the guest's clock, of the oldest record of @channel; 0: none. */
uint64_t ring_take_oldest(const struct ivring_region *region, uint32_t channel,
			  uint64_t guest_epoch);

/* Can a record of @type have @payload_bytes? */
int ring_take_is_event(__u16 type, __u32 payload_bytes);

#endif /* HOST_RING_TAKE_H */
