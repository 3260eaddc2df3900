// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One boot of the guest is one epoch: its own clock, its own counters, its own
 * machine in the trace.  The driver announces a new one (INIT), waits a second
 * for us to have drained what the old one left (ack_epoch), clears its rings,
 * and is READY.  Where we come late it clears them under our hands.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host-reader/base/filter_options.h"
#include "host-reader/base/message.h"
#include "host-reader/vm/flight_calls.h"
#include "host-reader/vm/guest_facts.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"

/* A guest that lies must not fill the disk with machines: after a few, a pause
 * between two (the driver waits twice as long). */
#define FREE_EPOCHS  4
#define MIN_EPOCH_NS 500000000u

/* Not all that was asked for is obeyed by every driver. */
static void check_features(const struct vm *vm, struct ivt_machine_info *m, uint32_t features)
{
	if (filter_is_set(&vm->spec.filter) && features & IVRING_GUEST_FILTERS)
		filter_text(&vm->spec.filter, m->filter, sizeof(m->filter));
	else if (filter_is_set(&vm->spec.filter))
		message("%s: WARNING: its driver cannot filter: everybody's events are recorded "
			"(use the driver of this version)",
			vm->spec.name);
	if (event_set_has_chains(vm->events) && !(features & IVRING_GUEST_CHAINS))
		message("%s: WARNING: its driver takes no call chains: none are recorded (use the "
			"driver of this version)",
			vm->spec.name);
}

/* The guest's word about itself: copied once, bounded, nothing but text. */
static void copy_facts(struct vm *vm)
{
	struct ivt_machine_info *m = ivt_trace_writer_machine(vm->sink->writer, vm->machine);

	if (!m)
		return;
	guest_facts_copy(&vm->region, m);
	vm->has_guest = true;
	check_features(vm, m, ivring_load(&guest_facts_page(&vm->region)->features));
	/* The state says that the manifest has them. */
	ivt_trace_writer_checkpoint(vm->sink->writer, NULL);
	vm_journal_save(vm);
	message("%s: guest with Linux %s, %u CPUs", vm->spec.name, m->guest_release, m->guest_cpus);
}

int vm_add_machine(struct vm *vm, uint32_t epoch, struct ivt_error *err)
{
	int machine = ivt_trace_writer_find_machine(vm->sink->writer, vm->spec.name, epoch);
	struct ivt_machine_info info;

	if (machine >= 0) { /* by a recorder that was killed */
		vm->machine = (uint32_t)machine;
		return 0;
	}
	memset(&info, 0, sizeof(info));
	snprintf(info.name, sizeof(info.name), "%s", vm->spec.name);
	info.kind = IVT_GUEST;
	info.clock = IVT_CLOCK_TSC;
	info.epoch = epoch;
	info.qemu_pid = -1;
	return ivt_trace_writer_add_machine(vm->sink->writer, &info, &vm->machine, err);
}

void vm_forget_boot(struct vm *vm)
{
	vm->has_guest = false;
	vm->is_over = vm->is_left = false;
	vm->is_clock_proven = false;
	vm->has_handshake = false;
	vm->recent_tsc = 0;
	vm->arrival_host_tsc = 0;
}

/* The machine of the boot @number; the first guest gets the one that is there.  On a full
 * disk, and where its share is used up, there is none: the others go on. */
static int add_epoch(struct vm *vm, uint64_t number)
{
	struct ivt_error err = { "" };
	uint32_t before = vm->machine;
	int ret;

	if (!vm->has_guest)
		return 0;
	if (!vm_may_add_machine(vm)) {
		vm_spend(vm, number);
		return -E2BIG;
	}
	ret = vm_add_machine(vm, vm->epoch + 1, &err);
	if (ret) {
		sink_take_failure(vm->sink, ret, &err);
		return ret;
	}
	ivt_trace_writer_end_machine(vm->sink->writer, before);
	vm->epoch++;
	vm_forget_boot(vm);
	message("%s: the guest was rebooted", vm->spec.name);
	vm_publish_process(vm);
	return 0;
}

