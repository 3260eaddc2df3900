// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/headline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ivring/events.h>
#include "analysis/verdict.h"
#include "viewer/model/format.h"

static const char *operation(const struct ivt_io_request *rq)
{
	if (rq->rwbs & IVT_RWBS_WRITE)
		return "write";
	if (rq->rwbs & IVT_RWBS_READ)
		return "read";
	if (rq->rwbs & (IVT_RWBS_FLUSH | IVT_RWBS_PREFLUSH))
		return "flush";
	return rq->rwbs & IVT_RWBS_DISCARD ? "discard" : "request";
}

/* Time behind all others than the machine itself, and the worst of them. */
static uint64_t behind_others(const struct ivt_model *m, uint32_t self, const uint64_t *behind_ns,
			      uint32_t *ret_culprit)
{
	uint64_t sum = 0, worst = 0;

	*ret_culprit = IVT_IO_OWNER_NONE;
	for (uint32_t i = 0; behind_ns && i < m->n_machines; i++) {
		if (i == self)
			continue;
		sum += behind_ns[i];
		if (behind_ns[i] > worst) {
			worst = behind_ns[i];
			*ret_culprit = i;
		}
	}
	return sum;
}

static int rank_order(const void *a, const void *b)
{
	const struct ivt_finding *x = a, *y = b;

	if (x->behind_ns != y->behind_ns)
		return x->behind_ns > y->behind_ns ? -1 : 1;
	return x->request < y->request ? -1 : x->request > y->request;
}

static void finding_text(const struct ivt_model *m, struct ivt_finding *f)
{
	const struct ivt_io_request *rq = &m->io->guest[f->request];
	char victim[72], culprit[72], took[24], behind[24], size[24];

	ivt_model_owner_name(m, f->victim, victim, sizeof(victim));
	ivt_model_owner_name(m, f->culprit, culprit, sizeof(culprit));
	ivt_format_ns((uint64_t)(f->t1_ns - f->t0_ns), took, sizeof(took));
	ivt_format_ns(f->behind_ns, behind, sizeof(behind));
	ivt_format_bytes((uint64_t)rq->nr_sector * 512, size, sizeof(size));
	snprintf(f->text, sizeof(f->text), "%.30s: %s of %s took %s, %s of it behind %.30s", victim,
		 operation(rq), size, took, behind, culprit);
}

static void collect_findings(struct ivt_model *m, uint32_t victim)
{
	for (size_t i = 0; i < m->io->n_guest; i++) {
		const struct ivt_io_request *rq = &m->io->guest[i];
		struct ivt_finding f = { .victim = rq->machine, .request = (uint32_t)i };

		if (rq->machine != victim)
			continue;
		f.behind_ns = behind_others(m, rq->machine, rq->behind_ns, &f.culprit);
		if (!f.behind_ns || !ivt_io_has_latency(rq))
			continue;
		f.t0_ns = ivt_model_time(m, rq->start_ns);
		f.t1_ns = ivt_model_time(m, rq->complete_ns);
		if (m->n_findings < IVT_MODEL_FINDINGS)
			m->finding[m->n_findings++] = f;
		else if (rank_order(&f, &m->finding[IVT_MODEL_FINDINGS - 1]) < 0)
			m->finding[IVT_MODEL_FINDINGS - 1] = f;
		else
			continue;
		qsort(m->finding, m->n_findings, sizeof(f), rank_order);
	}
	for (size_t i = 0; i < m->n_findings; i++)
		finding_text(m, &m->finding[i]);
}

static void say_nothing_found(struct ivt_model *m)
{
	uint64_t requests = 0, linked = 0;

	for (size_t i = 0; i < m->io->n_machines && i < m->n_machines; i++) {
		requests += m->io->machines[i].requests;
		linked += m->io->machines[i].linked;
	}
	snprintf(m->verdict, sizeof(m->verdict), "No VM waited behind another VM's disk requests.");
	if (requests)
		snprintf(m->verdict_detail, sizeof(m->verdict_detail),
			 "Checked: %" PRIu64 " guest disk requests, %" PRIu64
			 " of them followed to the host's disk.",
			 requests, linked);
	else
		snprintf(m->verdict_detail, sizeof(m->verdict_detail),
			 "The trace holds no guest disk requests.");
}

