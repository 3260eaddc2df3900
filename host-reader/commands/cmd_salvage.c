// SPDX-License-Identifier: GPL-2.0-or-later
/* salvage: what a guest left in its region, when nobody records it any more. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/base/bus_error.h"
#include "host-reader/base/message.h"
#include "host-reader/base/options.h"
#include "host-reader/commands/commands.h"
#include "host-reader/recording/summary.h"
#include "host-reader/vm/post_mortem.h"

#define PREFIX "ivtrace-"

static const char help[] =
	"Usage: ivtrace-host salvage FILE [-o DIR.ivt] [OPTIONS]\n"
	"\n"
	"Makes a trace of a region that was left behind: of a VM whose recorder died, too, or\n"
	"from a host that died. All that was published and is still there is taken, and what\n"
	"the guest had written and not published. FILE is only read; a copy will do.\n"
	"\n"
	"  -o, --output DIR.ivt  the trace's new directory (NAME-salvaged.ivt)\n"
	"      --name NAME       the VM (by FILE's name: ivtrace-NAME)\n"
	"      --clock DIR.ivt   the recording that was interrupted: its clocks place the\n"
	"                        records; without it times are the guest's own\n"
	"      --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host salvage /dev/shm/ivtrace-a\n"
	"  ivtrace-host salvage /mnt/copy/ivtrace-a -o dead.ivt --clock slow.ivt\n";

enum {
	OPT_NAME = 256,
	OPT_CLOCK,
};

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "clock", required_argument, NULL, OPT_CLOCK },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* "/dev/shm/ivtrace-a": "a"; "left" where the name is none for a VM. */
static void guess_name(const char *file, char ret[IVT_NAME_BYTES])
{
	const char *base = strrchr(file, '/');

	base = base ? base + 1 : file;
	if (!strncmp(base, PREFIX, strlen(PREFIX)))
		base += strlen(PREFIX);
	snprintf(ret, IVT_NAME_BYTES, "%s", is_vm_name(base, strlen(base)) ? base : "left");
}

static int read_options(struct post_mortem_options *opt, int argc, char **argv, bool *wants_help)
{
	int c;

	while ((c = getopt_long(argc, argv, "ho:", options, NULL)) >= 0) {
		if (c == 'h') {
			*wants_help = true;
			return 0;
		} else if (c == 'o') {
			opt->output = optarg;
		} else if (c == OPT_NAME) {
			opt->name = optarg;
		} else if (c == OPT_CLOCK) {
			opt->clock_dir = optarg;
		} else {
			fputs("(see ivtrace-host salvage --help)\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return usage_error("salvage", "which region? FILE is missing");
	if (optind + 1 < argc)
		return usage_error("salvage", "unexpected '%s'", argv[optind + 1]);
	opt->file = argv[optind];
	if (opt->name && !is_vm_name(opt->name, strlen(opt->name)))
		return usage_error("salvage", "'%s' is no VM's name", opt->name);
	return 0;
}

int cmd_salvage(int argc, char **argv)
{
	struct post_mortem_options opt = { .file = NULL };
	char name[IVT_NAME_BYTES], output[IVT_NAME_BYTES + 16];
	struct ivt_error err = { "" };
	bool wants_help = false;
	int ret = read_options(&opt, argc, argv, &wants_help);

	if (ret)
		return ret;
	if (wants_help) {
		fputs(help, stdout);
		return 0;
	}
	if (!opt.name) {
		guess_name(opt.file, name);
		opt.name = name;
	}
	if (!opt.output) {
		snprintf(output, sizeof(output), "%s-salvaged.ivt", opt.name);
		opt.output = output;
	}
	bus_error_survive();
	if (post_mortem_run(&opt, &err)) {
		message("%s", err.msg);
		return 1;
	}
	summary_print(opt.output);
	return 0;
}
