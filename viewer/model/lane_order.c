// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/lane_order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lane's history changes hands. */
static struct ivt_lane *take(struct ivt_model *m, enum ivt_lane_kind kind, uint32_t machine,
			     uint32_t id, struct ivt_lane_index *from)
{
	struct ivt_lane *lane = ivt_model_add_lane(m, kind, machine, id, 1, from->n_slots);

	if (!lane)
		return NULL;
	lane->row[0] = *from;
	memset(from, 0, sizeof(*from));
	return lane;
}

static int add_group(struct ivt_lane_builder *b, uint32_t machine)
{
	struct ivt_model *m = b->model;
	struct ivt_lane *lane = ivt_model_add_lane(m, IVT_LANE_GROUP, machine, 0, 0, 0);

	if (!lane)
		return -ENOMEM;
	ivt_model_owner_name(m, machine, lane->label, sizeof(lane->label));
	if (b->info->machines[machine].epoch)
		snprintf(lane->label + strlen(lane->label),
			 sizeof(lane->label) - strlen(lane->label), ", boot %u",
			 b->info->machines[machine].epoch + 1);
	snprintf(lane->name, sizeof(lane->name), "%s", m->machine[machine].name);
	return 0;
}

static int add_requests(struct ivt_lane_builder *b, struct ivt_requests *rq, uint32_t machine)
{
	uint32_t dev[IVT_REQUESTS_DEVICES];
	size_t n;
	int err = 0;

	if (!rq)
		return 0;
	n = ivt_requests_devices(rq, machine, dev);
	for (size_t i = 0; i < n && !err; i++) {
		char disk[32];

		ivt_lane_builder_disk(b, machine, dev[i], disk, sizeof(disk));
		if (b->machine[machine].is_host)
			err = ivt_requests_add_host(rq, machine, dev[i], disk);
		else
			err = ivt_requests_add_guest(rq, machine, dev[i], disk);
	}
	return err;
}

/* Anything else than unknown? */
static bool is_known(const struct ivt_build_cpu *cpu)
{
	return cpu->lane.n > 1;
}

static int add_vcpu(struct ivt_lane_builder *b, uint32_t machine, uint32_t cpu)
{
	struct ivt_model *m = b->model;
	struct ivt_lane *lane =
		take(m, IVT_LANE_VCPU, machine, cpu, &b->machine[machine].cpu[cpu].lane);

	if (!lane)
		return -ENOMEM;
	snprintf(lane->label, sizeof(lane->label), "vCPU %u", cpu);
	snprintf(lane->name, sizeof(lane->name), "%s/vCPU %u", m->machine[machine].name, cpu);
	for (size_t v = 0; v < b->n_vcpus; v++) {
		if (b->vcpu[v].machine != machine || b->vcpu[v].vcpu != cpu ||
		    b->vcpu[v].lane.n < 2) /* the host saw nothing of it */
			continue;
		lane = take(m, IVT_LANE_VCPU_HOST, machine, cpu, &b->vcpu[v].lane);
		if (!lane)
			return -ENOMEM;
		snprintf(lane->label, sizeof(lane->label), "on host");
		snprintf(lane->name, sizeof(lane->name), "%s/vCPU %u on host",
			 m->machine[machine].name, cpu);
		break;
	}
	return 0;
}

/* ---- where records were lost ------------------------------------------------------ */

static int loss_order(const void *a, const void *b)
{
	const struct ivt_loss *x = a, *y = b;

	return x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
}

