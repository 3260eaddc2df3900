// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A trace holds IVT_MAX_MACHINES machines, and each boot is one.  A guest that boots
 * over and over must not use up the others' numbers: no VM has more of those for second
 * and later boots than are left for the others, and some are kept for VMs that come
 * later.  Whose share is used up has no machine until the next chunk; what it writes
 * meanwhile is counted.
 */
#include <inttypes.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/guest_facts.h"
#include "host-reader/vm/vm.h"

#define FOR_NEW_VMS 32 /* numbers that no second boot gets */

/* Numbers that nobody has, for second and later boots. */
static uint32_t count_left(const struct ivt_trace_info *info)
{
	uint32_t taken = (uint32_t)info->n_machines + FOR_NEW_VMS;

	return taken < IVT_MAX_MACHINES ? IVT_MAX_MACHINES - taken : 0;
}

uint32_t vm_count_machines(const struct vm *vm)
{
	const struct ivt_trace_info *info = ivt_trace_writer_info(vm->sink->writer);
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < info->n_machines; i++)
		n += info->machines[i].kind == IVT_GUEST &&
		     !strcmp(info->machines[i].name, vm->spec.name);
	return n;
}

bool vm_may_add_machine(const struct vm *vm)
{
	uint32_t n = vm_count_machines(vm);

	/* In memory a new boot takes its predecessor's place. */
	if (vm->flight || !n)
		return true;
	return n <= count_left(ivt_trace_writer_info(vm->sink->writer)) / 2;
}

static void ack_boot(struct vm *vm, uint64_t epoch)
{
	vm->spent_epoch = epoch;
	ivring_store_release(&ivring_region_reader_page(&vm->region)->ack_epoch, epoch);
}

void vm_spend(struct vm *vm, uint64_t epoch)
{
	message("%s: its %u boots have used up its share of the %d machines that a trace holds: "
		"what it writes now is lost and counted, until a next chunk begins (record with "
		"--rotate-time or --rotate-size, or begin a new recording)",
		vm->spec.name, vm_count_machines(vm), IVT_MAX_MACHINES);
	vm->is_spent = true;
	ack_boot(vm, epoch);
}

/* By the guest's own counters: nothing is taken, so that what it could not write any
 * more is among them. */
static void miss_boot(struct vm *vm)
{
	uint32_t i;

	vm->n_missed++;
	if (vm->is_broken || ivring_region_check(&vm->region))
		return;
	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		const struct ivring_chan_writer *w = vm->channels[i].reader.shared;
		uint64_t full = ivring_load(&w->events) + ivring_load(&w->lost_full);
		uint64_t nested = ivring_load(&w->lost_nested), big = ivring_load(&w->lost_big);
		struct ivt_stream_info *s;

		if ((!full && !nested && !big) || vm_open_stream(vm, i))
			continue;
		s = sink_stream(vm->sink, vm->machine, i);
		if (!s)
			continue;
		s->lost_full += full;
		s->lost_nested += nested;
		s->lost_big += big;
	}
}

void vm_watch_spent(struct vm *vm, uint64_t epoch, uint32_t state)
{
	if (epoch == vm->spent_epoch)
		return;
	/* The driver clears its counters when it has been waited for. */
	if (state == IVRING_GUEST_INIT)
		miss_boot(vm);
	else
		vm->n_missed++;
	ack_boot(vm, epoch);
}

void vm_end_spent(struct vm *vm)
{
	if (vm->is_spent && ivring_load(&guest_facts_page(&vm->region)->state) != IVRING_GUEST_INIT)
		miss_boot(vm);
	vm->is_spent = false;
	if (vm->n_missed)
		message("%s: %" PRIu64 " of its boots had no machine any more (their records are "
			"counted as lost as far as they were seen)",
			vm->spec.name, vm->n_missed);
}
