/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How good the clocks of a trace are, per machine: where the offsets come from,
 * with which error, and what the records themselves say against them.
 */
#ifndef IVT_ANALYSIS_SYNC_H
#define IVT_ANALYSIS_SYNC_H

#include "trace/trace_reader.h"

#define IVT_SYNC_SOURCES 8

/* One vCPU of a guest. */
struct ivt_sync_vcpu {
	uint32_t machine;
	uint32_t vcpu;
	int32_t tid;	    /* the host's thread that entered it; -1 unknown */
	uint32_t sources;   /* bit i: enum tsc_sync_source i occurs in its history */
	size_t entries;	    /* of its history; 0: no offset is known */
	int64_t offset_tsc; /* of the last entry */
	uint64_t error_ns;  /* largest bound of its offsets; 0: exact */
	uint64_t records;
	/* Containment: the records were made while the vCPU ran, that is between
	 * a kvm_entry and the next kvm_exit of its thread. */
	uint64_t checked;	   /* records held against them; 0: not checked */
	uint64_t outside;	   /* of them, by more than the error and the snapshots' width */
	uint64_t worst_outside_ns; /* distance of the farthest */
	/* Handshakes: each bounds the offset from outside. */
	size_t handshakes;
	size_t handshake_misses; /* whose interval does not reach the offset's */
	int64_t handshake_lo;	 /* what all of them allow, moved to the last offset; */
	int64_t handshake_hi;	 /* lo > hi: nothing. Set if there are handshakes. */
};

struct ivt_sync_machine {
	uint32_t sources;  /* of all vCPUs */
	size_t entries;	   /* of the history, all vCPUs */
	uint64_t bound_ns; /* largest error of an offset; 0: exact, or the host */
	uint64_t records;
	uint64_t lost;
	uint64_t backward; /* stamps before their predecessor's */
	uint64_t first_ns; /* of its records; 0 when there is none */
	uint64_t last_ns;
	/* Sums over the vCPUs. */
	bool is_containment_checked;
	uint64_t checked;
	uint64_t outside;
	size_t handshakes;
	size_t handshake_misses;
	/* Disk requests of the host before the guest's issue that they serve, or
	 * done after its completion (struct ivt_io_summary). */
	uint64_t io_links;
	uint64_t io_violations;
};

struct ivt_sync_result {
	struct ivt_sync_machine *machines; /* per machine number */
	size_t n_machines;
	struct ivt_sync_vcpu *vcpus; /* guests' only; ascending in machine, vcpu */
	size_t n_vcpus;
	size_t snapshots;
	uint64_t tsc_hz;	   /* measured over the snapshots; 0: fewer than two */
	uint64_t half_width_ns[3]; /* of the snapshots' brackets: smallest, median, largest */
};

/* Reads the whole trace; twice, where guests and host have disk requests. 0, or -errno with *err; *ret is the caller's. */
int ivt_sync_analyse(struct ivt_trace *t, struct ivt_sync_result **ret, struct ivt_error *err);
void ivt_sync_destroy(struct ivt_sync_result *r);

#endif /* IVT_ANALYSIS_SYNC_H */
