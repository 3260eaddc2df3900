// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes numbered marks from several threads into a region.
 *
 *	write REGION|- [COUNT [THREADS]]
 *
 * REGION: a region's file; -: the ivshmem device of this VM (as root, without
 * the driver ivtrace.ko).  A live recording (discard mode) is awaited; a flight
 * recorder (overwrite mode) is written in any case.  COUNT marks (1000) by each
 * of THREADS (2): thread 1's fifth says "1 4".  To build:
 *
 *	cc $(pkg-config --cflags ivring) write.c $(pkg-config --libs ivring)
 */
#define _GNU_SOURCE /* gettid() */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <ivring/events.h>
#include <ivring/guest.h>

#define MAX_THREADS 64

struct job {
	pthread_t thread;
	struct ivring_writer *w;
	unsigned int number;
	unsigned long recorded, lost;
	int is_done;
};

static struct ivring_guest *guest;
static struct job jobs[MAX_THREADS];
static unsigned long count = 1000;
static unsigned int n_threads = 2;
static int must_stop; /* the region is another's now */

static void sleep_ms(long ms)
{
	struct timespec ts = { 0, ms * 1000000 };

	nanosleep(&ts, NULL);
}

static void *write_marks(void *arg)
{
	struct job *job = arg;
	uint32_t ctx = (uint32_t)gettid() & IVRING_CTX_TID_MASK;
	char text[IVT_STR_BYTES];
	unsigned long i;
	int n;

	for (i = 0; i < count && !__atomic_load_n(&must_stop, __ATOMIC_RELAXED); i++) {
		n = snprintf(text, sizeof(text), "%u %lu", job->number, i);
		if (ivring_emit(job->w, IVT_TYPE_ivtrace_mark, ctx, text, (uint32_t)n + 1))
			job->recorded++;
		else
			job->lost++; /* the ring counted it, too */
		if (i % 256 == 255)
			sleep_ms(1); /* as if there was something to do */
	}
	ivring_flush(job->w); /* before it sleeps or ends: nobody else may */
	__atomic_store_n(&job->is_done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "write: %s: %s\n", what, ivring_guest_strerror(err));
	return 1;
}

static int write_all(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < n_threads; i++) {
		jobs[i].number = i;
		err = ivring_guest_writer_get(guest, &jobs[i].w);
		if (err)
			return fail("no ring for a thread", err);
	}
	while (!jobs[0].w->is_overwrite && !ivring_guest_is_enabled(guest, IVT_TYPE_ivtrace_mark)) {
		sleep_ms(10);
		err = ivring_guest_beat(guest);
		if (err)
			return fail("cannot wait for a reader", err);
	}
	for (i = 0; i < n_threads; i++)
		if (pthread_create(&jobs[i].thread, NULL, write_marks, &jobs[i]))
			return fail("no thread", -EAGAIN);
	for (i = 0; i < n_threads; i++) {
		while (!__atomic_load_n(&jobs[i].is_done, __ATOMIC_ACQUIRE)) {
			sleep_ms(10);
			if (ivring_guest_beat(guest))
				__atomic_store_n(&must_stop, 1, __ATOMIC_RELAXED);
		}
		pthread_join(jobs[i].thread, NULL);
		ivring_guest_writer_put(guest, jobs[i].w);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct ivring_guest_options options = { .struct_bytes = sizeof(options) };
	unsigned long recorded = 0, lost = 0;
	unsigned int i;
	int err;

	if (argc > 2)
		count = strtoul(argv[2], NULL, 0);
	if (argc > 3)
		n_threads = (unsigned int)strtoul(argv[3], NULL, 0);
	if (argc < 2 || argc > 4 || !n_threads || n_threads > MAX_THREADS) {
		fprintf(stderr, "Usage: write REGION|- [COUNT [THREADS]]\n");
		return 2;
	}
	options.nr_writers = n_threads;
	err = ivring_guest_open(strcmp(argv[1], "-") ? argv[1] : NULL, &options, &guest);
	if (err)
		return fail(argv[1], err);
	err = ivring_guest_begin(guest);
	if (err)
		return fail(argv[1], err);
	if (write_all())
		return 1;
	for (i = 0; i < n_threads; i++) {
		recorded += jobs[i].recorded;
		lost += jobs[i].lost;
	}
	err = ivring_guest_end(guest);
	if (err)
		return fail(argv[1], err);
	printf("recorded %lu lost %lu%s\n", recorded, lost,
	       ivring_guest_is_uncached(guest) ? " (memory is uncached: slow)" : "");
	ivring_guest_close(guest);
	return 0;
}
