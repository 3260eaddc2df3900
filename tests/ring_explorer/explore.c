// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *	ring_explorer [SEARCH...]	all searches, or these; LONG=1: deeper
 *	ring_explorer --list
 *
 * A search tries, for each of its steps in turn, each of the step's decisions at
 * each point behind the decision before.  Ends at the first schedule that
 * oracle.c does not like, prints it, and runs it again with every access printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "explorer.h"

struct step {
	unsigned int acts;
	unsigned int span;   /* at most so many points behind the step before; 0: any */
	unsigned int stride; /* each so many points only (0: each): a sample */
};

#define IS_LONG	     1u /* with LONG only */
#define IS_OVERWRITE 2u /* programs of that mode only */

struct search {
	const char *name;
	unsigned int flags;
	struct step steps[MAX_DECISIONS];
};

static const struct program programs[] = {
	{ "discard, drained", false, true, false },
	{ "discard, full", false, false, true },
	{ "overwrite, drained", true, true, false },
	{ "overwrite, unread", true, false, false },
};

#define INTERRUPTS  (ACT_EMIT | ACT_EMIT_BIG | ACT_FLUSH)
#define DEATHS	    (ACT_WRITER_DIES | ACT_PANIC)
#define HOLD	    (ACT_DELAY | ACT_LATE)
#define WHEN_HELD   (INTERRUPTS | ACT_EMIT_FLUSH | ACT_READER | ACT_WRITER_DIES | ACT_WHEN_DELAYED)
#define CONDITIONS  (ACT_WHEN_DELAYED | ACT_AT_CLAIM)
#define COPY_WEAKLY (ACT_COPY_LATE | ACT_COPY_EARLY)

/* clang-format off */
static const struct search searches[] = {
	/* Contexts nest; the reader's turn is a whole pass. */
	{ "interrupts", 0, { { ACT_INTERRUPTS | ACT_READER, 0, 0 },
			     { INTERRUPTS | ACT_READER, 60, 0 } } },
	{ "nesting", 0, { { INTERRUPTS, 0, 4 }, { INTERRUPTS, 20, 0 }, { INTERRUPTS, 20, 2 } } },
	{ "nesting_all", IS_LONG, { { INTERRUPTS | ACT_READER, 0, 0 },
				    { INTERRUPTS | ACT_READER, 40, 0 },
				    { INTERRUPTS | ACT_READER, 40, 3 } } },
	/* The reader stops anywhere, the writer goes on. */
	{ "reader", 0, { { ACT_READER, 0, 0 }, { ACT_RETURN, 0, 0 },
			 { INTERRUPTS | ACT_READER, 30, 0 } } },
	{ "reader_twice", 0, { { ACT_READER, 0, 5 }, { ACT_RETURN, 0, 0 }, { ACT_READER, 0, 7 },
			       { ACT_RETURN, 0, 0 } } },
	/* A nested record goes where the reader copies. */
	{ "reader_torn", IS_OVERWRITE, { { ACT_READER, 0, 4 }, { ACT_RETURN, 0, 2 },
					 { ACT_EMIT | ACT_EMIT_BIG, 0, 0 },
					 { ACT_READER, 30, 0 } } },
	{ "reader_all", IS_LONG, { { ACT_READER, 0, 3 }, { ACT_RETURN, 0, 0 }, { ACT_READER, 0, 3 },
				   { ACT_RETURN, 0, 0 }, { INTERRUPTS, 0, 29 } } },
	/* Stores and copies out of order. */
	{ "weak", 0, { { HOLD, 0, 0 }, { WHEN_HELD | ACT_STORM, 0, 0 },
		       { ACT_READER | DEATHS | ACT_WHEN_DELAYED, 0, 0 } } },
	{ "weak_nested", 0, { { INTERRUPTS, 0, 5 }, { HOLD, 60, 0 }, { WHEN_HELD, 0, 0 } } },
	{ "weak_claim", IS_OVERWRITE, { { ACT_READER, 0, 3 }, { ACT_RETURN, 0, 2 },
					{ HOLD | ACT_AT_CLAIM, 0, 0 },
					{ ACT_EMIT | ACT_READER | ACT_WHEN_DELAYED, 0, 0 },
					{ ACT_READER | ACT_WHEN_DELAYED, 40, 0 } } },
	{ "weak_all", IS_LONG, { { INTERRUPTS, 0, 3 }, { HOLD, 60, 0 }, { WHEN_HELD, 0, 0 },
				 { WHEN_HELD & ~ACT_WHEN_DELAYED, 60, 0 } } },
	{ "weak_reader", 0, { { ACT_READER, 0, 0 }, { COPY_WEAKLY, 0, 0 }, { ACT_RETURN, 0, 0 },
			      { ACT_READER, 0, 29 } } },
	/* Death. */
	{ "writer_dies", 0, { { INTERRUPTS, 0, 0 }, { DEATHS, 60, 0 } } },
	{ "writer_dies_all", IS_LONG, { { INTERRUPTS, 0, 0 }, { INTERRUPTS, 60, 0 },
					{ ACT_WRITER_DIES, 60, 0 } } },
	{ "reader_dies", 0, { { ACT_READER, 0, 0 }, { ACT_READER_DIES, 0, 0 },
			      { ACT_READER | ACT_WRITER_DIES, 0, 29 }, { ACT_READER_DIES, 0, 0 } } },
	{ "reader_dies_all", IS_LONG, { { ACT_READER, 0, 0 }, { ACT_READER_DIES | ACT_RETURN, 0, 0 },
					{ ACT_READER | ACT_WRITER_DIES, 0, 0 },
					{ ACT_READER_DIES, 0, 0 } } },
};
/* clang-format on */

