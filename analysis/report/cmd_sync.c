// SPDX-License-Identifier: GPL-2.0-or-later
/* sync: how good the clocks are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/report_sync.h"
#include "trace/trace_writer.h"

static const char help[] =
	"Usage: ivtrace-report sync [--json] [--write] TRACE.ivt\n"
	"\n"
	"Prints how each machine's clock was related to the host's, with which error, and\n"
	"what the records say against it; then the same for each vCPU:\n"
	"\n"
	"  source     where the TSC offset was read (bpf, stap, debugfs, tcg, handshake)\n"
	"  offsets    entries of the clock's history\n"
	"  error_ns   largest bound of the offsets' error; 0: exact\n"
	"  backward   records whose stamp lies before their predecessor's\n"
	"  outside    records outside [kvm_entry, kvm_exit] of their vCPU's thread by more\n"
	"             than the error and the snapshots' width / records looked at; \"not\n"
	"             checked\" where the host recorded no such events (TCG)\n"
	"  worst_ns   how far outside, at most\n"
	"  disk       disk requests whose host part begins before the guest issued them or\n"
	"             ends after the guest saw them complete / host parts looked at\n"
	"  tid        the host's thread that ran the vCPU\n"
	"  handshake  what the handshakes with the guest allow the offset to be, in ticks\n"
	"             from the offset used: it holds 0 if the two agree\n"
	"\n"
	"  --json     one JSON document\n"
	"  --write    put that document into TRACE.ivt/manifest.json, under \"sync\"\n"
	"\n"
	"Example:\n"
	"  ivtrace-report sync slow.ivt\n";

const char *report_sources(uint32_t sources, char *ret, size_t ret_bytes)
{
	unsigned int i;
	size_t n = 0;

	ret[0] = '\0';
	for (i = 0; i < IVT_SYNC_SOURCES; i++) {
		const char *name = tsc_sync_source_name(i);

		if ((sources & 1u << i) && name && n < ret_bytes)
			n += snprintf(ret + n, ret_bytes - n, "%s%s", n ? "," : "", name);
	}
	return n ? ret : "-";
}

static void print_machine(const struct ivt_trace_info *info, const struct ivt_sync_result *r,
			  size_t i)
{
	const struct ivt_sync_machine *m = &r->machines[i];
	bool is_guest = info->machines[i].kind == IVT_GUEST;
	char name[REPORT_NAME_BYTES], sources[64], outside[48] = "not checked", disk[48] = "-";
	char error[24] = "-";

	if (m->is_containment_checked)
		snprintf(outside, sizeof(outside), "%" PRIu64 "/%" PRIu64, m->outside, m->checked);
	if (m->io_links)
		snprintf(disk, sizeof(disk), "%" PRIu64 "/%" PRIu64, m->io_violations, m->io_links);
	if (!is_guest || m->entries)
		snprintf(error, sizeof(error), "%" PRIu64, m->bound_ns);
	printf("%-9s %-14s %7zu %9s %12" PRIu64 " %9" PRIu64 " %15s %13s\n",
	       report_name(info, i, name),
	       is_guest ? report_sources(m->sources, sources, sizeof(sources)) : "host clock",
	       m->entries, error, m->records, m->backward, is_guest ? outside : "-",
	       is_guest ? disk : "-");
}

static void print_vcpu(const struct ivt_trace_info *info, const struct ivt_sync_vcpu *v)
{
	char name[REPORT_NAME_BYTES], sources[64], outside[48] = "not checked", worst[24] = "-";
	char error[24] = "-", tid[16] = "-", shake[64] = "-";

	if (v->checked) {
		snprintf(outside, sizeof(outside), "%" PRIu64 "/%" PRIu64, v->outside, v->checked);
		snprintf(worst, sizeof(worst), "%" PRIu64, v->worst_outside_ns);
	}
	if (v->entries)
		snprintf(error, sizeof(error), "%" PRIu64, v->error_ns);
	if (v->tid > 0)
		snprintf(tid, sizeof(tid), "%" PRId32, v->tid);
	if (v->handshakes)
		snprintf(shake, sizeof(shake), "%+" PRId64 "..%+" PRId64,
			 (int64_t)((uint64_t)v->handshake_lo - (uint64_t)v->offset_tsc),
			 (int64_t)((uint64_t)v->handshake_hi - (uint64_t)v->offset_tsc));
	printf("%-9s %4" PRIu32 " %7s %-14s %7zu %9s %12" PRIu64 " %15s %9s %s",
	       report_name(info, v->machine, name), v->vcpu, tid,
	       report_sources(v->sources, sources, sizeof(sources)), v->entries, error, v->records,
	       outside, worst, shake);
	if (v->handshake_misses)
		printf(" (%zu of %zu disagree)", v->handshake_misses, v->handshakes);
	putchar('\n');
}

static void print_text(struct ivt_trace *t, const struct ivt_sync_result *r)
{
	size_t i;

	puts("machine   source         offsets  error_ns      records  backward         outside    "
	     "      disk");
	for (i = 0; i < r->n_machines; i++)
		print_machine(ivt_trace_info_of(t), r, i);
	if (r->n_vcpus)
		puts("\nvm        vcpu     tid source         offsets  error_ns      records       "
		     "  "
		     "outside  worst_ns handshake");
	for (i = 0; i < r->n_vcpus; i++)
		print_vcpu(ivt_trace_info_of(t), &r->vcpus[i]);
	if (r->tsc_hz)
		printf("\n%zu clock snapshots, TSC %" PRIu64 ".%06" PRIu64
		       " MHz, bracket half widths %" PRIu64 " / %" PRIu64 " / %" PRIu64
		       " ns (least / median / most)\n",
		       r->snapshots, r->tsc_hz / 1000000, r->tsc_hz % 1000000, r->half_width_ns[0],
		       r->half_width_ns[1], r->half_width_ns[2]);
	else
		printf("\n%zu clock snapshots: too few to measure the TSC\n", r->snapshots);
}

static int write_manifest(struct ivt_trace *t, const struct ivt_sync_result *r)
{
	struct json_object *doc = report_sync_json(ivt_trace_info_of(t), r);
	const char *text = json_object_to_json_string(doc);
	struct ivt_error err = { "out of memory" };
	int ret = text ? ivt_trace_set_sync(ivt_trace_path(t), text, &err) : -1;

	if (ret)
		report_message("%s", err.msg);
	json_object_put(doc);
	return ret ? REPORT_FAILED : REPORT_DONE;
}

static int run(const struct report_options *opt, struct ivt_trace **traces)
{
	struct ivt_error err = { "" };
	struct ivt_sync_result *r;
	int ret = REPORT_DONE;

	if (ivt_sync_analyse(traces[0], &r, &err)) {
		report_message("%s", err.msg);
		return REPORT_FAILED;
	}
	if (opt->is_write)
		ret = write_manifest(traces[0], r);
	if (opt->is_json && ret == REPORT_DONE)
		ret = report_json_print(report_sync_json(ivt_trace_info_of(traces[0]), r));
	else if (!opt->is_json && !opt->is_write)
		print_text(traces[0], r);
	ivt_sync_destroy(r);
	return ret;
}

const struct report_command report_sync = {
	.name = "sync",
	.summary = "how good the clocks are",
	.help = help,
	.accepted = "jw",
	.n_paths = 1,
	.run = run,
};
