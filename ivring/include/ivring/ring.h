/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IVRing: the writer and the reader of one channel.
 *
 * Progress and contexts.  One writer CPU per channel.  The writer never waits:
 * the fast path retries at most once per interruption, the slow path runs once
 * per sub-buffer.  ivring_emit() and ivring_emit_two() may be called in task,
 * softirq, hardirq and NMI context with preemption off; contexts nest in stack
 * order.  The caller must not fault, be probed or be traced between reserve and
 * commit.  One reader per channel, in any thread, never concurrently with itself.
 *
 * All read-modify-write happens on struct ivring_writer, private to the writer;
 * the shared memory sees single loads and plain stores only.
 *
 *	writer (guest CPU)			reader (host)
 *	------------------			-------------
 *	nest++			B1
 *	cmpxchg_local(resv)
 *	w0 | BUSY		B2		(salvage of a dead writer's ring
 *	tsc, payload		B3		 pairs with B2 and B3)
 *	w0
 *	content_size, lost_*
 *	store_release(w_head)	B4  ------->  R1  load_acquire(w_head)
 *	nest = 0		B5		  content_size, data
 *	re-check resv				  data is copied out
 *	load_acquire(r_tail)	B6  <-------  R2  store_release(r_tail)
 *	overwrite what it freed
 *
 *	overwrite mode:				snapshot:
 *	w_claim			B7		  data is copied out
 *	overwrite what it claimed    ------>  R3  w_claim
 *
 * B1: nest is raised before resv is first read; pairs with B5 on this CPU.
 * B2: BUSY is visible before tsc and payload change.
 * B3: tsc and payload are complete before BUSY is cleared.
 * B4: every record, content_size and counter before w_head; pairs with R1.
 * B5: w_head before nest = 0, nest = 0 before resv is read again: an interrupt
 *     that came between left its records to us (compiler barriers: the
 *     writer's enemy is its own interrupt).
 * B6: r_tail is read before what it freed is overwritten; pairs with R2.
 * B7: w_claim before the first byte of what it claims; pairs with R3.
 * B8: a sub-buffer's magic is 0 before and while its header changes (salvage of
 *     a dead writer's ring: fields of two laps are no header).
 * R1: the head before anything that it covers.
 * R2: all that is freed has been copied out.
 * R3: the copy is made before w_claim is read: what was not claimed then was
 *     whole while it was copied.
 *
 * Discard mode (live recording): a full ring drops the new record and counts
 * it.  Overwrite mode (flight recorder): the newest wins, nobody need read; the
 * one thing never overwritten is a record that an interrupted context has not
 * committed.  Algorithm: docs/architecture.md, "The ring".
 */
#ifndef IVRING_RING_H
#define IVRING_RING_H

#include <ivring/geometry.h>

#define IVRING_MAX_NEST 8
/* A channel whose shared words were nonsense this often is read no more. */
#define IVRING_MAX_VIOLATIONS 16
/* No head is above this, so that position arithmetic never wraps. */
#define IVRING_MAX_POS (1ULL << 62)

/* ---- writer ------------------------------------------------------------ */

/* Private to the writing CPU; never in shared memory. */
struct ivring_writer {
	__u64 resv;	  /* next position to reserve */
	__u64 pub;	  /* last published position */
	__u64 ctail;	  /* the reader's tail as last seen and believed */
	__u64 base;	  /* position where this writer started; a multiple of subbuf */
	__u64 switch_end; /* end of the sub-buffer that is being switched to; 0: none is */
	__u64 lost_full;
	__u64 lost_nested;
	__u64 lost_big;
	__u64 events;
	__u32 nest;
	__u32 force;
	__u32 subbuf; /* sub-buffer size in bytes */
	__u32 is_overwrite;
	__u64 size; /* channel size in bytes */
	__u64 epoch;
	unsigned char *data;
	struct ivring_chan_writer *shared;
	const struct ivring_reader_line *reader;
	__u32 cpu;
};

/*
 * Prepare @w to write channel @channel of the region mapped at @region, whose
 * validated superblock copy is @sb.  Positions go on from the previous writer's
 * head, so that a stale r_tail can free nothing.  The caller has cleared the
 * channel's data (or knows it to be zero) and publishes nothing before.
 */
ivring_inline void ivring_writer_init(struct ivring_writer *w, void *region,
				      const struct ivring_superblock *sb, __u32 channel,
				      __u64 epoch)
{
	unsigned char *base = (unsigned char *)region;
	struct ivring_chan *chan = (struct ivring_chan *)(base + ivring_chan_desc_off(channel));
	__u32 subbuf = 1u << sb->subbuf_shift;
	__u64 start = ivring_load(&chan->guest.w_head);

	start = (start + subbuf - 1) & ~(__u64)(subbuf - 1);
	if (start > IVRING_MAX_POS / 2) /* a scribbled word must not wrap positions */
		start = 0;
	memset(w, 0, sizeof(*w));
	w->resv = w->pub = w->ctail = w->base = start;
	w->subbuf = subbuf;
	w->size = ivring_chan_bytes(sb);
	w->epoch = epoch;
	w->data = base + ivring_chan_data_off(sb, channel);
	w->shared = &chan->guest;
	w->reader = (const struct ivring_reader_line *)(base + ivring_reader_line_off(sb, channel));
	w->cpu = channel;
	w->is_overwrite = ivring_load(&chan->host.mode) == IVRING_MODE_OVERWRITE;
	ivring_store(&chan->guest.lost_full, 0);
	ivring_store(&chan->guest.lost_nested, 0);
	ivring_store(&chan->guest.lost_big, 0);
	ivring_store(&chan->guest.events, 0);
	ivring_store(&chan->guest.w_resv_hint, 0);
	ivring_store(&chan->guest.w_claim, start + subbuf);
	ivring_store_release(&chan->guest.w_head, start);
}

ivring_inline struct ivring_subbuf *ivring_subbuf_at(struct ivring_writer *w, __u64 pos)
{
	return (struct ivring_subbuf *)(w->data + (pos & (w->size - 1)));
}

ivring_inline void ivring_subbuf_open(struct ivring_writer *w, __u64 pos, __u64 tsc)
{
	struct ivring_subbuf *s = ivring_subbuf_at(w, pos);

	ivring_store(&s->magic, 0);
	ivring_wmb(); /* B8 */
	s->version = IVRING_VERSION_MAJOR;
	s->hdr_len = IVRING_SUBBUF_HDR_BYTES;
	s->seq = pos / w->subbuf;
	s->guest_epoch = w->epoch;
	s->tsc_begin = tsc;
	s->tsc_end = 0;
	ivring_store(&s->content_size, 0);
	s->cpu = w->cpu;
	s->lost_total_at_open = w->lost_full + w->lost_nested + w->lost_big;
	s->flags = 0;
	s->reserved0 = 0;
	ivring_wmb(); /* B8 */
	ivring_store(&s->magic, IVRING_SUBBUF_MAGIC);
}

/*
 * May the sub-buffer at @next be written?  The whole of it must be free: of what
 * the reader has not released, or, in overwrite mode, of what an interrupted
 * context has not committed (pub is before that).
 */
ivring_inline int ivring_subbuf_is_free(struct ivring_writer *w, __u64 next)
{
	__u64 end = next + w->subbuf, tail;

	if (w->is_overwrite)
		return end - w->pub <= w->size;
	if (end - w->ctail > w->size) {
		tail = ivring_load_acquire(&w->reader->r_tail); /* B6 */
		if (tail > w->pub)				/* the peer's word: clamp it */
			tail = w->pub;
		if (tail > w->ctail)
			w->ctail = tail;
	}
	return end - w->ctail <= w->size;
}

/*
 * Leave the current sub-buffer for the one at @next and reserve @need bytes at
 * its start.  Returns as ivring_switch_subbuf().
 */
ivring_inline int ivring_switch_to(struct ivring_writer *w, __u64 next, __u32 need, __u64 *ret_pos,
				   __u64 *ret_tsc)
{
	struct ivring_subbuf *prev;
	__u64 old = ivring_load(&w->resv); /* must be read again after taking switch_end */

	if (old > next)
		return 0;
	if (!ivring_subbuf_is_free(w, next)) {
		ivring_inc_local(&w->lost_full);
		return -1;
	}
	if (w->is_overwrite) { /* before the cmpxchg: behind it others write there */
		ivring_store(&w->shared->w_claim, next + w->subbuf);
		ivring_wmb(); /* B7 */
	}
	do { /* nested contexts may add to the old one meanwhile, or be there first */
		if (old > next)
			return 0;
		*ret_tsc = IVRING_CLOCK();
	} while (!ivring_cmpxchg_local(&w->resv, &old, next + IVRING_SUBBUF_HDR_BYTES + need));
	if (next > w->base) {
		prev = ivring_subbuf_at(w, next - w->subbuf);
		prev->tsc_end = *ret_tsc;
		/* After the cmpxchg: before it a nested context may append. */
		ivring_store(&prev->content_size, (__u32)(old - (next - w->subbuf)));
	}
	ivring_subbuf_open(w, next, *ret_tsc);
	*ret_pos = next + IVRING_SUBBUF_HDR_BYTES;
	return 1;
}

/*
 * Slow path: the sub-buffer of *@pos, the next position as last read, has no
 * room for @need bytes.  Returns 1 with the record's position and stamp, 0 when
 * the fast path should be tried again, -1 when the record is lost (counted).
 *
 * Where the context below us is switching, too, and not yet behind its cmpxchg,
 * we go to the same place and it finds us there.  Behind that, or further than
 * that, nobody goes before it is done: its header is not written yet, its w_claim
 * may not be.
 */
ivring_inline int ivring_switch_subbuf(struct ivring_writer *w, __u32 need, __u64 *pos,
				       __u64 *ret_tsc)
{
	__u64 next = (*pos + w->subbuf - 1) & ~((__u64)w->subbuf - 1);
	__u64 under_way = ivring_load(&w->switch_end);
	int switched;

	if (under_way && under_way != next + w->subbuf) {
		ivring_inc_local(&w->lost_nested);
		return -1;
	}
	ivring_store(&w->switch_end, next + w->subbuf);
	ivring_barrier();
	switched = ivring_switch_to(w, next, need, pos, ret_tsc);
	ivring_barrier();
	ivring_store(&w->switch_end, under_way);
	return switched;
}

/* The outermost context publishes; what a nested one leaves is seen here. */
ivring_inline void ivring_leave(struct ivring_writer *w)
{
	__u64 head;

	ivring_barrier();
	if (w->nest > 1) {
		w->nest--;
		return;
	}
again:
	ivring_barrier();
	head = ivring_load(&w->resv);
	if (((head ^ w->pub) & ~(__u64)(IVRING_PUB_BYTES - 1)) || ivring_load(&w->force)) {
		ivring_store(&w->force, 0);
		ivring_barrier(); /* clear force before reading resv */
		head = ivring_load(&w->resv);
		ivring_store(&w->shared->lost_full, ivring_load(&w->lost_full));
		ivring_store(&w->shared->lost_nested, ivring_load(&w->lost_nested));
		ivring_store(&w->shared->lost_big, ivring_load(&w->lost_big));
		ivring_store(&w->shared->events, ivring_load(&w->events));
		ivring_store_release(&w->shared->w_head, head); /* B4 */
		ivring_barrier(); /* only what is published may be overwritten */
		w->pub = head;
	}
	ivring_barrier(); /* B5: publish before dropping nest */
	w->nest = 0;
	ivring_barrier(); /* B5: and look again after */
	if (ivring_unlikely(head != ivring_load(&w->resv) || ivring_load(&w->force))) {
		w->nest = 1;
		goto again;
	}
}

/*
 * Write one record of @type whose payload is @head and, behind it, @body; the
 * caller has evaluated both before.  @ctx: tid and execution context
 * (IVRING_CTX_*).  Returns 1 when recorded, 0 when lost (and counted).
 */
ivring_inline int ivring_emit_two(struct ivring_writer *w, __u16 type, __u32 ctx, const void *head,
				  __u32 head_bytes, const void *body, __u32 body_bytes)
{
	__u32 bytes = (head_bytes | body_bytes) > IVRING_REC_MAX_BYTES ? IVRING_REC_MAX_BYTES
								       : head_bytes + body_bytes;
	__u32 padded = (bytes + 7) & ~7u;
	__u32 need = IVRING_REC_HDR_BYTES + padded;
	struct ivring_record *r;
	__u64 pos, tsc, w0, *words;
	int switched;

	if (ivring_unlikely(w->nest >= IVRING_MAX_NEST)) {
		ivring_inc_local(&w->lost_nested);
		return 0;
	}
	w->nest++;
	ivring_barrier(); /* B1 */
	if (ivring_unlikely(bytes > IVRING_REC_MAX_BYTES - IVRING_REC_HDR_BYTES ||
			    need > w->subbuf - IVRING_SUBBUF_HDR_BYTES)) {
		ivring_inc_local(&w->lost_big);
		ivring_leave(w);
		return 0;
	}
	pos = ivring_load(&w->resv);
	for (;;) {
		__u32 used = (__u32)(pos & (w->subbuf - 1));

		tsc = IVRING_CLOCK(); /* inside the loop: ring order is time order */
		if (used && used + need <= w->subbuf) {
			if (ivring_cmpxchg_local(&w->resv, &pos, pos + need))
				break;
			continue;
		}
		switched = ivring_switch_subbuf(w, need, &pos, &tsc);
		if (switched > 0)
			break;
		if (switched < 0) {
			ivring_leave(w);
			return 0;
		}
		pos = ivring_load(&w->resv);
	}
	r = (struct ivring_record *)(w->data + (pos & (w->size - 1)));
	words = (__u64 *)r;
	w0 = (__u64)type | (__u64)need << 16 | (__u64)(ctx & ~IVRING_CTX_BUSY) << 32;
	ivring_store(&words[1], w0 | (__u64)IVRING_CTX_BUSY << 32);
	ivring_wmb(); /* B2 */
	r->tsc = tsc;
	if (padded != bytes)
		words[need / 8 - 1] = 0;
	if (head_bytes) /* a record may have none */
		memcpy(r + 1, head, head_bytes);
	if (body_bytes)
		memcpy((unsigned char *)(r + 1) + head_bytes, body, body_bytes);
	ivring_wmb(); /* B3 */
	ivring_store(&words[1], w0);
	ivring_inc_local(&w->events);
	ivring_leave(w);
	return 1;
}

/* The same with a payload of one piece. */
ivring_inline int ivring_emit(struct ivring_writer *w, __u16 type, __u32 ctx, const void *payload,
			      __u32 bytes)
{
	return ivring_emit_two(w, type, ctx, payload, bytes, (const void *)0, 0);
}

/* Publish what is reserved and committed; in the channel's own CPU. */
ivring_inline void ivring_flush(struct ivring_writer *w)
{
	if (ivring_unlikely(w->nest >= IVRING_MAX_NEST)) {
		ivring_store(&w->force, 1);
		return;
	}
	w->nest++;
	ivring_barrier();	    /* B1 */
	ivring_store(&w->force, 1); /* a writer that we interrupted will see it */
	ivring_leave(w);
}

/* True when something is committed, or lost, that the reader cannot see yet; asked
 * on another CPU, it may be so no more. */
ivring_inline int ivring_needs_flush(const struct ivring_writer *w)
{
	return ivring_load(&w->resv) != ivring_load(&w->pub) ||
	       ivring_load(&w->lost_full) != ivring_load(&w->shared->lost_full) ||
	       ivring_load(&w->lost_nested) != ivring_load(&w->shared->lost_nested) ||
	       ivring_load(&w->lost_big) != ivring_load(&w->shared->lost_big);
}

/* ---- reader ------------------------------------------------------------ */

/* Private to the reader.  Geometry is the reader's own, never read again. */
struct ivring_reader {
	const unsigned char *data;
	const struct ivring_chan_writer *shared;
	struct ivring_reader_line *line;
	__u64 size;
	__u64 subbuf;
	__u64 tail; /* first position not taken */
	__u64 head; /* w_head as last fetched and believed */
	__u64 lost_full;
	__u64 lost_nested;
	__u64 lost_big;
	__u64 violations;
	__u64 violation_pos; /* head or tail at the last violation */
	/* snapshots */
	__u64 claim;	   /* w_claim as last loaded and believed */
	__u64 overwritten; /* bytes of the ring that the writer took back unread */
	__u64 snap_next;   /* tail after the range that is being copied; 0: none is */
	int snap_is_bad;   /* its bounds were nonsense */
};

/* A run of whole records: data[offset .. offset + bytes), never wrapping. */
struct ivring_range {
	__u64 offset;
	__u64 bytes;
	__u64 pos;
};

/*
 * @region: the mapping (read-only); @reader_area: the writable mapping of
 * [reader_off, reader_off + reader_len) or NULL for a reader that frees
 * nothing; @tail: where to start: an earlier reader's tail, or a head that
 * ivring_head_is_sane() accepts.
 */
ivring_inline void ivring_reader_init(struct ivring_reader *r, const void *region,
				      void *reader_area, const struct ivring_superblock *sb,
				      __u32 channel, __u64 tail)
{
	const unsigned char *base = (const unsigned char *)region;
	const struct ivring_chan *chan =
		(const struct ivring_chan *)(base + ivring_chan_desc_off(channel));

	memset(r, 0, sizeof(*r));
	r->data = base + ivring_chan_data_off(sb, channel);
	r->shared = &chan->guest;
	if (reader_area)
		r->line = (struct ivring_reader_line *)((unsigned char *)reader_area +
							IVRING_PAGE_BYTES + 64ULL * channel);
	r->size = ivring_chan_bytes(sb);
	r->subbuf = 1ULL << sb->subbuf_shift;
	r->tail = tail;
	r->head = tail;
}

ivring_inline int ivring_reader_violation(struct ivring_reader *r, __u64 pos)
{
	r->violations++;
	r->violation_pos = pos;
	return -EPROTO;
}

ivring_inline int ivring_head_is_sane(const struct ivring_reader *r, __u64 head)
{
	__u64 used = head & (r->subbuf - 1);

	return head <= IVRING_MAX_POS && !(head & 7) &&
	       (!used || used >= IVRING_SUBBUF_HDR_BYTES + IVRING_REC_HDR_BYTES);
}

/* Load head and loss counters once; 0 with a sane *ret_head, or -errno. */
ivring_inline int ivring_reader_load(struct ivring_reader *r, __u64 *ret_head)
{
	__u64 head, full, nested, big;

	if (r->violations >= IVRING_MAX_VIOLATIONS)
		return -ESHUTDOWN;
	head = ivring_load_acquire(&r->shared->w_head); /* R1 */
	full = ivring_load(&r->shared->lost_full);
	nested = ivring_load(&r->shared->lost_nested);
	big = ivring_load(&r->shared->lost_big);
	if (full < r->lost_full || nested < r->lost_nested || big < r->lost_big)
		ivring_reader_violation(r, head);
	else {
		r->lost_full = full;
		r->lost_nested = nested;
		r->lost_big = big;
	}
	if (!ivring_head_is_sane(r, head))
		return ivring_reader_violation(r, head);
	*ret_head = head;
	return 0;
}

/* A sane head that contradicts what was seen before: go on from there. */
ivring_inline int ivring_reader_resync(struct ivring_reader *r, __u64 head)
{
	r->head = head;
	r->tail = head & ~(r->subbuf - 1);
	return ivring_reader_violation(r, head);
}

/*
 * Load the writer's head and loss counters once and check them.
 * Returns 0; -EPROTO: nonsense, counted, and the tail moved to the start of the
 * head's sub-buffer where the head alone is sane; -ESHUTDOWN: too many of them.
 */
ivring_inline int ivring_reader_fetch(struct ivring_reader *r)
{
	__u64 head;
	int err = ivring_reader_load(r, &head);

	if (err)
		return err;
	if (head < r->head || head - r->tail > r->size)
		return ivring_reader_resync(r, head);
	r->head = head;
	return 0;
}

/*
 * Has nothing come since the last fetch, and is nothing left of it?  One load, no
 * store: for who looks at many rings.  Losses published without a record are not
 * seen; ivring_reader_fetch() tells them.
 */
ivring_inline int ivring_reader_is_idle(const struct ivring_reader *r)
{
	return r->head == r->tail && ivring_load(&r->shared->w_head) == r->head;
}

/* Where the records of the closed sub-buffer at @base end, loaded once; 0 when
 * that is nonsense. */
ivring_inline __u64 ivring_reader_content_end(struct ivring_reader *r, __u64 base)
{
	const struct ivring_subbuf *s =
		(const struct ivring_subbuf *)(r->data + (base & (r->size - 1)));
	__u32 content = ivring_load(&s->content_size);

	if ((content & 7) || content > r->subbuf || base + content < r->tail ||
	    content < IVRING_SUBBUF_HDR_BYTES + IVRING_REC_HDR_BYTES)
		return 0;
	return base + content;
}

/*
 * The next run of whole records before the fetched head; moves the private
 * tail over it.  Returns 1 with *ret; 0 when there is none; -EPROTO when the
 * writer's content_size is nonsense (counted; the rest up to the head's
 * sub-buffer is skipped).
 */
ivring_inline int ivring_reader_next(struct ivring_reader *r, struct ivring_range *ret)
{
	while (r->tail < r->head) {
		__u64 base = r->tail & ~(r->subbuf - 1), next = base + r->subbuf, end, from;

		if (r->head > next) { /* strict: at head == next nobody has closed it */
			end = ivring_reader_content_end(r, base);
			if (!end) {
				__u64 bad = r->tail;

				r->tail = r->head & ~(r->subbuf - 1);
				return ivring_reader_violation(r, bad);
			}
		} else {
			end = r->head;
			next = r->head;
		}
		from = r->tail == base ? base + IVRING_SUBBUF_HDR_BYTES : r->tail;
		r->tail = next;
		if (from < end) {
			ret->pos = from;
			ret->offset = from & (r->size - 1);
			ret->bytes = end - from;
			return 1;
		}
	}
	return 0;
}

/* Give everything before the private tail back to the writer; last of all,
 * after the data is safe elsewhere. */
ivring_inline void ivring_reader_release(struct ivring_reader *r)
{
	ivring_store_release(&r->line->r_tail, r->tail); /* R2 */
}

/* ---- snapshots: the reader of a channel in overwrite mode ----------------- */

/*
 *	ivring_snapshot_begin(r);
 *	while (ivring_snapshot_next(r, &range)) {
 *		copy data[range.offset .. range.offset + range.bytes);
 *		if (ivring_snapshot_accept(r) != 1)
 *			throw that copy away;
 *	}
 *
 * The writer may be at work meanwhile, and nothing is given back to it.  A
 * later snapshot goes on where the one before ended.
 */

/* The writer was first from the tail up to @pos. */
ivring_inline void ivring_snapshot_pass(struct ivring_reader *r, __u64 pos)
{
	r->overwritten += pos - r->tail;
	r->tail = pos;
}

/* Load the head, once; move the tail to the oldest sub-buffer that can be whole
 * and has a little time left.  Returns as ivring_reader_fetch(). */
ivring_inline int ivring_snapshot_begin(struct ivring_reader *r)
{
	__u64 head, keep = r->size - 2 * r->subbuf, oldest;
	int err = ivring_reader_load(r, &head);

	r->snap_next = 0;
	if (err)
		return err;
	if (head < r->head)
		return ivring_reader_resync(r, head);
	r->head = head;
	if (head > keep) {
		oldest = (head - keep + r->subbuf - 1) & ~(r->subbuf - 1);
		if (oldest > r->tail)
			ivring_snapshot_pass(r, oldest);
	}
	return 0;
}

/* Returns 1 with *ret to be copied now (its bytes may be 0), before
 * ivring_snapshot_accept(); 0 when there is no more before the head. */
ivring_inline int ivring_snapshot_next(struct ivring_reader *r, struct ivring_range *ret)
{
	__u64 base = r->tail & ~(r->subbuf - 1), end = r->head, from = r->tail;

	if (r->tail >= r->head)
		return 0;
	r->snap_next = r->head;
	r->snap_is_bad = 0;
	if (r->head > base + r->subbuf) {
		r->snap_next = base + r->subbuf;
		end = ivring_reader_content_end(r, base);
		r->snap_is_bad = !end; /* or overwritten: w_claim will tell */
	}
	if (from == base)
		from += IVRING_SUBBUF_HDR_BYTES;
	ret->pos = from;
	ret->offset = from & (r->size - 1);
	ret->bytes = end > from ? end - from : 0;
	return 1;
}

/*
 * Was the range whole while it was copied?  Returns 1: keep the copy; 0: throw
 * it away, the writer was first (counted in overwritten); -EPROTO: throw it
 * away, the guest wrote nonsense (counted).
 */
ivring_inline int ivring_snapshot_accept(struct ivring_reader *r)
{
	__u64 base = r->tail & ~(r->subbuf - 1), next = r->snap_next, claim, bad = r->tail;

	if (!next)
		return 0;
	r->snap_next = 0;
	ivring_rmb(); /* R3 */
	claim = ivring_load(&r->shared->w_claim);
	if ((claim & (r->subbuf - 1)) || claim < r->claim || claim < r->head ||
	    claim > IVRING_MAX_POS + r->subbuf) {
		r->tail = r->head;
		return ivring_reader_violation(r, bad);
	}
	r->claim = claim;
	if (claim > base + r->size) {
		claim -= r->size;
		ivring_snapshot_pass(r, claim < r->head ? claim : r->head);
		return 0;
	}
	r->tail = next;
	return r->snap_is_bad ? ivring_reader_violation(r, bad) : 1;
}

#endif /* IVRING_RING_H */