uint64_t vm_boot_start(const struct vm *vm, uint32_t cpu, uint64_t epoch)
{
	struct ivring_reader r;
	uint64_t pos, stop;

	ivring_region_reader(&vm->region, cpu, &r);
	pos = (r.head + r.subbuf - 1) & ~(r.subbuf - 1);
	stop = pos > r.size ? pos - r.size : 0;
	while (pos > stop) {
		const struct ivring_subbuf *s =
			(const struct ivring_subbuf *)(r.data + ((pos - r.subbuf) & (r.size - 1)));

		if (ivring_load_acquire(&s->magic) != IVRING_SUBBUF_MAGIC ||
		    ivring_load(&s->seq) != (pos - r.subbuf) / r.subbuf ||
		    ivring_load(&s->guest_epoch) != epoch)
			break;
		pos -= r.subbuf;
	}
	return pos < r.head ? pos : r.head;
}

/* The driver starts behind the old head, at the next sub-buffer: from there on
 * all is ours, but for what boots wrote that nobody saw.  Where that is not what we
 * find, the present head. */
static void guest_is_ready(struct vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		struct channel *c = &vm->channels[i];
		uint64_t head = c->reader.head, subbuf = c->reader.subbuf;
		uint64_t start = (head + subbuf - 1) & ~(subbuf - 1);
		uint64_t own = vm->flight ? 0 : vm_boot_start(vm, i, vm->guest_epoch);

		vm_start_channel(vm, i, own > start ? own : start);
		c->base_full = c->base_nested = c->base_big = 0;
	}
	vm->is_awaited = false;
	vm_journal_begin(vm);
}

/* What found no room on the disk: the next boot clears it. */
static void give_up_rest(struct vm *vm)
{
	uint32_t i;

	if (vm->flight || vm->is_arriving || !vm_give_up_unread(vm))
		return;
	for (i = 0; i < vm->region.sb.nr_channels; i++)
		vm->channels[i].reader.tail = vm->channels[i].reader.head;
}

void vm_tell_cleared(struct vm *vm, uint64_t bytes)
{
	struct ivt_trace_info *info = ivt_trace_writer_info(vm->sink->writer);
	struct ivt_gap now = { .from_ns = now_ns(), .to_ns = now_ns() };

	if (!bytes)
		return;
	message("%s: its next boot cleared up to %" PRIu64
		" bytes of its records before anybody took them",
		vm->spec.name, bytes);
	/* Of a recorder that was there, and late. */
	if (!info->n_gaps && ivt_trace_info_add_gap(info, &now))
		return;
	info->gaps[info->n_gaps - 1].unread_bytes += bytes;
	ivt_trace_writer_checkpoint(vm->sink->writer, NULL);
}

/* The next boot gives us a second, from when we do not know. */
static void drain_before_it_is_cleared(struct vm *vm)
{
	vm->copy = malloc((size_t)2 << vm->region.sb.subbuf_shift);
	vm->cleared_bytes = 0;
	vm_drain(vm, true);
	free(vm->copy);
	vm->copy = NULL;
	vm_tell_cleared(vm, vm->cleared_bytes);
}

static void finish_epoch(struct vm *vm)
{
	uint64_t before = vm->n_bytes;

	if (vm->is_awaited) /* it came and was reset since our last look, or never came */
		guest_is_ready(vm);
	drain_before_it_is_cleared(vm);
	if (!vm->has_guest && vm->n_bytes != before)
		copy_facts(vm);
	vm_salvage(vm); /* the driver of the next boot speaks: none of the old one runs */
	give_up_rest(vm);
	vm_account(vm);
	vm_finish_clock(vm);
}

static void wait_for_machine(struct vm *vm)
{
	vm->is_finished = vm->is_pending = true;
	vm->recent_tsc = 0;
}

/* A new number on the guest's page.  0 when the present machine is its own; else it is
 * pending. */
