/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timeline widget: shows a model, is the viewport itself (it asks for no
 * size of its data), and turns pointer and keys into changes of the view.
 *
 * Signals: "hover" (const char *text: what is under the pointer, "" if
 * nothing), "view-changed".
 */
#ifndef IVT_VIEW_TIMELINE_H
#define IVT_VIEW_TIMELINE_H

#include <gtk/gtk.h>
#include "viewer/draw/picture.h"

#define IVT_TYPE_TIMELINE (ivt_timeline_get_type())
G_DECLARE_FINAL_TYPE(IvtTimeline, ivt_timeline, IVT, TIMELINE, GtkDrawingArea)

GtkWidget *ivt_timeline_new(enum ivt_theme theme);

/* Show @model, which must outlive the widget or the next call; NULL: nothing. */
void ivt_timeline_set_model(IvtTimeline *t, const struct ivt_model *model);

/* The view; NULL without a model. */
const struct ivt_view *ivt_timeline_view(const IvtTimeline *t);

/* Show a range; zoom by num/den about the pointer or the middle; move by
 * percent of the span; scroll rows by px. */
void ivt_timeline_show(IvtTimeline *t, int64_t t0_ns, int64_t span_ns);
void ivt_timeline_zoom(IvtTimeline *t, int num, int den);
void ivt_timeline_pan(IvtTimeline *t, int percent);
void ivt_timeline_rows(IvtTimeline *t, int delta_px);

/* Whole trace; the range before, or after, in the history. */
void ivt_timeline_full(IvtTimeline *t);
void ivt_timeline_undo(IvtTimeline *t);
void ivt_timeline_redo(IvtTimeline *t);

/* Zoom to the selected range with a margin of 5 %; nothing is selected: no
 * effect.  select: @t0 .. @t1. */
void ivt_timeline_zoom_selection(IvtTimeline *t);
void ivt_timeline_select(IvtTimeline *t, int64_t t0_ns, int64_t t1_ns);
void ivt_timeline_clear(IvtTimeline *t);

/* As if the pointer were at this place of the widget. */
void ivt_timeline_point(IvtTimeline *t, int x, int y);

/* Select the request, or else the interval, under the pointer and show it with
 * what is around it; again: closer.  Nothing there: no effect. */
void ivt_timeline_frame(IvtTimeline *t);

/* Show finding @step places on (1, -1) in the order of rank, selected. */
void ivt_timeline_finding(IvtTimeline *t, int step);

/* Draw dark or light. */
void ivt_timeline_set_theme(IvtTimeline *t, enum ivt_theme theme);

/* Size, theme, scrolling and selection as they are. */
const struct ivt_style *ivt_timeline_style(const IvtTimeline *t);
/* Is the picture on the screen that of the present view? */
bool ivt_timeline_is_drawn(const IvtTimeline *t);

#endif /* IVT_VIEW_TIMELINE_H */
