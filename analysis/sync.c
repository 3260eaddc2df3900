// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Containment: a guest's record was made while its vCPU ran, so it lies between
 * a kvm_entry and the next kvm_exit of that vCPU's thread.  Both are host
 * events, so any other place shows an error of the guest's clock.  Records
 * between an exit and the next entry are held back until the entry says how
 * near they are.  Before the first and after the last host event of a vCPU
 * nothing can be said.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "analysis/io.h"
#include "analysis/io_internal.h"
#include "analysis/map.h"
#include "analysis/percentile.h"
#include "analysis/sync.h"
#include "analysis/tasks.h"

struct vcpu_run {
	bool is_in_guest;
	uint64_t n_open; /* records since its last entry or exit: not yet decided */
	uint64_t exit_ns;
	uint64_t *held_ns; /* records after exit_ns + bound, ascending */
	size_t n_held, capacity;
};

struct sync {
	struct ivt_trace *trace;
	const struct ivt_trace_info *info;
	struct ivt_sync_result *r;
	struct ivt_tasks *tasks;
	struct ivt_map vcpus; /* (machine, vCPU) -> runs */
	struct vcpu_run *runs;
	size_t n_runs, capacity;
};

static struct vcpu_run *sync_run(struct sync *s, uint32_t machine, uint32_t vcpu)
{
	size_t i = ivt_map_get(&s->vcpus, machine, vcpu);

	if (i != IVT_MAP_NONE)
		return &s->runs[i];
	if (ivt_array_reserve(&s->runs, &s->capacity, s->n_runs + 1, sizeof(*s->runs)) ||
	    ivt_map_set(&s->vcpus, machine, vcpu, s->n_runs))
		return NULL;
	s->runs[s->n_runs] = (struct vcpu_run){ 0 };
	return &s->runs[s->n_runs++];
}

/* Every event of kvm begins a run or ends one. */
static int on_kvm(struct sync *s, const struct ivt_event *ev)
{
	uint32_t vm = ivt_tasks_vm(s->tasks, ev->tid, ev->host_ns);
	uint32_t vcpu = ivt_field_int(ev->desc, ev->payload, "vcpu_id");
	struct ivt_sync_machine *m;
	struct vcpu_run *run;

	if (vm >= s->info->n_machines)
		return 0;
	run = sync_run(s, vm, vcpu);
	if (!run)
		return -ENOMEM;
	m = &s->r->machines[vm];
	m->checked += run->n_open;
	m->is_containment_checked |= run->n_open > 0;
	run->n_open = 0;
	run->is_in_guest = ev->type == IVT_TYPE_kvm_x86_entry;
	if (!run->is_in_guest) {
		run->exit_ns = ev->host_ns;
		return 0;
	}
	while (run->n_held && run->held_ns[run->n_held - 1] + m->bound_ns >= ev->host_ns)
		run->n_held--;
	m->outside += run->n_held;
	run->n_held = 0;
	return 0;
}

static int on_guest(struct sync *s, const struct ivt_event *ev)
{
	size_t i = ivt_map_get(&s->vcpus, ev->machine, ev->cpu);
	struct ivt_sync_machine *m = &s->r->machines[ev->machine];
	struct vcpu_run *run;

	if (i == IVT_MAP_NONE)
		return 0;
	run = &s->runs[i];
	run->n_open++;
	if (run->is_in_guest || ev->host_ns <= run->exit_ns + m->bound_ns)
		return 0;
	if (ivt_array_reserve(&run->held_ns, &run->capacity, run->n_held + 1,
			      sizeof(*run->held_ns)))
		return -ENOMEM;
	run->held_ns[run->n_held++] = ev->host_ns;
	return 0;
}

static int sync_event(struct sync *s, const struct ivt_event *ev)
{
	struct ivt_sync_machine *m;
	int ret;

	if (ev->machine >= s->info->n_machines)
		return 0;
	m = &s->r->machines[ev->machine];
	if (!m->first_ns)
		m->first_ns = ev->host_ns;
	m->last_ns = ev->host_ns;
	m->records++;
	ret = ivt_tasks_feed(s->tasks, ev);
	if (ret)
		return ret;
	if (s->info->machines[ev->machine].kind == IVT_GUEST)
		return on_guest(s, ev);
	if (ev->type == IVT_TYPE_kvm_x86_entry || ev->type == IVT_TYPE_kvm_x86_exit)
		return on_kvm(s, ev);
	return 0;
}

