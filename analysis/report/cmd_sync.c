// SPDX-License-Identifier: GPL-2.0-or-later
/* sync: how good the clocks are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/report.h"
#include "analysis/sync.h"

static const char help[] =
	"Usage: ivtrace-report sync [--json] TRACE.ivt\n"
	"\n"
	"Prints how each machine's clock was related to the host's, with which error, and\n"
	"what the records say against it:\n"
	"\n"
	"  source     where the TSC offset was read (bpf, stap, debugfs, tcg, handshake)\n"
	"  offsets    entries of the clock's history, all vCPUs\n"
	"  error_ns   bound of the offset's error; 0: exact\n"
	"  backward   records whose stamp lies before their predecessor's\n"
	"  outside    records outside [kvm_entry, kvm_exit] of their vCPU by more than the\n"
	"             error; \"not checked\" where the host recorded no such events (TCG)\n"
	"  disk       disk requests whose host part begins before the guest issued them or\n"
	"             ends after the guest saw them complete / host parts looked at\n"
	"\n"
	"Example:\n"
	"  ivtrace-report sync slow.ivt\n";

static const char *sources_text(uint32_t sources, char *ret, size_t ret_bytes)
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
	       is_guest ? sources_text(m->sources, sources, sizeof(sources)) : "host clock",
	       m->entries, error, m->records, m->backward, is_guest ? outside : "-",
	       is_guest ? disk : "-");
}

static void print_text(struct ivt_trace *t, const struct ivt_sync_result *r)
{
	size_t i;

	puts("machine   source         offsets  error_ns      records  backward         outside    "
	     "      disk");
	for (i = 0; i < r->n_machines; i++)
		print_machine(ivt_trace_info_of(t), r, i);
	if (r->tsc_hz)
		printf("\n%zu clock snapshots, TSC %" PRIu64 ".%06" PRIu64
		       " MHz, bracket half widths %" PRIu64 " / %" PRIu64 " / %" PRIu64
		       " ns (least / median / most)\n",
		       r->snapshots, r->tsc_hz / 1000000, r->tsc_hz % 1000000, r->half_width_ns[0],
		       r->half_width_ns[1], r->half_width_ns[2]);
	else
		printf("\n%zu clock snapshots: too few to measure the TSC\n", r->snapshots);
}

static struct json_object *machine_json(const struct ivt_trace_info *info,
					const struct ivt_sync_machine *m, size_t i)
{
	struct json_object *o = json_object_new_object(), *sources = json_object_new_array();
	bool is_guest = info->machines[i].kind == IVT_GUEST;
	unsigned int s;

	for (s = 0; s < IVT_SYNC_SOURCES; s++)
		if ((m->sources & 1u << s) && tsc_sync_source_name(s))
			json_object_array_add(sources,
					      json_object_new_string(tsc_sync_source_name(s)));
	json_object_object_add(o, "kind", json_object_new_string(is_guest ? "guest" : "host"));
	json_object_object_add(o, "sources", sources);
	json_object_object_add(o, "offsets", json_object_new_uint64(m->entries));
	json_object_object_add(o, "error_ns",
			       is_guest && !m->entries ? NULL
						       : json_object_new_uint64(m->bound_ns));
	json_object_object_add(o, "records", json_object_new_uint64(m->records));
	json_object_object_add(o, "lost", json_object_new_uint64(m->lost));
	json_object_object_add(o, "backward", json_object_new_uint64(m->backward));
	json_object_object_add(
		o, "containment",
		json_object_new_string(m->is_containment_checked ? "checked" : "not checked"));
	json_object_object_add(o, "checked", json_object_new_uint64(m->checked));
	json_object_object_add(o, "outside",
			       m->is_containment_checked ? json_object_new_uint64(m->outside)
							 : NULL);
	json_object_object_add(o, "disk_links", json_object_new_uint64(m->io_links));
	json_object_object_add(o, "disk_violations",
			       m->io_links ? json_object_new_uint64(m->io_violations) : NULL);
	return o;
}

static int print_json(struct ivt_trace *t, const struct ivt_sync_result *r)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	struct json_object *doc = json_object_new_object(), *machines = json_object_new_object();
	struct json_object *widths = json_object_new_array();
	char name[REPORT_NAME_BYTES];
	size_t i;

	json_object_object_add(doc, "schema", json_object_new_string("ivtrace.sync/1"));
	json_object_object_add(doc, "snapshots", json_object_new_uint64(r->snapshots));
	json_object_object_add(doc, "tsc_hz", r->tsc_hz ? json_object_new_uint64(r->tsc_hz) : NULL);
	for (i = 0; i < 3; i++)
		json_object_array_add(widths, json_object_new_uint64(r->half_width_ns[i]));
	json_object_object_add(doc, "half_width_ns", widths);
	for (i = 0; i < r->n_machines; i++)
		json_object_object_add(machines, report_name(info, i, name),
				       machine_json(info, &r->machines[i], i));
	json_object_object_add(doc, "machines", machines);
	return report_json_print(doc);
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
	if (opt->is_json)
		ret = print_json(traces[0], r);
	else
		print_text(traces[0], r);
	ivt_sync_destroy(r);
	return ret;
}

const struct report_command report_sync = {
	.name = "sync",
	.summary = "how good the clocks are",
	.help = help,
	.accepted = "j",
	.n_paths = 1,
	.run = run,
};
