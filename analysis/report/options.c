// SPDX-License-Identifier: GPL-2.0-or-later
/* Options: one table for all commands, of which each names those it takes. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/report.h"

static const struct option all_options[] = {
	{ "help", no_argument, NULL, 'h' },	    { "json", no_argument, NULL, 'j' },
	{ "follow", no_argument, NULL, 'F' },	    { "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },	    { "vm", required_argument, NULL, 'v' },
	{ "victim", required_argument, NULL, 'V' }, { "name", required_argument, NULL, 'n' },
	{ "limit", required_argument, NULL, 'l' },  { "slowest", required_argument, NULL, 's' },
	{ "write", no_argument, NULL, 'w' },	    { NULL, 0, NULL, 0 },
};

static const char *option_name(int letter)
{
	const struct option *o;

	for (o = all_options; o->name; o++)
		if (o->val == letter)
			return o->name;
	return "?";
}

/* Digits with at most nine decimals, and a unit: s (default), ms, us, ns. */
static int parse_ns(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "", 1000000000 },
		      { "s", 1000000000 },
		      { "ms", 1000000 },
		      { "us", 1000 },
		      { "ns", 1 } };
	uint64_t whole = 0, part = 0, scale = 1, ns;
	const char *p = text;
	size_t i;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *p - '0', &whole))
			return -1;
	if (p == text)
		return -1;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9' && scale < 1000000000; p++, scale *= 10)
			part = part * 10 + (*p - '0');
	for (i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(p, units[i].name))
			break;
	if (i == sizeof(units) / sizeof(*units) ||
	    __builtin_mul_overflow(whole, units[i].ns, &ns) ||
	    __builtin_add_overflow(ns, part * units[i].ns / scale, &ns))
		return -1;
	*ret_ns = ns;
	return 0;
}

static int parse_time(const char *text, struct report_time *ret)
{
	ret->is_set = true;
	ret->is_absolute = *text == '@';
	return parse_ns(text + ret->is_absolute, &ret->ns);
}

static int parse_count(const char *text, uint64_t *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	*ret = strtoull(text, &end, 10);
	return *end ? -1 : 0;
}

static int option_take(struct report_options *opt, int letter, const char *value)
{
	switch (letter) {
	case 'j':
		opt->is_json = true;
		return 0;
	case 'w':
		opt->is_write = true;
		return 0;
	case 'F':
		opt->is_follow = true;
		return 0;
	case 'f':
		return parse_time(value, &opt->from);
	case 't':
		return parse_time(value, &opt->to);
	case 'v':
		opt->vm = value;
		return 0;
	case 'V':
		opt->victim = value;
		return 0;
	case 'n':
		opt->names = value;
		return 0;
	case 'l':
		return parse_count(value, &opt->limit);
	default:
		return parse_count(value, &opt->slowest);
	}
}

static int usage(const struct report_command *cmd, const char *what, const char *of)
{
	report_message("%s: %s%s (see ivtrace-report %s --help)", cmd->name, what, of, cmd->name);
	return REPORT_USAGE;
}

int report_options_parse(const struct report_command *cmd, int argc, char **argv,
			 struct report_options *ret)
{
	struct report_options opt = { .limit = REPORT_NO_LIMIT };
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":h", all_options, NULL)) != -1) {
		if (letter == 'h') {
			fputs(cmd->help, stdout);
			return -1;
		}
		if (letter == ':')
			return usage(cmd, "a value is missing after ", argv[optind - 1]);
		if (letter == '?')
			return usage(cmd, "unknown option ", argv[optind - 1]);
		if (!strchr(cmd->accepted, letter))
			return usage(cmd, "does not take --", option_name(letter));
		if (option_take(&opt, letter, optarg)) {
			report_message(
				"%s: --%s '%s' is not understood (see ivtrace-report %s --help)",
				cmd->name, option_name(letter), optarg, cmd->name);
			return REPORT_USAGE;
		}
	}
	for (; optind < argc; optind++) {
		if (opt.n_paths == cmd->n_paths)
			return usage(cmd, "too many arguments: ", argv[optind]);
		opt.paths[opt.n_paths++] = argv[optind];
	}
	if (opt.n_paths < cmd->n_paths)
		return usage(cmd, "which trace? Name a directory like ", "trace.ivt");
	*ret = opt;
	return 0;
}
