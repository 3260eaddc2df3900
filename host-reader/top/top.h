/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes on right now in the VMs that a recorder records: what it says itself,
 * what the host's scheduler says of the vCPUs' threads, and what the guests say of
 * their disks in the trace, which is followed.
 */
#ifndef HOST_TOP_H
#define HOST_TOP_H

#include <json-c/json.h>
#include <stdint.h>
#include <sys/types.h>
#include "trace/error.h"

struct top;

/* Of the recorder @pid.  0 with the caller's *ret; -errno. */
int top_open(pid_t pid, struct top **ret, struct ivt_error *err);
void top_close(struct top *top); /* NULL is allowed */

/*
 * Look for @interval_ns, then *ret, the caller's, says what was in that time
 * (docs/man/ivtrace-host.1, top).  0; -ESRCH: the recording is over; -EINTR: a
 * signal came; -errno.
 */
int top_collect(struct top *top, uint64_t interval_ns, struct json_object **ret,
		struct ivt_error *err);

#endif /* HOST_TOP_H */
