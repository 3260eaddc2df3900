// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/picture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "viewer/draw/legend.h"
#include "viewer/draw/pixels.h"
#include "viewer/draw/ruler.h"
#include "viewer/draw/shapes.h"
#include "viewer/draw/glyphs.h"
#include "viewer/model/format.h"

#define MARGIN_PX   12
#define INDENT_PX   26
#define MARK_PX	    10
#define ELLIPSIS_PX 50

struct picture {
	const struct ivt_model *m;
	const struct ivt_view *view;
	const struct ivt_style *style;
	const struct ivt_layout *layout;
	const struct ivt_palette *p;
	const struct ivt_display_list *dl;
	struct ivt_text text;
	cairo_t *cr;
};

/* x in the picture of a time, clamped to just outside the plot. */
static double place(const struct picture *pic, int64_t t_ns)
{
	const struct ivt_timescale ts = { pic->view->t0_ns, pic->view->span_ns,
					  pic->layout->plot_px };

	return pic->layout->label_px + ivt_timescale_px_f(&ts, t_ns);
}

static void clip_plot(const struct picture *pic, int y, int height)
{
	cairo_save(pic->cr);
	cairo_rectangle(pic->cr, pic->layout->label_px, y, pic->layout->plot_px, height);
	cairo_clip(pic->cr);
}

/* ---- above the lanes ---------------------------------------------------------- */

static void draw_verdict(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;
	int width = pic->style->width_px, used;
	char range[160], from[40], span[40];
	const char *name = strrchr(pic->m->path, '/');

	name = name && name[1] ? name + 1 : pic->m->path;
	ivt_shape_fill(pic->cr, pic->p->panel, 1, 0, 0, width, l->verdict_px);
	ivt_shape_fill(pic->cr, pic->m->n_findings ? pic->p->finding : pic->p->run, 1, 0, 0, 4,
		       l->verdict_px);
	ivt_format_time(pic->view->t0_ns,
			pic->view->t0_ns > 1000000000 ? pic->view->t0_ns : 1000000000,
			pic->view->span_ns / 1000 + 1, from, sizeof(from));
	ivt_format_ns((uint64_t)pic->view->span_ns, span, sizeof(span));
	snprintf(range, sizeof(range), "%.60s   from %s, %s shown", name, from, span);
	used = ivt_text_width(&pic->text, IVT_FONT_SMALL, range);
	ivt_text_draw(&pic->text, IVT_FONT_SMALL, range, pic->p->dim, width - MARGIN_PX - used, 41,
		      0);
	ivt_text_draw(&pic->text, IVT_FONT_VERDICT, pic->m->verdict, pic->p->text, MARGIN_PX + 4,
		      20, width - 2 * MARGIN_PX - 4);
	ivt_text_draw(&pic->text, IVT_FONT_NORMAL, pic->m->verdict_detail, pic->p->dim,
		      MARGIN_PX + 4, 41, width - 4 * MARGIN_PX - used);
}

static void draw_ruler(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;
	int y = l->ruler_y_px, bottom = l->rows_y_px + l->rows_px;
	struct ivt_ruler ruler;
	char label[64];

	ivt_ruler_init(&ruler, pic->view, l->plot_px);
	ivt_ruler_base(&ruler, label, sizeof(label));
	if (label[0])
		ivt_text_draw(&pic->text, IVT_FONT_SMALL, label, pic->p->dim,
			      l->label_px - 8 - ivt_text_width(&pic->text, IVT_FONT_SMALL, label),
			      y + IVT_LAYOUT_RULER_PX / 2, 0);
	for (int i = 0; i < ruler.n; i++) {
		double x = place(pic, ruler.first_ns + i * ruler.step_ns);
		int width;

		ivt_shape_vertical(pic->cr, pic->p->grid, 1, x, y, bottom);
		ivt_ruler_label(&ruler, i, label, sizeof(label));
		width = ivt_text_width(&pic->text, IVT_FONT_SMALL, label);
		if (x + 5 + width <= pic->style->width_px - 4)
			ivt_text_draw(&pic->text, IVT_FONT_SMALL, label, pic->p->dim, x + 5,
				      y + IVT_LAYOUT_RULER_PX / 2, 0);
	}
}

