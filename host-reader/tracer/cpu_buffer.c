// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host-reader/tracer/cpu_buffer.h"
#include "ivring/abi.h"

#define MAX_RECORDS (CPU_BUFFER_BYTES / IVRING_REC_HDR_BYTES)

int cpu_buffer_init(struct cpu_buffer *b, uint32_t cpu)
{
	memset(b, 0, sizeof(*b));
	b->cpu = cpu;
	b->data = malloc(CPU_BUFFER_BYTES);
	b->offset = malloc(MAX_RECORDS * sizeof(*b->offset));
	if (b->data && b->offset)
		return 0;
	cpu_buffer_deinit(b);
	return -ENOMEM;
}

void cpu_buffer_deinit(struct cpu_buffer *b)
{
	free(b->data);
	free(b->offset);
	memset(b, 0, sizeof(*b));
}

static uint64_t stamp_at(const struct cpu_buffer *b, size_t i)
{
	uint64_t ns;

	memcpy(&ns, b->data + b->offset[i], sizeof(ns));
	return ns;
}

/* Make room for @bytes before record @i, whose offsets move with it. */
static size_t open_gap(struct cpu_buffer *b, size_t i, size_t bytes)
{
	size_t at = i < b->n ? b->offset[i] : b->used_bytes, k;

	memmove(b->data + at + bytes, b->data + at, b->used_bytes - at);
	for (k = b->n; k > i; k--)
		b->offset[k] = b->offset[k - 1] + (uint32_t)bytes;
	b->offset[i] = (uint32_t)at;
	return at;
}

int cpu_buffer_add(struct cpu_buffer *b, const void *record, size_t bytes)
{
	struct ivring_record header;
	size_t i = b->n, at;

	if (bytes < sizeof(header) || bytes > CPU_BUFFER_MAX_RECORD || bytes % 8 ||
	    b->used_bytes + bytes > CPU_BUFFER_BYTES)
		return -EMSGSIZE;
	memcpy(&header, record, sizeof(header));
	if (header.size != bytes)
		return -EMSGSIZE;
	if (header.tsc < b->flushed_ns) {
		header.tsc = b->flushed_ns;
		b->n_late++;
	}
	while (i && stamp_at(b, i - 1) > header.tsc)
		i--;
	at = open_gap(b, i, bytes);
	memcpy(b->data + at, record, bytes);
	memcpy(b->data + at, &header.tsc, sizeof(header.tsc));
	b->used_bytes += bytes;
	b->n++;
	b->is_full = b->used_bytes + CPU_BUFFER_MAX_RECORD > CPU_BUFFER_BYTES;
	return b->is_full ? -ENOBUFS : 0;
}

size_t cpu_buffer_ripe(const struct cpu_buffer *b, uint64_t until_ns)
{
	size_t i = b->n;

	while (i && stamp_at(b, i - 1) > until_ns)
		i--;
	return i < b->n ? b->offset[i] : b->used_bytes;
}

size_t cpu_buffer_drop(struct cpu_buffer *b, size_t bytes)
{
	size_t n = 0, i;

	while (n < b->n && b->offset[n] < bytes)
		n++;
	if (n)
		b->flushed_ns = stamp_at(b, n - 1);
	memmove(b->data, b->data + bytes, b->used_bytes - bytes);
	for (i = n; i < b->n; i++)
		b->offset[i - n] = b->offset[i] - (uint32_t)bytes;
	b->used_bytes -= bytes;
	b->n -= n;
	b->is_full = false;
	return n;
}
