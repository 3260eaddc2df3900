// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest without a VM that publishes nothing but what fills a grain, since it
 * has no flush timer: to be killed, or to panic, with the rest in its rings.
 *
 *	dying-guest REGION TALLY [--cpus N] [--count N] [--pace-us N]
 *		    [--linger-ms N] [--half-written] [--nested N]
 *		    [--panic | --reboot | --lie]
 *
 * Record n of CPU c is the mark "c n".  The file TALLY says at any moment what
 * was done: two u64 per CPU, emits that returned with a record and without one.
 * --half-written: in the end each CPU is stopped inside a record, with --nested
 * (3) of a nested context behind it.  --panic: say so, and how far was reserved.
 * --lie: say so, and go on.
 * --reboot: the next boot, without a flush, and --count more of each CPU.
 * --linger-ms: live on so long after the last record of a boot.
 * Last it says "done", and waits for its end.
 */
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/data/pretended.h"
#include <ivring/events.h>
#include <ivring/region.h>

#define MAX_CPUS    64
#define FIRMWARE_MS 300 /* from the reset to the driver */

struct tally {
	uint64_t recorded;
	uint64_t lost;
};

struct cpu {
	struct ivring_writer w;
	pthread_t thread;
	uint32_t number;
	uint64_t next; /* number of its next record */
};

static struct ivring_region region;
static struct tally *tally;
static struct cpu cpus[MAX_CPUS];
static uint32_t n_cpus = 2;
static uint64_t count = 100;
static long pace_us;
static long linger_ms;
static bool is_half_written;
static int n_nested = 3;

static struct ivring_guest_page *guest_page(void)
{
	return (struct ivring_guest_page *)((char *)region.base + IVRING_GUEST_OFF);
}

/* The driver's way to a new epoch: announce, let the old one be drained, clear. */
static void come_up(uint64_t boot)
{
	struct ivring_guest_page *page = guest_page();
	struct ivring_reader_page *reader = ivring_region_reader_page(&region);
	uint64_t epoch = ((uint64_t)time(NULL) << 20 | (uint64_t)getpid()) + boot;
	uint32_t i;

	ivring_store(&page->state, IVRING_GUEST_INIT);
	ivring_store_release(&page->guest_epoch, epoch);
	for (i = 0; i < 1000 && ivring_load_acquire(&reader->ack_epoch) != epoch; i++)
		pause_us(1000);
	page->nr_cpus = n_cpus;
	snprintf(page->release, sizeof(page->release), "dying");
	for (i = 0; i < n_cpus; i++) {
		memset((char *)region.base + ivring_chan_data_off(&region.sb, i), 0,
		       (size_t)ivring_chan_bytes(&region.sb));
		ivring_writer_init(&cpus[i].w, region.base, &region.sb, i, epoch);
	}
	ivring_store_release(&page->state, IVRING_GUEST_READY);
}

/* The TSC starts over; the host sees that long before it sees the new boot. */
static void reset(void)
{
	int ms;

	timers_state[1] = 1000000000 - (int64_t)__rdtsc();
	for (ms = 0; ms < FIRMWARE_MS; ms += 10) {
		pretended_tsc();
		pause_us(10000);
	}
}

static void emit_mark(struct cpu *c)
{
	char text[48] = { 0 };
	int n = snprintf(text, sizeof(text), "%u %llu", c->number, (unsigned long long)c->next++);

	if (ivring_emit(&c->w, IVT_TYPE_ivtrace_mark, 1000 + c->number, text, (uint32_t)n + 1))
		__atomic_fetch_add(&tally[c->number].recorded, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&tally[c->number].lost, 1, __ATOMIC_RELAXED);
}

/* As ivring_emit() stands when its header is written and nothing else. */
static void stop_inside_a_record(struct cpu *c)
{
	struct ivring_record *r;
	uint64_t pos = c->w.resv, bytes = 24;
	int i;

	if (!(pos & (c->w.subbuf - 1)) || (pos & (c->w.subbuf - 1)) + 8 * bytes > c->w.subbuf)
		return;
	c->w.nest = 1;
	c->w.resv += bytes;
	r = (struct ivring_record *)(c->w.data + (pos & (c->w.size - 1)));
	r->type = IVT_TYPE_ivtrace_mark;
	r->size = (uint16_t)bytes;
	r->ctx = IVRING_CTX_BUSY | 1000;
	c->next++;
	for (i = 0; i < n_nested; i++)
		emit_mark(c);
}

static void *write_records(void *arg)
{
	struct cpu *c = arg;
	uint64_t i;

	for (i = 0; i < count; i++) {
		emit_mark(c);
		if (pace_us && i % 16 == 15)
			pause_us(pace_us);
	}
	if (is_half_written)
		stop_inside_a_record(c);
	return NULL;
}

static int write_all(void)
{
	uint32_t i;

	for (i = 0; i < n_cpus; i++) {
		cpus[i].number = i;
		if (pthread_create(&cpus[i].thread, NULL, write_records, &cpus[i]))
			return -1;
	}
	for (i = 0; i < n_cpus; i++)
		pthread_join(cpus[i].thread, NULL);
	pause_us(1000 * linger_ms);
	return 0;
}

static void panic(void)
{
	uint32_t i;

	for (i = 0; i < n_cpus; i++)
		ivring_store(&cpus[i].w.shared->w_resv_hint, cpus[i].w.resv);
	ivring_store_release(&guest_page()->state, IVRING_GUEST_DEAD);
}

static int open_all(const char *region_path, const char *tally_path)
{
	int fd = open(tally_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*tally) * MAX_CPUS))
		return -1;
	tally = mmap(NULL, sizeof(*tally) * MAX_CPUS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (tally == MAP_FAILED)
		return -1;
	return ivring_region_open(region_path, IVRING_REGION_WRITER, &region);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "nested", 1, NULL, 'N' },    { "lie", 0, NULL, 'i' },
		{ "linger-ms", 1, NULL, 'l' }, { "cpus", 1, NULL, 'c' },
		{ "count", 1, NULL, 'n' },     { "pace-us", 1, NULL, 'p' },
		{ "panic", 0, NULL, 'd' },     { "half-written", 0, NULL, 'w' },
		{ "reboot", 0, NULL, 'b' },    { NULL, 0, NULL, 0 }
	};
	char end = 'k';
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'c')
			n_cpus = (uint32_t)atoi(optarg);
		else if (o == 'n')
			count = strtoull(optarg, NULL, 10);
		else if (o == 'p')
			pace_us = atol(optarg);
		else if (o == 'N')
			n_nested = atoi(optarg);
		else if (o == 'l')
			linger_ms = atol(optarg);
		else if (o == 'w')
			is_half_written = true;
		else
			end = (char)o;
	}
	if (end == '?' || optind + 2 != argc || open_all(argv[optind], argv[optind + 1]) ||
	    n_cpus > region.sb.nr_channels || n_cpus > MAX_CPUS) {
		fprintf(stderr, "dying-guest: wrong use, see the source\n");
		return 2;
	}
	timers_state[1] = 100000000000 - (int64_t)__rdtsc(); /* booted a while ago */
	come_up(0);
	if (write_all())
		return 1;
	if (end == 'd' || end == 'i')
		panic();
	if (end == 'b') {
		reset();
		come_up(1);
	}
	pause_us(end == 'i' ? 1000 * linger_ms : 0);
	if ((end == 'b' || end == 'i') && write_all())
		return 1;
	puts("done");
	fflush(stdout);
	pause();
	return 0;
}
