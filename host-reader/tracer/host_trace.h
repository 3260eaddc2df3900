/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's own events: loads the eBPF programs of the events that are wanted,
 * and drains their ring buffers into the trace.
 */
#ifndef HOST_TRACE_H
#define HOST_TRACE_H

#include <sys/types.h>
#include "host-reader/base/options.h"
#include "host-reader/base/sink.h"
#include "host-reader/tracer/bpf_stats.h"

struct host_trace;

/*
 * Load what @events needs; nothing is recorded yet.  0; -EPERM: not allowed;
 * -ENOTSUP: this kernel lacks BTF; -errno; *err says why and what to do.
 */
int host_trace_open(const struct event_set *events, struct sink *sink, uint32_t machine,
		    struct host_trace **ret, struct ivt_error *err);

/* The state dump, then the programs are attached: recording begins. */
int host_trace_start(struct host_trace *ht, struct ivt_error *err);

/* Record the system calls of process @pid, or no more. */
void host_trace_process(struct host_trace *ht, pid_t pid, bool is_on);

/*
 * Take what is waiting, in time order.  @is_last: hold nothing back.  Returns
 * the bytes that were waiting in the fullest ring, in permille of its size.
 */
unsigned int host_trace_drain(struct host_trace *ht, bool is_last);

/* The sink's writer is the next chunk's: a state dump, and losses counted from those
 * that were accounted. */
void host_trace_begin_chunk(struct host_trace *ht);

/* Take what is waiting and write all of it but the last few milliseconds, which may
 * not be in order yet, instead of waiting for more. */
void host_trace_flush(struct host_trace *ht);

/* Detach: no record comes after this. */
void host_trace_stop(struct host_trace *ht);

/* Loss counters into the machine's streams; returns records lost in all. */
uint64_t host_trace_account(struct host_trace *ht);

/* @stats says when programs are measured (NULL: they are not); borrowed. */
void host_trace_measure_by(struct host_trace *ht, const struct bpf_stats *stats);
/* What the programs of the host's events have taken while they were measured. */
void host_trace_overhead(const struct host_trace *ht, struct ivt_overhead *ret);

/* Returns when the kernel has freed the programs, after 10 s at most.  NULL is
 * allowed. */
void host_trace_close(struct host_trace *ht);

#endif /* HOST_TRACE_H */
