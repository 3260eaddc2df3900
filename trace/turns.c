// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a guest's TSC was set back.  A history alone cannot tell that from a
 * guest that was stopped and went on with the stamp it had: both have an entry
 * that begins at a guest stamp which the one before has passed.  The order of the
 * records can: only where the TSC was set back do stamps go back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/abi.h>
#include "trace/stream_file.h"

/* Less than this is no write to a TSC: an interrupt between reading a stamp and
 * reserving the record's place does it. */
#define BACK_SLACK_TSC (1u << 14)
/* How late an entry may begin: the instant of one that was polled for is that of
 * the poll. */
#define LATE_EXACT_TSC	(1u << 14)
#define LATE_POLLED_TSC (1u << 28)
/* A guest that only pretends is not searched for long. */
#define MAX_FAILED_SEARCHES 256
#define MAX_TURNS	    IVT_MAX_PARTS

static bool is_exact(const struct tsc_sync_entry *entry)
{
	return entry->source != TSC_SYNC_HANDSHAKE && entry->source != TSC_SYNC_ARRIVAL;
}

/* Where entry @i of @map takes over: the stamps of its predecessor and its own. */
static bool step_of(const struct ivt_clock_map *map, size_t i, uint64_t *ret_end,
		    uint64_t *ret_start)
{
	const struct tsc_sync_entry *entry = &map->history[i];

	return is_exact(entry) &&
	       !tsc_sync_host_to_guest(&entry[-1].scale, entry->from_host_tsc, ret_end) &&
	       !tsc_sync_host_to_guest(&entry->scale, entry->from_host_tsc, ret_start) &&
	       (int64_t)(*ret_end - *ret_start) > (int64_t)BACK_SLACK_TSC;
}

static bool has_step_back(const struct ivt_clock_map *map)
{
	uint64_t end, start;

	for (size_t i = 1; i < map->n_history; i++)
		if (step_of(map, i, &end, &start))
			return true;
	return false;
}

/*
 * The entry behind @first that explains best why a stamp of @before is followed
 * by one of @after: it begins between the two, with the least time left over.
 * 0: there is none.
 */
static size_t step_find(const struct ivt_clock_map *map, size_t first, uint64_t before,
			uint64_t after)
{
	int64_t best_gap = INT64_MAX;
	size_t best = 0;

	for (size_t i = first + 1; i < map->n_history; i++) {
		uint32_t source = map->history[i].source;
		int64_t late = source == TSC_SYNC_BPF || source == TSC_SYNC_STAP ? LATE_EXACT_TSC
										 : LATE_POLLED_TSC;
		int64_t to_step, from_step;
		uint64_t end, start;

		if (!step_of(map, i, &end, &start))
			continue;
		if (late > (int64_t)(end - start) / 2)
			late = (int64_t)(end - start) / 2;
		to_step = (int64_t)(end - before);
		from_step = (int64_t)(after - start);
		if (to_step < -late || from_step < -late)
			continue;
		if (to_step > INT64_MAX / 2 || from_step > INT64_MAX / 2 ||
		    to_step + from_step >= best_gap)
			continue;
		best_gap = to_step + from_step;
		best = i;
	}
	return best;
}

/* Stamps above this are none of any entry: damage, or lies. */
static uint64_t stamp_limit(const struct ivt_stream_file *f)
{
	const struct ivt_clock_map *map = &f->map;
	uint64_t tsc, guest_tsc, most = 0;

	if (!f->limit_ns ||
	    tsc_sync_mono_to_tsc(map->snapshots, map->n_snapshots, f->limit_ns, &tsc))
		return UINT64_MAX;
	for (size_t i = 0; i < map->n_history; i++)
		if (!tsc_sync_host_to_guest(&map->history[i].scale, tsc, &guest_tsc) &&
		    guest_tsc > most)
			most = guest_tsc;
	return most;
}

/* ---- the search ---------------------------------------------------------------- */

struct search {
	struct ivt_stream_file *file;
	struct ivt_turn *turns;
	size_t n;
	size_t *entries; /* of the turns */
	uint64_t most;	 /* stamp since the last turn */
	uint64_t limit;
	unsigned int failed;
};

static int turn_add(struct search *s, size_t packet, uint32_t at_bytes, size_t entry)
{
	void *turns, *entries;

	if ((s->n & (s->n - 1)) == 0) {
		size_t n = s->n ? s->n * 2 : 1;

		turns = realloc(s->turns, n * sizeof(*s->turns));
		if (!turns)
			return -ENOMEM;
		s->turns = turns;
		entries = realloc(s->entries, n * sizeof(*s->entries));
		if (!entries)
			return -ENOMEM;
		s->entries = entries;
	}
	s->turns[s->n] = (struct ivt_turn){ .packet = packet, .at_bytes = at_bytes };
	s->entries[s->n++] = entry;
	return 0;
}

