/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet of a stream file: 88 bytes made by the host, then a range of whole
 * records as the ring held them (CTF 1.8 packet header and context).
 */
#ifndef IVT_TRACE_PACKET_H
#define IVT_TRACE_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define IVT_PACKET_MAGIC     0xC1FC1FC1u
#define IVT_PACKET_MAX_BYTES (1u << 20)

#define IVT_PACKET_SALVAGED	(1u << 0) /* taken after the guest's death */
#define IVT_PACKET_VIOLATION	(1u << 1) /* the validator refused its tail */
#define IVT_PACKET_OVERWRITTEN	(1u << 2) /* the ring was overwritten before it was read */
#define IVT_PACKET_CLOCK_CLOSED (1u << 3) /* closed by a change of the clock */
#define IVT_PACKET_LOSS_RESTART (1u << 4) /* loss counters started again */
#define IVT_PACKET_BOUNDS	(1u << 5) /* timestamp_begin and _end are valid */

struct ivt_packet_header {
	uint32_t magic;
	uint8_t uuid[16]; /* of this machine directory */
	uint32_t stream_id;
	uint64_t stream_instance_id; /* CPU */
	uint64_t timestamp_begin;    /* raw ticks; 0 until finalised */
	uint64_t timestamp_end;
	uint64_t content_bits; /* header included */
	uint64_t packet_bits;  /* distance to the next packet, a multiple of 64 */
	uint64_t packet_seq_num;
	uint64_t events_discarded; /* cumulative */
	uint32_t cpu_id;
	uint32_t ivt_flags;
} __attribute__((packed));

_Static_assert(sizeof(struct ivt_packet_header) == 88, "packet header");
_Static_assert(offsetof(struct ivt_packet_header, uuid) == 4, "uuid");
_Static_assert(offsetof(struct ivt_packet_header, stream_id) == 20, "stream_id");
_Static_assert(offsetof(struct ivt_packet_header, stream_instance_id) == 24, "instance");
_Static_assert(offsetof(struct ivt_packet_header, timestamp_begin) == 32, "begin");
_Static_assert(offsetof(struct ivt_packet_header, timestamp_end) == 40, "end");
_Static_assert(offsetof(struct ivt_packet_header, content_bits) == 48, "content");
_Static_assert(offsetof(struct ivt_packet_header, packet_bits) == 56, "packet");
_Static_assert(offsetof(struct ivt_packet_header, packet_seq_num) == 64, "seq");
_Static_assert(offsetof(struct ivt_packet_header, events_discarded) == 72, "discarded");
_Static_assert(offsetof(struct ivt_packet_header, cpu_id) == 80, "cpu");
_Static_assert(offsetof(struct ivt_packet_header, ivt_flags) == 84, "flags");

#endif /* IVT_TRACE_PACKET_H */
