/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a flight recorder's snapshots, in a thread of its own, so that the
 * recording goes on.  First it takes what the rings hold, of the newest job too, then
 * it finishes what was taken: what is still in a ring may be overwritten.
 */
#ifndef HOST_SNAPSHOT_WRITER_H
#define HOST_SNAPSHOT_WRITER_H

#include <limits.h>
#include <stdatomic.h>
#include "host-reader/vm/ring_take.h"
#include "trace/trace_memory.h"

/* The rings of one VM. */
struct snapshot_part {
	char name[IVT_NAME_BYTES];
	const struct ivring_region *region; /* mapped until the part was taken */
	uint32_t machine;		    /* of the recording */
	uint64_t guest_epoch;
	bool is_dead;
	uint64_t *death_tsc; /* by channel; the job's */
	atomic_bool is_void; /* set by the recorder: the guest goes on, it is too late */
};

struct snapshot_job {
	struct snapshot_job *next; /* the writer's */
	char path[PATH_MAX];
	struct ivt_trace_cut *cut;
	uint64_t since_ns; /* the host's records from then on */
	struct snapshot_part *parts;
	size_t n_parts;
	/* the result, once snapshot_writer_finished() gave it back */
	int code;
	struct ivt_error err;
	uint64_t n_records, n_salvaged, n_overwritten;
	uint64_t bytes;
	/* private */
	struct ivt_trace_writer *writer;
	atomic_bool is_taken;
};

struct snapshot_writer;

/* 0; -errno. */
int snapshot_writer_start(struct snapshot_writer **ret);
/* What is there is finished first.  NULL is allowed. */
void snapshot_writer_stop(struct snapshot_writer *w);

/* @job: from malloc(), the writer's until it gives it back. */
void snapshot_writer_add(struct snapshot_writer *w, struct snapshot_job *job);
/* A job that is done, the caller's from then on; NULL: none is. */
struct snapshot_job *snapshot_writer_finished(struct snapshot_writer *w);
/* Jobs that are not done. */
size_t snapshot_writer_busy(struct snapshot_writer *w);
/* Does a job still read @region? */
bool snapshot_writer_reads(struct snapshot_writer *w, const struct ivring_region *region);
/* The guest of @region goes on: what was not taken by now is not valid any more. */
void snapshot_writer_void(struct snapshot_writer *w, const struct ivring_region *region);

void snapshot_job_free(struct snapshot_job *job); /* NULL is allowed */

#endif /* HOST_SNAPSHOT_WRITER_H */
