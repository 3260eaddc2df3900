/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorder holds sync.bin of the trace it writes locked as long as it lives.
 */
#ifndef IVT_TRACE_RECORDER_LOCK_H
#define IVT_TRACE_RECORDER_LOCK_H

#include "trace/error.h"

/*
 * Keep recorders and others away from the trace directory @dirfd until *ret_fd,
 * the caller's (-1 where there is no sync.bin), is closed.  @what and @path are for
 * the message.  0; -EBUSY: it is being recorded, or changed by another program.
 */
int ivt_recorder_lock(int dirfd, const char *what, const char *path, int *ret_fd,
		      struct ivt_error *err);

#endif /* IVT_TRACE_RECORDER_LOCK_H */
