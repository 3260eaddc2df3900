/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a trace directory (NAME.ivt).  One thread.  Nothing is parsed here:
 * ranges of records are framed and written as they are.
 *
 *	create -> add_machine ... -> append / append_sync ... -> close
 *
 * After a kill, what append() returned for is on disk (page cache); the reader
 * takes such a directory as "not closed".
 */
#ifndef IVT_TRACE_WRITER_H
#define IVT_TRACE_WRITER_H

#include <sys/uio.h>
#include "trace/error.h"
#include "trace/trace_info.h"
#include "tsc-sync/clock.h"

/* A recorder's own files in the directory begin like this.  Finalising removes them. */
#define IVT_RECORDER_FILES ".recorder-"

struct ivt_trace_writer;

/*
 * Make the directory @path (it must not exist) with a first manifest, metadata
 * files and sync.bin.  0; -errno with *err set (-EEXIST: there is one already).
 * *ret is the caller's, to be closed.
 */
int ivt_trace_writer_create(const char *path, const char *tool_version,
			    struct ivt_trace_writer **ret, struct ivt_error *err);

/*
 * Go on in the trace @path, whose recorder died: lock it, remove what that one
 * left half made, cut sync.bin to whole records.  Machines are as the manifest has
 * them, streams as they lie on the disk; those that go on are to be reopened.
 * 0; -ENOENT: there is none, or it was never begun (what was there is removed); -EBUSY: a
 * recorder lives; -EALREADY: it was closed; -ESTALE: of another boot of the host;
 * -EINVAL: not a trace; as ivt_manifest_read(); -errno.
 */
int ivt_trace_writer_resume(const char *path, struct ivt_trace_writer **ret, struct ivt_error *err);

/* Where the next packet of a stream goes. */
struct ivt_stream_pos {
	uint64_t bytes;	  /* of its file */
	uint64_t packets; /* its number */
};

/*
 * Open stream @cpu, which lies on the disk: the next packet goes to @pos, what is behind
 * it is cut off; NULL: behind its last whole packet, whose losses count as
 * lost_full where the manifest knows of less.  A @pos of 0 bytes: the file is
 * removed, there is no such stream.  0 (also where there is none and @pos has 0
 * bytes); -EMSGSIZE: the file is shorter than @pos says; -errno.
 */
int ivt_trace_writer_reopen_stream(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
				   const struct ivt_stream_pos *pos, struct ivt_error *err);

/* Let go of @w (NULL is allowed) as if its recorder had been killed. */
void ivt_trace_writer_abandon(struct ivt_trace_writer *w);

/* The last snapshot of the host's clocks in the trace; NULL: none. */
const struct tsc_sync_snapshot *ivt_trace_writer_last_snapshot(const struct ivt_trace_writer *w);

/* Does the trace have any clock entry of @machine? */
bool ivt_trace_writer_has_clock(const struct ivt_trace_writer *w, uint32_t machine);

/* The number of the guest of this name and epoch; -1: there is none. */
int ivt_trace_writer_find_machine(const struct ivt_trace_writer *w, const char *name,
				  uint32_t epoch);

/* Is stream @cpu of @machine open? */
bool ivt_trace_writer_has_stream(const struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu);

/* The trace's directory: as it was named, and open (the writer's). */
const char *ivt_trace_writer_path(const struct ivt_trace_writer *w);
int ivt_trace_writer_dirfd(const struct ivt_trace_writer *w);

/*
 * A writer without files: its machines and the clock log are kept in memory, and of
 * the records the newest @limit_bytes (trace/trace_memory.h).  A machine that is added
 * again, as another boot, takes its own place.  The calls below are the same;
 * checkpoints do nothing, closing frees.  0; -ENOMEM.
 */
int ivt_trace_writer_create_memory(uint64_t limit_bytes, const char *tool_version,
				   struct ivt_trace_writer **ret, struct ivt_error *err);
struct ivt_trace_memory;
struct ivt_sync_log;
/* NULL: it writes files. */
struct ivt_trace_memory *ivt_trace_writer_memory(struct ivt_trace_writer *w);
/* The clock log so far; valid until the next call that adds to it. */
const struct ivt_sync_log *ivt_trace_writer_log(const struct ivt_trace_writer *w);
/* Of the log in memory: nothing older than @host_tsc is asked for any more. */
void ivt_trace_writer_forget(struct ivt_trace_writer *w, uint64_t host_tsc);

/*
 * Add a machine: its directory and metadata.  kind, name, clock, epoch, and
 * whatever else of @info is known; dir and uuid are chosen here.  The writer
 * copies @info.  *ret_machine: its number.  -EEXIST: name and epoch are taken;
 * -E2BIG: there are IVT_MAX_MACHINES.
 */
