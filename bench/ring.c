// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a record costs its writer, 32 bytes each, beside a bare rdtsc: serialised
 * (an lfence before each, so that nothing overlaps), back to back, and saturated
 * with a reader on another CPU that checks every record in place .  Variants
 * show what two decisions are worth: no LOCK prefix, and publishing per block.
 * A record's ns are CPU time of the writer, records/s are wall time.
 *
 *	ring [--quick]
 */
#include "bench.h"
#include <pthread.h>
#include <x86intrin.h>
#include <ivring/ring.h>

/* The same ring, head published with each record. */
#define RING_AGAIN(name) each_##name
#undef IVRING_PUB_BYTES
#define IVRING_PUB_BYTES 8
#include "ring_again.h"
#undef IVRING_PUB_BYTES
#define IVRING_PUB_BYTES 4096

/* The same ring, reserving by an operation that is atomic against other CPUs. */
static inline int cmpxchg_locked(__u64 *p, __u64 *old, __u64 new_value)
{
	return __atomic_compare_exchange_n(p, old, new_value, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}
#undef RING_AGAIN
#define RING_AGAIN(name)     lock_##name
#define ivring_cmpxchg_local cmpxchg_locked
#include "ring_again.h"
#undef ivring_cmpxchg_local

static struct ivring_superblock sb;
static unsigned char *region;
static uint64_t n_records = 4000000;
static unsigned int n_runs = 12;

/* Nobody reads: give the writer all that is published. */
static void free_all(const struct ivring_chan_writer *shared)
{
	struct ivring_reader_line *line =
		(struct ivring_reader_line *)(region + ivring_reader_line_off(&sb, 0));

	line->r_tail = shared->w_head;
}

static double time_rdtsc(bool is_serialised)
{
	uint64_t i, start = bench_cpu_ns(), sum = 0;

	if (is_serialised)
		for (i = 0; i < n_records; i++) {
			_mm_lfence();
			sum += __rdtsc();
		}
	else
		for (i = 0; i < n_records; i++)
			sum += __rdtsc();
	__asm__ volatile("" : : "r"(sum));
	return (double)(bench_cpu_ns() - start) / (double)n_records;
}

/* One function per variant: the same loop over its emit. */
#define DEFINE_VARIANT(prefix)                                                      \
	static struct prefix##_writer prefix##_w;                                   \
                                                                                    \
	static void prefix##_start(void)                                            \
	{                                                                           \
		memset(region, 0, sb.data_off);                                     \
		prefix##_writer_init(&prefix##_w, region, &sb, 0, 1);               \
	}                                                                           \
                                                                                    \
	static double prefix##_time(bool is_serialised)                             \
	{                                                                           \
		uint64_t i, start, payload[2] = { 1, 2 };                           \
                                                                                    \
		prefix##_start();                                                   \
		start = bench_cpu_ns();                                             \
		for (i = 0; i < n_records; i++) {                                   \
			if (is_serialised)                                          \
				_mm_lfence();                                       \
			prefix##_emit(&prefix##_w, 7, 1, payload, sizeof(payload)); \
			if (!(i & 1023))                                            \
				free_all(prefix##_w.shared);                        \
		}                                                                   \
		return (double)(bench_cpu_ns() - start) / (double)n_records;        \
	}                                                                           \
                                                                                    \
	static void prefix##_saturate(void)                                         \
	{                                                                           \
		uint64_t i, payload[2] = { 1, 2 };                                  \
                                                                                    \
		for (i = 0; i < n_records; i++)                                     \
			prefix##_emit(&prefix##_w, 7, 1, payload, sizeof(payload)); \
		prefix##_flush(&prefix##_w);                                        \
	}

DEFINE_VARIANT(ivring)
DEFINE_VARIANT(each)
DEFINE_VARIANT(lock)

struct variant {
	const char *name;
	double (*time)(bool is_serialised);
	void (*start)(void);
	void (*saturate)(void);
	struct bench_samples serialised, back_to_back, ns, lost, rate;
};

static struct variant variants[] = {
	{ .name = "ivring",
	  .time = ivring_time,
	  .start = ivring_start,
	  .saturate = ivring_saturate },
	{ .name = "head_per_record",
	  .time = each_time,
	  .start = each_start,
	  .saturate = each_saturate },
	{ .name = "lock_cmpxchg",
	  .time = lock_time,
	  .start = lock_start,
	  .saturate = lock_saturate },
};
#define N_VARIANTS (sizeof(variants) / sizeof(variants[0]))

static bool is_done;
static uint64_t n_read, n_bad;

/* Take and check everything in place until the writer has ended. */
static void *read_all(void *arg)
{
	struct ivring_reader r;
	struct ivring_range range;
	uint64_t read = 0, bad = 0; /* no line shared with the writer's */
	bool was_done;

	bench_pin(1);
	ivring_reader_init(&r, region, region + sb.reader_off, &sb, 0, 0);
	do {
		was_done = __atomic_load_n(&is_done, __ATOMIC_ACQUIRE);
		if (ivring_reader_fetch(&r))
			bad++;
		while (ivring_reader_next(&r, &range) == 1) {
			const unsigned char *p = r.data + range.offset, *end = p + range.bytes;

			for (; p < end; p += 32) {
				const struct ivring_record *rec = (const struct ivring_record *)p;

				bad += rec->size != 32 || rec->type != 7;
				read++;
			}
		}
		ivring_reader_release(&r);
	} while (!was_done);
	n_read = read;
	n_bad = bad;
	return arg;
}

static int time_saturated(struct variant *v)
{
	uint64_t start, cpu_start, ns, all_ns;
	pthread_t reader;

	v->start();
	n_read = n_bad = 0;
	__atomic_store_n(&is_done, false, __ATOMIC_RELEASE);
	if (pthread_create(&reader, NULL, read_all, NULL))
		return -1;
	start = bench_now_ns();
	cpu_start = bench_cpu_ns();
	v->saturate();
	ns = bench_cpu_ns() - cpu_start;
	__atomic_store_n(&is_done, true, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	all_ns = bench_now_ns() - start;
	bench_add(&v->ns, (double)ns / (double)n_records);
	bench_add(&v->lost, 100.0 * (double)(n_records - n_read) / (double)n_records);
	bench_add(&v->rate, (double)n_read * 1e9 / (double)all_ns);
	return n_bad ? -1 : 0;
}

static int measure(struct bench_samples *serialised, struct bench_samples *back_to_back,
		   struct bench_samples *above)
{
	unsigned int run, i;

	for (run = 0; run < n_runs; run++) {
		bench_add(serialised, time_rdtsc(true));
		bench_add(back_to_back, time_rdtsc(false));
		for (i = 0; i < N_VARIANTS; i++) {
			struct variant *v = &variants[i];

			bench_add(&v->serialised, v->time(true));
			bench_add(&v->back_to_back, v->time(false));
			if (sysconf(_SC_NPROCESSORS_ONLN) > 1 && time_saturated(v)) {
				fprintf(stderr, "ring: the reader saw bad records (%s)\n", v->name);
				return 1;
			}
		}
		bench_add(above, variants[0].serialised.v[run] - serialised->v[run]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bench_samples serialised = { .name = "rdtsc" };
	struct bench_samples back_to_back = { .name = "rdtsc" };
	struct bench_samples above = { .name = "ivring" };
	unsigned int i;

	if (argc > 1 && !strcmp(argv[1], "--quick"))
		n_records = 50000;
	if (ivring_layout(8 << 20, 1, 16, &sb)) /* 4 MiB, the default of a vCPU */
		return 1;
	region = aligned_alloc(4096, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	if (!region)
		return 1;
	memset(region, 0, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	bench_pin(0);
	if (measure(&serialised, &back_to_back, &above))
		return 1;
	for (i = 0; i < N_VARIANTS; i++)
		variants[i].serialised.name = variants[i].back_to_back.name = variants[i].ns.name =
			variants[i].lost.name = variants[i].rate.name = variants[i].name;
	bench_report("ring", "serialised", "ns/record", &serialised, NULL);
	for (i = 0; i < N_VARIANTS; i++)
		bench_report("ring", "serialised", "ns/record", &variants[i].serialised,
			     &serialised);
	bench_report("ring", "above_rdtsc", "ns/record", &above, NULL);
	bench_report("ring", "back_to_back", "ns/record", &back_to_back, NULL);
	for (i = 0; i < N_VARIANTS; i++)
		bench_report("ring", "back_to_back", "ns/record", &variants[i].back_to_back,
			     &back_to_back);
	for (i = 0; i < N_VARIANTS && variants[i].ns.n; i++) {
		bench_report("ring", "saturated", "ns/record", &variants[i].ns,
			     i ? &variants[0].ns : NULL);
		bench_report("ring", "saturated_read", "records/s", &variants[i].rate,
			     i ? &variants[0].rate : NULL);
		bench_report("ring", "saturated_lost", "percent", &variants[i].lost, NULL);
	}
	free(region);
	return 0;
}
