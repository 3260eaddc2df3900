// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest without a VM: writes known records into a region as the driver does,
 * one thread per CPU, and says in the end what it tried and what was lost.
 *
 *	pretend-guest REGION [--cpus N] [--count N] [--pace-us N] [--boots N]
 *		      [--firmware-ms N] [--ack-ms N] [--linger-ms N] [--hang] [--stop-ms N]
 *		      [--vcpus] [--wait-ms N]
 *
 * Its TSC is the host's with an offset, which the program holds where QEMU does
 * (timers_state in the dynamic table): ivtrace-host --tsc tcg finds it.
 *
 * Record n of CPU c is the mark "c n".  --pace-us: a pause after each 64 records.
 * --boots: reboot after --count records: the TSC starts over, a while later the
 * driver comes up anew (--firmware-ms: after the reset; 300), and --count more
 * follow.
 * --ack-ms: how long a boot waits for somebody to take what the one before left; 1000.
 * --stop-ms: write on, a record each 5 ms, until the host wants no more, and then for
 * N ms: a guest that gets little CPU time.
 * --wait-ms: from mapping the region to the driver's first word.
 * --vcpus: the threads have the names that QEMU gives those of vCPUs.
 * --linger-ms: go on living so long after the last record.  --hang: do not end;
 * a line "written" on standard output says that all is flushed (to be killed
 * then).  Last line: {"attempted":N,"recorded":N,"lost":N}.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/data/pretended.h"
#include <ivring/events.h>
#include <ivring/guest.h>

#define MAX_CPUS 64

struct cpu {
	struct ivring_writer *w;
	pthread_t thread;
	uint32_t number;
	uint64_t recorded;
	uint64_t lost;
};

static struct ivring_guest *guest;
static struct cpu cpus[MAX_CPUS];
static uint32_t n_cpus = 2;
static uint64_t count = 100000;
static long pace_us = 50;
static long linger_ms;
static long stop_ms;
static uint64_t n_late;
static long firmware_ms = 300;
static uint32_t ack_ms;
static long wait_ms;
static bool has_vcpus;
static uint64_t boots = 1;
static uint64_t boot;

/* The driver's way to a new epoch: announce, let the old one be drained, clear. */
static int come_up(void)
{
	int err = ivring_guest_begin(guest);
	uint32_t i;

	for (i = 0; i < n_cpus && !err; i++) {
		err = ivring_guest_writer_get(guest, &cpus[i].w);
		cpus[i].number = i;
	}
	return err;
}

static void *write_records(void *arg)
{
	struct cpu *c = arg;
	char name[16];
	uint64_t i;

	snprintf(name, sizeof(name), "CPU %u/TCG", (uint8_t)c->number);
	if (has_vcpus)
		pthread_setname_np(pthread_self(), name);
	for (i = boot * count; i < (boot + 1) * count; i++) {
		char text[48] = { 0 };
		int n = snprintf(text, sizeof(text), "%u %llu", c->number, (unsigned long long)i);

		if (ivring_emit(c->w, IVT_TYPE_ivtrace_mark, 1000 + c->number, text,
				(uint32_t)n + 1))
			c->recorded++;
		else
			c->lost++;
		if (pace_us && i % 64 == 63)
			pause_us(pace_us);
	}
	ivring_guest_writer_put(guest, c->w);
	return NULL;
}

