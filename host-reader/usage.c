// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include "host-reader/commands.h"

int usage_error(const char *command, const char *fmt, ...)
{
	va_list args;

	fputs("ivtrace-host: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (see ivtrace-host %s%s--help)\n", command, *command ? " " : "");
	return EXIT_USAGE;
}
