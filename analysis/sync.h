/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How good the clocks of a trace are, per machine: where the offsets come from,
 * with which error, and what the records themselves say against them.
 */
#ifndef IVT_ANALYSIS_SYNC_H
#define IVT_ANALYSIS_SYNC_H

#include "trace/trace_reader.h"

#define IVT_SYNC_SOURCES 8

struct ivt_sync_machine {
	uint32_t sources;  /* bit i: enum tsc_sync_source i occurs in the history */
	size_t entries;	   /* of the history, all vCPUs */
	uint64_t bound_ns; /* largest error of an offset; 0: exact, or the host */
	uint64_t records;
	uint64_t lost;
	uint64_t backward; /* stamps before their predecessor's */
	uint64_t first_ns; /* of its records; 0 when there is none */
	uint64_t last_ns;
	/* Records of a guest outside all [kvm_entry, kvm_exit] of their vCPU,
	 * further than the bound.  Only where the host recorded both events. */
	bool is_containment_checked;
	uint64_t checked; /* records held against them: between the vCPU's first and last */
	uint64_t outside;
	/* Disk requests of the host before the guest's issue that they serve, or
	 * done after its completion (struct ivt_io_summary). */
	uint64_t io_links;
	uint64_t io_violations;
};

struct ivt_sync_result {
	struct ivt_sync_machine *machines; /* per machine number */
	size_t n_machines;
	size_t snapshots;
	uint64_t tsc_hz;	   /* measured over the snapshots; 0: fewer than two */
	uint64_t half_width_ns[3]; /* of the snapshots' brackets: smallest, median, largest */
};

/* Reads the whole trace (twice). 0, or -errno with *err; *ret is the caller's. */
int ivt_sync_analyse(struct ivt_trace *t, struct ivt_sync_result **ret, struct ivt_error *err);
void ivt_sync_destroy(struct ivt_sync_result *r);

#endif /* IVT_ANALYSIS_SYNC_H */
