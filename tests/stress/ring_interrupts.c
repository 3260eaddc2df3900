// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every way in which up to three interrupts can hit the writer of a tiny ring:
 * at each shared access of ring.h a nested record, a flush, or the reader's turn
 * is tried, and at each access of the nested one again.  After every schedule
 * the oracle of ring_world.h must be content.
 *
 *	ring_interrupts [DEPTH]		1..3 interrupts (default 2, and 3 by sample)
 *
 * Records are small and sub-buffers hold two or three of them, so that a run
 * of a dozen records sees switches, gaps, a full ring and several laps.
 */
#define WORLD_PUB_BYTES 64
#include "ring_world.h"

enum action {
	ACT_EMIT,
	ACT_EMIT_BIG,
	ACT_FLUSH,
	ACT_DRAIN,
	ACT_HOLD,
	N_ACTIONS
};
static const char *const action_names[] = { "emit", "emit big", "flush", "drain", "drain, hold" };

#define MAX_INTERRUPTS 3

struct schedule {
	unsigned int n;
	uint64_t at[MAX_INTERRUPTS];
	enum action action[MAX_INTERRUPTS];
};

static struct schedule schedule;
static unsigned int next_interrupt;

static void interrupt(struct world *world)
{
	while (next_interrupt < schedule.n && schedule.at[next_interrupt] == world->points) {
		enum action action = schedule.action[next_interrupt++];

		switch (action) {
		case ACT_EMIT:
			world_emit(world, 8);
			break;
		case ACT_EMIT_BIG:
			world_emit(world, 40);
			break;
		case ACT_FLUSH:
			world_flush(world);
			break;
		case ACT_DRAIN:
		case ACT_HOLD:
			world_drain(world, action == ACT_DRAIN);
			break;
		default:
			abort();
		}
	}
}

/* The interrupted program.  Returns the number of points passed. */
static uint64_t run(struct world *world, int variant)
{
	static const uint32_t sizes[] = { 8, 16, 8, 40, 24, 8, 8, 48, 8, 16, 8, 8 };
	unsigned int i;

	world_init(world, 7, 2);
	world->on_point = interrupt;
	next_interrupt = 0;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		world_emit(world, sizes[i]);
		if (variant == 0 && i % 3 == 2)
			world_drain(world, true);
		if (variant == 1 && i == 8)
			world_drain(world, true); /* the ring was full before */
		if (i == 6)
			world_flush(world);
	}
	return world->points;
}

static struct world world;
static uint64_t n_schedules;

static void try_schedule(int variant)
{
	unsigned int i;

	run(&world, variant);
	world_finish(&world);
	n_schedules++;
	if (world.error[0]) {
		fprintf(stderr, "ring_interrupts: %s\n  variant %d, interrupts:", world.error,
			variant);
		for (i = 0; i < schedule.n; i++)
			fprintf(stderr, " %s at %llu", action_names[schedule.action[i]],
				(unsigned long long)schedule.at[i]);
		fputc('\n', stderr);
		exit(1);
	}
	world_deinit(&world);
}

/* All schedules of @n interrupts; those of index >= 1 up to @span points after
 * the one before (a nested one passes some forty points). */
static void explore(int variant, unsigned int n, unsigned int index, uint64_t from, uint64_t to,
		    uint64_t span, uint64_t step)
{
	uint64_t at;
	int action;

	if (index == n) {
		try_schedule(variant);
		return;
	}
	schedule.n = n;
	for (at = from; at < to; at += step) {
		for (action = 0; action < N_ACTIONS; action++) {
			schedule.at[index] = at;
			schedule.action[index] = (enum action)action;
			explore(variant, n, index + 1, at + 1, at + 1 + span, span, step);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int depth = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	int variant;

	for (variant = 0; variant < 2; variant++) {
		uint64_t points;

		schedule.n = 0;
		points = run(&world, variant);
		world_deinit(&world);
		try_schedule(variant);
		explore(variant, 1, 0, 1, points + 1, 0, 1);
		if (depth != 1)
			explore(variant, 2, 0, 1, points + 1, 60, 1);
		if (!depth) /* a sample: each second point, near by */
			explore(variant, 3, 0, 1 + (uint64_t)variant, points + 1, 16, 2);
		if (depth >= 3)
			explore(variant, 3, 0, 1, points + 1, 60, 1);
		printf("variant %d: %llu points, %llu schedules\n", variant,
		       (unsigned long long)points, (unsigned long long)n_schedules);
	}
	return 0;
}
