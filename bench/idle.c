// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What it costs to look at rings in which nothing happens: ns of CPU time per
 * sweep over the heads of 64, 512 and 4096 rings, laid out as in real regions, by
 * a bare load, by the reader of ring.h, and by all that ivtrace-host does for its
 * VMs in a turn of its loop.  A sweep after another finds all in the caches; then
 * as it is in life, every millisecond: the sweep after a pause, and all of it, with
 * the waking up.  512 rings: of one VM, of 8, of 64.
 *
 *	idle [--quick]
 */
#include "bench.h"
#include <errno.h>
#include <sys/mman.h>
#include "host-reader/vm/vm.h"

#define MAX_VMS	   64
#define PACE_NS	   1000000
#define TURNS_HZ   1000 /* percent of a core at that rate, and for so many rings */
#define GOAL_RINGS 512

static struct vm vms[MAX_VMS];
static unsigned int n_vms;
static unsigned int n_sweeps = 2000, n_paced = 100;
static const unsigned int n_runs = 12;

/* ---- regions ----------------------------------------------------------------- */

/* A guest that records, as its host sees it; only the pages that are touched are
 * there. */
static int map_region(struct ivring_region *region, uint32_t n_channels)
{
	struct ivring_guest_page *page;
	uint64_t bytes = 1 << 20;
	char *writable;

	while (ivring_layout(bytes, n_channels, 12, &region->sb))
		bytes *= 2;
	region->fd = memfd_create("ivtrace-bench", MFD_CLOEXEC);
	if (region->fd < 0 || ftruncate(region->fd, (off_t)bytes))
		return -1;
	region->base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, region->fd, 0);
	writable =
		mmap(NULL, region->sb.data_off, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
	if (region->base == MAP_FAILED || writable == MAP_FAILED)
		return -1;
	page = (struct ivring_guest_page *)(writable + IVRING_GUEST_OFF);
	page->guest_epoch = 1;
	page->state = IVRING_GUEST_READY;
	region->reader_area = writable + region->sb.reader_off;
	return 0;
}

static int make_vms(unsigned int n, uint32_t n_channels)
{
	uint32_t i;

	for (n_vms = 0; n_vms < n; n_vms++) {
		struct vm *vm = &vms[n_vms];

		memset(vm, 0, sizeof(*vm));
		vm->channels = calloc(n_channels, sizeof(*vm->channels));
		if (!vm->channels || map_region(&vm->region, n_channels))
			return -1;
		vm->guest_epoch = 1;
		vm->is_watched = vm->has_guest = true;
		for (i = 0; i < n_channels; i++)
			ivring_reader_init(&vm->channels[i].reader, vm->region.base,
					   vm->region.reader_area, &vm->region.sb, i, 0);
	}
	return 0;
}

static void drop_vms(void)
{
	while (n_vms--) {
		struct vm *vm = &vms[n_vms];
		char *writable = (char *)vm->region.reader_area - vm->region.sb.reader_off;

		munmap(writable, vm->region.sb.data_off);
		munmap(vm->region.base, vm->region.sb.region_size);
		close(vm->region.fd);
		free(vm->channels);
	}
	n_vms = 0;
}

/* ---- sweeps: each returns what it found waiting, which is nothing --------------- */

static uint64_t sweep_load(void)
{
	uint64_t found = 0;
	unsigned int v;
	uint32_t i;

	for (v = 0; v < n_vms; v++)
		for (i = 0; i < vms[v].region.sb.nr_channels; i++)
			found |= ivring_load_acquire(&vms[v].channels[i].reader.shared->w_head);
	return found;
}

static uint64_t sweep_fetch(void)
{
	uint64_t found = 0;
	unsigned int v;
	uint32_t i;

	for (v = 0; v < n_vms; v++) {
		for (i = 0; i < vms[v].region.sb.nr_channels; i++) {
			struct ivring_reader *r = &vms[v].channels[i].reader;

			if (ivring_reader_fetch(r))
				return 1;
			found |= r->head - r->tail;
		}
	}
	return found;
}

/* As drain_all() of host-reader/recording/record.c. */
static uint64_t sweep_host(void)
{
	uint64_t found = 0;
	unsigned int v;

	for (v = 0; v < n_vms; v++) {
		vm_check_region(&vms[v]);
		vm_watch_guest(&vms[v]);
		found |= vm_drain(&vms[v], false);
		found |= vms[v].is_broken;
	}
	return found;
}

