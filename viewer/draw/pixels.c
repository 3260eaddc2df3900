// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/pixels.h"

#include <errno.h>
#include <string.h>
#include "viewer/draw/shapes.h"

#define HATCH_PX  8 /* period of the stripes */
#define STRIPE_PX 3
#define LINE_PX	  2

/* A row's part of the image. */
struct canvas {
	unsigned char *data;
	int stride_bytes;
	int height; /* of the image, device px */
	int y0;	    /* of the row */
	int row_height;
	int scale;
};

static uint32_t opaque(uint32_t rgb)
{
	return 0xff000000u | rgb;
}

/* Pixel of @paint, @up device px above the row's base; 0: transparent. */
static uint32_t pixel(const struct ivt_paint *paint, int x, int y, int up, int row_height, int s)
{
	switch (paint->pattern) {
	case IVT_PATTERN_SOLID:
		return opaque(paint->rgb);
	case IVT_PATTERN_LINE:
		return up < (row_height < 10 * s ? s : LINE_PX * s) ? opaque(paint->rgb) : 0;
	case IVT_PATTERN_DIAGONAL:
		return opaque((x + y) / s % HATCH_PX < STRIPE_PX ? paint->rgb2 : paint->rgb);
	case IVT_PATTERN_DOTS:
		return opaque(up >= row_height - 2 * s && x / s % 4 < 2 ? paint->rgb2 : paint->rgb);
	case IVT_PATTERN_CROSS:
		return (x + y) / s % HATCH_PX == 0 || (x - y + (1 << 20)) / s % HATCH_PX == 0
			       ? opaque(paint->rgb2)
			       : 0;
	default:
		return 0;
	}
}

static uint32_t *line_at(const struct canvas *c, int y)
{
	return (uint32_t *)(void *)(c->data + (ptrdiff_t)y * c->stride_bytes);
}

static void write_pure(const struct canvas *c, const struct ivt_dl_run *run,
		       const struct ivt_paint *paint)
{
	if (paint->pattern == IVT_PATTERN_NONE)
		return;
	for (int up = 0; up < c->row_height; up++) {
		int y = c->y0 + c->row_height - 1 - up;
		uint32_t *line;

		if (y < 0 || y >= c->height)
			continue;
		line = line_at(c, y);
		if (paint->pattern == IVT_PATTERN_SOLID)
			for (int32_t x = run->x0; x < run->x1; x++)
				line[x] = opaque(paint->rgb);
		else
			for (int32_t x = run->x0; x < run->x1; x++)
				line[x] = pixel(paint, x, y, up, c->row_height, c->scale);
	}
}

/* Low rows cannot stack: the mean colour, weighted by share. */
static uint32_t mean(const struct ivt_dl_run *run, const struct ivt_paint *paint,
		     unsigned int n_slots, int height, uint32_t background)
{
	uint32_t sum[3] = { 0, 0, 0 }, ret = 0;
	int from = 0;

	for (unsigned int s = 1; s <= n_slots; s++) {
		int to = s < n_slots ? run->cut[s] : height;
		uint32_t rgb = s < n_slots && paint[s].pattern != IVT_PATTERN_NONE ? paint[s].rgb2
										   : background;

		if (to <= from)
			continue;
		for (int i = 0; i < 3; i++)
			sum[i] += (rgb >> (16 - 8 * i) & 0xff) * (uint32_t)(to - from);
		from = to;
	}
	for (int i = 0; i < 3; i++)
		ret = ret << 8 | sum[i] / (uint32_t)height;
	return ret;
}

/* The base of a column whose shares round to no px: the idle line, tinted by
 * what there is most of, so that "a little" differs from "nothing". */
static struct ivt_paint tinted_line(const struct ivt_dl_run *run, const struct ivt_paint *paint)
{
	struct ivt_paint ret = paint[0];

	if (ret.pattern == IVT_PATTERN_LINE)
		ret.rgb = ivt_palette_mix(paint[run->slot].rgb2, ret.rgb, 160);
	return ret;
}

static void write_mixed(const struct canvas *c, const struct ivt_dl_run *run,
			const struct ivt_paint *paint, unsigned int n_slots)
{
	struct ivt_paint base = tinted_line(run, paint);
	unsigned int s = 1;

	write_pure(c, run, &base);
	for (int up = 0; up < c->row_height; up++) {
		int y = c->y0 + c->row_height - 1 - up;
		uint32_t *line;

		while (s < n_slots && run->cut[s] <= up)
			s++;
		if (s == n_slots)
			break; /* idle on top: nothing */
		if (y < 0 || y >= c->height || paint[s].pattern == IVT_PATTERN_NONE)
			continue;
		line = line_at(c, y);
		for (int32_t x = run->x0; x < run->x1; x++) {
			uint32_t p = pixel(&paint[s], x, y, up, c->row_height, c->scale);

			if (p)
				line[x] = p;
		}
	}
}

