/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes small traces by hand: records in any order, one stream per machine (or
 * per vCPU), 1 TSC tick = 1 ns on all clocks, written and opened at the end.
 *
 *	machine 0 host; 1 "a" (QEMU 1000); 2 "b" (QEMU 2000); each VM has one disk
 *	on HOST_DEV: a at host sector 10000 and, from its sector 4096 on, at 50000;
 *	b at 100000.
 */
#ifndef IVT_TESTS_TRACE_BUILDER_H
#define IVT_TESTS_TRACE_BUILDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <ivring/events.h>
#include "trace/trace_reader.h"
#include "trace/trace_writer.h"

#define HOST	  0
#define A	  1
#define B	  2
#define QEMU_A	  1000
#define QEMU_B	  2000
#define HOST_DEV  (7u << 20)
#define GUEST_DEV (254u << 20)
#define BASE_NS	  1000000000ull
#define US	  1000ull
#define W	  IVT_RWBS_WRITE
#define R	  IVT_RWBS_READ

#define N_CPUS 2

struct built_record {
	uint64_t ns;
	uint32_t cpu;
	size_t order;
	uint32_t bytes;
	char record[256];
};

struct builder {
	char dir[64]; /* of the trace; its parent is removed too */
	struct built_record *recs[3];
	size_t n[3];
	uint64_t bound_tsc; /* error of the guests' clocks */
	uint64_t lost;
	uint64_t decoy_sectors; /* not 0: a has another disk before, elsewhere */
	uint32_t cpu;		/* of the records and clocks put from here on */
	int64_t lie_tsc;	/* the guests' stamps are off by this */
	/* The vCPUs' clocks, ascending; where there is none, an offset of 0. */
	struct tsc_sync_entry *clocks[3][N_CPUS];
	size_t n_clocks[3][N_CPUS];
	struct tsc_sync_entry shakes[16]; /* of a, for vCPU .vcpu */
	size_t n_shakes;
};

static inline void builder_init(struct builder *b)
{
	memset(b, 0, sizeof(*b));
	strcpy(b->dir, "/tmp/ivt-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
	strcat(b->dir, "/t.ivt");
}

/* Room for one more element at powers of two. */
static inline void *built_grow(void *array, size_t n, size_t bytes)
{
	if (n & (n - 1))
		return array;
	array = realloc(array, (n ? n * 2 : 1) * bytes);
	ck_assert_ptr_nonnull(array);
	return array;
}

/* From @at_us on the offset of b->cpu is another. */
static inline void put_clock(struct builder *b, int machine, uint64_t at_us, int64_t offset_tsc)
{
	struct tsc_sync_entry **clocks = &b->clocks[machine][b->cpu];
	size_t n = b->n_clocks[machine][b->cpu]++;

	*clocks = built_grow(*clocks, n, sizeof(**clocks));
	(*clocks)[n] = (struct tsc_sync_entry){ .from_host_tsc = BASE_NS + at_us * US,
						.scale = tsc_sync_scale_unscaled(offset_tsc),
						.bound_tsc = b->bound_tsc,
						.vcpu = b->cpu,
						.source = TSC_SYNC_BPF };
}

/* The guest's stamp at a host time. */
static inline uint64_t built_stamp(const struct builder *b, int machine, uint32_t cpu, uint64_t ns)
{
	const struct tsc_sync_entry *clocks = b->clocks[machine][cpu];
	size_t low = 0, high = b->n_clocks[machine][cpu];

	if (machine == HOST)
		return ns;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (clocks[mid].from_host_tsc <= ns)
			low = mid;
		else
			high = mid;
	}
	return ns + b->lie_tsc + (high ? clocks[low].scale.offset_tsc : 0);
}

/* @at_ns: after BASE_NS */
static inline void put_ns(struct builder *b, int machine, uint64_t at_ns, uint16_t type,
			  int32_t tid, const void *payload, size_t bytes)
{
	struct ivring_record hdr = { .type = type };
	struct built_record *rec;

	b->recs[machine] = built_grow(b->recs[machine], b->n[machine], sizeof(*rec));
	rec = &b->recs[machine][b->n[machine]];
	memset(rec, 0, sizeof(*rec));
	rec->ns = BASE_NS + at_ns;
	rec->cpu = b->cpu;
	hdr.tsc = built_stamp(b, machine, b->cpu, rec->ns);
	rec->order = b->n[machine]++;
	rec->bytes = (sizeof(hdr) + bytes + 7) & ~7u;
	hdr.size = rec->bytes;
	hdr.ctx = tid & IVRING_CTX_TID_MASK;
	memcpy(rec->record, &hdr, sizeof(hdr));
	memcpy(rec->record + sizeof(hdr), payload, bytes);
}

