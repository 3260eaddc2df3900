/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manifest.json <-> struct ivt_trace_info.
 */
#ifndef IVT_TRACE_MANIFEST_H
#define IVT_TRACE_MANIFEST_H

#include "trace/error.h"
#include "trace/trace_info.h"

/* Replace "manifest.json" in the trace directory. 0 or -errno. */
int ivt_manifest_write(int dirfd, const struct ivt_trace_info *info, struct ivt_error *err);

/*
 * Read it.  0; -ENOENT; -EINVAL: not a manifest of ours; -EPROTONOSUPPORT: of a
 * newer version; -errno.  Texts are cut to fit and cleaned, numbers held in
 * their ranges; machine directories are plain names without '/'.  *ret is the
 * caller's, for ivt_trace_info_deinit().
 */
int ivt_manifest_read(int dirfd, struct ivt_trace_info *ret, struct ivt_error *err);

/* The same of the trace directory @path, whoever records it or not. */
int ivt_trace_info_read(const char *path, struct ivt_trace_info *ret, struct ivt_error *err);

#endif /* IVT_TRACE_MANIFEST_H */
