// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/sync_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIND_SNAPSHOT 1
#define KIND_CLOCK    2
#define KIND_GONE     3
#define SOURCE_MASK   0x7fffu

static const char magic[8] = "IVSYNC\0\1";

struct sync_header {
	char magic[8];
	uint32_t record_bytes;
	uint32_t reserved0;
	uint8_t uuid[16];
	uint64_t tsc_hz;
	uint8_t reserved1[24];
};

struct sync_record {
	uint16_t kind;
	uint16_t source;
	uint32_t machine;
	uint32_t cpu;
	uint32_t half_width_tsc;
	uint64_t host_tsc;
	uint64_t offset_or_mono_ns;
	uint64_t ratio_or_real_ns;
	uint64_t frac_epoch_or_mono_raw_ns;
	uint64_t guest_tsc_or_boot_ns;
	uint64_t bound_tsc;
};
_Static_assert(sizeof(struct sync_header) == IVT_SYNC_BYTES, "header");
_Static_assert(sizeof(struct sync_record) == IVT_SYNC_BYTES, "record");
_Static_assert(offsetof(struct sync_record, host_tsc) == 16, "host_tsc");
_Static_assert(offsetof(struct sync_record, bound_tsc) == 56, "bound");

void ivt_sync_header_encode(uint8_t ret[IVT_SYNC_BYTES], const uint8_t uuid[16], uint64_t tsc_hz)
{
	struct sync_header header = { .record_bytes = IVT_SYNC_BYTES, .tsc_hz = tsc_hz };

	memcpy(header.magic, magic, sizeof(magic));
	memcpy(header.uuid, uuid, sizeof(header.uuid));
	memcpy(ret, &header, sizeof(header));
}

void ivt_sync_snapshot_encode(uint8_t ret[IVT_SYNC_BYTES], const struct tsc_sync_snapshot *snap)
{
	struct sync_record rec = {
		.kind = KIND_SNAPSHOT,
		.machine = UINT32_MAX,
		.cpu = snap->cpu,
		.half_width_tsc = snap->half_width_tsc,
		.host_tsc = snap->host_tsc,
		.offset_or_mono_ns = snap->mono_ns,
		.ratio_or_real_ns = snap->real_ns,
		.frac_epoch_or_mono_raw_ns = snap->mono_raw_ns,
		.guest_tsc_or_boot_ns = snap->boot_ns,
	};

	memcpy(ret, &rec, sizeof(rec));
}

void ivt_sync_clock_encode(uint8_t ret[IVT_SYNC_BYTES], const struct ivt_sync_clock *clock)
{
	const struct tsc_sync_entry *entry = &clock->entry;
	struct sync_record rec = {
		.kind = KIND_CLOCK,
		.source = (uint16_t)entry->source,
		.machine = clock->machine,
		.cpu = entry->vcpu,
		.host_tsc = entry->from_host_tsc,
		.offset_or_mono_ns = (uint64_t)entry->scale.offset_tsc,
		.ratio_or_real_ns = entry->scale.ratio,
		.frac_epoch_or_mono_raw_ns = (uint64_t)clock->epoch << 32 | entry->scale.frac_bits,
		.guest_tsc_or_boot_ns = clock->guest_tsc,
		.bound_tsc = entry->bound_tsc,
	};

	memcpy(ret, &rec, sizeof(rec));
}

