// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "host-reader/base/message.h"
#include "host-reader/base/program_beside.h"
#include "host-reader/recording/summary.h"
#include "trace/manifest.h"

static void print_machine(const struct ivt_machine_info *m)
{
	uint64_t records = 0, bytes = 0, lost = 0, refused = 0;
	char epoch[32] = "", more[64] = "";
	size_t i;

	for (i = 0; i < m->n_streams; i++) {
		const struct ivt_stream_info *s = &m->streams[i];

		records += s->records;
		bytes += s->bytes;
		lost += ivt_stream_lost(s);
		refused += s->refused_bytes;
	}
	if (m->epoch)
		snprintf(epoch, sizeof(epoch), " (boot %u)", m->epoch + 1);
	if (refused)
		snprintf(more, sizeof(more), ", %" PRIu64 " bytes refused", refused);
	fprintf(stderr, "  %-12s %12" PRIu64 " records %10.1f MB %10" PRIu64 " lost%s%s%s\n",
		m->name, records, (double)bytes / 1e6, lost, more, epoch,
		m->filter[0] ? ", filtered" : "");
}

static void print_overhead(const struct ivt_overhead *o)
{
	if (o->measured_ns)
		fprintf(stderr,
			"  the host's programs took %.2f %% of one CPU, %.0f ns each time "
			"(measured "
			"for %.0f ms)\n",
			100.0 * (double)o->run_ns / (double)o->measured_ns,
			o->runs ? (double)o->run_ns / (double)o->runs : 0.0,
			(double)o->measured_ns / 1e6);
}

void summary_print(const char *path)
{
	struct ivt_error err = { "" };
	struct ivt_trace_info info;
	bool has_guest = false;
	size_t i;

	if (ivt_trace_info_read(path, &info, &err)) {
		message("%s", err.msg);
		return;
	}
	message("recorded '%s'", path);
	for (i = 0; i < info.n_machines; i++) {
		print_machine(&info.machines[i]);
		print_overhead(&info.machines[i].overhead);
		has_guest = has_guest || info.machines[i].kind == IVT_GUEST;
	}
	fprintf(stderr, "Look at it:\n  ivtrace-report %s %s\n  ivtrace-view %s\n",
		has_guest ? "io" : "summary", path, path);
	ivt_trace_info_deinit(&info);
}

void summary_check_clocks(struct helper *helper, const char *path)
{
	char program[512];
	char *const argv[] = { program, "sync", "--write", "--", (char *)path, NULL };
	int status = 0, err;
	pid_t pid;

	if (!program_beside("ivtrace-report", program, sizeof(program)))
		return;
	err = helper_run(helper, argv, HELPER_QUIET, &pid);
	if (!err)
		err = helper_wait(helper, pid, &status);
	if (!err && WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	message("the clocks of '%s' were not checked: %s (later: ivtrace-report sync --write %s)",
		path, err ? strerror(-err) : "ivtrace-report did not end well", path);
}
