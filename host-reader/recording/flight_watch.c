// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/qemu/qmp_watch.h"
#include "host-reader/recording/flight_watch.h"
#include "host-reader/recording/recording.h"

#define LOOK_NS	      200000000u  /* without triggers: for a stamp */
#define LOOK_ERROR_NS 220000000u  /* it is here so long after it was written, at most */
#define TURN_ERROR_NS 70000000u	  /* where each turn looks */
#define TURN_BYTES    (1u << 20)  /* of one VM */
#define DUMP_NS	      2000000000u /* between two state dumps of a guest */
#define THREADS_NS    500000000u
#define MAX_THREADS   8192

struct watched {
	struct vm *vm;
	struct trigger_source *source; /* NULL: no trigger is about it */
	struct qmp_watch *qmp;	       /* NULL: not asked for */
	uint64_t looked_ns;
	uint64_t dumped_ns;
	uint64_t dumped_bytes; /* what it had written when it last said its state */
};

struct vcpu_thread {
	int32_t tid;
	const char *vm;
};

struct flight_watch {
	struct recording *rec;
	const struct flight_options *opt;
	trigger_fired_fn *fired;
	void *arg;
	struct watched vms[RECORDING_MAX_VMS];
	size_t n_vms;
	struct trigger_source *host; /* NULL: no trigger is about it */
	struct vcpu_thread threads[MAX_THREADS];
	size_t n_threads;
	uint64_t threads_ns;
	uint64_t unseen_bytes;
	unsigned char *copy;
	size_t copy_bytes;
};

/* ---- the host ------------------------------------------------------------------------ */

static int by_tid(const void *a, const void *b)
{
	int32_t x = ((const struct vcpu_thread *)a)->tid, y = ((const struct vcpu_thread *)b)->tid;

	return (x > y) - (x < y);
}

static const char *vm_of_thread(void *arg, int32_t tid)
{
	const struct flight_watch *w = arg;
	struct vcpu_thread key = { .tid = tid }, *found;

	found = bsearch(&key, w->threads, w->n_threads, sizeof(key), by_tid);
	return found ? found->vm : NULL;
}

static void list_threads(struct flight_watch *w)
{
	size_t i, k;

	w->n_threads = 0;
	for (i = 0; i < w->n_vms; i++) {
		const struct vm *vm = w->vms[i].vm;

		for (k = 0; k < vm->qemu.n_vcpus && w->n_threads < MAX_THREADS; k++)
			w->threads[w->n_threads++] =
				(struct vcpu_thread){ vm->qemu.vcpus[k].tid, vm->spec.name };
	}
	qsort(w->threads, w->n_threads, sizeof(w->threads[0]), by_tid);
}

static void on_host_records(void *arg, const void *records, size_t bytes)
{
	struct flight_watch *w = arg;

	trigger_look(w->host, records, bytes);
}

static void on_fired(void *arg, const char *vm, const char *reason)
{
	struct flight_watch *w = arg;

	w->fired(w->arg, vm, reason);
}

/* ---- a guest's rings --------------------------------------------------------------------- */

/* The stamp of the last record in a private copy; 0: none. */
static uint64_t last_stamp(const unsigned char *at, size_t bytes)
{
	struct ivring_record rec;
	uint64_t stamp = 0;

	while (bytes >= sizeof(rec)) {
		memcpy(&rec, at, sizeof(rec));
		if (rec.size < sizeof(rec) || rec.size % 8 || rec.size > bytes)
			break;
		stamp = rec.tsc;
		at += rec.size;
		bytes -= rec.size;
	}
	return stamp;
}

static void note_stamp(struct watched *v, uint64_t stamp)
{
	struct vm *vm = v->vm;

	if (!stamp)
		return;
	vm_note_recent(vm, stamp);
	vm_note_arrival(vm, stamp, v->source ? TURN_ERROR_NS : LOOK_ERROR_NS);
}

/* Without triggers the last sub-buffer is enough. */
static void skip_to_last(struct ivring_reader *r)
{
	uint64_t base = r->head & ~(r->subbuf - 1);

	if (r->tail < base)
		r->tail = base;
	r->overwritten = 0;
}

static void look_at_channel(struct flight_watch *w, struct watched *v, uint32_t cpu, size_t *budget)
{
	struct ivring_reader *r = &v->vm->channels[cpu].reader;
	struct ivring_range range;

	if (ivring_reader_is_idle(r) || ivring_snapshot_begin(r))
		return;
	if (!v->source)
		skip_to_last(r);
	while (*budget && ivring_snapshot_next(r, &range)) {
		memcpy(w->copy, r->data + range.offset, range.bytes);
		if (ivring_snapshot_accept(r) != 1)
			continue;
		if (v->source)
			trigger_look(v->source, w->copy, range.bytes);
		note_stamp(v, last_stamp(w->copy, range.bytes));
		*budget -= range.bytes < *budget ? range.bytes : *budget;
	}
	w->unseen_bytes += r->overwritten;
	r->overwritten = 0;
}

/*
 * A snapshot is to hold a state dump, by which tasks have names: the guest is asked
 * for another when half of a ring may have been written over the last one.
 */
static void renew_dump(struct watched *v, uint64_t now)
{
	struct vm *vm = v->vm;

	if (vm->n_bytes - v->dumped_bytes < ivring_chan_bytes(&vm->region.sb) / 2 ||
	    now - v->dumped_ns < DUMP_NS)
		return;
	v->dumped_bytes = vm->n_bytes;
	v->dumped_ns = now;
	vm_ask_events(vm);
}

