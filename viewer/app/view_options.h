/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of ivtrace-view.
 */
#ifndef IVT_VIEW_VIEW_OPTIONS_H
#define IVT_VIEW_VIEW_OPTIONS_H

#include <stdbool.h>
#include "viewer/draw/layout.h"

#define IVT_FOCUS_CONTEXT 5 /* a request is shown with this times its length */

struct ivt_view_options {
	const char *trace;  /* NULL: none named */
	const char *render; /* file, NULL: a window */
	const char *list;   /* file of the display list */
	const char *script; /* file of actions */
	struct ivt_style style;
	bool has_from;
	bool has_to;
	int64_t from_ns; /* since trace start */
	int64_t to_ns;
	bool focus_slowest;
};

/*
 * Parse; prints --help, --version and errors itself.  Returns -1 to go on, else
 * the exit status (0 or 2).
 */
int ivt_view_options_parse(struct ivt_view_options *ret, int argc, char **argv);

#endif /* IVT_VIEW_VIEW_OPTIONS_H */
