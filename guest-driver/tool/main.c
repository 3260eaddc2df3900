// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "guest-driver/tool/tool.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "status", cmd_status, "is there a device, is the driver at work, who records?" },
	{ "load", cmd_load, "load the driver and wait until it has its device" },
	{ "events", cmd_events, "which events the host records now" },
	{ "mark", cmd_mark, "put a text into the trace" },
	{ "run", cmd_run, "run a command between two marks" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

void message(const char *fmt, ...)
{
	va_list args;

	fputs("ivtrace-guest: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int usage_error(const char *command, const char *fmt, ...)
{
	va_list args;

	fputs("ivtrace-guest: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (see ivtrace-guest %s%s--help)\n", command, *command ? " " : "");
	return EXIT_USAGE;
}

static void print_help(FILE *to)
{
	size_t i;

	fputs("Usage: ivtrace-guest COMMAND [OPTIONS]\n"
	      "\n"
	      "Inside a VM: looks after ivtrace.ko, which writes the VM's events into memory\n"
	      "that it shares with its host, and puts marks into the host's trace.\n"
	      "\n",
	      to);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].what);
	fputs("\n"
	      "ivtrace-guest COMMAND --help says more; ivtrace-guest --version its version.\n"
	      "\n"
	      "Examples:\n"
	      "  ivtrace-guest load && ivtrace-guest status\n"
	      "  ivtrace-guest mark request 17 begins\n"
	      "  ivtrace-guest run -- dd if=/dev/zero of=/var/tmp/file bs=1M count=100\n",
	      to);
}

static int run(int argc, char **argv)
{
	static char program[] = "ivtrace-guest";
	size_t i;

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("ivtrace-guest " IVT_VERSION);
		return 0;
	}
	for (i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		argv[1] = program; /* getopt() begins its messages with it */
		return commands[i].run(argc - 1, argv + 1);
	}
	return usage_error("", "unknown command '%s'", argv[1]);
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	message("cannot write to standard output: %s", strerror(errno));
	return 1;
}
