/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the colours and textures mean: only what occurs in the trace.
 */
#ifndef IVT_VIEW_LEGEND_H
#define IVT_VIEW_LEGEND_H

#include "viewer/draw/palette.h"
#include "viewer/draw/glyphs.h"

#define IVT_LEGEND_ENTRIES 40

struct ivt_legend {
	struct ivt_legend_entry {
		struct ivt_paint paint;
		char text[64];
	} entry[IVT_LEGEND_ENTRIES];
	int n;
};

void ivt_legend_init(struct ivt_legend *l, const struct ivt_model *m, const struct ivt_palette *p);

/* Draw in lines of @width_px from (@x, @y) on; @cr NULL: only measure.  Returns
 * the height in px. */
int ivt_legend_draw(const struct ivt_legend *l, const struct ivt_palette *p, struct ivt_text *text,
		    cairo_t *cr, int x, int y, int width_px);

#endif /* IVT_VIEW_LEGEND_H */
