// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ivtrace-host salvage against a region that holds anything: a real writer's, with
 * words of the guest's in it that are not.  Whatever is there, the file stays as it
 * is, and what comes out is a trace that opens, or an error and nothing.
 *
 * Input: u8 flags, then pokes {u32 where, u64 value}; where: bits 30-31 say which
 * part (guest's page, channel descriptors, reader area, data), the rest where in it.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/post_mortem.h"
#include "trace/trace_reader.h"
#include <ivring/events.h>
#include <ivring/region.h>

#define FLAG_OVERWRITE 1u
#define FLAG_DEAD      2u
#define FLAG_NO_FLUSH  4u
#define REGION_BYTES   (4u << 20)
#define N_CHANNELS     2u
#define EPOCH	       77u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

void message(const char *fmt, ...)
{
	(void)fmt;
}

static void check(int is_true)
{
	if (!is_true)
		abort();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void write_records(struct ivring_region *region, unsigned int flags)
{
	struct ivring_guest_page *page =
		(struct ivring_guest_page *)((char *)region->base + IVRING_GUEST_OFF);
	struct ivring_writer w;
	uint32_t c, i;

	page->guest_epoch = EPOCH;
	page->state = flags & FLAG_DEAD ? IVRING_GUEST_DEAD : IVRING_GUEST_READY;
	for (c = 0; c < N_CHANNELS; c++) {
		ivring_writer_init(&w, region->base, &region->sb, c, EPOCH);
		for (i = 0; i < 400; i++)
			ivring_emit(&w, IVT_TYPE_ivtrace_mark, i, "text", 5);
		if (!(flags & FLAG_NO_FLUSH))
			ivring_flush(&w);
		if (flags & FLAG_DEAD)
			ivring_store(&w.shared->w_resv_hint, w.resv);
	}
}

static void poke(struct ivring_region *region, const uint8_t *at)
{
	unsigned char *base = region->base;
	uint64_t value;
	uint32_t where, begin, size;

	memcpy(&where, at, sizeof(where));
	memcpy(&value, at + sizeof(where), sizeof(value));
	switch (where >> 30) {
	case 0:
		begin = IVRING_GUEST_OFF;
		size = IVRING_PAGE_BYTES;
		break;
	case 1:
		begin = (uint32_t)ivring_chan_desc_off(0);
		size = N_CHANNELS * sizeof(struct ivring_chan);
		break;
	case 2:
		begin = region->sb.reader_off;
		size = region->sb.reader_len;
		break;
	default:
		begin = (uint32_t)region->sb.data_off;
		size = 65536;
		break;
	}
	memcpy(base + begin + (where & 0x3fffffff) % (size - 7) / 8 * 8, &value, sizeof(value));
}

static uint64_t sum_of(const struct ivring_region *region)
{
	const uint64_t *words = region->base;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < REGION_BYTES / 8; i++)
		sum = sum * 31 + words[i];
	return sum;
}

static void salvage(const char *file, const char *output)
{
	const struct post_mortem_options opt = { .file = file, .name = "a", .output = output };
	struct ivt_error err = { "" };
	struct ivt_trace *t;

	if (post_mortem_run(&opt, &err)) {
		check(err.msg[0] != '\0');
		return;
	}
	check(!ivt_trace_open(output, &t, &err));
	check(ivt_trace_info_of(t)->is_finalised);
	ivt_trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ivring_region_options opt = { .struct_bytes = sizeof(opt),
					     .region_bytes = REGION_BYTES,
					     .nr_channels = N_CHANNELS,
					     .subbuf_shift = 12 };
	char file[64], output[80];
	struct ivring_region region;
	uint64_t before;
	size_t at;

	if (!bytes)
		return 0;
	snprintf(file, sizeof(file), "/dev/shm/ivt-fuzz-%d", (int)getpid());
	snprintf(output, sizeof(output), "%s.ivt", file);
	opt.mode = data[0] & FLAG_OVERWRITE ? IVRING_MODE_OVERWRITE : IVRING_MODE_DISCARD;
	unlink(file);
	check(!ivring_region_create(file, &opt));
	check(!ivring_region_open(file, IVRING_REGION_WRITER, &region));
	write_records(&region, data[0]);
	for (at = 1; at + 12 <= bytes; at += 12)
		poke(&region, data + at);
	before = sum_of(&region);
	salvage(file, output);
	check(sum_of(&region) == before);
	ivring_region_close(&region);
	nftw(output, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	unlink(file);
	return 0;
}
