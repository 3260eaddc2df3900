// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Containment: a guest's record was made while its vCPU ran, so it lies between
 * a kvm_entry and the next kvm_exit of that vCPU's thread.  Both are host
 * events, so any other place shows an error of the guest's clock.
 *
 * A record is held back until its vCPU's next host event tells how far outside
 * it is.  The first host event of a vCPU tells what was before it, too; while
 * the host lost records, and before and after its recording, nothing is known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "analysis/map.h"
#include "analysis/sync_internal.h"

/* Held back at most, per vCPU: a guest may record for long without an entry. */
#define MAX_HELD 65536

enum run_state {
	RUN_UNKNOWN,
	RUN_INSIDE,
	RUN_OUTSIDE,
};

struct held {
	uint64_t ns;
	uint32_t tolerance_ns;
	uint32_t vcpu; /* of the result */
};

/* A vCPU of one QEMU, over all guests that it ran one after another. */
struct run {
	enum run_state state;
	uint64_t period;  /* of the host's recording: another one is another story */
	uint64_t exit_ns; /* RUN_OUTSIDE: since when */
	int32_t tid;
	struct held *held; /* ascending */
	size_t n_held, capacity;
};

/* Of a vCPU of the result. */
struct vcpu_state {
	size_t run;
	struct sync_cursor cursor;
	uint64_t n_inside; /* not yet counted: the host has to record on after them */
	uint64_t host_records;
};

struct sync_contain {
	struct ivt_trace *trace;
	const struct ivt_trace_info *info;
	const struct ivt_tasks *tasks;
	struct ivt_sync_result *r;
	struct sync_width width;
	uint32_t *group;      /* per machine: the first one of the same QEMU */
	struct ivt_map vms;   /* host thread -> group, or n_machines: of no VM */
	struct ivt_map by_id; /* (group, vCPU) -> runs */
	struct run *runs;
	size_t n_runs, runs_capacity;
	struct ivt_map by_machine; /* (machine, vCPU) -> vcpus */
	struct vcpu_state *vcpus;  /* parallel to r->vcpus */
	size_t last_vcpu;	   /* that was asked for: records come in runs */
	size_t vcpus_capacity, states_capacity;
	struct ivt_loss *losses; /* the host's, ascending in from_ns */
	size_t n_losses, next_loss;
	uint64_t blind_until_ns;
	uint64_t period; /* grows where the host was blind */
	uint64_t host_records;
	uint64_t host_last_ns;
};

/* ---- runs and vCPUs -------------------------------------------------------- */

static struct run *run_get(struct sync_contain *c, uint32_t group, uint32_t vcpu)
{
	size_t i = ivt_map_get(&c->by_id, group, vcpu);

	if (i != IVT_MAP_NONE)
		return &c->runs[i];
	if (ivt_array_reserve(&c->runs, &c->runs_capacity, c->n_runs + 1, sizeof(*c->runs)) ||
	    ivt_map_set(&c->by_id, group, vcpu, c->n_runs))
		return NULL;
	c->runs[c->n_runs] = (struct run){ .tid = -1 };
	return &c->runs[c->n_runs++];
}

static int vcpu_get(struct sync_contain *c, uint32_t machine, uint32_t vcpu, size_t *ret)
{
	struct ivt_sync_result *r = c->r;
	struct vcpu_state *state;
	struct run *run;
	size_t i = c->last_vcpu;

	if (i < r->n_vcpus && r->vcpus[i].machine == machine && r->vcpus[i].vcpu == vcpu) {
		*ret = i;
		return 0;
	}
	i = ivt_map_get(&c->by_machine, machine, vcpu);
	if (i != IVT_MAP_NONE) {
		*ret = c->last_vcpu = i;
		return 0;
	}
	i = r->n_vcpus;
	run = run_get(c, c->group[machine], vcpu);
	if (!run || ivt_array_reserve(&r->vcpus, &c->vcpus_capacity, i + 1, sizeof(*r->vcpus)) ||
	    ivt_array_reserve(&c->vcpus, &c->states_capacity, i + 1, sizeof(*c->vcpus)) ||
	    ivt_map_set(&c->by_machine, machine, vcpu, i))
		return -ENOMEM;
	r->vcpus[i] = (struct ivt_sync_vcpu){ .machine = machine, .vcpu = vcpu, .tid = -1 };
	state = &c->vcpus[i];
	*state = (struct vcpu_state){ .run = run - c->runs };
	state->cursor.history = ivt_trace_history(c->trace, machine, vcpu, &state->cursor.n);
	r->n_vcpus++;
	*ret = i;
	return 0;
}

