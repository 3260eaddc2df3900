/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures as files, without a display.
 */
#ifndef IVT_VIEW_RENDER_H
#define IVT_VIEW_RENDER_H

#include "trace/error.h"
#include "viewer/draw/picture.h"

#define IVT_RENDER_MAX_PX 16384 /* of a side, device px */

/*
 * Draw the range [t0, t0 + span) into @path: PNG, or SVG when the name ends in
 * ".svg"; the same bytes each time.  0, -EINVAL (size), -ENOMEM, -errno with
 * *err.
 */
int ivt_render_file(const struct ivt_model *m, const struct ivt_style *style, int64_t t0_ns,
		    int64_t span_ns, const char *path, struct ivt_error *err);

/* The display list of the same picture as text. */
int ivt_render_list(const struct ivt_model *m, const struct ivt_style *style, int64_t t0_ns,
		    int64_t span_ns, const char *path, struct ivt_error *err);

#endif /* IVT_VIEW_RENDER_H */
