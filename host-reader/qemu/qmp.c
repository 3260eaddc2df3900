// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QMP is a stream of JSON objects: a greeting, answers ("return" or "error") and,
 * at any time in between, events.
 */
#include "host-reader/qemu/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "trace/names.h"

#define ANSWER_MS	  10000
#define MAX_MESSAGE_BYTES (4u << 20)
#define MAX_DEPTH	  32

struct qmp {
	int fd;
	struct json_tokener *tokener;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char buf[4096];
	size_t used, len; /* of buf */
	char *deleted;	  /* the last device that is gone; NULL: none */
};

static int lost(struct qmp *q, int code, struct ivt_error *err)
{
	if (code == -ETIMEDOUT)
		return ivt_error_set(err, code,
				     "no answer from QEMU on '%s' (is another program, as libvirt, "
				     "connected to it? give QEMU a second -qmp socket)",
				     q->path);
	return ivt_error_set(err, code, "cannot talk to QEMU on '%s': %s", q->path,
			     strerror(-code));
}

/* More bytes into the empty buffer.  0; -ETIMEDOUT; -EPIPE at the end; -errno. */
static int qmp_fill(struct qmp *q, uint64_t end_ns)
{
	struct pollfd pfd = { .fd = q->fd, .events = POLLIN };
	uint64_t now = now_ns();
	ssize_t n;
	int ret = now >= end_ns ? 0 : poll(&pfd, 1, (int)((end_ns - now) / 1000000) + 1);

	if (ret < 0)
		return errno == EINTR ? 0 : -errno;
	if (!ret)
		return -ETIMEDOUT;
	n = read(q->fd, q->buf, sizeof(q->buf));
	if (n <= 0)
		return n ? -errno : -EPIPE;
	q->used = 0;
	q->len = (size_t)n;
	return 0;
}

/* The next object.  0 with *ret; -ETIMEDOUT, -EPIPE, -EBADMSG, -EMSGSIZE, -errno. */
static int qmp_next(struct qmp *q, uint64_t end_ns, struct json_object **ret)
{
	struct json_object *object = NULL;
	size_t bytes = 0;
	int code;

	json_tokener_reset(q->tokener);
	while (!object) {
		if (q->used == q->len) {
			code = qmp_fill(q, end_ns);
			if (code)
				return code;
			continue;
		}
		object = json_tokener_parse_ex(q->tokener, q->buf + q->used,
					       (int)(q->len - q->used));
		if (!object && json_tokener_get_error(q->tokener) != json_tokener_continue)
			return -EBADMSG;
		bytes += json_tokener_get_parse_end(q->tokener);
		q->used += json_tokener_get_parse_end(q->tokener);
		if (bytes > MAX_MESSAGE_BYTES) {
			json_object_put(object);
			return -EMSGSIZE;
		}
	}
	*ret = object;
	return 0;
}

static const char *text_in(struct json_object *object, const char *outer, const char *key)
{
	struct json_object *inner, *value;

	if (!json_object_object_get_ex(object, outer, &inner) ||
	    !json_object_object_get_ex(inner, key, &value))
		return NULL;
	return json_object_get_string(value);
}

static void qmp_note_event(struct qmp *q, struct json_object *object)
{
	struct json_object *event;
	const char *device = text_in(object, "data", "device");

	if (!json_object_object_get_ex(object, "event", &event) || !device ||
	    strcmp(json_object_get_string(event), "DEVICE_DELETED") != 0)
		return;
	free(q->deleted);
	q->deleted = strdup(device);
}

static int refused(struct json_object *answer, struct ivt_error *err)
{
	const char *text = text_in(answer, "error", "desc");
	char clean[200];

	ivt_name_clean(clean, sizeof(clean), text ? text : "(nothing)");
	return ivt_error_set(err, -EREMOTEIO, "QEMU says: %s", clean);
}

