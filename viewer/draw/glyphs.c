// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/glyphs.h"

static const struct {
	double px;
	PangoWeight weight;
} fonts[IVT_FONTS] = {
	[IVT_FONT_VERDICT] = { 17, PANGO_WEIGHT_BOLD },
	[IVT_FONT_NORMAL] = { 12, PANGO_WEIGHT_NORMAL },
	[IVT_FONT_BOLD] = { 12, PANGO_WEIGHT_BOLD },
	[IVT_FONT_SMALL] = { 11, PANGO_WEIGHT_NORMAL },
};

void ivt_text_init(struct ivt_text *t, cairo_t *cr)
{
	cairo_font_options_t *options = cairo_font_options_create();

	t->cr = cr;
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	for (int i = 0; i < IVT_FONTS; i++) {
		PangoFontDescription *font = pango_font_description_from_string("Sans");
		PangoContext *context;

		t->layout[i] = pango_cairo_create_layout(cr);
		context = pango_layout_get_context(t->layout[i]);
		pango_cairo_context_set_font_options(context, options);
		pango_cairo_context_set_resolution(context, 96);
		pango_font_description_set_absolute_size(font, fonts[i].px * PANGO_SCALE);
		pango_font_description_set_weight(font, fonts[i].weight);
		pango_layout_set_font_description(t->layout[i], font);
		pango_layout_set_single_paragraph_mode(t->layout[i], TRUE);
		pango_font_description_free(font);
	}
	cairo_font_options_destroy(options);
}

void ivt_text_deinit(struct ivt_text *t)
{
	for (int i = 0; i < IVT_FONTS; i++)
		g_object_unref(t->layout[i]);
}

int ivt_text_width(struct ivt_text *t, enum ivt_font font, const char *text)
{
	int width;

	pango_layout_set_width(t->layout[font], -1);
	pango_layout_set_ellipsize(t->layout[font], PANGO_ELLIPSIZE_NONE);
	pango_layout_set_text(t->layout[font], text, -1);
	pango_layout_get_pixel_size(t->layout[font], &width, NULL);
	return width;
}

int ivt_text_draw(struct ivt_text *t, enum ivt_font font, const char *text, uint32_t rgb, double x,
		  double y_middle, int max_px)
{
	PangoLayout *layout = t->layout[font];
	int width = ivt_text_width(t, font, text), height;

	if (max_px > 0 && width > max_px) {
		pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
		pango_layout_set_width(layout, max_px * PANGO_SCALE);
		width = max_px;
	}
	pango_layout_get_pixel_size(layout, NULL, &height);
	cairo_set_source_rgb(t->cr, (rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0,
			     (rgb & 0xff) / 255.0);
	cairo_move_to(t->cr, x, y_middle - height / 2.0);
	pango_cairo_show_layout(t->cr, layout);
	return width;
}
