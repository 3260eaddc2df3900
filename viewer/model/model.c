// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ivt_model *ivt_model_create(void)
{
	struct ivt_model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	ivt_task_table_init(&m->tasks);
	m->victim = m->culprit = IVT_IO_OWNER_NONE;
	return m;
}

static void lane_deinit(struct ivt_lane *lane)
{
	for (unsigned int r = 0; r < lane->n_rows; r++) {
		if (lane->row)
			ivt_lane_index_deinit(&lane->row[r]);
		if (lane->box_row)
			free(lane->box_row[r].box);
	}
	if (lane->points)
		ivt_points_deinit(lane->points);
	free(lane->points);
	free(lane->row);
	free(lane->box_row);
}

void ivt_model_destroy(struct ivt_model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_lanes; i++)
		lane_deinit(&m->lane[i]);
	free(m->lane);
	free(m->machine);
	ivt_task_table_deinit(&m->tasks);
	if (m->io)
		ivt_io_destroy(m->io);
	free(m);
}

struct ivt_lane *ivt_model_add_lane(struct ivt_model *m, enum ivt_lane_kind kind, uint32_t machine,
				    uint32_t id, unsigned int n_rows, unsigned int n_slots)
{
	struct ivt_lane *lane;

	if (m->n_lanes == m->cap_lanes) {
		size_t cap = m->cap_lanes ? m->cap_lanes * 2 : 32;

		lane = realloc(m->lane, cap * sizeof(*lane));
		if (!lane)
			return NULL;
		m->lane = lane;
		m->cap_lanes = cap;
	}
	lane = &m->lane[m->n_lanes];
	memset(lane, 0, sizeof(*lane));
	lane->kind = kind;
	lane->machine = machine;
	lane->id = id;
	if (n_rows) {
		lane->row = calloc(n_rows, sizeof(*lane->row));
		if (!lane->row)
			return NULL;
	}
	lane->n_rows = n_rows;
	for (unsigned int r = 0; r < n_rows; r++)
		ivt_lane_index_init(&lane->row[r], n_slots);
	m->n_lanes++;
	return lane;
}

void ivt_model_owner_name(const struct ivt_model *m, uint32_t owner, char *ret, size_t bytes)
{
	if (owner == IVT_IO_OWNER_NONE || owner >= m->n_machines)
		snprintf(ret, bytes, "nobody");
	else if (m->machine[owner].ordinal == IVT_MODEL_NO_VM)
		snprintf(ret, bytes, "host");
	else
		snprintf(ret, bytes, "VM %s", m->machine[owner].name);
}

int ivt_model_ordinal(const struct ivt_model *m, uint32_t machine)
{
	return machine < m->n_machines ? m->machine[machine].ordinal : IVT_MODEL_NO_VM;
}

uint32_t ivt_model_machine_of(const struct ivt_model *m, int ordinal)
{
	for (size_t i = 0; i < m->n_machines; i++)
		if (m->machine[i].ordinal == ordinal)
			return (uint32_t)i;
	return 0;
}

