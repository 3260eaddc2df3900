// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/control_client.h"
#include "host-reader/recording/flight.h"
#include "host-reader/recording/flight_watch.h"
#include "host-reader/recording/recording.h"
#include "host-reader/recording/snapshot_writer.h"

#define MAX_BUSY    4	       /* snapshots of VMs and triggers that are being written */
#define RESERVE	    1	       /* and one that somebody asks for */
#define RENEW_NS    850000000u /* the next boot's driver waits a second */
#define FORGET_NS   5000000000u
#define LATE_NS	    10000000000u /* clock log that is kept beyond what is needed */
#define FLUSH_NS    30000000u	 /* guests publish every 10 ms what is asked for */
#define MAX_NUMBERS 100000u

/* A trigger that waits for what follows it. */
struct pending {
	bool is_on;
	bool is_flushing;
	uint64_t cut_ns;
	char vm[IVT_NAME_BYTES];
	char reason[sizeof(((struct ivt_snapshot_info *)0)->reason)];
};

/* Of --snapshot-limit, what was taken for a VM's sake; "": for the host's triggers. */
struct account {
	char vm[IVT_NAME_BYTES];
	uint32_t n_taken;
	bool is_told; /* that it has no more */
};

/* What became of a snapshot, for who asked for it. */
struct outcome {
	char path[PATH_MAX];
	int code;
};

struct flight {
	struct recording *rec;
	const struct flight_options *opt;
	struct snapshot_writer *writer;
	struct flight_watch *watch;
	struct pending pending;
	struct outcome *outcomes;
	size_t n_outcomes;
	struct account *accounts; /* of those that had one */
	size_t n_accounts;
	char stem[PATH_MAX]; /* of the output, without .ivt */
	uint32_t next_number;
	uint32_t n_taken;
	uint32_t n_failed;
	uint64_t n_suppressed; /* triggers that came too soon, or behind the limit */
	uint64_t fired_ns;
	uint64_t forgot_ns;
	bool is_limit_told;
};

/* ---- one snapshot -------------------------------------------------------------------- */

static int choose_path(struct flight *f, char *ret, struct ivt_error *err)
{
	struct stat st;

	for (; f->next_number < MAX_NUMBERS; f->next_number++) {
		if (snprintf(ret, PATH_MAX, "%s.%04u.ivt", f->stem, f->next_number) >= PATH_MAX)
			return ivt_error_set(err, -ENAMETOOLONG, "cannot take a snapshot: %s",
					     strerror(ENAMETOOLONG));
		if (lstat(ret, &st)) {
			f->next_number++;
			return 0;
		}
	}
	return ivt_error_set(err, -EEXIST, "cannot take a snapshot: '%s' is the last number", ret);
}

/* When the oldest record of @vm was written, in host TSC; 0: that is not known. */
static uint64_t oldest_host_tsc(const struct vm *vm)
{
	uint64_t oldest = UINT64_MAX, tsc, host_tsc;
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels && !vm->is_broken; i++) {
		tsc = ring_take_oldest(&vm->region, i, vm->guest_epoch);
		if (!tsc)
			continue;
		if (!vm->clock[i].is_known ||
		    tsc_sync_guest_to_host(&vm->clock[i].last.scale, tsc, &host_tsc))
			return 0;
		if (host_tsc < oldest)
			oldest = host_tsc;
	}
	return oldest;
}

/* Of all VMs, as CLOCK_MONOTONIC; 0: all that the host remembers is wanted. */
static uint64_t since_ns(struct flight *f, const struct vm *only)
{
	const struct ivt_sync_log *log = ivt_trace_writer_log(f->rec->sink.writer);
	uint64_t oldest = UINT64_MAX, ns, tsc;
	size_t i;

	for (i = 0; i < f->rec->n_vms; i++) {
		if (only && f->rec->vms[i] != only)
			continue;
		tsc = oldest_host_tsc(f->rec->vms[i]);
		if (tsc < oldest)
			oldest = tsc;
	}
	if (!oldest || oldest == UINT64_MAX ||
	    tsc_sync_tsc_to_mono(log->snapshots, log->n_snapshots, oldest, &ns))
		return 0;
	return ns;
}

static uint64_t *death_stamps(const struct vm *vm)
{
	uint64_t *stamps = calloc(vm->region.sb.nr_channels, sizeof(*stamps));
	uint32_t i;

	for (i = 0; stamps && i < vm->region.sb.nr_channels; i++)
		stamps[i] = vm_death_tsc(vm, i);
	return stamps;
}