/* The union over the machine's streams, which may lose at the same time. */
static int draw_losses(struct ivt_lane_builder *b, uint32_t machine, struct ivt_lane_index *row)
{
	int64_t end = -1;
	int err = ivt_lane_index_append(row, 0, IVT_QUALITY_OK, IVT_LANE_NO_REF);

	qsort(b->loss, b->n_losses, sizeof(*b->loss), loss_order);
	for (size_t i = 0; i < b->n_losses && !err; i++) {
		int64_t from = ivt_model_time(b->model, b->loss[i].from_ns);
		int64_t to = ivt_model_time(b->model, b->loss[i].to_ns) + 1;

		if (b->loss[i].machine != machine || to <= end)
			continue;
		if (end >= 0 && from > end)
			err = ivt_lane_index_append(row, end, IVT_QUALITY_OK, IVT_LANE_NO_REF);
		if (!err)
			err = ivt_lane_index_append(row, from > end ? from : end, IVT_QUALITY_LOST,
						    IVT_LANE_NO_REF);
		end = to;
	}
	if (!err && end >= 0 && end < b->model->length_ns)
		err = ivt_lane_index_append(row, end, IVT_QUALITY_OK, IVT_LANE_NO_REF);
	return err ? err : ivt_lane_index_finish(row, b->model->length_ns);
}

static int add_quality(struct ivt_lane_builder *b, uint32_t machine)
{
	struct ivt_lane *lane;

	if (!b->model->machine[machine].lost)
		return 0;
	lane = ivt_model_add_lane(b->model, IVT_LANE_QUALITY, machine, 0, 1, IVT_QUALITY_SLOTS);
	if (!lane)
		return -ENOMEM;
	snprintf(lane->label, sizeof(lane->label), "lost records");
	snprintf(lane->name, sizeof(lane->name), "%s/lost records",
		 b->model->machine[machine].name);
	return draw_losses(b, machine, &lane->row[0]);
}

/* ---- the busiest tasks --------------------------------------------------------- */

struct task_rank {
	uint32_t task;
	uint64_t score;
};

static int rank_order(const void *a, const void *b)
{
	const struct task_rank *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->task < y->task ? -1 : x->task > y->task;
}

static int tid_order(const void *a, const void *b)
{
	const struct task_rank *x = a, *y = b;

	return x->score < y->score ? -1 : x->score > y->score;
}

/* Busy is who ran, wanted to run, or waited for a disk; a task that submitted
 * requests is what the trace is likely about. */
static uint64_t score_of(const struct ivt_lane_builder *b, uint32_t task)
{
	const struct ivt_build_task *t = &b->task[task];
	uint64_t ns[IVT_LANE_SLOTS], busy;

	ivt_lane_index_sum(&t->lane, 0, b->model->length_ns, ns);
	busy = ns[IVT_TASK_RUNNING] + ns[IVT_TASK_RUNNABLE] + ns[IVT_TASK_DISK_WAIT];
	return t->n_requests ? busy + (uint64_t)b->model->length_ns : busy;
}

static int take_task(struct ivt_lane_builder *b, uint32_t number)
{
	const struct ivt_task *task = &b->model->tasks.task[number];
	struct ivt_lane *lane =
		take(b->model, IVT_LANE_TASK, task->machine, number, &b->task[number].lane);

	if (!lane)
		return -ENOMEM;
	snprintf(lane->label, sizeof(lane->label), "%.15s %d", task->comm[0] ? task->comm : "?",
		 task->tid);
	snprintf(lane->name, sizeof(lane->name), "%s/%.15s %d",
		 b->model->machine[task->machine].name, task->comm[0] ? task->comm : "?",
		 task->tid);
	return 0;
}

static int add_tasks(struct ivt_lane_builder *b, uint32_t machine, unsigned int n_tasks)
{
	const struct ivt_task_table *tab = &b->model->tasks;
	struct task_rank *rank = malloc((tab->n + 1) * sizeof(*rank));
	size_t n = 0;
	int err = 0;

	if (!rank)
		return -ENOMEM;
	for (uint32_t i = 0; i < tab->n; i++) {
		if (tab->task[i].machine != machine || !tab->task[i].tid)
			continue;
		rank[n] = (struct task_rank){ i, score_of(b, i) };
		n += rank[n].score > 0;
	}
	qsort(rank, n, sizeof(*rank), rank_order);
	if (n > n_tasks)
		n = n_tasks;
	for (size_t i = 0; i < n; i++) /* shown in order of their ids */
		rank[i].score = (uint64_t)tab->task[rank[i].task].tid;
	qsort(rank, n, sizeof(*rank), tid_order);
	for (size_t i = 0; i < n && !err; i++)
		err = take_task(b, rank[i].task);
	free(rank);
	return err;
}

