/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the viewer shows of one trace: machines, lanes, requests, findings, the
 * verdict.  Built once, by ivt_model_load() or by hand in tests, and not
 * changed afterwards: any number of threads may read it.
 */
#ifndef IVT_VIEW_MODEL_H
#define IVT_VIEW_MODEL_H

#include <stdbool.h>
#include "analysis/io.h"
#include "viewer/model/lane_index.h"
#include "viewer/model/points.h"
#include "viewer/model/task_table.h"

#define IVT_MODEL_MAX_ROWS   8	/* of requests side by side */
#define IVT_MODEL_TASK_LANES 5	/* of one guest, unless asked otherwise */
#define IVT_MODEL_NO_VM	     -1 /* ordinal of the host */

enum ivt_lane_kind {
	IVT_LANE_GROUP,	    /* a heading, no states */
	IVT_LANE_HOST_CPU,  /* what a host CPU runs */
	IVT_LANE_VCPU,	    /* what a guest's CPU runs, as the guest sees it */
	IVT_LANE_VCPU_HOST, /* the vCPU's thread, as the host sees it */
	IVT_LANE_TASK,	    /* a guest's task */
	IVT_LANE_REQUESTS,  /* a guest's disk requests, up to 8 rows */
	IVT_LANE_SERVICE,   /* whose request a host device serves */
	IVT_LANE_QUEUE,	    /* requests at a host device, up to 8 rows */
	IVT_LANE_QUALITY,   /* of a machine that lost records: when */
	IVT_LANE_EVENTS,    /* marks, values, spans and events of ftrace of a machine */
	IVT_LANE_KINDS
};

/* Slots of IVT_LANE_HOST_CPU (16). */
enum ivt_cpu_slot {
	IVT_CPU_IDLE,
	IVT_CPU_IRQ,
	IVT_CPU_SOFTIRQ,
	IVT_CPU_HOST,
	IVT_CPU_VM, /* + ordinal of the VM, 0..IVT_CPU_VMS - 1 */
	IVT_CPU_OTHER_VM = 13,
	IVT_CPU_UNKNOWN = 15,
	IVT_CPU_SLOTS
};
#define IVT_CPU_VMS 9

/* Slots of IVT_LANE_VCPU (8). */
enum ivt_vcpu_slot {
	IVT_VCPU_IDLE,
	IVT_VCPU_IRQ,
	IVT_VCPU_SOFTIRQ,
	IVT_VCPU_TASK,
	IVT_VCPU_UNKNOWN = 7,
	IVT_VCPU_SLOTS
};

/* Slots of IVT_LANE_VCPU_HOST (8).  HALTED: the guest had nothing to do, or
 * (no KVM events) the thread slept. */
enum ivt_vcpu_host_slot {
	IVT_VH_HALTED,
	IVT_VH_GUEST,
	IVT_VH_HYP, /* on a CPU outside the guest; without KVM events: on a CPU */
	IVT_VH_READY,
	IVT_VH_PREEMPTED,
	IVT_VH_BLOCKED,
	IVT_VH_UNKNOWN = 7,
	IVT_VH_SLOTS
};

/* Slots of IVT_LANE_TASK (8). */
enum ivt_task_slot {
	IVT_TASK_SLEEPING,
	IVT_TASK_RUNNING,
	IVT_TASK_RUNNABLE,
	IVT_TASK_DISK_WAIT,
	IVT_TASK_GONE,
	IVT_TASK_UNKNOWN = 7,
	IVT_TASK_SLOTS
};

/* Slots of IVT_LANE_REQUESTS (16). */
enum ivt_request_slot {
	IVT_RQ_NONE,
	IVT_RQ_QUEUE, /* in the guest */
	IVT_RQ_SUBMIT,
	IVT_RQ_DEVICE,
	IVT_RQ_RETURN,
	IVT_RQ_WAIT_SELF,
	IVT_RQ_WAIT_NOBODY,
	IVT_RQ_WAIT_VM, /* + ordinal, 0..IVT_RQ_VMS - 1; the last: any further VM */
	IVT_RQ_WAIT_HOST = 13,
	IVT_RQ_UNLINKED = 14,
	IVT_RQ_UNKNOWN = 15,
	IVT_RQ_SLOTS
};
#define IVT_RQ_VMS 6

/* Slots of IVT_LANE_SERVICE and IVT_LANE_QUEUE (16). */
enum ivt_service_slot {
	IVT_SV_IDLE,
	IVT_SV_VM, /* in service, + ordinal, 0..IVT_RQ_VMS - 1 */
	IVT_SV_HOST = 7,
	IVT_SV_WAIT_VM = 8,
	IVT_SV_WAIT_HOST = 14,
	IVT_SV_UNKNOWN = 15,
	IVT_SV_SLOTS
};

/* Slots of IVT_LANE_QUALITY (8). */
enum ivt_quality_slot {
	IVT_QUALITY_OK,
	IVT_QUALITY_LOST,
	IVT_QUALITY_UNKNOWN = 7,
	IVT_QUALITY_SLOTS
};

