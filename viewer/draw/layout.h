/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where everything is in a picture, in logical px from its top left corner.
 */
#ifndef IVT_VIEW_LAYOUT_H
#define IVT_VIEW_LAYOUT_H

#include <stdbool.h>
#include "viewer/draw/palette.h"

struct ivt_style {
	int width_px; /* logical */
	int height_px;
	int scale; /* device px per logical px, 1..4 */
	enum ivt_theme theme;
	int scroll_px; /* of the rows, upwards */
	bool has_selection;
	int64_t selection_t0_ns;
	int64_t selection_t1_ns;
	int pointer_px; /* x of the hair line, -1 none */
};

#define IVT_STYLE_WIDTH	 1600
#define IVT_STYLE_HEIGHT 1000

struct ivt_layout_row {
	uint32_t lane;
	uint32_t row; /* inside the lane */
	int y_px;     /* from the top of all rows, not scrolled */
	int height_px;
};

struct ivt_layout {
	int label_px; /* width of the label column; the plot begins there */
	int plot_px;  /* width of the plot */
	int verdict_px;
	int ruler_y_px;
	int strip_y_px; /* findings */
	int rows_y_px;
	int rows_px; /* visible height of the rows */
	int legend_y_px;
	int content_px; /* height of all rows */
	int stretch;	/* row heights in 1/16, 16..26: a short trace fills the picture */
	struct ivt_layout_row *row;
	size_t n_rows;
};

#define IVT_LAYOUT_RULER_PX 26
#define IVT_LAYOUT_STRIP_PX 16

/* @legend_px: height that the legend needs.  0 or -ENOMEM; *ret for
 * ivt_layout_deinit(). */
int ivt_layout_init(struct ivt_layout *ret, const struct ivt_model *m,
		    const struct ivt_style *style, int legend_px);
void ivt_layout_deinit(struct ivt_layout *l);

/* Largest sensible scroll_px. */
int ivt_layout_max_scroll(const struct ivt_layout *l);

/* The row at a point, or -1. */
int ivt_layout_row_at(const struct ivt_layout *l, const struct ivt_style *style, int y_px);

/* The view's columns are the plot's device px. */
int32_t ivt_layout_columns(const struct ivt_layout *l, const struct ivt_style *style);

#endif /* IVT_VIEW_LAYOUT_H */
