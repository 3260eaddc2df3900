// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/render.h"

#include <cairo-svg.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_svg(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && !strcmp(path + n - 4, ".svg");
}

static cairo_status_t write_file(void *file, const unsigned char *data, unsigned int bytes)
{
	return fwrite(data, 1, bytes, file) == bytes ? CAIRO_STATUS_SUCCESS
						     : CAIRO_STATUS_WRITE_ERROR;
}

static void view_of(struct ivt_view *view, const struct ivt_model *m,
		    const struct ivt_layout *layout, const struct ivt_style *style, int64_t t0_ns,
		    int64_t span_ns)
{
	ivt_view_init(view, m->length_ns, ivt_layout_columns(layout, style));
	ivt_view_show(view, t0_ns, span_ns);
}

static int draw(const struct ivt_model *m, const struct ivt_style *style, int64_t t0_ns,
		int64_t span_ns, cairo_surface_t *surface)
{
	cairo_t *cr = cairo_create(surface);
	struct ivt_layout layout;
	struct ivt_view *view = malloc(sizeof(*view));
	int code = view ? ivt_picture_layout(m, style, &layout) : -ENOMEM;

	if (!code) {
		view_of(view, m, &layout, style, t0_ns, span_ns);
		code = ivt_picture_draw(m, view, style, &layout, cr);
		ivt_layout_deinit(&layout);
	}
	free(view);
	if (!code && cairo_status(cr) != CAIRO_STATUS_SUCCESS)
		code = -ENOMEM;
	cairo_destroy(cr);
	return code;
}

static int render_png(const struct ivt_model *m, const struct ivt_style *style, int64_t t0_ns,
		      int64_t span_ns, FILE *file)
{
	cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24,
							    style->width_px * style->scale,
							    style->height_px * style->scale);
	int code;

	cairo_surface_set_device_scale(image, style->scale, style->scale);
	code = draw(m, style, t0_ns, span_ns, image);
	if (!code &&
	    cairo_surface_write_to_png_stream(image, write_file, file) != CAIRO_STATUS_SUCCESS)
		code = errno ? -errno : -EIO;
	cairo_surface_destroy(image);
	return code;
}

static int render_svg(const struct ivt_model *m, const struct ivt_style *style, int64_t t0_ns,
		      int64_t span_ns, FILE *file)
{
	cairo_surface_t *svg = cairo_svg_surface_create_for_stream(
		write_file, file, style->width_px, style->height_px);
	int code = draw(m, style, t0_ns, span_ns, svg);

	cairo_surface_finish(svg);
	if (!code && cairo_surface_status(svg) != CAIRO_STATUS_SUCCESS)
		code = -EIO;
	cairo_surface_destroy(svg);
	return code;
}

static int open_output(const char *path, FILE **ret, struct ivt_error *err)
{
	FILE *file = fopen(path, "wbe");

	if (!file) {
		int code = -errno;

		return ivt_error_set(err, code, "cannot write '%s': %s", path, strerror(-code));
	}
	*ret = file;
	return 0;
}

static int close_output(const char *path, FILE *file, int code, struct ivt_error *err)
{
	errno = 0;
	if (fclose(file) && !code)
		code = errno ? -errno : -EIO;
	return code ? ivt_error_set(err, code, "cannot write '%s': %s", path, strerror(-code)) : 0;
}

int ivt_render_file(const struct ivt_model *m, const struct ivt_style *style, int64_t t0_ns,
		    int64_t span_ns, const char *path, struct ivt_error *err)
{
	FILE *file = NULL;
	int code;

	if (style->width_px * style->scale > IVT_RENDER_MAX_PX ||
	    style->height_px * style->scale > IVT_RENDER_MAX_PX)
		return ivt_error_set(
			err, -EINVAL, "cannot draw %d x %d px at scale %d: at most %d a side",
			style->width_px, style->height_px, style->scale, IVT_RENDER_MAX_PX);
	code = open_output(path, &file, err);
	if (code)
		return code;
	errno = 0;
	code = is_svg(path) ? render_svg(m, style, t0_ns, span_ns, file)
			    : render_png(m, style, t0_ns, span_ns, file);
	return close_output(path, file, code, err);
}

int ivt_render_list(const struct ivt_model *m, const struct ivt_style *style, int64_t t0_ns,
		    int64_t span_ns, const char *path, struct ivt_error *err)
{
	struct ivt_display_list dl = { 0 };
	struct ivt_layout layout = { 0 };
	struct ivt_view *view = malloc(sizeof(*view));
	FILE *file = NULL;
	int code = view ? open_output(path, &file, err) : -ENOMEM;

	if (!code)
		code = ivt_picture_layout(m, style, &layout);
	if (!code) {
		view_of(view, m, &layout, style, t0_ns, span_ns);
		code = ivt_display_list_build(&dl, m, view, &layout, style);
	}
	if (!code)
		ivt_display_list_print(&dl, m, &layout, view, file);
	ivt_display_list_deinit(&dl);
	ivt_layout_deinit(&layout);
	free(view);
	return file ? close_output(path, file, code, err) : code;
}
