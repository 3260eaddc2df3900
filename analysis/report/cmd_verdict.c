// SPDX-License-Identifier: GPL-2.0-or-later
/* verdict: a run alone against a run beside others, in a few lines. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/report.h"
#include "analysis/verdict.h"

static const char help[] =
	"Usage: ivtrace-report verdict [OPTIONS] ALONE.ivt CONTENDED.ivt\n"
	"\n"
	"Compares the disk writes of one VM, the victim, in two traces: one in which it had\n"
	"the disk for itself and one in which others used it too.\n"
	"\n"
	"  --victim NAME  (also --vm) the VM to compare; else the one that waited most\n"
	"                 behind another machine in CONTENDED\n"
	"  --from T, --to T  writes that start in [from, to), in both traces: 1.5 or\n"
	"                 250ms since each trace's start\n"
	"  --json         {schema, victim, culprit, write_ms: {alone: {p50, p99},\n"
	"                 contended: {p50, p99}}, extra_ms, waited_behind_culprit_ms,\n"
	"                 share_explained}; culprit is null when nobody stood in the way\n"
	"\n"
	"A write's time is from its start in the guest (block_bio_queue) to its completion\n"
	"there.  The extra delay is the total over the victim's writes in CONTENDED: their\n"
	"number times the increase of the mean write time (mean in CONTENDED minus mean in\n"
	"ALONE).  Waited behind the culprit: the time that these writes, once on the host,\n"
	"were queued or issued while the disk served a request of the culprit.  The share\n"
	"explained is waited / extra; the text shows it within 0 and 100 %, the JSON as it\n"
	"is (null when there was no extra delay).\n"
	"\n"
	"Example:\n"
	"  ivtrace-report verdict --victim a alone.ivt slow.ivt\n";

struct comparison {
	char victim[REPORT_NAME_BYTES];
	char culprit[REPORT_NAME_BYTES]; /* "": nobody */
	struct ivt_write_stats alone;
	struct ivt_write_stats contended;
	int64_t extra_ns;
};

static int analyse(struct ivt_trace *t, const struct report_options *opt,
		   struct ivt_io_result **ret)
{
	struct ivt_error err = { "" };

	if (!ivt_io_analyse(t, report_from_ns(opt, t), report_to_ns(opt, t), ret, &err))
		return REPORT_DONE;
	report_message("%s", err.msg);
	return REPORT_FAILED;
}

/* Who waited, behind whom, in the contended run. */
static int find_verdict(const struct report_options *opt, struct ivt_trace *t,
			const struct ivt_io_result *io, struct ivt_verdict *ret)
{
	const char *name = opt->victim ? opt->victim : opt->vm;
	uint32_t victim;

	if (name) {
		if (report_find_machine(t, name, &victim))
			return REPORT_FAILED;
		ivt_verdict_io_of(io, victim, ret);
		return REPORT_DONE;
	}
	ivt_verdict_io(ivt_trace_info_of(t), io, ret);
	if (ret->victim != IVT_VERDICT_NOBODY)
		return REPORT_DONE;
	report_message("cannot compare: '%s' has no disk request of a guest (were block events "
		       "recorded in the guest?)",
		       ivt_trace_path(t));
	return REPORT_FAILED;
}

static int compare(const struct report_options *opt, struct ivt_trace **traces,
		   struct ivt_io_result **io, struct comparison *c)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(traces[1]);
	struct ivt_verdict v;
	uint32_t alone;
	int ret = find_verdict(opt, traces[1], io[1], &v);

	if (ret != REPORT_DONE)
		return ret;
	report_name(info, v.victim, c->victim);
	if (v.culprit != IVT_VERDICT_NOBODY)
		report_name(info, v.culprit, c->culprit);
	if (report_find_machine(traces[0], c->victim, &alone))
		return REPORT_FAILED;
	if (ivt_write_stats(io[0], alone, IVT_VERDICT_NOBODY, &c->alone) ||
	    ivt_write_stats(io[1], v.victim, v.culprit, &c->contended)) {
		report_message("cannot compare: out of memory");
		return REPORT_FAILED;
	}
	if (!c->alone.writes || !c->contended.writes) {
		report_message("cannot compare: '%s' has no complete write of %s",
			       ivt_trace_path(traces[c->alone.writes ? 1 : 0]), c->victim);
		return REPORT_FAILED;
	}
	c->extra_ns = ivt_extra_ns(&c->alone, &c->contended);
	return REPORT_DONE;
}

