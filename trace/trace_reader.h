/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens a trace directory and gives its records, checked, one machine's stream
 * at a time or merged in host time.  Everything in the files is untrusted:
 * every length is held against the file, every payload against the event table;
 * what is refused is counted per stream (struct ivt_stream_stats).
 * A handle is used by one thread at a time; several handles are independent.
 */
#ifndef IVT_TRACE_READER_H
#define IVT_TRACE_READER_H

#include "trace/error.h"
#include "trace/event_table.h"
#include "trace/trace_info.h"
#include "tsc-sync/clock.h"

struct ivt_trace;

/* One record, rebased.  payload points into the mapped file: valid until the
 * trace is closed; it fits desc (ivt_payload_fits()). */
struct ivt_event {
	uint64_t host_ns; /* host CLOCK_MONOTONIC */
	uint64_t raw;	  /* the record's own stamp: guest TSC ticks, or ns on the host */
	const struct ivt_event_desc *desc;
	const void *payload;
	uint16_t payload_bytes;
	uint16_t type;
	uint32_t machine; /* index into ivt_trace_info.machines */
	uint32_t cpu;	  /* host CPU or vCPU */
	uint32_t tid;	  /* of current */
	uint32_t exec;	  /* IVRING_EXEC_* */
	uint64_t number;  /* of the record in its stream, from 0 */
};

struct ivt_stream_stats {
	uint64_t records;
	uint64_t lost; /* last events_discarded, or what the manifest says if it is more */
	uint64_t packets;
	uint64_t refused_bytes; /* not understood or past a violation */
	uint64_t backward;	/* stamps before their predecessor (clamped to it) */
	bool is_cut;		/* the file ends inside a packet */
};

/*
 * 0; -ENOENT, -ENOTDIR: no such directory; -EINVAL: not a trace; -EPROTONOSUPPORT:
 * from a newer version; -errno.  A trace that is not closed, cut or damaged
 * opens: what can be read is read, ivt_trace_warnings() says what is wrong.
 */
int ivt_trace_open(const char *path, struct ivt_trace **ret, struct ivt_error *err);
void ivt_trace_close(struct ivt_trace *t);

/* The manifest as read, and the path as opened; both valid until the close. */
const struct ivt_trace_info *ivt_trace_info_of(const struct ivt_trace *t);
const char *ivt_trace_path(const struct ivt_trace *t);

/* The i-th warning found so far, NULL past the last. */
const char *ivt_trace_warning(const struct ivt_trace *t, size_t i);

/* Host-time bounds of all records (ns, CLOCK_MONOTONIC); equal when empty. */
void ivt_trace_bounds(struct ivt_trace *t, uint64_t *ret_first_ns, uint64_t *ret_last_ns);

/* Records that a stream lost somewhere in [from_ns, to_ns]. */
struct ivt_loss {
	uint64_t from_ns; /* host time, as of the records around it */
	uint64_t to_ns;
	uint64_t records;
	uint32_t machine;
	uint32_t cpu;
};

/* All losses, by machine, stream and time. 0 or -ENOMEM; free() *ret. */
int ivt_trace_losses(struct ivt_trace *t, struct ivt_loss **ret, size_t *ret_n);

/* CLOCK_REALTIME at a host time, for display. */
int ivt_trace_real_ns(const struct ivt_trace *t, uint64_t host_ns, uint64_t *ret_real_ns);

/* The clock log: snapshots, and one vCPU's history (vcpu UINT32_MAX: any). */
const struct tsc_sync_snapshot *ivt_trace_snapshots(const struct ivt_trace *t, size_t *ret_n);
const struct tsc_sync_entry *ivt_trace_history(const struct ivt_trace *t, uint32_t machine,
					       uint32_t vcpu, size_t *ret_n);

/*
 * Handshakes with one vCPU, ascending in from_host_tsc: each is an entry of
 * source TSC_SYNC_HANDSHAKE whose offset is the middle of what it allows at
 * that instant and whose bound_tsc is half the width.  They do not rebase: where
 * no other source knows the machine's offsets, ivt_trace_history() is what these
 * have in common (tsc_sync_merge_handshakes()).  NULL and 0 when there is none.
 */
const struct tsc_sync_entry *ivt_trace_handshakes(const struct ivt_trace *t, uint32_t machine,
						  uint32_t vcpu, size_t *ret_n);

/* ---- merged iteration --------------------------------------------------- */

struct ivt_merge;

struct ivt_merge_options {
	size_t struct_bytes;	  /* sizeof(struct ivt_merge_options) */
	const bool *machine_mask; /* n_machines entries; NULL = all */
	uint64_t from_ns;	  /* host ns; 0 = from the start */
	uint64_t to_ns;		  /* exclusive; 0 = to the end */
};

/*
 * All records of the chosen machines in ascending host_ns; equal times by
 * machine, then cpu, then order in the stream.  No allocation per record.
 */
int ivt_merge_create(struct ivt_trace *t, const struct ivt_merge_options *opt,
		     struct ivt_merge **ret, struct ivt_error *err);
/* 1 with *ret, 0 at the end. */
int ivt_merge_next(struct ivt_merge *m, struct ivt_event *ret);
/* After the end: what stream @stream of @machine held. */
int ivt_merge_stats(const struct ivt_merge *m, uint32_t machine, size_t stream,
		    struct ivt_stream_stats *ret);
void ivt_merge_destroy(struct ivt_merge *m);

#endif /* IVT_TRACE_READER_H */
