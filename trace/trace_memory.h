/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording that is kept in memory, of a bounded size: packets of whole records,
 * the newest win.  What ivt_trace_writer_create_memory() writes to, and what a
 * snapshot of it holds.  One thread; a cut may be used by another one.
 */
#ifndef IVT_TRACE_MEMORY_H
#define IVT_TRACE_MEMORY_H

#include <sys/uio.h>
#include "trace/sync_log.h"
#include "trace/trace_info.h"
#include "trace/trace_writer.h"

struct ivt_trace_memory;
struct ivt_trace_cut;

/* At most @limit_bytes of packets.  0 with *ret; -ENOMEM. */
int ivt_trace_memory_create(uint64_t limit_bytes, struct ivt_trace_memory **ret);
void ivt_trace_memory_destroy(struct ivt_trace_memory *m); /* NULL is allowed */

/*
 * Keep a packet of @machine's stream @cpu; the oldest of all go to make room, and
 * their records are counted in their streams of @info as overwritten.
 * 0; -EFBIG: larger than the whole memory; -ENOMEM.
 */
int ivt_trace_memory_append(struct ivt_trace_memory *m, struct ivt_trace_info *info,
			    uint32_t machine, uint32_t cpu, const struct iovec *iov, int n_iov,
			    uint64_t lost, uint32_t flags);

/* Stamp of the oldest record of @machine that is kept; UINT64_MAX: none is. */
uint64_t ivt_trace_memory_oldest(const struct ivt_trace_memory *m, uint32_t machine);

/*
 * What @w, a writer to memory, holds now: machines, clock log and packets, which are
 * not copied.  0 with *ret, the caller's; -ENOMEM; -EINVAL: no such writer.
 */
int ivt_trace_cut_create(struct ivt_trace_writer *w, struct ivt_trace_cut **ret);
void ivt_trace_cut_destroy(struct ivt_trace_cut *cut); /* NULL is allowed */

/* The machines as they were then, to be changed by the caller until it is written. */
struct ivt_trace_info *ivt_trace_cut_info(struct ivt_trace_cut *cut);
/* Leave @machine out. */
void ivt_trace_cut_omit(struct ivt_trace_cut *cut, uint32_t machine);
/* Its number in the trace that was written; UINT32_MAX: it was left out. */
uint32_t ivt_trace_cut_number(const struct ivt_trace_cut *cut, uint32_t machine);

/*
 * Make the trace @path of it, with its machines and clock log: an ordinary writer,
 * to which guests' records may be appended, and which is to be closed.  0 with *ret;
 * -errno with *err as ivt_trace_writer_create().
 */
int ivt_trace_cut_begin(struct ivt_trace_cut *cut, const char *path, struct ivt_trace_writer **ret,
			struct ivt_error *err);
/*
 * The packets into it.  Those older than @since_ns of machines whose clock is
 * CLOCK_MONOTONIC are left out and counted as overwritten.  0; -errno with *err.
 */
int ivt_trace_cut_fill(struct ivt_trace_cut *cut, uint64_t since_ns, struct ivt_trace_writer *w,
		       struct ivt_error *err);

#endif /* IVT_TRACE_MEMORY_H */
