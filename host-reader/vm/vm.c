// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host-reader/base/message.h"
#include "host-reader/region/region_setup.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"

/* A range is at most a sub-buffer, and two of them must fit into a packet. */
#define MAX_SUBBUF_SHIFT 19

/* Where one that nobody named was found, anybody may have put another file since: it
 * has been made a region by then. */
static int open_region(struct vm *vm, const struct vm_spec *spec, uint64_t size_bytes,
		       uint32_t cpus, struct ivt_error *err)
{
	if (spec->is_socket)
		return doorbell_open(spec, size_bytes, cpus, &vm->doorbell, &vm->region, err);
	if (spec->is_found)
		return region_attach(spec->path, size_bytes, cpus, &vm->region, err);
	return region_setup(spec->path, size_bytes, cpus, &vm->region, err);
}

int vm_attach(struct vm *vm, const struct vm_spec *spec, uint64_t size_bytes, uint32_t cpus,
	      struct ivt_error *err)
{
	pid_t owner = -1;
	char who[32] = "";
	bool is_new;
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm->spec = *spec;
	vm->qemu.pid = -1;
	vm->note.fd = -1;
	is_new = !spec->is_socket && !spec->is_found &&
		 ivring_region_probe(spec->path, NULL) == -ENOENT;
	ret = open_region(vm, spec, size_bytes, cpus, err);
	if (ret)
		return ret;
	if (vm->region.sb.subbuf_shift > MAX_SUBBUF_SHIFT)
		return ivt_error_set(err, -EINVAL,
				     "cannot record '%s': the sub-buffers of '%s' are larger than "
				     "512 KiB (remove the file, it is made anew)",
				     spec->name, spec->path);
	ret = ivring_region_lock(&vm->region, &owner);
	if (ret) {
		if (owner > 0)
			snprintf(who, sizeof(who), " (process %d)", (int)owner);
		return ivt_error_set(err, ret,
				     "cannot record '%s': another ivtrace-host%s records '%s' (end "
				     "that one first)",
				     spec->name, who, spec->path);
	}
	if (!spec->is_socket)
		region_note_open(&vm->note, &vm->region, spec->path, is_new);
	vm->channels = calloc(vm->region.sb.nr_channels, sizeof(*vm->channels));
	vm->clock = calloc(vm->region.sb.nr_channels, sizeof(*vm->clock));
	if (!vm->channels || !vm->clock)
		return ivt_error_set(err, -ENOMEM, "cannot record '%s': %s", spec->name,
				     strerror(ENOMEM));
	return 0;
}

/* A number that no earlier recording had. */
static uint64_t new_reader_epoch(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void vm_ask_events(struct vm *vm)
{
	struct ivring_reader_page *page = ivring_region_reader_page(&vm->region);
	unsigned int i;

	ivring_region_filter(&vm->region, &vm->spec.filter);
	for (i = 0; i < IVRING_BITMAP_WORDS; i++)
		ivring_store(&page->enable_bitmap[i], vm->events->bits[i]);
	ivring_store(&page->flags, 0);
	/* Last: the guest sees the events of this recording with its number. */
	ivring_store_release(&page->reader_epoch, new_reader_epoch());
	doorbell_interrupt(vm->doorbell);
}

/* What a recorder that died had not taken is passed over: say so. */
static void tell_unread(const struct vm *vm)
{
	uint64_t bytes = region_unread(&vm->region);

	if (bytes && vm->note.trace)
		message("%s: %" PRIu64 " bytes in its rings were not taken into '%s', whose "
			"recorder died (they are passed over; record --resume -o %s takes them)",
			vm->spec.name, bytes, vm->note.trace, vm->note.trace);
	else if (bytes)
		message("%s: %" PRIu64 " bytes in its rings were not taken by the recorder "
			"before, which died (they are passed over; record --resume takes them)",
			vm->spec.name, bytes);
}

/* A VM that this trace does not know yet, or not any more. */
static int begin_anew(struct vm *vm, struct ivt_error *err)
{
	uint32_t i;
	int ret;

	if (!vm->flight)
		tell_unread(vm);
	if (!vm_may_add_machine(vm))
		return ivt_error_set(err, -E2BIG,
				     "cannot record '%s': it has used up its share of the %d "
				     "machines that a trace holds (rotation gives it another with "
				     "each chunk; or begin a new recording)",
				     vm->spec.name, IVT_MAX_MACHINES);
	/* More than none where the VM was recorded, removed and comes again; or where a
	 * recorder was killed when it had just made one. */
	vm->epoch = vm_count_machines(vm);
	ret = vm_add_machine(vm, vm->epoch, err);
	if (ret)
		return ret;
	vm->epoch_began_ns = now_ns();
	for (i = 0; i < vm->region.sb.nr_channels; i++)
		vm_start_channel(vm, i, UINT64_MAX);
	return 0;
}

int vm_begin(struct vm *vm, struct sink *sink, const struct event_set *events,
	     struct ivt_error *err)
{
	bool is_known;
	int ret;

	vm->sink = sink;
	vm->events = events;
	ret = vm->flight ? 1 : vm_resume(vm, err);
	is_known = !ret;
	if (ret == 1)
		ret = begin_anew(vm, err);
	else if (!ret)
		vm_resume_chunk(vm);
	if (ret) {
		vm->sink = NULL; /* the guest is left as it was */
		return ret;
	}
	vm_watch_guest(vm);
	if (!vm->journal)
		vm_journal_begin(vm);
	if (is_known)
		vm_note_unseen_end(vm);
	vm_ask_events(vm);
	if (!vm->flight)
		region_note_write(&vm->note, vm->spec.path, ivt_trace_writer_path(sink->writer));
	return 0;
}

void vm_ask_flush(struct vm *vm)
{
	struct ivring_reader_page *page = ivring_region_reader_page(&vm->region);
	unsigned int i;

	if (vm->is_broken)
		return;
	for (i = 0; i < IVRING_BITMAP_WORDS; i++)
		ivring_store(&page->enable_bitmap[i], 0);
	ivring_store_release(&page->flags, IVRING_READER_FLUSH_REQ);
	doorbell_interrupt(vm->doorbell);
}

bool vm_has_unread(struct vm *vm)
{
	uint32_t i;

	if (vm->is_broken || ivring_region_check(&vm->region))
		return false;
	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		struct channel *c = &vm->channels[i];

		if (!c->is_stopped && ivring_load(&c->reader.shared->w_head) != c->reader.tail)
			return true;
	}
	return false;
}

