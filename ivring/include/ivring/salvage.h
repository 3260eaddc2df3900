/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IVRing: what a dead writer left behind its head.
 *
 * A guest that is killed or panics leaves records that it reserved and mostly
 * committed, and never published.  The walk below finds them, in both modes.
 * It has no side effects on the ring and may be repeated.
 *
 *	ivring_reader_fetch(r);		after the death; then drain as usual
 *	ivring_salvage_init(&s, r, ...);
 *	while (ivring_salvage_next_subbuf(&s, &range)) {
 *		copy r->data[range.offset .. range.offset + range.bytes);
 *		while (ivring_salvage_next_run(&s, copy, &run))
 *			keep copy[run.offset .. run.offset + run.bytes);
 *	}
 *
 * The writer must not run any more (process gone, panic, its next boot has
 * announced itself).  One that lies and runs on harms its own records alone:
 * the walk reads each shared word once, and else only the caller's copy; it is
 * bounded by the reader's own numbers.
 *
 * How records are told from what an earlier lap left in the same place:
 * - A sub-buffer counts when its header has this position and this boot.
 * - Ring order is time order, so whatever is older than the record before it is
 *   left over, and nothing is younger than the death.  The clock can be set
 *   back between two boots only; the writer clears its data between them.
 * - BUSY of an earlier lap is not found: no writer laps what is not committed.
 *   So a BUSY header (pairs with B2, ring.h) is of this lap and its size is
 *   good, while its stamp and payload may be anything (B3) and are not looked
 *   at.  At most IVRING_MAX_NEST records are BUSY at a time.
 * - A record that was reserved and has no header yet shows what lay there
 *   before: the chain of its sub-buffer ends.  What nested contexts committed
 *   behind it is out of reach; the next sub-buffer is tried.
 *   Where old payload lies, it must look like a header with a stamp between the
 *   last record and the death to be taken for one: say so of salvaged records.
 */
#ifndef IVRING_SALVAGE_H
#define IVRING_SALVAGE_H

#include <ivring/ring.h>

/* Can a record of @type have @payload_bytes, padding included? */
typedef int ivring_salvage_known(__u16 type, __u32 payload_bytes);

/* Of one channel, private to the caller. */
struct ivring_salvage {
	__u64 size; /* of the channel */
	__u64 subbuf;
	__u64 epoch;
	__u64 head;	 /* every byte before it was published */
	__u64 bound;	 /* nothing was reserved at or behind it */
	__u64 last_tsc;	 /* of the record before pos */
	__u64 death_tsc; /* the largest stamp that can be */
	ivring_salvage_known *is_known;
	__u64 next;	 /* the sub-buffer that is copied next */
	__u64 base;	 /* the one that is walked */
	__u64 pos;	 /* its first record not looked at */
	__u64 end;	 /* of its records */
	__u32 n_pending; /* BUSY since the last run */
	__u8 has_hint;	 /* bound is where the writer itself says it stopped */
	__u8 is_entered; /* the header of the sub-buffer at base was checked */
	__u8 is_end_known;
	__u8 reserved0;
	/* What was found so far. */
	__u64 n_records; /* committed */
	__u64 n_busy;	 /* reserved, not committed: lost */
	__u64 n_cut;	 /* chains that ended early: at least one record lost, each */
};

/* A run of committed records without a BUSY one between them. */
struct ivring_salvage_run {
	__u64 pos;
	__u64 offset; /* in the copy */
	__u64 bytes;
	__u64 n_records;
	__u64 n_busy_before; /* BUSY since the run before it, or since the head */
};

/* Where the writer stopped: by its own word where that is sane, else as far as
 * it could get at most. */
ivring_inline void ivring_salvage_bound(struct ivring_salvage *s, const struct ivring_reader *r,
					int is_overwrite)
{
	__u64 hint = ivring_load(&r->shared->w_resv_hint), claim;

	s->bound = (r->tail + r->size) & ~(r->subbuf - 1);
	if (is_overwrite) {
		claim = ivring_load(&r->shared->w_claim);
		if ((claim & (r->subbuf - 1)) || claim - s->head > r->size)
			claim = s->head;
		s->bound = claim;
	}
	if (hint && hint >= s->head && hint <= s->bound && ivring_head_is_sane(r, hint)) {
		s->bound = hint;
		s->has_hint = 1;
	}
}

/*
 * @r: has fetched the head after the writer's death; in discard mode the walk
 * reaches up to a ring's size behind its tail.  @is_overwrite: the channel's
 * mode.  @epoch: of the writer's boot.  @death_tsc: the largest stamp that it
 * can have written; all ones where that is not known.  @is_known: NULL takes
 * each type that a bit of the enable bitmap stands for.
 */
ivring_inline void ivring_salvage_init(struct ivring_salvage *s, const struct ivring_reader *r,
				       int is_overwrite, __u64 epoch, __u64 death_tsc,
				       ivring_salvage_known *is_known)
{
	memset(s, 0, sizeof(*s));
	s->size = r->size;
	s->subbuf = r->subbuf;
	s->epoch = epoch;
	s->head = r->head;
	s->death_tsc = death_tsc;
	s->is_known = is_known;
	ivring_salvage_bound(s, r, is_overwrite);
	s->next = s->bound > s->head ? s->head & ~(s->subbuf - 1) : s->bound;
}

/* The next sub-buffer to look into, all of which is to be copied.  Returns 1 with
 * *ret; 0 when there is no more. */
ivring_inline int ivring_salvage_next_subbuf(struct ivring_salvage *s, struct ivring_range *ret)
{
	if (s->next >= s->bound)
		return 0;
	s->base = s->next;
	s->next += s->subbuf;
	s->pos = s->end = s->base;
	s->is_end_known = 0;
	s->is_entered = 0;
	ret->pos = s->base;
	ret->offset = s->base & (s->size - 1);
	ret->bytes = s->subbuf;
	return 1;
}

