/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sentence on top and the marks of the findings strip: what analysis/io.h
 * and analysis/verdict.h found, in words.
 */
#ifndef IVT_VIEW_HEADLINE_H
#define IVT_VIEW_HEADLINE_H

#include "viewer/model/model.h"

/* Fill verdict, verdict_detail and finding[]; without io: says so.  @info: of
 * the trace that the model was made from. */
void ivt_headline_fill(struct ivt_model *m, const struct ivt_trace_info *info);

/* The victim's slowest request with @context times its length around it (1:
 * itself), for a first look: the first finding, else the slowest request of
 * any guest.  -ENOENT: there is no request. */
int ivt_headline_focus(const struct ivt_model *m, int context, int64_t *ret_t0_ns,
		       int64_t *ret_span_ns);

/* A range of @context times the length of [t0, t1) around it. */
void ivt_headline_around(int64_t t0_ns, int64_t t1_ns, int context, int64_t *ret_t0_ns,
			 int64_t *ret_span_ns);

#endif /* IVT_VIEW_HEADLINE_H */
