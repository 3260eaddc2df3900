/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk requests of a guest as they come by in a trace that is followed: how many
 * were done in an interval, and how long they took.
 */
#ifndef HOST_TOP_DISKS_H
#define HOST_TOP_DISKS_H

#include "trace/trace_reader.h"

#define TOP_MAX_IN_FLIGHT 1024

struct top_request {
	uint64_t rq; /* the guest's number for it */
	uint32_t dev;
	uint64_t issued_ns;
};

/* Zeroed before the first event. */
struct top_disks {
	struct top_request in_flight[TOP_MAX_IN_FLIGHT];
	size_t n_in_flight;
	uint64_t *took_ns; /* of those that were done in this interval */
	size_t n_done;
	uint64_t n_unmatched; /* done, and nobody saw them begin; or too many at once */
};

struct top_disks_result {
	uint64_t n_done;
	uint64_t p50_ns, max_ns; /* 0: none was done */
};

/* An event of the guest, of any type. */
void top_disks_see(struct top_disks *d, const struct ivt_event *ev);
/* The interval is over: its figures; the next one begins. */
void top_disks_take(struct top_disks *d, struct top_disks_result *ret);
void top_disks_deinit(struct top_disks *d);

#endif /* HOST_TOP_DISKS_H */
