/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorder is told and asked over its socket in the run-time folder: a JSON
 * object a line, {"command": "status", ...}, and for each a line of answer:
 * {"ok": true, ...} or {"ok": false, "error": "what, on what, why"}.  Only the
 * same user and root are heard.  In the recorder's loop; one thread.
 */
#ifndef HOST_CONTROL_H
#define HOST_CONTROL_H

#include <json-c/json.h>
#include <stdint.h>
#include "host-reader/base/loop.h"
#include "trace/error.h"

#define CONTROL_REQUEST_BYTES 65536u /* a longer line is refused */

struct control;
struct recording;

struct control_command {
	const char *name;
	/*
	 * Do what @request (an object that somebody sent: check each value) asks,
	 * add members to @reply.  Both stay the caller's.  0, or -errno with *err,
	 * which is then the answer.  Everything waits meanwhile.
	 */
	int (*run)(struct recording *rec, struct json_object *request, struct json_object *reply,
		   struct ivt_error *err);
};

/*
 * Listen in @loop for @commands (@n; they outlive it), which get @rec.  0; -errno:
 * there is no control then, and nothing else is wrong.
 */
int control_start(struct recording *rec, struct loop *loop, const struct control_command *commands,
		  size_t n, struct control **ret, struct ivt_error *err);
/* Let those go that neither ask nor read; now and then. */
void control_keep_house(struct control *control, uint64_t now_ns); /* NULL is allowed */
/* What is ready to be sent is sent, as far as that needs no waiting. */
void control_end(struct control *control); /* NULL is allowed */

/* The text of @request's member @key; NULL: it has none, or it is no text. */
const char *control_text(struct json_object *request, const char *key);
/* Its number; 0: it has none, or one below 0; 1 for true. @object: NULL is allowed. */
uint64_t control_number(struct json_object *object, const char *key);

#endif /* HOST_CONTROL_H */
