// SPDX-License-Identifier: GPL-2.0-or-later
/* Open addressing with linear probes; at most three quarters full. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/map.h"

static uint64_t map_hash(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15u ^ b;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

static struct ivt_map_slot *map_find(const struct ivt_map *m, uint64_t a, uint64_t b)
{
	size_t i = map_hash(a, b) & (m->n_slots - 1);

	while (m->slots[i].is_used && (m->slots[i].a != a || m->slots[i].b != b))
		i = (i + 1) & (m->n_slots - 1);
	return &m->slots[i];
}

static int map_grow(struct ivt_map *m)
{
	struct ivt_map bigger = { .n_slots = m->n_slots ? m->n_slots * 2 : 64,
				  .n_used = m->n_used };
	size_t i;

	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < m->n_slots; i++)
		if (m->slots[i].is_used)
			*map_find(&bigger, m->slots[i].a, m->slots[i].b) = m->slots[i];
	free(m->slots);
	*m = bigger;
	return 0;
}

size_t ivt_map_get(const struct ivt_map *m, uint64_t a, uint64_t b)
{
	const struct ivt_map_slot *slot;

	if (!m->n_slots)
		return IVT_MAP_NONE;
	slot = map_find(m, a, b);
	return slot->is_used ? slot->value : IVT_MAP_NONE;
}

int ivt_map_set(struct ivt_map *m, uint64_t a, uint64_t b, size_t value)
{
	struct ivt_map_slot *slot;

	if ((m->n_used + 1) * 4 > m->n_slots * 3) {
		int err = map_grow(m);

		if (err)
			return err;
	}
	slot = map_find(m, a, b);
	if (!slot->is_used)
		m->n_used++;
	*slot = (struct ivt_map_slot){ a, b, value, true };
	return 0;
}

void ivt_map_deinit(struct ivt_map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

int ivt_array_reserve(void *array, size_t *capacity, size_t need, size_t elem_bytes)
{
	size_t wanted = *capacity ? *capacity : 64;
	void *p;

	if (need <= *capacity)
		return 0;
	while (wanted < need) {
		if (wanted > SIZE_MAX / 2)
			return -ENOMEM;
		wanted *= 2;
	}
	memcpy(&p, array, sizeof(p));
	p = reallocarray(p, wanted, elem_bytes);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	*capacity = wanted;
	return 0;
}