/* Events are noted until an object with @key comes, or "error". */
static int qmp_answer(struct qmp *q, const char *key, struct json_object **ret,
		      struct ivt_error *err)
{
	uint64_t end_ns = now_ns() + ANSWER_MS * 1000000ull;
	struct json_object *object, *value;
	int code;

	for (;;) {
		code = qmp_next(q, end_ns, &object);
		if (code)
			return lost(q, code, err);
		if (json_object_object_get_ex(object, key, &value)) {
			if (ret)
				*ret = json_object_get(value);
			json_object_put(object);
			return 0;
		}
		if (json_object_object_get_ex(object, "error", &value)) {
			code = refused(object, err);
			json_object_put(object);
			return code;
		}
		qmp_note_event(q, object);
		json_object_put(object);
	}
}

static int qmp_send(struct qmp *q, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(q->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int qmp_call(struct qmp *q, const char *command, struct json_object *arguments,
	     struct json_object **ret, struct ivt_error *err)
{
	struct json_object *call = json_object_new_object();
	int code;

	json_object_object_add(call, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(call, "arguments", arguments);
	code = qmp_send(q, json_object_to_json_string_ext(call, JSON_C_TO_STRING_PLAIN));
	json_object_put(call);
	if (code)
		return lost(q, code, err);
	return qmp_answer(q, "return", ret, err);
}

int qmp_wait_deleted(struct qmp *q, const char *device, int timeout_ms, struct ivt_error *err)
{
	uint64_t end_ns = now_ns() + (uint64_t)timeout_ms * 1000000u;
	struct json_object *object;
	int code;

	while (!q->deleted || strcmp(q->deleted, device) != 0) {
		code = qmp_next(q, end_ns, &object);
		if (code == -ETIMEDOUT)
			return code;
		if (code)
			return lost(q, code, err);
		qmp_note_event(q, object);
		json_object_put(object);
	}
	return 0;
}

static int qmp_connect(struct qmp *q, struct ivt_error *err)
{
	struct timeval limit = { .tv_sec = ANSWER_MS / 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int code;

	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return lost(q, -errno, err);
	/* Where another client is connected the queue is full: connect() would wait. */
	setsockopt(q->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	memcpy(address.sun_path, q->path, sizeof(q->path));
	if (connect(q->fd, (struct sockaddr *)&address, sizeof(address)))
		return errno == EAGAIN
			       ? lost(q, -ETIMEDOUT, err)
			       : ivt_error_set(err, -errno,
					       "cannot connect to '%s': %s (start QEMU with "
					       "-qmp unix:PATH,server=on,wait=off)",
					       q->path, strerror(errno));
	code = qmp_answer(q, "QMP", NULL, err);
	return code ? code : qmp_call(q, "qmp_capabilities", NULL, NULL, err);
}

int qmp_open(const char *path, struct qmp **ret, struct ivt_error *err)
{
	struct qmp *q = calloc(1, sizeof(*q));
	int code = -ENOMEM;

	if (q)
		q->tokener = json_tokener_new_ex(MAX_DEPTH);
	if (!q || !q->tokener) {
		ivt_error_set(err, code, "cannot connect to '%s': %s", path, strerror(ENOMEM));
		free(q);
		return code;
	}
	q->fd = -1;
	if (strlen(path) < sizeof(q->path)) {
		memcpy(q->path, path, strlen(path) + 1);
		code = qmp_connect(q, err);
	} else {
		code = ivt_error_set(err, -ENAMETOOLONG, "cannot connect to '%s': %s", path,
				     strerror(ENAMETOOLONG));
	}
	if (code) {
		qmp_close(q);
		return code;
	}
	*ret = q;
	return 0;
}

void qmp_close(struct qmp *q)
{
	if (!q)
		return;
	if (q->fd >= 0)
		close(q->fd);
	json_tokener_free(q->tokener);
	free(q->deleted);
	free(q);
}