/* A record's stamp, at @at_bytes of @packet's records. 0 or -ENOMEM. */
static int stamp_see(struct search *s, size_t packet, uint32_t at_bytes, uint64_t raw)
{
	size_t entry;
	int ret;

	if (raw > s->limit)
		return 0;
	if (raw >= s->most) {
		s->most = raw;
		return 0;
	}
	if (s->most - raw <= BACK_SLACK_TSC || s->failed >= MAX_FAILED_SEARCHES ||
	    s->n >= MAX_TURNS)
		return 0;
	entry = step_find(&s->file->map, s->n ? s->entries[s->n - 1] : 0, s->most, raw);
	if (!entry) {
		s->failed++;
		return 0;
	}
	ret = turn_add(s, packet, at_bytes, entry);
	if (!ret)
		s->most = raw;
	return ret;
}

/* A packet whose header says its bounds has its records in order. */
static bool packet_bounds(const struct ivt_stream_file *f, size_t packet, uint64_t *ret_begin,
			  uint64_t *ret_end)
{
	struct ivt_packet_header h;

	if (!(f->packets[packet].flags & IVT_PACKET_BOUNDS))
		return false;
	memcpy(&h, ivt_packet_at(f, packet), sizeof(h));
	*ret_begin = h.timestamp_begin;
	*ret_end = h.timestamp_end;
	return h.timestamp_begin <= h.timestamp_end;
}

static int packet_search(struct search *s, struct ivt_walk *walk, size_t packet)
{
	const struct ivt_packet_ref *ref = &s->file->packets[packet];
	const uint8_t *start = ivt_packet_at(s->file, packet) + sizeof(struct ivt_packet_header);
	struct ivt_event event;
	uint64_t begin, end;
	int ret;

	if (ref->record_bytes == 0)
		return 0;
	if (packet_bounds(s->file, packet, &begin, &end)) {
		ret = stamp_see(s, packet, 0, begin);
		return ret ? ret : stamp_see(s, packet, 0, end);
	}
	ivt_walk_jump(walk, packet);
	ret = 0;
	while (!ret && ivt_walk_next(walk, &event) && walk->packet == packet + 1)
		ret = stamp_see(s, packet,
				(uint32_t)(walk->at - start) -
					(uint32_t)sizeof(struct ivring_record) -
					event.payload_bytes,
				event.raw);
	return ret;
}

/* ---- the parts of the history ----------------------------------------------------- */

/* The map of entries [@from, @to) of the whole one. */
static struct ivt_clock_map map_part(const struct ivt_clock_map *whole,
				     struct ivt_clock_reach *reach, size_t from, size_t to)
{
	struct ivt_clock_map part = *whole;

	part.history = whole->history + from;
	part.n_history = to - from;
	part.reach = reach + from;
	ivt_clock_reach_fill(part.history, part.n_history, reach + from);
	return part;
}

static int turns_take(struct search *s)
{
	struct ivt_stream_file *f = s->file;
	const struct ivt_clock_map whole = f->map;

	f->turn_reach = calloc(whole.n_history, sizeof(*f->turn_reach));
	if (!f->turn_reach)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		s->turns[i].map = map_part(&whole, f->turn_reach, s->entries[i],
					   i + 1 < s->n ? s->entries[i + 1] : whole.n_history);
	f->map = map_part(&whole, f->turn_reach, 0, s->entries[0]);
	f->turns = s->turns;
	f->n_turns = s->n;
	s->turns = NULL;
	return 0;
}

int ivt_turns_find(struct ivt_stream_file *f)
{
	struct search s = { .file = f };
	struct ivt_clock_map map = f->map;
	uint64_t limit_ns = f->limit_ns;
	struct ivt_walk walk;
	int ret = 0;

	if (map.kind != IVT_MAP_TSC || map.n_history < 2 || !has_step_back(&map))
		return 0;
	s.limit = stamp_limit(f);
	/* stamps as they are: where they belong is what is being asked */
	f->map.kind = IVT_MAP_NS;
	f->limit_ns = 0;
	ivt_walk_init(&walk, f);
	for (size_t i = 0; i < f->n_packets && !ret; i++)
		ret = packet_search(&s, &walk, i);
	f->map = map;
	f->limit_ns = limit_ns;
	if (!ret && s.n)
		ret = turns_take(&s);
	free(s.turns);
	free(s.entries);
	return ret;
}
