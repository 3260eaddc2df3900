// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a record costs its writer, 32 bytes each, beside a bare rdtsc: serialised
 * (an lfence before each, so that nothing overlaps), back to back, and saturated
 * with a reader on another CPU that checks every record in place.  Variants show
 * what the ring's decisions are worth: no LOCK prefix, publishing per block; what
 * overwrite mode costs; and what is left without the clock.  Rivals write back to
 * back, too.  A record's ns are CPU time of the writer, records/s are wall time.
 *
 *	ring [--quick]		rivals: as root, in the source tree (or SRC=DIR)
 */
#include "bench.h"
#include <pthread.h>
#include <signal.h>
#include <x86intrin.h>
#include <ivring/ring.h>
#include "rival_bpf.h"
#include "rival_ftrace.h"
#include "rival_lttng.h"

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

/* The same ring, all stamps alike. */
#undef RING_AGAIN
#define RING_AGAIN(name) bare_##name
#undef IVRING_CLOCK
#define IVRING_CLOCK() 1
#include "ring_again.h"

static struct ivring_superblock sb;
static unsigned char *region;
static uint64_t n_records = 4000000;
static const unsigned int n_runs = 12;
#define RIVAL_SHARE 8 /* of the records: they are slower */

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

/* The clock of LTTng. */
static double time_clock_gettime(void)
{
	uint64_t i, start = bench_cpu_ns(), sum = 0;

	for (i = 0; i < n_records; i++)
		sum += bench_now_ns();
	__asm__ volatile("" : : "r"(sum));
	return (double)(bench_cpu_ns() - start) / (double)n_records;
}

static void clear_region(uint16_t mode)
{
	struct ivring_chan *chan = (struct ivring_chan *)(region + ivring_chan_desc_off(0));

	memset(region, 0, sb.data_off);
	chan->host.mode = mode;
}

