// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timeout: 200
 * A writer thread and a reader thread on one small ring: every record that the
 * reader gets is checked (payload, order, stamps), and at the end read + lost =
 * attempted, exactly.  Also built with ThreadSanitizer (ring_threads_tsan).
 *
 *	ring_threads [RECORDS]
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <ivring/ring.h>

#define TYPE	  9
#define MAX_WORDS 24

static struct ivring_superblock sb;
static unsigned char *region;
static struct ivring_writer writer;
static bool is_done;
static bool does_wait; /* the writer gives the reader time: few losses */
static uint64_t n_records;
static uint64_t n_lost;

#define fail(...)                                  \
	do {                                       \
		fprintf(stderr, "ring_threads: "); \
		fprintf(stderr, __VA_ARGS__);      \
		fputc('\n', stderr);               \
		exit(1);                           \
	} while (0)

/* Number of 8-byte words of record @serial, the first being the serial. */
static uint32_t words_of(uint64_t serial)
{
	return 1 + (uint32_t)((serial * 0x9e3779b97f4a7c15ULL >> 32) % MAX_WORDS);
}

static void *write_records(void *arg)
{
	uint64_t serial, payload[MAX_WORDS + 1];
	uint32_t i, n;

	for (serial = 0; serial < n_records; serial++) {
		n = words_of(serial);
		for (i = 0; i < n; i++)
			payload[i] = serial + i;
		if (!ivring_emit(&writer, TYPE, (uint32_t)serial & IVRING_CTX_TID_MASK, payload,
				 8 * n)) {
			n_lost++;
			if (does_wait)
				sched_yield();
		}
		if (serial % 1021 == 0)
			ivring_flush(&writer);
	}
	ivring_flush(&writer);
	__atomic_store_n(&is_done, true, __ATOMIC_RELEASE);
	return arg;
}

struct checker {
	uint64_t next; /* lowest serial that may come */
	uint64_t last_tsc;
	uint64_t n_read;
};

static void check_range(struct checker *c, const unsigned char *p, uint64_t bytes)
{
	while (bytes) {
		const struct ivring_record *rec = (const struct ivring_record *)p;
		const uint64_t *payload = (const uint64_t *)(rec + 1);
		uint32_t i, n;

		if (rec->size < 24 || rec->size % 8 || rec->size > bytes || rec->type != TYPE)
			fail("no record: type %u size %u", rec->type, rec->size);
		n = (rec->size - IVRING_REC_HDR_BYTES) / 8u;
		if (payload[0] < c->next || payload[0] >= n_records || n != words_of(payload[0]))
			fail("serial %llu of %u words after %llu", (unsigned long long)payload[0],
			     n, (unsigned long long)c->next);
		for (i = 0; i < n; i++)
			if (payload[i] != payload[0] + i)
				fail("payload of %llu differs", (unsigned long long)payload[0]);
		if (rec->tsc < c->last_tsc || rec->ctx != (payload[0] & IVRING_CTX_TID_MASK))
			fail("stamp or context of %llu", (unsigned long long)payload[0]);
		c->last_tsc = rec->tsc;
		c->next = payload[0] + 1;
		c->n_read++;
		p += rec->size;
		bytes -= rec->size;
	}
}

static void read_records(struct checker *c)
{
	struct ivring_reader reader;
	struct ivring_range range;
	bool was_done;
	int err;

	ivring_reader_init(&reader, region, region + sb.reader_off, &sb, 0, 0);
	do {
		was_done = __atomic_load_n(&is_done, __ATOMIC_ACQUIRE);
		err = ivring_reader_fetch(&reader);
		while (!err && (err = ivring_reader_next(&reader, &range)) == 1) {
			check_range(c, reader.data + range.offset, range.bytes);
			err = 0;
		}
		if (err)
			fail("violation at %llu", (unsigned long long)reader.violation_pos);
		ivring_reader_release(&reader);
	} while (!was_done);
	if (reader.lost_full + reader.lost_nested + reader.lost_big != n_lost)
		fail("counted losses differ from real ones");
}

static void run(uint64_t n, bool wait)
{
	struct checker c = { 0 };
	pthread_t thread;
	int err;

	memset(region, 0, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	ivring_writer_init(&writer, region, &sb, 0, 1);
	n_records = n;
	n_lost = 0;
	does_wait = wait;
	is_done = false;
	err = pthread_create(&thread, NULL, write_records, NULL);
	if (err)
		fail("pthread_create: %s", strerror(err));
	read_records(&c);
	pthread_join(thread, NULL);
	printf("%s: attempted %llu, read %llu, lost %llu\n", wait ? "waiting" : "saturated",
	       (unsigned long long)n, (unsigned long long)c.n_read, (unsigned long long)n_lost);
	if (c.n_read + n_lost != n)
		fail("attempted is not read + lost");
	if (!c.n_read)
		fail("nothing was read");
}

int main(int argc, char **argv)
{
#ifdef __SANITIZE_THREAD__
	uint64_t n = 4000000;
#else
	uint64_t n = 8000000;
#endif

	if (argc > 1)
		n = strtoull(argv[1], NULL, 10);
	if (ivring_layout(4 << 20, 32, 12, &sb)) /* 64 KiB, 16 sub-buffers */
		fail("no layout");
	region = aligned_alloc(4096, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	if (!region)
		fail("out of memory");
	run(n, true);
	run(n, false);
	free(region);
	return 0;
}
