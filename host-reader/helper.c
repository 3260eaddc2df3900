// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host-reader/helper.h"

#define MAX_REQUEST_BYTES 131072
#define MAX_ARGS	  4096
#define LEAST_PRIORITY	  19

/* A request: flags, then the arguments, each with its NUL. */
struct request {
	uint32_t flags;
	char text[MAX_REQUEST_BYTES];
};

/* What the helper says; each is one datagram. */
struct reply {
	int32_t is_end;
	int32_t pid;   /* of an end */
	int32_t value; /* -errno or the pid; of an end: the status */
};

struct end {
	struct end *next;
	pid_t pid;
	int status;
};

struct helper {
	int fd;
	pid_t pid;
	struct end *ends;
};

/* ---- the other process ----------------------------------------------------------- */

static void be_quiet(void)
{
	int null = open("/dev/null", O_WRONLY);

	if (null < 0)
		return;
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

static void be_low(void)
{
	const struct sched_param none = { 0 };

	setpriority(PRIO_PROCESS, 0, LEAST_PRIORITY);
	sched_setscheduler(0, SCHED_IDLE, &none);
}

/* In the child: report errno through @report, which an exec closes. */
static void exec_request(const struct request *req, char **argv, int report)
{
	sigset_t none;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (req->flags & HELPER_QUIET)
		be_quiet();
	if (req->flags & HELPER_LOW)
		be_low();
	execvp(argv[0], argv);
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* The pid, or -errno. */
static int32_t start_program(const struct request *req, char **argv)
{
	int report[2], code = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		exec_request(req, argv, report[1]);
	close(report[1]);
	if (pid < 0)
		code = errno;
	else if (read(report[0], &code, sizeof(code)) != sizeof(code))
		code = 0;
	close(report[0]);
	if (code && pid > 0)
		waitpid(pid, NULL, 0);
	return code ? -code : pid;
}

static int32_t take_request(struct request *req, size_t bytes)
{
	char *argv[MAX_ARGS + 1], *at = req->text, *end = (char *)req + bytes;
	size_t n = 0;

	while (at < end && n < MAX_ARGS) {
		argv[n++] = at;
		at += strlen(at) + 1;
	}
	argv[n] = NULL;
	return start_program(req, argv);
}

static void tell_ends(int fd)
{
	struct reply reply = { .is_end = 1 };
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		reply.pid = pid;
		reply.value = status;
		if (send(fd, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
			return;
	}
}

/* One request, answered; false: the recorder is gone. */
static bool serve_request(int fd, struct request *req)
{
	struct reply reply = { 0 };
	ssize_t n = recv(fd, req, sizeof(*req), 0);

	if (n <= (ssize_t)offsetof(struct request, text))
		return n < 0 && errno == EINTR;
	reply.value = take_request(req, (size_t)n);
	return send(fd, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply);
}

static void serve(int fd)
{
	struct request *req = calloc(1, sizeof(*req));
	struct signalfd_siginfo info;
	struct pollfd fds[2] = { { fd, POLLIN, 0 } };
	sigset_t child;

	/* Ctrl-C is for the recorder and for what it runs. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	fds[1] = (struct pollfd){ signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, 0 };
	if (!req || fds[1].fd < 0)
		_exit(1);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents && read(fds[1].fd, &info, sizeof(info)) > 0)
			tell_ends(fd);
		if (fds[0].revents && !serve_request(fd, req))
			break;
	}
	_exit(0);
}

/* ---- the recorder's side --------------------------------------------------------- */

int helper_start(struct helper **ret)
{
	struct helper *helper = calloc(1, sizeof(*helper));
	int pair[2], err, bytes = 2 * MAX_REQUEST_BYTES;

	if (!helper)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		err = -errno;
		free(helper);
		return err;
	}
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	helper->pid = fork();
	if (!helper->pid) {
		close(pair[0]);
		serve(pair[1]);
	}
	err = helper->pid < 0 ? -errno : 0;
	close(pair[1]);
	if (err) {
		close(pair[0]);
		free(helper);
		return err;
	}
	helper->fd = pair[0];
	*ret = helper;
	return 0;
}

void helper_end(struct helper *helper)
{
	struct end *end;

	if (!helper)
		return;
	close(helper->fd);
	waitpid(helper->pid, NULL, 0);
	while ((end = helper->ends)) {
		helper->ends = end->next;
		free(end);
	}
	free(helper);
}

/* 0 with *ret; -EAGAIN: there is none now; -EPIPE. */
static int next_reply(struct helper *helper, int flags, struct reply *ret)
{
	ssize_t n;

	do {
		n = recv(helper->fd, ret, sizeof(*ret), flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	return n == sizeof(*ret) ? 0 : -EPIPE;
}

/* For who will ask.  Without memory it is as if it never ended. */
static void keep_end(struct helper *helper, const struct reply *reply)
{
	struct end *end = malloc(sizeof(*end));

	if (!end)
		return;
	*end = (struct end){ helper->ends, reply->pid, reply->value };
	helper->ends = end;
}

static bool take_end(struct helper *helper, pid_t pid, int *ret_status)
{
	struct end **at, *end;

	for (at = &helper->ends; (end = *at); at = &end->next) {
		if (end->pid != pid)
			continue;
		*ret_status = end->status;
		*at = end->next;
		free(end);
		return true;
	}
	return false;
}

/* Bytes of the request; -E2BIG. */
static ssize_t fill_request(struct request *req, char *const argv[])
{
	size_t used = 0, n, i;

	for (i = 0; argv[i]; i++) {
		n = strlen(argv[i]) + 1;
		if (i >= MAX_ARGS || n > sizeof(req->text) - used)
			return -E2BIG;
		memcpy(req->text + used, argv[i], n);
		used += n;
	}
	return (ssize_t)(offsetof(struct request, text) + used);
}

int helper_run(struct helper *helper, char *const argv[], unsigned int flags, pid_t *ret_pid)
{
	struct request *req = malloc(sizeof(*req));
	struct reply reply = { .is_end = 1 };
	ssize_t bytes;
	int err = 0;

	if (!req)
		return -ENOMEM;
	req->flags = flags;
	bytes = fill_request(req, argv);
	if (bytes < 0)
		err = (int)bytes;
	else if (send(helper->fd, req, (size_t)bytes, MSG_NOSIGNAL) < 0)
		err = errno == EMSGSIZE ? -E2BIG : -EPIPE;
	free(req);
	while (!err && reply.is_end) {
		err = next_reply(helper, 0, &reply);
		if (!err && reply.is_end)
			keep_end(helper, &reply);
	}
	if (err)
		return err;
	if (reply.value < 0)
		return reply.value;
	*ret_pid = reply.value;
	return 0;
}

bool helper_has_ended(struct helper *helper, pid_t pid, int *ret_status)
{
	struct reply reply;

	while (!next_reply(helper, MSG_DONTWAIT, &reply))
		keep_end(helper, &reply);
	return take_end(helper, pid, ret_status);
}

int helper_wait(struct helper *helper, pid_t pid, int *ret_status)
{
	struct reply reply;
	int err;

	while (!take_end(helper, pid, ret_status)) {
		err = next_reply(helper, 0, &reply);
		if (err)
			return err;
		keep_end(helper, &reply);
	}
	return 0;
}
