/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The window: header bar, timeline, status line; one per program.
 */
#ifndef IVT_VIEW_WINDOW_H
#define IVT_VIEW_WINDOW_H

#include "viewer/app/view_options.h"
#include "viewer/widgets/timeline.h"

struct ivt_script;

struct ivt_window {
	const struct ivt_view_options *options;
	GtkApplication *app;
	GtkWidget *window;
	GtkWidget *header;
	GtkWidget *progress;
	GtkWidget *message; /* info bar: what went wrong */
	GtkWidget *message_text;
	IvtTimeline *timeline;
	GtkWidget *status;
	struct ivt_model *model; /* NULL: none yet */
	GCancellable *cancel;	 /* of a load under way, else NULL */
	struct ivt_script *script;
	int exit_status;
};

/* Open the window and run until it is closed.  Exit status. */
int ivt_window_run(const struct ivt_view_options *options);

/* Begin to load the trace at @path in a thread; it replaces the one shown. */
void ivt_window_load(struct ivt_window *w, const char *path);

/* Neither a load nor a frame is pending. */
bool ivt_window_is_idle(const struct ivt_window *w);

/* Show @text as an error in the window, and on stderr. */
void ivt_window_error(struct ivt_window *w, const char *text);

#endif /* IVT_VIEW_WINDOW_H */
