// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/lane_builder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ivring/events.h>
#include "trace/names.h"

#define EXIT_HLT_VMX 12
#define EXIT_HLT_SVM 0x78
#define ISA_VMX	     1
#define MAX_DISKS    256

/* ---- tasks ---------------------------------------------------------------- */

static int task_get(struct ivt_lane_builder *b, uint32_t machine, int32_t tid, uint32_t *ret)
{
	struct ivt_task_table *tab = &b->model->tasks;
	size_t before = tab->n;
	int err = ivt_task_table_get(tab, machine, tid, ret);

	if (err || tab->n == before)
		return err;
	if (tab->n > b->cap_tasks) {
		struct ivt_build_task *p = realloc(b->task, tab->cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		b->task = p;
		b->cap_tasks = tab->cap;
	}
	memset(&b->task[*ret], 0, sizeof(*b->task));
	ivt_lane_index_init(&b->task[*ret].lane, IVT_TASK_SLOTS);
	b->task[*ret].vcpu = -1;
	if (!b->machine[machine].is_host)
		return ivt_lane_index_append(&b->task[*ret].lane, 0, IVT_TASK_UNKNOWN,
					     IVT_LANE_NO_REF);
	return 0;
}

static int task_state(struct ivt_lane_builder *b, uint32_t number, int64_t t, unsigned int slot)
{
	const struct ivt_task *task = &b->model->tasks.task[number];

	if (b->machine[task->machine].is_host || !task->tid)
		return 0;
	return ivt_lane_index_append(&b->task[number].lane, t, slot, IVT_LANE_NO_REF);
}

/* ---- CPUs ------------------------------------------------------------------ */

/* Which VM a host task works for is settled at the end (name_vms()). */
static unsigned int host_cpu_slot(const struct ivt_lane_builder *b, const struct ivt_build_cpu *cpu)
{
	if (cpu->n_hard)
		return IVT_CPU_IRQ;
	if (cpu->n_soft)
		return IVT_CPU_SOFTIRQ;
	if (!cpu->has_switches)
		return IVT_CPU_UNKNOWN;
	return b->model->tasks.task[cpu->task].tid ? IVT_CPU_HOST : IVT_CPU_IDLE;
}

static unsigned int guest_cpu_slot(const struct ivt_lane_builder *b,
				   const struct ivt_build_cpu *cpu)
{
	if (cpu->n_hard)
		return IVT_VCPU_IRQ;
	if (cpu->n_soft)
		return IVT_VCPU_SOFTIRQ;
	if (!cpu->has_switches)
		return IVT_VCPU_UNKNOWN;
	return b->model->tasks.task[cpu->task].tid ? IVT_VCPU_TASK : IVT_VCPU_IDLE;
}

static int cpu_update(struct ivt_lane_builder *b, const struct ivt_event *ev, int64_t t)
{
	const struct ivt_build_machine *m = &b->machine[ev->machine];
	struct ivt_build_cpu *cpu = &m->cpu[ev->cpu];
	unsigned int slot = m->is_host ? host_cpu_slot(b, cpu) : guest_cpu_slot(b, cpu);

	return ivt_lane_index_append(&cpu->lane, t, slot,
				     cpu->has_switches ? cpu->task : IVT_LANE_NO_REF);
}

/* A record says who is current, but only a switch that it stays so. */
static int cpu_get(struct ivt_lane_builder *b, const struct ivt_event *ev)
{
	struct ivt_build_machine *m = &b->machine[ev->machine];
	unsigned int slots = m->is_host ? IVT_CPU_SLOTS : IVT_VCPU_SLOTS;
	struct ivt_build_cpu *cpu;
	int err;

	if (ev->cpu >= IVT_MAX_VCPUS)
		return -ENOENT;
	if (ev->cpu >= m->n_cpus) {
		cpu = realloc(m->cpu, (ev->cpu + 1) * sizeof(*cpu));
		if (!cpu)
			return -ENOMEM;
		m->cpu = cpu;
		memset(cpu + m->n_cpus, 0, (ev->cpu + 1 - m->n_cpus) * sizeof(*cpu));
		for (; m->n_cpus <= ev->cpu; m->n_cpus++)
			ivt_lane_index_init(&cpu[m->n_cpus].lane, slots);
	}
	cpu = &m->cpu[ev->cpu];
	if (cpu->is_seen)
		return 0;
	cpu->is_seen = true;
	err = ivt_lane_index_append(&cpu->lane, 0, slots - 1, IVT_LANE_NO_REF);
	if (!err)
		err = task_get(b, ev->machine, (int32_t)ev->tid, &cpu->task);
	return err;
}

/* ---- vCPU threads ------------------------------------------------------------ */

static int vcpu_state(struct ivt_lane_builder *b, uint32_t thread, int64_t t, unsigned int slot,
		      uint32_t culprit)
{
	int32_t v = b->task[thread].vcpu;

	return v < 0 ? 0 : ivt_lane_index_append(&b->vcpu[v].lane, t, slot, culprit);
}

static int vcpu_switched_out(struct ivt_lane_builder *b, uint32_t thread, int64_t t,
			     int64_t prev_state, uint32_t next)
{
	int32_t v = b->task[thread].vcpu;
	unsigned int slot = IVT_VH_HALTED;

	if (v < 0)
		return 0;
	if (!(prev_state & 0xff))
		slot = b->vcpu[v].was_halt ? IVT_VH_HALTED : IVT_VH_PREEMPTED;
	else if (prev_state & 2)
		slot = IVT_VH_BLOCKED;
	return vcpu_state(b, thread, t, slot, slot == IVT_VH_PREEMPTED ? next : IVT_LANE_NO_REF);
}

static int on_kvm(struct ivt_lane_builder *b, const struct ivt_event *ev, int64_t t)
{
	uint32_t thread;
	int err = task_get(b, ev->machine, (int32_t)ev->tid, &thread);
	int32_t v;

	if (err)
		return err;
	b->model->has_kvm_events = true;
	v = b->task[thread].vcpu;
	if (v < 0)
		return 0;
	if (ev->type == IVT_TYPE_kvm_x86_exit) {
		const struct ivt_ev_kvm_x86_exit *e = ev->payload;

		b->vcpu[v].was_halt = e->exit_reason ==
				      (e->isa == ISA_VMX ? EXIT_HLT_VMX : EXIT_HLT_SVM);
		return vcpu_state(b, thread, t, IVT_VH_HYP, IVT_LANE_NO_REF);
	}
	b->vcpu[v].was_halt = false;
	return vcpu_state(b, thread, t, IVT_VH_GUEST, IVT_LANE_NO_REF);
}

/* ---- records -------------------------------------------------------------------- */

static unsigned int task_slot_of(int64_t prev_state)
{
	if (!(prev_state & 0xff))
		return IVT_TASK_RUNNABLE;
	if (prev_state & 0x30)
		return IVT_TASK_GONE;
	return prev_state & 2 ? IVT_TASK_DISK_WAIT : IVT_TASK_SLEEPING;
}

/* The last switch of a task that exits may tell any state. */
static unsigned int left_in(const struct ivt_lane_builder *b, uint32_t number, int64_t prev_state)
{
	return b->task[number].is_exiting ? IVT_TASK_GONE : task_slot_of(prev_state);
}

static int on_task_exit(struct ivt_lane_builder *b, const struct ivt_event *ev)
{
	const struct ivt_ev_sched_process_exit *e = ev->payload;
	uint32_t number;
	int err = task_get(b, ev->machine, e->tid, &number);

	if (!err)
		b->task[number].is_exiting = true;
	return err;
}

static int on_switch(struct ivt_lane_builder *b, const struct ivt_event *ev, int64_t t)
{
	const struct ivt_ev_sched_switch *e = ev->payload;
	uint32_t prev, next;
	int err = task_get(b, ev->machine, e->prev_tid, &prev);

	if (!err)
		err = task_get(b, ev->machine, e->next_tid, &next);
	if (err)
		return err;
	ivt_task_name(&b->model->tasks.task[prev], e->prev_comm);
	ivt_task_name(&b->model->tasks.task[next], e->next_comm);
	b->machine[ev->machine].cpu[ev->cpu].task = next;
	err = task_state(b, prev, t, left_in(b, prev, e->prev_state));
	if (!err)
		err = task_state(b, next, t, IVT_TASK_RUNNING);
	if (!err)
		err = vcpu_switched_out(b, prev, t, e->prev_state, next);
	if (!err)
		err = vcpu_state(b, next, t, IVT_VH_HYP, IVT_LANE_NO_REF);
	return err;
}

/* A waking record is written while the task may still run on another CPU: only
 * one that is off becomes runnable. */
static int on_wake(struct ivt_lane_builder *b, const struct ivt_event *ev, int64_t t)
{
	const struct ivt_ev_sched_waking *e = ev->payload;
	const struct ivt_lane_index *lane;
	uint32_t number;
	int err = task_get(b, ev->machine, e->tid, &number);
	int32_t v;

	if (err)
		return err;
	ivt_task_name(&b->model->tasks.task[number], e->comm);
	lane = &b->task[number].lane;
	if (!lane->n || lane->state[lane->n - 1] != IVT_TASK_RUNNING)
		err = task_state(b, number, t, IVT_TASK_RUNNABLE);
	v = b->task[number].vcpu;
	if (err || v < 0)
		return err;
	lane = &b->vcpu[v].lane;
	if (lane->n && (lane->state[lane->n - 1] == IVT_VH_HALTED ||
			lane->state[lane->n - 1] == IVT_VH_BLOCKED))
		err = vcpu_state(b, number, t, IVT_VH_READY, IVT_LANE_NO_REF);
	return err;
}

static int on_statedump(struct ivt_lane_builder *b, const struct ivt_event *ev, int64_t t)
{
	const struct ivt_ev_lttng_statedump_process_state *e = ev->payload;
	const struct ivt_lane_index *lane;
	uint32_t number;
	int err = task_get(b, ev->machine, e->tid, &number);

	if (err)
		return err;
	ivt_task_name(&b->model->tasks.task[number], e->name);
	lane = &b->task[number].lane;
	if (lane->n != 1) /* a record of the task itself knows better */
		return 0;
	if (e->status == IVT_TASK_STATUS_WAIT)
		return task_state(b, number, t, IVT_TASK_SLEEPING);
	return 0;
}

static int on_fork(struct ivt_lane_builder *b, const struct ivt_event *ev)
{
	const struct ivt_ev_sched_process_fork *e = ev->payload;
	uint32_t child;
	int err = task_get(b, ev->machine, e->child_tid, &child);

	if (err)
		return err;
	ivt_task_name(&b->model->tasks.task[child], e->child_comm);
	b->task[child].is_exiting = false; /* the tid is used again */
	return 0;
}

static int on_disk(struct ivt_lane_builder *b, const struct ivt_event *ev)
{
	const struct ivt_ev_lttng_statedump_block_device *e = ev->payload;
	struct ivt_build_disk *disk;
	char name[sizeof(disk->name)];

	for (size_t i = 0; i < b->n_disks; i++)
		if (b->disk[i].machine == ev->machine && b->disk[i].dev == e->dev)
			return 0;
	if (b->n_disks == MAX_DISKS)
		return 0;
	disk = realloc(b->disk, (b->n_disks + 1) * sizeof(*disk));
	if (!disk)
		return -ENOMEM;
	b->disk = disk;
	disk += b->n_disks++;
	disk->machine = ev->machine;
	disk->dev = e->dev;
	ivt_field_text(ev->desc, ev->payload, "diskname", name, sizeof(name));
	ivt_name_clean(disk->name, sizeof(disk->name), name);
	return 0;
}

static int on_request(struct ivt_lane_builder *b, const struct ivt_event *ev)
{
	const struct ivt_ev_block_bio_queue *e = ev->payload;
	uint32_t number;
	int err = task_get(b, ev->machine, e->tid, &number);

	if (!err)
		b->task[number].n_requests++;
	return err;
}

static void on_irq(struct ivt_build_cpu *cpu, uint16_t type)
{
	switch (type) {
	case IVT_TYPE_irq_handler_entry:
		cpu->n_hard++;
		break;
	case IVT_TYPE_irq_handler_exit:
		cpu->n_hard -= cpu->n_hard > 0;
		break;
	case IVT_TYPE_irq_softirq_entry:
		cpu->n_soft++;
		break;
	case IVT_TYPE_irq_softirq_exit:
		cpu->n_soft -= cpu->n_soft > 0;
		break;
	}
}

static int feed_one(struct ivt_lane_builder *b, const struct ivt_event *ev, int64_t t)
{
	struct ivt_build_cpu *cpu = &b->machine[ev->machine].cpu[ev->cpu];

	switch (ev->type) {
	case IVT_TYPE_sched_switch:
		/* A switch happens in task context: nothing nested is left. */
		cpu->n_hard = 0;
		cpu->n_soft = 0;
		cpu->has_switches = true;
		return on_switch(b, ev, t);
	case IVT_TYPE_sched_waking:
	case IVT_TYPE_sched_wakeup:
	case IVT_TYPE_sched_wakeup_new:
		return on_wake(b, ev, t);
	case IVT_TYPE_sched_process_fork:
		return on_fork(b, ev);
	case IVT_TYPE_sched_process_exit:
		return on_task_exit(b, ev);
	case IVT_TYPE_lttng_statedump_process_state:
		return on_statedump(b, ev, t);
	case IVT_TYPE_lttng_statedump_block_device:
		return on_disk(b, ev);
	case IVT_TYPE_block_bio_queue:
		return on_request(b, ev);
	case IVT_TYPE_kvm_x86_entry:
	case IVT_TYPE_kvm_x86_exit:
		return on_kvm(b, ev, t);
	default:
		on_irq(cpu, ev->type);
		return 0;
	}
}

/* Nothing is known of a machine once its next boot writes records. */
static int end_boot(struct ivt_lane_builder *b, uint32_t machine, int64_t t)
{
	struct ivt_build_machine *m = &b->machine[machine];
	int err = 0;

	for (size_t c = 0; c < m->n_cpus && !err; c++)
		if (m->cpu[c].is_seen)
			err = ivt_lane_index_append(&m->cpu[c].lane, t, IVT_VCPU_UNKNOWN,
						    IVT_LANE_NO_REF);
	for (uint32_t i = 0; i < b->model->tasks.n && !err; i++)
		if (b->model->tasks.task[i].machine == machine)
			err = task_state(b, i, t, IVT_TASK_GONE);
	return err;
}

static int begin_boot(struct ivt_lane_builder *b, uint32_t machine, int64_t t)
{
	const struct ivt_model_machine *all = b->model->machine;

	if (b->machine[machine].is_host)
		return 0;
	for (uint32_t i = machine; i-- > 0;)
		if (!b->machine[i].is_host && all[i].records &&
		    !strcmp(all[i].name, all[machine].name))
			return end_boot(b, i, t);
	return 0;
}

int ivt_lane_builder_feed(struct ivt_lane_builder *b, const struct ivt_event *ev)
{
	int64_t t = ivt_model_time(b->model, ev->host_ns);
	int err;

	if (ev->machine >= b->info->n_machines)
		return 0;
	err = cpu_get(b, ev);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = ivt_tasks_feed(b->who, ev);
	if (err)
		return err;
	if (t < 0)
		t = 0;
	if (!b->model->machine[ev->machine].records++)
		err = begin_boot(b, ev->machine, t);
	b->model->n_records++;
	if (!err)
		err = feed_one(b, ev, t);
	return err ? err : cpu_update(b, ev, t);
}

/* ---- begin and end ------------------------------------------------------------------ */

static int ordinal_of(const struct ivt_lane_builder *b, size_t machine, int *n_vms)
{
	const struct ivt_model_machine *all = b->model->machine;

	if (b->machine[machine].is_host)
		return IVT_MODEL_NO_VM;
	for (size_t i = 0; i < machine; i++)
		if (!b->machine[i].is_host && !strcmp(all[i].name, all[machine].name))
			return all[i].ordinal;
	return (*n_vms)++;
}

static int add_vcpu_threads(struct ivt_lane_builder *b, uint32_t host, uint32_t guest)
{
	const struct ivt_machine_info *info = &b->info->machines[guest];
	int err = 0;

	for (size_t i = 0; i < info->n_vcpus && !err; i++) {
		struct ivt_build_vcpu *v;
		uint32_t thread;

		if (info->vcpus[i].tid <= 0)
			continue;
		err = task_get(b, host, info->vcpus[i].tid, &thread);
		v = realloc(b->vcpu, (b->n_vcpus + 1) * sizeof(*v));
		if (err || !v)
			return err ? err : -ENOMEM;
		b->vcpu = v;
		v += b->n_vcpus;
		memset(v, 0, sizeof(*v));
		v->machine = guest;
		v->vcpu = info->vcpus[i].index;
		v->thread = thread;
		ivt_lane_index_init(&v->lane, IVT_VH_SLOTS);
		b->model->tasks.task[thread].owner = guest;
		b->model->tasks.task[thread].vcpu = (int32_t)v->vcpu;
		b->task[thread].vcpu = (int32_t)b->n_vcpus++;
		err = ivt_lane_index_append(&v->lane, 0, IVT_VH_UNKNOWN, IVT_LANE_NO_REF);
	}
	return err;
}

int ivt_lane_builder_init(struct ivt_lane_builder *b, struct ivt_model *model,
			  const struct ivt_trace_info *info)
{
	uint32_t host = 0;
	int n_vms = 0, err = 0;

	memset(b, 0, sizeof(*b));
	b->model = model;
	b->info = info;
	b->machine = calloc(info->n_machines + 1, sizeof(*b->machine));
	model->machine = calloc(info->n_machines + 1, sizeof(*model->machine));
	if (!b->machine || !model->machine)
		return -ENOMEM;
	model->n_machines = info->n_machines;
	for (size_t i = 0; i < info->n_machines; i++) {
		b->machine[i].is_host = info->machines[i].kind == IVT_HOST;
		if (b->machine[i].is_host)
			host = (uint32_t)i;
		snprintf(model->machine[i].name, sizeof(model->machine[i].name), "%s",
			 info->machines[i].name);
		model->machine[i].ordinal = ordinal_of(b, i, &n_vms);
	}
	err = ivt_tasks_create(info, &b->who);
	for (size_t i = 0; i < info->n_machines && !err; i++)
		if (!b->machine[i].is_host)
			err = add_vcpu_threads(b, host, (uint32_t)i);
	return err;
}

void ivt_lane_builder_set_losses(struct ivt_lane_builder *b, struct ivt_loss *loss, size_t n)
{
	b->loss = loss;
	b->n_losses = n;
	for (size_t i = 0; i < n; i++) {
		if (loss[i].machine >= b->model->n_machines)
			continue;
		b->model->machine[loss[i].machine].lost += loss[i].records;
		b->model->n_lost += loss[i].records;
	}
}

void ivt_lane_builder_deinit(struct ivt_lane_builder *b)
{
	for (size_t i = 0; b->machine && i < b->info->n_machines; i++) {
		for (size_t c = 0; c < b->machine[i].n_cpus; c++)
			ivt_lane_index_deinit(&b->machine[i].cpu[c].lane);
		free(b->machine[i].cpu);
	}
	for (size_t i = 0; i < b->n_vcpus; i++)
		ivt_lane_index_deinit(&b->vcpu[i].lane);
	for (size_t i = 0; b->task && i < b->model->tasks.n; i++)
		ivt_lane_index_deinit(&b->task[i].lane);
	if (b->who)
		ivt_tasks_destroy(b->who);
	free(b->machine);
	free(b->vcpu);
	free(b->task);
	free(b->disk);
	free(b->loss);
	memset(b, 0, sizeof(*b));
}

/* The list of tasks may come late in a trace and speaks for the time before. */
static void name_vms(struct ivt_lane_builder *b, struct ivt_lane_index *lane)
{
	for (size_t i = 0; i < lane->n; i++) {
		struct ivt_task *task;
		uint32_t vm;
		int ordinal;

		if (lane->state[i] != IVT_CPU_HOST)
			continue;
		task = &b->model->tasks.task[lane->ref[i]];
		vm = ivt_tasks_vm(b->who, task->tid, b->model->origin_ns + (uint64_t)lane->t[i]);
		ordinal = ivt_model_ordinal(b->model, vm);
		if (ordinal == IVT_MODEL_NO_VM)
			continue;
		task->owner = vm;
		lane->state[i] =
			(uint8_t)(ordinal < IVT_CPU_VMS ? IVT_CPU_VM + ordinal : IVT_CPU_OTHER_VM);
	}
}

int ivt_lane_builder_finish(struct ivt_lane_builder *b)
{
	int64_t end = b->model->length_ns;
	int err = 0;

	for (size_t i = 0; i < b->info->n_machines; i++)
		for (size_t c = 0; c < b->machine[i].n_cpus && !err; c++) {
			if (b->machine[i].is_host)
				name_vms(b, &b->machine[i].cpu[c].lane);
			err = ivt_lane_index_finish(&b->machine[i].cpu[c].lane, end);
		}
	for (size_t i = 0; i < b->n_vcpus && !err; i++)
		err = ivt_lane_index_finish(&b->vcpu[i].lane, end);
	for (size_t i = 0; i < b->model->tasks.n && !err; i++)
		err = ivt_lane_index_finish(&b->task[i].lane, end);
	return err;
}

void ivt_lane_builder_disk(const struct ivt_lane_builder *b, uint32_t machine, uint32_t dev,
			   char *ret, size_t bytes)
{
	for (size_t i = 0; i < b->n_disks; i++)
		if (b->disk[i].machine == machine && b->disk[i].dev == dev) {
			snprintf(ret, bytes, "%s", b->disk[i].name);
			return;
		}
	snprintf(ret, bytes, "%u:%u", dev >> 20, dev & 0xfffff);
}
