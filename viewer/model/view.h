/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is visible: a range of the trace and the columns it is shown in, with a
 * history of earlier ranges.  Times are int64_t ns since trace start.
 */
#ifndef IVT_VIEW_VIEW_H
#define IVT_VIEW_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include "viewer/model/timescale.h"

#define IVT_VIEW_HISTORY     100
#define IVT_VIEW_MIN_SPAN_NS 16

struct ivt_view_range {
	int64_t t0_ns;
	int64_t span_ns;
};

struct ivt_view {
	int64_t t0_ns;
	int64_t span_ns; /* IVT_VIEW_MIN_SPAN_NS .. length_ns */
	int32_t n_bins;	 /* columns, at least 1 */
	int64_t length_ns;
	struct ivt_view_range past[IVT_VIEW_HISTORY]; /* oldest first */
	int n_past;
	struct ivt_view_range future[IVT_VIEW_HISTORY];
	int n_future;
};

/* Show the whole of a trace of @length_ns (below the minimal span: that). */
void ivt_view_init(struct ivt_view *v, int64_t length_ns, int32_t n_bins);
void ivt_view_set_bins(struct ivt_view *v, int32_t n_bins);

/* Show [t0, t0 + span), moved and cut so that it lies inside the trace.  The
 * range before goes to the history unless nothing changes. */
void ivt_view_show(struct ivt_view *v, int64_t t0_ns, int64_t span_ns);

/* Multiply the span by num/den (both > 0), keeping @at_ns in its column. */
void ivt_view_zoom(struct ivt_view *v, int64_t at_ns, int32_t num, int32_t den);
/* Move by @delta_ns; not a step of the history. */
void ivt_view_pan(struct ivt_view *v, int64_t delta_ns);
void ivt_view_full(struct ivt_view *v);

/* false: there is nothing to go back, or forward, to. */
bool ivt_view_undo(struct ivt_view *v);
bool ivt_view_redo(struct ivt_view *v);

/* The scale of the visible range. */
struct ivt_timescale ivt_view_scale(const struct ivt_view *v);

#endif /* IVT_VIEW_VIEW_H */
