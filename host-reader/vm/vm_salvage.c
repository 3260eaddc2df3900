// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a dead guest wrote and never published.  Its vCPUs cannot run any more:
 * its process is gone, it has panicked, or its next boot announces itself and
 * waits for us.  Once per death; each sub-buffer is copied before it is parsed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <ivring/salvage.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/ring_take.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"
#include "trace/packet.h"
#include "tsc-sync/sources/snapshot.h"

/* Where entries of its clock are held back it may just have been reset: the old
 * boot's is not known. */
uint64_t vm_death_tsc(const struct vm *vm, uint32_t cpu)
{
	const struct vm_clock *c = &vm->clock[cpu];
	uint64_t tsc;

	if (!vm->is_clock_proven || !c->is_known || c->n_held ||
	    tsc_sync_host_to_guest(&c->last.scale, tsc_sync_host_tsc(), &tsc) ||
	    tsc + c->last.bound_tsc < tsc)
		return UINT64_MAX;
	return tsc + c->last.bound_tsc;
}

/* The same walk before: its recorder was killed in the middle of it. */
static bool was_taken(const struct channel *c, const struct ivring_salvage_run *run)
{
	return run->pos + run->bytes <= c->resume_pos;
}

static void take_run(struct vm *vm, uint32_t cpu, unsigned char *copy,
		     const struct ivring_salvage_run *run)
{
	struct channel *c = &vm->channels[cpu];
	struct iovec iov = { copy + run->offset, run->bytes };
	uint64_t before = c->resume_pos;
	int ret;

	c->n_uncommitted += run->n_busy_before;
	if (was_taken(c, run))
		return;
	if (!vm->arrival_host_tsc) /* it never published anything */
		vm_note_arrival(vm, *(const uint64_t *)iov.iov_base, now_ns() - vm->epoch_began_ns);
	/* Behind published records that found no room these would be out of order. */
	c->resume_pos = run->pos + run->bytes; /* the journal's, with this packet */
	if (c->reader.tail != c->reader.head)
		ret = -ENOSPC;
	else
		ret = vm_append(vm, cpu, &iov, 1, IVT_PACKET_SALVAGED);
	if (ret == -EDQUOT) {
		c->n_over_quota += run->n_records;
		vm_journal_commit(vm, cpu);
		return;
	}
	if (ret) {
		c->n_given_up += run->n_records;
		c->resume_pos = before;
		return;
	}
	c->n_salvaged += run->n_records;
}

static void salvage_channel(struct vm *vm, uint32_t cpu, unsigned char *copy)
{
	struct channel *c = &vm->channels[cpu];
	uint64_t before = c->n_uncommitted;
	struct ivring_salvage_run run;
	struct ivring_range range;
	struct ivring_salvage s;

	ivring_salvage_init(&s, &c->reader, 0, vm->guest_epoch, vm_death_tsc(vm, cpu),
			    ring_take_is_event);
	while (ivring_salvage_next_subbuf(&s, &range)) {
		memcpy(copy, c->reader.data + range.offset, range.bytes);
		while (ivring_salvage_next_run(&s, copy, &run))
			take_run(vm, cpu, copy, &run);
	}
	c->n_uncommitted = before + s.n_busy + s.n_cut;
}

static void tell(const struct vm *vm)
{
	uint64_t salvaged = 0, uncommitted = 0;
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		salvaged += vm->channels[i].n_salvaged;
		uncommitted += vm->channels[i].n_uncommitted;
	}
	if (salvaged || uncommitted)
		message("%s: %" PRIu64
			" records salvaged that the guest had not published, %" PRIu64
			" half-written (counted as lost)",
			vm->spec.name, salvaged, uncommitted);
}

void vm_salvage(struct vm *vm)
{
	unsigned char *copy;
	uint32_t i;

	if (vm->flight || vm->is_salvaged || vm->is_awaited || vm->is_pending || vm->is_arriving ||
	    !vm->has_guest)
		return;
	vm_drain(vm, true);
	if (vm->is_broken)
		return;
	copy = malloc((size_t)1 << vm->region.sb.subbuf_shift);
	if (!copy) {
		message("%s: no memory to salvage what the guest had not published", vm->spec.name);
		return;
	}
	for (i = 0; i < vm->region.sb.nr_channels; i++)
		if (!vm->channels[i].is_stopped && !vm->channels[i].is_arriving)
			salvage_channel(vm, i, copy);
	free(copy);
	vm->is_salvaged = true;
	vm_journal_save(vm);
	vm_account(vm);
	tell(vm);
}
