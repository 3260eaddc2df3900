/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two containers of the analyses: a hash map from a pair of numbers to an
 * index, and the growth of an array.  One thread at a time.
 */
#ifndef IVT_ANALYSIS_MAP_H
#define IVT_ANALYSIS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVT_MAP_NONE SIZE_MAX

struct ivt_map_slot {
	uint64_t a;
	uint64_t b;
	size_t value;
	bool is_used;
};

/* Zeroed memory is an empty map. */
struct ivt_map {
	struct ivt_map_slot *slots;
	size_t n_slots; /* a power of two, or 0 */
	size_t n_used;
};

/* The value of key (a, b), or IVT_MAP_NONE. */
size_t ivt_map_get(const struct ivt_map *m, uint64_t a, uint64_t b);
/* Set it (IVT_MAP_NONE forgets the value; the key keeps its slot).
 * 0 or -ENOMEM, and then nothing changed. */
int ivt_map_set(struct ivt_map *m, uint64_t a, uint64_t b, size_t value);
void ivt_map_deinit(struct ivt_map *m);

/*
 * Room for @need elements of @elem_bytes at *@array (a pointer to the array's
 * pointer), by doubling; new elements are not set.  0 or -ENOMEM, and then the
 * array is as it was.
 */
int ivt_array_reserve(void *array, size_t *capacity, size_t need, size_t elem_bytes);

#endif /* IVT_ANALYSIS_MAP_H */
