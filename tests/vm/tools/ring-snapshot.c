// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's side of a flight recorder: makes REGION (16 MiB, two channels, in
 * overwrite mode), asks its guest for marks, and does what standard input says:
 *
 *	snapshot FILE	what the rings hold now, while the guest goes on
 *	salvage FILE	after the guest's death: that, and what it never published
 *	frozen FILE	a snapshot that takes its time: the guest is frozen meanwhile,
 *			and FILE.again what was written between it and the end
 *
 * A file has a line per mark, its text; what was lost or passed over follows on
 * standard output.
 *
 *	ring-snapshot REGION
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ivring/events.h>
#include <ivring/region.h>
#include <ivring/salvage.h>

#define N_CHANNELS 2

static struct ivring_region region;
static struct ivring_reader readers[N_CHANNELS];
static unsigned char *copy;

static void print_marks(FILE *to, const unsigned char *at, uint64_t bytes)
{
	while (bytes >= IVRING_REC_HDR_BYTES) {
		const struct ivring_record *rec = (const struct ivring_record *)at;

		if (rec->size < IVRING_REC_HDR_BYTES || rec->size > bytes || rec->size % 8 ||
		    rec->type != IVT_TYPE_ivtrace_mark || rec->ctx & IVRING_CTX_BUSY) {
			fprintf(to, "no record: type %u size %u\n", rec->type, rec->size);
			return;
		}
		fprintf(to, "%.*s\n", rec->size - IVRING_REC_HDR_BYTES, (const char *)(rec + 1));
		at += rec->size;
		bytes -= rec->size;
	}
}

static void snapshot(FILE *to, struct ivring_reader *r)
{
	struct ivring_range range;
	unsigned int n_void = 0;

	if (ivring_snapshot_begin(r))
		return;
	while (ivring_snapshot_next(r, &range)) {
		memcpy(copy, r->data + range.offset, range.bytes);
		if (ivring_snapshot_accept(r) == 1)
			print_marks(to, copy, range.bytes);
		else
			n_void++;
	}
	printf("overwritten %llu void %u lost %llu violations %llu\n",
	       (unsigned long long)r->overwritten, n_void,
	       (unsigned long long)(r->lost_full + r->lost_nested + r->lost_big),
	       (unsigned long long)r->violations);
}

static void salvage(FILE *to, struct ivring_reader *r)
{
	struct ivring_salvage s;
	struct ivring_salvage_run run;
	struct ivring_range range;

	ivring_salvage_init(&s, r, 1, region.guest_epoch, ~0ULL, NULL);
	while (ivring_salvage_next_subbuf(&s, &range)) {
		memcpy(copy, r->data + range.offset, range.bytes);
		while (ivring_salvage_next_run(&s, copy, &run))
			print_marks(to, copy + run.offset, run.bytes);
	}
	printf("salvaged %llu busy %llu\n", (unsigned long long)s.n_records,
	       (unsigned long long)s.n_busy);
}

static void take(const char *path, bool is_dead)
{
	FILE *to = fopen(path, "w");
	uint32_t i;

	if (!to || ivring_region_follow(&region, readers))
		exit(1);
	for (i = 0; i < N_CHANNELS; i++) {
		snapshot(to, &readers[i]);
		if (is_dead)
			salvage(to, &readers[i]);
	}
	fclose(to);
	printf("done %s\n", path);
	fflush(stdout);
}

/* Nothing may happen to the rings while this takes them, however slowly. */
static void take_frozen(const char *path)
{
	struct timespec pause = { 0, 5000000 };
	char again[300];

	ivring_region_freeze(&region, 1);
	while (!ivring_region_is_frozen(&region))
		nanosleep(&pause, NULL);
	snprintf(again, sizeof(again), "%s.again", path);
	take(path, false);
	take(again, false);
	ivring_region_freeze(&region, 0);
}

static int start(const char *path)
{
	struct ivring_region_options options = {
		.struct_bytes = sizeof(options),
		.region_bytes = 16 << 20,
		.nr_channels = N_CHANNELS,
		.mode = IVRING_MODE_OVERWRITE,
	};
	static uint64_t types[IVRING_BITMAP_WORDS] = { 1u << IVT_TYPE_ivtrace_mark };
	int err = ivring_region_create(path, &options);
	uint32_t i;

	if (!err)
		err = ivring_region_open(path, IVRING_REGION_READER, &region);
	if (err) {
		fprintf(stderr, "ring-snapshot: %s: %s\n", path, ivring_region_strerror(err));
		return err;
	}
	copy = malloc(1u << region.sb.subbuf_shift);
	for (i = 0; i < N_CHANNELS; i++)
		ivring_region_reader(&region, i, &readers[i]);
	ivring_region_enable(&region, types);
	return copy ? 0 : -ENOMEM;
}

int main(int argc, char **argv)
{
	char path[256];

	if (argc != 2)
		return 2;
	if (start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (scanf("%255s", path) == 1) {
		bool is_dead = !strcmp(path, "salvage"), is_frozen = !strcmp(path, "frozen");

		if ((!is_dead && !is_frozen && strcmp(path, "snapshot")) ||
		    scanf("%255s", path) != 1)
			return 2;
		if (is_frozen)
			take_frozen(path);
		else
			take(path, is_dead);
	}
	ivring_region_disable(&region);
	ivring_region_close(&region);
	free(copy);
	return 0;
}