int ivt_trace_writer_add_machine(struct ivt_trace_writer *w, const struct ivt_machine_info *info,
				 uint32_t *ret_machine, struct ivt_error *err);

/*
 * Nothing more comes of @machine, whose guest was rebooted or has left: its streams'
 * files are closed.  What the trace says of it can still be completed.
 */
void ivt_trace_writer_end_machine(struct ivt_trace_writer *w, uint32_t machine);

/* The writer's own copy, to be completed by the caller (vcpus, disks, pid,
 * loss counters of streams); valid until the next add_machine.  Arrays put in
 * place are the writer's from then on (free()). */
struct ivt_machine_info *ivt_trace_writer_machine(struct ivt_trace_writer *w, uint32_t machine);

/* What the recording says of the host (tsc_khz, nr_cpus, ...), to be completed
 * by the caller; machines are not added here. */
struct ivt_trace_info *ivt_trace_writer_info(struct ivt_trace_writer *w);

/*
 * Open stream @cpu of @machine (file cpu_N), below IVT_MAX_STREAMS.  The first packet is empty, so
 * that losses before the first record are exact.
 */
int ivt_trace_writer_add_stream(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
				struct ivt_error *err);

/*
 * Append one packet of whole records: @iov, at most 2 pieces, at most
 * IVT_PACKET_MAX_BYTES - 88 bytes together, a multiple of 8.
 * @lost: cumulative losses of this stream.  @flags: IVT_PACKET_*.
 * 0; -ENOSPC, -EFBIG, -EDQUOT: the disk is full: the file is cut back to whole
 * packets and the call can be repeated later; -EFAULT: the source went away
 * (file cut back too); other -errno.
 */
int ivt_trace_writer_append(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
			    const struct iovec *iov, int n_iov, uint64_t lost, uint32_t flags,
			    struct ivt_error *err);

/* sync.bin records. */
int ivt_trace_writer_snapshot(struct ivt_trace_writer *w, const struct tsc_sync_snapshot *snap,
			      struct ivt_error *err);
int ivt_trace_writer_clock(struct ivt_trace_writer *w, uint32_t machine,
			   const struct tsc_sync_entry *entry, uint64_t guest_tsc,
			   struct ivt_error *err);

/* Where the next packet of a stream goes; all zero where there is no such stream. */
void ivt_trace_writer_position(const struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
			       struct ivt_stream_pos *ret);

/* The newest snapshots of @from, at most @max: where a recording goes on in another
 * trace, records are older than that one's first snapshot. */
int ivt_trace_writer_inherit(struct ivt_trace_writer *w, const struct ivt_trace_writer *from,
			     size_t max, struct ivt_error *err);

/* Bytes and packets written so far, all streams. */
uint64_t ivt_trace_writer_bytes(const struct ivt_trace_writer *w);

/* Write the manifest anew (temporary file, rename). */
int ivt_trace_writer_checkpoint(struct ivt_trace_writer *w, struct ivt_error *err);

/*
 * Last checkpoint with is_closed, clock lines of all machines computed from
 * snapshots and offsets, metadata written anew.  Frees @w in any case (NULL is
 * allowed).
 */
int ivt_trace_writer_close(struct ivt_trace_writer *w, struct ivt_error *err);

/*
 * The same in less time, for a trace that will be finalised by somebody else:
 * metadata stays as it is.  Frees @w in any case.  0; -errno.
 */
int ivt_trace_writer_leave(struct ivt_trace_writer *w, struct ivt_error *err);

/* Give the trace's directory another name, nothing being there.  0; -EEXIST, -errno: it
 * has the old one. */
int ivt_trace_writer_rename(struct ivt_trace_writer *w, const char *path, struct ivt_error *err);

/*
 * Walk the records of a closed or abandoned trace in its files: check each,
 * cut a packet at the first bad record (flag VIOLATION, bytes counted), cut a
 * file to whole packets, fill in time bounds and records, rewrite metadata and
 * manifest.  What follows in the streams of a guest that set its TSC back goes
 * into directories of its own (struct ivt_machine_part).  Idempotent.  0; -EBUSY: a recorder is writing it; as
 * ivt_trace_open(); -errno of a write.
 */
int ivt_trace_finalise(const char *path, struct ivt_error *err);

/*
 * Put the JSON object @json into the manifest of a trace that is not being
 * recorded, under the key "sync", in place of what is there; the file is replaced
 * as a whole.  0; -EBUSY: a recorder is writing it; -EINVAL: not an object;
 * as ivt_trace_open(); -errno of a write.
 */
int ivt_trace_set_sync(const char *path, const char *json, struct ivt_error *err);

#endif /* IVT_TRACE_WRITER_H */