/* ---- what is held ------------------------------------------------------------ */

static void count_outside(struct sync_contain *c, const struct held *h, uint64_t distance_ns)
{
	struct ivt_sync_vcpu *v = &c->r->vcpus[h->vcpu];

	v->checked++;
	if (distance_ns <= h->tolerance_ns)
		return;
	v->outside++;
	if (distance_ns > v->worst_outside_ns)
		v->worst_outside_ns = distance_ns;
}

/* The first @n of the held were made outside, before an entry at @entry_ns. */
static void settle_outside(struct sync_contain *c, struct run *run, size_t n, uint64_t entry_ns)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct held *h = &run->held[i];
		uint64_t distance_ns = entry_ns - h->ns;

		if (run->state == RUN_OUTSIDE && h->ns - run->exit_ns < distance_ns)
			distance_ns = h->ns - run->exit_ns;
		count_outside(c, h, distance_ns);
	}
	if (!n)
		return;
	run->n_held -= n;
	memmove(run->held, run->held + n, run->n_held * sizeof(*run->held));
}

static void settle_inside(struct sync_contain *c, struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_held; i++)
		c->r->vcpus[run->held[i].vcpu].checked++;
	run->n_held = 0;
}

/* Nothing will tell any more where they were made. */
static void settle_unknown(struct run *run)
{
	run->n_held = 0;
}

static int hold(struct sync_contain *c, struct run *run, struct held h)
{
	if (run->n_held == MAX_HELD) {
		/* The entry is later than this record: the distance is at least so. */
		if (run->state == RUN_OUTSIDE)
			settle_outside(c, run, MAX_HELD / 2, h.ns);
		else
			settle_unknown(run);
	}
	if (ivt_array_reserve(&run->held, &run->capacity, run->n_held + 1, sizeof(*run->held)))
		return -ENOMEM;
	run->held[run->n_held++] = h;
	return 0;
}

static void flush_inside(struct sync_contain *c, size_t vcpu)
{
	struct vcpu_state *state = &c->vcpus[vcpu];

	if (state->host_records == c->host_records)
		return;
	c->r->vcpus[vcpu].checked += state->n_inside;
	state->n_inside = 0;
	state->host_records = c->host_records;
}

/* ---- where the host is blind ---------------------------------------------------- */

/* @until_ns: the end of what the host recorded before it went blind. */
static void run_renew(struct sync_contain *c, struct run *run, uint64_t until_ns)
{
	size_t n = 0;

	while (n < run->n_held && run->held[n].ns <= until_ns)
		n++;
	if (run->state == RUN_OUTSIDE)
		settle_outside(c, run, n, UINT64_MAX);
	settle_unknown(run);
	run->state = RUN_UNKNOWN;
	run->period = c->period;
}

static bool is_blind(struct sync_contain *c, uint64_t ns)
{
	while (c->next_loss < c->n_losses && c->losses[c->next_loss].from_ns <= ns) {
		if (c->losses[c->next_loss].to_ns > c->blind_until_ns)
			c->blind_until_ns = c->losses[c->next_loss].to_ns;
		c->next_loss++;
		c->period++;
	}
	return ns <= c->blind_until_ns;
}

static bool is_host(const struct sync_contain *c, uint32_t machine)
{
	return c->info->machines[machine].kind == IVT_HOST;
}

