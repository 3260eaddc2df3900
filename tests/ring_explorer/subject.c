// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ring.h, its every access seen by hooks.c: this file alone is compiled with
 * -fsanitize=thread.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* memcpy() word by word, so that each word is an access. */
static inline void subject_copy(void *to, const void *from, size_t bytes)
{
	const unsigned char *p = from;
	unsigned char *q = to;

	for (; bytes >= 8; bytes -= 8, p += 8, q += 8)
		*(uint64_t *)q = *(const uint64_t *)p;
	while (bytes--)
		*q++ = *p++;
}
#define memcpy subject_copy

#include "explorer.h"

int subject_emit(struct ivring_writer *w, uint16_t type, uint32_t ctx, const void *payload,
		 uint32_t bytes)
{
	return ivring_emit(w, type, ctx, payload, bytes);
}

void subject_flush(struct ivring_writer *w)
{
	ivring_flush(w);
}

int subject_needs_flush(const struct ivring_writer *w)
{
	return ivring_needs_flush(w);
}

int subject_fetch(struct ivring_reader *r)
{
	return ivring_reader_fetch(r);
}

int subject_next(struct ivring_reader *r, struct ivring_range *ret)
{
	return ivring_reader_next(r, ret);
}

void subject_release(struct ivring_reader *r)
{
	ivring_reader_release(r);
}

int subject_snapshot_begin(struct ivring_reader *r)
{
	return ivring_snapshot_begin(r);
}

int subject_snapshot_next(struct ivring_reader *r, struct ivring_range *ret)
{
	return ivring_snapshot_next(r, ret);
}

int subject_snapshot_accept(struct ivring_reader *r)
{
	return ivring_snapshot_accept(r);
}
