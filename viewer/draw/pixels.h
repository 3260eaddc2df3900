/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two emitters of the rows of a display list: our own pixels for images
 * and screens, rectangles for SVG.
 */
#ifndef IVT_VIEW_PIXELS_H
#define IVT_VIEW_PIXELS_H

#include <cairo.h>
#include "viewer/draw/display_list.h"

/* What an emitter needs; all valid during the call. */
struct ivt_emit {
	const struct ivt_display_list *dl;
	const struct ivt_model *model;
	const struct ivt_layout *layout;
	const struct ivt_style *style;
	const struct ivt_palette *palette;
};

/*
 * Write all rows into an image surface of layout->plot_px x rows_px and paint
 * it at the plot's place.  Integer arithmetic only: the same on each machine.
 * 0 or -ENOMEM.
 */
int ivt_emit_pixels(const struct ivt_emit *e, cairo_t *cr);

/* The same as merged rectangles and lines. */
void ivt_emit_rectangles(const struct ivt_emit *e, cairo_t *cr);

#endif /* IVT_VIEW_PIXELS_H */
