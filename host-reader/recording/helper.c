// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
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
#include "host-reader/base/program_beside.h"
#include "host-reader/recording/helper.h"

#define MAX_REQUEST_BYTES 131072
#define MAX_ARGS	  4096
#define LEAST_PRIORITY	  19

#define AWAIT_PROGRAMS (1u << 31) /* a request's flag: its text is a struct bpf_programs */

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
	bool is_gone;
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

	/* Not SCHED_IDLE: on a busy host that would never come to an end. */
	setpriority(PRIO_PROCESS, 0, LEAST_PRIORITY);
	sched_setscheduler(0, SCHED_BATCH, &none);
}

/* The one of ours at @path that works on traces, if it is that; by its folder, since
 * PATH may lead elsewhere. */
static bool is_own(const char *path, const char *verb)
{
	static const struct {
		const char *program, *verb;
	} own[] = { { "ivtrace-report", "sync" }, { "ivtrace-host", "finish" } };
	char beside[PATH_MAX];
	size_t i;

	for (i = 0; verb && i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(verb, own[i].verb) &&
		    program_beside(own[i].program, beside, sizeof(beside)) && !strcmp(path, beside))
			return true;
	return false;
}

static bool is_command(char *const command[], char *const argv[])
{
	size_t i;

	for (i = 0; command && command[i]; i++)
		if (!argv[i] || strcmp(argv[i], command[i]))
			return false;
	return command && !argv[i];
}

/* What the process may be asked for. */
struct agreed {
	char *const *command;
	const char *user;
};

/* For good, with no capabilities. 0; errno. */
static int become(const char *name)
{
	const struct passwd *user = getpwnam(name);

	if (!user)
		return ENOENT;
	if (initgroups(name, user->pw_gid) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		return errno;
	return 0;
}

/* In the child: report errno through @report, which an exec closes. */
static void exec_request(const struct request *req, char **argv, const char *user, int report)
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
	code = user ? become(user) : 0;
	if (!code) {
		execvp(argv[0], argv);
		code = errno;
	}
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* The pid, or -errno. */
static int32_t start_program(const struct request *req, char **argv, const char *user)
{
	int report[2], code = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		exec_request(req, argv, user, report[1]);
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

static int32_t await_programs(const struct request *req, size_t bytes)
{
	struct bpf_programs programs;

	if (bytes < offsetof(struct request, text) + sizeof(programs))
		return -EINVAL;
	memcpy(&programs, req->text, sizeof(programs));
	if (programs.n > BPF_PROGRAMS_MAX)
		return -EINVAL;
	bpf_programs_await_end(&programs);
	return 0;
}

static int32_t take_request(const struct agreed *agreed, struct request *req, size_t bytes)
{
	char *argv[MAX_ARGS + 1], *at = req->text, *end = (char *)req + bytes;
	size_t n = 0;

	if (req->flags & AWAIT_PROGRAMS)
		return await_programs(req, bytes);
	if (end[-1] != '\0')
		return -EINVAL;
	while (at < end && n < MAX_ARGS) {
		argv[n++] = at;
		at += strlen(at) + 1;
	}
	argv[n] = NULL;
	if (is_command(agreed->command, argv))
		return start_program(req, argv, NULL);
	if (is_own(argv[0], argv[1]))
		return start_program(req, argv, agreed->user);
	return -EACCES;
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
static bool serve_request(int fd, const struct agreed *agreed, struct request *req)
{
	struct reply reply = { 0 };
	ssize_t n = recv(fd, req, sizeof(*req), 0);

	if (n <= (ssize_t)offsetof(struct request, text))
		return n < 0 && errno == EINTR;
	reply.value = take_request(agreed, req, (size_t)n);
	return send(fd, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply);
}

static void serve(int fd, const struct agreed *agreed)
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
		if (fds[0].revents && !serve_request(fd, agreed, req))
			break;
	}
	_exit(0);
}

/* ---- the recorder's side --------------------------------------------------------- */

int helper_start(char *const command[], const char *user, struct helper **ret)
{
	const struct agreed agreed = { command, user };
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
		serve(pair[1], &agreed);
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
	if (n == sizeof(*ret))
		return 0;
	helper->is_gone = true;
	return -EPIPE;
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

/* Send @bytes of @req; its answer (>= 0), or -errno. */
static int ask(struct helper *helper, const struct request *req, size_t bytes)
{
	struct reply reply = { .is_end = 1 };
	int err = 0;

	if (send(helper->fd, req, bytes, MSG_NOSIGNAL) < 0) {
		helper->is_gone |= errno != EMSGSIZE;
		return errno == EMSGSIZE ? -E2BIG : -EPIPE;
	}
	while (!err && reply.is_end) {
		err = next_reply(helper, 0, &reply);
		if (!err && reply.is_end)
			keep_end(helper, &reply);
	}
	return err ? err : reply.value;
}

int helper_run(struct helper *helper, char *const argv[], unsigned int flags, pid_t *ret_pid)
{
	struct request *req = malloc(sizeof(*req));
	ssize_t bytes;
	int ret;

	if (!req)
		return -ENOMEM;
	req->flags = flags & ~AWAIT_PROGRAMS;
	bytes = fill_request(req, argv);
	ret = bytes < 0 ? (int)bytes : ask(helper, req, (size_t)bytes);
	free(req);
	if (ret < 0)
		return ret;
	*ret_pid = ret;
	return 0;
}

void helper_await_programs(struct helper *helper, const struct bpf_programs *programs)
{
	struct request *req = programs->n ? malloc(sizeof(*req)) : NULL;

	if (!req)
		return;
	req->flags = AWAIT_PROGRAMS;
	memcpy(req->text, programs, sizeof(*programs));
	ask(helper, req, offsetof(struct request, text) + sizeof(*programs));
	free(req);
}

bool helper_is_gone(const struct helper *helper)
{
	return helper->is_gone;
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
