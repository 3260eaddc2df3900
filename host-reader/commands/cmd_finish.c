// SPDX-License-Identifier: GPL-2.0-or-later
/* finish: what is left to do for a trace when its recorder is through with it. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/commands/commands.h"
#include "host-reader/recording/helper.h"
#include "host-reader/recording/summary.h"
#include "trace/compress.h"
#include "trace/manifest.h"
#include "trace/remove.h"
#include "trace/trace_writer.h"

static const char help[] =
	"Usage: ivtrace-host finish [--compress | --decompress | --remove] DIR.ivt\n"
	"\n"
	"Finishes a trace that nobody records any more, also one whose recorder died: checks\n"
	"each record in its files, cuts what is damaged, checks the clocks, writes metadata and\n"
	"manifest anew. A second run changes nothing. record does it with each trace, and\n"
	"in the background with each chunk of a recording that is rotated.\n"
	"\n"
	"  --compress    then compress its streams (cpu_N becomes cpu_N.zst): ivtrace-report and\n"
	"                ivtrace-view read them as they are, with room in $TMPDIR (/tmp)\n"
	"  --decompress  the way back, for other readers (babeltrace2)\n"
	"  --remove      remove the trace instead, unless it is being recorded\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host finish slow.0003.ivt\n"
	"  ivtrace-host finish --compress slow.ivt\n"
	"  ivtrace-host finish --decompress slow.ivt && babeltrace2 slow.ivt\n";

enum {
	OPT_COMPRESS = 256,
	OPT_DECOMPRESS,
	OPT_REMOVE,
	OPT_HELP,
};

static const struct option options[] = {
	{ "compress", no_argument, NULL, OPT_COMPRESS },
	{ "decompress", no_argument, NULL, OPT_DECOMPRESS },
	{ "remove", no_argument, NULL, OPT_REMOVE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* Without a process for it, the clocks can be checked later. */
static void check_clocks(const char *path)
{
	struct helper *helper;
	int ret = helper_start(NULL, NULL, &helper);

	if (ret) {
		message("the clocks of '%s' were not checked: %s", path, strerror(-ret));
		return;
	}
	summary_check_clocks(helper, path);
	helper_end(helper);
}

/* Were records and clocks of the trace checked before? */
static bool is_finished(const char *path)
{
	struct ivt_trace_info info;
	bool is = !ivt_trace_info_read(path, &info, NULL);

	if (!is)
		return false;
	is = info.is_finalised && info.sync_json;
	ivt_trace_info_deinit(&info);
	return is;
}

static void tell_sizes(const char *path)
{
	uint64_t bytes = 0, compressed = 0;
	struct ivt_trace_info info;
	size_t i, k;

	if (ivt_trace_info_read(path, &info, NULL))
		return;
	for (i = 0; i < info.n_machines; i++)
		for (k = 0; k < info.machines[i].n_streams; k++) {
			bytes += info.machines[i].streams[k].bytes;
			compressed += info.machines[i].streams[k].compressed_bytes;
		}
	message("compressed '%s' from %.1f MB to %.1f MB", path, (double)bytes / 1e6,
		(double)compressed / 1e6);
	ivt_trace_info_deinit(&info);
}

static int finish(const char *path, int what)
{
	struct ivt_error err = { "" };
	int ret;

	if (what == OPT_REMOVE) {
		ret = ivt_trace_remove(path, &err);
	} else if (what == OPT_DECOMPRESS) {
		ret = ivt_trace_decompress(path, &err);
	} else if (is_finished(path)) {
		ret = 0;
	} else {
		ret = ivt_trace_finalise(path, &err);
		if (!ret)
			check_clocks(path);
	}
	if (!ret && what == OPT_COMPRESS) {
		ret = ivt_trace_compress(path, &err);
		if (!ret)
			tell_sizes(path);
	}
	if (ret)
		message("%s", err.msg);
	return ret ? 1 : 0;
}

int cmd_finish(int argc, char **argv)
{
	int c, what = 0;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case OPT_COMPRESS:
		case OPT_DECOMPRESS:
		case OPT_REMOVE:
			if (what && what != c)
				return usage_error(
					"finish",
					"--compress, --decompress and --remove exclude each "
					"other");
			what = c;
			break;
		case 'h':
		case OPT_HELP:
			fputs(help, stdout);
			return 0;
		default:
			fputs("(see ivtrace-host finish --help)\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return usage_error("finish", "which trace? DIR.ivt is missing");
	if (optind + 1 < argc)
		return usage_error("finish", "unexpected '%s': one trace at a time",
				   argv[optind + 1]);
	return finish(argv[optind], what);
}
