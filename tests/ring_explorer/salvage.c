// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After the writer's death: what salvage.h finds behind the head, and what it
 * must find by what was reserved and by what is in memory.
 */
#include <stdio.h>
#include <string.h>
#include "explorer.h"
#include <ivring/salvage.h>

/* How a reservation looks. */
enum state {
	STATE_NOT_WRITTEN,
	STATE_BUSY,
	STATE_COMMITTED
};

static enum state state_of(const struct attempt *attempt)
{
	struct ivring_record rec;

	memcpy(&rec, world.data + (attempt->pos & (DATA_BYTES - 1)), sizeof(rec));
	if (rec.type != RECORD_TYPE || rec.size != attempt->need ||
	    (rec.ctx & ~IVRING_CTX_BUSY) != (uint32_t)(attempt - world.attempts))
		return STATE_NOT_WRITTEN;
	return rec.ctx & IVRING_CTX_BUSY ? STATE_BUSY : STATE_COMMITTED;
}

/* The attempt that reserved the first record at or behind @pos, before @end. */
static struct attempt *attempt_behind(uint64_t pos, uint64_t end)
{
	struct attempt *first = NULL;
	unsigned int i;

	for (i = 0; i < world.n_attempts; i++) {
		struct attempt *attempt = &world.attempts[i];

		if (attempt->is_reserved && attempt->pos >= pos && attempt->pos < end &&
		    (!first || attempt->pos < first->pos))
			first = attempt;
	}
	return first;
}

static bool has_header(uint64_t base)
{
	struct ivring_subbuf header;

	memcpy(&header, world.data + (base & (DATA_BYTES - 1)), sizeof(header));
	return header.magic == IVRING_SUBBUF_MAGIC && header.version == IVRING_VERSION_MAJOR &&
	       header.hdr_len == IVRING_SUBBUF_HDR_BYTES && header.seq == base / world.w.subbuf &&
	       header.guest_epoch == world.w.epoch;
}

/* Mark what can be found in the sub-buffer at @base; returns how many are BUSY. */
static unsigned int mark_chain(uint64_t base)
{
	uint64_t pos = base > world.r.head ? base : world.r.head;
	struct attempt *attempt;
	unsigned int n_busy = 0;

	for (; (attempt = attempt_behind(pos, base + world.w.subbuf));
	     pos = attempt->pos + attempt->need) {
		enum state state = state_of(attempt);

		if (state == STATE_NOT_WRITTEN)
			break; /* the chain ends */
		n_busy += state == STATE_BUSY;
		attempt->is_salvageable = state == STATE_COMMITTED;
	}
	return n_busy;
}

static unsigned int mark_salvageable(void)
{
	uint64_t base = world.r.head & ~(uint64_t)(world.w.subbuf - 1);
	unsigned int n_busy = 0;

	for (; base < world.w.resv; base += world.w.subbuf) {
		if (!has_header(base)) {
			if (base + world.w.subbuf < world.w.resv &&
			    has_header(base + world.w.subbuf))
				world_fail("sub-buffer at %llu was left without a header",
					   (unsigned long long)base);
			break;
		}
		n_busy += mark_chain(base);
	}
	return n_busy;
}

static void append(const unsigned char *from, uint64_t bytes)
{
	if (world.file_bytes + bytes > sizeof(world.file)) {
		world_fail("salvage finds more than can be");
		return;
	}
	memcpy(world.file + world.file_bytes, from, bytes);
	world.file_bytes += (uint32_t)bytes;
}

void oracle_salvage(void)
{
	unsigned char copy[1 << SUBBUF_SHIFT];
	unsigned int n_busy = mark_salvageable();
	struct ivring_salvage_run run;
	struct ivring_salvage salvage;
	struct ivring_range range;

	ivring_salvage_init(&salvage, &world.r, world.program->is_overwrite, 1, world.now, NULL);
	while (ivring_salvage_next_subbuf(&salvage, &range)) {
		if (range.offset + range.bytes > DATA_BYTES || range.bytes > sizeof(copy)) {
			world_fail("salvage asks for a range outside of the channel");
			return;
		}
		memcpy(copy, world.data + range.offset, range.bytes);
		while (ivring_salvage_next_run(&salvage, copy, &run))
			append(copy + run.offset, run.bytes);
	}
	/* Without its header nobody counts what is BUSY in a sub-buffer. */
	if (salvage.n_busy > n_busy || (salvage.n_busy != n_busy && !world.is_dead_weak))
		world_fail("salvage counts %llu BUSY, were %u", (unsigned long long)salvage.n_busy,
			   n_busy);
}
