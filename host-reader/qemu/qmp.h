/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU's control socket (QMP): one command at a time, one thread.  What QEMU
 * answers is bounded in size and time; nothing else about it is believed.
 */
#ifndef HOST_QMP_H
#define HOST_QMP_H

#include <json-c/json.h>
#include "trace/error.h"

struct qmp;

/* Connect to the socket @path and negotiate.  0 with *ret for qmp_close();
 * -errno with *err (-ETIMEDOUT also where another client has the socket). */
int qmp_open(const char *path, struct qmp **ret, struct ivt_error *err);
void qmp_close(struct qmp *q); /* NULL is fine */

/*
 * Run @command.  @arguments (may be NULL) is the callee's from then on.  0, with
 * what it returned in *ret (may be NULL) for json_object_put(); -EREMOTEIO: QEMU
 * refused, *err has its words; -errno of the connection.
 */
int qmp_call(struct qmp *q, const char *command, struct json_object *arguments,
	     struct json_object **ret, struct ivt_error *err);

/* Wait up to @timeout_ms for DEVICE_DELETED of @device.  0; -ETIMEDOUT; -errno. */
int qmp_wait_deleted(struct qmp *q, const char *device, int timeout_ms, struct ivt_error *err);

#endif /* HOST_QMP_H */
