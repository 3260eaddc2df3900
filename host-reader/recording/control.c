// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host-reader/base/listen_socket.h"
#include "host-reader/base/message.h"
#include "host-reader/base/run_dir.h"
#include "host-reader/recording/control.h"

#define MAX_CLIENTS 64
#define MAX_DEPTH   8
#define PATIENCE_NS 10000000000u

struct client {
	struct control *control;
	int fd; /* -1: free */
	uint64_t seen_ns;
	bool is_last; /* no request after this answer */
	char *request;
	size_t n_request;
	char *reply; /* NULL: none is waiting */
	size_t n_reply, n_sent;
};

struct control {
	struct recording *rec;
	struct loop *loop;
	const struct control_command *commands;
	size_t n_commands;
	int fd;
	pid_t pid;
	uid_t uid;
	unsigned int n_clients;
	uint64_t listen_after_ns; /* 0: connections are let in, unless there are too many */
	bool is_lack_told;
	struct client clients[MAX_CLIENTS];
};

const char *control_text(struct json_object *request, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(request, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

uint64_t control_number(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!object || !json_object_object_get_ex(object, key, &value))
		return 0;
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? 1 : 0;
	return json_object_is_type(value, json_type_int) ? json_object_get_uint64(value) : 0;
}

/* ---- one request, one answer ---------------------------------------------------- */

static int run_command(struct control *c, struct json_object *request, struct json_object *reply,
		       struct ivt_error *err)
{
	const char *name = control_text(request, "command");
	size_t i;

	for (i = 0; name && i < c->n_commands; i++)
		if (!strcmp(c->commands[i].name, name))
			return c->commands[i].run(c->rec, request, reply, err);
	return ivt_error_set(err, -EINVAL,
			     name ? "this recorder knows no command '%.40s'"
				  : "a request names a command%s",
			     name ? name : "");
}

/* NULL: it is no object, and nothing but that. */
static struct json_object *parse_request(const char *line, size_t n)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *request;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	request = json_tokener_parse_ex(tokener, line, (int)n);
	if (request && (!json_object_is_type(request, json_type_object) ||
			json_tokener_get_parse_end(tokener) != n)) {
		json_object_put(request);
		request = NULL;
	}
	json_tokener_free(tokener);
	return request;
}

static void set_reply(struct client *client, struct json_object *reply)
{
	size_t n;
	const char *text = json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN, &n);

	client->reply = text ? malloc(n + 1) : NULL;
	if (!client->reply)
		return;
	memcpy(client->reply, text, n);
	client->reply[n] = '\n';
	client->n_reply = n + 1;
	client->n_sent = 0;
}

static void answer(struct client *client, int code, const struct ivt_error *err,
		   struct json_object *reply)
{
	if (code) {
		json_object_put(reply);
		reply = json_object_new_object();
		json_object_object_add(reply, "error", json_object_new_string(err->msg));
	}
	json_object_object_add(reply, "ok", json_object_new_boolean(!code));
	set_reply(client, reply);
	json_object_put(reply);
}

static void take_request(struct client *client, const char *line, size_t n)
{
	struct json_object *request = parse_request(line, n), *reply = json_object_new_object();
	struct ivt_error err = { "" };
	int code;

	if (request)
		code = run_command(client->control, request, reply, &err);
	else
		code = ivt_error_set(&err, -EBADMSG, "a request is a JSON object on one line");
	answer(client, code, &err, reply);
	json_object_put(request);
}

/* ---- clients --------------------------------------------------------------------- */

static void drop(struct client *client)
{
	struct control *c = client->control;

	loop_remove(c->loop, client->fd);
	close(client->fd);
	free(client->request);
	free(client->reply);
	*client = (struct client){ .control = c, .fd = -1 };
	if (c->n_clients-- == MAX_CLIENTS)
		loop_change(c->loop, c->fd, EPOLLIN);
}

