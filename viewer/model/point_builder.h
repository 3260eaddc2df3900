/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Collects the points of all machines from the merged records of a trace and
 * makes one lane per machine that has any.
 *
 *	init -> feed ... -> add_lane (each machine once) -> deinit
 */
#ifndef IVT_VIEW_POINT_BUILDER_H
#define IVT_VIEW_POINT_BUILDER_H

#include "trace/trace_reader.h"
#include "viewer/model/model.h"

/* A begin or an end of a span until they are matched. */
struct ivt_span_side {
	uint64_t id;
	uint64_t name_hash;
	uint32_t point;
	uint8_t is_end;
};

struct ivt_point_machine {
	struct ivt_points points;
	struct ivt_span_side *side;
	size_t n_sides;
	size_t cap_sides;
	uint32_t *bucket; /* offset of a text, 0 = free */
	size_t n_buckets; /* a power of two */
	size_t n_texts;
};

struct ivt_point_builder {
	struct ivt_model *model;
	struct ivt_trace *trace; /* lent: whose formats name the events of ftrace */
	struct ivt_point_machine *machine;
	size_t n_machines;
};

/* @model has its origin, length and machines.  0 or -ENOMEM. */
int ivt_point_builder_init(struct ivt_point_builder *b, struct ivt_model *model,
			   struct ivt_trace *trace);
void ivt_point_builder_deinit(struct ivt_point_builder *b);

/* One record of the trace, in ascending host_ns; others than points are passed
 * over.  0 or -ENOMEM. */
int ivt_point_builder_feed(struct ivt_point_builder *b, const struct ivt_event *ev);

/* Does the machine have a lane? */
bool ivt_point_builder_has(const struct ivt_point_builder *b, uint32_t machine);

/* Match the machine's spans and move its points into a lane at the model's bottom;
 * none where it has no points.  0, -ENOMEM, -EOVERFLOW. */
int ivt_point_builder_add_lane(struct ivt_point_builder *b, uint32_t machine);

#endif /* IVT_VIEW_POINT_BUILDER_H */