static unsigned int row_paints(const struct ivt_emit *e, const struct ivt_dl_row *row,
			       struct ivt_paint paint[IVT_LANE_SLOTS])
{
	const struct ivt_lane *lane = &e->model->lane[e->layout->row[row->row].lane];
	unsigned int n = lane->n_rows ? lane->row[0].n_slots : 0;

	for (unsigned int s = 0; s < n; s++)
		paint[s] = ivt_palette_paint(e->palette, e->model, lane->kind, lane->machine, s);
	return n;
}

static void write_row(const struct ivt_emit *e, const struct ivt_dl_row *row, struct canvas *c)
{
	const struct ivt_layout_row *place = &e->layout->row[row->row];
	struct ivt_paint paint[IVT_LANE_SLOTS];
	unsigned int n = row_paints(e, row, paint);

	c->y0 = (place->y_px - e->style->scroll_px) * c->scale;
	c->row_height = place->height_px * c->scale;
	for (size_t i = 0; i < row->n_runs; i++) {
		struct ivt_dl_run run = e->dl->run[row->first_run + i];

		if (!run.is_mixed) {
			write_pure(c, &run, &paint[run.slot]);
		} else if (place->height_px < 12) {
			uint32_t rgb = mean(&run, paint, n, c->row_height, e->palette->lane);

			write_pure(c, &run, &(struct ivt_paint){ rgb, rgb, IVT_PATTERN_SOLID });
		} else {
			write_mixed(c, &run, paint, n);
		}
	}
}

int ivt_emit_pixels(const struct ivt_emit *e, cairo_t *cr)
{
	int s = e->style->scale;
	int width = e->layout->plot_px * s, height = e->layout->rows_px * s;
	cairo_surface_t *image;
	struct canvas c = { .height = height, .scale = s };

	if (width < 1 || height < 1)
		return 0;
	image = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
	if (cairo_surface_status(image) != CAIRO_STATUS_SUCCESS) {
		cairo_surface_destroy(image);
		return -ENOMEM;
	}
	cairo_surface_flush(image);
	c.data = cairo_image_surface_get_data(image);
	c.stride_bytes = cairo_image_surface_get_stride(image);
	for (size_t i = 0; i < e->dl->n_rows; i++)
		write_row(e, &e->dl->row[i], &c);
	cairo_surface_mark_dirty(image);
	cairo_surface_set_device_scale(image, s, s);
	cairo_set_source_surface(cr, image, e->layout->label_px, e->layout->rows_y_px);
	cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
	cairo_rectangle(cr, e->layout->label_px, e->layout->rows_y_px, e->layout->plot_px,
			e->layout->rows_px);
	cairo_fill(cr);
	cairo_surface_destroy(image);
	return 0;
}

/* ---- SVG ------------------------------------------------------------------------ */

static void emit_run(const struct ivt_emit *e, cairo_t *cr, const struct ivt_dl_run *run,
		     const struct ivt_paint *paint, unsigned int n_slots, double y, double h)
{
	double s = e->style->scale, x = e->layout->label_px + run->x0 / s;
	double w = (run->x1 - run->x0) / s;
	int from = 0;

	if (!run->is_mixed) {
		ivt_shape_pattern(cr, &paint[run->slot], x, y, w, h);
		return;
	}
	for (unsigned int slot = 1; slot < n_slots; slot++) {
		if (run->cut[slot] <= from)
			continue;
		ivt_shape_pattern(cr, &paint[slot], x, y + h - run->cut[slot] / s, w,
				  (run->cut[slot] - from) / s);
		from = run->cut[slot];
	}
}

void ivt_emit_rectangles(const struct ivt_emit *e, cairo_t *cr)
{
	cairo_save(cr);
	cairo_rectangle(cr, e->layout->label_px, e->layout->rows_y_px, e->layout->plot_px,
			e->layout->rows_px);
	cairo_clip(cr);
	for (size_t i = 0; i < e->dl->n_rows; i++) {
		const struct ivt_dl_row *row = &e->dl->row[i];
		const struct ivt_layout_row *place = &e->layout->row[row->row];
		struct ivt_paint paint[IVT_LANE_SLOTS];
		unsigned int n = row_paints(e, row, paint);

		for (size_t r = 0; r < row->n_runs; r++)
			emit_run(e, cr, &e->dl->run[row->first_run + r], paint, n,
				 e->layout->rows_y_px + place->y_px - e->style->scroll_px,
				 place->height_px);
	}
	cairo_restore(cr);
}
