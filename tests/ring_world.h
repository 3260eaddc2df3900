/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ring in private memory, a writer and a reader whose every step is checked
 * against an oracle, and a point before each shared access of ring.h at which
 * the test may interrupt it: the same ring.h as everywhere, under other names
 * for load, store, barrier and clock.
 *
 * Define WORLD_PUB_BYTES before the include for another publishing grain.
 */
#ifndef TESTS_RING_WORLD_H
#define TESTS_RING_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void world_point(void);
static uint64_t world_clock(void);

#define IVRING_CLOCK() world_clock()
#include <ivring/port.h>

#undef ivring_barrier
#undef ivring_load
#undef ivring_store
#undef ivring_load_acquire
#undef ivring_store_release
#define ivring_barrier()	   world_point()
#define ivring_load(p)		   (world_point(), __atomic_load_n(p, __ATOMIC_RELAXED))
#define ivring_store(p, v)	   (world_point(), __atomic_store_n(p, v, __ATOMIC_RELAXED))
#define ivring_load_acquire(p)	   (world_point(), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#define ivring_store_release(p, v) (world_point(), __atomic_store_n(p, v, __ATOMIC_RELEASE))

#ifdef WORLD_PUB_BYTES
#undef IVRING_PUB_BYTES
#define IVRING_PUB_BYTES WORLD_PUB_BYTES
#endif

#include <ivring/ring.h>

#define WORLD_MAX_SERIAL 8192
#define WORLD_TYPE	 7

struct world {
	struct ivring_superblock sb;
	unsigned char *region;
	struct ivring_chan_writer *shared;
	struct ivring_reader_line *line;
	struct ivring_writer w;
	struct ivring_reader r;
	uint64_t now; /* of the test's clock */
	uint64_t points;
	void (*on_point)(struct world *world); /* the interrupt; may emit, flush, drain */
	bool is_reading;		       /* the reader's own accesses are no points */
	unsigned int depth;		       /* writers that are running */
	/* oracle */
	uint64_t attempted;
	uint64_t lost;
	uint64_t n_read;
	uint64_t last_tsc;
	uint64_t last_head;
	uint64_t flushed_to; /* resv when a flush was asked for */
	bool was_recorded[WORLD_MAX_SERIAL];
	bool was_read[WORLD_MAX_SERIAL];
	char error[200]; /* the first violation; empty when all is well */
};

static struct world *world_current;

#define world_fail(world, ...)                                                         \
	do {                                                                           \
		if (!(world)->error[0])                                                \
			snprintf((world)->error, sizeof((world)->error), __VA_ARGS__); \
	} while (0)

/* What must hold at any instant, seen from outside. */
static void world_check_shared(struct world *world)
{
	uint64_t head = world->shared->w_head, tail = world->line->r_tail;

	if (head < world->last_head)
		world_fail(world, "head went backwards: %llu after %llu", (unsigned long long)head,
			   (unsigned long long)world->last_head);
	if (head > tail && head - tail > world->w.size && tail <= head)
		world_fail(world, "head %llu is more than the ring before tail %llu",
			   (unsigned long long)head, (unsigned long long)tail);
	world->last_head = head;
}

static void world_point(void)
{
	struct world *world = world_current;

	if (!world || world->is_reading)
		return;
	world->points++;
	world_check_shared(world);
	if (world->on_point)
		world->on_point(world);
}

static uint64_t world_clock(void)
{
	uint64_t tsc;

	world_point();
	tsc = ++world_current->now;
	world_point();
	return tsc;
}

/* A ring of 1 << @subbufs_shift sub-buffers of 1 << @subbuf_shift bytes; smaller
 * than a real region's may be. */
static void world_init(struct world *world, uint32_t subbuf_shift, uint32_t subbufs_shift)
{
	size_t bytes;

	memset(world, 0, sizeof(*world));
	world->sb.nr_channels = 1;
	world->sb.subbuf_shift = subbuf_shift;
	world->sb.subbufs_per_chan_shift = subbufs_shift;
	world->sb.reader_off = ivring_reader_off(1);
	world->sb.reader_len = ivring_reader_len(1);
	world->sb.data_off = world->sb.reader_off + world->sb.reader_len;
	bytes = (size_t)(world->sb.data_off + ivring_chan_bytes(&world->sb));
	world->region = calloc(1, bytes);
	if (!world->region)
		abort();
	world->shared = &((struct ivring_chan *)(world->region + ivring_chan_desc_off(0)))->guest;
	world->line = (struct ivring_reader_line *)(world->region +
						    ivring_reader_line_off(&world->sb, 0));
	world_current = world;
	ivring_writer_init(&world->w, world->region, &world->sb, 0, 1);
	ivring_reader_init(&world->r, world->region, world->region + world->sb.reader_off,
			   &world->sb, 0, 0);
	world->points = 0;
}

static void world_deinit(struct world *world)
{
	world_current = NULL;
	free(world->region);
	world->region = NULL;
}

/* When no writer runs: at most one grain is unpublished, no flush forgotten. */
static void world_check_quiet(struct world *world)
{
	if (world->w.nest || world->w.switch_end)
		world_fail(world, "quiet, but nest is %u and switch_end %llu", world->w.nest,
			   (unsigned long long)world->w.switch_end);
	if ((world->w.resv ^ world->shared->w_head) & ~(uint64_t)(IVRING_PUB_BYTES - 1))
		world_fail(world, "quiet, but more than a grain is unpublished");
	if (world->w.force)
		world_fail(world, "quiet, but a flush request is left behind");
	if (world->shared->w_head < world->flushed_to)
		world_fail(world, "quiet, but the flush published too little");
}

