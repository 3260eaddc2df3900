/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A finalised trace with its stream files compressed, and back.  The readers of
 * trace/ read both; other readers of CTF only what is not compressed.
 */
#ifndef IVT_TRACE_COMPRESS_H
#define IVT_TRACE_COMPRESS_H

#include "trace/error.h"

/*
 * Compress each stream file of the trace @path; the manifest says their sizes.
 * What is done before an interruption stays valid, a second run does the rest.
 * 0; -EBUSY: a recorder is writing it; -EINVAL: it is not finalised
 * (ivt_trace_finalise()); -errno.
 */
int ivt_trace_compress(const char *path, struct ivt_error *err);

/* The way back. 0; -EBUSY; -EBADMSG: a file is damaged (others are unpacked); -errno. */
int ivt_trace_decompress(const char *path, struct ivt_error *err);

#endif /* IVT_TRACE_COMPRESS_H */