/* @at_us: after BASE_NS */
static inline void put(struct builder *b, int machine, uint64_t at_us, uint16_t type, int32_t tid,
		       const void *payload, size_t bytes)
{
	put_ns(b, machine, at_us * US, type, tid, payload, bytes);
}

#define PUT(b, machine, at_us, event, tid, ...)                                   \
	do {                                                                      \
		struct ivt_ev_##event ev_ = { __VA_ARGS__ };                      \
		put(b, machine, at_us, IVT_TYPE_##event, tid, &ev_, sizeof(ev_)); \
	} while (0)

static inline void put_task(struct builder *b, int machine, uint64_t at_us, int32_t tid,
			    int32_t tgid, const char *comm)
{
	struct ivt_ev_lttng_statedump_process_state e = { .tid = tid, .pid = tgid };

	memcpy(e.name, comm, strlen(comm));
	put(b, machine, at_us, IVT_TYPE_lttng_statedump_process_state, 1, &e, sizeof(e));
}

static inline void put_bio(struct builder *b, int machine, uint64_t at_us, int32_t tid,
			   uint32_t dev, uint64_t sector, uint32_t nr, uint32_t rwbs)
{
	PUT(b, machine, at_us, block_bio_queue, tid, .sector = sector, .dev = dev, .nr_sector = nr,
	    .rwbs = rwbs, .tid = tid, .comm = "task");
}

static inline void put_issue(struct builder *b, int machine, uint64_t at_us, int32_t tid,
			     uint64_t rq, uint32_t dev, uint64_t sector, uint32_t nr, uint32_t rwbs)
{
	PUT(b, machine, at_us, block_rq_issue, tid, .sector = sector, .rq = rq, .dev = dev,
	    .nr_sector = nr, .bytes = nr * 512, .rwbs = rwbs, .tid = tid, .comm = "task");
}

static inline void put_complete(struct builder *b, int machine, uint64_t at_us, uint64_t rq,
				uint32_t dev, uint64_t sector, uint32_t nr, uint32_t rwbs)
{
	PUT(b, machine, at_us, block_rq_complete, 0, .sector = sector, .rq = rq, .dev = dev,
	    .nr_sector = nr, .rwbs = rwbs);
}

/* A whole request of a guest: queued, issued, done; named by @rq. */
static inline void put_guest(struct builder *b, int vm, uint64_t rq, uint64_t sector, uint32_t nr,
			     uint32_t rwbs, uint64_t start_us, uint64_t issue_us, uint64_t done_us)
{
	put_bio(b, vm, start_us, 300, GUEST_DEV, sector, nr, rwbs);
	put_issue(b, vm, issue_us, 300, rq, GUEST_DEV, sector, nr, rwbs);
	put_complete(b, vm, done_us, rq, GUEST_DEV, sector, nr, rwbs);
}

/* A whole request at the host's disk, submitted and issued by @tid. */
static inline void put_host(struct builder *b, int32_t tid, uint64_t rq, uint64_t sector,
			    uint32_t nr, uint32_t rwbs, uint64_t start_us, uint64_t issue_us,
			    uint64_t done_us)
{
	put_bio(b, HOST, start_us, tid, HOST_DEV, sector, nr, rwbs);
	put_issue(b, HOST, issue_us, tid, rq, HOST_DEV, sector, nr, rwbs);
	put_complete(b, HOST, done_us, rq, HOST_DEV, sector, nr, rwbs);
}

static inline int built_order(const void *a, const void *b)
{
	const struct built_record *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static inline void built_stream(struct builder *b, struct ivt_trace_writer *w, uint32_t machine,
				uint32_t cpu)
{
	struct ivt_error err = { "" };
	char *packet = malloc(1 << 16);
	struct iovec iov = { packet, 0 };
	size_t i;

	ck_assert_int_eq(ivt_trace_writer_add_stream(w, machine, cpu, &err), 0);
	for (i = 0; i < b->n[machine]; i++) {
		const struct built_record *rec = &b->recs[machine][i];

		if (rec->cpu == cpu) {
			memcpy(packet + iov.iov_len, rec->record, rec->bytes);
			iov.iov_len += rec->bytes;
		}
		if (!iov.iov_len ||
		    (i + 1 < b->n[machine] && iov.iov_len + sizeof(rec->record) < 1 << 16))
			continue;
		ck_assert_int_eq(
			ivt_trace_writer_append(w, machine, cpu, &iov, 1, b->lost, 0, &err), 0);
		iov.iov_len = 0;
	}
	free(packet);
}

/* One stream, or as many as vCPUs were used. */
static inline void built_streams(struct builder *b, struct ivt_trace_writer *w, uint32_t machine)
{
	uint32_t cpu, n_cpus = 1;
	size_t i;

	if (b->n[machine])
		qsort(b->recs[machine], b->n[machine], sizeof(*b->recs[machine]), built_order);
	for (i = 0; i < b->n[machine]; i++)
		if (b->recs[machine][i].cpu >= n_cpus)
			n_cpus = b->recs[machine][i].cpu + 1;
	for (cpu = 0; cpu < n_cpus; cpu++)
		built_stream(b, w, machine, cpu);
	free(b->recs[machine]);
	b->recs[machine] = NULL;
}

static inline void built_clocks(struct builder *b, struct ivt_trace_writer *w, uint32_t machine)
{
	struct tsc_sync_entry plain = { .scale = tsc_sync_scale_unscaled(0),
					.bound_tsc = b->bound_tsc,
					.source = TSC_SYNC_BPF };
	struct ivt_error err = { "" };
	bool has_none = true;
	uint32_t cpu;
	size_t i;

	for (cpu = 0; cpu < N_CPUS; cpu++) {
		for (i = 0; i < b->n_clocks[machine][cpu]; i++)
			ck_assert_int_eq(ivt_trace_writer_clock(
						 w, machine, &b->clocks[machine][cpu][i], 0, &err),
					 0);
		has_none &= !b->n_clocks[machine][cpu];
		free(b->clocks[machine][cpu]);
	}
	if (has_none)
		ck_assert_int_eq(ivt_trace_writer_clock(w, machine, &plain, 0, &err), 0);
	for (i = 0; machine == A && i < b->n_shakes; i++)
		ck_assert_int_eq(ivt_trace_writer_clock(w, machine, &b->shakes[i], 0, &err), 0);
}

static inline void built_guest(struct builder *b, struct ivt_trace_writer *w, const char *name,
			       int32_t pid, struct ivt_extent *extents, size_t n_extents)
{
	struct ivt_extent elsewhere = { 0, 300000, b->decoy_sectors };
	bool has_decoy = b->decoy_sectors && pid == QEMU_A;
	struct ivt_disk disks[2] = {
		{ .path = "decoy",
		  .host_dev = HOST_DEV,
		  .sectors = b->decoy_sectors,
		  .extents = &elsewhere,
		  .n_extents = 1 },
		{ .path = "disk",
		  .host_dev = HOST_DEV,
		  .sectors = 8192,
		  .extents = extents,
		  .n_extents = n_extents },
	};
	struct ivt_vcpu vcpu = { 0, pid + 1 };
	struct ivt_machine_info info = {
		.kind = IVT_GUEST,
		.clock = IVT_CLOCK_TSC,
		.qemu_pid = pid,
		.accel = "kvm",
		.vcpus = &vcpu,
		.n_vcpus = 1,
		.disks = disks + !has_decoy,
		.n_disks = 1 + has_decoy,
	};
	struct ivt_error err = { "" };
	uint32_t machine;

	strcpy(info.name, name);
	ck_assert_int_eq(ivt_trace_writer_add_machine(w, &info, &machine, &err), 0);
	built_clocks(b, w, machine);
	built_streams(b, w, machine);
}

static inline struct ivt_trace *builder_open(struct builder *b)
{
	struct ivt_extent of_a[] = { { 0, 10000, 4096 }, { 4096, 50000, 4096 } };
	struct ivt_extent of_b[] = { { 0, 100000, 8192 } };
	struct ivt_machine_info host = { .kind = IVT_HOST, .name = "host", .qemu_pid = -1 };
	struct ivt_trace_writer *w;
	struct ivt_error err = { "" };
	struct ivt_trace *t;
	uint32_t machine;
	uint64_t s;

	ck_assert_int_eq(ivt_trace_writer_create(b->dir, "test", &w, &err), 0);
	for (s = 0; s < 3; s++) {
		struct tsc_sync_snapshot snap = { .host_tsc = s * BASE_NS,
						  .mono_ns = s * BASE_NS,
						  .real_ns = s * BASE_NS + 1,
						  .mono_raw_ns = s * BASE_NS,
						  .boot_ns = s * BASE_NS,
						  .half_width_tsc = 20 };

		ck_assert_int_eq(ivt_trace_writer_snapshot(w, &snap, &err), 0);
	}
	ck_assert_int_eq(ivt_trace_writer_add_machine(w, &host, &machine, &err), 0);
	built_streams(b, w, HOST);
	built_guest(b, w, "a", QEMU_A, of_a, 2);
	built_guest(b, w, "b", QEMU_B, of_b, 1);
	ck_assert_int_eq(ivt_trace_writer_close(w, &err), 0);
	ck_assert_msg(ivt_trace_open(b->dir, &t, &err) == 0, "%s", err.msg);
	return t;
}

static inline void builder_done(struct builder *b, struct ivt_trace *t)
{
	char command[128];

	ivt_trace_close(t);
	*strrchr(b->dir, '/') = '\0';
	snprintf(command, sizeof(command), "rm -r '%s'", b->dir);
	ck_assert_int_eq(system(command), 0);
}

#endif /* IVT_TESTS_TRACE_BUILDER_H */