/* Findings: a bar over each one's time and a mark, never below 3 px. */
static void draw_findings(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;
	int y = l->strip_y_px;
	int64_t end = pic->view->t0_ns + pic->view->span_ns;

	if (!pic->m->n_findings)
		return;
	ivt_text_draw(&pic->text, IVT_FONT_SMALL, "slowest waits", pic->p->dim, INDENT_PX,
		      y + IVT_LAYOUT_STRIP_PX / 2, l->label_px - INDENT_PX);
	clip_plot(pic, y, IVT_LAYOUT_STRIP_PX);
	for (size_t i = pic->m->n_findings; i-- > 0;) {
		const struct ivt_finding *f = &pic->m->finding[i];
		double x0 = place(pic, f->t0_ns), x1 = place(pic, f->t1_ns);

		if (f->t1_ns < pic->view->t0_ns || f->t0_ns > end)
			continue;
		if (x1 - x0 < 3)
			x1 = x0 + 3;
		ivt_shape_fill(pic->cr, pic->p->finding, 0.55, x0, y + IVT_LAYOUT_STRIP_PX - 3,
			       x1 - x0, 3);
		if (!i)
			ivt_shape_mark(pic->cr, pic->p->finding, (x0 + x1) / 2,
				       y + IVT_LAYOUT_STRIP_PX - 3, MARK_PX);
	}
	cairo_restore(pic->cr);
}

/* ---- lanes ------------------------------------------------------------------------ */

static void draw_lane_background(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;

	for (size_t i = 0; i < pic->dl->n_rows; i++) {
		const struct ivt_layout_row *row = &l->row[pic->dl->row[i].row];
		bool is_group = pic->m->lane[row->lane].kind == IVT_LANE_GROUP;

		ivt_shape_fill(pic->cr, is_group ? pic->p->panel : pic->p->lane, 1,
			       is_group ? 0 : l->label_px,
			       l->rows_y_px + row->y_px - pic->style->scroll_px,
			       is_group ? pic->style->width_px : l->plot_px, row->height_px);
	}
}

static void draw_grid(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;
	struct ivt_ruler ruler;

	ivt_ruler_init(&ruler, pic->view, l->plot_px);
	for (int i = 0; i < ruler.n; i++)
		ivt_shape_vertical(pic->cr, pic->p->grid, 1,
				   place(pic, ruler.first_ns + i * ruler.step_ns), l->rows_y_px,
				   l->rows_y_px + l->rows_px);
}

static void draw_group(struct picture *pic, const struct ivt_lane *lane, int y, int height)
{
	uint32_t rgb = ivt_palette_machine(pic->p, pic->m, lane->machine);
	const struct ivt_model_machine *machine = &pic->m->machine[lane->machine];
	int x = 28;

	ivt_shape_fill(pic->cr, rgb, 1, 10, y + height / 2 - 5, 10, 10);
	ivt_text_draw(&pic->text, IVT_FONT_BOLD, lane->label, pic->p->text, x, y + height / 2.0,
		      pic->layout->label_px - x - 4);
	x = pic->layout->label_px + 4;
	if (machine->summary[0])
		x += 20 + ivt_text_draw(&pic->text, IVT_FONT_SMALL, machine->summary, pic->p->dim,
					x, y + height / 2.0, pic->layout->plot_px);
	if (machine->lost) {
		char text[96];
		struct ivt_paint hatch = { pic->p->panel, pic->p->warning, IVT_PATTERN_CROSS };

		snprintf(text, sizeof(text), "%" PRIu64 " records of this machine were lost",
			 machine->lost);
		ivt_shape_swatch(pic->cr, &hatch, x, y + 4, 28, height - 8);
		ivt_text_draw(&pic->text, IVT_FONT_SMALL, text, pic->p->warning, x + 36,
			      y + height / 2.0, 0);
	}
}

static void draw_label(struct picture *pic, const struct ivt_layout_row *row)
{
	const struct ivt_lane *lane = &pic->m->lane[row->lane];
	int y = pic->layout->rows_y_px + row->y_px - pic->style->scroll_px;

	if (lane->kind == IVT_LANE_GROUP) {
		draw_group(pic, lane, y, row->height_px);
	} else if (!row->row && lane->kind != IVT_LANE_VCPU_HOST) {
		ivt_text_draw(&pic->text, IVT_FONT_SMALL, lane->label, pic->p->text, INDENT_PX,
			      y + row->height_px / 2.0, pic->layout->label_px - INDENT_PX - 6);
	}
}

/* The longest text of a box that fits: all of it, its short form, the duration
 * alone; a number that is cut would be a wrong one. */