static int by_from(const void *a, const void *b)
{
	const struct ivt_loss *x = a, *y = b;

	return x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
}

static int losses_read(struct sync_contain *c)
{
	size_t i, n, n_host = 0;
	int ret = ivt_trace_losses(c->trace, &c->losses, &n);

	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		if (c->losses[i].machine < c->info->n_machines && is_host(c, c->losses[i].machine))
			c->losses[n_host++] = c->losses[i];
	c->n_losses = n_host;
	if (n_host)
		qsort(c->losses, n_host, sizeof(*c->losses), by_from);
	return 0;
}

/* ---- events -------------------------------------------------------------------- */

/* The group of the VM that a host's thread works for; n_machines: of none. */
static int vm_of(struct sync_contain *c, const struct ivt_event *ev, uint32_t *ret)
{
	size_t known = ivt_map_get(&c->vms, ev->tid, 0);
	uint32_t vm;

	if (known == IVT_MAP_NONE) {
		vm = ivt_tasks_vm(c->tasks, ev->tid, ev->host_ns);
		if (vm == IVT_TASKS_UNKNOWN) { /* perhaps later */
			*ret = c->info->n_machines;
			return 0;
		}
		known = vm < c->info->n_machines ? c->group[vm] : c->info->n_machines;
		if (ivt_map_set(&c->vms, ev->tid, 0, known))
			return -ENOMEM;
	}
	*ret = known;
	return 0;
}

static int on_kvm(struct sync_contain *c, const struct ivt_event *ev)
{
	uint32_t vcpu = ivt_field_int(ev->desc, ev->payload, "vcpu_id"), group;
	struct run *run;

	if (vm_of(c, ev, &group))
		return -ENOMEM;
	if (group == c->info->n_machines || vcpu >= IVT_MAX_VCPUS)
		return 0;
	run = run_get(c, group, vcpu);
	if (!run)
		return -ENOMEM;
	if (run->period != c->period)
		run_renew(c, run, c->losses[c->next_loss - 1].from_ns);
	run->tid = ev->tid;
	if (ev->type == IVT_TYPE_kvm_x86_entry) {
		/* After a fast exit KVM enters again and reports it only here. */
		if (run->state != RUN_INSIDE)
			settle_outside(c, run, run->n_held, ev->host_ns);
		run->state = RUN_INSIDE;
		return 0;
	}
	/* A second exit: its entry is not in the trace. */
	if (run->state == RUN_OUTSIDE)
		settle_unknown(run);
	else
		settle_inside(c, run);
	run->state = RUN_OUTSIDE;
	run->exit_ns = ev->host_ns;
	return 0;
}

/* A tid that is given to another task. */
static int on_fork(struct sync_contain *c, const struct ivt_event *ev)
{
	uint32_t tid = ivt_field_int(ev->desc, ev->payload, "child_tid");

	if (ivt_map_get(&c->vms, tid, 0) == IVT_MAP_NONE)
		return 0;
	return ivt_map_set(&c->vms, tid, 0, IVT_MAP_NONE);
}

static int on_host(struct sync_contain *c, const struct ivt_event *ev)
{
	switch (ev->type) {
	case IVT_TYPE_lttng_statedump_start:
	case IVT_TYPE_lttng_statedump_process_state:
	case IVT_TYPE_lttng_statedump_block_device:
	case IVT_TYPE_lttng_statedump_end:
		return 0; /* made before the probes are there */
	}
	c->host_records++;
	c->host_last_ns = ev->host_ns;
	if (is_blind(c, ev->host_ns))
		return 0;
	if (ev->type == IVT_TYPE_kvm_x86_entry || ev->type == IVT_TYPE_kvm_x86_exit)
		return on_kvm(c, ev);
	return ev->type == IVT_TYPE_sched_process_fork ? on_fork(c, ev) : 0;
}

