// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stream of JSON objects: a greeting, our one command's answer, then events.
 * What comes is bounded in size; nothing else about it is believed.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/qemu/qmp_watch.h"

#define RETRY_NS	  1000000000u
#define MAX_MESSAGE_BYTES (1u << 20)
#define MAX_DEPTH	  32

static const char hello[] = "{\"execute\":\"qmp_capabilities\"}";

struct qmp_watch {
	struct loop *loop;
	struct sockaddr_un address;
	qmp_event_fn fn;
	void *arg;
	int fd; /* -1: not connected */
	struct json_tokener *tokener;
	size_t message_bytes; /* of the one that is coming */
	uint64_t tried_ns;
	bool is_told;
};

static void hang_up(struct qmp_watch *w)
{
	if (w->fd < 0)
		return;
	loop_remove(w->loop, w->fd);
	close(w->fd);
	w->fd = -1;
}

static bool take_object(struct qmp_watch *w, struct json_object *object)
{
	struct json_object *value;

	if (json_object_object_get_ex(object, "QMP", &value))
		return send(w->fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) ==
		       (ssize_t)sizeof(hello) - 1;
	if (json_object_object_get_ex(object, "event", &value) &&
	    json_object_is_type(value, json_type_string))
		w->fn(w->arg, json_object_get_string(value));
	return true;
}

/* False: this is no QMP. */
static bool take_bytes(struct qmp_watch *w, const char *buf, size_t n)
{
	struct json_object *object;
	bool is_good = true;
	size_t used = 0;

	while (is_good && used < n) {
		object = json_tokener_parse_ex(w->tokener, buf + used, (int)(n - used));
		used += json_tokener_get_parse_end(w->tokener);
		w->message_bytes += json_tokener_get_parse_end(w->tokener);
		if (!object)
			return json_tokener_get_error(w->tokener) == json_tokener_continue &&
			       w->message_bytes <= MAX_MESSAGE_BYTES;
		w->message_bytes = 0;
		is_good = take_object(w, object);
		json_object_put(object);
	}
	return is_good;
}

static void on_news(void *arg, uint32_t events)
{
	struct qmp_watch *w = arg;
	char buf[4096];
	ssize_t n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !take_bytes(w, buf, (size_t)n))
		hang_up(w);
}

void qmp_watch_keep(struct qmp_watch *w, uint64_t now_ns)
{
	int code = 0;

	if (!w || w->fd >= 0 || now_ns - w->tried_ns < RETRY_NS)
		return;
	w->tried_ns = now_ns;
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&w->address, sizeof(w->address)))
		code = -errno;
	json_tokener_reset(w->tokener);
	w->message_bytes = 0;
	if (!code)
		code = loop_add(w->loop, w->fd, EPOLLIN, on_news, w);
	if (!code) {
		w->is_told = false;
		return;
	}
	if (!w->is_told)
		message("cannot listen to QEMU on '%s': %s (tried again every second; start QEMU "
			"with -qmp unix:PATH,server=on,wait=off)",
			w->address.sun_path, strerror(-code));
	w->is_told = true;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

int qmp_watch_create(struct loop *loop, const char *path, qmp_event_fn fn, void *arg,
		     struct qmp_watch **ret)
{
	struct qmp_watch *w;

	if (strlen(path) >= sizeof(w->address.sun_path))
		return -ENAMETOOLONG;
	w = calloc(1, sizeof(*w));
	if (w)
		w->tokener = json_tokener_new_ex(MAX_DEPTH);
	if (!w || !w->tokener) {
		free(w);
		return -ENOMEM;
	}
	w->loop = loop;
	w->fn = fn;
	w->arg = arg;
	w->fd = -1;
	w->address.sun_family = AF_UNIX;
	strcpy(w->address.sun_path, path);
	*ret = w;
	return 0;
}

void qmp_watch_destroy(struct qmp_watch *w)
{
	if (!w)
		return;
	hang_up(w);
	json_tokener_free(w->tokener);
	free(w);
}