static const char *box_text(struct picture *pic, const struct ivt_dl_item *item, int room)
{
	const char *duration = strchr(item->brief, ' ');
	bool has_number = duration && duration[1] >= '0' && duration[1] <= '9';
	const char *all[] = { item->label, item->brief, has_number ? duration + 1 : "" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i][0] && ivt_text_width(&pic->text, IVT_FONT_SMALL, all[i]) <= room)
			return all[i];
	return NULL;
}

/* Text inside [x0, x1): on a hatch with a plate below, else straight. */
static void draw_inside(struct picture *pic, const struct ivt_dl_item *item, bool has_plate,
			uint32_t under, double x0, double x1, double y_middle)
{
	int room = (int)(x1 - x0) - 8, width;
	const char *label = item->is_box ? box_text(pic, item, room) : item->label;

	if (!label)
		return;
	width = ivt_text_width(&pic->text, IVT_FONT_SMALL, label);
	if (width > room) {
		if (room < ELLIPSIS_PX) /* a few letters and dots say nothing */
			return;
		width = room;
	}
	if (has_plate)
		ivt_shape_fill(pic->cr, pic->p->background, 0.8, x0 + 2, y_middle - 6.5, width + 5,
			       13);
	ivt_text_draw(&pic->text, IVT_FONT_SMALL, label,
		      has_plate ? pic->p->text : ivt_palette_text_on(under), x0 + 4, y_middle,
		      room);
}

static void draw_item(struct picture *pic, const struct ivt_layout_row *row,
		      const struct ivt_dl_item *item)
{
	const struct ivt_lane *lane = &pic->m->lane[row->lane];
	double s = pic->style->scale;
	double x0 = pic->layout->label_px + item->x0 / s, x1 = pic->layout->label_px + item->x1 / s;
	double left = x0 < pic->layout->label_px ? pic->layout->label_px : x0;
	double right = pic->layout->label_px + pic->layout->plot_px;
	int y = pic->layout->rows_y_px + row->y_px - pic->style->scroll_px;
	struct ivt_paint paint;

	if (right > x1)
		right = x1;
	if (item->is_box) {
		uint32_t owner = lane->machine;

		if (lane->kind == IVT_LANE_REQUESTS)
			ivt_shape_outline(pic->cr, ivt_palette_machine(pic->p, pic->m, owner), x0,
					  y, x1 - x0, row->height_px);
		if (item->label[0] && row->height_px >= 12)
			draw_inside(pic, item, true, 0, left, right, y + row->height_px / 2.0);
		return;
	}
	if (lane->points) { /* beside its tick */
		draw_inside(pic, item, true, 0, left, right, y + row->height_px / 2.0);
		return;
	}
	paint = ivt_palette_paint(pic->p, pic->m, lane->kind, lane->machine, item->slot);
	ivt_shape_vertical(pic->cr, pic->p->background, 0.6, x0, y, y + row->height_px);
	draw_inside(pic, item, paint.pattern != IVT_PATTERN_SOLID, paint.rgb, left, right,
		    y + row->height_px / 2.0);
}

static void draw_rows(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;

	for (size_t i = 0; i < pic->dl->n_rows; i++) {
		const struct ivt_dl_row *row = &pic->dl->row[i];

		draw_label(pic, &l->row[row->row]);
		clip_plot(pic, l->rows_y_px, l->rows_px);
		for (size_t n = 0; n < row->n_items; n++)
			draw_item(pic, &l->row[row->row], &pic->dl->item[row->first_item + n]);
		cairo_restore(pic->cr);
	}
}

static void draw_overlay(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;
	int bottom = l->rows_y_px + l->rows_px;

	if (pic->style->has_selection) {
		double x0 = place(pic, pic->style->selection_t0_ns);
		double x1 = place(pic, pic->style->selection_t1_ns);

		clip_plot(pic, l->ruler_y_px, bottom - l->ruler_y_px);
		ivt_shape_fill(pic->cr, pic->p->text, 0.10, x0, l->ruler_y_px, x1 - x0,
			       bottom - l->ruler_y_px);
		ivt_shape_vertical(pic->cr, pic->p->text, 0.9, x0, l->ruler_y_px, bottom);
		ivt_shape_vertical(pic->cr, pic->p->text, 0.9, x1 - 1, l->ruler_y_px, bottom);
		cairo_restore(pic->cr);
	}
	if (pic->style->pointer_px >= l->label_px &&
	    pic->style->pointer_px < l->label_px + l->plot_px)
		ivt_shape_vertical(pic->cr, pic->p->text, 0.5, pic->style->pointer_px,
				   l->ruler_y_px, bottom);
}