#define N_SEARCHES (sizeof(searches) / sizeof(searches[0]))
#define N_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static const char *act_name(unsigned int act)
{
	static const char *const names[] = { "emit",	   "emit_big",	  "flush",	 "reader",
					     "return",	   "writer_dies", "reader_dies", "delay",
					     "late",	   "copy_late",	  "copy_early",	 "storm",
					     "emit_flush", "panic" };

	return names[__builtin_ctz(act)];
}

static struct schedule schedule;
static uint16_t can[MAX_DECISIONS + 1][MAX_POINTS];
static uint64_t n_schedules, n_points;

static void run(const struct search *search, const struct program *program, unsigned int depth)
{
	unsigned int i;

	schedule.n = depth;
	schedule.can = can[depth];
	machine_run(program, &schedule, false);
	n_schedules++;
	n_points += schedule.n_points;
	if (!world.error[0])
		return;
	machine_run(program, &schedule, true);
	fprintf(stderr, "ring_explorer: %s\n  search %s, program %s:", world.error, search->name,
		program->name);
	for (i = 0; i < depth; i++)
		fprintf(stderr, " %s at %u", act_name(schedule.decisions[i].act),
			schedule.decisions[i].at);
	fputc('\n', stderr);
	exit(1);
}

static void explore(const struct search *search, const struct program *program, unsigned int depth)
{
	const struct step *step = &search->steps[depth];
	unsigned int at = depth ? schedule.decisions[depth - 1].at + 1 : 0, end, act;

	run(search, program, depth);
	end = schedule.n_points;
	if (step->span && end > at + step->span)
		end = at + step->span;
	if (depth == MAX_DECISIONS || !step->acts)
		return;
	for (; at < end; at += step->stride ? step->stride : 1) {
		unsigned int left = can[depth][at] & step->acts & ~CONDITIONS;

		if (step->acts & CONDITIONS & ~can[depth][at])
			continue;
		for (; left; left &= left - 1) {
			act = left & -left;
			schedule.decisions[depth].at = at;
			schedule.decisions[depth].act = act;
			explore(search, program, depth + 1);
		}
	}
}

static double cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void run_search(const struct search *search)
{
	double start = cpu_s();
	unsigned int i;

	n_schedules = n_points = 0;
	for (i = 0; i < N_PROGRAMS; i++)
		if (programs[i].is_overwrite || !(search->flags & IS_OVERWRITE))
			explore(search, &programs[i], 0);
	printf("%-15s %9llu schedules, %11llu points, %5.1f s of CPU time\n", search->name,
	       (unsigned long long)n_schedules, (unsigned long long)n_points, cpu_s() - start);
	fflush(stdout);
}

static bool is_wanted(const struct search *search, int argc, char **argv)
{
	int i;

	if (argc < 2)
		return !(search->flags & IS_LONG) || getenv("LONG");
	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], search->name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	unsigned int i, n = 0;

	for (i = 0; i < N_SEARCHES; i++) {
		if (!is_wanted(&searches[i], argc, argv))
			continue;
		run_search(&searches[i]);
		n++;
	}
	if (!n)
		fprintf(stderr, "ring_explorer: no such search\n");
	return n ? 0 : 1;
}
