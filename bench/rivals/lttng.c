// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LTTng-UST's side of bench/ring: a loop over one tracepoint, for an LTTng that
 * records already (lttng.sh).  Reads a number of events a line from standard
 * input, answers each with the ns of CPU time that one took.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "bench/rivals/lttng_tp.h"
#include "bench.h"

/* Less than half of the buffers; then LTTng's consumer has time to empty them, so
 * that no event is dropped: a dropped one would be cheap. */
#define BURST	 50000
#define PAUSE_US 50000

static double time_events(unsigned long n)
{
	unsigned long done = 0, i, burst;
	uint64_t ns = 0, start;

	while (done < n) {
		burst = n - done < BURST ? n - done : BURST;
		start = bench_cpu_ns();
		for (i = 0; i < burst; i++)
			lttng_ust_tracepoint(ivtrace_bench, words, 1, 2);
		ns += bench_cpu_ns() - start;
		done += burst;
		usleep(PAUSE_US);
	}
	return (double)ns / (double)n;
}

int main(void)
{
	char line[32];

	bench_pin(0);
	if (!lttng_ust_tracepoint_enabled(ivtrace_bench, words)) {
		fprintf(stderr, "lttng: the tracepoint is not enabled\n");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		printf("%.6f\n", time_events(strtoul(line, NULL, 10)));
		fflush(stdout);
	}
	return 0;
}
