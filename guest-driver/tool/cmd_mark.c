// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <ivring/events.h>
#include <stdio.h>
#include <string.h>
#include "guest-driver/tool/tool.h"

static const char help[] =
	"Usage: ivtrace-guest mark WORD...\n"
	"       ivtrace-guest mark --lines\n"
	"\n"
	"Puts the words, joined by blanks, into the host's trace as one ivtrace_mark event:\n"
	"at this moment, on this CPU, by this task. Words like id=17 are found again by\n"
	"'ivtrace-report events --name ivtrace_mark'. 127 bytes at most; the rest is cut.\n"
	"A mark that nobody records is no fault. The same in a script or program: write to\n"
	"/dev/ivtrace.\n"
	"\n"
	"  --lines  a mark for each line of standard input, as it comes\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-guest mark backup begins\n"
	"  ivtrace-guest mark request id=17 phase=commit\n"
	"  tail -f /var/log/app | ivtrace-guest mark --lines\n";

static const struct option options[] = {
	{ "lines", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int mark_words(int argc, char **argv)
{
	char text[IVT_STR_BYTES] = "";
	size_t used = 0;
	int i;

	for (i = 0; i < argc && used < sizeof(text) - 1; i++) {
		int n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "", argv[i]);

		used += n > 0 ? (size_t)n : 0;
	}
	return driver_mark(text) ? 1 : 0;
}

static int mark_lines(void)
{
	char text[4096];

	while (fgets(text, sizeof(text), stdin))
		if (driver_mark(text))
			return 1;
	return 0;
}

int cmd_mark(int argc, char **argv)
{
	bool is_lines = false;
	int c;

	/* "+": what follows the first word is text, also where it begins with "-" */
	while ((c = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c != 'l') {
			fputs("(see ivtrace-guest mark --help)\n", stderr);
			return EXIT_USAGE;
		}
		is_lines = true;
	}
	if (is_lines && optind < argc)
		return usage_error("mark", "--lines takes no words: '%s'", argv[optind]);
	if (!is_lines && optind == argc)
		return usage_error("mark", "which text?");
	return is_lines ? mark_lines() : mark_words(argc - optind, argv + optind);
}
