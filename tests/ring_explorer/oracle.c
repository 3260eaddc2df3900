// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must hold at each point, when all is quiet, and at the end.  Everything
 * is judged by what was attempted and where it was reserved, not by what ring.h
 * says of itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "explorer.h"

typedef unsigned long long ull;

static unsigned char payload_byte(unsigned int serial, uint32_t i)
{
	return (unsigned char)(serial * 31 + i * 7 + 1);
}

void oracle_payload(unsigned int serial, uint32_t bytes, unsigned char *ret)
{
	uint64_t number = serial;
	uint32_t i;

	memcpy(ret, &number, sizeof(number));
	for (i = sizeof(number); i < bytes; i++)
		ret[i] = payload_byte(serial, i);
}

/* Is the record that @attempt reserved whole in the ring? */
static bool is_committed(const struct attempt *attempt)
{
	unsigned int serial = (unsigned int)(attempt - world.attempts);
	const unsigned char *p = world.data + (attempt->pos & (DATA_BYTES - 1));
	unsigned char want[64] = { 0 };
	struct ivring_record rec;

	memcpy(&rec, p, sizeof(rec));
	oracle_payload(serial, attempt->bytes, want);
	return rec.type == RECORD_TYPE && rec.size == attempt->need && rec.ctx == serial &&
	       !memcmp(p + sizeof(rec), want, attempt->need - sizeof(rec));
}

void oracle_check_head(void)
{
	uint64_t head = world.chan->guest.w_head, tail = world.line->r_tail;
	uint64_t from = world.last_head, claim = world.chan->guest.w_claim;
	unsigned int i;

	if (world.program->is_overwrite && claim > from + world.w.size)
		from = claim - world.w.size; /* overwritten before it was published */

	if (head < world.last_head)
		world_fail("head went backwards: %llu after %llu", (ull)head, (ull)world.last_head);
	if (!world.program->is_overwrite && head > tail && head - tail > world.w.size)
		world_fail("head %llu is more than the ring before tail %llu", (ull)head,
			   (ull)tail);
	for (i = 0; i < world.n_attempts; i++) {
		const struct attempt *attempt = &world.attempts[i];

		if (attempt->is_reserved && attempt->pos >= from && attempt->pos < head &&
		    !is_committed(attempt))
			world_fail("record %u is published, and not committed", i);
	}
	world.last_head = head;
}

void oracle_check_quiet(void)
{
	const struct ivring_writer *w = &world.w;
	const struct ivring_chan_writer *shared = &world.chan->guest;

	if (w->nest || w->switch_end)
		world_fail("quiet, but nest is %u and switch_end %llu", w->nest,
			   (unsigned long long)w->switch_end);
	if ((w->resv ^ shared->w_head) & ~(uint64_t)(IVRING_PUB_BYTES - 1))
		world_fail("quiet, but more than a grain is unpublished");
	if (w->force)
		world_fail("quiet, but a flush request is left behind");
	if (shared->w_head < world.flushed_to)
		world_fail("quiet, but the flush published too little");
	if (shared->w_head > w->resv)
		world_fail("quiet, but what was not reserved is published");
}

void oracle_check_fetched(void)
{
	uint64_t lost = world.r.lost_full + world.r.lost_nested + world.r.lost_big;
	unsigned int i;

	for (i = 0; i < world.n_attempts; i++) {
		const struct attempt *attempt = &world.attempts[i];

		if (attempt->is_reserved && attempt->pos < world.r.head &&
		    attempt->n_lost_before > lost)
			world_fail("head %llu came without the losses before it",
				   (ull)world.r.head);
	}
}

void oracle_passed_over(uint64_t from, bool at_begin)
{
	uint64_t to = world.r.tail, size = world.w.size, subbuf = world.w.subbuf, gone;
	struct gap *gap = &world.gaps[world.n_gaps];

	if (at_begin) /* two sub-buffers' room before the writer */
		gone = world.r.head + 2 * subbuf;
	else
		gone = world.chan->guest.w_claim;
	gone = gone > size ? (gone - size + subbuf - 1) & ~(subbuf - 1) : 0;
	if (at_begin && to < gone)
		world_fail("snapshot begins at %llu, the writer is next there", (ull)to);
	if (to == from && at_begin)
		return;
	if (to <= from || to > gone)
		world_fail("snapshot passed over %llu..%llu, gone is what is before %llu",
			   (ull)from, (ull)to, (ull)gone);
	if (world.n_gaps == sizeof(world.gaps) / sizeof(world.gaps[0]))
		abort();
	gap->from = from;
	gap->to = to;
	world.n_gaps++;
	world.gap_bytes += to - from;
	if (world.gap_bytes != world.r.overwritten)
		world_fail("snapshot counts %llu bytes overwritten, were %llu",
			   (ull)world.r.overwritten, (ull)world.gap_bytes);
}

