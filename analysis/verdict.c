// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "analysis/percentile.h"
#include "analysis/verdict.h"

static uint64_t waited_others(const struct ivt_io_result *r, uint32_t victim, uint32_t *ret_most)
{
	const uint64_t *behind = r->machines[victim].behind_ns;
	uint64_t sum = 0;
	uint32_t m;

	*ret_most = IVT_VERDICT_NOBODY;
	for (m = 0; m < r->n_machines; m++) {
		if (m == victim || !behind[m])
			continue;
		sum += behind[m];
		if (*ret_most == IVT_VERDICT_NOBODY || behind[m] > behind[*ret_most])
			*ret_most = m;
	}
	return sum;
}

void ivt_verdict_io_of(const struct ivt_io_result *r, uint32_t victim, struct ivt_verdict *ret)
{
	struct ivt_verdict v = { .victim = victim, .culprit = IVT_VERDICT_NOBODY };
	uint64_t waited;
	uint32_t most;

	v.total_ns = r->machines[victim].total_ns;
	v.waited_others_ns = waited_others(r, victim, &most);
	if (most != IVT_VERDICT_NOBODY) {
		waited = r->machines[victim].behind_ns[most];
		if (waited >= IVT_VERDICT_MIN_NS &&
		    waited >= v.total_ns / 100 * IVT_VERDICT_MIN_PERCENT) {
			v.culprit = most;
			v.waited_culprit_ns = waited;
		}
	}
	*ret = v;
}

void ivt_verdict_io(const struct ivt_trace_info *info, const struct ivt_io_result *r,
		    struct ivt_verdict *ret)
{
	struct ivt_verdict best = { IVT_VERDICT_NOBODY, IVT_VERDICT_NOBODY, 0, 0, 0 }, v;
	bool is_better;
	uint32_t m;

	for (m = 0; m < r->n_machines; m++) {
		if (info->machines[m].kind != IVT_GUEST || !r->machines[m].requests)
			continue;
		ivt_verdict_io_of(r, m, &v);
		/* Whoever waited behind others; without such a one, the slowest. */
		if (v.culprit != best.culprit &&
		    (v.culprit == IVT_VERDICT_NOBODY || best.culprit == IVT_VERDICT_NOBODY))
			is_better = v.culprit != IVT_VERDICT_NOBODY;
		else if (v.culprit != IVT_VERDICT_NOBODY)
			is_better = v.waited_others_ns > best.waited_others_ns;
		else
			is_better = r->machines[m].p99_ns >
				    (best.victim == IVT_VERDICT_NOBODY
					     ? 0
					     : r->machines[best.victim].p99_ns);
		if (best.victim == IVT_VERDICT_NOBODY || is_better)
			best = v;
	}
	*ret = best;
}

int ivt_write_stats(const struct ivt_io_result *r, uint32_t machine, uint32_t behind,
		    struct ivt_write_stats *ret)
{
	struct ivt_write_stats s = { 0 };
	uint64_t *ns = malloc((r->n_guest + 1) * sizeof(*ns));
	size_t i;

	if (!ns)
		return -ENOMEM;
	for (i = 0; i < r->n_guest; i++) {
		const struct ivt_io_request *g = &r->guest[i];

		if (g->machine != machine || !ivt_io_is_write(g) || !ivt_io_has_latency(g))
			continue;
		ns[s.writes] = g->complete_ns - g->start_ns;
		s.total_ns += ns[s.writes++];
		if (behind < r->n_machines)
			s.behind_ns += g->behind_ns[behind];
	}
	ivt_sort_ns(ns, s.writes);
	s.p50_ns = ivt_percentile_ns(ns, s.writes, 50);
	s.p99_ns = ivt_percentile_ns(ns, s.writes, 99);
	free(ns);
	*ret = s;
	return 0;
}

int64_t ivt_extra_ns(const struct ivt_write_stats *alone, const struct ivt_write_stats *contended)
{
	__int128 as_alone;

	if (!alone->writes || !contended->writes)
		return 0;
	as_alone = (__int128)alone->total_ns * contended->writes / alone->writes;
	return contended->total_ns - as_alone;
}
