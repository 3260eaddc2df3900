// SPDX-License-Identifier: GPL-2.0-or-later
/* The steps in order, and what concerns a machine or the host as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "analysis/io.h"
#include "analysis/percentile.h"
#include "analysis/sync_internal.h"

struct sync {
	struct ivt_trace *trace;
	const struct ivt_trace_info *info;
	struct ivt_sync_result *r;
	struct ivt_tasks *tasks;
	struct sync_contain *contain;
	bool has_disk[2]; /* requests of guests; of the host, which serve them */
};

static bool is_of_disk(uint16_t type)
{
	switch (type) {
	case IVT_TYPE_block_bio_queue:
	case IVT_TYPE_block_rq_insert:
	case IVT_TYPE_block_rq_issue:
	case IVT_TYPE_block_rq_complete:
		return true;
	}
	return false;
}

static int sync_event(struct sync *s, const struct ivt_event *ev)
{
	struct ivt_sync_machine *m;
	bool is_host;
	int ret = 0;

	if (ev->machine >= s->info->n_machines)
		return 0;
	m = &s->r->machines[ev->machine];
	is_host = s->info->machines[ev->machine].kind == IVT_HOST;
	s->has_disk[is_host] |= is_of_disk(ev->type);
	if (!m->records)
		m->first_ns = ev->host_ns;
	m->last_ns = ev->host_ns;
	/* Of a guest, only since when there are records is of interest. */
	if (!m->records++ || is_host)
		ret = ivt_tasks_feed(s->tasks, ev);
	return ret ? ret : sync_contain_event(s->contain, ev);
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
	if (!ret)
		sync_contain_finish(s->contain);
	return ret;
}

static int by_vcpu(const void *a, const void *b)
{
	const struct ivt_sync_vcpu *x = a, *y = b;

	if (x->machine != y->machine)
		return x->machine < y->machine ? -1 : 1;
	return (x->vcpu > y->vcpu) - (x->vcpu < y->vcpu);
}

/* The vCPUs are known: their clocks, and the machines' sums. */
static void sync_vcpus(struct sync *s)
{
	struct ivt_sync_result *r = s->r;
	const struct tsc_sync_entry *hist, *counted = NULL;
	size_t i, n;

	if (r->n_vcpus)
		qsort(r->vcpus, r->n_vcpus, sizeof(*r->vcpus), by_vcpu);
	for (i = 0; i < r->n_vcpus; i++) {
		struct ivt_sync_vcpu *v = &r->vcpus[i];
		struct ivt_sync_machine *m = &r->machines[v->machine];

		sync_history(s->trace, r->tsc_hz, v);
		m->sources |= v->sources;
		if (v->error_ns > m->bound_ns)
			m->bound_ns = v->error_ns;
		m->checked += v->checked;
		m->outside += v->outside;
		m->handshakes += v->handshakes;
		m->handshake_misses += v->handshake_misses;
		m->is_containment_checked |= v->checked > 0;
		/* A source may know one clock for all vCPUs: count it once. */
		hist = ivt_trace_history(s->trace, v->machine, v->vcpu, &n);
		if (hist && hist != counted && (hist->vcpu == v->vcpu || !m->entries)) {
			m->entries += n;
			counted = hist;
		}
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
		width[i] = sync_ticks_ns(snap[i].half_width_tsc, hz);
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
	size_t i;
	int ret;

	/* It reads all records again, and without both there is nothing to link. */
	if (!s->has_disk[0] || !s->has_disk[1])
		return 0;
	ret = ivt_io_analyse(s->trace, 0, 0, &io, err);
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
	ret = sync_snapshots(s);
	if (!ret)
		ret = ivt_tasks_create(s->info, &s->tasks);
	if (!ret)
		ret = sync_contain_create(s->trace, s->tasks, s->r, &s->contain);
	if (!ret)
		ret = sync_records(s, err);
	if (ret)
		return ret;
	sync_vcpus(s);
	return sync_io(s, err);
}

int ivt_sync_analyse(struct ivt_trace *t, struct ivt_sync_result **ret, struct ivt_error *err)
{
	struct sync s = { .trace = t, .info = ivt_trace_info_of(t) };
	int code = -ENOMEM;

	s.r = calloc(1, sizeof(*s.r));
	if (s.r)
		code = sync_run_all(&s, err);
	sync_contain_destroy(s.contain);
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
	free(r->vcpus);
	free(r);
}
