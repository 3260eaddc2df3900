/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole picture: verdict, ruler, findings, lanes, legend.  The window and
 * --render call the same function; no GTK, no display.
 */
#ifndef IVT_VIEW_PICTURE_H
#define IVT_VIEW_PICTURE_H

#include <cairo.h>
#include "viewer/draw/display_list.h"
#include "viewer/model/view.h"

/* Where everything is for this model and style; 0 or -ENOMEM; *ret for
 * ivt_layout_deinit(). */
int ivt_picture_layout(const struct ivt_model *m, const struct ivt_style *style,
		       struct ivt_layout *ret);

/*
 * Draw on @cr from its origin, style->width_px x height_px.  The view's n_bins
 * must be ivt_layout_columns().  @layout: of ivt_picture_layout() with the same
 * model and style.  0 or -ENOMEM.
 */
int ivt_picture_draw(const struct ivt_model *m, const struct ivt_view *view,
		     const struct ivt_style *style, const struct ivt_layout *layout, cairo_t *cr);

/* Selection and pointer line of @style alone, over a picture that was drawn
 * without them. */
void ivt_picture_draw_overlay(const struct ivt_view *view, const struct ivt_style *style,
			      const struct ivt_layout *layout, cairo_t *cr);

#endif /* IVT_VIEW_PICTURE_H */
