/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a file of actions in the window, for tests and recorded tours.
 *
 * One per line: an action's name ("view.zoom-in"), or
 *	wait-idle		until all is loaded and drawn
 *	show T0_NS SPAN_NS	show a range
 *	select T0_NS T1_NS	select one
 *	pointer X Y		as if the pointer were there
 *	snapshot FILE.png	write the window's content
 *	dump			what is shown, on stdout
 * and # for comments.  Each line waits until the one before is drawn.
 */
#ifndef IVT_VIEW_SCRIPT_H
#define IVT_VIEW_SCRIPT_H

#include "viewer/app/window.h"

/* Begin; the script ends with the window.  -errno when the file cannot be read. */
int ivt_script_start(struct ivt_window *w, const char *path);
void ivt_script_stop(struct ivt_window *w);

#endif /* IVT_VIEW_SCRIPT_H */
