// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/app/view_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/draw/render.h"

static const char help[] =
	"Usage: ivtrace-view [OPTION]... [DIR.ivt]\n"
	"\n"
	"Shows one Linux/KVM host and all its guests on one time axis, and whose\n"
	"requests waited behind whose.\n"
	"\n"
	"  --render FILE     write a picture (.png or .svg) and end; needs no display\n"
	"  --list FILE       write the same picture as text and end\n"
	"  --from T, --to T  show this range; T counts from the trace's start: 1.5s,\n"
	"                    20ms, 300us, 5000ns, or a number of seconds\n"
	"  --focus slowest   show the victim's slowest request and what is around it\n"
	"  --size WxH        of picture or window (1600x1000)\n"
	"  --scale N         device pixels per pixel, 1 to 4\n"
	"  --theme NAME      dark or light\n"
	"  --script FILE     run actions in the window, one per line (for tests)\n"
	"  --help, --version\n"
	"\n"
	"Examples:\n"
	"  ivtrace-view demo.ivt\n"
	"  ivtrace-view demo.ivt --render demo.png --focus slowest\n"
	"  ivtrace-view demo.ivt --render part.svg --from 1.2s --to 1.25s --theme light\n"
	"\n"
	"In the window: W S zoom, A D pan, drag selects, Z zooms to it, 0 whole trace,\n"
	"N next slow request; press ? for all keys.\n";

enum {
	OPT_RENDER = 256,
	OPT_LIST,
	OPT_FROM,
	OPT_TO,
	OPT_FOCUS,
	OPT_SIZE,
	OPT_SCALE,
	OPT_THEME,
	OPT_SCRIPT,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = { { "render", required_argument, NULL, OPT_RENDER },
					      { "list", required_argument, NULL, OPT_LIST },
					      { "from", required_argument, NULL, OPT_FROM },
					      { "to", required_argument, NULL, OPT_TO },
					      { "focus", required_argument, NULL, OPT_FOCUS },
					      { "size", required_argument, NULL, OPT_SIZE },
					      { "scale", required_argument, NULL, OPT_SCALE },
					      { "theme", required_argument, NULL, OPT_THEME },
					      { "script", required_argument, NULL, OPT_SCRIPT },
					      { "help", no_argument, NULL, OPT_HELP },
					      { "version", no_argument, NULL, OPT_VERSION },
					      { NULL, 0, NULL, 0 } };

/* "1.5s", "20ms": digits, a fraction, a unit; exact to the ns. */
static int parse_time(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "", 1000000000 },
		      { "s", 1000000000 },
		      { "ms", 1000000 },
		      { "us", 1000 },
		      { "ns", 1 } };
	int64_t whole, fraction = 0, scale = 1;
	const char *end;
	char *p;

	errno = 0;
	whole = strtoll(text, &p, 10);
	if (errno || p == text || whole < 0 || *text == '+')
		return -EINVAL;
	end = p;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++)
			if (scale < 1000000000) {
				fraction = fraction * 10 + (*end - '0');
				scale *= 10;
			}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].name)) {
			if (whole > INT64_MAX / units[i].ns - 1)
				return -EINVAL;
			*ret_ns = whole * units[i].ns + fraction * units[i].ns / scale;
			return 0;
		}
	return -EINVAL;
}

static int parse_size(const char *text, struct ivt_style *style)
{
	char *end;
	long width = strtol(text, &end, 10), height;

	if (*end != 'x')
		return -EINVAL;
	height = strtol(end + 1, &end, 10);
	if (*end || width < 200 || height < 150 || width > IVT_RENDER_MAX_PX ||
	    height > IVT_RENDER_MAX_PX)
		return -EINVAL;
	style->width_px = (int)width;
	style->height_px = (int)height;
	return 0;
}

static int wrong(const char *option, const char *value, const char *want)
{
	fprintf(stderr, "ivtrace-view: %s '%s': %s\n", option, value, want);
	return 2;
}

static int parse_view(struct ivt_view_options *o, int c)
{
	switch (c) {
	case OPT_FROM:
		o->has_from = true;
		if (parse_time(optarg, &o->from_ns))
			return wrong("--from", optarg, "not a time (such as 1.5s, 20ms, 300us)");
		return -1;
	case OPT_TO:
		o->has_to = true;
		if (parse_time(optarg, &o->to_ns))
			return wrong("--to", optarg, "not a time (such as 1.5s, 20ms, 300us)");
		return -1;
	case OPT_FOCUS:
		o->focus_slowest = true;
		return strcmp(optarg, "slowest")
			       ? wrong("--focus", optarg, "unknown (only: slowest)")
			       : -1;
	case OPT_SIZE:
		return parse_size(optarg, &o->style)
			       ? wrong("--size", optarg,
				       "not WIDTHxHEIGHT (200x150 to 16384x16384)")
			       : -1;
	case OPT_SCALE:
		o->style.scale = optarg[0] - '0';
		return optarg[1] || o->style.scale < 1 || o->style.scale > 4
			       ? wrong("--scale", optarg, "not 1 to 4")
			       : -1;
	default: /* OPT_THEME */
		o->style.theme = strcmp(optarg, "light") ? IVT_THEME_DARK : IVT_THEME_LIGHT;
		return strcmp(optarg, "light") && strcmp(optarg, "dark")
			       ? wrong("--theme", optarg, "neither dark nor light")
			       : -1;
	}
}

/* Exit status: a full disk is a fault here too. */
static int print(const char *text)
{
	if (fputs(text, stdout) != EOF && !fflush(stdout))
		return 0;
	fprintf(stderr, "ivtrace-view: cannot write to standard output: %s\n", strerror(errno));
	return 1;
}

static int parse_one(struct ivt_view_options *o, int c, char **argv)
{
	switch (c) {
	case OPT_RENDER:
		o->render = optarg;
		return -1;
	case OPT_LIST:
		o->list = optarg;
		return -1;
	case OPT_SCRIPT:
		o->script = optarg;
		return -1;
	case OPT_HELP:
		return print(help);
	case OPT_VERSION:
		return print("ivtrace-view " IVT_VERSION "\n");
	case ':':
	case '?':
		fprintf(stderr, "ivtrace-view: %s '%s' (ivtrace-view --help lists the options)\n",
			c == ':' ? "no value after" : "unknown option", argv[optind - 1]);
		return 2;
	default:
		return parse_view(o, c);
	}
}

static int check(const struct ivt_view_options *o)
{
	if ((o->render || o->list) && !o->trace) {
		fputs("ivtrace-view: --render and --list need a trace: ivtrace-view DIR.ivt "
		      "--render FILE.png\n",
		      stderr);
		return 2;
	}
	if (o->has_from && o->has_to && o->from_ns >= o->to_ns) {
		fputs("ivtrace-view: --from is not before --to\n", stderr);
		return 2;
	}
	return -1;
}

int ivt_view_options_parse(struct ivt_view_options *ret, int argc, char **argv)
{
	struct ivt_view_options o = { .style = { .width_px = IVT_STYLE_WIDTH,
						 .height_px = IVT_STYLE_HEIGHT,
						 .scale = 1,
						 .pointer_px = -1 } };
	int c, status = -1;

	while (status < 0 && (c = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		status = parse_one(&o, c, argv);
	if (status >= 0)
		return status;
	if (optind < argc)
		o.trace = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "ivtrace-view: one trace at a time: '%s' is one too many\n",
			argv[optind]);
		return 2;
	}
	status = check(&o);
	*ret = o;
	return status;
}