/* One function per variant: the same loop over its emit. */
#define DEFINE_VARIANT(name, prefix, mode)                                        \
	static struct prefix##_writer name##_w;                                   \
                                                                                  \
	static void name##_start(void)                                            \
	{                                                                         \
		clear_region(mode);                                               \
		prefix##_writer_init(&name##_w, region, &sb, 0, 1);               \
	}                                                                         \
                                                                                  \
	static double name##_time(bool is_serialised)                             \
	{                                                                         \
		uint64_t i, start, payload[2] = { 1, 2 };                         \
                                                                                  \
		name##_start();                                                   \
		start = bench_cpu_ns();                                           \
		for (i = 0; i < n_records; i++) {                                 \
			if (is_serialised)                                        \
				_mm_lfence();                                     \
			prefix##_emit(&name##_w, 7, 1, payload, sizeof(payload)); \
			if (mode == IVRING_MODE_DISCARD && !(i & 1023))           \
				free_all(name##_w.shared);                        \
		}                                                                 \
		if (name##_w.events != n_records)                                 \
			return -1; /* a lost one was cheap */                     \
		return (double)(bench_cpu_ns() - start) / (double)n_records;      \
	}                                                                         \
                                                                                  \
	static void name##_saturate(void)                                         \
	{                                                                         \
		uint64_t i, payload[2] = { 1, 2 };                                \
                                                                                  \
		for (i = 0; i < n_records; i++)                                   \
			prefix##_emit(&name##_w, 7, 1, payload, sizeof(payload)); \
		prefix##_flush(&name##_w);                                        \
	}

DEFINE_VARIANT(ivring, ivring, IVRING_MODE_DISCARD)
DEFINE_VARIANT(overwrite, ivring, IVRING_MODE_OVERWRITE)
DEFINE_VARIANT(each, each, IVRING_MODE_DISCARD)
DEFINE_VARIANT(lock, lock, IVRING_MODE_DISCARD)
DEFINE_VARIANT(bare, bare, IVRING_MODE_DISCARD)

struct variant {
	const char *name;
	double (*time)(bool is_serialised);
	void (*start)(void);
	void (*saturate)(void);
	bool has_reader; /* in the saturated runs */
	struct bench_samples serialised, above, back_to_back, ns, lost, rate;
};

#define VARIANT(label, prefix, with_reader)                                    \
	{                                                                      \
		.name = label, .time = prefix##_time, .start = prefix##_start, \
		.saturate = prefix##_saturate, .has_reader = with_reader       \
	}

enum {
	OURS,
	OVERWRITE,
	EACH,
	LOCK,
	NO_CLOCK,
	N_VARIANTS
};

static struct variant variants[N_VARIANTS] = {
	[OURS] = VARIANT("ivring", ivring, true),
	[OVERWRITE] = VARIANT("overwrite", overwrite, false),
	[EACH] = VARIANT("head_per_record", each, true),
	[LOCK] = VARIANT("lock_cmpxchg", lock, true),
	[NO_CLOCK] = VARIANT("ivring_no_clock", bare, false),
};

#define BPF(label, what)                                                                        \
	{                                                                                       \
		.name = label, .variant = what, .open = bpf_rival_open, .time = bpf_rival_time, \
		.close = bpf_rival_close                                                        \
	}
#define FTRACE(label, clock)                                                               \
	{                                                                                  \
		.name = label, .variant = clock, .open = ftrace_open, .time = ftrace_time, \
		.close = ftrace_close                                                      \
	}
#define LTTNG(label, mode)                                                              \
	{                                                                               \
		.name = label, .variant = mode, .open = lttng_open, .time = lttng_time, \
		.close = lttng_close                                                    \
	}

static struct rival rivals[] = {
	BPF("bpf_ringbuf", "clock and record"),	   FTRACE("ftrace", "local"),
	FTRACE("ftrace_tsc", "x86-tsc"),	   LTTNG("lttng_ust", "discard"),
	LTTNG("lttng_ust_overwrite", "overwrite"),
};
#define N_RIVALS (sizeof(rivals) / sizeof(rivals[0]))

/* What their clocks cost alone, and what is left without. */
static struct rival bpf_no_clock = BPF("bpf_ringbuf_no_clock", "record");
static struct rival bpf_clock = BPF("bpf_ktime_get_ns", "clock");

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

static struct {
	struct bench_samples serialised, back_to_back, clock_gettime;
} bare_clock = {
	.serialised.name = "rdtsc",
	.back_to_back.name = "rdtsc",
	.clock_gettime.name = "clock_gettime",
};

/* @rdtsc: ns of one, serialised, in the same run. */
static int measure_variant(struct variant *v, double rdtsc)
{
	double serialised = v->time(true), back_to_back = v->time(false);

	if (serialised < 0 || back_to_back < 0) {
		fprintf(stderr, "ring: records were lost (%s)\n", v->name);
		return -1;
	}
	bench_add(&v->serialised, serialised);
	bench_add(&v->above, serialised - rdtsc);
	bench_add(&v->back_to_back, back_to_back);
	if (v->has_reader && sysconf(_SC_NPROCESSORS_ONLN) > 1 && time_saturated(v)) {
		fprintf(stderr, "ring: the reader saw bad records (%s)\n", v->name);
		return -1;
	}
	return 0;
}

/* All in turn, so that a machine that is busy for a while is so for all. */
static int measure(void)
{
	unsigned int run, i;

	for (run = 0; run < n_runs; run++) {
		double rdtsc = time_rdtsc(true);

		bench_add(&bare_clock.serialised, rdtsc);
		bench_add(&bare_clock.back_to_back, time_rdtsc(false));
		bench_add(&bare_clock.clock_gettime, time_clock_gettime());
		for (i = 0; i < N_VARIANTS; i++)
			if (measure_variant(&variants[i], rdtsc))
				return -1;
		for (i = 0; i < N_RIVALS; i++)
			rival_measure(&rivals[i], n_records / RIVAL_SHARE);
		rival_measure(&bpf_no_clock, n_records / RIVAL_SHARE);
		rival_measure(&bpf_clock, n_records / RIVAL_SHARE);
	}
	return 0;
}

static void open_rivals(void)
{
	unsigned int i;

	signal(SIGPIPE, SIG_IGN); /* one that dies is left out */
	for (i = 0; i < N_RIVALS; i++)
		rival_open(&rivals[i]);
	rival_open(&bpf_no_clock);
	rival_open(&bpf_clock);
}

static void close_rivals(void)
{
	unsigned int i;

	for (i = 0; i < N_RIVALS; i++)
		rival_close(&rivals[i]);
	rival_close(&bpf_no_clock);
	rival_close(&bpf_clock);
}

static void name_samples(void)
{
	unsigned int i;

	for (i = 0; i < N_VARIANTS; i++) {
		struct variant *v = &variants[i];

		v->serialised.name = v->above.name = v->back_to_back.name = v->name;
		v->ns.name = v->lost.name = v->rate.name = v->name;
	}
}

static void report_variants(void)
{
	const struct variant *ours = &variants[OURS];
	unsigned int i;

	bench_report("ring", "ns_per_record.serialised", "ns", &bare_clock.serialised, NULL);
	for (i = 0; i < N_VARIANTS; i++)
		bench_report("ring", "ns_per_record.serialised", "ns", &variants[i].serialised,
			     &bare_clock.serialised);
	for (i = 0; i < NO_CLOCK; i++)
		bench_report("ring", "ns_per_record.above_rdtsc", "ns", &variants[i].above, NULL);
	bench_report("ring", "ns_per_record.back_to_back", "ns", &bare_clock.back_to_back, NULL);
	for (i = 0; i < N_VARIANTS; i++)
		bench_report("ring", "ns_per_record.back_to_back", "ns", &variants[i].back_to_back,
			     &bare_clock.back_to_back);
	for (i = 0; i < N_VARIANTS; i++) {
		const struct variant *v = &variants[i], *vs = v == ours ? NULL : ours;

		if (!v->ns.n)
			continue;
		bench_report("ring", "ns_per_record.saturated", "ns", &v->ns, vs ? &vs->ns : NULL);
		bench_report("ring", "records_per_s.saturated", "1/s", &v->rate,
			     vs ? &vs->rate : NULL);
		bench_report("ring", "lost.saturated", "percent", &v->lost, NULL);
	}
}

/* @rival by itself; then @ours beside it: below 1 where ours is faster. */
static void report_rival(const struct rival *rival, const struct variant *ours)
{
	if (rival->reason[0]) {
		bench_skip("ring", "ns_per_record.rival", rival->name, rival->reason);
		return;
	}
	bench_report("ring", "ns_per_record.rival", "ns", &rival->ns, NULL);
	bench_report("ring", "ns_per_record.back_to_back", "ns", &ours->back_to_back, &rival->ns);
}

static void report(void)
{
	unsigned int i;

	name_samples();
	report_variants();
	for (i = 0; i < N_RIVALS; i++)
		report_rival(&rivals[i], &variants[OURS]);
	report_rival(&bpf_no_clock, &variants[NO_CLOCK]);
	bench_report("ring", "ns_per_read.clock", "ns", &bare_clock.clock_gettime, NULL);
	if (bpf_clock.reason[0])
		bench_skip("ring", "ns_per_read.clock", bpf_clock.name, bpf_clock.reason);
	else
		bench_report("ring", "ns_per_read.clock", "ns", &bpf_clock.ns, NULL);
}

int main(int argc, char **argv)
{
	size_t bytes;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "--quick"))
		n_records = 50000;
	if (ivring_layout(8 << 20, 1, 16, &sb)) /* 4 MiB, the default of a vCPU */
		return 1;
	bytes = (size_t)(sb.data_off + ivring_chan_bytes(&sb));
	region = aligned_alloc(4096, bytes);
	if (!region)
		return 1;
	memset(region, 0, bytes);
	open_rivals(); /* before we stay on one CPU: what they start may use all */
	bench_pin(0);
	ret = measure();
	close_rivals();
	if (!ret)
		report();
	free(region);
	return ret ? 1 : 0;
}
