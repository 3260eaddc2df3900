// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each sub-buffer is copied, then asked for whether it was whole meanwhile, and
 * only then appended (ring.h, snapshots).  In discard mode, of a dead writer,
 * also what a reader had taken already is still there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ivring/salvage.h>
#include "host-reader/vm/ring_take.h"
#include "trace/event_table.h"
#include "trace/packet.h"

/* One channel that is being taken. */
struct taken {
	struct ivring_reader r;
	uint32_t cpu;
	uint64_t n_written;   /* the guest's count of its records at the cut */
	uint64_t lost;	      /* total at the cut */
	uint64_t lost_before; /* the first sub-buffer that is there */
	bool has_base;
	uint64_t n_records, n_salvaged, n_uncommitted;
	struct ivt_stream_info *stream; /* NULL: not opened */
};

int ring_take_is_event(__u16 type, __u32 payload_bytes)
{
	const struct ivt_event_desc *desc = ivt_event_desc(type);

	return desc && ivt_payload_may_fit(desc, payload_bytes);
}

static bool is_overwrite(const struct ring_take *t)
{
	return t->region->mode == IVRING_MODE_OVERWRITE;
}

/* In a private copy: each size is bounded, and only the count depends on it. */
static uint64_t count_records(const unsigned char *at, uint64_t bytes)
{
	struct ivring_record rec;
	uint64_t n = 0;

	while (bytes >= sizeof(rec)) {
		memcpy(&rec, at, sizeof(rec));
		if (rec.size < sizeof(rec) || rec.size % 8 || rec.size > bytes)
			break;
		n++;
		at += rec.size;
		bytes -= rec.size;
	}
	return n;
}

static struct ivt_stream_info *stream_open(struct ring_take *t, struct taken *c,
					   struct ivt_error *err)
{
	struct ivt_machine_info *m;

	if (c->stream)
		return c->stream;
	if (ivt_trace_writer_add_stream(t->writer, t->machine, c->cpu, err))
		return NULL;
	m = ivt_trace_writer_machine(t->writer, t->machine);
	c->stream = &m->streams[m->n_streams - 1];
	return c->stream;
}

static int append(struct ring_take *t, struct taken *c, unsigned char *copy, uint64_t bytes,
		  uint32_t flags, struct ivt_error *err)
{
	struct iovec iov = { copy, bytes };
	uint64_t lost = c->lost > c->lost_before ? c->lost - c->lost_before : 0;

	if (!stream_open(t, c, err))
		return -EIO;
	return ivt_trace_writer_append(t->writer, t->machine, c->cpu, &iov, 1,
				       lost + c->n_uncommitted, flags, err);
}

/* The head first, then what was counted up to it. */
static int cut_channel(struct ring_take *t, struct taken *c)
{
	struct ivring_reader *r = &c->r;
	int err;

	ivring_reader_init(r, t->region->base, NULL, &t->region->sb, c->cpu, 0);
	err = ivring_reader_load(r, &r->head);
	if (err) {
		r->head = 0;
		return err;
	}
	c->n_written = ivring_load(&r->shared->events);
	c->lost = r->lost_full + r->lost_nested + r->lost_big;
	r->tail = ivring_region_oldest(r, r->head, t->guest_epoch);
	return 0;
}

static bool is_void(const struct ring_take *t)
{
	return t->is_void && atomic_load(t->is_void);
}

/* What had been lost before this sub-buffer was begun. */
static uint64_t lost_before(const struct taken *c, uint64_t pos)
{
	const struct ivring_subbuf *s =
		(const struct ivring_subbuf *)(c->r.data +
					       (pos & ~(c->r.subbuf - 1) & (c->r.size - 1)));
	uint64_t lost = ivring_load(&s->lost_total_at_open);

	return lost < c->lost ? lost : c->lost;
}

static int keep(struct ring_take *t, struct taken *c, unsigned char *copy, uint64_t bytes,
		uint64_t before, struct ivt_error *err)
{
	if (!bytes)
		return 0;
	if (!c->has_base)
		c->lost_before = before;
	c->has_base = true;
	c->n_records += count_records(copy, bytes);
	return append(t, c, copy, bytes, 0, err);
}

static int take_snapshot(struct ring_take *t, struct taken *c, unsigned char *copy,
			 struct ivt_error *err)
{
	struct ivring_range range;
	uint64_t before;
	int ret = 0;

	if (ivring_snapshot_begin(&c->r))
		return 0;
	while (!ret && ivring_snapshot_next(&c->r, &range)) {
		memcpy(copy, c->r.data + range.offset, range.bytes);
		before = lost_before(c, range.pos);
		if (ivring_snapshot_accept(&c->r) == 1 && !is_void(t))
			ret = keep(t, c, copy, range.bytes, before, err);
	}
	return ret;
}