static void say_victim(struct ivt_model *m, const struct ivt_verdict *v)
{
	const struct ivt_io_summary *s = &m->io->machines[v->victim];
	char who[72], whom[72], lost[24], total[24], p50[24], p99[24], max[24];

	ivt_model_owner_name(m, v->victim, who, sizeof(who));
	ivt_model_owner_name(m, v->culprit, whom, sizeof(whom));
	ivt_format_ns(v->waited_culprit_ns, lost, sizeof(lost));
	ivt_format_ns(v->total_ns, total, sizeof(total));
	ivt_format_ns(s->p50_ns, p50, sizeof(p50));
	ivt_format_ns(s->p99_ns, p99, sizeof(p99));
	ivt_format_ns(s->max_ns, max, sizeof(max));
	snprintf(m->verdict, sizeof(m->verdict),
		 "%.64s waited %s behind %.64s at the disk: %" PRIu64 " %% of the %s that its "
		 "%" PRIu64 " requests took.",
		 who, lost, whom, v->total_ns ? v->waited_culprit_ns * 100 / v->total_ns : 0, total,
		 s->requests);
	snprintf(m->verdict_detail, sizeof(m->verdict_detail),
		 "Longest wait: %.120s.  All its requests: median %s, p99 %s, slowest %s.",
		 m->n_findings ? m->finding[0].text : "-", p50, p99, max);
}

static void say_machine(struct ivt_model *m, uint32_t machine)
{
	const struct ivt_io_summary *s = &m->io->machines[machine];
	char p50[24], p99[24], whom[72], lost[24], behind[120] = "";
	uint32_t culprit;

	if (!s->requests || m->machine[machine].ordinal == IVT_MODEL_NO_VM)
		return;
	if (behind_others(m, machine, s->behind_ns, &culprit)) {
		ivt_model_owner_name(m, culprit, whom, sizeof(whom));
		ivt_format_ns(s->behind_ns[culprit], lost, sizeof(lost));
		snprintf(behind, sizeof(behind), ", %s behind %.64s", lost, whom);
	}
	ivt_format_ns(s->p50_ns, p50, sizeof(p50));
	ivt_format_ns(s->p99_ns, p99, sizeof(p99));
	snprintf(m->machine[machine].summary, sizeof(m->machine[machine].summary),
		 "%" PRIu64 " disk requests: median %s, p99 %s%s", s->requests, p50, p99, behind);
}

void ivt_headline_fill(struct ivt_model *m, const struct ivt_trace_info *info)
{
	struct ivt_verdict v;

	m->n_findings = 0;
	if (!m->io) {
		snprintf(m->verdict, sizeof(m->verdict), "No disk analysis of this trace.");
		return;
	}
	for (uint32_t i = 0; i < m->io->n_machines && i < m->n_machines; i++)
		say_machine(m, i);
	ivt_verdict_io(info, m->io, &v);
	if (v.culprit == IVT_VERDICT_NOBODY) {
		say_nothing_found(m);
		return;
	}
	m->victim = v.victim;
	m->culprit = v.culprit;
	collect_findings(m, v.victim);
	say_victim(m, &v);
}

void ivt_headline_around(int64_t t0_ns, int64_t t1_ns, int context, int64_t *ret_t0_ns,
			 int64_t *ret_span_ns)
{
	int64_t length = t1_ns - t0_ns;

	if (length > INT64_MAX / 4 / context)
		context = 1;
	*ret_span_ns = length * context;
	*ret_t0_ns = t0_ns - length * (context - 1) / 2;
}

int ivt_headline_focus(const struct ivt_model *m, int context, int64_t *ret_t0_ns,
		       int64_t *ret_span_ns)
{
	int64_t t0 = 0, t1 = 0;

	if (m->n_findings) {
		t0 = m->finding[0].t0_ns;
		t1 = m->finding[0].t1_ns;
	}
	for (size_t i = 0; !m->n_findings && m->io && i < m->io->n_guest; i++) {
		const struct ivt_io_request *rq = &m->io->guest[i];
		int64_t a = ivt_model_time(m, rq->start_ns), b = ivt_model_time(m, rq->complete_ns);

		if (rq->complete_ns && b - a > t1 - t0) {
			t0 = a;
			t1 = b;
		}
	}
	if (t1 <= t0)
		return -ENOENT;
	ivt_headline_around(t0, t1, context, ret_t0_ns, ret_span_ns);
	return 0;
}
