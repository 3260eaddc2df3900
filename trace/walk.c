// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk over a stream's records.  Whatever is wrong with a record, the walk
 * goes on behind it where its size can be believed, else with the next packet.
 */
#include <stdlib.h>
#include <string.h>

#include <ivring/abi.h>
#include "trace/stream_file.h"

#define CTX_BAD (IVRING_CTX_RSV_MASK | IVRING_CTX_BUSY)
/* Of stamps, so many ahead are placed at once: a second or so, for the last of them not to lie
 * behind what a stream may have. */
#define AHEAD_TICKS (1ull << 31)

void ivt_walk_init(struct ivt_walk *w, struct ivt_stream_file *file)
{
	memset(w, 0, sizeof(*w));
	w->file = file;
	w->map = &file->map;
	w->state.refused_bytes = file->framing_refused_bytes;
	ivt_clock_cursor_init(&w->clock);
}

void ivt_walk_jump(struct ivt_walk *w, size_t packet)
{
	ivt_walk_init(w, w->file);
	w->packet = packet;
	w->is_partial = true;
}

/* Remember where packet @w->packet starts, if the walk came all the way. */
static void checkpoint_add(struct ivt_walk *w)
{
	struct ivt_stream_file *f = w->file;
	struct ivt_checkpoint *grown;
	size_t n = f->n_checkpoints;

	if (w->packet != n || w->is_partial)
		return;
	if ((n & (n - 1)) == 0) {
		grown = realloc(f->checkpoints, (n ? n * 2 : 1) * sizeof(*grown));
		if (!grown) /* seeking is slower without, nothing else */
			return;
		f->checkpoints = grown;
	}
	f->checkpoints[f->n_checkpoints++] = w->state;
}

/* To the part of the history that is in force at byte @at of packet @packet's
 * records; w->turn_at becomes the next change there. */
static void turns_follow(struct ivt_walk *w, size_t packet, uint32_t at)
{
	const struct ivt_stream_file *f = w->file;
	const struct ivt_turn *turn;

	w->turn_at = NULL;
	for (; w->turn < f->n_turns; w->turn++) {
		turn = &f->turns[w->turn];
		if (turn->packet > packet)
			return;
		if (turn->packet == packet && turn->at_bytes > at) {
			w->turn_at = w->at + (turn->at_bytes - at);
			return;
		}
		w->map = &turn->map;
		ivt_clock_cursor_init(&w->clock);
	}
}

static bool packet_next(struct ivt_walk *w)
{
	const struct ivt_packet_ref *packet;

	if (w->packet >= w->file->n_packets)
		return false;
	checkpoint_add(w);
	packet = &w->file->packets[w->packet++];
	w->at = ivt_packet_at(w->file, w->packet - 1) + sizeof(struct ivt_packet_header);
	w->end = w->at + packet->record_bytes;
	turns_follow(w, w->packet - 1, 0);
	return true;
}

void ivt_walk_seek(struct ivt_walk *w, uint64_t from_ns)
{
	const struct ivt_stream_file *f = w->file;
	size_t lo = 0, hi = f->n_checkpoints;

	/* the last packet before which all records are earlier */
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->checkpoints[mid].prev_ns < from_ns)
			lo = mid;
		else
			hi = mid;
	}
	ivt_walk_init(w, w->file);
	if (f->n_checkpoints == 0)
		return;
	w->packet = lo;
	w->state = f->checkpoints[lo];
}

static enum ivt_walk_result refuse(struct ivt_walk *w, size_t bytes)
{
	w->state.refused_bytes += bytes;
	w->at += bytes;
	return IVT_WALK_REFUSED;
}

/* Host time of the record; false: it cannot be. */
static inline bool rebase(struct ivt_walk *w, uint64_t raw, uint64_t *ret_ns)
{
	const struct ivt_stream_file *f = w->file;

	if (ivt_clock_map_ns(w->map, &w->clock, raw, ret_ns))
		return false;
	return f->limit_ns == 0 || *ret_ns <= f->limit_ns;
}

/* The record at w->at, held against every rule but that of its time: its header in *rec and
 * its description; or NULL, and *ret_bytes are refused. */
