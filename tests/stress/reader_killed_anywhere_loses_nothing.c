// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timeout: 900
 * alone: its two processes are to run at the same time
 * Readers are killed (SIGKILL) at random moments, one after the other, while
 * another process writes the ring.  The last one takes what is left.  The file
 * holds every record that was recorded, once, in order; read + lost = attempted.
 *
 *	reader_killed_anywhere_loses_nothing [KILLS]	LONG=1: thousands
 */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static void linger(void);

#define IVRING_JOURNAL_POINT(name) linger()
#include "tests/stress/reader_killed.h"

#define KILLS_PER_FILE 100
#define BATCH	       64 /* records; then the guest sleeps a moment */

/* Shared with the writing process. */
struct tally {
	bool should_end;
	uint64_t attempted;
	uint64_t lost;
};

static struct tally *tally;
static uint64_t random_state = 88172645463325252ULL;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 33) % n;
}

static void sleep_us(uint32_t us)
{
	struct timespec t = { 0, (long)us * 1000 };

	nanosleep(&t, NULL);
}

/* The steps between two writes take nanoseconds, the writes microseconds: without
 * this hardly a kill would come between. */
static void linger(void)
{
	if (!pick(4))
		sleep_us(pick(20));
}

/* A process that does not outlive this one. */
static pid_t spawn(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* A patient guest waits for room; the other loses what has none. */
static void write_until_told(const struct ivring_region *guest, bool is_patient)
{
	const struct ivring_reader_line *line =
		(const struct ivring_reader_line *)((char *)guest->reader_area + IVRING_PAGE_BYTES);
	uint32_t i;

	while (!__atomic_load_n(&tally->should_end, __ATOMIC_RELAXED)) {
		for (i = 0; i < BATCH; i++) {
			if (is_patient && writer.resv + 3 * (uint64_t)writer.subbuf >
						  ivring_load_acquire(&line->r_tail) + writer.size)
				break;
			if (!emit_record(tally->attempted++))
				tally->lost++;
		}
		ivring_flush(&writer);
		if (!writer.is_overwrite)
			sleep_us(20);
	}
}

static void read_until_killed(void)
{
	struct life life;
	uint64_t bytes;
	int err;

	life_begin(&life);
	for (;;) {
		err = ivring_drain_step(&life.drain, 16384, &bytes);
		if (err)
			fail("step: %d", err);
		if (!bytes)
			sched_yield();
	}
}

static void kill_readers(unsigned int kills)
{
	int status;
	pid_t pid;

	for (; kills; kills--) {
		pid = spawn();
		if (!pid)
			read_until_killed();
		sleep_us(pick(2) ? pick(600) : pick(4000));
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
		    WTERMSIG(status) != SIGKILL)
			fail("a reader ended by itself, %x", status);
	}
}

/* Returns the records in the file. */
static uint64_t take_the_rest(void)
{
	struct life life;
	uint64_t bytes = 1, n;
	int err;

	life_begin(&life);
	while (bytes) {
		err = ivring_drain_step(&life.drain, UINT64_MAX, &bytes);
		if (err)
			fail("last step: %d", err);
	}
	err = ivring_drain_finish(&life.drain);
	if (err)
		fail("finish: %d", err);
	n = check_file(life.drain.pos.file_offset, tally->attempted);
	if (life.drain.reader.lost_full != tally->lost)
		fail("lost %llu, counted %llu", (unsigned long long)tally->lost,
		     (unsigned long long)life.drain.reader.lost_full);
	life_end(&life);
	return n;
}

static void run_file(uint32_t mode, bool is_patient, unsigned int kills, uint64_t *read,
		     uint64_t *lost)
{
	struct ivring_region guest;
	struct life life;
	uint64_t n;
	pid_t pid;

	make_region(mode, &guest);
	unlink(journal_path);
	unlink(file_path);
	memset(tally, 0, sizeof(*tally));
	/* Where the recording begins: before the first record. */
	life_begin(&life);
	life_end(&life);
	pid = spawn();
	if (!pid) {
		write_until_told(&guest, is_patient);
		_exit(0);
	}
	kill_readers(kills);
	__atomic_store_n(&tally->should_end, true, __ATOMIC_RELAXED);
	waitpid(pid, NULL, 0);
	n = take_the_rest();
	if (mode == IVRING_MODE_DISCARD ? n + tally->lost != tally->attempted
					: n > tally->attempted)
		fail("attempted %llu, read %llu, lost %llu", (unsigned long long)tally->attempted,
		     (unsigned long long)n, (unsigned long long)tally->lost);
	*read += n;
	*lost += tally->attempted - n;
	ivring_region_close(&guest);
}

static void run(uint32_t mode, bool is_patient, unsigned int kills, const char *name)
{
	uint64_t read = 0, lost = 0;
	unsigned int done;

	for (done = 0; done < kills; done += KILLS_PER_FILE)
		run_file(mode, is_patient, KILLS_PER_FILE, &read, &lost);
	printf("%s: %u kills, %llu records in the file, %llu not\n", name, done,
	       (unsigned long long)read, (unsigned long long)lost);
	fflush(stdout);
	if (!read || !lost != is_patient)
		fail("%s: not what its name says", name);
}

int main(int argc, char **argv)
{
	const char *value = getenv("LONG");
	unsigned int kills = value && *value && strcmp(value, "0") ? 5000 : 200;

	if (argc > 1)
		kills = (unsigned int)strtoul(argv[1], NULL, 10);
	make_files();
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (tally == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	run(IVRING_MODE_DISCARD, true, kills, "discard, the ring has room");
	run(IVRING_MODE_DISCARD, false, kills, "discard, the ring is full at times");
	run(IVRING_MODE_OVERWRITE, false, kills, "overwrite");
	return 0;
}
