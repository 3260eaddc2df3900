// SPDX-License-Identifier: GPL-2.0-or-later
/* repair: make a trace whole whose recorder was killed or whose files are damaged. */
#include <stdio.h>
#include <string.h>

#include "analysis/report/report.h"
#include "trace/trace_writer.h"

static const char help[] =
	"Usage: ivtrace-report repair TRACE.ivt\n"
	"\n"
	"Walks all records of a trace that is not being recorded, cuts what is damaged, and\n"
	"writes metadata and manifest anew, so that other readers (babeltrace2) accept it.\n"
	"Nothing that ivtrace-report can read from a whole trace is lost; a second run\n"
	"changes nothing.\n"
	"\n"
	"Example:\n"
	"  ivtrace-report repair slow.ivt && babeltrace2 slow.ivt\n";

static int run(const struct report_options *opt, struct ivt_trace **traces)
{
	struct ivt_error err = { "" };
	int ret = ivt_trace_finalise(opt->paths[0], &err);

	(void)traces;
	if (!ret)
		return REPORT_DONE;
	report_message("%s", err.msg[0] ? err.msg : strerror(-ret));
	return REPORT_FAILED;
}

const struct report_command report_repair = {
	.name = "repair",
	.summary = "make a killed or damaged recording readable for all",
	.help = help,
	.accepted = "",
	.n_paths = 1,
	.run = run,
};
