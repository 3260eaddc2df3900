/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the ruler's labels stand, from a whole trace down to single ns.
 */
#ifndef IVT_VIEW_RULER_H
#define IVT_VIEW_RULER_H

#include <stddef.h>
#include "viewer/model/view.h"

#define IVT_RULER_MAX 12

struct ivt_ruler {
	int64_t step_ns;
	int64_t first_ns; /* first tick at or after the view's start */
	int n;		  /* ticks, at most IVT_RULER_MAX */
	int64_t base_ns;  /* labels count from here; 0: trace start */
};

/* Ticks for a plot of @plot_px, one label per 80 px or more. */
void ivt_ruler_init(struct ivt_ruler *r, const struct ivt_view *view, int plot_px);

/* Label of tick @i; of the base ("12.003 s +"), "" when it is 0. */
void ivt_ruler_label(const struct ivt_ruler *r, int i, char *ret, size_t bytes);
void ivt_ruler_base(const struct ivt_ruler *r, char *ret, size_t bytes);

#endif /* IVT_VIEW_RULER_H */
