/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between cmd_io.c (text) and io_json.c: what one run of "io" prints. */
#ifndef IVT_ANALYSIS_REPORT_IO_H
#define IVT_ANALYSIS_REPORT_IO_H

#include <inttypes.h>

#include "analysis/io.h"
#include "analysis/report/report.h"
#include "analysis/verdict.h"

struct io_report {
	struct ivt_trace *trace;
	const struct ivt_trace_info *info;
	struct ivt_io_result *io;
	struct ivt_verdict verdict;
	uint32_t only; /* --vm, or IVT_VERDICT_NOBODY: all guests */
	uint64_t first_ns;
	struct ivt_io_request **slowest;
	size_t n_slowest;
};

/* Has the machine a row?  A guest that is asked for. */
bool io_report_shows(const struct io_report *rep, uint32_t machine);
/* Has it a column?  Whoever can be waited behind: the host and guests with disk requests. */
bool io_report_blames(const struct io_report *rep, uint32_t machine);
uint64_t io_report_violations(const struct io_report *rep);
/* "write", "read", "discard", "flush" */
const char *io_report_op(const struct ivt_io_request *req);
/* The task's name, printable; @ret: at least 16 bytes. */
const char *io_report_comm(const struct ivt_io_request *req, char *ret);

/* The document "ivtrace.io/1"; the caller's. */
struct json_object *io_report_json(const struct io_report *rep);

#endif /* IVT_ANALYSIS_REPORT_IO_H */
