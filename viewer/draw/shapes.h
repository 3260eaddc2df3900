/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small cairo shapes.  Coordinates in logical px, inside what cairo can hold.
 */
#ifndef IVT_VIEW_SHAPES_H
#define IVT_VIEW_SHAPES_H

#include <cairo.h>
#include "viewer/draw/palette.h"

/* The source colour, 0xrrggbb, with @alpha 0..1. */
void ivt_shape_colour(cairo_t *cr, uint32_t rgb, double alpha);
/* A filled rectangle. */
void ivt_shape_fill(cairo_t *cr, uint32_t rgb, double alpha, double x, double y, double w,
		    double h);
/* A hair line at the px that holds (@x, @y). */
void ivt_shape_vertical(cairo_t *cr, uint32_t rgb, double alpha, double x, double y0, double y1);
void ivt_shape_outline(cairo_t *cr, uint32_t rgb, double x, double y, double w, double h);
/* A triangle that points down at (@x, @y). */
void ivt_shape_mark(cairo_t *cr, uint32_t rgb, double x, double y, double size);
/* A rectangle in a paint's pattern, as vectors. */
void ivt_shape_pattern(cairo_t *cr, const struct ivt_paint *paint, double x, double y, double w,
		       double h);
/* The same with a thin frame, for a legend. */
void ivt_shape_swatch(cairo_t *cr, const struct ivt_paint *paint, double x, double y, double w,
		      double h);

#endif /* IVT_VIEW_SHAPES_H */
