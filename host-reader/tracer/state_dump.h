/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What exists when a recording starts, as records: every thread, every disk.
 */
#ifndef HOST_STATE_DUMP_H
#define HOST_STATE_DUMP_H

#include <stddef.h>

/* Called with one whole record; the dump ends when it does not return 0. */
typedef int state_dump_fn(void *ctx, const void *record, size_t bytes);

/* Threads that vanish meanwhile are left out; nothing here fails a recording. */
void state_dump(state_dump_fn *add, void *ctx);

#endif /* HOST_STATE_DUMP_H */