static bool has_ended(const struct vm *vm)
{
	return vm->flight_ended_epoch && vm->flight_ended_epoch == vm->guest_epoch;
}

static void add_part(struct snapshot_job *job, const struct vm *vm)
{
	struct snapshot_part *part = &job->parts[job->n_parts++];

	snprintf(part->name, sizeof(part->name), "%s", vm->spec.name);
	part->region = &vm->region;
	part->machine = vm->machine;
	part->guest_epoch = vm->guest_epoch;
	part->is_dead = has_ended(vm);
	part->death_tsc = part->is_dead ? death_stamps(vm) : NULL;
	atomic_init(&part->is_void, false);
}

/* The one that is in a hurry first. */
static void add_parts(struct flight *f, struct snapshot_job *job, const struct vm *first,
		      bool is_alone)
{
	size_t i;

	if (first && !first->is_broken && first->guest_epoch)
		add_part(job, first);
	for (i = 0; i < f->rec->n_vms && !is_alone; i++) {
		const struct vm *vm = f->rec->vms[i];

		if (vm != first && !vm->is_broken && vm->guest_epoch && !vm->is_awaited &&
		    !vm->is_pending)
			add_part(job, vm);
	}
}

/* Machines whose rings are in no part: VMs that were removed, or not asked for. */
static void omit_others(struct snapshot_job *job)
{
	struct ivt_trace_info *info = ivt_trace_cut_info(job->cut);
	uint32_t m;
	size_t i;

	for (m = 0; m < info->n_machines; m++) {
		for (i = 0; i < job->n_parts && job->parts[i].machine != m; i++)
			;
		if (i == job->n_parts && info->machines[m].kind == IVT_GUEST)
			ivt_trace_cut_omit(job->cut, m);
	}
}

static void describe(struct snapshot_job *job, const char *reason, const char *vm)
{
	struct ivt_snapshot_info *s = &ivt_trace_cut_info(job->cut)->snapshot;

	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	snprintf(s->vm, sizeof(s->vm), "%s", vm ? vm : "");
	s->host_ns = now_ns();
}

/* What the clocks say now is in the log, also of guests that only arrivals place. */
static void bring_up_to_date(struct flight *f)
{
	struct ivt_error err = { "" };
	size_t i;

	if (recording_snapshot_clocks(f->rec, &err))
		message("%s", err.msg);
	recording_take_handshakes(f->rec);
	for (i = 0; i < f->rec->n_vms; i++)
		vm_finish_clock(f->rec->vms[i]);
	if (f->rec->ht) {
		host_trace_flush(f->rec->ht);
		host_trace_account(f->rec->ht);
	}
}

static struct snapshot_job *make_job(struct flight *f, const char *reason, const char *vm_name,
				     bool is_alone, struct ivt_error *err)
{
	struct vm *vm = vm_name && vm_name[0] ? recording_find_vm(f->rec, vm_name) : NULL;
	struct snapshot_job *job = calloc(1, sizeof(*job));
	int code = -ENOMEM;

	if (job)
		job->parts = calloc(f->rec->n_vms + 1, sizeof(*job->parts));
	if (job && job->parts) {
		bring_up_to_date(f);
		job->since_ns = since_ns(f, is_alone ? vm : NULL);
		code = ivt_trace_cut_create(f->rec->sink.writer, &job->cut);
	}
	if (code) {
		snapshot_job_free(job);
		ivt_error_set(err, code, "cannot take a snapshot: %s", strerror(-code));
		return NULL;
	}
	add_parts(f, job, vm, is_alone);
	omit_others(job);
	describe(job, reason, vm_name);
	return job;
}

