/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listens to a QEMU's control socket (QMP) in the recorder's loop, never waits; one
 * that is not there, or goes, is tried again every second.  One thread.
 */
#ifndef HOST_QMP_WATCH_H
#define HOST_QMP_WATCH_H

#include <stdint.h>
#include "host-reader/base/loop.h"

struct qmp_watch;

/* @event: "RESET", ...: QEMU's word. */
typedef void (*qmp_event_fn)(void *arg, const char *event);

/* @fn(@arg) at each event of the QEMU behind the socket @path.  0; -ENAMETOOLONG;
 * -ENOMEM. */
int qmp_watch_create(struct loop *loop, const char *path, qmp_event_fn fn, void *arg,
		     struct qmp_watch **ret);
void qmp_watch_destroy(struct qmp_watch *w); /* NULL is allowed */

/* Connect where there is no connection; now and then.  NULL is allowed. */
void qmp_watch_keep(struct qmp_watch *w, uint64_t now_ns);

#endif /* HOST_QMP_WATCH_H */
