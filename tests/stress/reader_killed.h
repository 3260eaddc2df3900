/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reader_killed_* tests share: a region with one small ring (64 KiB),
 * records that prove themselves, and the file that must hold each of them once.
 * The library's sources are compiled in, so that a test can put points between
 * their steps (IVRING_JOURNAL_POINT) and another pwritev() below them.
 */
#ifndef TESTS_STRESS_READER_KILLED_H
#define TESTS_STRESS_READER_KILLED_H

#include "ivring/src/region.c"
#include "ivring/src/region_reader.c"
#include "ivring/src/journal.c"
#include "ivring/src/drain.c"

#define TYPE	  9
#define MAX_WORDS 20

static char dir[64], region_path[80], journal_path[80], file_path[80];
static pid_t main_pid;
static struct ivring_writer writer; /* in the process that writes */

#define fail(...)                                   \
	do {                                        \
		fprintf(stderr, "reader_killed: "); \
		fprintf(stderr, __VA_ARGS__);       \
		fputc('\n', stderr);                \
		exit(1);                            \
	} while (0)

static void remove_files(void)
{
	if (getpid() != main_pid)
		return;
	unlink(region_path);
	unlink(journal_path);
	unlink(file_path);
	rmdir(dir);
}

/* In memory where there is some: the files are written at full speed. */
static void make_files(void)
{
	strcpy(dir,
	       access("/dev/shm", W_OK) ? "/tmp/ivt-killed-XXXXXX" : "/dev/shm/ivt-killed-XXXXXX");
	if (!mkdtemp(dir))
		fail("mkdtemp: %s", strerror(errno));
	main_pid = getpid();
	atexit(remove_files);
	snprintf(region_path, sizeof(region_path), "%s/region", dir);
	snprintf(journal_path, sizeof(journal_path), "%s/journal", dir);
	snprintf(file_path, sizeof(file_path), "%s/file", dir);
}

/* A region of 32 channels in @mode, the first of which is written. */
static void make_region(uint32_t mode, struct ivring_region *ret)
{
	struct ivring_region_options opt = { .struct_bytes = sizeof(opt),
					     .region_bytes = 4 << 20,
					     .nr_channels = 32,
					     .subbuf_shift = 12,
					     .mode = mode };
	int err;

	unlink(region_path);
	err = ivring_region_create(region_path, &opt);
	if (!err)
		err = ivring_region_open(region_path, IVRING_REGION_WRITER, ret);
	if (err)
		fail("the region: %s", ivring_region_strerror(err));
	ivring_writer_init(&writer, ret->base, &ret->sb, 0, 1);
}

/* A record is its serial number and as many words as follow from it. */
static uint32_t words_of(uint64_t serial)
{
	return 1 + (uint32_t)((serial * 0x9e3779b97f4a7c15ULL >> 32) % MAX_WORDS);
}

/* 1: recorded; 0: lost. */
static int emit_record(uint64_t serial)
{
	uint64_t payload[MAX_WORDS];
	uint32_t i, n = words_of(serial);

	for (i = 0; i < n; i++)
		payload[i] = serial + i;
	return ivring_emit(&writer, TYPE, (uint32_t)serial & IVRING_CTX_TID_MASK, payload, 8 * n);
}

/* One life of the reader, from its files alone. */
struct life {
	struct ivring_region region;
	struct ivring_journal journal;
	struct ivring_drain drain;
	struct ivring_drain_options opt;
};

static void life_begin(struct life *life)
{
	struct ivring_journal_id id;
	int err;

	memset(life, 0, sizeof(*life));
	life->opt = (struct ivring_drain_options){
		.struct_bytes = sizeof(life->opt),
		.fd = open(file_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
	};
	if (life->opt.fd < 0)
		fail("'%s': %s", file_path, strerror(errno));
	err = ivring_region_open(region_path, IVRING_REGION_READER, &life->region);
	if (!err)
		err = ivring_journal_identify(&life->region, 1, &id);
	if (err)
		fail("opening the region: %d", err);
	err = ivring_journal_open(journal_path, &id, &life->journal);
	if (err == -ENOENT)
		err = ivring_journal_create(journal_path, &id, &life->journal);
	if (err)
		fail("the journal: %d", err);
	err = ivring_drain_open(&life->region, &life->journal, 0, &life->opt, &life->drain);
	if (err)
		fail("the drain cannot begin: %d", err);
}

/* What the kernel lets go of when a process ends. */
static void life_end(struct life *life)
{
	guard_current = NULL;
	ivring_journal_close(&life->journal);
	ivring_region_close(&life->region);
	close(life->opt.fd);
}

/* Check one record of @room bytes and return its size. */
static uint32_t check_record(const unsigned char *p, uint64_t room, uint64_t next, uint64_t end,
			     uint64_t *last_tsc)
{
	const struct ivring_record *rec = (const struct ivring_record *)p;
	const uint64_t *payload = (const uint64_t *)(rec + 1);
	uint32_t i;

	if (room < sizeof(*rec) + 8 || rec->size > room || rec->type != TYPE ||
	    rec->size != sizeof(*rec) + 8 * words_of(payload[0]))
		fail("no record behind serial %lld: type %u, size %u of %llu", (long long)next - 1,
		     rec->type, rec->size, (unsigned long long)room);
	if (payload[0] < next || payload[0] >= end)
		fail("serial %llu after %lld", (unsigned long long)payload[0], (long long)next - 1);
	for (i = 0; i < words_of(payload[0]); i++)
		if (payload[i] != payload[0] + i)
			fail("payload of serial %llu differs", (unsigned long long)payload[0]);
	if (rec->ctx != (payload[0] & IVRING_CTX_TID_MASK) || rec->tsc < *last_tsc)
		fail("context or stamp of serial %llu", (unsigned long long)payload[0]);
	*last_tsc = rec->tsc;
	return rec->size;
}

/* The file's first @bytes: whole records below serial @end, each at most once, in
 * order.  Returns how many. */
static uint64_t check_file(uint64_t bytes, uint64_t end)
{
	int fd = open(file_path, O_RDONLY | O_CLOEXEC);
	uint64_t at = 0, n = 0, next = 0, last_tsc = 0;
	unsigned char *file;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || (uint64_t)st.st_size != bytes)
		fail("the file has not the %llu bytes that the journal says",
		     (unsigned long long)bytes);
	file = mmap(NULL, bytes + 1, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	for (; at < bytes; n++) {
		uint32_t size = check_record(file + at, bytes - at, next, end, &last_tsc);

		memcpy(&next, file + at + IVRING_REC_HDR_BYTES, sizeof(next));
		next++;
		at += size;
	}
	munmap(file, bytes + 1);
	close(fd);
	return n;
}

#endif /* TESTS_STRESS_READER_KILLED_H */
