/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be drawn on the visible rows, between shares and pixels: runs of
 * equal columns, boxes, labels.  x in columns (device px of the plot), heights
 * in device px.  As text it is what the exact tests compare.
 */
#ifndef IVT_VIEW_DISPLAY_LIST_H
#define IVT_VIEW_DISPLAY_LIST_H

#include <stdio.h>
#include "viewer/draw/layout.h"
#include "viewer/model/view.h"

/* Columns [x0, x1) that look the same.  One state: slot; several: slot is the
 * largest that is not idle, and cut[s] is where slot s ends, from the row's base
 * upwards, slot 1 first, 0 on top. */
struct ivt_dl_run {
	int32_t x0;
	int32_t x1;
	uint8_t slot;
	bool is_mixed;
	uint8_t cut[IVT_LANE_SLOTS]; /* is_mixed */
};

/* A request or interval wide enough for an outline (box) or a name. */
struct ivt_dl_item {
	int32_t x0;
	int32_t x1;
	bool is_box;
	uint8_t slot;	/* state under the label */
	char label[64]; /* of a box: "write 61 ms, 38 ms behind VM b" */
	char brief[24]; /* "write 61 ms"; "": no shorter one */
};

struct ivt_dl_row {
	uint32_t row; /* in the layout */
	size_t first_run;
	size_t n_runs;
	size_t first_item;
	size_t n_items;
	uint64_t ns[IVT_LANE_SLOTS]; /* over the visible range */
	size_t n_points;	     /* in the visible range */
};

struct ivt_display_list {
	struct ivt_dl_row *row;
	size_t n_rows, cap_rows;
	struct ivt_dl_run *run;
	size_t n_runs, cap_runs;
	struct ivt_dl_item *item;
	size_t n_items, cap_items;
};

/* Look up all visible rows; O(rows x columns).  @view's n_bins is the number of
 * columns.  0 or -ENOMEM; *ret for ivt_display_list_deinit() in any case. */
int ivt_display_list_build(struct ivt_display_list *ret, const struct ivt_model *m,
			   const struct ivt_view *view, const struct ivt_layout *layout,
			   const struct ivt_style *style);
void ivt_display_list_deinit(struct ivt_display_list *dl);

/* One line per row, run and item. */
void ivt_display_list_print(const struct ivt_display_list *dl, const struct ivt_model *m,
			    const struct ivt_layout *layout, const struct ivt_view *view, FILE *f);

#endif /* IVT_VIEW_DISPLAY_LIST_H */
