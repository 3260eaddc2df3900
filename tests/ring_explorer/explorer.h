/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An explorer of schedules for the real ring.h.  The pieces:
 *
 *	subject.c	ring.h, compiled with -fsanitize=thread: the compiler
 *			puts a call before each access to memory
 *	hooks.c		these calls; there is no ThreadSanitizer behind them
 *	machine.c	one CPU with nested interrupts, a reader on a stack of its
 *			own, and stores that become visible late
 *	held.c		the stores that are held back for that
 *	oracle.c	what was done, and what must have come out
 *	salvage.c	what must be found after the writer's death
 *	explore.c	searches: which decisions are taken at which points
 *
 * A run is a program (a dozen records) and a schedule: a few decisions, each at
 * a numbered point.  Everything else takes its default course, so the same
 * schedule gives the same run, and a search needs no saved states.
 *
 * Weak ordering, one model for compilers and machines.  A store that is
 * "delayed" is seen by its own context only, until that context's next barrier
 * of any kind; one that is "late" is seen by its whole CPU but not by the reader,
 * until the next write barrier or release.  Read-modify-writes are single
 * instructions: never delayed, and no barriers.  The reader's copying may be
 * done late (until its next read barrier or release) or early (after its last
 * read barrier or acquire).
 */
#ifndef TESTS_RING_EXPLORER_H
#define TESTS_RING_EXPLORER_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ivring/abi.h>

/* A grain, so that a run of a dozen records sees some. */
#undef IVRING_PUB_BYTES
#define IVRING_PUB_BYTES 64
#define IVRING_CLOCK()	 explorer_clock()
uint64_t explorer_clock(void);
#include <ivring/ring.h>

/* ---- hooks.c calls these in machine.c -------------------------------------- */

enum access {
	ACCESS_LOAD,
	ACCESS_STORE,
	ACCESS_UPDATE
};

enum barrier {
	BARRIER_COMPILER,
	BARRIER_ACQUIRE, /* of a load */
	BARRIER_RELEASE, /* of a store */
	BARRIER_WRITES,
	BARRIER_READS
};

void explorer_access(enum access access, const void *addr, size_t bytes);
void explorer_barrier(enum barrier barrier);
/* Where a load of @addr takes its value from: there, or an earlier state. */
const void *explorer_source(const void *addr);
/* A compare and swap of @addr has put @value there. */
void explorer_swapped(const void *addr, uint64_t value);

/* ---- subject.c: ring.h as a library ---------------------------------------- */

int subject_emit(struct ivring_writer *w, uint16_t type, uint32_t ctx, const void *payload,
		 uint32_t bytes);
void subject_flush(struct ivring_writer *w);
int subject_needs_flush(const struct ivring_writer *w);
int subject_fetch(struct ivring_reader *r);
int subject_next(struct ivring_reader *r, struct ivring_range *ret);
void subject_release(struct ivring_reader *r);
int subject_snapshot_begin(struct ivring_reader *r);
int subject_snapshot_next(struct ivring_reader *r, struct ivring_range *ret);
int subject_snapshot_accept(struct ivring_reader *r);

/* ---- schedules ---------------------------------------------------------------- */

/* One bit each: what may be decided at a point. */
#define ACT_EMIT	0x0001u /* an interrupt writes a small record */
#define ACT_EMIT_BIG	0x0002u /* or a big one */
#define ACT_FLUSH	0x0004u /* or is the flush timer */
#define ACT_STORM	0x0800u /* or writes more than the ring holds */
#define ACT_EMIT_FLUSH	0x1000u /* or writes and then flushes */
#define ACT_READER	0x0008u /* the reader goes on (by default: to the end of its pass) */
#define ACT_RETURN	0x0010u /* the reader stops here, the writer goes on */
#define ACT_WRITER_DIES 0x0020u
#define ACT_PANIC	0x2000u /* the same, and it says where it stopped */
#define ACT_READER_DIES 0x0040u /* a new one starts from the journal */
#define ACT_DELAY	0x0080u /* this store is delayed */
#define ACT_LATE	0x0100u /* this store is late */
#define ACT_COPY_LATE	0x0200u /* this range and the next ones */
#define ACT_COPY_EARLY	0x0400u /* what is copied next is what is there now */
/* Conditions of a search's step. */
#define ACT_AT_CLAIM	 0x4000u /* only at stores of w_claim */
#define ACT_WHEN_DELAYED 0x8000u /* only while a store is held back */

