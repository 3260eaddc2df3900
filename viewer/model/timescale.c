// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/timescale.h"

int64_t ivt_timescale_edge_ns(const struct ivt_timescale *ts, int32_t x)
{
	if (x < 0)
		x = 0;
	if (x > ts->n_px)
		x = ts->n_px;
	return ts->t0_ns + (int64_t)((__int128)ts->span_ns * x / ts->n_px);
}

void ivt_timescale_edges(const struct ivt_timescale *ts, int64_t *ret_edges)
{
	for (int32_t x = 0; x <= ts->n_px; x++)
		ret_edges[x] = ivt_timescale_edge_ns(ts, x);
}

int32_t ivt_timescale_px(const struct ivt_timescale *ts, int64_t t_ns)
{
	__int128 d = (__int128)t_ns - ts->t0_ns;

	if (d < 0)
		return -1;
	if (d >= ts->span_ns)
		return ts->n_px;
	/* The largest x whose edge, rounded down, is not after t: the edges of
	 * x + 1 and later lie at or above t + 1. */
	return (int32_t)(((d + 1) * ts->n_px - 1) / ts->span_ns);
}

double ivt_timescale_px_f(const struct ivt_timescale *ts, int64_t t_ns)
{
	__int128 d = (__int128)t_ns - ts->t0_ns;
	double x;

	if (d < 0)
		return -1;
	if (d > ts->span_ns)
		return ts->n_px + 1;
	x = (double)(int64_t)d / (double)ts->span_ns * ts->n_px;
	return x;
}
