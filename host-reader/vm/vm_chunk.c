// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VM whose recording goes on in the next chunk, and how much of the disk it may
 * have in all that are kept.
 */
#include "host-reader/base/message.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"

/* What was counted is the old chunk's: the guest's own counters go on. */
static void begin_channel(struct channel *c)
{
	c->has_stream = false;
	c->base_full = c->reader.lost_full;
	c->base_nested = c->reader.lost_nested;
	c->base_big = c->reader.lost_big;
	c->base_violations = c->reader.violations;
	c->n_given_up = 0;
	c->n_salvaged = 0;
	c->n_uncommitted = 0;
	c->n_over_quota = 0;
}

/* A boot that found no place in the chunk before has this one's machine, and the one
 * before it none. */
static void begin_anew(struct vm *vm)
{
	if (vm->is_spent)
		message("%s: a new chunk has a machine for it again", vm->spec.name);
	vm->is_spent = false;
	vm_forget_boot(vm);
	vm_publish_clock(vm);
}

void vm_begin_chunk(struct vm *vm)
{
	uint32_t i;

	vm_publish_machine(vm);
	vm->epoch = 0;
	vm->chunk_bytes = 0;
	for (i = 0; i < vm->region.sb.nr_channels; i++)
		begin_channel(&vm->channels[i]);
	if (vm->is_finished)
		begin_anew(vm);
	else
		vm_republish_clock(vm);
	vm_journal_begin(vm);
	/* Its driver dumps its state for a reader that it does not know. */
	vm_check_region(vm);
	if (!vm->is_broken && !vm->retired_ns)
		vm_ask_events(vm);
}

/* As far as the manifest says: its last checkpoint may be some seconds old. */
static void resume_channel(struct channel *c, const struct ivt_stream_info *s)
{
	if (s->lost_quota > c->n_over_quota)
		c->n_over_quota = s->lost_quota;
	if (s->violations <= c->reader.violations)
		c->base_violations = c->reader.violations - s->violations;
}

void vm_resume_chunk(struct vm *vm)
{
	const struct ivt_stream_info *s;
	uint32_t i;

	vm->chunk_bytes = 0;
	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		s = sink_stream(vm->sink, vm->machine, i);
		if (!s)
			continue;
		vm->chunk_bytes += s->bytes;
		resume_channel(&vm->channels[i], s);
	}
}

bool vm_is_over_quota(const struct vm *vm, uint64_t more_bytes)
{
	return vm->quota_bytes && vm->kept_bytes + vm->chunk_bytes + more_bytes > vm->quota_bytes;
}

void vm_set_kept_bytes(struct vm *vm, uint64_t bytes)
{
	bool is_over;

	vm->kept_bytes = bytes;
	is_over = vm_is_over_quota(vm, vm->quota_bytes / 8);
	if (vm->is_quota_told && !is_over)
		message("%s: there is room in its quota again", vm->spec.name);
	vm->is_quota_told = vm->is_quota_told && is_over;
}

void vm_tell_quota(struct vm *vm)
{
	if (!vm->is_quota_told)
		message("%s: its quota of %.1f MB on the disk is used up (its records are lost and "
			"counted until rotation with --keep makes room)",
			vm->spec.name, (double)vm->quota_bytes / 1e6);
	vm->is_quota_told = true;
}
