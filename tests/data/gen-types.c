// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gen-types OUT.ivt: a trace for readers of the format.  Each event type is the
 * last record of a packet once, on the host and on guests whose clocks are
 * offset, scaled and 100 days old; names that need escaping; losses before the
 * first record and between packets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "trace/event_table.h"
#include "trace/trace_writer.h"

#define NS0	(100ull * 86400 * 1000000000)
#define HZ	2900000000ull
#define REAL_NS 1700000000000000000ull
#define TSC0	(NS0 / 10 * 29)
#define STEP_NS 1000000

static struct ivt_error error;

static void check(int status)
{
	if (status) {
		fprintf(stderr, "gen-types: %s\n", error.msg);
		exit(1);
	}
}

/* @n bytes or words at the end; the bytes of it. */
static size_t end_make(char *payload, const struct ivt_event_desc *desc, uint32_t n)
{
	size_t bytes = desc->end->kind == IVT_KIND_X64S ? 8 * n : n;

	memcpy(payload + desc->end->offset_bytes, &n, sizeof(n));
	for (size_t i = 0; i < bytes; i++)
		payload[desc->fixed_bytes + i] = (char)(i * 7 + n);
	return bytes;
}

/* A payload with a different value in each field. */
static size_t payload_make(const struct ivt_event_desc *desc, char *payload, unsigned int seed)
{
	static const char text[] = "\"quoted\\text\" of some length";
	size_t len = seed % sizeof(text) + 300, bytes = desc->fixed_bytes;

	memset(payload, 0, 512);
	for (unsigned int i = 0; i < desc->n_fields; i++) {
		const struct ivt_field *f = &desc->fields[i];

		if (f->kind == IVT_KIND_STR)
			memcpy(memset(payload + f->offset_bytes, 'x', len), text, strlen(text));
		else if (f->kind == IVT_KIND_TEXT16)
			snprintf(payload + f->offset_bytes, 16, "t\xc3\xa4sk %u", seed + i);
		else if (f->kind != IVT_KIND_PAD4)
			payload[f->offset_bytes] = (char)(seed + i);
		if (f->kind == IVT_KIND_I32)
			memset(payload + f->offset_bytes + 1, seed % 2 ? 0xff : 0, 3);
		else if (f->kind == IVT_KIND_I64)
			memset(payload + f->offset_bytes + 1, seed % 2 ? 0xff : 0, 7);
	}
	if (desc->end && desc->end->kind == IVT_KIND_STR)
		bytes += len + 1;
	else if (desc->end)
		bytes += end_make(payload, desc, seed % 40);
	return (bytes + 7) & ~(size_t)7;
}

static void stream_write(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
			 const struct tsc_sync_scale *scale)
{
	const struct ivt_event_desc *desc;
	char record[16 + 512];
	struct iovec iov = { record, 0 };

	check(ivt_trace_writer_add_stream(w, machine, cpu, &error));
	for (unsigned int i = 0; (desc = ivt_event_desc_at(i)); i++) {
		uint64_t ns = NS0 + (uint64_t)i * STEP_NS + machine * 100;
		struct ivring_record rec = { .type = desc->type };
		uint64_t tsc = ns;

		if (scale)
			tsc_sync_host_to_guest(scale, ns / 10 * 29, &tsc);
		rec.tsc = tsc;
		iov.iov_len = sizeof(rec) + payload_make(desc, record + sizeof(rec), i);
		rec.size = (uint16_t)iov.iov_len;
		rec.ctx = i | (i % 4) << IVRING_CTX_EXEC_SHIFT;
		memcpy(record, &rec, sizeof(rec));
		check(ivt_trace_writer_append(w, machine, cpu, &iov, 1, 5 + i / 100, 0, &error));
	}
	ivt_trace_writer_machine(w, machine)->streams[0].lost_full = 5 + 7;
}

static void guest_write(struct ivt_trace_writer *w, const char *name, uint32_t epoch,
			struct tsc_sync_scale scale)
{
	struct ivt_machine_info info = { .kind = IVT_GUEST,
					 .clock = IVT_CLOCK_TSC,
					 .epoch = epoch,
					 .qemu_pid = -1,
					 .guest_release = "6.1 \"x\"\n" };
	struct tsc_sync_entry entry = { .from_host_tsc = TSC0 - HZ, .scale = scale };
	uint32_t machine;

	snprintf(info.name, sizeof(info.name), "%s", name);
	check(ivt_trace_writer_add_machine(w, &info, &machine, &error));
	check(ivt_trace_writer_clock(w, machine, &entry, 0, &error));
	stream_write(w, machine, 0, &scale);
}

int main(int argc, char **argv)
{
	struct ivt_machine_info host = { .kind = IVT_HOST, .name = "host", .qemu_pid = -1 };
	struct ivt_trace_writer *w;
	uint32_t machine;

	if (argc != 2) {
		fputs("usage: gen-types OUT.ivt\n", stderr);
		return 2;
	}
	check(ivt_trace_writer_create(argv[1], IVT_VERSION, &w, &error));
	for (uint64_t i = 0; i < 30; i++) {
		struct tsc_sync_snapshot snap = { .host_tsc = TSC0 + i * HZ / 10,
						  .mono_ns = NS0 + i * 100000000,
						  .real_ns = REAL_NS + i * 100000000,
						  .half_width_tsc = 30 };

		check(ivt_trace_writer_snapshot(w, &snap, &error));
	}
	check(ivt_trace_writer_add_machine(w, &host, &machine, &error));
	stream_write(w, machine, 0, NULL);
	guest_write(w, "a\"b\\c\n/..", 0, tsc_sync_scale_unscaled(-(int64_t)TSC0 / 2));
	guest_write(w, "a\"b\\c\n/..", 1, tsc_sync_scale_unscaled(0));
	guest_write(w, "1.25 times", 0, (struct tsc_sync_scale){ -77, 5ull << 46, 48 });
	guest_write(w, "0.9 times", 0, (struct tsc_sync_scale){ 5, (9ull << 32) / 10, 32 });
	check(ivt_trace_writer_close(w, &error));
	return 0;
}