static int take_ring(struct ring_take *t, struct taken *c, unsigned char *copy,
		     struct ivt_error *err)
{
	struct ivring_range range;
	int ret = 0;

	if (ivring_reader_fetch(&c->r))
		return 0;
	while (!ret && ivring_reader_next(&c->r, &range) == 1) {
		memcpy(copy, c->r.data + range.offset, range.bytes);
		ret = keep(t, c, copy, range.bytes, lost_before(c, range.pos), err);
	}
	return ret;
}

/* How far a dead writer in discard mode got depends on what its reader had freed. */
static void set_tail(const struct ring_take *t, struct taken *c)
{
	const struct ivring_reader_line *line =
		(const struct ivring_reader_line *)((const char *)t->region->reader_area +
						    IVRING_PAGE_BYTES + 64ULL * c->cpu);
	uint64_t tail = ivring_load(&line->r_tail);

	c->r.tail = tail <= c->r.head && c->r.head - tail <= c->r.size ? tail : c->r.head;
}

static int salvage(struct ring_take *t, struct taken *c, unsigned char *copy, struct ivt_error *err)
{
	struct ivring_salvage_run run;
	struct ivring_range range;
	struct ivring_salvage s;
	int ret = 0;

	if (!is_overwrite(t))
		set_tail(t, c);
	ivring_salvage_init(&s, &c->r, is_overwrite(t), t->guest_epoch,
			    t->death_tsc ? t->death_tsc[c->cpu] : UINT64_MAX, ring_take_is_event);
	while (!ret && ivring_salvage_next_subbuf(&s, &range)) {
		memcpy(copy, c->r.data + range.offset, range.bytes);
		while (!ret && !is_void(t) && ivring_salvage_next_run(&s, copy, &run)) {
			c->n_uncommitted += run.n_busy_before;
			c->n_salvaged += run.n_records;
			ret = append(t, c, copy + run.offset, run.bytes, IVT_PACKET_SALVAGED, err);
		}
	}
	c->n_uncommitted = s.n_busy + s.n_cut;
	return ret;
}

static int account(struct ring_take *t, struct taken *c, struct ivt_error *err)
{
	struct ivt_stream_info *s = NULL;

	if (c->lost > c->lost_before || c->n_uncommitted || c->r.violations || c->stream)
		s = stream_open(t, c, err);
	t->n_records += c->n_records;
	t->n_salvaged += c->n_salvaged;
	t->n_uncommitted += c->n_uncommitted;
	t->n_violations += c->r.violations;
	if (c->n_written > c->n_records)
		t->n_overwritten += c->n_written - c->n_records;
	if (!s)
		return 0;
	s->lost_full = c->r.lost_full;
	s->lost_nested = c->r.lost_nested;
	s->lost_big = c->r.lost_big;
	ivt_stream_forgive(s, c->lost_before);
	s->lost_uncommitted = c->n_uncommitted;
	s->salvaged = c->n_salvaged;
	s->violations = c->r.violations;
	s->overwritten = c->n_written > c->n_records ? c->n_written - c->n_records : 0;
	return 0;
}

static int take_channel(struct ring_take *t, struct taken *c, unsigned char *copy,
			struct ivt_error *err)
{
	int ret;

	ret = is_overwrite(t) ? take_snapshot(t, c, copy, err) : take_ring(t, c, copy, err);
	if (!ret && t->is_dead)
		ret = salvage(t, c, copy, err);
	return ret ? ret : account(t, c, err);
}

int ring_take_run(struct ring_take *t, struct ivt_error *err)
{
	uint32_t n = t->region->sb.nr_channels, i;
	unsigned char *copy = malloc((size_t)1 << t->region->sb.subbuf_shift);
	struct taken *channels = calloc(n, sizeof(*channels));
	int ret = 0;

	if (!copy || !channels)
		ret = ivt_error_set(err, -ENOMEM, "no memory to take the rings");
	for (i = 0; i < n && !ret; i++) {
		channels[i].cpu = i;
		if (cut_channel(t, &channels[i]))
			t->n_violations++;
	}
	for (i = 0; i < n && !ret; i++)
		if (channels[i].r.head || t->is_dead)
			ret = take_channel(t, &channels[i], copy, err);
	free(channels);
	free(copy);
	return ret;
}

uint64_t ring_take_oldest(const struct ivring_region *region, uint32_t channel,
			  uint64_t guest_epoch)
{
	const struct ivring_subbuf *s;
	struct ivring_reader r;
	uint64_t pos;
	__u64 head;

	ivring_reader_init(&r, region->base, NULL, &region->sb, channel, 0);
	if (ivring_reader_load(&r, &head))
		return 0;
	pos = ivring_region_oldest(&r, head, guest_epoch);
	if (pos == head)
		return 0;
	s = (const struct ivring_subbuf *)(r.data + (pos & (r.size - 1)));
	return ivring_load(&s->tsc_begin);
}
