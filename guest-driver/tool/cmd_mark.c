// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <ivring/events.h>
#include <ivring/mark.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guest-driver/tool/tool.h"

static const char help[] =
	"Usage: ivtrace-guest mark WORD...\n"
	"       ivtrace-guest mark --lines\n"
	"       ivtrace-guest mark --begin NAME --id N\n"
	"       ivtrace-guest mark --end NAME --id N\n"
	"       ivtrace-guest mark --value NAME=NUMBER\n"
	"\n"
	"Puts the words, joined by blanks, into the host's trace as one ivtrace_mark event:\n"
	"at this moment, on this CPU, by this task. Words like id=17 are found again by\n"
	"'ivtrace-report events --name ivtrace_mark'. 127 bytes at most; the rest is cut.\n"
	"A mark that nobody records is no fault. The same in a script or program: write to\n"
	"/dev/ivtrace; in C: ivring_mark(3).\n"
	"\n"
	"  --lines              a mark for each line of standard input, as it comes\n"
	"  --begin NAME         a span of time begins (ivtrace_span_begin)\n"
	"  --end NAME           it ends (ivtrace_span_end)\n"
	"  --id N               which span of that name: 0 to 2^64 - 1\n"
	"  --value NAME=NUMBER  NAME is NUMBER from now on (ivtrace_value): -2^63 to 2^63 - 1\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-guest mark backup begins\n"
	"  ivtrace-guest mark request id=17 phase=commit\n"
	"  ivtrace-guest mark --begin backup --id $$; tar cf /backup/home.tar /home\n"
	"  ivtrace-guest mark --end backup --id $$\n"
	"  ivtrace-guest mark --value queue=12\n"
	"  tail -f /var/log/app | ivtrace-guest mark --lines\n";

static const struct option options[] = {
	{ "lines", no_argument, NULL, 'l' },
	{ "begin", required_argument, NULL, 'b' },
	{ "end", required_argument, NULL, 'e' },
	{ "value", required_argument, NULL, 'v' },
	{ "id", required_argument, NULL, 'i' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	int option; /* which was given of those that exclude each other; 0: none */
	const char *argument;
	const char *id; /* NULL: not given */
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
	return mark_put(IVRING_MARK_TEXT, 0, text) ? 1 : 0;
}

static int mark_lines(void)
{
	char text[4096];

	while (fgets(text, sizeof(text), stdin))
		if (mark_put(IVRING_MARK_TEXT, 0, text))
			return 1;
	return 0;
}

static int mark_span(const struct request *r)
{
	int kind = r->option == 'b' ? IVRING_MARK_BEGIN : IVRING_MARK_END;
	uint64_t id;
	char *end;

	if (!r->id)
		return usage_error("mark", "which span? --id N");
	errno = 0;
	id = strtoull(r->id, &end, 10);
	if (!isdigit((unsigned char)*r->id) || *end || errno)
		return usage_error("mark", "--id: '%s' is no number from 0 to 2^64 - 1", r->id);
	return mark_put(kind, id, r->argument) ? 1 : 0;
}

static int mark_value(const char *argument)
{
	const char *number = strrchr(argument, '=');
	char name[IVT_STR_BYTES];
	long long value;
	char *end;

	if (!number || number == argument)
		return usage_error("mark", "--value: '%s' is not NAME=NUMBER", argument);
	number++;
	errno = 0;
	value = strtoll(number, &end, 10);
	if (!isdigit((unsigned char)number[*number == '-']) || *end || errno)
		return usage_error("mark", "--value: '%s' is no number from -2^63 to 2^63 - 1",
				   number);
	snprintf(name, sizeof(name), "%.*s", (int)(number - 1 - argument), argument);
	return mark_put(IVRING_MARK_VALUE, (uint64_t)value, name) ? 1 : 0;
}

/* 0: go on; else the exit status. */
static int take_option(struct request *r, int c)
{
	switch (c) {
	case 'l':
	case 'b':
	case 'e':
	case 'v':
		if (r->option)
			return usage_error("mark",
					   "one of --lines, --begin, --end, --value at a time");
		r->option = c;
		r->argument = optarg;
		return 0;
	case 'i':
		r->id = optarg;
		return 0;
	default:
		fputs("(see ivtrace-guest mark --help)\n", stderr);
		return EXIT_USAGE;
	}
}

static int mark(const struct request *r, int argc, char **argv)
{
	if (r->option && argc)
		return usage_error("mark", "unexpected '%s'", argv[0]);
	if (r->id && r->option != 'b' && r->option != 'e')
		return usage_error("mark", "--id goes with --begin and --end");
	switch (r->option) {
	case 'l':
		return mark_lines();
	case 'b':
	case 'e':
		return mark_span(r);
	case 'v':
		return mark_value(r->argument);
	default:
		return argc ? mark_words(argc, argv) : usage_error("mark", "which text?");
	}
}

int cmd_mark(int argc, char **argv)
{
	struct request r = { 0 };
	int c, ret = 0;

	/* "+": what follows the first word is text, also where it begins with "-" */
	while (!ret && (c = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		ret = take_option(&r, c);
	}
	return ret ? ret : mark(&r, argc - optind, argv + optind);
}
