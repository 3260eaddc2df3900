// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that migrates hither.  Its region comes with its memory, page by page
 * in any order and more than once, with all that the guest wrote on the other
 * side, which is recorded there.  It is left alone until the guest runs here;
 * what it wrote since then is ours, and its stamps tell which that is: also behind
 * the head that came with it there are records of the other side, which the guest
 * publishes here.
 */
#include <inttypes.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"
#include "tsc-sync/sources/snapshot.h"

#define HAS_RUN_NS 50000000u /* no vCPU's thread takes as much before it runs a guest */

bool vm_arrival_begin(struct vm *vm, uint32_t state)
{
	/* A driver that begins says so first; this one began somewhere else. */
	vm->is_arriving = vm->is_watched && state == IVRING_GUEST_READY && vm->tsc &&
			  vm->qemu.is_incoming;
	vm->has_arrived = false;
	return vm->is_arriving;
}

void vm_arrival_clock(struct vm *vm, const struct tsc_sync_entry *entry, bool is_change)
{
	uint64_t tsc;

	/* KVM's files tell offsets of vCPUs that never ran; what comes with the
	 * guest is another.  Other sources tell those of vCPUs that run. */
	if (!vm->is_arriving || (!is_change && !vm->tsc->ops->tells_instant) ||
	    tsc_sync_host_to_guest(&entry->scale, entry->from_host_tsc, &tsc))
		return;
	if (!vm->has_arrived || (int64_t)(tsc - vm->arrived_tsc) < 0)
		vm->arrived_tsc = tsc;
	vm->has_arrived = true;
}

/* In [@at, @end), a run of records; @end where none is that young.  Sizes come
 * from the guest: only positions within the run are looked at. */
static uint64_t first_in_run(const struct ivring_reader *r, uint64_t at, uint64_t end, uint64_t tsc)
{
	while (end - at >= IVRING_REC_HDR_BYTES) {
		const uint64_t *rec = (const uint64_t *)(r->data + (at & (r->size - 1)));
		uint64_t size = ivring_load(rec + 1) >> 16 & 0xffff;

		if ((int64_t)(ivring_load(rec) - tsc) >= 0)
			return at;
		if (size < IVRING_REC_HDR_BYTES || size & 7 || size > end - at)
			break;
		at += size;
	}
	return end;
}

uint64_t vm_arrival_position(const struct ivring_reader *r, uint64_t from, uint64_t tsc)
{
	uint64_t at, begin, end, found;

	/* The oldest sub-buffer may be the next to be written. */
	if (r->head - from > r->size)
		from = (r->head & ~(r->subbuf - 1)) + 2 * r->subbuf - r->size;
	for (at = from & ~(r->subbuf - 1); at < r->head; at += r->subbuf) {
		const struct ivring_subbuf *s =
			(const struct ivring_subbuf *)(r->data + (at & (r->size - 1)));
		uint32_t content = r->head - at <= r->subbuf ? (uint32_t)(r->head - at)
							     : ivring_load(&s->content_size);

		if (content < IVRING_SUBBUF_HDR_BYTES + IVRING_REC_HDR_BYTES ||
		    content > r->subbuf || content & 7)
			continue;
		begin = at + IVRING_SUBBUF_HDR_BYTES;
		end = at + content;
		if (begin < from)
			begin = from < end ? from : end;
		found = first_in_run(r, begin, end, tsc);
		if (found != end)
			return found;
	}
	return r->head;
}

void vm_arrival_watch(struct vm *vm)
{
	struct ivring_reader r;
	uint64_t found;
	uint32_t i;

	if (!vm->is_arriving || !vm->has_arrived)
		return;
	vm->is_arriving = false;
	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		ivring_region_reader(&vm->region, i, &r);
		found = vm_arrival_position(&r, 0, vm->arrived_tsc);
		vm_start_channel(vm, i, found);
		vm->channels[i].is_arriving = found == r.head;
	}
	vm_journal_begin(vm);
	/* The other side's reader page came, too. */
	vm_ask_events(vm);
}

static void start_at_heads(struct vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++)
		vm_start_channel(vm, i, UINT64_MAX);
}

int vm_arrival_resume(struct vm *vm, uint64_t epoch)
{
	int ret = epoch != vm->guest_epoch ? vm_take_boot(vm, epoch, NULL) : 0;

	if (ret || vm->is_pending) /* on a full disk: a later look takes it as a boot */
		return ret;
	start_at_heads(vm);
	vm->is_watched = true;
	vm->is_arriving = vm->was_unwatched = true;
	vm->has_arrived = false;
	vm_journal_begin(vm);
	return 0;
}

/* Bytes in its rings that are not taken: some of them are the other side's. */
static uint64_t passed_bytes(const struct vm *vm)
{
	struct ivring_reader r;
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		ivring_region_reader(&vm->region, i, &r);
		sum += r.head < r.size ? r.head : r.size;
	}
	return sum;
}

/* In the trace for good before anything tells the next recorder not to count it. */
static void count_passed(const struct vm *vm, uint64_t bytes)
{
	struct ivt_trace_info *info = ivt_trace_writer_info(vm->sink->writer);

	if (info->n_gaps)
		info->gaps[info->n_gaps - 1].unread_bytes += bytes;
	ivt_trace_writer_checkpoint(vm->sink->writer, NULL);
}

void vm_arrival_look(struct vm *vm)
{
	uint64_t now, bytes;

	if (!vm->is_arriving || !vm->was_unwatched || vm->has_arrived ||
	    qemu_run_ns(&vm->qemu) < HAS_RUN_NS)
		return;
	bytes = passed_bytes(vm);
	count_passed(vm, bytes);
	if (vm->clock[0].is_known &&
	    !tsc_sync_host_to_guest(&vm->clock[0].last.scale, tsc_sync_host_tsc(), &now)) {
		vm->arrived_tsc = now;
		vm->has_arrived = true;
		vm_arrival_watch(vm);
	} else {
		/* Without its clock stamps tell nothing: it begins with what is published
		 * from now on. */
		vm->is_arriving = false;
		start_at_heads(vm);
		vm_journal_begin(vm);
		vm_ask_events(vm);
	}
	message("%s: it came by migration while nobody recorded: what it wrote here until now "
		"cannot be told from what it wrote on the other side, and is not taken (up to "
		"%" PRIu64 " bytes)",
		vm->spec.name, bytes);
}

void vm_arrival_pass(struct vm *vm, uint32_t cpu)
{
	struct channel *c = &vm->channels[cpu];

	if (!c->is_arriving)
		return;
	c->reader.tail = vm_arrival_position(&c->reader, c->reader.tail, vm->arrived_tsc);
	vm_journal_commit(vm, cpu);
	ivring_reader_release(&c->reader);
	c->is_arriving = c->reader.tail == c->reader.head;
	if (!c->is_arriving)
		vm_journal_note(vm);
}
