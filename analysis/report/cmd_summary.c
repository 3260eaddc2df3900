// SPDX-License-Identifier: GPL-2.0-or-later
/* summary: what a trace holds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/report/report.h"

static const char help[] =
	"Usage: ivtrace-report summary [--json] TRACE.ivt\n"
	"\n"
	"Prints what the trace holds: when and where it was made, how long it is, and per\n"
	"machine its streams, records and losses.  Reads all records once.\n"
	"\n"
	"Example:\n"
	"  ivtrace-report summary slow.ivt\n";

/* Sums over a machine's streams. */
struct totals {
	uint64_t records;
	uint64_t lost;
	uint64_t refused_bytes;
};

static int count_records(struct ivt_trace *t, struct totals *totals)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	struct ivt_merge_options opt = { .struct_bytes = sizeof(opt) };
	struct ivt_stream_stats stats;
	struct ivt_error err = { "" };
	struct ivt_merge *merge;
	struct ivt_event ev;
	uint64_t said;
	size_t m, s;

	if (ivt_merge_create(t, &opt, &merge, &err)) {
		report_message("%s", err.msg);
		return REPORT_FAILED;
	}
	while (ivt_merge_next(merge, &ev) == 1)
		totals[ev.machine].records++;
	for (m = 0; m < info->n_machines; m++) {
		for (s = 0; s < info->machines[m].n_streams; s++) {
			if (ivt_merge_stats(merge, m, s, &stats))
				continue;
			totals[m].lost += stats.lost;
			/* what a repair cut off is in the manifest alone */
			said = info->machines[m].streams[s].refused_bytes;
			totals[m].refused_bytes += said > stats.refused_bytes ? said
									      : stats.refused_bytes;
		}
	}
	ivt_merge_destroy(merge);
	return REPORT_DONE;
}

static void salvaged_of(const struct ivt_machine_info *m, uint64_t *ret_salvaged,
			uint64_t *ret_uncommitted)
{
	uint64_t salvaged = 0, uncommitted = 0;
	size_t s;

	for (s = 0; s < m->n_streams; s++) {
		salvaged += m->streams[s].salvaged;
		uncommitted += m->streams[s].lost_uncommitted;
	}
	*ret_salvaged = salvaged;
	*ret_uncommitted = uncommitted;
}

static const char *kind_of(const struct ivt_machine_info *m)
{
	return m->kind == IVT_HOST ? "host" : "guest";
}

static const char *accel_of(const struct ivt_machine_info *m)
{
	return m->accel[0] ? m->accel : "-";
}

static const char *created_text(uint64_t real_ns, char *ret, size_t ret_bytes)
{
	time_t s = real_ns / 1000000000;
	struct tm tm;

	if (!real_ns || !gmtime_r(&s, &tm) ||
	    !strftime(ret, ret_bytes, "%Y-%m-%d %H:%M:%S UTC", &tm))
		return "-";
	return ret;
}

/* Of guests that died: what they had written and not published. */
static void print_salvaged(const struct ivt_trace_info *info)
{
	char name[REPORT_NAME_BYTES];
	uint64_t salvaged, uncommitted;
	bool is_first = true;
	size_t m;

	for (m = 0; m < info->n_machines; m++) {
		salvaged_of(&info->machines[m], &salvaged, &uncommitted);
		if (!salvaged && !uncommitted)
			continue;
		printf("%s%s: %" PRIu64 " records were salvaged after it died, %" PRIu64
		       " were half-written (lost)\n",
		       is_first ? "\n" : "", report_name(info, m, name), salvaged, uncommitted);
		is_first = false;
	}
}

static uint64_t overwritten_of(const struct ivt_machine_info *m)
{
	uint64_t overwritten = 0;
	size_t s;

	for (s = 0; s < m->n_streams; s++)
		overwritten += m->streams[s].overwritten;
	return overwritten;
}

/* No losses: a flight recorder keeps the newest. */
static void print_overwritten(const struct ivt_trace_info *info)
{
	char name[REPORT_NAME_BYTES];
	bool is_first = true;
	uint64_t n;
	size_t m;

	for (m = 0; m < info->n_machines; m++) {
		n = overwritten_of(&info->machines[m]);
		if (!n)
			continue;
		printf("%s%s: %" PRIu64 " older records were overwritten or left out (no losses)\n",
		       is_first ? "\n" : "", report_name(info, m, name), n);
		is_first = false;
	}
}

static void print_snapshot(const struct ivt_snapshot_info *snapshot)
{
	if (!snapshot->reason[0])
		return;
	printf("snapshot  %s", snapshot->reason);
	if (snapshot->vm[0])
		printf(" (VM '%s')", snapshot->vm);
	if (snapshot->host_ns)
		printf(", at %" PRIu64 ".%09" PRIu64 " s of the host's clock",
		       snapshot->host_ns / 1000000000, snapshot->host_ns % 1000000000);
	putchar('\n');
}