static int remember(struct flight *f, const char *path)
{
	struct outcome *grown = realloc(f->outcomes, (f->n_outcomes + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	f->outcomes = grown;
	snprintf(grown[f->n_outcomes].path, PATH_MAX, "%s", path);
	grown[f->n_outcomes++].code = -EINPROGRESS;
	return 0;
}

static int take_snapshot(struct flight *f, const char *reason, const char *vm, bool is_alone,
			 unsigned int max_busy, char *ret_path, struct ivt_error *err)
{
	struct snapshot_job *job;
	int code;

	if (snapshot_writer_busy(f->writer) >= max_busy)
		return ivt_error_set(err, -EBUSY,
				     "no snapshot: %u are being written (try again later)",
				     max_busy);
	job = make_job(f, reason, vm, is_alone, err);
	if (!job)
		return -ENOMEM;
	code = choose_path(f, job->path, err);
	if (!code && remember(f, job->path))
		code = ivt_error_set(err, -ENOMEM, "cannot take a snapshot: no memory");
	if (code) {
		snapshot_job_free(job);
		return code;
	}
	f->n_taken++;
	snprintf(ret_path, PATH_MAX, "%s", job->path);
	message("snapshot '%s': %s%s%s", job->path, vm && vm[0] ? vm : "", vm && vm[0] ? ": " : "",
		reason);
	snapshot_writer_add(f->writer, job);
	return 0;
}

int flight_snapshot(struct flight *f, const char *reason, const char *vm, bool is_alone,
		    char *ret_path, struct ivt_error *err)
{
	return take_snapshot(f, reason, vm, is_alone, MAX_BUSY + RESERVE, ret_path, err);
}

int flight_state_of(struct flight *f, const char *path)
{
	size_t i;

	for (i = 0; i < f->n_outcomes; i++)
		if (!strcmp(f->outcomes[i].path, path))
			return f->outcomes[i].code;
	return -ENOENT;
}

/* ---- triggers ---------------------------------------------------------------------------- */

static void suppress(struct flight *f, const char *why)
{
	f->n_suppressed++;
	if (!f->is_limit_told)
		message("no snapshot for a trigger: %s (counted; said once)", why);
	f->is_limit_told = true;
}

/* The part of --snapshot-limit that each has: a VM that ends in a loop uses up its own. */
static uint32_t share(const struct flight *f)
{
	size_t n = f->rec->n_vms + trigger_wants_host(&f->opt->triggers);

	return n && f->opt->limit / n ? (uint32_t)(f->opt->limit / n) : 1;
}

/* NULL: no memory. */
static struct account *account_of(struct flight *f, const char *vm)
{
	struct account *grown;
	size_t i;

	for (i = 0; i < f->n_accounts; i++)
		if (!strcmp(f->accounts[i].vm, vm))
			return &f->accounts[i];
	grown = realloc(f->accounts, (f->n_accounts + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	f->accounts = grown;
	grown += f->n_accounts++;
	*grown = (struct account){ .n_taken = 0 };
	snprintf(grown->vm, sizeof(grown->vm), "%s", vm);
	return grown;
}

/* False: it has had its share; counted, and said once of each. */
static bool has_share(struct flight *f, const char *vm)
{
	struct account *a = account_of(f, vm);

	if (a && a->n_taken < share(f))
		return true;
	f->n_suppressed++;
	if (a && !a->is_told)
		message("%s: no more snapshots for its sake: it has had %u of --snapshot-limit %u, "
			"which is shared by all VMs (counted; ivtrace-host snapshot takes one all "
			"the same)",
			vm[0] ? vm : "host", a->n_taken, f->opt->limit);
	if (a)
		a->is_told = true;
	return false;
}

static void take_triggered(struct flight *f, const char *reason, const char *vm)
{
	struct ivt_error err = { "" };
	char path[PATH_MAX];

	if (!has_share(f, vm))
		return;
	if (take_snapshot(f, reason, vm, false, MAX_BUSY, path, &err))
		suppress(f, err.msg);
	else
		account_of(f, vm)->n_taken++;
}

static void on_trigger(void *arg, const char *vm, const char *reason)
{
	struct flight *f = arg;
	uint64_t now = now_ns();

	if (f->pending.is_on) {
		f->n_suppressed++;
		return;
	}
	if (f->fired_ns && now - f->fired_ns < f->opt->distance_ns) {
		suppress(f, "the last one is not older than --snapshot-distance");
		return;
	}
	if (!has_share(f, vm)) /* others' time does not go by for it */
		return;
	f->fired_ns = now;
	f->pending = (struct pending){ .is_on = true, .cut_ns = now + f->opt->after_ns };
	snprintf(f->pending.vm, sizeof(f->pending.vm), "%s", vm);
	snprintf(f->pending.reason, sizeof(f->pending.reason), "trigger %s", reason);
}

/* Guests publish what they have, that the cut is as young as it can be. */
static void ask_flush(struct flight *f, uint32_t flags)
{
	size_t i;

	for (i = 0; i < f->rec->n_vms; i++)
		if (!f->rec->vms[i]->is_broken)
			ivring_store(&ivring_region_reader_page(&f->rec->vms[i]->region)->flags,
				     flags);
}

static void look_at_pending(struct flight *f, uint64_t now)
{
	struct pending *p = &f->pending;

	if (p->is_on && !p->is_flushing && now + FLUSH_NS >= p->cut_ns) {
		p->is_flushing = true;
		ask_flush(f, IVRING_READER_FLUSH_REQ);
	}
	if (!p->is_on || now < p->cut_ns)
		return;
	p->is_on = false;
	ask_flush(f, 0);
	take_triggered(f, p->reason, p->vm);
}

void flight_vm_ended(struct vm *vm, const char *reason)
{
	struct flight *f = vm->flight;
	uint64_t now = now_ns();

	if (!f || !vm->guest_epoch || has_ended(vm))
		return;
	vm->flight_ended_epoch = vm->guest_epoch;
	if (vm->flight_end_ns && now - vm->flight_end_ns < f->opt->distance_ns) {
		suppress(f, "its VM ended shortly before, too (--snapshot-distance)");
		return;
	}
	vm->flight_end_ns = now;
	take_triggered(f, reason, vm->spec.name);
}

bool flight_vm_may_renew(struct vm *vm, uint32_t state)
{
	struct flight *f = vm->flight;
	uint64_t now = now_ns();

	if (!f || !vm->guest_epoch || state != IVRING_GUEST_INIT)
		return true;
	if (!vm->flight_renew_ns)
		vm->flight_renew_ns = now;
	flight_vm_ended(vm, "reset: the guest's next boot");
	if (snapshot_writer_reads(f->writer, &vm->region) && now - vm->flight_renew_ns < RENEW_NS)
		return false;
	snapshot_writer_void(f->writer, &vm->region);
	vm->flight_renew_ns = 0;
	return true;
}

/* ---- in each turn --------------------------------------------------------------------------- */

static void set_outcome(struct flight *f, const char *path, int code)
{
	size_t i;

	for (i = 0; i < f->n_outcomes; i++)
		if (!strcmp(f->outcomes[i].path, path))
			f->outcomes[i].code = code;
}

static void collect(struct flight *f)
{
	struct snapshot_job *job;

	while ((job = snapshot_writer_finished(f->writer))) {
		set_outcome(f, job->path, job->code ? -EIO : 0);
		if (job->code) {
			f->n_failed++;
			message("snapshot '%s' failed: %s", job->path, job->err.msg);
		} else {
			message("snapshot '%s' is written: %" PRIu64 " records of guests, %" PRIu64
				" of them salvaged, %" PRIu64 " older ones overwritten",
				job->path, job->n_records + job->n_salvaged, job->n_salvaged,
				job->n_overwritten);
		}
		snapshot_job_free(job);
	}
}

/* Of the clock log, what is older than all records. */
static void forget(struct flight *f)
{
	const struct ivt_sync_log *log = ivt_trace_writer_log(f->rec->sink.writer);
	struct ivt_trace_memory *memory = ivt_trace_writer_memory(f->rec->sink.writer);
	uint64_t oldest = UINT64_MAX, tsc, ns = ivt_trace_memory_oldest(memory, 0);
	size_t i;

	for (i = 0; i < f->rec->n_vms; i++) {
		tsc = oldest_host_tsc(f->rec->vms[i]);
		if (tsc < oldest)
			oldest = tsc;
	}
	if (ns > now_ns() - LATE_NS)
		ns = now_ns() - LATE_NS;
	if (!tsc_sync_mono_to_tsc(log->snapshots, log->n_snapshots, ns, &tsc) && tsc < oldest)
		oldest = tsc;
	ivt_trace_writer_forget(f->rec->sink.writer, oldest == UINT64_MAX ? 0 : oldest);
}

void flight_turn(struct flight *f)
{
	uint64_t now = now_ns();

	flight_watch_turn(f->watch);
	look_at_pending(f, now);
	collect(f);
	if (now - f->forgot_ns >= FORGET_NS) {
		forget(f);
		f->forgot_ns = now;
	}
}

/* ---- VMs -------------------------------------------------------------------------------------- */

/* What nobody has: of a flight recorder's rings all. */
static uint64_t unread_bytes(const struct vm *vm)
{
	bool is_overwrite = vm->region.mode == IVRING_MODE_OVERWRITE;
	struct ivring_reader r;
	uint64_t sum = 0, tail;
	__u64 head;
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		ivring_reader_init(&r, vm->region.base, vm->region.reader_area, &vm->region.sb, i,
				   0);
		tail = is_overwrite ? 0 : ivring_load(&r.line->r_tail);
		if (!ivring_reader_load(&r, &head) && head > tail)
			sum += head - tail < r.size ? head - tail : r.size;
	}
	return sum;
}

static int set_mode(struct vm *vm, uint32_t mode, struct ivt_error *err)
{
	uint64_t unread;
	int code;

	if (vm->region.mode == mode)
		return 0;
	unread = unread_bytes(vm);
	if (unread)
		message("%s: WARNING: %" PRIu64
			" KiB of records that nobody had read are given up: "
			"its region is formatted for the other mode (next time: ivtrace-host "
			"salvage '%s' "
			"first)",
			vm->spec.name, (unread + 1023) >> 10, vm->spec.path);
	code = ivring_region_reformat(&vm->region, mode);
	if (code)
		return ivt_error_set(err, code, "cannot format region '%s' anew: %s", vm->spec.path,
				     ivring_region_strerror(code));
	return 0;
}

int flight_adopt(struct flight *f, struct vm *vm, struct ivt_error *err)
{
	int code = set_mode(vm, IVRING_MODE_OVERWRITE, err);

	if (code)
		return code;
	vm->flight = f;
	return flight_watch_add(f->watch, vm, err);
}

int flight_disown(struct vm *vm, struct ivt_error *err)
{
	return set_mode(vm, IVRING_MODE_DISCARD, err);
}

bool flight_lets_go(struct flight *f, struct vm *vm)
{
	if (!f)
		return true;
	flight_watch_remove(f->watch, vm);
	return !f->writer || !snapshot_writer_reads(f->writer, &vm->region);
}

/* ---- begin and end --------------------------------------------------------------------------------- */

static int set_stem(struct flight *f, const char *output, struct ivt_error *err)
{
	char path[PATH_MAX];
	int code = control_absolute(output, path, sizeof(path));
	size_t n = strlen(path);

	if (code)
		return ivt_error_set(err, code, "cannot record into '%s': %s", output,
				     strerror(-code));
	if (n > 4 && !strncmp(path + n - 4, ".ivt", 4))
		n -= 4;
	if (n + 16 >= sizeof(f->stem))
		return ivt_error_set(err, -ENAMETOOLONG, "cannot record into '%s': %s", output,
				     strerror(ENAMETOOLONG));
	memcpy(f->stem, path, n);
	f->stem[n] = '\0';
	return 0;
}

int flight_start(struct recording *rec, const struct flight_options *opt, struct flight **ret,
		 struct ivt_error *err)
{
	struct flight *f = calloc(1, sizeof(*f));
	int code;

	if (!f)
		return ivt_error_set(err, -ENOMEM, "cannot record: %s", strerror(ENOMEM));
	*ret = f;
	f->rec = rec;
	f->opt = opt;
	code = set_stem(f, rec->opt->output, err);
	if (!code)
		code = flight_watch_create(rec, opt, on_trigger, f, &f->watch, err);
	return code;
}

int flight_begin(struct flight *f, struct ivt_error *err)
{
	int code = snapshot_writer_start(&f->writer);

	return code ? ivt_error_set(err, code, "cannot record: no thread for snapshots: %s",
				    strerror(-code))
		    : 0;
}

int flight_finish(struct flight *f)
{
	struct timespec ms = { .tv_nsec = 2000000 };
	uint64_t unseen = flight_watch_unseen(f->watch);

	if (f->pending.is_on) { /* its cut comes early */
		f->pending.cut_ns = 0;
		look_at_pending(f, now_ns());
	}
	while (snapshot_writer_busy(f->writer))
		nanosleep(&ms, NULL);
	collect(f);
	message("%u snapshots of '%s' were taken, %" PRIu64 " triggers made none", f->n_taken,
		f->stem, f->n_suppressed);
	if (unseen)
		message("triggers saw not all: %" PRIu64 " KiB of records were overwritten before "
			"they were looked at",
			(unseen + 1023) >> 10);
	return f->n_failed ? -EIO : 0;
}

void flight_destroy(struct flight *f)
{
	if (!f)
		return;
	snapshot_writer_stop(f->writer);
	flight_watch_destroy(f->watch);
	free(f->outcomes);
	free(f->accounts);
	free(f);
}