/* Room for one more element at powers of two. */
static int array_grow(void **array, size_t n, size_t element_bytes)
{
	void *grown;

	if (n & (n - 1) || (n > 0 && n < 16))
		return 0;
	grown = realloc(*array, (n ? n * 2 : 16) * element_bytes);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

int ivt_sync_log_add_snapshot(struct ivt_sync_log *log, const struct tsc_sync_snapshot *snap)
{
	if (array_grow((void **)&log->snapshots, log->n_snapshots, sizeof(*snap)))
		return -ENOMEM;
	log->snapshots[log->n_snapshots++] = *snap;
	return 0;
}

int ivt_sync_log_add_clock(struct ivt_sync_log *log, const struct ivt_sync_clock *clock)
{
	if (array_grow((void **)&log->clocks, log->n_clocks, sizeof(*clock)))
		return -ENOMEM;
	log->clocks[log->n_clocks++] = *clock;
	return 0;
}

/* As many as 10 a second of an hour are; double of it is never exceeded. */
#define MANY_SNAPSHOTS 36000u
#define MANY_CLOCKS    65536u	  /* then the older half's last entries stand for it */
#define MAX_SNAPSHOTS  (1u << 21) /* of a log that is read: 20 a second for 29 hours, 100 MB */

static void drop_snapshots(struct ivt_sync_log *log, uint64_t host_tsc)
{
	size_t n = 0;

	while (n + 1 < log->n_snapshots && log->snapshots[n + 1].host_tsc <= host_tsc)
		n++;
	log->n_snapshots -= n;
	memmove(log->snapshots, log->snapshots + n, log->n_snapshots * sizeof(*log->snapshots));
}

static void thin_out(struct ivt_sync_log *log)
{
	size_t half = log->n_snapshots / 2, to = 0;

	for (size_t i = 0; i < log->n_snapshots; i++)
		if (i >= half || i % 2 == 0)
			log->snapshots[to++] = log->snapshots[i];
	log->n_snapshots = to;
}

/* Arrays grow at powers of two, when they get there: what shrinks must have room. */
static void array_settle(void **array, size_t n, size_t element_bytes)
{
	size_t room = 16;
	void *settled;

	while (room < n + 1)
		room *= 2;
	settled = realloc(*array, room * element_bytes);
	if (settled)
		*array = settled;
}

/* Does a later entry of the same vCPU and source hold from before @host_tsc on? */
static bool is_superseded(const struct ivt_sync_log *log, size_t i, uint64_t host_tsc)
{
	const struct ivt_sync_clock *c = &log->clocks[i];

	for (size_t k = i + 1; k < log->n_clocks; k++) {
		const struct ivt_sync_clock *later = &log->clocks[k];

		if (later->machine == c->machine && later->entry.vcpu == c->entry.vcpu &&
		    later->entry.source == c->entry.source &&
		    later->entry.from_host_tsc <= host_tsc)
			return true;
	}
	return false;
}

static void drop_clocks(struct ivt_sync_log *log, uint64_t host_tsc)
{
	size_t to = 0;

	for (size_t i = 0; i < log->n_clocks; i++)
		if (log->clocks[i].entry.from_host_tsc > host_tsc ||
		    !is_superseded(log, i, host_tsc))
			log->clocks[to++] = log->clocks[i];
	log->n_clocks = to;
}

void ivt_sync_log_forget(struct ivt_sync_log *log, uint64_t host_tsc)
{
	drop_snapshots(log, host_tsc);
	if (log->n_snapshots > MANY_SNAPSHOTS)
		thin_out(log);
	drop_clocks(log, host_tsc);
	if (log->n_clocks > MANY_CLOCKS)
		drop_clocks(log, log->clocks[log->n_clocks / 2].entry.from_host_tsc);
	array_settle((void **)&log->snapshots, log->n_snapshots, sizeof(*log->snapshots));
	array_settle((void **)&log->clocks, log->n_clocks, sizeof(*log->clocks));
}

void ivt_sync_log_thin(struct ivt_sync_log *log)
{
	if (log->n_snapshots <= 2 * MANY_SNAPSHOTS)
		return;
	thin_out(log);
	array_settle((void **)&log->snapshots, log->n_snapshots, sizeof(*log->snapshots));
}

void ivt_sync_log_forget_machine(struct ivt_sync_log *log, uint32_t machine)
{
	size_t to = 0;

	for (size_t i = 0; i < log->n_clocks; i++)
		if (log->clocks[i].machine != machine)
			log->clocks[to++] = log->clocks[i];
	log->n_clocks = to;
	array_settle((void **)&log->clocks, log->n_clocks, sizeof(*log->clocks));
}

bool ivt_sync_header_is_valid(const uint8_t bytes[IVT_SYNC_BYTES])
{
	struct sync_header header;

	memcpy(&header, bytes, sizeof(header));
	return !memcmp(header.magic, magic, sizeof(magic)) && header.record_bytes == IVT_SYNC_BYTES;
}

enum ivt_sync_kind ivt_sync_decode(const uint8_t bytes[IVT_SYNC_BYTES],
				   struct tsc_sync_snapshot *ret_snap,
				   struct ivt_sync_clock *ret_clock)
{
	struct sync_record rec;

	memcpy(&rec, bytes, sizeof(rec));
	if (rec.kind == KIND_SNAPSHOT) {
		*ret_snap = (struct tsc_sync_snapshot){
			.host_tsc = rec.host_tsc,
			.mono_ns = rec.offset_or_mono_ns,
			.real_ns = rec.ratio_or_real_ns,
			.mono_raw_ns = rec.frac_epoch_or_mono_raw_ns,
			.boot_ns = rec.guest_tsc_or_boot_ns,
			.half_width_tsc = rec.half_width_tsc,
			.cpu = rec.cpu,
		};
		return IVT_SYNC_SNAPSHOT;
	}
	if (rec.kind != KIND_CLOCK)
		return rec.kind == KIND_GONE ? IVT_SYNC_OTHER : IVT_SYNC_BAD;
	*ret_clock = (struct ivt_sync_clock){
		.machine = rec.machine,
		.epoch = (uint32_t)(rec.frac_epoch_or_mono_raw_ns >> 32),
		.guest_tsc = rec.guest_tsc_or_boot_ns,
		.entry = {
			.from_host_tsc = rec.host_tsc,
			.scale = { .offset_tsc = (int64_t)rec.offset_or_mono_ns,
				   .ratio = rec.ratio_or_real_ns,
				   .frac_bits = (uint32_t)rec.frac_epoch_or_mono_raw_ns },
			.bound_tsc = rec.bound_tsc,
			.vcpu = rec.cpu,
			.source = rec.source & SOURCE_MASK,
		},
	};
	return rec.ratio_or_real_ns > 0 && ret_clock->entry.scale.frac_bits < 64 ? IVT_SYNC_CLOCK
										 : IVT_SYNC_BAD;
}

/* A log that is read. */
struct reading {
	struct ivt_sync_log log;
	uint64_t stride; /* each so-many-th snapshot is kept, and the last */
	uint64_t n_snapshots;
	struct tsc_sync_snapshot last;
};

static int snapshot_take(struct reading *r, const struct tsc_sync_snapshot *snap)
{
	r->last = *snap;
	return r->n_snapshots++ % r->stride ? 0 : ivt_sync_log_add_snapshot(&r->log, snap);
}

/* 0 or -ENOMEM */
static int record_take(struct reading *r, const uint8_t bytes[IVT_SYNC_BYTES])
{
	struct tsc_sync_snapshot snap;
	struct ivt_sync_clock clock;

	switch (ivt_sync_decode(bytes, &snap, &clock)) {
	case IVT_SYNC_SNAPSHOT:
		return snapshot_take(r, &snap);
	case IVT_SYNC_CLOCK:
		return ivt_sync_log_add_clock(&r->log, &clock);
	case IVT_SYNC_BAD:
		r->log.skipped++;
		return 0;
	default:
		return 0;
	}
}

static int snapshot_compare(const void *a, const void *b)
{
	const struct tsc_sync_snapshot *x = a, *y = b;

	return x->host_tsc < y->host_tsc ? -1 : x->host_tsc > y->host_tsc;
}

static int clock_compare(const void *a, const void *b)
{
	const struct ivt_sync_clock *x = a, *y = b;

	if (x->machine != y->machine)
		return x->machine < y->machine ? -1 : 1;
	if (x->entry.vcpu != y->entry.vcpu)
		return x->entry.vcpu < y->entry.vcpu ? -1 : 1;
	return x->entry.from_host_tsc < y->entry.from_host_tsc
		       ? -1
		       : x->entry.from_host_tsc > y->entry.from_host_tsc;
}

static size_t run_length(const struct ivt_sync_clock *clocks, size_t n, bool is_one_vcpu)
{
	size_t i = 0;

	while (i < n && clocks[i].machine == clocks[0].machine &&
	       (!is_one_vcpu || clocks[i].entry.vcpu == clocks[0].entry.vcpu))
		i++;
	return i;
}

/* One vCPU's clock of its @n handshakes, of which *ret has room. */
static int clocks_of_handshakes(const struct ivt_sync_clock *rows, size_t n,
				struct ivt_sync_clock *ret, size_t *ret_n)
{
	struct tsc_sync_entry *entries = malloc(2 * n * sizeof(*entries)), *merged;

	if (!entries)
		return -ENOMEM;
	merged = entries + n;
	for (size_t i = 0; i < n; i++)
		entries[i] = rows[i].entry;
	n = tsc_sync_merge_handshakes(entries, n, merged);
	for (size_t i = 0; i < n; i++) {
		ret[i] = rows[0];
		ret[i].entry = merged[i];
		tsc_sync_host_to_guest(&merged[i].scale, merged[i].from_host_tsc,
				       &ret[i].guest_tsc);
	}
	*ret_n = n;
	free(entries);
	return 0;
}

/*
 * One machine's entries: handshakes to @checks, what rebases to @clocks.  That
 * is any other source; handshakes where there is none; and only where these
 * lack, too, the time of arrival.
 */
static int machine_part(const struct ivt_sync_clock *all, size_t n_all,
			struct ivt_sync_clock *clocks, size_t *n_clocks,
			struct ivt_sync_clock *checks, size_t *n_checks)
{
	size_t n_shakes = 0, n_arrivals = 0, part;
	bool has_better;

	checks += *n_checks;
	for (size_t i = 0; i < n_all; i++) {
		if (all[i].entry.source == TSC_SYNC_HANDSHAKE)
			checks[n_shakes++] = all[i];
		n_arrivals += all[i].entry.source == TSC_SYNC_ARRIVAL;
	}
	*n_checks += n_shakes;
	has_better = n_shakes + n_arrivals < n_all;
	for (size_t i = 0; i < n_shakes && !has_better; i += part) {
		size_t n;

		part = run_length(&checks[i], n_shakes - i, true);
		if (clocks_of_handshakes(&checks[i], part, &clocks[*n_clocks], &n))
			return -ENOMEM;
		*n_clocks += n;
	}
	for (size_t i = 0; i < n_all; i++) {
		bool is_arrival = all[i].entry.source == TSC_SYNC_ARRIVAL;

		if (all[i].entry.source == TSC_SYNC_HANDSHAKE ||
		    (is_arrival && (has_better || n_shakes)))
			continue;
		clocks[(*n_clocks)++] = all[i];
	}
	return 0;
}

/* Move the handshakes behind the clocks; both stay sorted. */
static int checks_part(struct ivt_sync_log *log)
{
	size_t n_all = log->n_clocks, n = 0, n_checks = 0, run;
	struct ivt_sync_clock *parted = malloc((2 * n_all + 1) * sizeof(*parted)), *checks;
	int ret = 0;

	if (!parted)
		return -ENOMEM;
	checks = parted + n_all;
	for (size_t at = 0; at < n_all && !ret; at += run) {
		run = run_length(&log->clocks[at], n_all - at, false);
		ret = machine_part(&log->clocks[at], run, parted, &n, checks, &n_checks);
	}
	if (ret) {
		free(parted);
		return ret;
	}
	memmove(parted + n, checks, n_checks * sizeof(*checks));
	free(log->clocks);
	log->clocks = parted;
	log->n_clocks = n;
	log->n_checks = n_checks;
	return 0;
}

static void log_sort(struct ivt_sync_log *log)
{
	size_t n = 0;

	if (log->n_clocks > 1)
		qsort(log->clocks, log->n_clocks, sizeof(*log->clocks), clock_compare);
	if (log->n_snapshots > 1)
		qsort(log->snapshots, log->n_snapshots, sizeof(*log->snapshots), snapshot_compare);
	for (size_t i = 0; i < log->n_snapshots; i++) {
		const struct tsc_sync_snapshot *snap = &log->snapshots[i];
		bool advances = n == 0 || (snap->host_tsc > log->snapshots[n - 1].host_tsc &&
					   snap->mono_ns > log->snapshots[n - 1].mono_ns);

		if (advances)
			log->snapshots[n++] = *snap;
		else
			log->skipped++;
	}
	log->n_snapshots = n;
}

/* 0 with *ret, to be closed, and its size; -EINVAL; -EFBIG; -errno. */
static int log_open(int dirfd, FILE **ret, uint64_t *ret_bytes)
{
	int fd = openat(dirfd, "sync.bin", O_RDONLY | O_CLOEXEC | O_NONBLOCK), status = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		status = -errno;
	else if (!S_ISREG(st.st_mode))
		status = -EINVAL;
	else if ((uint64_t)st.st_size > IVT_SYNC_MAX_LOG)
		status = -EFBIG;
	*ret = status ? NULL : fdopen(fd, "r");
	if (*ret) {
		*ret_bytes = (uint64_t)st.st_size;
		return 0;
	}
	if (!status)
		status = -ENOMEM;
	close(fd);
	return status;
}

/* What is behind the header. */
static int records_read(FILE *f, struct reading *r)
{
	uint8_t rec[IVT_SYNC_BYTES];
	int status = 0;

	while (!status && fread(rec, sizeof(rec), 1, f) == 1)
		status = record_take(r, rec);
	if (!status && ferror(f))
		status = -EIO;
	if (!status && r->n_snapshots && (r->n_snapshots - 1) % r->stride)
		status = ivt_sync_log_add_snapshot(&r->log, &r->last);
	return status;
}

int ivt_sync_log_resume(int dirfd, struct ivt_sync_log *ret)
{
	struct reading r = { .stride = 1 };
	uint8_t header[IVT_SYNC_BYTES];
	struct sync_header h;
	uint64_t bytes = 0;
	FILE *f = NULL;
	int status = log_open(dirfd, &f, &bytes);

	if (status)
		return status;
	if (fread(header, sizeof(header), 1, f) != 1 || !ivt_sync_header_is_valid(header))
		status = ferror(f) ? -EIO : -EINVAL;
	r.stride = 1 + bytes / IVT_SYNC_BYTES / MAX_SNAPSHOTS;
	if (!status)
		status = records_read(f, &r);
	fclose(f);
	if (status) {
		ivt_sync_log_deinit(&r.log);
		return status;
	}
	memcpy(&h, header, sizeof(h));
	memcpy(r.log.uuid, h.uuid, sizeof(r.log.uuid));
	r.log.tsc_hz = h.tsc_hz;
	*ret = r.log;
	return 0;
}

int ivt_sync_log_read(int dirfd, struct ivt_sync_log *ret)
{
	struct ivt_sync_log log;
	int status = ivt_sync_log_resume(dirfd, &log);

	if (status)
		return status;
	log_sort(&log);
	if (checks_part(&log)) {
		ivt_sync_log_deinit(&log);
		return -ENOMEM;
	}
	log.is_sorted = true;
	*ret = log;
	return 0;
}

void ivt_sync_log_deinit(struct ivt_sync_log *log)
{
	free(log->snapshots);
	free(log->clocks);
	memset(log, 0, sizeof(*log));
}

/* How many of @n sorted entries come before (machine, vcpu), or, with
 * @is_after, before what follows it. */
static size_t bound_find(const struct ivt_sync_clock *clocks, size_t n, uint32_t machine,
			 uint32_t vcpu, bool is_after)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;
		uint32_t m = clocks[mid].machine, v = clocks[mid].entry.vcpu;
		bool is_before = m != machine ? m < machine : v < vcpu || (is_after && v == vcpu);

		if (is_before)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

static const struct ivt_sync_clock *part_find(const struct ivt_sync_clock *clocks, size_t n,
					      uint32_t machine, uint32_t vcpu, size_t *ret_n)
{
	size_t first = bound_find(clocks, n, machine, vcpu, false);

	*ret_n = bound_find(clocks, n, machine, vcpu, true) - first;
	return *ret_n ? &clocks[first] : NULL;
}

const struct ivt_sync_clock *ivt_sync_log_find_checks(const struct ivt_sync_log *log,
						      uint32_t machine, uint32_t vcpu,
						      size_t *ret_n)
{
	return part_find(log->clocks + log->n_clocks, log->n_checks, machine, vcpu, ret_n);
}

/* In the order of the recording. */
static const struct ivt_sync_clock *unsorted_find(const struct ivt_sync_log *log, uint32_t machine,
						  uint32_t vcpu, size_t *ret_n)
{
	size_t i = 0, n = 0;

	while (i < log->n_clocks && (log->clocks[i].machine != machine ||
				     (vcpu != UINT32_MAX && log->clocks[i].entry.vcpu != vcpu)))
		i++;
	while (i + n < log->n_clocks && log->clocks[i + n].machine == machine &&
	       log->clocks[i + n].entry.vcpu == log->clocks[i].entry.vcpu)
		n++;
	*ret_n = n;
	return n ? &log->clocks[i] : NULL;
}

const struct ivt_sync_clock *ivt_sync_log_find(const struct ivt_sync_log *log, uint32_t machine,
					       uint32_t vcpu, size_t *ret_n)
{
	if (!log->is_sorted)
		return unsorted_find(log, machine, vcpu, ret_n);
	if (vcpu == UINT32_MAX) {
		size_t first = bound_find(log->clocks, log->n_clocks, machine, 0, false);

		if (first < log->n_clocks && log->clocks[first].machine == machine)
			vcpu = log->clocks[first].entry.vcpu;
	}
	return part_find(log->clocks, log->n_clocks, machine, vcpu, ret_n);
}