bool vm_has_completed(struct vm *vm)
{
	uint32_t i;

	if (ivring_region_check(&vm->region))
		return false;
	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		struct channel *c = &vm->channels[i];
		uint64_t head = ivring_load(&c->reader.shared->w_head);

		if (!c->is_stopped && head / c->reader.subbuf != c->reader.head / c->reader.subbuf)
			return true;
	}
	return false;
}

uint64_t vm_count_events(const struct vm *vm)
{
	uint64_t sum = 0;
	uint32_t i;

	if (vm->is_broken || ivring_region_check(&vm->region))
		return 0;
	for (i = 0; i < vm->region.sb.nr_channels; i++)
		sum += ivring_load(&vm->channels[i].reader.shared->events);
	return sum;
}

static uint64_t lost_of(const struct channel *c)
{
	return c->reader.lost_full - c->base_full + c->reader.lost_nested - c->base_nested +
	       c->reader.lost_big - c->base_big + c->n_given_up + c->n_uncommitted +
	       c->n_over_quota;
}

static void account_channel(struct vm *vm, uint32_t cpu)
{
	struct channel *c = &vm->channels[cpu];
	struct ivt_stream_info *s = sink_stream(vm->sink, vm->machine, cpu);

	/* what was lost is said also where nothing else came */
	if (!s && lost_of(c) && !vm_open_stream(vm, cpu))
		s = sink_stream(vm->sink, vm->machine, cpu);
	if (!s)
		return;
	s->lost_full = c->reader.lost_full - c->base_full + c->n_given_up;
	s->lost_nested = c->reader.lost_nested - c->base_nested;
	s->lost_big = c->reader.lost_big - c->base_big;
	s->lost_uncommitted = c->n_uncommitted;
	s->lost_quota = c->n_over_quota;
	s->salvaged = c->n_salvaged;
	s->violations = c->reader.violations - c->base_violations;
}

uint64_t vm_account(struct vm *vm)
{
	const struct ivt_stream_info *s;
	uint64_t sum = 0;
	uint32_t i;

	/* While the next boot is awaited the channels count the one before, whose machine has
	 * been accounted for; where that one has none yet, as far as the disk had room. */
	for (i = 0; i < vm->region.sb.nr_channels && !vm->is_awaited; i++) {
		if (!vm->is_finished || !sink_stream(vm->sink, vm->machine, i))
			account_channel(vm, i);
		s = sink_stream(vm->sink, vm->machine, i);
		sum += s ? ivt_stream_lost(s) : lost_of(&vm->channels[i]);
	}
	return sum;
}

void vm_end(struct vm *vm)
{
	uint32_t i;

	if (vm->region.base && vm->sink) {
		struct ivring_reader_page *page = ivring_region_reader_page(&vm->region);

		if (!ivring_region_check(&vm->region)) {
			ivring_store(&page->flags, 0);
			ivring_store_release(&page->reader_epoch, 0);
			ivring_region_filter(&vm->region, NULL);
			doorbell_interrupt(vm->doorbell);
		}
	}
	doorbell_close(vm->doorbell);
	vm->doorbell = NULL;
	for (i = 0; vm->clock && i < vm->region.sb.nr_channels; i++)
		free(vm->clock[i].held);
	if (vm->tsc)
		vm->tsc->ops->close(vm->tsc);
	vm->tsc = NULL;
	qemu_reset(&vm->qemu);
	vm_journal_close(vm);
	region_note_close(&vm->note);
	ivring_region_close(&vm->region);
	free(vm->channels);
	free(vm->clock);
	vm->channels = NULL;
	vm->clock = NULL;
}