static const char *const slot_names[IVT_LANE_KINDS][IVT_LANE_SLOTS] = {
	[IVT_LANE_HOST_CPU] = { [IVT_CPU_IDLE] = "idle",
				[IVT_CPU_IRQ] = "interrupt",
				[IVT_CPU_SOFTIRQ] = "soft interrupt",
				[IVT_CPU_HOST] = "host task",
				[IVT_CPU_OTHER_VM] = "other VM",
				[IVT_CPU_UNKNOWN] = "unknown" },
	[IVT_LANE_VCPU] = { [IVT_VCPU_IDLE] = "idle",
			    [IVT_VCPU_IRQ] = "interrupt",
			    [IVT_VCPU_SOFTIRQ] = "soft interrupt",
			    [IVT_VCPU_TASK] = "running",
			    [IVT_VCPU_UNKNOWN] = "unknown" },
	[IVT_LANE_VCPU_HOST] = { [IVT_VH_HALTED] = "halted",
				 [IVT_VH_GUEST] = "in guest",
				 [IVT_VH_HYP] = "on CPU",
				 [IVT_VH_READY] = "ready, not running",
				 [IVT_VH_PREEMPTED] = "preempted",
				 [IVT_VH_BLOCKED] = "blocked by host",
				 [IVT_VH_UNKNOWN] = "unknown" },
	[IVT_LANE_TASK] = { [IVT_TASK_SLEEPING] = "sleeping",
			    [IVT_TASK_RUNNING] = "running",
			    [IVT_TASK_RUNNABLE] = "runnable",
			    [IVT_TASK_DISK_WAIT] = "disk wait",
			    [IVT_TASK_GONE] = "ended",
			    [IVT_TASK_UNKNOWN] = "unknown" },
	[IVT_LANE_REQUESTS] = { [IVT_RQ_NONE] = "no request",
				[IVT_RQ_QUEUE] = "queued in guest",
				[IVT_RQ_SUBMIT] = "submit (QEMU)",
				[IVT_RQ_DEVICE] = "in service",
				[IVT_RQ_RETURN] = "return (QEMU)",
				[IVT_RQ_WAIT_SELF] = "waits behind own",
				[IVT_RQ_WAIT_NOBODY] = "waits, device idle",
				[IVT_RQ_WAIT_HOST] = "waits behind host",
				[IVT_RQ_UNLINKED] = "not linked",
				[IVT_RQ_UNKNOWN] = "unknown" },
	[IVT_LANE_QUALITY] = { [IVT_QUALITY_OK] = "complete",
			       [IVT_QUALITY_LOST] = "records lost",
			       [IVT_QUALITY_UNKNOWN] = "unknown" },
	[IVT_LANE_EVENTS] = { [IVT_EVENTS_NONE] = "no span",
			      [IVT_EVENTS_SPAN] = "span",
			      [IVT_EVENTS_BEGIN] = "span's begin",
			      [IVT_EVENTS_END] = "span's end",
			      [IVT_EVENTS_MARK] = "mark",
			      [IVT_EVENTS_VALUE] = "value",
			      [IVT_EVENTS_FTRACE] = "event of ftrace",
			      [IVT_EVENTS_UNKNOWN] = "events not kept" },
	[IVT_LANE_SERVICE] = { [IVT_SV_IDLE] = "idle",
			       [IVT_SV_HOST] = "serves host",
			       [IVT_SV_WAIT_HOST] = "host waits",
			       [IVT_SV_UNKNOWN] = "unknown" },
};

void ivt_model_slot_name(const struct ivt_model *m, enum ivt_lane_kind kind, unsigned int slot,
			 char *ret, size_t bytes)
{
	enum ivt_lane_kind table = kind == IVT_LANE_QUEUE ? IVT_LANE_SERVICE : kind;
	const char *name = slot < IVT_LANE_SLOTS ? slot_names[table][slot] : NULL;
	const char *prefix = "";
	int ordinal = 0;
	char owner[IVT_NAME_BYTES + 8];

	if (name) {
		snprintf(ret, bytes, "%s", name);
		return;
	}
	if (kind == IVT_LANE_HOST_CPU) {
		ordinal = (int)slot - IVT_CPU_VM;
	} else if (kind == IVT_LANE_REQUESTS) {
		prefix = "waits behind ";
		ordinal = (int)slot - IVT_RQ_WAIT_VM;
	} else if (table == IVT_LANE_SERVICE) {
		prefix = slot >= IVT_SV_WAIT_VM ? "queued for " : "serves ";
		ordinal = (int)slot - (slot >= IVT_SV_WAIT_VM ? IVT_SV_WAIT_VM : IVT_SV_VM);
	}
	ivt_model_owner_name(m, ivt_model_machine_of(m, ordinal), owner, sizeof(owner));
	snprintf(ret, bytes, "%s%s", prefix, owner);
}

unsigned int ivt_boxes_first_fit(const struct ivt_box *box, size_t n, uint8_t *ret_row)
{
	int64_t busy_until[IVT_MODEL_MAX_ROWS];
	unsigned int used = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int r = 0;

		while (r < used && busy_until[r] > box[i].t0_ns)
			r++;
		if (r == IVT_MODEL_MAX_ROWS)
			r--;
		else if (r == used)
			busy_until[used++] = INT64_MIN;
		if (box[i].t1_ns > busy_until[r])
			busy_until[r] = box[i].t1_ns;
		ret_row[i] = (uint8_t)r;
	}
	return used;
}