static int parse(int argc, char **argv, bool *ret_hang)
{
	static const struct option options[] = {
		{ "cpus", 1, NULL, 'c' },	 { "count", 1, NULL, 'n' },
		{ "pace-us", 1, NULL, 'p' },	 { "linger-ms", 1, NULL, 'l' },
		{ "boots", 1, NULL, 'b' },	 { "hang", 0, NULL, 'h' },
		{ "firmware-ms", 1, NULL, 'f' }, { "ack-ms", 1, NULL, 'a' },
		{ "stop-ms", 1, NULL, 's' },	 { "vcpus", 0, NULL, 'v' },
		{ "wait-ms", 1, NULL, 'w' },	 { NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			n_cpus = (uint32_t)atoi(optarg);
			break;
		case 'n':
			count = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			pace_us = atol(optarg);
			break;
		case 'l':
			linger_ms = atol(optarg);
			break;
		case 'b':
			boots = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			firmware_ms = strtol(optarg, NULL, 10);
			break;
		case 'a':
			ack_ms = (uint32_t)atoi(optarg);
			break;
		case 's':
			stop_ms = strtol(optarg, NULL, 10);
			break;
		case 'w':
			wait_ms = strtol(optarg, NULL, 10);
			break;
		case 'v':
			has_vcpus = true;
			break;
		case 'h':
			*ret_hang = true;
			break;
		default:
			return -1;
		}
	}
	return optind + 1 == argc ? 0 : -1;
}

static int run_boot(void)
{
	uint32_t i;

	if (come_up())
		return -1;
	for (i = 0; i < n_cpus; i++)
		if (pthread_create(&cpus[i].thread, NULL, write_records, &cpus[i]))
			return -1;
	for (i = 0; i < n_cpus; i++)
		pthread_join(cpus[i].thread, NULL);
	return 0;
}

static int write_late(struct ivring_writer *w)
{
	if (ivring_guest_beat(guest) ||
	    !ivring_emit(w, IVT_TYPE_ivtrace_mark, 1000, "late", sizeof("late")))
		return -1;
	n_late++;
	pause_us(5000);
	return 0;
}

/* Looks at what the host wants, does not obey for a while, and then beats on. */
static int stop_slowly(void)
{
	struct ivring_writer *w;
	long ms;

	if (ivring_guest_writer_get(guest, &w))
		return -1;
	while (ivring_guest_is_enabled(guest, IVT_TYPE_ivtrace_mark))
		if (write_late(w))
			return -1;
	for (ms = 0; ms < stop_ms; ms += 5)
		if (write_late(w))
			return -1;
	ivring_guest_writer_put(guest, w);
	for (ms = 0; ms < 2000 && !ivring_guest_beat(guest); ms += 10)
		pause_us(10000);
	return 0;
}

/* The host sees the new offset long before it sees the new boot. */
static void reset(void)
{
	long ms;

	timers_state[1] = -(int64_t)__rdtsc();
	for (ms = 0; ms < firmware_ms; ms += 10) {
		pretended_tsc();
		pause_us(10000);
	}
}

int main(int argc, char **argv)
{
	struct ivring_guest_options options = { .struct_bytes = sizeof(options),
						.release = "pretended" };
	uint64_t recorded = 0, lost = 0;
	bool does_hang = false;
	uint32_t i;
	int err;

	if (parse(argc, argv, &does_hang)) {
		fprintf(stderr, "pretend-guest: wrong use, see the source\n");
		return 2;
	}
	options.nr_writers = n_cpus;
	options.ack_ms = ack_ms;
	err = n_cpus > MAX_CPUS ? -ERANGE : ivring_guest_open(argv[optind], &options, &guest);
	if (err) {
		fprintf(stderr, "pretend-guest: cannot open '%s': %s\n", argv[optind],
			ivring_guest_strerror(err));
		return 1;
	}
	timers_state[1] = 1000000000 - (int64_t)__rdtsc(); /* booted just now */
	pause_us(1000 * wait_ms);
	for (boot = 0; boot < boots; boot++) {
		if (boot)
			reset();
		if (run_boot())
			return 1;
	}
	for (i = 0; i < n_cpus; i++) {
		recorded += cpus[i].recorded;
		lost += cpus[i].lost;
	}
	if (stop_ms && stop_slowly())
		return 1;
	recorded += n_late;
	pause_us(1000 * linger_ms);
	if (does_hang) {
		puts("written");
		fflush(stdout);
		pause();
	}
	ivring_guest_end(guest);
	printf("{\"attempted\":%llu,\"recorded\":%llu,\"lost\":%llu}\n",
	       (unsigned long long)(boots * n_cpus * count + n_late), (unsigned long long)recorded,
	       (unsigned long long)lost);
	ivring_guest_close(guest);
	return 0;
}
