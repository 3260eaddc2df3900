/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One host CPU's records between the BPF ring buffer and a packet: put into
 * time order.  A program takes its stamp before it reserves its place, so an
 * interrupt between the two leaves records out of order; what is younger than a
 * few milliseconds is held back until nothing older can follow.
 */
#ifndef HOST_CPU_BUFFER_H
#define HOST_CPU_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trace/packet.h"

/* A full buffer is one packet. */
#define CPU_BUFFER_BYTES      (IVT_PACKET_MAX_BYTES - 4096)
#define CPU_BUFFER_MAX_RECORD 512

struct cpu_buffer {
	uint32_t cpu;
	unsigned char *data;
	size_t used_bytes;
	uint32_t *offset; /* of each record in data, ascending in time */
	size_t n;
	uint64_t flushed_ns; /* stamp of the last record that left */
	uint64_t n_late;     /* records that came too late and got that stamp */
	bool is_full;
};

/* 0 or -ENOMEM. */
int cpu_buffer_init(struct cpu_buffer *b, uint32_t cpu);
void cpu_buffer_deinit(struct cpu_buffer *b);

/*
 * Insert one record (header and payload).  0; -ENOBUFS: taken, and the buffer
 * is full now; -EMSGSIZE: refused, no record of ours.
 */
int cpu_buffer_add(struct cpu_buffer *b, const void *record, size_t bytes);

/* Bytes of the records up to and including @until_ns, at the buffer's start. */
size_t cpu_buffer_ripe(const struct cpu_buffer *b, uint64_t until_ns);
/* Remove @bytes (from cpu_buffer_ripe()) at the start; returns how many records. */
size_t cpu_buffer_drop(struct cpu_buffer *b, size_t bytes);

#endif /* HOST_CPU_BUFFER_H */
