/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benchmarks share: samples of things measured in turn, and one line of
 * JSON per metric on standard output with a table for people on standard error.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BENCH_MAX_RUNS 64

/* The samples of one thing that is measured. */
struct bench_samples {
	const char *name;
	double v[BENCH_MAX_RUNS];
	unsigned int n;
};

static inline uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* CPU time of this thread: what others on a busy machine take is not in it. */
static inline uint64_t bench_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void bench_add(struct bench_samples *s, double v)
{
	if (s->n < BENCH_MAX_RUNS)
		s->v[s->n++] = v;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void bench_sort(struct bench_samples *s)
{
	qsort(s->v, s->n, sizeof(s->v[0]), bench_compare);
}

/* Of sorted samples. */
static inline double bench_median(const struct bench_samples *s)
{
	if (!s->n)
		return 0;
	return s->n % 2 ? s->v[s->n / 2] : (s->v[s->n / 2 - 1] + s->v[s->n / 2]) / 2;
}

/* Keep this thread on the @n-th of the CPUs that it may use; false: there is
 * no such CPU. */
static inline bool bench_pin(int n)
{
	static cpu_set_t all; /* before the first pinning, which threads inherit */
	cpu_set_t one;
	int cpu;

	if (!CPU_COUNT(&all) && sched_getaffinity(0, sizeof(all), &all))
		return false;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return !sched_setaffinity(0, sizeof(one), &one);
	}
	return false;
}

/* "model name, N CPUs[, virtual machine]"; fit for a JSON string. */
static inline const char *bench_machine(void)
{
	static char text[160];
	char line[4096], model[96] = "unknown CPU";
	bool is_virtual = false;
	FILE *f;

	if (text[0])
		return text;
	f = fopen("/proc/cpuinfo", "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ':');

		if (!strncmp(line, "model name", 10) && value)
			snprintf(model, sizeof(model), "%.*s", (int)strcspn(value + 2, "\n\"\\"),
				 value + 2);
		if (!strncmp(line, "flags", 5))
			is_virtual = strstr(line, " hypervisor") != NULL;
	}
	if (f)
		fclose(f);
	snprintf(text, sizeof(text), "%s, %ld CPUs%s", model, sysconf(_SC_NPROCESSORS_ONLN),
		 is_virtual ? ", virtual machine" : "");
	return text;
}

/* Median of s/vs over the runs, where both were measured in each run. */
static inline double bench_ratio(const struct bench_samples *s, const struct bench_samples *vs)
{
	struct bench_samples ratio = { .name = NULL };
	unsigned int i;

	for (i = 0; i < s->n && i < vs->n; i++)
		bench_add(&ratio, vs->v[i] ? s->v[i] / vs->v[i] : 0);
	bench_sort(&ratio);
	return bench_median(&ratio);
}

/* Print one metric: @s, compared with @vs (NULL: with nothing); "value" and
 * "vs_value" are medians, "ratio" is the median of the runs' ratios. */
static inline void bench_report(const char *bench, const char *metric, const char *unit,
				const struct bench_samples *samples, const struct bench_samples *vs)
{
	struct bench_samples s = *samples;
	double median;

	bench_sort(&s);
	median = bench_median(&s);
	printf("{\"bench\":\"%s\",\"metric\":\"%s.%s\",\"unit\":\"%s\",\"value\":%.6g,", bench,
	       metric, s.name, unit, median);
	fprintf(stderr, "  %-27s %-20s %10.5g %-7s [%.5g .. %.5g]", metric, s.name, median, unit,
		s.v[0], s.v[s.n ? s.n - 1 : 0]);
	if (vs) {
		struct bench_samples sorted = *vs;

		bench_sort(&sorted);
		printf("\"vs\":\"%s\",\"vs_value\":%.6g,\"ratio\":%.4g,", vs->name,
		       bench_median(&sorted), bench_ratio(samples, vs));
		fprintf(stderr, "  %.3g x %s", bench_ratio(samples, vs), vs->name);
	} else {
		printf("\"vs\":null,\"vs_value\":null,\"ratio\":null,");
	}
	printf("\"runs\":%u,\"min\":%.6g,\"median\":%.6g,\"max\":%.6g,\"machine\":\"%s\"}\n", s.n,
	       s.v[0], median, s.v[s.n ? s.n - 1 : 0], bench_machine());
	fputc('\n', stderr);
	fflush(stdout);
}

/* Say that @name was not measured, and why; fit for JSON are @why's letters. */
static inline void bench_skip(const char *bench, const char *metric, const char *name,
			      const char *why)
{
	printf("{\"bench\":\"%s\",\"metric\":\"%s.%s\",\"skipped\":\"%s\",\"machine\":\"%s\"}\n",
	       bench, metric, name, why, bench_machine());
	fprintf(stderr, "  %-27s %-20s skipped: %s\n", metric, name, why);
	fflush(stdout);
}

#endif /* BENCH_BENCH_H */
