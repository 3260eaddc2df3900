// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <ivring/mark.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guest-driver/tool/tool.h"

static const char help[] =
	"Usage: ivtrace-guest run [--name NAME] -- COMMAND [ARGUMENT...]\n"
	"\n"
	"Runs the command as a span of the host's trace: ivtrace_span_begin and\n"
	"ivtrace_span_end with its pid as the id, and before the end the mark\n"
	"  run NAME ends pid=PID status=STATUS      (or signal=NUMBER)\n"
	"The status is the command's; 128 + the signal's number if one ended it; 126 or 127\n"
	"if it could not be started. SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1 and SIGUSR2\n"
	"are passed on. Where there is no driver the command runs all the same.\n"
	"\n"
	"  --name NAME  of the span (the command's first word)\n"
	"  --help\n"
	"\n"
	"Example:\n"
	"  ivtrace-guest run --name backup -- tar cf /backup/home.tar /home\n";

static const struct option options[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

static bool has_driver;
static volatile pid_t command_pid; /* 0: it has ended */

static void put(int kind, pid_t pid, const char *text)
{
	if (has_driver)
		mark_put(kind, (uint64_t)pid, text);
}

/* What a terminal sends, the command gets by itself. */
static void pass_on(int signo, siginfo_t *info, void *context)
{
	int old_errno = errno;

	(void)context;
	if (info->si_code <= 0 && command_pid)
		kill(command_pid, signo);
	errno = old_errno;
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO }, old;
	size_t i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		sigaction(passed_on[i], NULL, &old);
		if (old.sa_handler != SIG_IGN) /* nohup's, say: the command's, too */
			sigaction(passed_on[i], &sa, NULL);
	}
}

/* In the child: the span begins by the command's own task. */
static void __attribute__((noreturn)) be_command(const char *name, char **command)
{
	int status;

	put(IVRING_MARK_BEGIN, getpid(), name);
	execvp(command[0], command);
	status = errno == ENOENT ? 127 : 126;
	message("cannot run '%s': %s", command[0], strerror(errno));
	_exit(status);
}

/* Signals wait until there is somebody to pass them on to.  The pid is the
 * command's until it is waited for, which is when nobody is signalled any more. */
static int start_and_wait(const char *name, char **command, pid_t *ret_pid)
{
	sigset_t all, old;
	siginfo_t info;
	int status = 0;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		be_command(name, command);
	}
	if (pid > 0)
		command_pid = pid;
	catch_signals();
	sigprocmask(SIG_SETMASK, &old, NULL);
	*ret_pid = pid;
	if (pid < 0)
		return 0;
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	command_pid = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int run(const char *name, char **command)
{
	char what[IVRING_MARK_MAX_BYTES + 1];
	pid_t pid;
	int status;

	has_driver = !access(IVRING_MARK_DEVICE, W_OK);
	if (!has_driver)
		message("cannot write to '" IVRING_MARK_DEVICE "': %s (the command runs without "
			"marks)",
			strerror(errno));
	fflush(stdout);
	status = start_and_wait(name, command, &pid);
	if (pid < 0) {
		message("cannot start a process: %s", strerror(errno));
		return 1;
	}
	snprintf(what, sizeof(what), "run %.64s ends pid=%ld %s=%d", name, (long)pid,
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	put(IVRING_MARK_TEXT, 0, what);
	put(IVRING_MARK_END, pid, name);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int cmd_run(int argc, char **argv)
{
	const char *name = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c != 'n') {
			fputs("(see ivtrace-guest run --help)\n", stderr);
			return EXIT_USAGE;
		}
		name = optarg;
	}
	if (optind == argc)
		return usage_error("run", "which command?");
	return run(name ? name : argv[optind], argv + optind);
}
