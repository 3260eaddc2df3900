/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is of memory for a region: ordinary, or in huge pages.
 */
#ifndef HOST_HUGE_PAGES_H
#define HOST_HUGE_PAGES_H

#include <stdint.h>

/* The pages' size where @fd is a file in huge pages; 0: it is not. */
uint64_t huge_page_bytes(int fd);
/* Bytes in free huge pages of @page_bytes each; 0 also where there are none of
 * that size. */
uint64_t huge_pages_free(uint64_t page_bytes);
/* Of huge pages, the size that the kernel takes unless one is named. */
uint64_t huge_page_default_bytes(void);
/* What the kernel could give without swapping; 0: it does not say. */
uint64_t memory_available_bytes(void);

#endif /* HOST_HUGE_PAGES_H */
