/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One stream file that grows, record by record.  Whole packets are taken, each
 * once, into memory that is given back when they were walked; what is in the
 * middle of being written is left for later.
 */
#ifndef IVT_TRACE_FOLLOW_STREAM_H
#define IVT_TRACE_FOLLOW_STREAM_H

#include "trace/stream_file.h"

struct ivt_follow_stream {
	struct ivt_stream_file file; /* one piece: the packets that were taken */
	struct ivt_walk walk;
	struct ivt_walk before; /* as it was before the head */
	struct ivt_event head;
	bool has_head;
	bool is_placed; /* its clock is known */
	int fd;
	uint8_t uuid[16];
	uint8_t *data;	   /* of the piece; NULL: all was walked */
	uint64_t at_bytes; /* what is to be taken next in the file */
	uint64_t next_seq;
	uint64_t packets;
};

/* Follow @name in @dirfd from @from_bytes, a packet's first, or where the next one
 * begins.  0; -errno. */
int ivt_follow_stream_open(struct ivt_follow_stream *s, int dirfd, const char *name,
			   uint32_t machine, uint32_t number, const uint8_t uuid[16],
			   uint64_t from_bytes);
void ivt_follow_stream_close(struct ivt_follow_stream *s);

/* To the next record; @is_last: nothing comes any more, so what is not whole is
 * damaged.  @s->has_head says whether there is one.  0; -ENOMEM; -errno. */
int ivt_follow_stream_advance(struct ivt_follow_stream *s, bool is_last);
/* The clock is known better: the head's time anew. */
void ivt_follow_stream_redo(struct ivt_follow_stream *s);
/* Has it anything that is not walked, be it without a clock? */
bool ivt_follow_stream_is_waiting(struct ivt_follow_stream *s);

#endif /* IVT_TRACE_FOLLOW_STREAM_H */
