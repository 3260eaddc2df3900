// SPDX-License-Identifier: GPL-2.0-or-later
#include "tsc-sync/sources/stap_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define END_MS	      2000
#define MAX_ARGUMENTS 16

bool stap_process_is_module(const char *script)
{
	const char *end = strrchr(script, '.');

	return end && !strcmp(end, ".ko");
}

static size_t add_arguments(const char **argv, size_t n, const char *const *more)
{
	for (; more && *more && n < MAX_ARGUMENTS; more++)
		argv[n++] = *more;
	return n;
}

/* In the child: its own session, so that Ctrl-C reaches it through us only. */
static void become_stap(const char *script, const char *const *for_module,
			const char *const *for_source, int out)
{
	const char *argv[MAX_ARGUMENTS + 3] = { NULL };
	int null = open("/dev/null", O_RDONLY);
	size_t n = 1;

	setsid();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	if (stap_process_is_module(script)) {
		argv[0] = "staprun";
		argv[n++] = script;
		add_arguments(argv, n, for_module);
	} else {
		argv[0] = "stap";
		n = add_arguments(argv, n, for_source);
		argv[n] = script;
	}
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

int stap_process_start(struct stap_process *p, const char *script, const char *const *for_module,
		       const char *const *for_source)
{
	int out[2];
	pid_t child;

	if (access(script, R_OK))
		return -errno;
	if (pipe2(out, O_CLOEXEC))
		return -errno;
	child = fork();
	if (!child)
		become_stap(script, for_module, for_source, out[1]);
	close(out[1]);
	if (child < 0 || fcntl(out[0], F_SETFL, O_NONBLOCK)) {
		int err = errno;

		close(out[0]); /* a child that is there ends by that */
		if (child > 0)
			waitpid(child, NULL, 0);
		return -err;
	}
	p->child = child;
	p->fd = out[0];
	return 0;
}

ssize_t stap_process_read(struct stap_process *p, char *ret, size_t bytes)
{
	ssize_t n;

	if (p->fd < 0)
		return -EPIPE;
	do
		n = read(p->fd, ret, bytes);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	close(p->fd);
	p->fd = -1;
	return -EPIPE;
}

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

void stap_process_interrupt(struct stap_process *p)
{
	if (p->child)
		kill(p->child, SIGINT);
}

/* The end of its output is the end of its work: SystemTap empties its buffers
 * when it is interrupted. */
void stap_process_finish(struct stap_process *p, void (*take)(void *ctx), void *ctx)
{
	int ms;

	if (!p->child)
		return;
	kill(p->child, SIGINT);
	for (ms = 0; p->fd >= 0 && ms < END_MS; ms += 10) {
		take(ctx);
		sleep_ms(10);
	}
	for (ms = 0; waitpid(p->child, NULL, WNOHANG) == 0; ms += 10) {
		if (ms >= END_MS)
			kill(p->child, SIGTERM);
		sleep_ms(10);
	}
	p->child = 0;
}

int stap_process_why_ended(struct stap_process *p)
{
	int status = 0;

	if (waitpid(p->child, &status, 0) != p->child)
		return -ECHILD;
	p->child = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : -ECHILD;
}

void stap_process_close(struct stap_process *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}
