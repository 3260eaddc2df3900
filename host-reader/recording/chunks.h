/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The traces that one recording writes, one after the other: their names, what is
 * done with each once it is closed (ivtrace-host finish, in the background, one at
 * a time), which are kept, and what all of them held.  Without rotation there is
 * one.
 */
#ifndef HOST_CHUNKS_H
#define HOST_CHUNKS_H

#include "host-reader/recording/helper.h"
#include "trace/trace_info.h"

struct rotation_options {
	uint64_t size_bytes; /* of a chunk's streams; 0: any */
	uint64_t time_ns;    /* of a chunk; 0: any */
	uint32_t keep;	     /* so many chunks, the present one included; 0: all */
	bool is_compressed;  /* once closed */
};

struct chunks;

/* Is the recording cut into chunks? */
bool rotation_is_wanted(const struct rotation_options *opt);

/*
 * The traces of the recording @output ("slow.ivt"), which with rotation are
 * "slow.0000.ivt", "slow.0001.ivt" ..., behind those that are there already
 * (of earlier recordings: they count nowhere); @does_resume: beginning with the last
 * of those, and those before it are this recording's, too.  @helper runs what is to be run; @output,
 * @opt and @helper are borrowed.  0; -ENOMEM; -ENAMETOOLONG.
 */
int chunks_create(const char *output, const struct rotation_options *opt, bool does_resume,
		  struct helper *helper, struct chunks **ret);
void chunks_destroy(struct chunks *chunks); /* NULL is allowed */

/* The present trace's directory, and the one that would follow; valid until
 * chunks_advance(). */
const char *chunks_path(const struct chunks *chunks);
const char *chunks_next_path(const struct chunks *chunks);
/* What the manifest of the present trace, or of the next, is to say. */
void chunks_describe(const struct chunks *chunks, bool is_next, struct ivt_chunk *ret);

/* The present one is an earlier recording's: begin behind it. */
void chunks_skip(struct chunks *chunks);

/* The present trace is closed and held @info: it is to be finished, and the next
 * one is the present one.  0; -ENOMEM: it is left as it is, and told. */
int chunks_advance(struct chunks *chunks, const struct ivt_trace_info *info);
/* Is there news of those that are finished or removed?  Then starts what is next.
 * True: what is on the disk has changed. */
bool chunks_poll(struct chunks *chunks);
/* The recording is over: wait until all are finished, and those removed that are
 * not kept.  0; -EIO: that did not go well with all of them since the start, told. */
int chunks_await(struct chunks *chunks);

/* Bytes on the disk of the VM @name in the closed chunks that are kept.  @chunks may
 * be NULL. */
uint64_t chunks_vm_bytes(const struct chunks *chunks, const char *name);

/* Print to stderr what all traces held together, kept or not. */
void chunks_summary(const struct chunks *chunks);

#endif /* HOST_CHUNKS_H */
