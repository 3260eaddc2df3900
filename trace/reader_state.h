/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trace handle holds: shared by the reader, the merge and finalising.
 */
#ifndef IVT_TRACE_READER_STATE_H
#define IVT_TRACE_READER_STATE_H

#include "trace/ftrace_store.h"
#include "trace/stream_file.h"
#include "trace/sync_log.h"

/* One machine's streams, parallel to its ivt_machine_info.streams. */
struct ivt_machine_streams {
	struct ivt_stream_file *files;
	size_t n_files;
	struct ivt_ftrace_formats *ftrace; /* NULL: not asked for yet */
};

struct ivt_trace {
	char *path;
	int dirfd;
	struct ivt_trace_info info;
	struct ivt_sync_log log;
	struct tsc_sync_entry *entries; /* parallel to log.clocks */
	struct ivt_clock_reach *reach;	/* likewise */
	struct ivt_machine_streams *machines;
	char **warnings;
	size_t n_warnings;
	bool has_bounds;
	uint64_t first_ns;
	uint64_t last_ns;
};

#endif /* IVT_TRACE_READER_STATE_H */
