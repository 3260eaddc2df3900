// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/shapes.h"

#include <math.h>

#define HATCH_PX  8 /* as the pixel writer's */
#define STRIPE_PX 2.1
#define LINE_PX	  2

void ivt_shape_colour(cairo_t *cr, uint32_t rgb, double alpha)
{
	cairo_set_source_rgba(cr, (rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0,
			      (rgb & 0xff) / 255.0, alpha);
}

void ivt_shape_fill(cairo_t *cr, uint32_t rgb, double alpha, double x, double y, double w, double h)
{
	ivt_shape_colour(cr, rgb, alpha);
	cairo_rectangle(cr, x, y, w, h);
	cairo_fill(cr);
}

void ivt_shape_vertical(cairo_t *cr, uint32_t rgb, double alpha, double x, double y0, double y1)
{
	ivt_shape_colour(cr, rgb, alpha);
	cairo_set_line_width(cr, 1);
	cairo_move_to(cr, floor(x) + 0.5, y0);
	cairo_line_to(cr, floor(x) + 0.5, y1);
	cairo_stroke(cr);
}

void ivt_shape_outline(cairo_t *cr, uint32_t rgb, double x, double y, double w, double h)
{
	ivt_shape_colour(cr, rgb, 1);
	cairo_set_line_width(cr, 1);
	cairo_rectangle(cr, x + 0.5, y + 0.5, w - 1, h - 1);
	cairo_stroke(cr);
}

void ivt_shape_mark(cairo_t *cr, uint32_t rgb, double x, double y, double size)
{
	ivt_shape_colour(cr, rgb, 1);
	cairo_move_to(cr, x, y);
	cairo_line_to(cr, x - size * 0.6, y - size);
	cairo_line_to(cr, x + size * 0.6, y - size);
	cairo_close_path(cr);
	cairo_fill(cr);
}

static void stripes(cairo_t *cr, double x, double y, double w, double h, int direction)
{
	/* From a fixed origin, so that stripes of neighbours meet. */
	double from = floor((x - h) / HATCH_PX) * HATCH_PX;

	cairo_save(cr);
	cairo_rectangle(cr, x, y, w, h);
	cairo_clip(cr);
	for (double at = from; at < x + w + h; at += HATCH_PX) {
		cairo_move_to(cr, at, direction > 0 ? y + h : y);
		cairo_line_to(cr, at + h, direction > 0 ? y : y + h);
	}
	cairo_stroke(cr);
	cairo_restore(cr);
}

void ivt_shape_pattern(cairo_t *cr, const struct ivt_paint *paint, double x, double y, double w,
		       double h)
{
	if (paint->pattern == IVT_PATTERN_NONE)
		return;
	if (paint->pattern == IVT_PATTERN_LINE)
		ivt_shape_fill(cr, paint->rgb, 1, x, y + h - LINE_PX, w, LINE_PX);
	else if (paint->pattern != IVT_PATTERN_CROSS)
		ivt_shape_fill(cr, paint->rgb, 1, x, y, w, h);
	ivt_shape_colour(cr, paint->rgb2, 1);
	if (paint->pattern == IVT_PATTERN_DIAGONAL) {
		cairo_set_line_width(cr, STRIPE_PX);
		stripes(cr, x, y, w, h, 1);
	} else if (paint->pattern == IVT_PATTERN_CROSS) {
		cairo_set_line_width(cr, 0.7);
		stripes(cr, x, y, w, h, 1);
		stripes(cr, x, y, w, h, -1);
	} else if (paint->pattern == IVT_PATTERN_DOTS) {
		const double dots[] = { 2, 2 };

		cairo_save(cr);
		cairo_set_line_width(cr, 2);
		cairo_set_dash(cr, dots, 2, -fmod(x, 4));
		cairo_move_to(cr, x, y + 1);
		cairo_line_to(cr, x + w, y + 1);
		cairo_stroke(cr);
		cairo_restore(cr);
	}
}

void ivt_shape_swatch(cairo_t *cr, const struct ivt_paint *paint, double x, double y, double w,
		      double h)
{
	ivt_shape_pattern(cr, paint, x, y, w, h);
	if (paint->pattern == IVT_PATTERN_DIAGONAL || paint->pattern == IVT_PATTERN_CROSS)
		ivt_shape_outline(cr, paint->rgb2, x, y, w, h);
}