static uint64_t lost_by_quota(const struct ivt_machine_info *m)
{
	uint64_t sum = 0;
	size_t s;

	for (s = 0; s < m->n_streams; s++)
		sum += m->streams[s].lost_quota;
	return sum;
}

static void print_quotas(const struct ivt_trace_info *info)
{
	char name[REPORT_NAME_BYTES];
	size_t m;

	for (m = 0; m < info->n_machines; m++)
		if (lost_by_quota(&info->machines[m]))
			printf("%s: of its losses %" PRIu64 " are by its quota on the disk\n",
			       report_name(info, m, name), lost_by_quota(&info->machines[m]));
}

static void print_chunk(const struct ivt_chunk *chunk)
{
	if (chunk->is_one)
		printf("chunk     %" PRIu32 " of a rotated recording%s%s%s%s\n", chunk->number,
		       chunk->previous[0] ? ", after " : "", chunk->previous,
		       chunk->next[0] ? ", before " : "", chunk->next);
}

static void print_filters(const struct ivt_trace_info *info)
{
	char name[REPORT_NAME_BYTES];
	size_t m;

	for (m = 0; m < info->n_machines; m++)
		if (info->machines[m].filter[0])
			printf("%s: recorded with a filter (%s)\n", report_name(info, m, name),
			       info->machines[m].filter);
}

static uint64_t gap_ns(const struct ivt_gap *gap)
{
	return gap->to_ns > gap->from_ns ? gap->to_ns - gap->from_ns : 0;
}

static void print_gaps(const struct ivt_trace_info *info, uint64_t first_ns)
{
	uint64_t from_ns;
	size_t i;

	for (i = 0; i < info->n_gaps; i++) {
		if (!gap_ns(&info->gaps[i])) { /* the recorder was there, and late */
			printf("%sup to %" PRIu64
			       " bytes of records that guests cleared when they rebooted\n",
			       i ? "" : "\n", info->gaps[i].unread_bytes);
			continue;
		}
		from_ns = info->gaps[i].from_ns > first_ns ? info->gaps[i].from_ns - first_ns : 0;
		printf("%sgap at %" PRIu64 ".%06" PRIu64 " s: no recorder for %" PRIu64
		       ".%06" PRIu64 " s (the host's events are missing",
		       i ? "" : "\n", from_ns / 1000000000, from_ns % 1000000000 / 1000,
		       gap_ns(&info->gaps[i]) / 1000000000,
		       gap_ns(&info->gaps[i]) % 1000000000 / 1000);
		if (info->gaps[i].unread_bytes)
			printf(", and up to %" PRIu64
			       " bytes of records that guests cleared when they rebooted",
			       info->gaps[i].unread_bytes);
		puts(")");
	}
}

static void print_text(struct ivt_trace *t, const struct totals *totals)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	uint64_t first_ns, last_ns;
	char name[REPORT_NAME_BYTES], text[64];
	size_t m;

	ivt_trace_bounds(t, &first_ns, &last_ns);
	printf("trace     %s\n", ivt_trace_path(t));
	printf("created   %s by ivtrace %s\n",
	       created_text(info->created_real_ns, text, sizeof(text)),
	       info->tool_version[0] ? info->tool_version : "-");
	printf("host      %s, Linux %s, %" PRIu32 " CPUs\n",
	       info->hostname[0] ? info->hostname : "-",
	       info->kernel_release[0] ? info->kernel_release : "-", info->nr_cpus);
	printf("duration  %" PRIu64 ".%09" PRIu64 " s\n", (last_ns - first_ns) / 1000000000,
	       (last_ns - first_ns) % 1000000000);
	print_snapshot(&info->snapshot);
	print_chunk(&info->chunk);
	printf("state     %s\n\n",
	       info->is_closed ? "closed"
			       : "not closed: the recorder ended early, or records still");
	puts("machine   kind   accel  streams      records       lost    refused_B");
	for (m = 0; m < info->n_machines; m++)
		printf("%-9s %-6s %-6s %7zu %12" PRIu64 " %10" PRIu64 " %12" PRIu64 "\n",
		       report_name(info, m, name), kind_of(&info->machines[m]),
		       accel_of(&info->machines[m]), info->machines[m].n_streams, totals[m].records,
		       totals[m].lost, totals[m].refused_bytes);
	print_salvaged(info);
	print_gaps(info, first_ns);
	print_overwritten(info);
	print_filters(info);
	print_quotas(info);
}

