// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timeout: 200
 * alone: its two threads are to run at the same time
 * A writer thread and a reader thread on one small ring: every record that the
 * reader gets is checked (payload, order, stamps), and at the end read + lost =
 * attempted, exactly; in overwrite mode, read + overwritten, each record at the
 * place where it must be.  Also built with ThreadSanitizer (ring_threads_tsan).
 *
 *	ring_threads [RECORDS]
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
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

static void start(uint16_t mode)
{
	struct ivring_chan *chan = (struct ivring_chan *)(region + ivring_chan_desc_off(0));

	memset(region, 0, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	chan->host.mode = mode;
	ivring_writer_init(&writer, region, &sb, 0, 1);
	n_lost = 0;
	is_done = false;
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

	start(IVRING_MODE_DISCARD);
	n_records = n;
	does_wait = wait;
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

/* ---- overwrite mode --------------------------------------------------------------- */

/* Where the writer puts its records: one context alone has no choice. */
struct placement {
	uint64_t serial;
	uint64_t pos;
};

static uint64_t subbuf_bytes(void)
{
	return 1ULL << sb.subbuf_shift;
}

static uint32_t need_of(uint64_t serial)
{
	return IVRING_REC_HDR_BYTES + 8 * words_of(serial);
}

static void place(struct placement *p)
{
	uint64_t used = p->pos & (subbuf_bytes() - 1);

	if (used && used + need_of(p->serial) <= subbuf_bytes())
		return;
	p->pos = ((p->pos + subbuf_bytes() - 1) & ~(subbuf_bytes() - 1)) + IVRING_SUBBUF_HDR_BYTES;
}

/* Go to the record at @pos; returns how many there are before it. */
static uint64_t place_at(struct placement *p, uint64_t pos)
{
	uint64_t n = 0;

	for (place(p); p->pos < pos; place(p)) {
		p->pos += need_of(p->serial);
		p->serial++;
		n++;
	}
	return n;
}

/* The writer may be there: the copy is checked after, by w_claim.  Not seen by
 * ThreadSanitizer, which knows of no such checks. */
static __attribute__((no_sanitize("thread"), noinline)) void
copy_racing(uint64_t *to, const unsigned char *from, uint64_t bytes)
{
	const volatile uint64_t *p = (const volatile uint64_t *)from;

	for (; bytes; bytes -= 8)
		*to++ = *p++;
}

struct flight {
	struct checker checker;
	struct placement next;
	struct ivring_reader reader;
	uint64_t n_overwritten; /* records */
	uint64_t taken_bytes;	/* of positions, gaps at ends included */
};

static void accept_range(struct flight *f, const struct ivring_range *range, uint64_t tail)
{
	static uint64_t copy[1 << 12];

	copy_racing(copy, f->reader.data + range->offset, range->bytes);
	switch (ivring_snapshot_accept(&f->reader)) {
	case 0:
		return;
	case 1:
		break;
	default:
		fail("violation at %llu", (unsigned long long)f->reader.violation_pos);
	}
	f->taken_bytes += f->reader.tail - tail;
	if (!range->bytes)
		return;
	f->n_overwritten += place_at(&f->next, range->pos);
	if (f->next.pos != range->pos || copy[2] != f->next.serial)
		fail("at %llu is record %llu, should be %llu at %llu",
		     (unsigned long long)range->pos, (unsigned long long)copy[2],
		     (unsigned long long)f->next.serial, (unsigned long long)f->next.pos);
	check_range(&f->checker, (const unsigned char *)copy, range->bytes);
	place_at(&f->next, range->pos + range->bytes);
}

static void take_snapshots(struct flight *f)
{
	struct timespec pause = { 0, 1000000 }; /* the writer laps us */
	struct ivring_range range;
	unsigned int n = 0;
	bool was_done;

	ivring_reader_init(&f->reader, region, NULL, &sb, 0, 0);
	do {
		if (++n % 64 == 0)
			nanosleep(&pause, NULL);
		was_done = __atomic_load_n(&is_done, __ATOMIC_ACQUIRE);
		if (ivring_snapshot_begin(&f->reader))
			fail("violation at %llu", (unsigned long long)f->reader.violation_pos);
		for (;;) {
			uint64_t tail = f->reader.tail;

			if (ivring_snapshot_next(&f->reader, &range) != 1)
				break;
			accept_range(f, &range, tail);
		}
	} while (!was_done);
}

static void run_overwrite(uint64_t n)
{
	static struct flight zero;
	struct flight f = zero;
	pthread_t thread;
	int err;

	start(IVRING_MODE_OVERWRITE);
	n_records = n;
	does_wait = false;
	err = pthread_create(&thread, NULL, write_records, NULL);
	if (err)
		fail("pthread_create: %s", strerror(err));
	take_snapshots(&f);
	pthread_join(thread, NULL);
	printf("overwrite: attempted %llu, read %llu, overwritten %llu\n", (unsigned long long)n,
	       (unsigned long long)f.checker.n_read, (unsigned long long)f.n_overwritten);
	if (n_lost || f.checker.n_read + f.n_overwritten != n || f.next.serial != n)
		fail("attempted is not read + overwritten (%llu lost)", (unsigned long long)n_lost);
	if (f.taken_bytes + f.reader.overwritten != writer.resv || f.reader.tail != writer.resv)
		fail("positions taken and overwritten are not all");
	if (!f.checker.n_read || !f.n_overwritten)
		fail("nothing was %s", f.checker.n_read ? "overwritten" : "read");
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
	run_overwrite(n);
	free(region);
	return 0;
}
