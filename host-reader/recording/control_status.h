/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a recording goes: the answer to {"command": "status"}. */
#ifndef HOST_CONTROL_STATUS_H
#define HOST_CONTROL_STATUS_H

#include <json-c/json.h>
#include "trace/error.h"

struct recording;

/* {"command": "who"}, as control_command.run: pid, the output that was asked for, the
 * trace that is written now (of a recording that is rotated). */
int control_who(struct recording *rec, struct json_object *request, struct json_object *reply,
		struct ivt_error *err);

/* As control_command.run.  Adds what docs/man/ivtrace-host.1 says of status. */
int control_status(struct recording *rec, struct json_object *request, struct json_object *reply,
		   struct ivt_error *err);

#endif /* HOST_CONTROL_STATUS_H */
