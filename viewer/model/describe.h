/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is at a place of the picture, in words.  A lookup at (lane, time),
 * never a walk over what was drawn.
 */
#ifndef IVT_VIEW_DESCRIBE_H
#define IVT_VIEW_DESCRIBE_H

#include "viewer/model/model.h"

/*
 * Lane @lane, row @row (0 where a lane has one), column [t0, t1): "a/vCPU 0
 * 12.003 s  running 62 %, idle 38 %  iowriter 512".  Requests with their
 * stages.  On a lane of events: how many there are in the column and the first in
 * full, or the span around it.  Numbers out of range give an empty text.
 */
void ivt_describe(const struct ivt_model *m, size_t lane, unsigned int row, int64_t t0_ns,
		  int64_t t1_ns, char *ret, size_t bytes);

/* The request whose box holds @t_ns, or within @slack_ns of it; NULL: none. */
const struct ivt_box *ivt_describe_box(const struct ivt_lane *lane, unsigned int row, int64_t t_ns,
				       int64_t slack_ns);

/* First box of a row that ends after @t_ns; n when there is none. */
size_t ivt_box_row_from(const struct ivt_box_row *row, int64_t t_ns);

/* A request and its stages in one line. */
void ivt_describe_request(const struct ivt_model *m, const struct ivt_lane *lane,
			  const struct ivt_box *box, char *ret, size_t bytes);

/* Text for a box: "write 61 ms", or, where there is room (@is_long) and the
 * request waited, "write 61 ms, 38 ms behind VM b". */
void ivt_describe_short(const struct ivt_model *m, const struct ivt_lane *lane,
			const struct ivt_box *box, bool is_long, char *ret, size_t bytes);

#endif /* IVT_VIEW_DESCRIBE_H */
