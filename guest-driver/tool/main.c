// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include "guest-driver/tool/tool.h"

static const struct cli_command commands[] = {
	{ "status", cmd_status, "is there a device, is the driver at work, who records?" },
	{ "load", cmd_load, "load the driver and wait until it has its device" },
	{ "events", cmd_events, "which events the host records now" },
	{ "mark", cmd_mark, "put a text, a span or a value into the trace" },
	{ "run", cmd_run, "run a command as a span of the trace" },
};

static const struct cli_program program = {
	.name = "ivtrace-guest",
	.about = "Inside a VM: looks after ivtrace.ko, which writes the VM's events into memory\n"
		 "that it shares with its host, and puts marks into the host's trace.\n",
	.examples = "  ivtrace-guest load && ivtrace-guest status\n"
		    "  ivtrace-guest mark request 17 begins\n"
		    "  ivtrace-guest run -- dd if=/dev/zero of=/var/tmp/file bs=1M count=100\n",
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
};

void message(const char *fmt, ...)
{
	va_list args;

	fputs("ivtrace-guest: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	return cli_run(&program, argc, argv);
}