static void count_bytes(struct vm *vm)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++)
		sum += vm->channels[i].reader.head;
	vm->n_bytes = sum;
}

static void look_at_vm(struct flight_watch *w, struct watched *v, uint64_t now)
{
	struct vm *vm = v->vm;
	size_t budget = TURN_BYTES;
	uint32_t i;

	if (vm->is_broken || vm->is_awaited || vm->is_pending || vm->is_arriving ||
	    !vm->guest_epoch)
		return;
	if (!v->source && now - v->looked_ns < LOOK_NS)
		return;
	v->looked_ns = now;
	if (v->source && vm->has_guest) {
		const struct ivt_machine_info *m =
			ivt_trace_writer_machine(vm->sink->writer, vm->machine);

		trigger_source_clock(v->source, m ? m->guest_tsc_khz * 1000 : 0);
	}
	for (i = 0; i < vm->region.sb.nr_channels; i++)
		if (!vm->channels[i].is_stopped)
			look_at_channel(w, v, i, &budget);
	count_bytes(vm);
	renew_dump(v, now);
}

void flight_watch_turn(struct flight_watch *w)
{
	uint64_t now = now_ns();
	size_t i;

	if (w->host && now - w->threads_ns >= THREADS_NS) {
		list_threads(w);
		w->threads_ns = now;
	}
	for (i = 0; i < w->n_vms; i++) {
		look_at_vm(w, &w->vms[i], now);
		qmp_watch_keep(w->vms[i].qmp, now);
	}
}

/* ---- QMP ----------------------------------------------------------------------------------- */

static void on_qmp_event(void *arg, const char *event)
{
	struct vm *vm = arg;

	vm_watch_guest(vm); /* what its driver says of a panic tells more */
	if (!strcmp(event, "GUEST_PANICKED"))
		flight_vm_ended(vm, "panic: QMP's GUEST_PANICKED");
	else if (!strcmp(event, "RESET"))
		flight_vm_ended(vm, "reset: QMP's RESET");
	else if (!strcmp(event, "SHUTDOWN"))
		flight_vm_ended(vm, "shutdown: QMP's SHUTDOWN");
}

static int watch_qmp(struct flight_watch *w, struct watched *v)
{
	size_t i;

	for (i = 0; i < w->opt->n_qmp; i++)
		if (!strcmp(w->opt->qmp[i].vm, v->vm->spec.name))
			return qmp_watch_create(w->rec->loop, w->opt->qmp[i].path, on_qmp_event,
						v->vm, &v->qmp);
	return 0;
}

/* ---- begin and end ---------------------------------------------------------------------------- */

static int grow_copy(struct flight_watch *w, size_t bytes)
{
	unsigned char *grown;

	if (bytes <= w->copy_bytes)
		return 0;
	grown = realloc(w->copy, bytes);
	if (!grown)
		return -ENOMEM;
	w->copy = grown;
	w->copy_bytes = bytes;
	return 0;
}

int flight_watch_add(struct flight_watch *w, struct vm *vm, struct ivt_error *err)
{
	struct watched v = { .vm = vm };
	int code = grow_copy(w, (size_t)1 << vm->region.sb.subbuf_shift);

	if (!code && w->n_vms == RECORDING_MAX_VMS)
		code = -ENOSPC;
	if (!code && trigger_wants_vm(&w->opt->triggers, vm->spec.name))
		code = trigger_source_create(&w->opt->triggers, vm->spec.name, on_fired, NULL, w,
					     &v.source);
	if (!code)
		code = watch_qmp(w, &v);
	if (code) {
		trigger_source_destroy(v.source);
		return ivt_error_set(err, code, "cannot record '%s': %s", vm->spec.name,
				     strerror(-code));
	}
	w->vms[w->n_vms++] = v;
	return 0;
}

static void deinit_watched(struct watched *v)
{
	trigger_source_destroy(v->source);
	qmp_watch_destroy(v->qmp);
}

void flight_watch_remove(struct flight_watch *w, struct vm *vm)
{
	size_t i;

	for (i = 0; i < w->n_vms && w->vms[i].vm != vm; i++)
		;
	if (i == w->n_vms)
		return;
	deinit_watched(&w->vms[i]);
	w->n_vms--;
	memmove(&w->vms[i], &w->vms[i + 1], (w->n_vms - i) * sizeof(w->vms[0]));
	list_threads(w);
}

int flight_watch_create(struct recording *rec, const struct flight_options *opt,
			trigger_fired_fn *fired, void *arg, struct flight_watch **ret,
			struct ivt_error *err)
{
	struct flight_watch *w = calloc(1, sizeof(*w));
	int code = w ? 0 : -ENOMEM;

	if (!code) {
		w->rec = rec;
		w->opt = opt;
		w->fired = fired;
		w->arg = arg;
		*ret = w;
	}
	if (!code && trigger_wants_host(&opt->triggers)) {
		code = trigger_source_create(&opt->triggers, "host", on_fired, vm_of_thread, w,
					     &w->host);
		if (!code) {
			trigger_source_clock(w->host, 1000000000u);
			rec->sink.watch = on_host_records;
			rec->sink.watch_arg = w;
		}
	}
	return code ? ivt_error_set(err, code, "cannot record: %s", strerror(-code)) : 0;
}

void flight_watch_destroy(struct flight_watch *w)
{
	size_t i;

	if (!w)
		return;
	for (i = 0; i < w->n_vms; i++)
		deinit_watched(&w->vms[i]);
	trigger_source_destroy(w->host);
	free(w->copy);
	free(w);
}

uint64_t flight_watch_unseen(const struct flight_watch *w)
{
	return w->unseen_bytes;
}
