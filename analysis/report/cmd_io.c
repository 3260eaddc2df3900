// SPDX-License-Identifier: GPL-2.0-or-later
/* io: where the guests' disk time went, and behind whom. */
#include <stdlib.h>
#include <string.h>

#include "analysis/report/report_io.h"

static const char help[] =
	"Usage: ivtrace-report io [OPTIONS] TRACE.ivt\n"
	"\n"
	"Follows each disk request of the guests to the host's disk and back and prints who\n"
	"waited behind whom: the verdict in a sentence, the VMs, their stages, the matrix.\n"
	"\n"
	"  --vm NAME          this VM's requests only\n"
	"  --from T, --to T   requests that start in [from, to): 1.5 or 250ms since the\n"
	"                     trace's start; @S: host CLOCK_MONOTONIC seconds\n"
	"  --slowest N        also the N slowest requests\n"
	"  --json             one document, schema ivtrace.io/1\n"
	"\n"
	"Stages of a request, which add up to its time exactly:\n"
	"  guest_queue  from its start in the guest to its issue to the virtual disk\n"
	"  submit       until the host's disk queue has it (exit, QEMU)\n"
	"  wait         on the host behind other requests, as the matrix says\n"
	"  device       served by the host's disk\n"
	"  return       from there to the completion in the guest (QEMU, interrupt)\n"
	"  unknown      its request on the host was not found (page cache, lost records)\n"
	"The disk is taken to serve one request at a time: of those issued the one that\n"
	"completes first. \"nobody\": it served none while the request was queued.\n"
	"Percentages are of the VM's total disk time.\n"
	"\n"
	"Examples:\n"
	"  ivtrace-report io slow.ivt\n"
	"  ivtrace-report io --vm a --slowest 10 --from 2 --to 3 slow.ivt\n";

static void print_verdict(const struct io_report *rep)
{
	const struct ivt_verdict *v = &rep->verdict;
	char a[REPORT_NAME_BYTES], b[REPORT_NAME_BYTES];
	char ms1[REPORT_MS_BYTES], ms2[REPORT_MS_BYTES], ms3[REPORT_MS_BYTES];
	char share[REPORT_MS_BYTES];
	const struct ivt_io_summary *s;

	if (v->victim == IVT_VERDICT_NOBODY) {
		puts("No disk request of a guest is in the trace.");
		return;
	}
	s = &rep->io->machines[v->victim];
	report_name(rep->info, v->victim, a);
	if (v->culprit == IVT_VERDICT_NOBODY) {
		printf("No machine held up %s at the disk: its %" PRIu64
		       " requests took %s ms, p99 %s ms, and waited %s ms behind others.\n",
		       a, s->requests, report_ms(v->total_ns, ms1), report_ms(s->p99_ns, ms2),
		       report_ms(v->waited_others_ns, ms3));
		return;
	}
	printf("%s waited %s ms behind %s at the disk: %s of the %s ms that its %" PRIu64
	       " requests took (p99 %s ms).\n",
	       a, report_ms(v->waited_culprit_ns, ms1), report_name(rep->info, v->culprit, b),
	       report_percent(v->waited_culprit_ns, v->total_ns, share),
	       report_ms(v->total_ns, ms2), s->requests, report_ms(s->p99_ns, ms3));
}

static void print_vms(const struct io_report *rep)
{
	char name[REPORT_NAME_BYTES], p50[REPORT_MS_BYTES], p99[REPORT_MS_BYTES];
	char max[REPORT_MS_BYTES];
	uint32_t m;

	puts("\nvm        requests   writes   linked incomplete     p50_ms     p99_ms     max_ms");
	for (m = 0; m < rep->io->n_machines; m++) {
		const struct ivt_io_summary *s = &rep->io->machines[m];

		if (io_report_shows(rep, m))
			printf("%-8s %9" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64
			       " %10s %10s %10s\n",
			       report_name(rep->info, m, name), s->requests, s->writes, s->linked,
			       s->incomplete, report_ms(s->p50_ns, p50), report_ms(s->p99_ns, p99),
			       report_ms(s->max_ns, max));
	}
}

static void print_stages(const struct io_report *rep)
{
	char name[REPORT_NAME_BYTES], ms[REPORT_MS_BYTES];
	uint32_t m;
	int i;

	printf("\nstage_ms ");
	for (i = 0; i < IVT_IO_STAGES; i++)
		printf(" %12s", ivt_io_stage_name(i));
	puts("        total");
	for (m = 0; m < rep->io->n_machines; m++) {
		const struct ivt_io_summary *s = &rep->io->machines[m];

		if (!io_report_shows(rep, m))
			continue;
		printf("%-9s", report_name(rep->info, m, name));
		for (i = 0; i < IVT_IO_STAGES; i++)
			printf(" %12s", report_ms(s->stage_ns[i], ms));
		printf(" %12s\n", report_ms(s->total_ns, ms));
	}
}

static void print_cell(uint64_t part, uint64_t whole)
{
	char ms[REPORT_MS_BYTES], share[REPORT_MS_BYTES];

	printf(" %11s %7s", report_ms(part, ms), report_percent(part, whole, share));
}

static void print_matrix(const struct io_report *rep)
{
	char name[REPORT_NAME_BYTES];
	uint32_t m, b;

	printf("\nbehind_ms");
	for (b = 0; b < rep->io->n_machines; b++)
		if (io_report_blames(rep, b))
			printf(" %19s", report_name(rep->info, b, name));
	printf(" %19s\n", "nobody");
	for (m = 0; m < rep->io->n_machines; m++) {
		const struct ivt_io_summary *s = &rep->io->machines[m];

		if (!io_report_shows(rep, m))
			continue;
		printf("%-9s", report_name(rep->info, m, name));
		for (b = 0; b < rep->io->n_machines; b++)
			if (io_report_blames(rep, b))
				print_cell(s->behind_ns[b], s->total_ns);
		print_cell(s->behind_none_ns, s->total_ns);
		putchar('\n');
	}
}

