// SPDX-License-Identifier: GPL-2.0-or-later
#include <x86intrin.h>
#include "host-reader/vm/measure.h"
#include "host-reader/vm/vm.h"

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

uint64_t measure_rate(uint64_t n, uint64_t elapsed_ns)
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
	m->rate = measure_rate(grown, elapsed_ns);
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

void measure_look_at_vm(struct vm *vm, uint64_t now, uint64_t elapsed_ns, uint64_t cpu_ns)
{
	vm->measure.cpu_ns += cpu_ns;
	vm->measure.drain_tsc = 0;
	look_at_events(vm, elapsed_ns);
	look_at_heart(vm, now);
}
