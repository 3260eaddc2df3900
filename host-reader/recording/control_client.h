/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of control.h: commands that ask a recorder, or tell it.
 */
#ifndef HOST_CONTROL_CLIENT_H
#define HOST_CONTROL_CLIENT_H

#include <json-c/json.h>
#include <sys/types.h>
#include "trace/error.h"

/*
 * Send @request (the caller's) to the recorder @pid, wait for its answer.  0 with
 * the caller's *ret; -EREMOTEIO: it refused, *err has its words; -ETIMEDOUT;
 * -EBADMSG; -errno: it cannot be reached.
 */
int control_client_call(pid_t pid, struct json_object *request, struct json_object **ret,
			struct ivt_error *err);
/* The same for a request that is nothing but @command. */
int control_client_ask(pid_t pid, const char *command, struct json_object **ret,
		       struct ivt_error *err);

/*
 * The recorder that a user means by @pid (0: not said) and by its output @output
 * (NULL: not said), or the only one.  0; -ENOENT: there is none; -EBUSY: several
 * are; -errno.
 */
int control_client_choose(pid_t pid, const char *output, pid_t *ret, struct ivt_error *err);

/* @path as it is for every process: with the working directory before it, without
 * slashes behind.  0; -ENAMETOOLONG; -errno. */
int control_absolute(const char *path, char *ret, size_t ret_bytes);

#endif /* HOST_CONTROL_CLIENT_H */