/* ---- the whole -------------------------------------------------------------------- */

static int add_events(struct ivt_lane_builder *b, uint32_t machine)
{
	return b->points ? ivt_point_builder_add_lane(b->points, machine) : 0;
}

static int add_guest(struct ivt_lane_builder *b, struct ivt_requests *rq, uint32_t machine,
		     unsigned int n_tasks)
{
	int err = add_group(b, machine);

	if (!err)
		err = add_quality(b, machine);
	if (!err)
		err = add_requests(b, rq, machine);
	for (uint32_t c = 0; c < b->machine[machine].n_cpus && !err; c++)
		if (is_known(&b->machine[machine].cpu[c]))
			err = add_vcpu(b, machine, c);
	if (!err)
		err = add_tasks(b, machine, n_tasks);
	return err ? err : add_events(b, machine);
}

static int add_host_cpus(struct ivt_lane_builder *b, uint32_t machine)
{
	bool is_empty = !b->model->machine[machine].lost &&
			!(b->points && ivt_point_builder_has(b->points, machine));
	int err = 0;

	for (uint32_t c = 0; c < b->machine[machine].n_cpus; c++)
		is_empty &= !is_known(&b->machine[machine].cpu[c]);
	if (!is_empty)
		err = add_group(b, machine);
	if (!err)
		err = add_quality(b, machine);
	for (uint32_t c = 0; c < b->machine[machine].n_cpus && !err; c++) {
		struct ivt_lane *lane;

		if (!is_known(&b->machine[machine].cpu[c]))
			continue;
		lane = take(b->model, IVT_LANE_HOST_CPU, machine, c,
			    &b->machine[machine].cpu[c].lane);
		if (!lane)
			return -ENOMEM;
		snprintf(lane->label, sizeof(lane->label), "CPU %u", c);
		snprintf(lane->name, sizeof(lane->name), "host/CPU %u", c);
	}
	return err ? err : add_events(b, machine);
}

static int add_host_disks(struct ivt_lane_builder *b, struct ivt_requests *rq, uint32_t machine)
{
	uint32_t dev[IVT_REQUESTS_DEVICES];
	int err;

	if (!rq || !ivt_requests_devices(rq, machine, dev))
		return 0;
	err = add_group(b, machine);
	if (err)
		return err;
	snprintf(b->model->lane[b->model->n_lanes - 1].label, sizeof(b->model->lane->label),
		 "host disk");
	return add_requests(b, rq, machine);
}

static bool is_shown(const struct ivt_lane_builder *b, uint32_t machine)
{
	return machine < b->info->n_machines && !b->machine[machine].is_host &&
	       b->model->machine[machine].records;
}

int ivt_lane_order_assemble(struct ivt_lane_builder *b, struct ivt_requests *rq,
			    unsigned int n_tasks)
{
	const uint32_t victim = b->model->victim, culprit = b->model->culprit;
	int err = 0;

	/* The verdict, readable from top to bottom: who waits, the disk, for whom. */
	if (is_shown(b, victim))
		err = add_guest(b, rq, victim, n_tasks);
	for (uint32_t i = 0; i < b->info->n_machines && !err; i++)
		if (b->machine[i].is_host)
			err = add_host_disks(b, rq, i);
	if (!err && culprit != victim && is_shown(b, culprit))
		err = add_guest(b, rq, culprit, n_tasks);
	for (uint32_t i = 0; i < b->info->n_machines && !err; i++)
		if (i != victim && i != culprit && is_shown(b, i))
			err = add_guest(b, rq, i, n_tasks);
	for (uint32_t i = 0; i < b->info->n_machines && !err; i++)
		if (b->machine[i].is_host)
			err = add_host_cpus(b, i);
	return err;
}
