// SPDX-License-Identifier: GPL-2.0-or-later
/* The disk analysis from end to end, and its sums per machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <ivring/events.h>
#include "analysis/io_internal.h"
#include "analysis/percentile.h"

const char *ivt_io_stage_name(enum ivt_io_stage stage)
{
	static const char *const names[IVT_IO_STAGES] = {
		[IVT_IO_GUEST_QUEUE] = "guest_queue",
		[IVT_IO_SUBMIT] = "submit",
		[IVT_IO_WAIT] = "wait",
		[IVT_IO_DEVICE] = "device",
		[IVT_IO_RETURN] = "return",
		[IVT_IO_UNKNOWN] = "unknown",
	};

	return (unsigned int)stage < IVT_IO_STAGES ? names[stage] : "unknown";
}

const char *ivt_io_confidence_name(enum ivt_io_confidence confidence)
{
	static const char *const names[] = {
		[IVT_IO_EXACT] = "exact",
		[IVT_IO_AMBIGUOUS] = "ambiguous",
		[IVT_IO_UNLINKED] = "unlinked",
		[IVT_IO_INCOMPLETE] = "incomplete",
	};

	return (unsigned int)confidence <= IVT_IO_INCOMPLETE ? names[confidence] : "unknown";
}

bool ivt_io_is_write(const struct ivt_io_request *req)
{
	return req->nr_sector && io_op_of(req->rwbs, req->nr_sector) == IO_WRITE;
}

bool ivt_io_has_latency(const struct ivt_io_request *req)
{
	return req->complete_ns && req->confidence != IVT_IO_INCOMPLETE;
}

/* The largest of one vCPU's history, ticks. */
static uint64_t history_bound(const struct tsc_sync_entry *hist, size_t n)
{
	uint64_t bound = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (hist[i].bound_tsc > bound)
			bound = hist[i].bound_tsc;
	return bound;
}

uint64_t io_clock_error_ns(const struct ivt_trace *t, uint32_t machine)
{
	const struct ivt_machine_info *m = &ivt_trace_info_of(t)->machines[machine];
	const struct tsc_sync_entry *hist, *last = NULL;
	const struct tsc_sync_snapshot *snaps;
	uint64_t hz, bound = 0, one;
	size_t n, n_snaps, i;

	for (i = 0; i < m->n_streams; i++) {
		hist = ivt_trace_history(t, machine, m->streams[i].cpu, &n);
		if (!hist || hist == last)
			continue;
		one = history_bound(hist, n);
		bound = one > bound ? one : bound;
		last = hist;
	}
	snaps = ivt_trace_snapshots(t, &n_snaps);
	if (!bound || tsc_sync_frequency(snaps, n_snaps, &hz) || !hz)
		return 0;
	return ((unsigned __int128)bound * 1000000000u + hz - 1) / hz;
}

static int result_alloc(struct ivt_io_result *r, size_t n_machines)
{
	size_t i;

	r->n_machines = n_machines;
	r->machines = calloc(n_machines + 1, sizeof(*r->machines));
	if (!r->machines)
		return -ENOMEM;
	for (i = 0; i < n_machines; i++) {
		r->machines[i].behind_ns = calloc(n_machines, sizeof(uint64_t));
		if (!r->machines[i].behind_ns)
			return -ENOMEM;
	}
	return 0;
}

