/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program says on stderr, and the clock that it waits by.
 */
#ifndef HOST_MESSAGE_H
#define HOST_MESSAGE_H

#include <stdint.h>

/* "ivtrace-host: ..." and a newline; wipes a progress line first. */
void message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line that the next one replaces; only on a terminal. */
void progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* CLOCK_MONOTONIC, ns. */
uint64_t now_ns(void);

#endif /* HOST_MESSAGE_H */