/* The header at @at, before @end: 0, or the record's size where it can be one. */
ivring_inline __u32 ivring_salvage_header(const struct ivring_salvage *s, const unsigned char *copy,
					  __u64 at, __u64 end, struct ivring_record *ret)
{
	if (end - at < IVRING_REC_HDR_BYTES)
		return 0;
	memcpy(ret, copy + (at - s->base), sizeof(*ret));
	if (ret->size < IVRING_REC_HDR_BYTES || ret->size > IVRING_REC_MAX_BYTES ||
	    (ret->size & 7) || ret->size > end - at || (ret->ctx & IVRING_CTX_RSV_MASK))
		return 0;
	return ret->size;
}

/* What was published in the head's own sub-buffer: its last stamp is wanted, and
 * where it does not lead to the head nothing behind it is believed. */
ivring_inline int ivring_salvage_walk_to_head(struct ivring_salvage *s, const unsigned char *copy)
{
	struct ivring_record rec;
	__u32 size;

	while (s->pos < s->head) {
		size = ivring_salvage_header(s, copy, s->pos, s->head, &rec);
		if (!size || (rec.ctx & IVRING_CTX_BUSY))
			return 0;
		s->last_tsc = rec.tsc;
		s->pos += size;
	}
	return s->head <= s->end;
}

/* Is the sub-buffer at base of this lap and boot?  Where do its records end? */
ivring_inline int ivring_salvage_enter(struct ivring_salvage *s, const unsigned char *copy)
{
	struct ivring_subbuf h;

	memcpy(&h, copy, sizeof(h));
	if (h.magic != IVRING_SUBBUF_MAGIC || h.version != IVRING_VERSION_MAJOR ||
	    h.hdr_len != IVRING_SUBBUF_HDR_BYTES || h.seq != s->base / s->subbuf ||
	    h.guest_epoch != s->epoch)
		return 0;
	if (h.content_size && ((h.content_size & 7) || h.content_size > s->subbuf ||
			       h.content_size < IVRING_SUBBUF_HDR_BYTES + IVRING_REC_HDR_BYTES))
		return 0;
	s->is_end_known = h.content_size != 0;
	s->end = s->base + (h.content_size ? h.content_size : s->subbuf);
	if (s->bound < s->end) {
		s->end = s->bound;
		s->is_end_known = s->has_hint;
	}
	s->pos = s->base + IVRING_SUBBUF_HDR_BYTES;
	if (s->head > s->base)
		return ivring_salvage_walk_to_head(s, copy);
	if (h.tsc_begin < s->last_tsc)
		return 0;
	s->last_tsc = h.tsc_begin; /* its first record's; older is of an earlier lap */
	return 1;
}

ivring_inline int ivring_salvage_type_is_known(const struct ivring_salvage *s,
					       const struct ivring_record *rec)
{
	if (!rec->type || rec->type >= IVRING_MAX_TYPE)
		return 0;
	return !s->is_known || s->is_known(rec->type, rec->size - IVRING_REC_HDR_BYTES);
}

/* Pass over one BUSY record at pos; 0 when there is none. */
ivring_inline int ivring_salvage_skip_busy(struct ivring_salvage *s, const unsigned char *copy)
{
	struct ivring_record rec;
	__u32 size = ivring_salvage_header(s, copy, s->pos, s->end, &rec);

	if (!size || !(rec.ctx & IVRING_CTX_BUSY) || !ivring_salvage_type_is_known(s, &rec) ||
	    s->n_busy >= IVRING_MAX_NEST)
		return 0;
	s->n_busy++;
	s->n_pending++;
	s->pos += size;
	return 1;
}

/* Pass over one committed record at pos; 0 when there is none. */
ivring_inline int ivring_salvage_take(struct ivring_salvage *s, const unsigned char *copy)
{
	struct ivring_record rec;
	__u32 size = ivring_salvage_header(s, copy, s->pos, s->end, &rec);

	if (!size || (rec.ctx & IVRING_CTX_BUSY) || !ivring_salvage_type_is_known(s, &rec) ||
	    rec.tsc < s->last_tsc || rec.tsc > s->death_tsc)
		return 0;
	s->last_tsc = rec.tsc;
	s->pos += size;
	return 1;
}

/*
 * The next run in @copy, the sub-buffer that ivring_salvage_next_subbuf() named.
 * Returns 1 with *ret; 0 when there is no more in this sub-buffer.  What lies
 * behind BUSY records is believed only where it begins with a committed one.
 */
ivring_inline int ivring_salvage_next_run(struct ivring_salvage *s, const void *copy,
					  struct ivring_salvage_run *ret)
{
	const unsigned char *bytes = (const unsigned char *)copy;
	__u64 from, n = 0;

	if (!s->is_entered && !ivring_salvage_enter(s, bytes)) {
		s->n_cut += s->has_hint; /* it says that there is more */
		s->next = s->bound;
		s->end = s->pos;
	}
	s->is_entered = 1;
	while (ivring_salvage_skip_busy(s, bytes))
		;
	from = s->pos;
	while (ivring_salvage_take(s, bytes))
		n++;
	if (!n) {
		s->n_cut += s->is_end_known && s->pos < s->end;
		return 0;
	}
	ret->pos = from;
	ret->offset = from - s->base;
	ret->bytes = s->pos - from;
	ret->n_records = n;
	ret->n_busy_before = s->n_pending;
	s->n_records += n;
	s->n_pending = 0;
	return 1;
}

#endif /* IVRING_SALVAGE_H */
