// SPDX-License-Identifier: GPL-2.0-or-later
/* A held store stays in memory for its own context; others run between
 * held_hide() and held_show(). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "held.h"

void held_add(struct held_list *list, const void *addr, size_t bytes)
{
	struct held *held = &list->stores[list->n++];

	if (list->n > N_HELD || bytes > sizeof(held->before))
		abort();
	held->addr = (unsigned char *)(uintptr_t)addr;
	held->bytes = bytes;
	memcpy(held->before, addr, bytes);
}

void held_hide(struct held_list *list)
{
	unsigned int i;

	for (i = list->n; i-- > 0;) {
		struct held *held = &list->stores[i];

		memcpy(held->after, held->addr, held->bytes);
		memcpy(held->addr, held->before, held->bytes);
	}
}

/* Where another context has stored meanwhile, that is what others see from now on. */
void held_show(struct held_list *list)
{
	unsigned int i;

	for (i = 0; i < list->n; i++) {
		struct held *held = &list->stores[i];

		memcpy(held->before, held->addr, held->bytes);
		memcpy(held->addr, held->after, held->bytes);
	}
}

void held_land(struct held_list *list, const unsigned char *addr, size_t bytes)
{
	unsigned int i = 0;

	while (i < list->n) {
		const struct held *held = &list->stores[i];

		if (addr < held->addr + held->bytes && held->addr < addr + bytes)
			list->stores[i] = list->stores[--list->n];
		else
			i++;
	}
}
