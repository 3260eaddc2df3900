/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes a trace, and nothing that is none.
 */
#ifndef IVT_TRACE_REMOVE_H
#define IVT_TRACE_REMOVE_H

#include "trace/error.h"

/*
 * Remove the trace directory @path with all that is in it; links are not followed.
 * 0; -EBUSY: a recorder is writing it; -EINVAL, -ENOENT: not a trace; -errno: of
 * what could not be removed, the rest is gone.
 */
int ivt_trace_remove(const char *path, struct ivt_error *err);

#endif /* IVT_TRACE_REMOVE_H */
