// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/commands.h"
#include "host-reader/message.h"
#include "trace/standard_files.h"

static const struct command commands[] = {
	{ "record", cmd_record, "record VMs and the host into a trace" },
	{ "qemu-args", cmd_qemu_args, "make a VM's region, print what QEMU needs to see it" },
	{ "doctor", cmd_doctor, "say what this host lacks" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to)
{
	size_t i;

	fputs("Usage: ivtrace-host COMMAND [OPTIONS]\n"
	      "\n"
	      "Traces this host and its VMs together. In each VM the driver ivtrace.ko writes\n"
	      "records into memory that it shares with the host; this program collects them.\n"
	      "\n",
	      to);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-10s  %s\n", commands[i].name, commands[i].what);
	fputs("\n"
	      "ivtrace-host COMMAND --help says more; ivtrace-host --version its version.\n"
	      "\n"
	      "Examples:\n"
	      "  ivtrace-host doctor\n"
	      "  qemu-system-x86_64 $(ivtrace-host qemu-args --vm a) ...\n"
	      "  ivtrace-host record -o slow.ivt --vm a --vm b --duration 10s\n"
	      "  ivtrace-report io slow.ivt\n",
	      to);
}

static int run(int argc, char **argv)
{
	static char program[] = "ivtrace-host";
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
		puts("ivtrace-host " IVT_VERSION);
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
	int status;

	ivt_standard_files_hold();
	status = run(argc, argv);
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	message("cannot write to standard output: %s", strerror(errno));
	return 1;
}
