// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/view.h"

#include <string.h>

static struct ivt_view_range fit(const struct ivt_view *v, __int128 t0, __int128 span)
{
	if (span < IVT_VIEW_MIN_SPAN_NS)
		span = IVT_VIEW_MIN_SPAN_NS;
	if (span > v->length_ns)
		span = v->length_ns;
	if (t0 > v->length_ns - span)
		t0 = v->length_ns - span;
	if (t0 < 0)
		t0 = 0;
	return (struct ivt_view_range){ (int64_t)t0, (int64_t)span };
}

static void push(struct ivt_view_range *stack, int *n, struct ivt_view_range r)
{
	if (*n == IVT_VIEW_HISTORY) {
		memmove(stack, stack + 1, (IVT_VIEW_HISTORY - 1) * sizeof(*stack));
		(*n)--;
	}
	stack[(*n)++] = r;
}

static void go(struct ivt_view *v, struct ivt_view_range r)
{
	if (r.t0_ns == v->t0_ns && r.span_ns == v->span_ns)
		return;
	push(v->past, &v->n_past, (struct ivt_view_range){ v->t0_ns, v->span_ns });
	v->n_future = 0;
	v->t0_ns = r.t0_ns;
	v->span_ns = r.span_ns;
}

void ivt_view_init(struct ivt_view *v, int64_t length_ns, int32_t n_bins)
{
	memset(v, 0, sizeof(*v));
	v->length_ns = length_ns < IVT_VIEW_MIN_SPAN_NS ? IVT_VIEW_MIN_SPAN_NS : length_ns;
	v->span_ns = v->length_ns;
	ivt_view_set_bins(v, n_bins);
}

void ivt_view_set_bins(struct ivt_view *v, int32_t n_bins)
{
	v->n_bins = n_bins < 1 ? 1 : n_bins;
}

void ivt_view_show(struct ivt_view *v, int64_t t0_ns, int64_t span_ns)
{
	go(v, fit(v, t0_ns, span_ns));
}

void ivt_view_zoom(struct ivt_view *v, int64_t at_ns, int32_t num, int32_t den)
{
	__int128 span = (__int128)v->span_ns * num / den;
	__int128 left;

	/* A step always moves, or small spans would stick. */
	if (span == v->span_ns)
		span += num > den ? 1 : num < den ? -1 : 0;
	if (span < IVT_VIEW_MIN_SPAN_NS)
		span = IVT_VIEW_MIN_SPAN_NS;
	if (span > v->length_ns)
		span = v->length_ns;
	left = ((__int128)at_ns - v->t0_ns) * span / v->span_ns;
	go(v, fit(v, at_ns - left, span));
}

void ivt_view_pan(struct ivt_view *v, int64_t delta_ns)
{
	struct ivt_view_range r = fit(v, (__int128)v->t0_ns + delta_ns, v->span_ns);

	v->t0_ns = r.t0_ns;
}

void ivt_view_full(struct ivt_view *v)
{
	ivt_view_show(v, 0, v->length_ns);
}

static bool step(struct ivt_view *v, struct ivt_view_range *from, int *n_from,
		 struct ivt_view_range *to, int *n_to)
{
	if (!*n_from)
		return false;
	push(to, n_to, (struct ivt_view_range){ v->t0_ns, v->span_ns });
	(*n_from)--;
	v->t0_ns = from[*n_from].t0_ns;
	v->span_ns = from[*n_from].span_ns;
	return true;
}

bool ivt_view_undo(struct ivt_view *v)
{
	return step(v, v->past, &v->n_past, v->future, &v->n_future);
}

bool ivt_view_redo(struct ivt_view *v)
{
	return step(v, v->future, &v->n_future, v->past, &v->n_past);
}

struct ivt_timescale ivt_view_scale(const struct ivt_view *v)
{
	return (struct ivt_timescale){ v->t0_ns, v->span_ns, v->n_bins };
}
