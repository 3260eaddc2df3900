// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>
#include "host-reader/recording/recording.h"

static uint64_t thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void recording_measure(struct recording *rec, uint64_t now)
{
	struct measure *m = &rec->measure;
	uint64_t elapsed_ns = m->looked_ns ? now - m->looked_ns : 0;
	uint64_t cpu_ns = thread_ns(), used_ns = m->looked_ns ? cpu_ns - m->thread_ns : 0;
	uint64_t tsc = measure_now();
	size_t i;

	m->awake_tsc += tsc - (m->woke_tsc ? m->woke_tsc : tsc);
	m->woke_tsc = tsc;
	for (i = 0; i < rec->n_vms; i++) {
		struct vm *vm = rec->vms[i];
		double share = m->awake_tsc ? (double)vm->measure.drain_tsc / (double)m->awake_tsc
					    : 0;

		measure_look_at_vm(vm, now, elapsed_ns, (uint64_t)((double)used_ns * share));
	}
	m->rate = measure_rate(rec->sink.n_records - m->n_seen, elapsed_ns);
	m->n_seen = rec->sink.n_records;
	m->cpu_ns += used_ns;
	m->thread_ns = cpu_ns;
	m->awake_tsc = 0;
	m->looked_ns = now;
}