static int on_guest(struct sync_contain *c, const struct ivt_event *ev)
{
	struct vcpu_state *state;
	uint64_t tolerance_ns;
	struct run *run;
	size_t i;

	if (vcpu_get(c, ev->machine, ev->cpu, &i))
		return -ENOMEM;
	c->r->vcpus[i].records++;
	state = &c->vcpus[i];
	run = &c->runs[state->run];
	if (!c->host_records || is_blind(c, ev->host_ns))
		return 0;
	tolerance_ns = sync_bound_at(&state->cursor, &c->width, ev->host_ns) +
		       sync_width_at(&c->width, ev->host_ns);
	if (run->period != c->period)
		run_renew(c, run, c->losses[c->next_loss - 1].from_ns);
	flush_inside(c, i);
	if (run->state == RUN_INSIDE ||
	    (run->state == RUN_OUTSIDE && ev->host_ns - run->exit_ns <= tolerance_ns)) {
		state->n_inside++;
		return 0;
	}
	if (tolerance_ns > UINT32_MAX)
		tolerance_ns = UINT32_MAX;
	return hold(c, run, (struct held){ ev->host_ns, (uint32_t)tolerance_ns, (uint32_t)i });
}

int sync_contain_event(struct sync_contain *c, const struct ivt_event *ev)
{
	return is_host(c, ev->machine) ? on_host(c, ev) : on_guest(c, ev);
}

/* ---- from beginning to end --------------------------------------------------------- */

/* vCPUs that have no records are named, too. */
static int vcpus_known(struct sync_contain *c)
{
	uint32_t m;
	size_t i, v;

	for (m = 0; m < c->info->n_machines; m++) {
		for (i = 0; !is_host(c, m) && i < c->info->machines[m].n_vcpus; i++) {
			const struct ivt_vcpu *vcpu = &c->info->machines[m].vcpus[i];

			if (vcpu->index >= IVT_MAX_VCPUS)
				continue;
			if (vcpu_get(c, m, vcpu->index, &v))
				return -ENOMEM;
			c->r->vcpus[v].tid = vcpu->tid;
		}
	}
	return 0;
}

int sync_contain_create(struct ivt_trace *t, const struct ivt_tasks *tasks,
			struct ivt_sync_result *r, struct sync_contain **ret)
{
	struct sync_contain *c = calloc(1, sizeof(*c));
	uint32_t m, k;

	if (!c)
		return -ENOMEM;
	c->trace = t;
	c->info = ivt_trace_info_of(t);
	c->tasks = tasks;
	c->r = r;
	c->width.snapshots = ivt_trace_snapshots(t, &c->width.n);
	c->width.tsc_hz = r->tsc_hz;
	c->group = malloc((c->info->n_machines + 1) * sizeof(*c->group));
	if (!c->group || losses_read(c)) {
		sync_contain_destroy(c);
		return -ENOMEM;
	}
	for (m = 0; m < c->info->n_machines; m++) {
		const struct ivt_machine_info *info = c->info->machines;

		for (k = 0; k < m; k++)
			if (info[k].kind == IVT_GUEST && info[k].qemu_pid > 0 &&
			    info[k].qemu_pid == info[m].qemu_pid &&
			    info[k].qemu_starttime == info[m].qemu_starttime)
				break;
		c->group[m] = k;
	}
	if (vcpus_known(c)) {
		sync_contain_destroy(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void sync_contain_finish(struct sync_contain *c)
{
	size_t i;

	c->period++;
	for (i = 0; i < c->n_runs; i++)
		run_renew(c, &c->runs[i], c->host_last_ns);
	for (i = 0; i < c->r->n_vcpus; i++) {
		const struct run *run = &c->runs[c->vcpus[i].run];

		flush_inside(c, i);
		if (run->tid > 0)
			c->r->vcpus[i].tid = run->tid;
	}
}

void sync_contain_destroy(struct sync_contain *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n_runs; i++)
		free(c->runs[i].held);
	free(c->runs);
	free(c->vcpus);
	free(c->group);
	free(c->losses);
	ivt_map_deinit(&c->vms);
	ivt_map_deinit(&c->by_id);
	ivt_map_deinit(&c->by_machine);
	free(c);
}