/* ---- measuring ------------------------------------------------------------------ */

struct sweep {
	const char *name;
	uint64_t (*run)(void);
	struct bench_samples ns;
};

static int time_sweeps(struct sweep *s)
{
	unsigned int i, n = n_sweeps * 64 / (n_vms * vms[0].region.sb.nr_channels) + 10;
	uint64_t found = s->run(), start = bench_cpu_ns();

	for (i = 0; i < n; i++)
		found |= s->run();
	bench_add(&s->ns, (double)(bench_cpu_ns() - start) / n);
	return found ? -1 : 0;
}

static void report_percent(const char *metric, const char *name, const struct bench_samples *ns)
{
	struct bench_samples percent = { .name = name };
	unsigned int i;

	for (i = 0; i < ns->n; i++)
		bench_add(&percent, ns->v[i] * TURNS_HZ / 1e9 * 100);
	bench_report("idle", metric, "percent", &percent, NULL);
}

/* @n regions of @n_channels rings, one sweep after another. */
static int measure(unsigned int n, uint32_t n_channels)
{
	struct sweep sweeps[] = {
		{ .name = "load", .run = sweep_load, .ns.name = "load" },
		{ .name = "fetch", .run = sweep_fetch, .ns.name = "fetch" },
		{ .name = "host", .run = sweep_host, .ns.name = "host" },
	};
	char metric[48], percent[48];
	unsigned int run, i;
	int ret = 0;

	if (make_vms(n, n_channels)) {
		fprintf(stderr, "idle: cannot map %u regions: %s\n", n, strerror(errno));
		return -1;
	}
	for (run = 0; run < n_runs && !ret; run++)
		for (i = 0; i < 3 && !ret; i++)
			ret = time_sweeps(&sweeps[i]);
	if (ret) {
		fprintf(stderr, "idle: the rings are not idle\n");
		return -1;
	}
	snprintf(metric, sizeof(metric), "ns_per_sweep.%ux%u", n, n_channels);
	snprintf(percent, sizeof(percent), "core_at_1khz.%ux%u", n, n_channels);
	for (i = 0; i < 3; i++)
		bench_report("idle", metric, "ns", &sweeps[i].ns, i ? &sweeps[0].ns : NULL);
	for (i = 1; i < 3 && n * n_channels == GOAL_RINGS; i++)
		report_percent(percent, sweeps[i].name, &sweeps[i].ns);
	drop_vms();
	return 0;
}

/* The same every millisecond: caches and branch predictors know it no more.  Reading
 * the clock of CPU time is in it, some 0.3 us. */
static int measure_paced(unsigned int n, uint32_t n_channels)
{
	struct bench_samples sweep = { .name = "host" }, all = { .name = "host_and_wake_up" };
	const struct timespec pause = { .tv_nsec = PACE_NS };
	unsigned int run, i;
	uint64_t found = 0;
	char metric[48];

	if (make_vms(n, n_channels)) {
		fprintf(stderr, "idle: cannot map %u regions: %s\n", n, strerror(errno));
		return -1;
	}
	for (run = 0; run < n_runs; run++) {
		uint64_t begin = bench_cpu_ns(), ns = 0;

		for (i = 0; i < n_paced; i++) {
			uint64_t start;

			nanosleep(&pause, NULL);
			start = bench_cpu_ns();
			found |= sweep_host();
			ns += bench_cpu_ns() - start;
		}
		bench_add(&sweep, (double)ns / n_paced);
		bench_add(&all, (double)(bench_cpu_ns() - begin) / n_paced);
	}
	snprintf(metric, sizeof(metric), "ns_per_paced_sweep.%ux%u", n, n_channels);
	bench_report("idle", metric, "ns", &sweep, NULL);
	bench_report("idle", metric, "ns", &all, NULL);
	snprintf(metric, sizeof(metric), "core_at_1khz_paced.%ux%u", n, n_channels);
	report_percent(metric, sweep.name, &sweep);
	report_percent(metric, all.name, &all);
	drop_vms();
	if (found)
		fprintf(stderr, "idle: the rings are not idle\n");
	return found ? -1 : 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--quick")) {
		n_sweeps /= 20;
		n_paced /= 20;
	}
	bench_pin(0);
	if (measure(1, 64) || measure(1, 512) || measure(8, 64) || measure(64, 8) ||
	    measure(1, 4096) || measure_paced(1, 512) || measure_paced(8, 64))
		return 1;
	return 0;
}