static int begin_epoch(struct vm *vm, uint64_t epoch, uint32_t state)
{
	/* A guest that was there before us goes on as it is; one that comes has
	 * new counters and new positions. */
	bool is_new = vm->is_watched || state == IVRING_GUEST_INIT;

	if (state == IVRING_GUEST_INIT && !vm->is_finished) { /* what the old one left is there */
		finish_epoch(vm);
	} else if (vm->guest_epoch && !vm->is_finished) { /* nobody looked for a second */
		vm_account(vm);
		vm_finish_clock(vm);
	}
	if (vm->is_finished) /* what found no room then */
		vm_account(vm);
	vm->is_finished = vm->guest_epoch && add_epoch(vm, epoch);
	if (vm->is_finished) {
		wait_for_machine(vm);
		return -1;
	}
	vm->is_awaited = !vm_arrival_begin(vm, state) && is_new;
	vm->guest_epoch = epoch;
	vm->is_left = vm->is_salvaged = false;
	vm->has_panicked = false;
	vm->epoch_began_ns = now_ns();
	vm_journal_begin(vm); /* the boot before is done with: it may be cleared */
	ivring_store_release(&ivring_region_reader_page(&vm->region)->ack_epoch, epoch);
	return 0;
}

int vm_take_boot(struct vm *vm, uint64_t epoch, const uint64_t *from)
{
	uint32_t i;

	if (add_epoch(vm, epoch)) {
		wait_for_machine(vm);
		return vm->sink->is_broken ? -EIO : 0;
	}
	vm->guest_epoch = epoch;
	vm->is_watched = from != NULL;
	vm->is_awaited = vm->is_salvaged = vm->is_over = false;
	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		struct channel *c = &vm->channels[i];

		vm_start_channel(vm, i, from ? from[i] : UINT64_MAX);
		if (from) /* its counters began with it */
			c->base_full = c->base_nested = c->base_big = 0;
	}
	vm_journal_begin(vm);
	ivring_store_release(&ivring_region_reader_page(&vm->region)->ack_epoch, epoch);
	return 0;
}

void vm_watch_guest(struct vm *vm)
{
	const struct ivring_guest_page *page = guest_facts_page(&vm->region);
	bool has_come, is_there;
	uint64_t epoch;
	uint32_t state;

	if (vm->is_broken || (vm->is_pending && sink_is_waiting(vm->sink)))
		return;
	epoch = ivring_load_acquire(&page->guest_epoch);
	state = ivring_load(&page->state);
	if (!epoch) {
		vm->is_watched = true;
		return;
	}
	if (vm->is_spent) {
		vm_watch_spent(vm, epoch, state);
		return;
	}
	vm->is_pending = epoch != vm->guest_epoch && vm->epoch >= FREE_EPOCHS &&
			 now_ns() - vm->epoch_began_ns < MIN_EPOCH_NS;
	if (!vm->is_pending && epoch != vm->guest_epoch)
		vm->is_pending = !flight_vm_may_renew(vm, state);
	if (vm->is_pending || (epoch != vm->guest_epoch && begin_epoch(vm, epoch, state)))
		return;
	vm->is_watched = true;
	vm_arrival_watch(vm);
	/* It was ready once, even if it has ended by now. */
	has_come = vm->is_awaited && state != IVRING_GUEST_INIT;
	if (has_come)
		guest_is_ready(vm);
	/* A guest that was killed leaves its page as it was: somebody must live there. */
	is_there = (state == IVRING_GUEST_READY && vm->qemu.pid > 0 && !vm->is_left) ||
		   ((state == IVRING_GUEST_READY || state == IVRING_GUEST_DEAD) && vm->n_bytes);
	if (!vm->has_guest && (has_come || is_there))
		copy_facts(vm);
	if (state == IVRING_GUEST_DEAD && vm->has_guest && !vm->has_panicked) {
		vm->has_panicked = true;
		message("%s: the guest has panicked", vm->spec.name);
		vm_salvage(vm);
		flight_vm_ended(vm, "panic: the guest's driver says so");
	}
}
