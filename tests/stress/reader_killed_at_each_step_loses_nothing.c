// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timeout: 3600
 * A reader ends at each of its steps in turn: half of the data written, all of
 * it, the journal's slot half filled, complete, the ring released.  The next one
 * ends at some step, too, the third takes the rest; the guest writes on at every
 * step, and the disk is full at times.  Whatever was recorded is in the file,
 * once, in order, and what is not was counted as lost.
 *
 * Ending is a jump out of the library: what a killed process leaves behind is
 * its files and the region.  LONG=1: every pair of steps.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

static void at_point(const char *name);
static ssize_t test_pwritev(int fd, const struct iovec *iov, int n_iov, long offset);

#define IVRING_JOURNAL_POINT(name) at_point(name)
#define pwritev			   test_pwritev
#include "tests/stress/reader_killed.h"
#undef pwritev

#define N_STEPS	  6	/* of a life */
#define MAX_BYTES 9000	/* of one */
#define MAX_LOST  20000 /* serials of one case */

enum guest {
	PATIENT,
	CARELESS
};

static struct ivring_region guest;
static struct {
	uint32_t mode;
	enum guest guest;
	bool is_writing;
	bool is_silent; /* during this life */
	uint64_t random;
	uint64_t attempted;
	uint64_t recorded;
	uint64_t lost;
	uint64_t missing;    /* attempted and not in the file */
	uint64_t given_back; /* positions before it may be overwritten: a patient guest's limit */
	unsigned int points; /* passed in this life */
	unsigned int end_at; /* the point that it ends at; 0: none */
} world;
static struct life life;
static sigjmp_buf the_end;

static uint32_t pick(uint32_t n)
{
	world.random = world.random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(world.random >> 33) % n;
}

/* A patient guest looks where the reader is, and leaves it two sub-buffers. */
static bool has_room(void)
{
	const struct ivring_reader_line *line =
		(const struct ivring_reader_line *)((char *)guest.reader_area + IVRING_PAGE_BYTES);
	uint64_t tail = world.mode == IVRING_MODE_DISCARD ? line->r_tail : world.given_back;

	return writer.resv + 3 * (uint64_t)writer.subbuf <= tail + writer.size;
}

static void guest_writes(uint32_t n)
{
	for (; n && (world.guest == CARELESS || has_room()); n--) {
		int recorded = emit_record(world.attempted++);

		world.recorded += recorded;
		world.lost += !recorded;
	}
	ivring_flush(&writer);
}

static void at_point(const char *name)
{
	if (world.is_writing && !world.is_silent)
		guest_writes(pick(40));
	if (!strcmp(name, "committed"))
		world.given_back = slot_at(&life.journal, 0, life.journal.seqs[0])->pos.tail;
	if (++world.points == world.end_at)
		siglongjmp(the_end, 1);
}

/* In two pieces, a step between; sometimes the disk is full for the second. */
static ssize_t test_pwritev(int fd, const struct iovec *iov, int n_iov, long offset)
{
	size_t half = iov->iov_len / 16 * 8;
	ssize_t n;

	if (!half || (uint64_t)offset != life.drain.pos.file_offset)
		return pwritev(fd, iov, n_iov, offset);
	n = pwrite(fd, iov->iov_base, half, offset);
	at_point("half written");
	if (n != (ssize_t)half || pick(4))
		return n;
	errno = ENOSPC;
	return -1;
}

/* A reader from its start to the point @end_at, or until it has made its steps. */
static void live(unsigned int end_at)
{
	uint64_t bytes;
	int i, err;

	world.points = 0;
	world.end_at = end_at;
	if (!sigsetjmp(the_end, 0)) {
		life_begin(&life);
		for (i = 0; i < N_STEPS; i++) {
			err = ivring_drain_step(&life.drain, MAX_BYTES, &bytes);
			if (err && err != -ENOSPC)
				fail("step: %d", err);
		}
	}
	life_end(&life);
}

/* The last life takes everything. */
static void live_to_the_end(void)
{
	uint64_t bytes = 1, n;
	int err;

	world.is_writing = false;
	world.end_at = 0;
	life_begin(&life);
	while (bytes) {
		err = ivring_drain_step(&life.drain, UINT64_MAX, &bytes);
		if (err && err != -ENOSPC)
			fail("last step: %d", err);
	}
	err = ivring_drain_finish(&life.drain);
	if (err)
		fail("finish: %d", err);
	n = check_file(life.drain.pos.file_offset, world.attempted);
	if (life.drain.reader.line->r_tail != writer.pub)
		fail("all was read, but the ring was not given back");
	if (life.drain.reader.lost_full != world.lost)
		fail("lost %llu, counted %llu", (unsigned long long)world.lost,
		     (unsigned long long)life.drain.reader.lost_full);
	/* In overwrite mode a careless guest overwrites what nobody took. */
	if (world.mode == IVRING_MODE_DISCARD || world.guest == PATIENT ? n != world.recorded
									: n > world.recorded || !n)
		fail("recorded %llu, in the file %llu", (unsigned long long)world.recorded,
		     (unsigned long long)n);
	world.missing = world.attempted - n;
	life_end(&life);
}

/* One case.  Returns whether the first life had as many points. */
static bool run(uint32_t mode, enum guest kind, unsigned int first, unsigned int second,
		uint64_t seed)
{
	unsigned int points;

	memset(&world, 0, sizeof(world));
	world.mode = mode;
	world.guest = kind;
	world.random = seed << 40 ^ first * 1000003ULL ^ second;
	unlink(journal_path);
	unlink(file_path);
	memset(writer.data, 0, writer.size);
	ivring_writer_init(&writer, guest.base, &guest.sb, 0, 1);
	world.given_back = writer.pub;
	/* The reader is there before the first record. */
	life_begin(&life);
	life_end(&life);
	world.is_writing = true;
	guest_writes(pick(300));
	live(first);
	points = world.points;
	guest_writes(pick(2) ? 1200 : 100);
	world.is_silent = pick(3) == 0;
	live(second);
	guest_writes(pick(2) * pick(1200));
	live_to_the_end();
	return points >= first;
}

static void run_all(uint32_t mode, enum guest kind, const char *name, bool is_long)
{
	unsigned int first, second, n_second = is_long ? 100 : 12, n_cases = 0;
	uint64_t seed, n_seeds = is_long ? 5 : 1, missing = 0;
	bool has_more = true;

	make_region(mode, &guest);
	for (first = 1; has_more; first++) {
		has_more = false;
		for (seed = 0; seed < n_seeds; seed++) {
			for (second = 1; second <= n_second; second++, n_cases++) {
				has_more |= run(mode, kind, first,
						is_long ? second : (second * 37 + first) % 90,
						seed);
				missing += world.missing;
			}
		}
	}
	ivring_region_close(&guest);
	printf("%s: %u steps, %u cases, %llu records had no room\n", name, first - 2, n_cases,
	       (unsigned long long)missing);
	if (first < 60 || !missing != (kind == PATIENT))
		fail("%s: too few steps, or not what its name says", name);
}

int main(void)
{
	const char *value = getenv("LONG");
	bool is_long = value && *value && strcmp(value, "0");

	make_files();
	run_all(IVRING_MODE_DISCARD, PATIENT, "discard, the ring has room", is_long);
	run_all(IVRING_MODE_DISCARD, CARELESS, "discard, the ring is full at times", is_long);
	run_all(IVRING_MODE_OVERWRITE, PATIENT, "overwrite, not overwritten", is_long);
	run_all(IVRING_MODE_OVERWRITE, CARELESS, "overwrite, overwritten at times", is_long);
	return 0;
}
