// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a guest's record takes until it is in a file: looks at the streams of a
 * recording that runs, every millisecond, and notes when each record has appeared
 * there.  When the recording is over, its own clock log tells when each was written.
 *
 *	visible TRACE.ivt SECONDS
 *
 * Per second of watching one line, "p50 p99 max" in ms and the number of records; last
 * "before_its_event N" records that were seen before they were written, by the clock
 * log (0, or that is wrong), and "skipped N" that were there when their file was first
 * seen.
 */
#include "bench.h"
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <x86intrin.h>
#include "ivring/abi.h"
#include "trace/manifest.h"
#include "trace/packet.h"
#include "trace/sync_log.h"

#define LOOK_NS	      1000000u
#define LIST_NS	      50000000u /* between two looks for new files */
#define FINALISE_NS   120000000000u
#define NICE	      -10
#define MAX_STREAMS   4096
#define MAX_SECONDS   600
#define NS_PER_SECOND 1000000000u

struct sample {
	uint64_t guest_tsc;
	uint64_t seen_tsc;
	uint32_t second; /* of the watching */
};

struct stream {
	char dir[NAME_MAX + 1];
	uint32_t cpu;
	int fd;
	uint64_t offset_bytes; /* of the next packet */
	struct sample *samples;
	size_t n_samples, capacity;
};

static struct stream streams[MAX_STREAMS];
static size_t n_streams;
static uint64_t n_skipped;

/* ---- watching --------------------------------------------------------------------- */

static void add_sample(struct stream *s, uint64_t guest_tsc, uint64_t seen_tsc, uint32_t second)
{
	if (s->n_samples == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 1024;
		s->samples = realloc(s->samples, s->capacity * sizeof(*s->samples));
		if (!s->samples)
			errx(1, "no memory for %zu records", s->capacity);
	}
	s->samples[s->n_samples++] = (struct sample){ guest_tsc, seen_tsc, second };
}

/* The records of one packet. */
static void take_records(struct stream *s, const char *at, size_t bytes, uint64_t seen_tsc,
			 uint32_t second)
{
	const struct ivring_record *record;

	while (bytes >= sizeof(*record)) {
		record = (const struct ivring_record *)at;
		if (record->size < sizeof(*record) || record->size > bytes)
			errx(1, "%s/cpu_%u: a record of %u bytes", s->dir, s->cpu, record->size);
		if (seen_tsc)
			add_sample(s, record->tsc, seen_tsc, second);
		else
			n_skipped++;
		at += record->size;
		bytes -= record->size;
	}
}

/* What the file has got since the last look; @seen_tsc 0: that is too late. */
static void look(struct stream *s, uint64_t seen_tsc, uint32_t second)
{
	static char buffer[IVT_PACKET_MAX_BYTES];
	struct ivt_packet_header header;
	struct stat st;

	if (fstat(s->fd, &st))
		err(1, "%s/cpu_%u", s->dir, s->cpu);
	while ((uint64_t)st.st_size >= s->offset_bytes + sizeof(header)) {
		ssize_t bytes;

		if (pread(s->fd, &header, sizeof(header), (off_t)s->offset_bytes) != sizeof(header))
			err(1, "cannot read %s/cpu_%u", s->dir, s->cpu);
		bytes = (ssize_t)(header.packet_bits / 8 - sizeof(header));
		if (header.magic != IVT_PACKET_MAGIC || bytes < 0 || (size_t)bytes > sizeof(buffer))
			errx(1, "%s/cpu_%u: no packet at %llu", s->dir, s->cpu,
			     (unsigned long long)s->offset_bytes);
		/* The writer is in the middle of this one. */
		if ((uint64_t)st.st_size < s->offset_bytes + header.packet_bits / 8)
			return;
		if (pread(s->fd, buffer, (size_t)bytes,
			  (off_t)(s->offset_bytes + sizeof(header))) != bytes)
			err(1, "cannot read %s/cpu_%u", s->dir, s->cpu);
		take_records(s, buffer, (size_t)bytes, seen_tsc, second);
		s->offset_bytes += header.packet_bits / 8;
	}
}

static void add_stream(const char *trace, const char *dir, const char *file)
{
	struct stream *s = &streams[n_streams];
	char path[PATH_MAX];
	uint32_t cpu;
	size_t i;

	if (sscanf(file, "cpu_%u", &cpu) != 1)
		return;
	for (i = 0; i < n_streams; i++)
		if (streams[i].cpu == cpu && !strcmp(streams[i].dir, dir))
			return;
	if (n_streams == MAX_STREAMS)
		errx(1, "more than %d streams", MAX_STREAMS);
	snprintf(path, sizeof(path), "%s/%s/%s", trace, dir, file);
	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	s->cpu = cpu;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		err(1, "cannot open '%s'", path);
	n_streams++;
	look(s, 0, 0);
}

static void list_streams(const char *trace)
{
	DIR *top = opendir(trace), *below;
	struct dirent *dir, *file;
	char path[PATH_MAX];

	while (top && (dir = readdir(top))) {
		if (strncmp(dir->d_name, "vm-", 3))
			continue;
		snprintf(path, sizeof(path), "%s/%s", trace, dir->d_name);
		below = opendir(path);
		while (below && (file = readdir(below)))
			add_stream(trace, dir->d_name, file->d_name);
		if (below)
			closedir(below);
	}
	if (top)
		closedir(top);
}

