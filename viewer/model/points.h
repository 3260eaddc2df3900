/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs and a guest's ftrace said of themselves, on the time axis: marks,
 * values, events of ftrace, spans.  Ascending in time; a range is found by binary
 * search.  Texts are kept once each and are clean (names.h).
 */
#ifndef IVT_VIEW_POINTS_H
#define IVT_VIEW_POINTS_H

#include <stddef.h>
#include <stdint.h>

#define IVT_POINTS_MAX	   (1u << 20) /* of a machine; later ones are only counted */
#define IVT_POINTS_TEXT	   (1u << 26) /* bytes of a machine's texts */
#define IVT_POINT_TEXT_MAX 192	      /* bytes of one, with its NUL; longer ones are cut */

struct ivt_point {
	int64_t t0_ns;
	int64_t t1_ns;	 /* end of a span; else t0_ns */
	uint32_t name;	 /* offsets in the texts */
	uint32_t fields; /* "": none */
	uint32_t tid;
	uint16_t cpu;
	uint8_t slot; /* enum ivt_events_slot */
};

struct ivt_points {
	struct ivt_point *point;
	size_t n;
	size_t cap;
	uint64_t n_dropped; /* came when there were IVT_POINTS_MAX already */
	int64_t dropped_ns; /* time of the first of these */
	unsigned int slots; /* which occur, a bit each */
	char *text;
	uint32_t text_bytes;
	uint32_t text_cap;
};

void ivt_points_deinit(struct ivt_points *p);

/* The first point at or after @t_ns; n: none. */
size_t ivt_points_from(const struct ivt_points *p, int64_t t_ns);

/* A point's text; holds as long as @p. */
const char *ivt_points_text(const struct ivt_points *p, uint32_t offset);

#endif /* IVT_VIEW_POINTS_H */