static void print_run(const char *label, const struct ivt_write_stats *s)
{
	char p50[REPORT_MS_BYTES], p99[REPORT_MS_BYTES], mean[REPORT_MS_BYTES];

	printf("%-10s %8" PRIu64 " %11s %11s %11s\n", label, s->writes, report_ms(s->p50_ns, p50),
	       report_ms(s->p99_ns, p99), report_ms(s->total_ns / s->writes, mean));
}

static void print_text(const struct comparison *c)
{
	char extra[REPORT_MS_BYTES], waited[REPORT_MS_BYTES], share[REPORT_MS_BYTES];
	uint64_t part = c->contended.behind_ns, whole = c->extra_ns > 0 ? c->extra_ns : 0;

	if (c->culprit[0])
		printf("%s's writes were slowed by %s: ", c->victim, c->culprit);
	else
		printf("Nobody slowed %s's writes at the disk: ", c->victim);
	printf("%s ms extra in %" PRIu64 " writes", report_ms(whole, extra), c->contended.writes);
	if (c->culprit[0])
		printf(", %s ms waited behind %s (%s explained)", report_ms(part, waited),
		       c->culprit, report_percent(part < whole ? part : whole, whole, share));
	puts(".\n");
	printf("writes        count      p50_ms      p99_ms     mean_ms\n");
	print_run("alone", &c->alone);
	print_run("contended", &c->contended);
}

static struct json_object *run_json(const struct ivt_write_stats *s)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "p50", report_json_ms(s->p50_ns));
	json_object_object_add(o, "p99", report_json_ms(s->p99_ns));
	return o;
}

static int print_json(const struct comparison *c)
{
	struct json_object *doc = json_object_new_object(), *write = json_object_new_object();

	json_object_object_add(doc, "schema", json_object_new_string("ivtrace.verdict/1"));
	json_object_object_add(doc, "victim", json_object_new_string(c->victim));
	json_object_object_add(doc, "culprit",
			       c->culprit[0] ? json_object_new_string(c->culprit) : NULL);
	json_object_object_add(write, "alone", run_json(&c->alone));
	json_object_object_add(write, "contended", run_json(&c->contended));
	json_object_object_add(doc, "write_ms", write);
	json_object_object_add(doc, "extra_ms", report_json_ms(c->extra_ns));
	json_object_object_add(doc, "waited_behind_culprit_ms",
			       report_json_ms(c->contended.behind_ns));
	json_object_object_add(doc, "share_explained",
			       c->extra_ns > 0
				       ? json_object_new_double((double)c->contended.behind_ns /
								(double)c->extra_ns)
				       : NULL);
	return report_json_print(doc);
}

static int run(const struct report_options *opt, struct ivt_trace **traces)
{
	struct ivt_io_result *io[2] = { NULL, NULL };
	struct comparison c = { .victim = "" };
	int ret = analyse(traces[0], opt, &io[0]);

	if (ret == REPORT_DONE)
		ret = analyse(traces[1], opt, &io[1]);
	report_warn_filters(ivt_trace_info_of(traces[0]));
	report_warn_filters(ivt_trace_info_of(traces[1]));
	if (ret == REPORT_DONE)
		ret = compare(opt, traces, io, &c);
	if (ret == REPORT_DONE && opt->is_json)
		ret = print_json(&c);
	else if (ret == REPORT_DONE)
		print_text(&c);
	ivt_io_destroy(io[0]);
	ivt_io_destroy(io[1]);
	return ret;
}

const struct report_command report_verdict = {
	.name = "verdict",
	.summary = "a VM's writes in two traces: alone and beside others",
	.help = help,
	.accepted = "jftvV",
	.n_paths = 2,
	.run = run,
};
