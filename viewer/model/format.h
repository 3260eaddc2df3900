/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers for people; C locale, no allocation, always terminated.
 */
#ifndef IVT_VIEW_FORMAT_H
#define IVT_VIEW_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* "38.1 ms", "1.23 s", "640 ns": three digits. */
void ivt_format_ns(uint64_t ns, char *ret, size_t bytes);

/* A point in time with the digits that a resolution of @step_ns has, in the unit
 * of @largest_ns (both > 0): "12.0034 s", "3.4 ms", "17 ns". */
void ivt_format_time(int64_t t_ns, int64_t largest_ns, int64_t step_ns, char *ret, size_t bytes);

/* "4 KiB". */
void ivt_format_bytes(uint64_t n_bytes, char *ret, size_t bytes);

#endif /* IVT_VIEW_FORMAT_H */