static int sync_records(struct sync *s, struct ivt_error *err)
{
	struct ivt_merge_options opt = { .struct_bytes = sizeof(opt) };
	struct ivt_stream_stats stats;
	struct ivt_merge *merge;
	struct ivt_event ev;
	size_t m, i;
	int ret = ivt_merge_create(s->trace, &opt, &merge, err);

	if (ret)
		return ret;
	while (!ret && ivt_merge_next(merge, &ev) == 1)
		ret = sync_event(s, &ev);
	for (m = 0; m < s->info->n_machines; m++) {
		for (i = 0; i < s->info->machines[m].n_streams; i++) {
			if (ivt_merge_stats(merge, m, i, &stats))
				continue;
			s->r->machines[m].lost += stats.lost;
			s->r->machines[m].backward += stats.backward;
		}
	}
	ivt_merge_destroy(merge);
	return ret;
}

static void sync_history(struct sync *s)
{
	const struct tsc_sync_entry *hist;
	size_t m, i, n;

	for (m = 0; m < s->r->n_machines; m++) {
		hist = ivt_trace_history(s->trace, m, UINT32_MAX, &n);
		s->r->machines[m].entries = n;
		s->r->machines[m].bound_ns = io_clock_error_ns(s->trace, m);
		for (i = 0; hist && i < n; i++)
			if (hist[i].source < IVT_SYNC_SOURCES)
				s->r->machines[m].sources |= 1u << hist[i].source;
	}
}

static int sync_snapshots(struct sync *s)
{
	size_t n, i;
	const struct tsc_sync_snapshot *snap = ivt_trace_snapshots(s->trace, &n);
	uint64_t *width, hz;

	s->r->snapshots = n;
	if (tsc_sync_frequency(snap, n, &hz) || !hz)
		return 0;
	s->r->tsc_hz = hz;
	width = malloc((n + 1) * sizeof(*width));
	if (!width)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		width[i] = ((uint64_t)snap[i].half_width_tsc * 1000000000u + hz - 1) / hz;
	ivt_sort_ns(width, n);
	s->r->half_width_ns[0] = ivt_percentile_ns(width, n, 0);
	s->r->half_width_ns[1] = ivt_percentile_ns(width, n, 50);
	s->r->half_width_ns[2] = ivt_percentile_ns(width, n, 100);
	free(width);
	return 0;
}

static int sync_io(struct sync *s, struct ivt_error *err)
{
	struct ivt_io_result *io;
	int ret = ivt_io_analyse(s->trace, 0, 0, &io, err);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < io->n_links; i++)
		s->r->machines[io->guest[io->links[i].guest].machine].io_links++;
	for (i = 0; i < io->n_machines; i++)
		s->r->machines[i].io_violations = io->machines[i].causality_violations;
	ivt_io_destroy(io);
	return 0;
}

static int sync_run_all(struct sync *s, struct ivt_error *err)
{
	int ret;

	s->r->machines = calloc(s->info->n_machines + 1, sizeof(*s->r->machines));
	if (!s->r->machines)
		return -ENOMEM;
	s->r->n_machines = s->info->n_machines;
	sync_history(s);
	ret = sync_snapshots(s);
	if (!ret)
		ret = ivt_tasks_create(s->info, &s->tasks);
	if (!ret)
		ret = sync_records(s, err);
	return ret ? ret : sync_io(s, err);
}

int ivt_sync_analyse(struct ivt_trace *t, struct ivt_sync_result **ret, struct ivt_error *err)
{
	struct sync s = { .trace = t, .info = ivt_trace_info_of(t) };
	int code = -ENOMEM;
	size_t i;

	s.r = calloc(1, sizeof(*s.r));
	if (s.r)
		code = sync_run_all(&s, err);
	for (i = 0; i < s.n_runs; i++)
		free(s.runs[i].held_ns);
	free(s.runs);
	ivt_map_deinit(&s.vcpus);
	ivt_tasks_destroy(s.tasks);
	if (code) {
		ivt_sync_destroy(s.r);
		return code == -ENOMEM
			       ? ivt_error_set(err, code, "cannot check the clocks: out of memory")
			       : code;
	}
	*ret = s.r;
	return 0;
}

void ivt_sync_destroy(struct ivt_sync_result *r)
{
	if (!r)
		return;
	free(r->machines);
	free(r);
}
