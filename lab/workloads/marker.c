// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * marker: makes a known number of system calls that nothing else makes, each
 * with its own number as an argument, so that a test can count them in a trace,
 * see that none is missing or doubled, and that they are in order.
 */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

static const char help[] =
	"Usage: marker [OPTIONS]\n"
	"\n"
	"Calls getpriority(PRIO_PROCESS, i) for i = FIRST ... FIRST + N - 1 and prints\n"
	"one line: name, tid, first i, number of calls, TSC before and after them all.\n"
	"\n"
	"  --count N         number of calls (1000)\n"
	"  --first N         the first call's number (1)\n"
	"  --name NAME       the thread's name (marker)\n"
	"  --interval-us N   pause after each call (0)\n"
	"  --cpu N           stay on this CPU (any)\n"
	"\n"
	"Example: marker --count 100 --name needle --interval-us 1000\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "first", required_argument, NULL, 'f' },
		{ "name", required_argument, NULL, 'n' },
		{ "interval-us", required_argument, NULL, 'i' },
		{ "cpu", required_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	unsigned long count = 1000, first = 1, interval_us = 0, i;
	unsigned long long begin_tsc;
	const char *name = "marker";
	long cpu = -1;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (opt) {
		case 'c':
			count = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			first = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			name = optarg;
			break;
		case 'i':
			interval_us = strtoul(optarg, NULL, 0);
			break;
		case 'C':
			cpu = strtol(optarg, NULL, 0);
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 2;
		}
	}
	prctl(PR_SET_NAME, name);
	if (cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set)) {
			fprintf(stderr, "marker: cannot stay on CPU %ld: no such CPU\n", cpu);
			return 1;
		}
	}
	begin_tsc = __rdtsc();
	for (i = first; i < first + count; i++) {
		syscall(SYS_getpriority, PRIO_PROCESS, i);
		if (interval_us)
			usleep(interval_us);
	}
	printf("%s %ld %lu %lu %llu %llu\n", name, syscall(SYS_gettid), first, count, begin_tsc,
	       __rdtsc());
	return 0;
}
