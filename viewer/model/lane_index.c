// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/lane_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ivt_lane_index_init(struct ivt_lane_index *l, unsigned int n_slots)
{
	memset(l, 0, sizeof(*l));
	l->n_slots = n_slots;
}

void ivt_lane_index_deinit(struct ivt_lane_index *l)
{
	if (!l)
		return;
	free(l->t);
	free(l->state);
	free(l->ref);
	free(l->block_t);
	free(l->row);
	memset(l, 0, sizeof(*l));
}

static int grow(struct ivt_lane_index *l)
{
	size_t cap = l->cap ? l->cap * 2 : 16;
	void *p;

	if (cap > IVT_LANE_MAX_EVENT)
		return -EOVERFLOW;
	p = realloc(l->t, cap * sizeof(*l->t));
	if (!p)
		return -ENOMEM;
	l->t = p;
	p = realloc(l->state, cap * sizeof(*l->state));
	if (!p)
		return -ENOMEM;
	l->state = p;
	p = realloc(l->ref, cap * sizeof(*l->ref));
	if (!p)
		return -ENOMEM;
	l->ref = p;
	l->cap = cap;
	return 0;
}

int ivt_lane_index_append(struct ivt_lane_index *l, int64_t t_ns, unsigned int state, uint32_t ref)
{
	int err;

	if (state >= l->n_slots)
		state = l->n_slots - 1;
	if (l->n) {
		if (t_ns < l->t[l->n - 1]) {
			t_ns = l->t[l->n - 1];
			l->n_backward++;
		}
		if (l->state[l->n - 1] == state && l->ref[l->n - 1] == ref)
			return 0;
	}
	if (l->n == l->cap) {
		err = grow(l);
		if (err)
			return err;
	}
	l->t[l->n] = t_ns;
	l->state[l->n] = (uint8_t)state;
	l->ref[l->n] = ref;
	l->n++;
	return 0;
}

/* Difference of two times that may lie 2^63 and more apart. */
static uint64_t between(int64_t from, int64_t to)
{
	return (uint64_t)to - (uint64_t)from;
}

int ivt_lane_index_finish(struct ivt_lane_index *l, int64_t end_ns)
{
	uint64_t sum[IVT_LANE_SLOTS] = { 0 };
	size_t n_blocks = (l->n + IVT_LANE_BLOCK - 1) / IVT_LANE_BLOCK;

	if (l->n && end_ns < l->t[l->n - 1])
		end_ns = l->t[l->n - 1];
	l->end_ns = end_ns;
	if (!l->n)
		return 0;
	l->block_t = malloc(n_blocks * sizeof(*l->block_t));
	l->row = malloc(n_blocks * l->n_slots * sizeof(*l->row));
	if (!l->block_t || !l->row)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++) {
		if (i % IVT_LANE_BLOCK == 0) {
			size_t b = i / IVT_LANE_BLOCK;

			l->block_t[b] = l->t[i];
			memcpy(l->row + b * l->n_slots, sum, l->n_slots * sizeof(*l->row));
		}
		sum[l->state[i]] += between(l->t[i], ivt_lane_index_until(l, i));
	}
	l->n_blocks = n_blocks;
	return 0;
}

int64_t ivt_lane_index_until(const struct ivt_lane_index *l, size_t i)
{
	return i + 1 < l->n ? l->t[i + 1] : l->end_ns;
}

/* Last of @n ascending times at or before @t, from a first guess upwards. */
static size_t gallop(const int64_t *times, size_t n, size_t from, int64_t t)
{
	size_t step = 1, low = from, high;

	while (low + step < n && times[low + step] <= t) {
		low += step;
		step *= 2;
	}
	high = low + step < n ? low + step : n;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (times[mid] <= t)
			low = mid;
		else
			high = mid;
	}
	return low;
}

size_t ivt_lane_index_at(const struct ivt_lane_index *l, int64_t t_ns)
{
	if (!l->n || t_ns < l->t[0] || t_ns >= l->end_ns)
		return IVT_LANE_NO_EVENT;
	return gallop(l->t, l->n, 0, t_ns);
}

/* Time per state from the lane's start to @t, which lies in block @b. */
static void cumulate(const struct ivt_lane_index *l, size_t b, int64_t t, uint64_t *ret)
{
	size_t i = b * IVT_LANE_BLOCK;
	size_t end = i + IVT_LANE_BLOCK < l->n ? i + IVT_LANE_BLOCK : l->n;

	memcpy(ret, l->row + b * l->n_slots, l->n_slots * sizeof(*ret));
	for (; i < end && l->t[i] < t; i++) {
		int64_t until = ivt_lane_index_until(l, i);

		ret[l->state[i]] += between(l->t[i], until < t ? until : t);
	}
}

static int64_t clamp(const struct ivt_lane_index *l, int64_t t)
{
	if (t < l->t[0])
		return l->t[0];
	return t > l->end_ns ? l->end_ns : t;
}

void ivt_lane_index_lookup(const struct ivt_lane_index *l, const int64_t *edges, size_t n_columns,
			   uint32_t *blocks, uint64_t *ret_ns)
{
	uint64_t vec[2][IVT_LANE_SLOTS];
	size_t b = 0;

	if (!l->n_blocks) {
		memset(ret_ns, 0, n_columns * l->n_slots * sizeof(*ret_ns));
		return;
	}
	/* First find all blocks (a dense search), then sum, fetching ahead:
	 * cache misses, not additions, are what a lookup costs. */
	for (size_t x = 0; x <= n_columns; x++) {
		b = gallop(l->block_t, l->n_blocks, b, clamp(l, edges[x]));
		blocks[x] = (uint32_t)b;
	}
	cumulate(l, blocks[0], clamp(l, edges[0]), vec[0]);
	for (size_t x = 0; x < n_columns; x++) {
		const uint64_t *from = vec[x % 2];
		uint64_t *to = vec[(x + 1) % 2];

		if (x + 8 <= n_columns) {
			size_t ahead = blocks[x + 8];

			__builtin_prefetch(l->row + ahead * l->n_slots);
			__builtin_prefetch(l->t + ahead * IVT_LANE_BLOCK);
			__builtin_prefetch(l->state + ahead * IVT_LANE_BLOCK);
		}
		cumulate(l, blocks[x + 1], clamp(l, edges[x + 1]), to);
		for (unsigned int s = 0; s < l->n_slots; s++)
			ret_ns[x * l->n_slots + s] = to[s] - from[s];
	}
}

void ivt_lane_index_sum(const struct ivt_lane_index *l, int64_t from_ns, int64_t to_ns,
			uint64_t ret_ns[IVT_LANE_SLOTS])
{
	const int64_t edges[2] = { from_ns, to_ns > from_ns ? to_ns : from_ns };
	uint32_t blocks[2];

	ivt_lane_index_lookup(l, edges, 1, blocks, ret_ns);
}
