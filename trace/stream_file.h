/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One stream file, mapped, and its packets; and a walk over its records, each
 * checked before it is given out.
 */
#ifndef IVT_TRACE_STREAM_FILE_H
#define IVT_TRACE_STREAM_FILE_H

#include "trace/clock_map.h"
#include "trace/packet.h"
#include "trace/trace_reader.h"

/* A packet whose framing is sane. */
struct ivt_packet_ref {
	uint64_t at_bytes;     /* of its header in the file of its piece */
	uint64_t packet_bytes; /* header included, to the next packet's */
	uint32_t record_bytes; /* of its records */
	uint32_t flags;
	uint32_t piece;
};

/* One of the files that a stream consists of: the first is the machine's, each
 * other that of a part (struct ivt_machine_part). */
struct ivt_stream_piece {
	const uint8_t *data;  /* NULL when it is empty or missing */
	size_t bytes;	      /* of the stream in it, when it was opened */
	uint64_t lost_before; /* in the pieces before: its counts begin at 0 */
	bool is_limited;      /* what is behind bytes is not the stream's any more */
	bool is_compressed;   /* data is a copy of what its file says */
	int damage;	      /* of such a file: -errno, why data is not all of it */
};

/* Where a walk stands at the first byte of a packet. */
struct ivt_checkpoint {
	uint64_t prev_ns;
	uint64_t records;
	uint64_t refused_bytes;
	uint64_t backward;
};

/*
 * Where a guest's TSC was set back: from this record on the stamps are those of
 * a later part of the vCPU's history.
 */
struct ivt_turn {
	size_t packet;
	uint32_t at_bytes; /* of the record, among those of the packet */
	struct ivt_clock_map map;
};

struct ivt_stream_file {
	uint32_t machine;
	uint32_t cpu;	     /* the stream's number */
	uint64_t said_bytes; /* of its first piece, says the manifest: no more is decompressed */
	struct ivt_stream_piece *pieces;
	size_t n_pieces;
	struct ivt_packet_ref *packets;
	size_t n_packets;
	uint64_t framing_refused_bytes; /* bytes in no packet, refused tails */
	uint64_t lost;			/* last events_discarded */
	uint64_t missing_packets;	/* gaps of the sequence number */
	bool is_cut;			/* the file ends inside a packet */
	struct ivt_clock_map map;	/* up to the first turn */
	struct ivt_turn *turns;		/* in the order of the records */
	size_t n_turns;
	struct ivt_clock_reach *turn_reach; /* of the maps, where there are turns */
	uint64_t limit_ns;		    /* records later than this are refused; 0 = none */
	struct ivt_checkpoint *checkpoints; /* of packets 0..n_checkpoints - 1 */
	size_t n_checkpoints;
};

/* Can @h, with @left_bytes of the file from its start on, be a packet of the machine
 * @uuid? */
bool ivt_packet_is_sane(const struct ivt_packet_header *h, const uint8_t uuid[16],
			uint64_t left_bytes);

/* The next place at or after @at in @bytes of @data that starts like a packet of
 * the stream with @uuid, or @bytes: packets lie at multiples of 8. */
size_t ivt_packet_search(const uint8_t *data, size_t bytes, const uint8_t uuid[16], size_t at);

/*
 * Map @name of directory @dirfd, or what @name.zst says, as the next piece of @f
 * (zeroed before the first) and find its packets, which must carry @uuid.  Of a file of more than
 * @limit_bytes the rest is not looked at; UINT64_MAX: there is no limit.
 * 0 or -errno, then there is one more piece, but empty (none after -ENOMEM).
 */
int ivt_stream_file_add(struct ivt_stream_file *f, int dirfd, const char *name,
			const uint8_t uuid[16], uint64_t limit_bytes);
void ivt_stream_file_close(struct ivt_stream_file *f);
/* Append a packet with header @h, which is sane, to f->packets.  0 or -ENOMEM. */
int ivt_stream_file_add_packet(struct ivt_stream_file *f, uint32_t piece, uint64_t at_bytes,
			       const struct ivt_packet_header *h);

/*
 * Find the turns of @f, whose map and limit_ns are set: places where a stamp lies
 * before its predecessors and an exact entry of the history says that the guest's
 * TSC was set back.  A stamp that goes back without one makes no turn.
 * 0 or -ENOMEM (@f then has none).
 */
int ivt_turns_find(struct ivt_stream_file *f);

/* The header of packet @i, in the mapping. */
static inline const uint8_t *ivt_packet_at(const struct ivt_stream_file *f, size_t i)
{
	return f->pieces[f->packets[i].piece].data + f->packets[i].at_bytes;
}

struct ivt_walk {
	struct ivt_stream_file *file;
	size_t packet; /* the next one */
	const uint8_t *at;
	const uint8_t *end; /* of the packet's records */
	struct ivt_clock_cursor clock;
	const struct ivt_clock_map *map; /* in force */
	size_t turn;			 /* the next one */
	const uint8_t *turn_at;		 /* its record, if it is in this packet */
	struct ivt_checkpoint state;
	bool is_partial; /* did not come from the start: leaves no checkpoints */
};

enum ivt_walk_result {
	IVT_WALK_END,	   /* no more records */
	IVT_WALK_RECORD,   /* a record that passed all checks */
	IVT_WALK_BACKWARD, /* the same, but its stamp was before its predecessor's */
	IVT_WALK_REFUSED,  /* something was skipped, state.refused_bytes has grown */
};

/* Records that are good, from a packet's start on. */
struct ivt_good_records {
	uint64_t records;
	uint64_t first_raw; /* of both, where there is none: where they would begin */
	uint64_t last_raw;
	uint32_t bytes;
};

/* To the start of @file. */
void ivt_walk_init(struct ivt_walk *w, struct ivt_stream_file *file);
/* So far that no record at or after @from_ns is passed. */
void ivt_walk_seek(struct ivt_walk *w, uint64_t from_ns);
/* To the start of packet @packet, not knowing what is before it. */
void ivt_walk_jump(struct ivt_walk *w, size_t packet);
/* One step; fills *ret for _RECORD and _BACKWARD. */
enum ivt_walk_result ivt_walk_step(struct ivt_walk *w, struct ivt_event *ret);
/* Those of packet @packet up to the first that breaks a rule, or whose stamp lies before
 * @from_raw or before its predecessor's.  Packets come in order, as in a walk; it leaves
 * no checkpoints if @w is partial. */
void ivt_walk_packet(struct ivt_walk *w, size_t packet, uint64_t from_raw,
		     struct ivt_good_records *ret);
/* Steps until there is a record. 1 with *ret, 0 at the end. */
int ivt_walk_next(struct ivt_walk *w, struct ivt_event *ret);

#endif /* IVT_TRACE_STREAM_FILE_H */