static inline const struct ivt_event_desc *
record_check(struct ivt_walk *w, struct ivring_record *rec, size_t *ret_bytes)
{
	const struct ivt_event_desc *desc;
	size_t left = *ret_bytes = (size_t)(w->end - w->at);

	if (left < sizeof(*rec))
		return NULL;
	memcpy(rec, w->at, sizeof(*rec));
	if (rec->size < sizeof(*rec) || rec->size % 8 || rec->size > IVRING_REC_MAX_BYTES ||
	    rec->size > left)
		return NULL;
	*ret_bytes = rec->size;
	desc = ivt_event_desc(rec->type);
	if (!desc || (rec->ctx & CTX_BAD) ||
	    !ivt_payload_fits(desc, w->at + sizeof(*rec), rec->size - sizeof(*rec)))
		return NULL;
	if (__builtin_expect(w->at == w->turn_at, 0))
		turns_follow(w, w->packet - 1, w->file->turns[w->turn].at_bytes);
	return desc;
}

enum ivt_walk_result ivt_walk_step(struct ivt_walk *w, struct ivt_event *ret)
{
	const struct ivt_event_desc *desc;
	struct ivring_record rec;
	size_t bytes;
	bool is_back;
	uint64_t ns;

	while (w->at == w->end)
		if (!packet_next(w))
			return IVT_WALK_END;
	desc = record_check(w, &rec, &bytes);
	if (!desc || !rebase(w, rec.tsc, &ns))
		return refuse(w, bytes);
	is_back = ns < w->state.prev_ns;
	if (is_back)
		ns = w->state.prev_ns;
	w->state.prev_ns = ns;
	w->state.backward += is_back;
	*ret = (struct ivt_event){
		.host_ns = ns,
		.raw = rec.tsc,
		.desc = desc,
		.payload = w->at + sizeof(rec),
		.payload_bytes = (uint16_t)(rec.size - sizeof(rec)),
		.type = rec.type,
		.machine = w->file->machine,
		.cpu = ivt_stream_cpu(w->file->cpu),
		.tid = rec.ctx & IVRING_CTX_TID_MASK,
		.exec = (rec.ctx & IVRING_CTX_EXEC_MASK) >> IVRING_CTX_EXEC_SHIFT,
		.number = w->state.records++,
	};
	w->at += rec.size;
	return is_back ? IVT_WALK_BACKWARD : IVT_WALK_RECORD;
}

/* Stamps that have a host time, by one map. */
struct placed {
	const struct ivt_clock_map *map;
	uint64_t from_raw;
	uint64_t span;
};

/* Has @raw a host time?  Within a piece of the clock later stamps have later times: where
 * one ahead has a time that may be, those before it have, and are not worked out. */
static inline bool is_placed(struct ivt_walk *w, struct placed *all, uint64_t raw)
{
	uint64_t behind, ns;

	if (__builtin_expect(all->map == w->map && raw - all->from_raw < all->span, 1))
		return true;
	if (!rebase(w, raw, &ns))
		return false;
	*all = (struct placed){ w->map, w->clock.raw_base, w->clock.raw_span };
	behind = raw - all->from_raw;
	if (behind < all->span && all->span - behind > AHEAD_TICKS)
		all->span = behind + AHEAD_TICKS;
	if (all->span && !rebase(w, all->from_raw + all->span - 1, &ns))
		all->span = 0;
	return true;
}

void ivt_walk_packet(struct ivt_walk *w, size_t packet, uint64_t from_raw,
		     struct ivt_good_records *ret)
{
	const uint8_t *start = ivt_packet_at(w->file, packet) + sizeof(struct ivt_packet_header);
	struct placed placed = { .map = NULL };
	struct ivring_record rec;
	size_t bytes;

	*ret = (struct ivt_good_records){ .first_raw = from_raw, .last_raw = from_raw };
	w->packet = packet;
	packet_next(w);
	while (w->at < w->end && record_check(w, &rec, &bytes) && is_placed(w, &placed, rec.tsc) &&
	       rec.tsc >= ret->last_raw) {
		if (ret->records++ == 0)
			ret->first_raw = rec.tsc;
		ret->last_raw = rec.tsc;
		w->at += rec.size;
	}
	ret->bytes = (uint32_t)(w->at - start);
}

int ivt_walk_next(struct ivt_walk *w, struct ivt_event *ret)
{
	enum ivt_walk_result result;

	do {
		result = ivt_walk_step(w, ret);
	} while (result == IVT_WALK_REFUSED);
	return result != IVT_WALK_END;
}
