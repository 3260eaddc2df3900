/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text by Pango: one layout per size, kept during a picture; rendering options
 * are fixed here, so that pictures do not depend on the desktop's.
 */
#ifndef IVT_VIEW_GLYPHS_H
#define IVT_VIEW_GLYPHS_H

#include <pango/pangocairo.h>
#include <stdint.h>

enum ivt_font {
	IVT_FONT_VERDICT,
	IVT_FONT_NORMAL,
	IVT_FONT_BOLD,
	IVT_FONT_SMALL,
	IVT_FONTS
};

struct ivt_text {
	cairo_t *cr;
	PangoLayout *layout[IVT_FONTS];
};

/* For drawing on @cr, which must outlive it. */
void ivt_text_init(struct ivt_text *t, cairo_t *cr);
void ivt_text_deinit(struct ivt_text *t);

/* Width in px. */
int ivt_text_width(struct ivt_text *t, enum ivt_font font, const char *text);

/*
 * Draw with the left edge at @x, the middle of the line at @y_middle, cut with
 * an ellipsis to @max_px (<= 0: no limit).  Returns the width drawn.
 */
int ivt_text_draw(struct ivt_text *t, enum ivt_font font, const char *text, uint32_t rgb, double x,
		  double y_middle, int max_px);

#endif /* IVT_VIEW_GLYPHS_H */
