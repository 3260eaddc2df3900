// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the records of a region: "CHANNEL TSC TYPE TEXT".
 *
 *	read REGION [discard|overwrite]
 *
 * The region's file is made (in that mode, by default discard) unless it is
 * there.  Discard mode: drains until SIGINT or SIGTERM.  Overwrite mode: prints
 * what the rings hold now, and ends.  To build:
 *
 *	cc $(pkg-config --cflags ivring) read.c $(pkg-config --libs ivring)
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ivring/events.h>
#include <ivring/region.h>

static volatile sig_atomic_t is_ending;
static unsigned char *copy; /* a sub-buffer: what lies in the region may change */

static void end_soon(int sig)
{
	(void)sig;
	is_ending = 1;
}

static void print_records(uint32_t channel, const unsigned char *at, uint64_t bytes)
{
	while (bytes >= IVRING_REC_HDR_BYTES) {
		const struct ivring_record *rec = (const struct ivring_record *)at;

		if (rec->size < IVRING_REC_HDR_BYTES || rec->size > bytes || rec->size % 8)
			return; /* a guest's word is no length */
		printf("%u %llu %u %.*s\n", channel, rec->tsc, rec->type,
		       rec->type == IVT_TYPE_ivtrace_mark ? rec->size - IVRING_REC_HDR_BYTES : 0,
		       (const char *)(rec + 1));
		at += rec->size;
		bytes -= rec->size;
	}
}

static void drain(struct ivring_reader *r, uint32_t channel)
{
	struct ivring_range range;

	if (ivring_reader_fetch(r))
		return; /* nonsense, counted in r->violations */
	while (ivring_reader_next(r, &range) == 1) {
		memcpy(copy, r->data + range.offset, range.bytes);
		print_records(channel, copy, range.bytes);
	}
	fflush(stdout);
	ivring_reader_release(r); /* last: now the writer may overwrite it */
}

static void snapshot(struct ivring_reader *r, uint32_t channel)
{
	struct ivring_range range;

	if (ivring_snapshot_begin(r))
		return;
	while (ivring_snapshot_next(r, &range)) {
		memcpy(copy, r->data + range.offset, range.bytes);
		if (ivring_snapshot_accept(r) == 1)
			print_records(channel, copy, range.bytes);
	}
}

static void read_region(struct ivring_region *region, struct ivring_reader *readers)
{
	struct timespec pause = { 0, 1000000 };
	int is_live = region->mode == IVRING_MODE_DISCARD, is_last;
	uint32_t i;

	do {
		is_last = is_ending || !is_live; /* what came until now is taken */
		if (ivring_region_follow(region, readers) == 0)
			for (i = 0; i < region->sb.nr_channels; i++)
				(is_live ? drain : snapshot)(&readers[i], i);
		nanosleep(&pause, NULL);
	} while (!is_last);
	for (i = 0; i < region->sb.nr_channels; i++)
		fprintf(stderr, "channel %u: lost %llu overwritten %llu violations %llu\n", i,
			readers[i].lost_full + readers[i].lost_nested + readers[i].lost_big,
			readers[i].overwritten, readers[i].violations);
}

int main(int argc, char **argv)
{
	struct ivring_region_options options = { .struct_bytes = sizeof(options) };
	struct ivring_region region;
	struct ivring_reader *readers;
	uint32_t i;
	int err;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "Usage: read REGION [discard|overwrite]\n");
		return 2;
	}
	if (argc > 2 && !strcmp(argv[2], "overwrite"))
		options.mode = IVRING_MODE_OVERWRITE;
	err = ivring_region_create(argv[1], &options);
	if (!err || err == -EEXIST)
		err = ivring_region_open(argv[1], IVRING_REGION_READER, &region);
	if (!err)
		err = ivring_region_lock(&region, NULL);
	if (err) {
		fprintf(stderr, "read: %s: %s\n", argv[1], ivring_region_strerror(err));
		return 1;
	}
	readers = calloc(region.sb.nr_channels, sizeof(*readers));
	copy = malloc(1u << region.sb.subbuf_shift);
	if (!readers || !copy)
		return 1;
	for (i = 0; i < region.sb.nr_channels; i++)
		ivring_region_reader(&region, i, &readers[i]);
	signal(SIGINT, end_soon);
	signal(SIGTERM, end_soon);
	ivring_region_enable(&region, NULL); /* NULL: all events */
	read_region(&region, readers);
	ivring_region_disable(&region);
	ivring_region_close(&region);
	free(readers);
	free(copy);
	return 0;
}
