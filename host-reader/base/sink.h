/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where drained records go: the trace's writer, and what a full disk means for
 * those who drain.
 */
#ifndef HOST_SINK_H
#define HOST_SINK_H

#include <stdbool.h>
#include "trace/trace_writer.h"

struct sink {
	struct ivt_trace_writer *writer;
	bool is_full_told;  /* the user knows that the disk is full */
	bool is_full;	    /* the last append found no room */
	bool was_full;	    /* records may have been lost by it */
	bool is_broken;	    /* another error: the recording ends */
	uint64_t full_ns;   /* host ns of the last append that found no room */
	uint64_t retry_ns;  /* host ns before which nothing is appended while full */
	uint64_t n_records; /* of host streams; guests count their own */
	/* Told of each range of the host's own records; NULL: nobody is. */
	void (*watch)(void *arg, const void *records, size_t bytes);
	void *watch_arg;
};

/* Open a stream; errors as sink_append(). */
int sink_open_stream(struct sink *sink, uint32_t machine, uint32_t cpu);

/*
 * Append a packet; @flags: IVT_PACKET_*.  0; -ENOSPC: the disk is full, nothing was taken: keep the
 * data and come again; -EFAULT: the source went away; other -errno: told, and
 * is_broken is set.
 */
int sink_append(struct sink *sink, uint32_t machine, uint32_t cpu, const struct iovec *iov,
		int n_iov, uint64_t lost, uint32_t flags);

/* Another call to the writer failed with @code and @err: told, and a full disk or the end
 * of the recording is noted.  Errors as sink_append(). */
int sink_take_failure(struct sink *sink, int code, const struct ivt_error *err);
/* Is the disk full, and is it too early to try again? */
bool sink_is_waiting(const struct sink *sink);

/* The writer's entry for stream @cpu of @machine; NULL when there is none. */
struct ivt_stream_info *sink_stream(struct sink *sink, uint32_t machine, uint32_t cpu);

#endif /* HOST_SINK_H */