/* One block for all; pages of requests that never waited are never touched. */
static int blame_alloc(struct ivt_io_result *r)
{
	uint64_t *block;
	size_t i;

	if (!r->n_guest)
		return 0;
	if (__builtin_mul_overflow(r->n_guest, r->n_machines * sizeof(*block), &r->blame_bytes))
		return -ENOMEM;
	block = mmap(NULL, r->blame_bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (block == MAP_FAILED)
		return -ENOMEM;
	for (i = 0; i < r->n_guest; i++)
		r->guest[i].behind_ns = block + i * r->n_machines;
	r->blame = block;
	return 0;
}

static bool is_in_window(const struct ivt_io_request *g, uint64_t from_ns, uint64_t to_ns)
{
	return g->start_ns >= from_ns && (!to_ns || g->start_ns < to_ns);
}

/* Drop guest requests outside the window; links and host follow. */
static void result_cut(struct ivt_io_result *r, uint64_t from_ns, uint64_t to_ns)
{
	size_t first = 0, end = r->n_guest, i, n = 0;

	while (first < end && !is_in_window(&r->guest[first], from_ns, to_ns))
		first++;
	while (end > first && !is_in_window(&r->guest[end - 1], from_ns, to_ns))
		end--;
	for (i = 0; i < r->n_host; i++)
		r->host[i].guest = IVT_IO_NO_REQUEST;
	for (i = 0; i < r->n_links; i++) {
		struct ivt_io_link link = r->links[i];

		if (link.guest < first || link.guest >= end)
			continue;
		if (r->guest[link.guest].first_link == i)
			r->guest[link.guest].first_link = n;
		link.guest -= first;
		if (r->host[link.host].guest == IVT_IO_NO_REQUEST)
			r->host[link.host].guest = link.guest;
		r->links[n++] = link;
	}
	r->n_links = n;
	r->n_guest = end - first;
	memmove(r->guest, r->guest + first, r->n_guest * sizeof(*r->guest));
}

static void summary_add(struct ivt_io_summary *s, const struct ivt_io_request *g, size_t n_machines)
{
	uint64_t total = g->complete_ns - g->start_ns;
	size_t i;

	s->requests++;
	s->writes += ivt_io_is_write(g);
	if (!ivt_io_has_latency(g)) {
		s->incomplete++;
		return;
	}
	s->linked += g->confidence != IVT_IO_UNLINKED;
	s->total_ns += total;
	s->behind_none_ns += g->behind_none_ns;
	if (total > s->max_ns)
		s->max_ns = total;
	for (i = 0; i < IVT_IO_STAGES; i++)
		s->stage_ns[i] += g->stage_ns[i];
	for (i = 0; i < n_machines; i++)
		s->behind_ns[i] += g->behind_ns[i];
}

static int summarise(struct ivt_io_result *r)
{
	uint64_t *total_ns = malloc((r->n_guest + 1) * sizeof(*total_ns));
	size_t m, i, n;

	if (!total_ns)
		return -ENOMEM;
	for (m = 0; m < r->n_machines; m++) {
		for (i = 0, n = 0; i < r->n_guest; i++) {
			const struct ivt_io_request *g = &r->guest[i];

			if (g->machine != m)
				continue;
			summary_add(&r->machines[m], g, r->n_machines);
			if (ivt_io_has_latency(g))
				total_ns[n++] = g->complete_ns - g->start_ns;
		}
		ivt_sort_ns(total_ns, n);
		r->machines[m].p50_ns = ivt_percentile_ns(total_ns, n, 50);
		r->machines[m].p99_ns = ivt_percentile_ns(total_ns, n, 99);
	}
	free(total_ns);
	return 0;
}

static int analyse(struct ivt_trace *t, uint64_t from_ns, uint64_t to_ns, struct ivt_io_result *r,
		   struct ivt_error *err)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	struct io_capacities capacities = { 0 };
	uint64_t *error_ns = calloc(info->n_machines + 1, sizeof(*error_ns));
	int ret = error_ns ? result_alloc(r, info->n_machines) : -ENOMEM;
	size_t i;

	if (!ret)
		ret = io_collect(t, r, &capacities, err);
	for (i = 0; i < info->n_machines && !ret; i++)
		error_ns[i] = io_clock_error_ns(t, i);
	if (!ret)
		ret = io_link(info, &capacities, error_ns, r);
	if (!ret && (from_ns || to_ns))
		result_cut(r, from_ns, to_ns);
	if (!ret)
		ret = blame_alloc(r);
	if (!ret)
		ret = io_contend(r);
	if (!ret)
		ret = summarise(r);
	free(capacities.of);
	free(error_ns);
	if (ret == -ENOMEM)
		ivt_error_set(err, ret, "cannot analyse requests: out of memory");
	return ret;
}

int ivt_io_analyse(struct ivt_trace *t, uint64_t from_ns, uint64_t to_ns,
		   struct ivt_io_result **ret, struct ivt_error *err)
{
	struct ivt_io_result *r = calloc(1, sizeof(*r));
	int code;

	if (!r)
		return ivt_error_set(err, -ENOMEM, "cannot analyse requests: out of memory");
	code = analyse(t, from_ns, to_ns, r, err);
	if (code) {
		ivt_io_destroy(r);
		return code;
	}
	*ret = r;
	return 0;
}

void ivt_io_destroy(struct ivt_io_result *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; r->machines && i < r->n_machines; i++)
		free(r->machines[i].behind_ns);
	free(r->machines);
	for (i = 0; i < r->n_devices; i++)
		free(r->devices[i].services);
	free(r->devices);
	if (r->blame)
		munmap(r->blame, r->blame_bytes);
	free(r->guest);
	free(r->host);
	free(r->links);
	free(r);
}
