/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows the merged records of a trace and keeps the state of each host CPU,
 * vCPU, vCPU thread and guest task as lanes.  One pass, O(1) per record.
 *
 *	create -> feed ... -> finish (rows) -> lanes by assemble (lane_order.h) -> destroy
 */
#ifndef IVT_VIEW_LANE_BUILDER_H
#define IVT_VIEW_LANE_BUILDER_H

#include "analysis/tasks.h"
#include "trace/trace_reader.h"
#include "viewer/model/model.h"
#include "viewer/model/point_builder.h"

/* A CPU of a machine: what runs on it, nested. */
struct ivt_build_cpu {
	struct ivt_lane_index lane;
	bool is_seen;
	bool has_switches; /* before the first, nothing is known of what runs */
	uint32_t task;	   /* current */
	unsigned int n_hard;
	unsigned int n_soft;
};

struct ivt_build_machine {
	bool is_host;
	struct ivt_build_cpu *cpu;
	size_t n_cpus;
};

/* A vCPU's thread on the host. */
struct ivt_build_vcpu {
	struct ivt_lane_index lane;
	uint32_t machine;
	uint32_t vcpu;
	uint32_t thread; /* task number */
	bool was_halt;	 /* the last exit was HLT */
};

/* Beside each task of the model's table. */
struct ivt_build_task {
	struct ivt_lane_index lane; /* guests only */
	int32_t vcpu;		    /* in builder.vcpu[], -1 none */
	uint32_t n_requests;	    /* disk requests that it submitted */
	bool is_exiting;
};

struct ivt_lane_builder {
	struct ivt_model *model;
	const struct ivt_trace_info *info;
	struct ivt_tasks *who; /* which VM a host thread works for */
	struct ivt_build_machine *machine;
	struct ivt_build_vcpu *vcpu;
	size_t n_vcpus;
	struct ivt_build_task *task; /* tasks.cap entries */
	size_t cap_tasks;
	struct ivt_build_disk {
		uint32_t machine;
		uint32_t dev;
		char name[32];
	} * disk;
	size_t n_disks;
	struct ivt_loss *loss; /* owned */
	size_t n_losses;
	struct ivt_point_builder *points; /* lent, for assemble; NULL: none */
};

/* @model's origin_ns is set; its machines are filled here from @info, which
 * must outlive the builder.  0 or -ENOMEM. */
int ivt_lane_builder_init(struct ivt_lane_builder *b, struct ivt_model *model,
			  const struct ivt_trace_info *info);
void ivt_lane_builder_deinit(struct ivt_lane_builder *b);

/* One record, in ascending host_ns.  0, -ENOMEM, -EOVERFLOW. */
int ivt_lane_builder_feed(struct ivt_lane_builder *b, const struct ivt_event *ev);

/* Take over the trace's losses (from malloc(); freed here). */
void ivt_lane_builder_set_losses(struct ivt_lane_builder *b, struct ivt_loss *loss, size_t n);

/* End all lanes at the model's length_ns.  0 or -ENOMEM. */
int ivt_lane_builder_finish(struct ivt_lane_builder *b);

/* Name of a disk from its record, else "8:0"; in @ret. */
void ivt_lane_builder_disk(const struct ivt_lane_builder *b, uint32_t machine, uint32_t dev,
			   char *ret, size_t bytes);

#endif /* IVT_VIEW_LANE_BUILDER_H */
