// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>
#include <x86intrin.h>
#include "host-reader/measure.h"
#include "host-reader/recording.h"

void measure_sleep(struct measure *m)
{
	m->awake_tsc += __rdtsc() - m->woke_tsc;
}

void measure_wake(struct measure *m)
{
	m->woke_tsc = __rdtsc();
	m->n_wakeups++;
}

void measure_begin(struct vm *vm)
{
	vm->measure = (struct vm_measure){ .n_seen = vm_count_events(vm) };
}

uint64_t measure_now(void)
{
	return __rdtsc();
}

uint64_t measure_charge(struct vm *vm, uint64_t since_tsc)
{
	uint64_t now = __rdtsc();

	vm->measure.drain_tsc += now - since_tsc;
	return now;
}

static uint64_t thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t per_second(uint64_t n, uint64_t elapsed_ns)
{
	return elapsed_ns ? (uint64_t)((double)n * 1e9 / (double)elapsed_ns) : 0;
}

/* The guest's counters, its word: they begin anew with each of its boots. */
static void look_at_events(struct vm *vm, uint64_t elapsed_ns)
{
	struct vm_measure *m = &vm->measure;
	uint64_t seen = vm_count_events(vm), grown;

	grown = seen < m->n_seen ? seen : seen - m->n_seen;
	m->n_seen = seen;
	m->n_events += grown;
	m->rate = per_second(grown, elapsed_ns);
}

static void look_at_heart(struct vm *vm, uint64_t now)
{
	const struct ivring_guest_page *page =
		(const void *)((const char *)vm->region.base + IVRING_GUEST_OFF);
	struct vm_measure *m = &vm->measure;
	uint64_t beat;

	if (vm->is_broken)
		return;
	beat = ivring_load(&page->heartbeat);
	if (beat != m->heartbeat)
		m->beat_ns = now;
	m->heartbeat = beat;
}

void measure_look(struct recording *rec, uint64_t now)
{
	struct measure *m = &rec->measure;
	uint64_t elapsed_ns = m->looked_ns ? now - m->looked_ns : 0;
	uint64_t cpu_ns = thread_ns(), used_ns = m->looked_ns ? cpu_ns - m->thread_ns : 0;
	uint64_t tsc = __rdtsc();
	size_t i;

	m->awake_tsc += tsc - (m->woke_tsc ? m->woke_tsc : tsc);
	m->woke_tsc = tsc;
	for (i = 0; i < rec->n_vms; i++) {
		struct vm *vm = rec->vms[i];

		if (m->awake_tsc)
			vm->measure.cpu_ns +=
				(uint64_t)((double)used_ns * (double)vm->measure.drain_tsc /
					   (double)m->awake_tsc);
		vm->measure.drain_tsc = 0;
		look_at_events(vm, elapsed_ns);
		look_at_heart(vm, now);
	}
	m->rate = per_second(rec->sink.n_records - m->n_seen, elapsed_ns);
	m->n_seen = rec->sink.n_records;
	m->cpu_ns += used_ns;
	m->thread_ns = cpu_ns;
	m->awake_tsc = 0;
	m->looked_ns = now;
}