/* ---- the end ------------------------------------------------------------------------ */

static bool is_in_gap(uint64_t pos)
{
	unsigned int i;

	for (i = 0; i < world.n_gaps; i++)
		if (pos >= world.gaps[i].from && pos < world.gaps[i].to)
			return true;
	return false;
}

/* One record of the file, at @p; returns its size, 0 when it is none. */
static uint32_t check_record(const unsigned char *p, uint32_t room, uint64_t *last_tsc,
			     uint64_t *next_pos)
{
	struct ivring_record rec;
	struct attempt *attempt;
	unsigned char want[64] = { 0 };
	uint64_t serial;

	if (room < 24)
		return 0;
	memcpy(&rec, p, sizeof(rec));
	memcpy(&serial, p + sizeof(rec), sizeof(serial));
	if (serial >= world.n_attempts || rec.type != RECORD_TYPE || rec.ctx != serial)
		return 0;
	attempt = &world.attempts[serial];
	if (!attempt->is_reserved || rec.size != attempt->need || rec.size > room)
		return 0;
	oracle_payload((unsigned int)serial, attempt->bytes, want);
	if (memcmp(p + sizeof(rec), want, rec.size - sizeof(rec)) != 0)
		world_fail("record %llu is torn", (ull)serial);
	if (attempt->is_read)
		world_fail("record %llu came twice", (ull)serial);
	if (attempt->pos < *next_pos)
		world_fail("record %llu is out of order", (ull)serial);
	if (rec.tsc < *last_tsc)
		world_fail("stamp %llu after %llu", (ull)rec.tsc, (ull)*last_tsc);
	attempt->is_read = true;
	*last_tsc = rec.tsc;
	*next_pos = attempt->pos + attempt->need;
	return rec.size;
}

static void check_file(void)
{
	uint64_t last_tsc = 0, next_pos = 0;
	uint32_t at, size;

	for (at = 0; at < world.file_bytes; at += size) {
		size = check_record(world.file + at, world.file_bytes - at, &last_tsc, &next_pos);
		if (!size) {
			world_fail("read what is no committed record, at byte %u", at);
			return;
		}
	}
}

static void check_counts(void)
{
	const struct ivring_chan_writer *shared = &world.chan->guest;
	uint64_t lost = shared->lost_full + shared->lost_nested + shared->lost_big, recorded = 0;
	unsigned int i;

	for (i = 0; i < world.n_attempts; i++)
		recorded += world.attempts[i].is_recorded;
	if (shared->w_head != world.w.resv)
		world_fail("not all is published: head %llu, reserved %llu", (ull)shared->w_head,
			   (ull)world.w.resv);
	if (recorded + lost != world.n_attempts || lost != world.n_lost)
		world_fail("attempted %u, recorded %llu, lost %llu", world.n_attempts,
			   (ull)recorded, (ull)lost);
	if (recorded != shared->events)
		world_fail("recorded %llu, counted %llu", (ull)recorded, (ull)shared->events);
	if (world.r.lost_full + world.r.lost_nested + world.r.lost_big != lost)
		world_fail("the reader counts other losses");
	if (subject_needs_flush(&world.w))
		world_fail("flushed, and needs a flush");
}

/* Must the reader have it?  What is published is committed. */
static bool is_expected(const struct attempt *attempt)
{
	if (!attempt->is_reserved || is_in_gap(attempt->pos))
		return false;
	if (world.is_dead)
		return attempt->pos < world.chan->guest.w_head || attempt->is_salvageable;
	return attempt->is_recorded;
}

void oracle_check_end(void)
{
	unsigned int i;

	check_file();
	for (i = 0; i < world.n_attempts; i++) {
		const struct attempt *attempt = &world.attempts[i];

		if (attempt->is_read != is_expected(attempt))
			world_fail("record %u: expected %d, read %d", i, is_expected(attempt),
				   attempt->is_read);
	}
	if (!world.is_dead)
		check_counts();
	if (world.r.violations)
		world_fail("the reader counts %llu violations", (ull)world.r.violations);
}
