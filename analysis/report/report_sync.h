/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text and the JSON form of the clocks' report share. */
#ifndef IVT_ANALYSIS_REPORT_SYNC_H
#define IVT_ANALYSIS_REPORT_SYNC_H

#include "analysis/report/report.h"
#include "analysis/sync.h"

/* "bpf,handshake" of bits; "-" of none.  Returns @ret. */
const char *report_sources(uint32_t sources, char *ret, size_t ret_bytes);

/* The document "ivtrace.sync/1"; the caller's, for json_object_put(). */
struct json_object *report_sync_json(const struct ivt_trace_info *info,
				     const struct ivt_sync_result *r);

#endif /* IVT_ANALYSIS_REPORT_SYNC_H */
