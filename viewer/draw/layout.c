// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERDICT_PX  58
#define LABEL_PX    176
#define MARGIN_PX   12
#define LANE_GAP    3
#define ROW_GAP	    1
#define GROUP_GAP   8
#define MANY_ROWS   3 /* of requests: lower ones */
#define MAX_STRETCH 26

static const int heights[IVT_LANE_KINDS] = {
	[IVT_LANE_GROUP] = 22,	  [IVT_LANE_HOST_CPU] = 18, [IVT_LANE_VCPU] = 18,
	[IVT_LANE_VCPU_HOST] = 8, [IVT_LANE_TASK] = 16,	    [IVT_LANE_REQUESTS] = 18,
	[IVT_LANE_SERVICE] = 24,  [IVT_LANE_QUEUE] = 12,    [IVT_LANE_QUALITY] = 10,
	[IVT_LANE_EVENTS] = 14,
};

static int gap_before(const struct ivt_model *m, size_t lane)
{
	if (!lane)
		return 2;
	switch (m->lane[lane].kind) {
	case IVT_LANE_GROUP:
		return GROUP_GAP;
	case IVT_LANE_VCPU_HOST: /* one lane of two halves */
		return 0;
	default:
		return LANE_GAP;
	}
}

static int height_of(const struct ivt_layout *l, const struct ivt_lane *lane)
{
	int height = heights[lane->kind];

	if (lane->kind == IVT_LANE_GROUP)
		return height;
	if (lane->kind == IVT_LANE_REQUESTS && lane->n_rows > MANY_ROWS)
		height = heights[IVT_LANE_QUEUE];
	return height * l->stretch / 16;
}

static void count_rows(const struct ivt_layout *l, const struct ivt_model *m, size_t *ret_n,
		       int *ret_height)
{
	*ret_n = 0;
	*ret_height = LANE_GAP;
	for (size_t i = 0; i < m->n_lanes; i++) {
		int rows = m->lane[i].n_rows ? (int)m->lane[i].n_rows : 1;

		*ret_n += (size_t)rows;
		*ret_height +=
			gap_before(m, i) + rows * height_of(l, &m->lane[i]) + (rows - 1) * ROW_GAP;
	}
}

static int place_rows(struct ivt_layout *l, const struct ivt_model *m)
{
	size_t n;
	int y = 0, height;

	count_rows(l, m, &n, &height);
	while (l->stretch < MAX_STRETCH) {
		l->stretch++;
		count_rows(l, m, &n, &height);
		if (height > l->rows_px) {
			l->stretch--;
			break;
		}
	}
	l->row = calloc(n + 1, sizeof(*l->row));
	if (!l->row)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_lanes; i++) {
		const struct ivt_lane *lane = &m->lane[i];
		unsigned int rows = lane->n_rows ? lane->n_rows : 1;

		y += gap_before(m, i);
		for (unsigned int r = 0; r < rows; r++) {
			y += r ? ROW_GAP : 0;
			l->row[l->n_rows++] =
				(struct ivt_layout_row){ (uint32_t)i, r, y, height_of(l, lane) };
			y += height_of(l, lane);
		}
	}
	l->content_px = y + LANE_GAP;
	return 0;
}

int ivt_layout_init(struct ivt_layout *ret, const struct ivt_model *m,
		    const struct ivt_style *style, int legend_px)
{
	memset(ret, 0, sizeof(*ret));
	ret->label_px = LABEL_PX < style->width_px / 2 ? LABEL_PX : style->width_px / 2;
	ret->plot_px = style->width_px - ret->label_px - MARGIN_PX;
	if (ret->plot_px < 1)
		ret->plot_px = 1;
	ret->verdict_px = VERDICT_PX;
	ret->ruler_y_px = VERDICT_PX;
	ret->strip_y_px = ret->ruler_y_px + IVT_LAYOUT_RULER_PX;
	ret->rows_y_px = ret->strip_y_px + IVT_LAYOUT_STRIP_PX;
	ret->legend_y_px = style->height_px - legend_px;
	ret->rows_px = ret->legend_y_px - ret->rows_y_px;
	if (ret->rows_px < 0)
		ret->rows_px = 0;
	ret->stretch = 16;
	return place_rows(ret, m);
}

void ivt_layout_deinit(struct ivt_layout *l)
{
	free(l->row);
	memset(l, 0, sizeof(*l));
}

int ivt_layout_max_scroll(const struct ivt_layout *l)
{
	return l->content_px > l->rows_px ? l->content_px - l->rows_px : 0;
}

int ivt_layout_row_at(const struct ivt_layout *l, const struct ivt_style *style, int y_px)
{
	int y = y_px - l->rows_y_px + style->scroll_px;
	size_t low = 0, high = l->n_rows;

	if (y_px < l->rows_y_px || y_px >= l->rows_y_px + l->rows_px)
		return -1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->row[mid].y_px + l->row[mid].height_px <= y)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->n_rows && l->row[low].y_px <= y ? (int)low : -1;
}

int32_t ivt_layout_columns(const struct ivt_layout *l, const struct ivt_style *style)
{
	return l->plot_px * (style->scale > 0 ? style->scale : 1);
}
