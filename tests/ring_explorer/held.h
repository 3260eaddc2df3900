/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores that are held back, from some or from all others than who did them. */
#ifndef TESTS_RING_EXPLORER_HELD_H
#define TESTS_RING_EXPLORER_HELD_H

#include <stddef.h>

#define N_HELD 4

/* A store that was done, and must not be seen by everybody yet. */
struct held {
	unsigned char *addr;
	size_t bytes;
	unsigned char before[8];
	unsigned char after[8];
};

struct held_list {
	unsigned int n;
	struct held stores[N_HELD];
};

/* The store of @bytes to @addr, which comes next, is held back. */
void held_add(struct held_list *list, const void *addr, size_t bytes);
/* Others look: take the stores back, and redo them. */
void held_hide(struct held_list *list);
void held_show(struct held_list *list);
/* Another store to the same bytes: the first one is in memory before. */
void held_land(struct held_list *list, const unsigned char *addr, size_t bytes);

#endif /* TESTS_RING_EXPLORER_HELD_H */
