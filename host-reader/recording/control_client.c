// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/base/run_dir.h"
#include "host-reader/recording/control.h"
#include "host-reader/recording/control_client.h"

/* A recorder that begins or ends does not listen for some seconds. */
#define ANSWER_NS	 20000000000u
#define MAX_ANSWER_BYTES (8u << 20)

int control_absolute(const char *path, char *ret, size_t ret_bytes)
{
	char dir[PATH_MAX] = "";
	size_t n = strlen(path);
	int len;

	if (*path != '/' && !getcwd(dir, sizeof(dir)))
		return -errno;
	while (n > 1 && path[n - 1] == '/')
		n--;
	len = snprintf(ret, ret_bytes, "%s%s%.*s", dir, *path == '/' ? "" : "/", (int)n, path);
	return len < 0 || (size_t)len >= ret_bytes ? -ENAMETOOLONG : 0;
}

/* ---- one call --------------------------------------------------------------------- */

static int unreachable(pid_t pid, int code, struct ivt_error *err)
{
	if (code == -ENOENT || code == -ECONNREFUSED)
		return ivt_error_set(err, code, "process %d is no recorder that listens", (int)pid);
	return ivt_error_set(err, code, "cannot ask recorder %d: %s", (int)pid, strerror(-code));
}

static int connect_to(pid_t pid, int *ret_fd, struct ivt_error *err)
{
	struct timeval limit = { .tv_sec = ANSWER_NS / 1000000000u };
	struct sockaddr_un addr;
	int fd, ret = run_dir_address(pid, &addr, err);

	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return unreachable(pid, -errno, err);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		ret = unreachable(pid, errno == EAGAIN ? -ETIMEDOUT : -errno, err);
		close(fd);
		return ret;
	}
	*ret_fd = fd;
	return 0;
}

static int send_line(int fd, struct json_object *request)
{
	size_t n, sent = 0;
	const char *text = json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN, &n);
	char *line = text ? malloc(n + 1) : NULL;
	ssize_t got = 0;

	if (!line)
		return -ENOMEM;
	memcpy(line, text, n);
	line[n++] = '\n';
	while (got >= 0 && sent < n) {
		got = send(fd, line + sent, n - sent, MSG_NOSIGNAL);
		sent += got > 0 ? (size_t)got : 0;
	}
	free(line);
	return got < 0 ? -errno : 0;
}

/* What there is, within the time.  Bytes; 0: the end; -ETIMEDOUT; -errno. */
static ssize_t receive_some(int fd, char *buf, size_t bytes, uint64_t end_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t now = now_ns();
	ssize_t n = now >= end_ns ? 0 : poll(&pfd, 1, (int)((end_ns - now) / 1000000) + 1);

	if (!n)
		return -ETIMEDOUT;
	if (n > 0)
		n = recv(fd, buf, bytes, 0);
	return n < 0 ? -errno : n;
}

/* Up to the line's end. */
static int receive_line(int fd, struct json_object **ret)
{
	struct json_tokener *tokener = json_tokener_new();
	uint64_t end_ns = now_ns() + ANSWER_NS;
	struct json_object *object = NULL;
	size_t total = 0;
	char buf[16384];
	int code = tokener ? 0 : -ENOMEM;

	while (!code && !object) {
		ssize_t n = receive_some(fd, buf, sizeof(buf), end_ns);

		if (n == -EINTR)
			continue;
		if (n <= 0) {
			code = n ? (int)n : -EPIPE;
			break;
		}
		total += (size_t)n;
		object = json_tokener_parse_ex(tokener, buf, (int)n);
		if (total > MAX_ANSWER_BYTES ||
		    (!object && json_tokener_get_error(tokener) != json_tokener_continue))
			code = -EBADMSG;
	}
	if (tokener)
		json_tokener_free(tokener);
	if (code)
		json_object_put(object);
	else
		*ret = object;
	return code;
}

static int check_answer(pid_t pid, struct json_object *answer, struct ivt_error *err)
{
	struct json_object *ok;
	const char *why;

	if (!json_object_object_get_ex(answer, "ok", &ok))
		return unreachable(pid, -EBADMSG, err);
	if (json_object_get_boolean(ok))
		return 0;
	why = control_text(answer, "error");
	return ivt_error_set(err, -EREMOTEIO, "%s", why ? why : "it refuses and does not say why");
}

int control_client_call(pid_t pid, struct json_object *request, struct json_object **ret,
			struct ivt_error *err)
{
	struct json_object *answer = NULL;
	int fd = -1, code = connect_to(pid, &fd, err);

	if (code)
		return code;
	code = send_line(fd, request);
	if (!code)
		code = receive_line(fd, &answer);
	close(fd);
	if (code)
		return unreachable(pid, code, err);
	code = check_answer(pid, answer, err);
	if (code)
		json_object_put(answer);
	else
		*ret = answer;
	return code;
}

int control_client_ask(pid_t pid, const char *command, struct json_object **ret,
		       struct ivt_error *err)
{
	struct json_object *request = json_object_new_object();
	int code;

	json_object_object_add(request, "command", json_object_new_string(command));
	code = control_client_call(pid, request, ret, err);
	json_object_put(request);
	return code;
}

/* ---- which recorder ----------------------------------------------------------------- */

static bool records_into(pid_t pid, const char *output)
{
	struct json_object *answer;
	const char *text;
	bool is_it;

	if (control_client_ask(pid, "who", &answer, NULL))
		return false;
	text = control_text(answer, "output");
	is_it = text && !strcmp(text, output);
	text = control_text(answer, "trace");
	is_it |= text && !strcmp(text, output);
	json_object_put(answer);
	return is_it;
}

static int find_output(const pid_t *pids, size_t n, const char *output, pid_t *ret,
		       struct ivt_error *err)
{
	char path[PATH_MAX];
	size_t i;
	int code = control_absolute(output, path, sizeof(path));

	if (code)
		return ivt_error_set(err, code, "'%s': %s", output, strerror(-code));
	for (i = 0; i < n; i++) {
		if (!records_into(pids[i], path))
			continue;
		*ret = pids[i];
		return 0;
	}
	return ivt_error_set(err, -ENOENT, "no recorder records into '%s'", output);
}

int control_client_choose(pid_t pid, const char *output, pid_t *ret, struct ivt_error *err)
{
	pid_t *pids;
	size_t n;
	int code;

	if (pid) {
		*ret = pid;
		return 0;
	}
	code = run_dir_list(&pids, &n, err);
	if (code)
		return code;
	if (output)
		code = find_output(pids, n, output, ret, err);
	else if (!n)
		code = ivt_error_set(err, -ENOENT, "no recorder runs here");
	else if (n > 1)
		code = ivt_error_set(err, -EBUSY,
				     "%zu recorders run here: choose one with --pid or -o (see "
				     "ivtrace-host status)",
				     n);
	else
		*ret = pids[0];
	free(pids);
	return code;
}