static void watch(const char *trace, uint32_t seconds)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t begin = 0, listed = 0, now;
	size_t i;

	for (;;) {
		now = bench_now_ns();
		if (now - listed >= LIST_NS) {
			list_streams(trace);
			now = listed = bench_now_ns();
		}
		if (!begin && n_streams)
			begin = now;
		if (begin && now - begin >= (uint64_t)seconds * NS_PER_SECOND)
			return;
		for (i = 0; i < n_streams; i++)
			look(&streams[i], __rdtsc(), (uint32_t)((now - begin) / NS_PER_SECOND));
		nanosleep(&pause, NULL);
	}
}

/* ---- what it was -------------------------------------------------------------------- */

static struct ivt_trace_info info;
static struct ivt_sync_log sync_log;

static void wait_for_the_end(const char *trace)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	uint64_t begin = bench_now_ns();
	struct ivt_error error = { "" };
	int dirfd = open(trace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (;;) {
		if (!ivt_manifest_read(dirfd, &info, &error) && info.is_finalised)
			break;
		ivt_trace_info_deinit(&info);
		memset(&info, 0, sizeof(info));
		if (bench_now_ns() - begin > FINALISE_NS)
			errx(1, "'%s' does not end: %s", trace, error.msg);
		nanosleep(&pause, NULL);
	}
	if (ivt_sync_log_read(dirfd, &sync_log))
		errx(1, "cannot read the clock log of '%s'", trace);
	close(dirfd);
}

/* The history of @s's clock; the caller frees it. */
static struct tsc_sync_entry *history(const struct stream *s, size_t *ret_n)
{
	const struct ivt_sync_clock *clocks = NULL;
	struct tsc_sync_entry *entries;
	uint32_t machine;
	size_t i;

	for (machine = 0; machine < info.n_machines; machine++)
		if (!strcmp(info.machines[machine].dir, s->dir))
			clocks = ivt_sync_log_find(&sync_log, machine, s->cpu, ret_n);
	if (!clocks || !*ret_n)
		errx(1, "the clock of %s is not known", s->dir);
	entries = calloc(*ret_n, sizeof(*entries));
	if (!entries)
		errx(1, "no memory");
	for (i = 0; i < *ret_n; i++)
		entries[i] = clocks[i].entry;
	return entries;
}

struct second {
	double *ms;
	size_t n, capacity;
};

static void add_ms(struct second *second, double ms)
{
	if (second->n == second->capacity) {
		second->capacity = second->capacity ? 2 * second->capacity : 4096;
		second->ms = realloc(second->ms, second->capacity * sizeof(*second->ms));
		if (!second->ms)
			errx(1, "no memory");
	}
	second->ms[second->n++] = ms;
}

/* Returns how many were seen before they were written. */
static uint64_t take_stream(const struct stream *s, uint64_t tsc_hz, struct second *of_second)
{
	struct tsc_sync_entry *entries;
	uint64_t host_tsc, n_before = 0;
	size_t n = 0, i;

	if (!s->n_samples)
		return 0;
	entries = history(s, &n);
	for (i = 0; i < s->n_samples; i++) {
		const struct sample *sample = &s->samples[i];
		double ticks;

		if (tsc_sync_history_to_host(entries, n, sample->guest_tsc, &host_tsc, NULL))
			errx(1, "%s: no host time of TSC %llu", s->dir,
			     (unsigned long long)sample->guest_tsc);
		ticks = (double)(int64_t)(sample->seen_tsc - host_tsc);
		n_before += ticks < 0;
		add_ms(&of_second[sample->second], ticks * 1e3 / (double)tsc_hz);
	}
	free(entries);
	return n_before;
}

static void tell(uint32_t seconds)
{
	static struct second of_second[MAX_SECONDS];
	uint64_t tsc_hz, n_before = 0;
	uint32_t i;
	size_t s;

	if (tsc_sync_frequency(sync_log.snapshots, sync_log.n_snapshots, &tsc_hz))
		errx(1, "the rate of the host's TSC is not known");
	for (s = 0; s < n_streams; s++)
		n_before += take_stream(&streams[s], tsc_hz, of_second);
	for (i = 0; i < seconds; i++) {
		struct second *second = &of_second[i];

		if (!second->n)
			continue;
		qsort(second->ms, second->n, sizeof(second->ms[0]), bench_compare);
		printf("%.3f %.3f %.3f %zu\n", second->ms[second->n / 2],
		       second->ms[second->n * 99 / 100], second->ms[second->n - 1], second->n);
	}
	printf("before_its_event %llu\nskipped %llu\n", (unsigned long long)n_before,
	       (unsigned long long)n_skipped);
}

int main(int argc, char **argv)
{
	unsigned long seconds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (!seconds || seconds > MAX_SECONDS) {
		fprintf(stderr, "Usage: visible TRACE.ivt SECONDS (1 to %d)\n", MAX_SECONDS);
		return 2;
	}
	/* What it sees late counts as late: as urgent as the recorder, where allowed. */
	setpriority(PRIO_PROCESS, 0, NICE);
	watch(argv[1], (uint32_t)seconds);
	wait_for_the_end(argv[1]);
	tell((uint32_t)seconds);
	return 0;
}