#define ACT_INTERRUPTS (ACT_EMIT | ACT_EMIT_BIG | ACT_FLUSH | ACT_STORM | ACT_EMIT_FLUSH)

#define MAX_DECISIONS 6
#define MAX_POINTS    8192

struct decision {
	unsigned int at;
	unsigned int act;
};

struct schedule {
	unsigned int n;
	struct decision decisions[MAX_DECISIONS];
	/* Output: n_points, and from the last decision on, what could be done. */
	unsigned int n_points;
	uint16_t *can;
};

/* A program: records of these payload sizes, in this mode. */
struct program {
	const char *name;
	bool is_overwrite;
	bool is_drained; /* the reader takes all after each third record */
	bool is_emptied; /* the reader takes all once, when the ring was full */
};

/* ---- machine.c ------------------------------------------------------------------ */

#define SUBBUF_SHIFT  7 /* two or three records */
#define SUBBUFS_SHIFT 2
#define DATA_BYTES    (1u << (SUBBUF_SHIFT + SUBBUFS_SHIFT))
#define MAX_LEVELS    4 /* task, softirq, hardirq, NMI */
#define MAX_RECORDS   128
#define RECORD_TYPE   7

/* A record as it was attempted. */
struct attempt {
	uint32_t bytes;		/* of payload */
	uint32_t need;		/* of the ring */
	uint64_t pos;		/* when is_reserved */
	uint64_t n_lost_before; /* losses that were counted then */
	bool is_reserved;
	bool is_recorded; /* ivring_emit() has returned and said so */
	bool is_read;
	bool is_salvageable;
};

/* What the reader makes durable: its file, its journal.  Counts, not bytes. */
struct journal {
	uint64_t tail;
	uint32_t file_bytes;
	unsigned int n_gaps;
};

struct gap {
	uint64_t from;
	uint64_t to;
};

struct world {
	const struct program *program;
	struct ivring_superblock sb;
	struct ivring_chan *chan;
	struct ivring_reader_line *line;
	unsigned char *data;
	struct ivring_writer w;
	struct ivring_reader r;
	uint64_t now;	   /* of the clock */
	bool is_dead;	   /* the writer */
	bool is_dead_weak; /* with stores that it had done and nobody will see */
	/* what was done */
	struct attempt attempts[MAX_RECORDS];
	unsigned int n_attempts;
	unsigned int n_lost;
	uint64_t last_head;
	uint64_t flushed_to; /* resv when a flush was asked for */
	/* what the reader has */
	unsigned char file[4096];
	uint32_t file_bytes;
	struct gap gaps[64]; /* positions that a snapshot passed over */
	unsigned int n_gaps;
	struct journal journal;
	uint64_t gap_bytes; /* passed over by the present reader */
	char error[200];    /* the first; empty when all is well */
};
extern struct world world;

/* Run @program with @schedule and let oracle.c judge: world.error. */
void machine_run(const struct program *program, struct schedule *schedule, bool is_traced);

/* ---- trace.c ---------------------------------------------------------------------- */

/* Print point @at; @addr: what is accessed next, NULL: nothing shared. */
void trace_point(unsigned int at, bool is_reader, unsigned int level, enum access access,
		 const unsigned char *addr);

/* ---- oracle.c -------------------------------------------------------------------- */

#define world_fail(...)                                                          \
	do {                                                                     \
		if (!world.error[0])                                             \
			snprintf(world.error, sizeof(world.error), __VA_ARGS__); \
	} while (0)

/* Fill @ret with payload @bytes of record @serial. */
void oracle_payload(unsigned int serial, uint32_t bytes, unsigned char *ret);
/* When w_head has changed, with the memory as the reader would see it. */
void oracle_check_head(void);
/* No context runs: nothing is left behind. */
void oracle_check_quiet(void);
/* The reader has fetched head and counters. */
void oracle_check_fetched(void);
/* A snapshot's tail went from @from to world.r.tail without copying. */
void oracle_passed_over(uint64_t from, bool at_begin);
/* The writer is dead, the reader has all that was published. */
void oracle_salvage(void);
/* The end: what is in the file is what was recorded, by every count. */
void oracle_check_end(void);

#endif /* TESTS_RING_EXPLORER_H */
