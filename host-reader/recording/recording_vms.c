// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VMs of a recording: they come with its options, and come and go while it
 * runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/recording.h"
#include "host-reader/vm/vm_journal.h"

#define FLUSH_WAIT_NS 60000000u	  /* a guest's flush timer is 10 ms; guests are slow at times */
#define STOP_WAIT_NS  1000000000u /* for one that is at work and has not stopped yet */

int recording_attach_vm(struct recording *rec, const struct vm_spec *spec, struct ivt_error *err)
{
	struct vm_spec wanted = *spec;
	struct vm *vm;
	int ret;

	if (rec->n_vms >= RECORDING_MAX_VMS)
		return ivt_error_set(err, -ENOSPC, "cannot record '%s': %d VMs are the limit",
				     spec->name, RECORDING_MAX_VMS);
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return ivt_error_set(err, -ENOMEM, "cannot record '%s': %s", spec->name,
				     strerror(ENOMEM));
	wanted.in_huge_pages = rec->opt->in_huge_pages;
	ret = vm_attach(vm, &wanted, rec->opt->size_bytes, rec->opt->cpus, err);
	if (!ret)
		ret = rec->flight ? flight_adopt(rec->flight, vm, err) : flight_disown(vm, err);
	if (ret) {
		vm_end(vm);
		free(vm);
		return ret;
	}
	if (vm->doorbell)
		ret = doorbell_start(vm->doorbell, rec->loop, vm);
	if (ret) {
		flight_lets_go(rec->flight, vm);
		vm_end(vm);
		free(vm);
		return ivt_error_set(err, ret, "cannot record '%s': %s", spec->name,
				     strerror(-ret));
	}
	vm->clocks = &rec->clocks;
	vm->mappers = &rec->mappers;
	mappers_want(vm->mappers, vm->region.dev, vm->region.ino);
	vm->share.percent = (uint32_t)vm_limits_get(&rec->opt->cpu_quota, spec->name);
	vm->quota_bytes = vm_limits_get(&rec->opt->quota, spec->name);
	vm_set_kept_bytes(vm, chunks_vm_bytes(rec->chunks, spec->name));
	rec->vms[rec->n_vms++] = vm;
	return 0;
}

int recording_begin_vm(struct recording *rec, struct vm *vm, struct ivt_error *err)
{
	int ret = vm_begin(vm, &rec->sink, &rec->opt->guest, err);

	if (ret)
		return ret;
	measure_begin(vm);
	vm_watch_process(vm, rec->ht);
	if (rec->handshakes && handshakes_add(rec->handshakes, vm))
		message("%s: WARNING: no memory for handshakes (they check no clock now)",
			vm->spec.name);
	return 0;
}

struct vm *recording_find_vm(struct recording *rec, const char *name)
{
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		if (!strcmp(rec->vms[i]->spec.name, name))
			return rec->vms[i];
	return NULL;
}

static void forget(struct recording *rec, struct vm *vm)
{
	size_t i;

	for (i = 0; i < rec->n_vms && rec->vms[i] != vm; i++)
		;
	if (i < rec->n_vms)
		memmove(&rec->vms[i], &rec->vms[i + 1], (--rec->n_vms - i) * sizeof(rec->vms[0]));
}

int recording_add_vm(struct recording *rec, const struct vm_spec *spec, struct ivt_error *err)
{
	struct vm *vm;
	size_t i;
	int ret;

	if (recording_find_vm(rec, spec->name))
		return ivt_error_set(err, -EEXIST, "'%s' is recorded already", spec->name);
	for (i = 0; i < rec->n_vms; i++)
		if (!strcmp(rec->vms[i]->spec.path, spec->path))
			return ivt_error_set(err, -EEXIST, "'%s' is the region of '%s' already",
					     spec->path, rec->vms[i]->spec.name);
	ret = recording_attach_vm(rec, spec, err);
	if (ret)
		return ret;
	vm = rec->vms[rec->n_vms - 1];
	ret = recording_begin_vm(rec, vm, err);
	if (ret) {
		forget(rec, vm);
		flight_lets_go(rec->flight, vm);
		vm_end(vm);
		free(vm);
	}
	return ret;
}

static void free_left(struct recording *rec)
{
	struct vm **at = &rec->leaving, *vm;

	while ((vm = *at)) {
		if ((rec->handshakes && !handshakes_remove(rec->handshakes, vm)) ||
		    !flight_lets_go(rec->flight, vm)) {
			at = &vm->next_leaving;
			continue;
		}
		*at = vm->next_leaving;
		region_note_end(&vm->note, &vm->region, vm->spec.path);
		vm_end(vm);
		free(vm);
	}
}

void recording_remove_vm(struct recording *rec, struct vm *vm)
{
	vm_ask_flush(vm);
	vm_drain(vm, true);
	if (rec->sink.is_full) /* it does not wait until there is room */
		vm_give_up_unread(vm);
	vm_account(vm);
	vm_end_spent(vm);
	vm_finish_clock(vm);
	vm_journal_remove(vm);
	ivt_trace_writer_end_machine(rec->sink.writer, vm->machine);
	if (rec->ht && vm->qemu.pid > 0)
		host_trace_process(rec->ht, vm->qemu.pid, false);
	if (vm->doorbell)
		doorbell_stop(vm->doorbell);
	forget(rec, vm);
	vm->next_leaving = rec->leaving;
	rec->leaving = vm;
	free_left(rec);
}

void recording_retire_vm(struct recording *rec, struct vm *vm)
{
	(void)rec;
	if (vm->retired_ns)
		return;
	vm_ask_flush(vm);
	vm->retired_ns = now_ns();
}

/* As at the end of a recording: it has stopped, or has had its time. */
static bool is_through(struct vm *vm, uint64_t now)
{
	uint64_t elapsed_ns = now - vm->retired_ns;
	bool is_quiet = vm_is_quiet(vm);

	return elapsed_ns >= STOP_WAIT_NS || (is_quiet && elapsed_ns >= FLUSH_WAIT_NS);
}

static void remove_retired(struct recording *rec)
{
	uint64_t now = now_ns();
	size_t i;

	for (i = rec->n_vms; i-- > 0;)
		if (rec->vms[i]->retired_ns && is_through(rec->vms[i], now))
			recording_remove_vm(rec, rec->vms[i]);
}

void recording_let_go(struct recording *rec)
{
	remove_retired(rec);
	free_left(rec);
}

void recording_end_vms(struct recording *rec)
{
	size_t i;

	free_left(rec);
	for (i = 0; i < rec->n_vms; i++) {
		if (rec->vms[i]->sink)
			region_note_end(&rec->vms[i]->note, &rec->vms[i]->region,
					rec->vms[i]->spec.path);
		vm_end(rec->vms[i]);
		free(rec->vms[i]);
	}
	rec->n_vms = 0;
}