static unsigned char world_byte(uint64_t serial, uint32_t i)
{
	return (unsigned char)(serial * 31 + i * 7 + 1);
}

/* Emit a record of @bytes of payload (8 or more: the serial number comes first). */
static bool world_emit(struct world *world, uint32_t bytes)
{
	static unsigned char payload[IVRING_MAX_NEST + 4][IVRING_REC_MAX_BYTES + 64];
	unsigned char *p = payload[world->depth];
	uint64_t serial = world->attempted++;
	uint32_t i;
	int recorded;

	if (serial >= WORLD_MAX_SERIAL || world->depth > IVRING_MAX_NEST + 2)
		abort();
	memcpy(p, &serial, 8);
	for (i = 8; i < bytes; i++)
		p[i] = world_byte(serial, i);
	world->depth++;
	recorded = ivring_emit(&world->w, WORLD_TYPE, (uint32_t)serial & IVRING_CTX_TID_MASK, p,
			       bytes);
	world->depth--;
	world->was_recorded[serial] = recorded;
	world->lost += !recorded;
	if (!world->depth)
		world_check_quiet(world);
	return recorded;
}

static void world_flush(struct world *world)
{
	world->flushed_to = world->w.resv;
	world->depth++;
	ivring_flush(&world->w);
	world->depth--;
	if (!world->depth)
		world_check_quiet(world);
}

/* One record as the reader got it; returns its size, 0 when it is none. */
static uint32_t world_check_record(struct world *world, const unsigned char *p, uint64_t room)
{
	struct ivring_record rec;
	uint64_t serial;
	uint32_t i, bytes;

	memcpy(&rec, p, sizeof(rec));
	memcpy(&serial, p + sizeof(rec), 8);
	if (rec.size < 24 || rec.size > room || rec.size % 8 || rec.type != WORLD_TYPE ||
	    (rec.ctx & (IVRING_CTX_BUSY | IVRING_CTX_RSV_MASK)) || serial >= world->attempted) {
		world_fail(world, "read what is no committed record: type %u size %u ctx %x",
			   rec.type, rec.size, rec.ctx);
		return 0;
	}
	if (rec.ctx != (serial & IVRING_CTX_TID_MASK))
		world_fail(world, "ctx of another record");
	if (rec.tsc < world->last_tsc)
		world_fail(world, "stamp %llu after %llu", (unsigned long long)rec.tsc,
			   (unsigned long long)world->last_tsc);
	if (world->was_read[serial])
		world_fail(world, "record %llu read twice", (unsigned long long)serial);
	bytes = rec.size - (uint32_t)sizeof(rec);
	for (i = 8; i < bytes; i++)
		if (p[sizeof(rec) + i] != world_byte(serial, i) &&
		    !(i + 8 > bytes && !p[sizeof(rec) + i]))
			world_fail(world, "payload of record %llu differs at %u",
				   (unsigned long long)serial, i);
	world->was_read[serial] = true;
	world->last_tsc = rec.tsc;
	world->n_read++;
	return rec.size;
}

/* Read all that is published.  @do_release: give it back to the writer. */
static void world_drain(struct world *world, bool do_release)
{
	struct ivring_range range;
	int err;

	world->is_reading = true;
	err = ivring_reader_fetch(&world->r);
	while (!err && (err = ivring_reader_next(&world->r, &range)) == 1) {
		err = 0;
		while (range.bytes) {
			uint32_t size = world_check_record(world, world->r.data + range.offset,
							   range.bytes);

			if (!size)
				break;
			range.offset += size;
			range.bytes -= size;
		}
	}
	if (err < 0)
		world_fail(world, "the reader saw a violation at %llu",
			   (unsigned long long)world->r.violation_pos);
	if (do_release)
		ivring_reader_release(&world->r);
	world->is_reading = false;
}

/* At the end: all is read, once, and attempted = recorded + lost by every count. */
static __attribute__((unused)) void world_finish(struct world *world)
{
	uint64_t i, lost, recorded = 0;

	world->on_point = NULL;
	world_flush(world);
	world_drain(world, true);
	lost = world->shared->lost_full + world->shared->lost_nested + world->shared->lost_big;
	for (i = 0; i < world->attempted; i++) {
		recorded += world->was_recorded[i];
		if (world->was_recorded[i] != world->was_read[i])
			world_fail(world, "record %llu: recorded %d, read %d",
				   (unsigned long long)i, world->was_recorded[i],
				   world->was_read[i]);
	}
	if (recorded != world->n_read || recorded != world->shared->events)
		world_fail(world, "recorded %llu, read %llu, counted %llu",
			   (unsigned long long)recorded, (unsigned long long)world->n_read,
			   (unsigned long long)world->shared->events);
	if (recorded + lost != world->attempted || lost != world->lost)
		world_fail(world, "attempted %llu, recorded %llu, lost %llu",
			   (unsigned long long)world->attempted, (unsigned long long)recorded,
			   (unsigned long long)lost);
}

#endif /* TESTS_RING_WORLD_H */
