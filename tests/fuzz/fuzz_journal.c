// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The content of a journal's file, and a ring and a file that it may or may not
 * belong to.  What is believed fits the ring and the file: the drain goes on
 * inside both, ends, and what it commits is what the next reader finds.
 *
 * Input: {u8 flags, u8 ring, u16 file's size / 64, 4 bytes unused}, then the
 * journal's file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <ivring/journal.h>

#define FLAG_IDENTITY  1u /* put in the identity that is asked for */
#define FLAG_CHECKSUMS 2u /* put in what only a checksum would have refused */
#define FLAG_OVERWRITE 4u
#define FLAG_TRUE_TAIL 8u /* and a tail that can be */

#define N_CHANNELS 32

/* The file, as ivring/src/journal.c has it. */
#define HEADER_BYTES   128
#define HEADER_ID_OFF  16
#define HEADER_CRC_OFF 120
#define SLOT_BYTES     64
#define SLOT_TAIL_OFF  8
#define SLOT_CRC_OFF   56

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct ivring_region region;
static struct ivring_journal_id id;
static uint64_t true_tail;

static void check(int is_true)
{
	if (!is_true)
		abort();
}

static int memory_file(const char *name, const void *data, size_t bytes, char path[32])
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	check(fd >= 0 && pwrite(fd, data, bytes, 0) == (ssize_t)bytes);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void write_records(unsigned int n)
{
	struct ivring_writer w;

	ivring_writer_init(&w, region.base, &region.sb, 0, 1);
	while (n--)
		ivring_emit(&w, 1, 0, "sixteen bytes...", 16);
	ivring_flush(&w);
	true_tail = w.base;
}

/* Once: a ring of 64 KiB; each input writes to it what it wants. */
static void make_region(void)
{
	struct ivring_region_options opt = { .struct_bytes = sizeof(opt),
					     .subbuf_shift = 12,
					     .nr_channels = N_CHANNELS };
	char path[32];
	int fd = memory_file("region", "", 0, path);

	check(!ftruncate(fd, 4 << 20));
	check(!ivring_region_format(path, &opt));
	check(!ivring_region_open(path, IVRING_REGION_WRITER, &region));
	check(!ivring_journal_identify(&region, 1, &id));
}

static void put_checksums(unsigned char *file, size_t bytes, unsigned int flags)
{
	uint32_t header_crc, slot_end[2], i;
	uint64_t seq, tail;
	size_t at;

	memset(file + HEADER_CRC_OFF, 0, sizeof(header_crc));
	header_crc = ivring_crc32c(file, HEADER_BYTES);
	memcpy(file + HEADER_CRC_OFF, &header_crc, sizeof(header_crc));
	for (i = 0, at = HEADER_BYTES; at + SLOT_BYTES <= bytes; i++, at += SLOT_BYTES) {
		memcpy(&seq, file + at, sizeof(seq));
		/* Nobody commits 2^63 times. */
		seq = (seq >> 1 & ~1ULL) | (i & 1);
		memcpy(file + at, &seq, sizeof(seq));
		memcpy(&tail, file + at + SLOT_TAIL_OFF, sizeof(tail));
		if (flags & FLAG_TRUE_TAIL)
			tail = true_tail + tail % 0x20000;
		memcpy(file + at + SLOT_TAIL_OFF, &tail, sizeof(tail));
		slot_end[0] = header_crc;
		slot_end[1] = i / 2;
		memcpy(file + at + SLOT_CRC_OFF, slot_end, sizeof(slot_end));
		slot_end[0] = ivring_crc32c(file + at, SLOT_BYTES);
		slot_end[1] = 0;
		memcpy(file + at + SLOT_CRC_OFF, slot_end, sizeof(slot_end));
	}
}

/* The input with what a fuzzer cannot guess. */
static unsigned char *make_journal(const uint8_t *data, size_t bytes, unsigned int flags)
{
	static const uint32_t start[4] = { 0x52495649, 0x014c4e4a, 1, HEADER_BYTES };
	unsigned char *file = malloc(bytes + 1);

	check(file != NULL);
	memcpy(file, data, bytes);
	if (bytes < HEADER_BYTES)
		return file;
	if (flags & FLAG_IDENTITY) {
		memcpy(file, start, sizeof(start));
		memcpy(file + HEADER_ID_OFF, &id, sizeof(id));
	}
	if (flags & FLAG_CHECKSUMS)
		put_checksums(file, bytes, flags);
	return file;
}

/* Drain to the end; the file then is what the journal says. */
static void go_on(struct ivring_journal *journal, struct ivring_drain *drain)
{
	struct ivring_journal_pos pos;
	uint64_t bytes = 1, all = 0, begin = drain->pos.file_offset;
	unsigned int n = 0;
	int err;

	check(drain->reader.tail <= drain->reader.head);
	check(ivring_head_is_sane(&drain->reader, drain->reader.tail));
	check(region.mode == IVRING_MODE_OVERWRITE ||
	      drain->reader.head - drain->reader.tail <= drain->reader.size);
	for (; bytes; n++) {
		err = ivring_drain_step(drain, UINT64_MAX, &bytes);
		check(!err || (err == -EPROTO && drain->reader.violations));
		check(n < 100);
		if (!err)
			all += bytes;
	}
	check(!ivring_drain_finish(drain));
	check(lseek(drain->opt.fd, 0, SEEK_END) == (off_t)(begin + all));
	check(!ivring_journal_read(journal, 0, &pos));
	check(pos.file_offset == begin + all && pos.tail == drain->reader.tail);
	check(pos.tail == drain->reader.head && pos.packet_seq == drain->packet_seq);
}

/* @change: channel 0 is left to the drain. */
static void try_channels(struct ivring_journal *journal, int change)
{
	const struct ivring_journal_pos all = { 1, 2, 3, 4, 5, 6 };
	struct ivring_journal_pos pos;
	uint32_t i;
	int err;

	for (i = 0; i < journal->nr_channels; i++) {
		err = ivring_journal_read(journal, i, &pos);
		check(!err || err == -ENODATA || err == -EILSEQ);
		check(change || !i || (!err && !memcmp(&pos, &all, sizeof(all))));
		if (change && i)
			ivring_journal_commit(journal, i, &all);
	}
	check(ivring_journal_read(journal, i, &pos) == -ERANGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ivring_drain_options opt = { .struct_bytes = sizeof(opt) };
	struct ivring_journal journal = { 0 };
	struct ivring_drain drain;
	char path[32], unused[32];
	unsigned char *file;
	int fd, err;

	if (bytes < 8)
		return 0;
	if (!region.base)
		make_region();
	write_records(data[1] * 10u);
	file = make_journal(data + 8, bytes - 8, data[0]);
	fd = memory_file("journal", file, bytes - 8, path);
	free(file);
	opt.fd = memory_file("file", "", 0, unused);
	region.mode = data[0] & FLAG_OVERWRITE ? IVRING_MODE_OVERWRITE : IVRING_MODE_DISCARD;
	check(!ftruncate(opt.fd, (data[2] + data[3] * 256) * 64));
	err = ivring_journal_open(path, &id, &journal);
	check(!err || !journal.base);
	if (!err) {
		try_channels(&journal, 1);
		err = ivring_drain_open(&region, &journal, 0, &opt, &drain);
		check(!err || err == -EPROTO || err == -EMSGSIZE || err == -EILSEQ);
		if (!err)
			go_on(&journal, &drain);
	}
	if (journal.base) {
		ivring_journal_close(&journal);
		check(!ivring_journal_open(path, &id, &journal));
		try_channels(&journal, 0);
	}
	ivring_journal_close(&journal);
	close(opt.fd);
	close(fd);
	return 0;
}