static struct json_object *machine_json(const struct ivt_trace_info *info, size_t m,
					const struct totals *totals)
{
	const struct ivt_machine_info *machine = &info->machines[m];
	struct json_object *o = json_object_new_object();
	uint64_t salvaged, uncommitted;
	char name[REPORT_NAME_BYTES];

	salvaged_of(machine, &salvaged, &uncommitted);
	json_object_object_add(o, "name", json_object_new_string(report_name(info, m, name)));
	json_object_object_add(o, "kind", json_object_new_string(kind_of(machine)));
	json_object_object_add(o, "accel",
			       machine->accel[0] ? json_object_new_string(machine->accel) : NULL);
	json_object_object_add(o, "streams", json_object_new_int64(machine->n_streams));
	json_object_object_add(o, "records", json_object_new_uint64(totals->records));
	json_object_object_add(o, "lost", json_object_new_uint64(totals->lost));
	json_object_object_add(o, "refused_bytes", json_object_new_uint64(totals->refused_bytes));
	json_object_object_add(o, "salvaged", json_object_new_uint64(salvaged));
	json_object_object_add(o, "lost_uncommitted", json_object_new_uint64(uncommitted));
	json_object_object_add(o, "lost_quota", json_object_new_uint64(lost_by_quota(machine)));
	if (overwritten_of(machine))
		json_object_object_add(o, "overwritten",
				       json_object_new_uint64(overwritten_of(machine)));
	json_object_object_add(o, "filter",
			       machine->filter[0] ? json_object_new_string(machine->filter) : NULL);
	return o;
}

static struct json_object *gaps_json(const struct ivt_trace_info *info)
{
	struct json_object *list = json_object_new_array();
	char text[32];
	size_t i;

	for (i = 0; i < info->n_gaps; i++) {
		const struct ivt_gap *gap = &info->gaps[i];
		struct json_object *o = json_object_new_object();

		snprintf(text, sizeof(text), "%" PRIu64, gap->from_ns);
		json_object_object_add(o, "from_ns", json_object_new_string(text));
		json_object_object_add(o, "duration_ns", json_object_new_uint64(gap_ns(gap)));
		json_object_object_add(o, "unread_bytes",
				       json_object_new_uint64(gap->unread_bytes));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *snapshot_json(const struct ivt_snapshot_info *snapshot)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "reason", json_object_new_string(snapshot->reason));
	json_object_object_add(o, "vm",
			       snapshot->vm[0] ? json_object_new_string(snapshot->vm) : NULL);
	json_object_object_add(o, "host_ns", json_object_new_uint64(snapshot->host_ns));
	return o;
}

static int print_json(struct ivt_trace *t, const struct totals *totals)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	struct json_object *doc = json_object_new_object(), *list = json_object_new_array();
	struct json_object *warnings = json_object_new_array();
	uint64_t first_ns, last_ns;
	const char *warning;
	char text[32];
	size_t i;

	ivt_trace_bounds(t, &first_ns, &last_ns);
	json_object_object_add(doc, "schema", json_object_new_string("ivtrace.summary/1"));
	snprintf(text, sizeof(text), "%" PRIu64, first_ns);
	json_object_object_add(doc, "origin_ns", json_object_new_string(text));
	snprintf(text, sizeof(text), "%" PRIu64, info->created_real_ns);
	json_object_object_add(doc, "created_real_ns", json_object_new_string(text));
	json_object_object_add(doc, "duration_ns", json_object_new_uint64(last_ns - first_ns));
	json_object_object_add(doc, "closed", json_object_new_boolean(info->is_closed));
	json_object_object_add(doc, "hostname", json_object_new_string(info->hostname));
	json_object_object_add(doc, "kernel", json_object_new_string(info->kernel_release));
	if (info->snapshot.reason[0])
		json_object_object_add(doc, "snapshot", snapshot_json(&info->snapshot));
	for (i = 0; i < info->n_machines; i++)
		json_object_array_add(list, machine_json(info, i, &totals[i]));
	json_object_object_add(doc, "machines", list);
	json_object_object_add(doc, "gaps", gaps_json(info));
	for (i = 0; (warning = ivt_trace_warning(t, i)); i++)
		json_object_array_add(warnings, json_object_new_string(warning));
	json_object_object_add(doc, "warnings", warnings);
	return report_json_print(doc);
}

static int run(const struct report_options *opt, struct ivt_trace **traces)
{
	size_t n = ivt_trace_info_of(traces[0])->n_machines;
	struct totals *totals = calloc(n + 1, sizeof(*totals));
	int ret = totals ? count_records(traces[0], totals) : REPORT_FAILED;

	if (ret == REPORT_DONE && opt->is_json)
		ret = print_json(traces[0], totals);
	else if (ret == REPORT_DONE)
		print_text(traces[0], totals);
	free(totals);
	return ret;
}

const struct report_command report_summary = {
	.name = "summary",
	.summary = "what the trace holds: machines, records, losses",
	.help = help,
	.accepted = "j",
	.n_paths = 1,
	.run = run,
};
