/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history of one thing that is in exactly one state at a time, indexed so
 * that the exact time per state of any column is a lookup.
 *
 * Events are kept as arrays; every 64 of them there is a row with the time
 * spent in each state since the lane's start.  Time before the first event and
 * from end_ns on belongs to no state.
 */
#ifndef IVT_VIEW_LANE_INDEX_H
#define IVT_VIEW_LANE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define IVT_LANE_SLOTS	   16 /* at most; the last slot of a lane is "unknown" */
#define IVT_LANE_BLOCK	   64 /* events per row */
#define IVT_LANE_NO_REF	   UINT32_MAX
#define IVT_LANE_NO_EVENT  SIZE_MAX
#define IVT_LANE_MAX_EVENT (UINT32_MAX / 2)

struct ivt_lane_index {
	size_t n; /* events */
	size_t cap;
	int64_t *t;	/* ascending, ns since trace start; equal ones allowed */
	uint8_t *state; /* slot in force from t on */
	uint32_t *ref;	/* task or request number, IVT_LANE_NO_REF */
	int64_t end_ns;
	unsigned int n_slots;
	uint64_t n_backward; /* events that came before their predecessor (moved to it) */
	/* by ivt_lane_index_finish() */
	size_t n_blocks;
	int64_t *block_t;
	uint64_t *row; /* n_blocks x n_slots, ns since t[0] */
};

/* @n_slots: 1..IVT_LANE_SLOTS. The lane holds no memory yet. */
void ivt_lane_index_init(struct ivt_lane_index *l, unsigned int n_slots);
void ivt_lane_index_deinit(struct ivt_lane_index *l);

/*
 * From @t_ns on the lane is in @state.  A state out of range becomes the last
 * slot, a step back in time is moved to the last event and counted; a repeated
 * state with the same ref is no event.  0, -ENOMEM, -EOVERFLOW (too many).
 */
int ivt_lane_index_append(struct ivt_lane_index *l, int64_t t_ns, unsigned int state, uint32_t ref);

/* End the lane (at least at its last event) and build the rows; once.
 * 0 or -ENOMEM. */
int ivt_lane_index_finish(struct ivt_lane_index *l, int64_t end_ns);

/* Event in force at @t_ns, or IVT_LANE_NO_EVENT before the first and from
 * end_ns on. */
size_t ivt_lane_index_at(const struct ivt_lane_index *l, int64_t t_ns);
/* End of event @i's interval. */
int64_t ivt_lane_index_until(const struct ivt_lane_index *l, size_t i);

/*
 * Exact ns per state for @n_columns columns with the ascending edges
 * edges[0..n_columns]: ret_ns[x * n_slots + slot].  @blocks: scratch of
 * n_columns + 1 numbers.  Columns add up to the part of them inside the lane,
 * to the ns.  Cost: O(columns), whatever the number of events.
 */
void ivt_lane_index_lookup(const struct ivt_lane_index *l, const int64_t *edges, size_t n_columns,
			   uint32_t *blocks, uint64_t *ret_ns);

/* The same for one range. */
void ivt_lane_index_sum(const struct ivt_lane_index *l, int64_t from_ns, int64_t to_ns,
			uint64_t ret_ns[IVT_LANE_SLOTS]);

#endif /* IVT_VIEW_LANE_INDEX_H */
