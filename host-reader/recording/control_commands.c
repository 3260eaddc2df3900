// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/control_client.h"
#include "host-reader/recording/control_commands.h"
#include "host-reader/recording/control_status.h"
#include "host-reader/recording/recording.h"

/* {"command": "add", "vm": "NAME[=shm:PATH|=sock:PATH]"} */
static int run_add(struct recording *rec, struct json_object *request, struct json_object *reply,
		   struct ivt_error *err)
{
	const char *text = control_text(request, "vm");
	struct vm_spec spec;
	int code;

	(void)reply;
	if (!text || parse_vm(text, &spec))
		return ivt_error_set(err, -EINVAL,
				     "'%.80s' is no VM: NAME, NAME=shm:PATH or NAME=sock:PATH",
				     text ? text : "");
	if (!spec.is_socket && access(spec.path, F_OK))
		return ivt_error_set(err, -errno, "cannot record '%s': '%s': %s", spec.name,
				     spec.path, strerror(errno));
	code = recording_add_vm(rec, &spec, err);
	if (!code)
		message("%s: recorded from now on", spec.name);
	return code;
}

/* {"command": "remove", "vm": "NAME"} */
static int run_remove(struct recording *rec, struct json_object *request, struct json_object *reply,
		      struct ivt_error *err)
{
	const char *name = control_text(request, "vm");
	struct vm *vm = name ? recording_find_vm(rec, name) : NULL;

	(void)reply;
	if (!vm)
		return ivt_error_set(err, -ENOENT, "no VM '%.80s' is recorded", name ? name : "");
	message("%s: recorded no more", name);
	recording_retire_vm(rec, vm);
	return 0;
}

/* {"command": "stop"} */
static int run_stop(struct recording *rec, struct json_object *request, struct json_object *reply,
		    struct ivt_error *err)
{
	(void)request;
	(void)reply;
	(void)err;
	rec->is_stopping = true;
	return 0;
}

/* {"command": "snapshot", "vm": "NAME" or none, "reason": "TEXT" or none}: path */
static int run_snapshot(struct recording *rec, struct json_object *request,
			struct json_object *reply, struct ivt_error *err)
{
	const char *vm = control_text(request, "vm"), *why = control_text(request, "reason");
	char path[PATH_MAX], reason[160];
	int code;

	if (!rec->flight)
		return ivt_error_set(err, -EOPNOTSUPP,
				     "this recorder is no flight recorder "
				     "(record --mode flight)");
	if (vm && !recording_find_vm(rec, vm))
		return ivt_error_set(err, -ENOENT, "no VM '%.80s' is recorded", vm);
	snprintf(reason, sizeof(reason), "command%s%s", why ? ": " : "", why ? why : "");
	code = flight_snapshot(rec->flight, reason, vm, vm != NULL, path, err);
	if (!code)
		json_object_object_add(reply, "path", json_object_new_string(path));
	return code;
}

/* {"command": "snapshot-state", "path": PATH}: state, "written" or "writing" */
static int run_snapshot_state(struct recording *rec, struct json_object *request,
			      struct json_object *reply, struct ivt_error *err)
{
	const char *path = control_text(request, "path");
	int code = rec->flight && path ? flight_state_of(rec->flight, path) : -ENOENT;

	if (code && code != -EINPROGRESS)
		return ivt_error_set(err, code, "the snapshot '%.200s' %s", path ? path : "",
				     code == -ENOENT ? "is none of this recorder"
						     : "failed (its messages say why)");
	json_object_object_add(reply, "state",
			       json_object_new_string(code ? "writing" : "written"));
	return 0;
}

static const struct control_command commands[] = {
	{ "who", control_who },
	{ "status", control_status },
	{ "add", run_add },
	{ "remove", run_remove },
	{ "stop", run_stop },
	{ "snapshot", run_snapshot },
	{ "snapshot-state", run_snapshot_state },
};

const struct control_command *control_commands(size_t *ret_n)
{
	*ret_n = sizeof(commands) / sizeof(commands[0]);
	return commands;
}