/* Slots of IVT_LANE_EVENTS (8).  The lane's states are NONE, SPAN (ref: the
 * point of the innermost) and UNKNOWN; its points have the others. */
enum ivt_events_slot {
	IVT_EVENTS_NONE,
	IVT_EVENTS_SPAN,
	IVT_EVENTS_BEGIN, /* of a span, the whole of it where its end is there */
	IVT_EVENTS_END,	  /* without its begin */
	IVT_EVENTS_MARK,
	IVT_EVENTS_VALUE,
	IVT_EVENTS_FTRACE,
	IVT_EVENTS_UNKNOWN = 7, /* there were too many: from here on not kept */
	IVT_EVENTS_SLOTS
};

/* A request as a box: [t0, t1). */
struct ivt_box {
	int64_t t0_ns;
	int64_t t1_ns;
	uint32_t request; /* in ivt_io_result's guest[] or host[] */
	uint32_t count;	  /* 1; more: requests for which there was no row left */
};

/* One row of boxes, ascending, not overlapping; the states are in the lane. */
struct ivt_box_row {
	struct ivt_box *box;
	size_t n;
	size_t cap;
};

struct ivt_lane {
	enum ivt_lane_kind kind;
	uint32_t machine;
	uint32_t id;		     /* CPU, vCPU, task number, device */
	char label[48];		     /* inside its group: "vCPU 0" */
	char name[128];		     /* alone: "a/vCPU 0" */
	unsigned int n_rows;	     /* 0 for a group, else at least 1 */
	struct ivt_lane_index *row;  /* n_rows */
	struct ivt_box_row *box_row; /* n_rows, NULL where there are no boxes */
	struct ivt_points *points;   /* of EVENTS, else NULL */
};

struct ivt_model_machine {
	char name[IVT_NAME_BYTES];
	int ordinal; /* of the VM by name, 0.. (a rebooted VM keeps its own); host: NO_VM */
	uint64_t lost;
	uint64_t records;
	char summary[160]; /* of its disk requests; "" */
};

/* A slow request of a victim, ranked by the time behind others. */
struct ivt_finding {
	int64_t t0_ns;
	int64_t t1_ns;
	uint32_t victim;  /* machine */
	uint32_t culprit; /* machine; IVT_IO_OWNER_NONE: nobody */
	uint64_t behind_ns;
	uint32_t request; /* in io->guest */
	char text[192];
};

#define IVT_MODEL_FINDINGS 16

struct ivt_model {
	char path[512];
	uint64_t origin_ns; /* host CLOCK_MONOTONIC of time 0 */
	int64_t length_ns;
	uint64_t n_records;
	uint64_t n_lost;
	struct ivt_model_machine *machine; /* as in ivt_trace_info */
	size_t n_machines;
	struct ivt_task_table tasks;
	struct ivt_lane *lane; /* top to bottom */
	size_t n_lanes;
	size_t cap_lanes;
	struct ivt_io_result *io; /* owned; NULL: none */
	struct ivt_finding finding[IVT_MODEL_FINDINGS];
	size_t n_findings; /* by rank */
	uint32_t victim;   /* machines of the verdict, or IVT_IO_OWNER_NONE */
	uint32_t culprit;
	char verdict[256];
	char verdict_detail[256];
	bool has_kvm_events;
};

struct ivt_model *ivt_model_create(void); /* NULL: no memory */
void ivt_model_destroy(struct ivt_model *m);

/* A new lane at the bottom with @n_rows rows of @n_slots; NULL: no memory.
 * The pointer holds until the next call. */
struct ivt_lane *ivt_model_add_lane(struct ivt_model *m, enum ivt_lane_kind kind, uint32_t machine,
				    uint32_t id, unsigned int n_rows, unsigned int n_slots);

/* ns since trace start of a host time (may be negative). */
static inline int64_t ivt_model_time(const struct ivt_model *m, uint64_t host_ns)
{
	return (int64_t)(host_ns - m->origin_ns);
}

/* "VM a", "host", "nobody". */
void ivt_model_owner_name(const struct ivt_model *m, uint32_t owner, char *ret, size_t bytes);
/* Ordinal of an owner: a VM's, or IVT_MODEL_NO_VM. */
int ivt_model_ordinal(const struct ivt_model *m, uint32_t machine);
/* The first machine with this ordinal, or 0. */
uint32_t ivt_model_machine_of(const struct ivt_model *m, int ordinal);

/* What a slot means, for legend, tooltip and lists: "running", "VM b". */
void ivt_model_slot_name(const struct ivt_model *m, enum ivt_lane_kind kind, unsigned int slot,
			 char *ret, size_t bytes);

/* Put requests into rows by first fit; what fits no row is merged in the last.
 * @box: ascending in t0.  *ret_row[i]: row of box i; returns the rows used, at
 * most IVT_MODEL_MAX_ROWS. */
unsigned int ivt_boxes_first_fit(const struct ivt_box *box, size_t n, uint8_t *ret_row);

#endif /* IVT_VIEW_MODEL_H */