/* What did not fit is said, not cut silently. */
static void draw_more(struct picture *pic)
{
	const struct ivt_layout *l = pic->layout;
	int hidden = 0;
	char text[64];

	for (size_t i = 0; i < l->n_rows; i++)
		hidden += l->row[i].y_px + l->row[i].height_px - pic->style->scroll_px > l->rows_px;
	if (!hidden)
		return;
	snprintf(text, sizeof(text), "%d more rows below", hidden);
	ivt_shape_fill(pic->cr, pic->p->panel, 1, 0, l->legend_y_px - 20, l->label_px, 20);
	ivt_text_draw(&pic->text, IVT_FONT_SMALL, text, pic->p->dim, INDENT_PX, l->legend_y_px - 10,
		      l->label_px - INDENT_PX);
}

static void draw_legend(struct picture *pic)
{
	struct ivt_legend legend;
	int y = pic->layout->legend_y_px;

	ivt_shape_fill(pic->cr, pic->p->panel, 1, 0, y, pic->style->width_px,
		       pic->style->height_px - y);
	ivt_legend_init(&legend, pic->m, pic->p);
	ivt_legend_draw(&legend, pic->p, &pic->text, pic->cr, MARGIN_PX, y,
			pic->style->width_px - 2 * MARGIN_PX);
}

/* ---- the whole ------------------------------------------------------------------------ */

int ivt_picture_layout(const struct ivt_model *m, const struct ivt_style *style,
		       struct ivt_layout *ret)
{
	cairo_surface_t *none = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
	cairo_t *cr = cairo_create(none);
	const struct ivt_palette *p = ivt_palette_get(style->theme);
	struct ivt_legend legend;
	struct ivt_text text;
	int height;

	ivt_text_init(&text, cr);
	ivt_legend_init(&legend, m, p);
	height = ivt_legend_draw(&legend, p, &text, NULL, MARGIN_PX, 0,
				 style->width_px - 2 * MARGIN_PX);
	ivt_text_deinit(&text);
	cairo_destroy(cr);
	cairo_surface_destroy(none);
	return ivt_layout_init(ret, m, style, height);
}

static bool is_vector(cairo_t *cr)
{
	return cairo_surface_get_type(cairo_get_target(cr)) == CAIRO_SURFACE_TYPE_SVG;
}

int ivt_picture_draw(const struct ivt_model *m, const struct ivt_view *view,
		     const struct ivt_style *style, const struct ivt_layout *layout, cairo_t *cr)
{
	struct ivt_display_list dl;
	struct picture pic = { .m = m,
			       .view = view,
			       .style = style,
			       .layout = layout,
			       .p = ivt_palette_get(style->theme),
			       .dl = &dl,
			       .cr = cr };
	struct ivt_emit emit = { &dl, m, layout, style, pic.p };
	int err = ivt_display_list_build(&dl, m, view, layout, style);

	if (err) {
		ivt_display_list_deinit(&dl);
		return err;
	}
	ivt_text_init(&pic.text, cr);
	ivt_shape_fill(cr, pic.p->background, 1, 0, 0, style->width_px, style->height_px);
	draw_ruler(&pic);
	cairo_save(cr);
	cairo_rectangle(cr, 0, layout->rows_y_px, style->width_px, layout->rows_px);
	cairo_clip(cr);
	draw_lane_background(&pic);
	draw_grid(&pic);
	if (is_vector(cr))
		ivt_emit_rectangles(&emit, cr);
	else
		err = ivt_emit_pixels(&emit, cr);
	draw_rows(&pic);
	draw_more(&pic);
	cairo_restore(cr);
	draw_findings(&pic);
	draw_overlay(&pic);
	draw_verdict(&pic);
	draw_legend(&pic);
	ivt_text_deinit(&pic.text);
	ivt_display_list_deinit(&dl);
	return err;
}

void ivt_picture_draw_overlay(const struct ivt_view *view, const struct ivt_style *style,
			      const struct ivt_layout *layout, cairo_t *cr)
{
	struct picture pic = { .view = view,
			       .style = style,
			       .layout = layout,
			       .p = ivt_palette_get(style->theme),
			       .cr = cr };

	draw_overlay(&pic);
}
