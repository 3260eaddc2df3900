/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only place where ns become px and px become ns.
 *
 * A range of span_ns is cut into n_px columns by integer boundaries: column x
 * covers [edge(x), edge(x + 1)), neighbours share an edge, and the first and
 * last edge are the range's own.  Below one ns per column some columns are
 * empty: they show the state at their edge.
 */
#ifndef IVT_VIEW_TIMESCALE_H
#define IVT_VIEW_TIMESCALE_H

#include <stdint.h>

struct ivt_timescale {
	int64_t t0_ns;	 /* ns since trace start */
	int64_t span_ns; /* > 0 */
	int32_t n_px;	 /* > 0 */
};

/* Left edge of column @x (0..n_px; clamped to it), ns since trace start. */
int64_t ivt_timescale_edge_ns(const struct ivt_timescale *ts, int32_t x);

/* All n_px + 1 edges into @ret_edges, ascending. */
void ivt_timescale_edges(const struct ivt_timescale *ts, int64_t *ret_edges);

/* Column that holds @t_ns, clamped to -1 (before the range) .. n_px (after). */
int32_t ivt_timescale_px(const struct ivt_timescale *ts, int64_t t_ns);

/* Exact place of @t_ns in px, clamped to [-1, n_px + 1]; for cairo only. */
double ivt_timescale_px_f(const struct ivt_timescale *ts, int64_t t_ns);

#endif /* IVT_VIEW_TIMESCALE_H */
