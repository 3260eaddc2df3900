// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
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
	"Runs the command between two marks in the host's trace:\n"
	"  run NAME begins pid=PID\n"
	"  run NAME ends pid=PID status=STATUS      (or signal=NUMBER)\n"
	"The status is the command's; 128 + the signal's number if one ended it; 126 or 127\n"
	"if it could not be started. Where there is no driver the command runs all the same.\n"
	"\n"
	"  --name NAME  in the marks (the command's first word)\n"
	"  --help\n"
	"\n"
	"Example:\n"
	"  ivtrace-guest run --name backup -- tar cf /backup/home.tar /home\n";

static const struct option options[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool has_driver;

static void mark(const char *name, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "run %.64s %s", name, what);
	if (has_driver)
		driver_mark(text);
}

/* In the child: the mark is by the command's own task. */
static void __attribute__((noreturn)) be_command(const char *name, char **command)
{
	char what[40];
	int status;

	snprintf(what, sizeof(what), "begins pid=%ld", (long)getpid());
	mark(name, what);
	execvp(command[0], command);
	status = errno == ENOENT ? 127 : 126;
	message("cannot run '%s': %s", command[0], strerror(errno));
	_exit(status);
}

/* Signals from the terminal are the command's: wait for what it makes of them. */
static int wait_for(pid_t pid)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old_int, old_quit;
	int status = 0;

	sigaction(SIGINT, &ignore, &old_int);
	sigaction(SIGQUIT, &ignore, &old_quit);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	return status;
}

static int run(const char *name, char **command)
{
	char what[80];
	pid_t pid;
	int status;

	has_driver = !access("/dev/ivtrace", W_OK);
	if (!has_driver)
		message("cannot write to '/dev/ivtrace': %s (the command runs without marks)",
			strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		message("cannot start a process: %s", strerror(errno));
		return 1;
	}
	if (!pid)
		be_command(name, command);
	status = wait_for(pid);
	snprintf(what, sizeof(what), "ends pid=%ld %s=%d", (long)pid,
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	mark(name, what);
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
