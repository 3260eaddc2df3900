// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gen-setback OUT.ivt: a finalised trace of a host and a guest of two vCPUs that
 * sets its TSC back twice, each vCPU at times of its own, in the middle of
 * packets and between two, with losses in between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "trace/trace_writer.h"

#define NS0	 (1000ull * 1000000000)
#define HZ	 2900000000ull
#define REAL_NS	 1700000000000000000ull
#define TSC0	 (NS0 / 10 * 29)
#define N	 1500 /* records of a stream, one each ms */
#define N_PACKET 64
#define N_TURNS	 2

static struct ivt_error error;

static void check(int status)
{
	if (status) {
		fprintf(stderr, "gen-setback: %s\n", error.msg);
		exit(1);
	}
}

/* When vCPU @cpu is set back for the @k-th time, ms; 448 = 7 packets. */
static uint64_t turn_ms(uint32_t cpu, unsigned int k)
{
	static const uint64_t ms[2][N_TURNS] = { { 448, 1000 }, { 500, 1001 } };

	return ms[cpu][k];
}

static const int64_t offsets[N_TURNS + 1] = { 12345, 12345 - (int64_t)(HZ / 5),
					      -(int64_t)(TSC0 + HZ / 2) };

static uint64_t stamp(uint32_t cpu, uint64_t ms)
{
	uint64_t tsc = TSC0 + ms * (HZ / 1000) + HZ / 2000;
	unsigned int k = 0;

	while (k < N_TURNS && ms >= turn_ms(cpu, k))
		k++;
	return tsc + (uint64_t)offsets[k];
}

static void stream_write(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu)
{
	struct ivring_record rec = { .type = IVT_TYPE_ivtrace_beat, .size = sizeof(rec) };
	struct ivring_record packet[N_PACKET];
	uint64_t lost = 0;

	check(ivt_trace_writer_add_stream(w, machine, cpu, &error));
	for (uint64_t ms = 0; ms < N; ms++) {
		rec.tsc = machine ? stamp(cpu, ms) : NS0 + ms * 1000000;
		rec.ctx = (uint32_t)ms;
		packet[ms % N_PACKET] = rec;
		if (ms % N_PACKET == N_PACKET - 1 || ms == N - 1) {
			struct iovec iov = { packet, (ms % N_PACKET + 1) * sizeof(rec) };

			lost += machine && ms / N_PACKET % 3 == 1 ? 7 : 0;
			check(ivt_trace_writer_append(w, machine, cpu, &iov, 1, lost, 0, &error));
		}
	}
	ivt_trace_writer_machine(w, machine)->streams[cpu].lost_full = lost;
}

static uint32_t machine_add(struct ivt_trace_writer *w, const char *name)
{
	struct ivt_machine_info info = { .kind = IVT_HOST, .qemu_pid = -1 };
	uint32_t machine;

	if (strcmp(name, "host") != 0) {
		info.kind = IVT_GUEST;
		info.clock = IVT_CLOCK_TSC;
	}
	strcpy(info.name, name);
	check(ivt_trace_writer_add_machine(w, &info, &machine, &error));
	return machine;
}

static void clocks_add(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu)
{
	for (unsigned int k = 0; k <= N_TURNS; k++) {
		struct tsc_sync_entry entry = { .from_host_tsc = TSC0,
						.scale = tsc_sync_scale_unscaled(offsets[k]),
						.vcpu = cpu };

		if (k)
			entry.from_host_tsc += turn_ms(cpu, k - 1) * (HZ / 1000);
		check(ivt_trace_writer_clock(w, machine, &entry, 0, &error));
	}
}

int main(int argc, char **argv)
{
	struct ivt_trace_writer *w;
	uint32_t host, guest;

	if (argc != 2) {
		fputs("Usage: gen-setback OUT.ivt\n", stderr);
		return 2;
	}
	check(ivt_trace_writer_create(argv[1], "test", &w, &error));
	for (uint64_t i = 0; i <= N / 100; i++) {
		struct tsc_sync_snapshot snap = { .host_tsc = TSC0 + i * (HZ / 10),
						  .mono_ns = NS0 + i * 100000000,
						  .real_ns = REAL_NS + i * 100000000,
						  .half_width_tsc = 30 };

		check(ivt_trace_writer_snapshot(w, &snap, &error));
	}
	host = machine_add(w, "host");
	guest = machine_add(w, "a");
	stream_write(w, host, 0);
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		clocks_add(w, guest, cpu);
		stream_write(w, guest, cpu);
	}
	check(ivt_trace_writer_close(w, &error));
	check(ivt_trace_finalise(argv[1], &error));
	return 0;
}