/* False: it is gone, or was let go. */
static bool send_reply(struct client *client)
{
	ssize_t n;

	while (client->reply && client->n_sent < client->n_reply) {
		n = send(client->fd, client->reply + client->n_sent,
			 client->n_reply - client->n_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return !loop_change(client->control->loop, client->fd, EPOLLOUT);
		if (n < 0)
			return false;
		client->n_sent += (size_t)n;
		client->seen_ns = now_ns();
	}
	free(client->reply);
	client->reply = NULL;
	return !client->is_last && !loop_change(client->control->loop, client->fd, EPOLLIN);
}

/* One line, if there is a whole one; a second waits for the next turn. */
static bool take_line(struct client *client)
{
	char *end = memchr(client->request, '\n', client->n_request);
	struct ivt_error err;
	size_t n;

	if (end) {
		n = (size_t)(end - client->request);
		take_request(client, client->request, n);
		client->n_request -= n + 1;
		memmove(client->request, end + 1, client->n_request);
	} else if (client->n_request == CONTROL_REQUEST_BYTES) {
		ivt_error_set(&err, -EMSGSIZE, "a request has at most %u bytes",
			      CONTROL_REQUEST_BYTES);
		answer(client, -EMSGSIZE, &err, json_object_new_object());
		client->is_last = true;
	} else {
		return true;
	}
	return client->reply && send_reply(client);
}

static bool receive(struct client *client)
{
	ssize_t n = recv(client->fd, client->request + client->n_request,
			 CONTROL_REQUEST_BYTES - client->n_request, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	client->n_request += (size_t)n;
	client->seen_ns = now_ns();
	return true;
}

static void on_client(void *arg, uint32_t events)
{
	struct client *client = arg;
	bool is_well = true;

	if (client->reply)
		is_well = !(events & (EPOLLERR | EPOLLHUP)) && send_reply(client);
	else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		is_well = receive(client) && take_line(client);
	if (!is_well)
		drop(client);
}

static struct client *free_client(struct control *c)
{
	size_t i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].fd < 0)
			return &c->clients[i];
	return NULL;
}

static bool may_ask(const struct control *c, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) || n != sizeof(peer))
		return false;
	return peer.uid == 0 || peer.uid == c->uid;
}

static void on_connection(void *arg, uint32_t events)
{
	struct control *c = arg;
	struct client *client = free_client(c);
	int fd = listen_socket_accept(c->fd, "status, add and stop", &c->is_lack_told);

	(void)events;
	if (fd < 0) {
		c->listen_after_ns = now_ns() + LISTEN_PAUSE_NS;
		loop_change(c->loop, c->fd, 0);
		return;
	}
	if (!client || !may_ask(c, fd) || !(client->request = malloc(CONTROL_REQUEST_BYTES))) {
		close(fd);
		return;
	}
	client->control = c;
	client->fd = fd;
	client->seen_ns = now_ns();
	if (++c->n_clients == MAX_CLIENTS) /* others wait in the queue */
		loop_change(c->loop, c->fd, 0);
	if (loop_add(c->loop, fd, EPOLLIN, on_client, client))
		drop(client);
}

/* A line that came together with another one is taken here. */
static void serve_rest(struct client *client)
{
	if (client->fd >= 0 && !client->reply && client->n_request && !take_line(client))
		drop(client);
}

void control_keep_house(struct control *c, uint64_t now)
{
	size_t i;

	if (c && c->listen_after_ns && now >= c->listen_after_ns) {
		c->listen_after_ns = 0;
		if (c->n_clients < MAX_CLIENTS)
			loop_change(c->loop, c->fd, EPOLLIN);
	}
	for (i = 0; c && c->n_clients && i < MAX_CLIENTS; i++) {
		struct client *client = &c->clients[i];

		serve_rest(client);
		if (client->fd >= 0 && now > client->seen_ns + PATIENCE_NS)
			drop(client);
	}
}

/* ---- begin and end --------------------------------------------------------------- */

int control_start(struct recording *rec, struct loop *loop, const struct control_command *commands,
		  size_t n, struct control **ret, struct ivt_error *err)
{
	struct control *c = calloc(1, sizeof(*c));
	size_t i;
	int code;

	if (!c)
		return ivt_error_set(err, -ENOMEM, "cannot listen: %s", strerror(ENOMEM));
	*c = (struct control){ .rec = rec, .loop = loop, .commands = commands, .n_commands = n };
	c->fd = -1;
	c->pid = getpid();
	c->uid = geteuid();
	for (i = 0; i < MAX_CLIENTS; i++)
		c->clients[i] = (struct client){ .control = c, .fd = -1 };
	code = run_dir_listen(c->pid, &c->fd, err);
	if (!code) {
		code = loop_add(loop, c->fd, EPOLLIN, on_connection, c);
		if (code)
			ivt_error_set(err, code, "cannot listen: %s", strerror(-code));
	}
	if (code) {
		control_end(c);
		return code;
	}
	*ret = c;
	return 0;
}

void control_end(struct control *c)
{
	size_t i;

	if (!c)
		return;
	if (c->fd >= 0) {
		run_dir_remove(c->pid);
		loop_remove(c->loop, c->fd);
		close(c->fd);
		c->fd = -1;
	}
	for (i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			drop(&c->clients[i]);
	free(c);
}