static void print_slow_request(const struct io_report *rep, const struct ivt_io_request *g)
{
	char name[REPORT_NAME_BYTES], ms[REPORT_MS_BYTES];
	uint64_t since = g->start_ns - rep->first_ns, others = 0;
	uint32_t m;
	int i;

	for (m = 0; m < rep->io->n_machines; m++)
		if (m != g->machine)
			others += g->behind_ns[m];
	printf("%6" PRIu64 ".%09" PRIu64 " %-8s %7" PRId32 " %-15s %-7s %7" PRIu32 " %10s",
	       since / 1000000000, since % 1000000000, report_name(rep->info, g->machine, name),
	       g->tid, io_report_comm(g, name), io_report_op(g), g->nr_sector / 2,
	       report_ms(g->complete_ns - g->start_ns, ms));
	for (i = 0; i < IVT_IO_STAGES; i++)
		printf(" %11s", report_ms(g->stage_ns[i], ms));
	printf(" %10s", report_ms(others, ms));
	printf(" %s\n", ivt_io_confidence_name(g->confidence));
}

static void print_slowest(const struct io_report *rep)
{
	size_t i;
	int s;

	if (!rep->n_slowest)
		return;
	printf("\n         start_s vm           tid task            op          KiB   total_ms");
	for (s = 0; s < IVT_IO_STAGES; s++)
		printf(" %11s", ivt_io_stage_name(s));
	puts("  others_ms link");
	for (i = 0; i < rep->n_slowest; i++)
		print_slow_request(rep, rep->slowest[i]);
}

static void print_text(const struct io_report *rep)
{
	print_verdict(rep);
	if (rep->verdict.victim == IVT_VERDICT_NOBODY)
		return;
	print_vms(rep);
	print_stages(rep);
	print_matrix(rep);
	print_slowest(rep);
	printf("\ncausality violations %" PRIu64 ", lost records %" PRIu64 "\n",
	       io_report_violations(rep), rep->io->lost);
}

static int by_length(const void *a, const void *b)
{
	const struct ivt_io_request *x = *(struct ivt_io_request *const *)a;
	const struct ivt_io_request *y = *(struct ivt_io_request *const *)b;
	uint64_t x_ns = x->complete_ns - x->start_ns, y_ns = y->complete_ns - y->start_ns;

	if (x_ns != y_ns)
		return x_ns > y_ns ? -1 : 1;
	return (x > y) - (x < y);
}

static int find_slowest(struct io_report *rep, uint64_t limit)
{
	size_t i, n = 0;

	if (!limit)
		return REPORT_DONE;
	rep->slowest = calloc(rep->io->n_guest + 1, sizeof(*rep->slowest));
	if (!rep->slowest)
		return REPORT_FAILED;
	for (i = 0; i < rep->io->n_guest; i++)
		if (ivt_io_has_latency(&rep->io->guest[i]) &&
		    io_report_shows(rep, rep->io->guest[i].machine))
			rep->slowest[n++] = &rep->io->guest[i];
	qsort(rep->slowest, n, sizeof(*rep->slowest), by_length);
	rep->n_slowest = n < limit ? n : limit;
	return REPORT_DONE;
}

static int report_make(struct io_report *rep, const struct report_options *opt)
{
	uint32_t vm;

	if (opt->vm) {
		if (report_find_machine(rep->trace, opt->vm, &vm))
			return REPORT_FAILED;
		if (rep->info->machines[vm].kind != IVT_GUEST) {
			report_message("io: '%s' is the host; --vm wants a guest", opt->vm);
			return REPORT_USAGE;
		}
		rep->only = vm;
		ivt_verdict_io_of(rep->io, vm, &rep->verdict);
	} else {
		ivt_verdict_io(rep->info, rep->io, &rep->verdict);
	}
	return find_slowest(rep, opt->slowest);
}

static void warn(const struct io_report *rep)
{
	report_warn_filters(rep->info);
	if (rep->io->lost)
		report_message("%" PRIu64 " records were lost while recording: requests may be "
			       "missing (larger rings, fewer events)",
			       rep->io->lost);
	if (rep->io->inexact_sums)
		report_message("the stages of %" PRIu64 " requests do not add up: a fault of "
			       "ivtrace-report",
			       rep->io->inexact_sums);
}

static int run(const struct report_options *opt, struct ivt_trace **traces)
{
	struct io_report rep = { .trace = traces[0],
				 .info = ivt_trace_info_of(traces[0]),
				 .only = IVT_VERDICT_NOBODY };
	struct ivt_error err = { "" };
	uint64_t last_ns;
	int ret;

	ivt_trace_bounds(traces[0], &rep.first_ns, &last_ns);
	if (ivt_io_analyse(traces[0], report_from_ns(opt, traces[0]), report_to_ns(opt, traces[0]),
			   &rep.io, &err)) {
		report_message("%s", err.msg);
		return REPORT_FAILED;
	}
	ret = report_make(&rep, opt);
	if (ret == REPORT_DONE && opt->is_json)
		ret = report_json_print(io_report_json(&rep));
	else if (ret == REPORT_DONE)
		print_text(&rep);
	if (ret == REPORT_DONE)
		warn(&rep);
	ivt_io_destroy(rep.io);
	free(rep.slowest);
	return ret;
}

const struct report_command report_io = {
	.name = "io",
	.summary = "who waited behind whom at the disk",
	.help = help,
	.accepted = "jftvs",
	.n_paths = 1,
	.run = run,
};
