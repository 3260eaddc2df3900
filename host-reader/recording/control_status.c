// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/control_client.h"
#include "host-reader/recording/control_status.h"
#include "host-reader/recording/recording.h"
#include "trace/names.h"

#define PAUSED_NS 2000000000u /* so long without a heartbeat */

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static void add_number(struct json_object *to, const char *key, uint64_t value)
{
	add(to, key, json_object_new_uint64(value));
}

/* @text may be the guest's word. */
static void add_text(struct json_object *to, const char *key, const char *text)
{
	char clean[PATH_MAX];

	ivt_name_clean(clean, sizeof(clean), text);
	add(to, key, json_object_new_string(clean));
}

/* ---- who it is ------------------------------------------------------------------- */

static int add_path(struct json_object *reply, const char *key, const char *path,
		    struct ivt_error *err)
{
	char absolute[PATH_MAX];
	int code = control_absolute(path, absolute, sizeof(absolute));

	if (code)
		return ivt_error_set(err, code, "'%s': %s", path, strerror(-code));
	json_object_object_add(reply, key, json_object_new_string(absolute));
	return 0;
}

int control_who(struct recording *rec, struct json_object *request, struct json_object *reply,
		struct ivt_error *err)
{
	int code = add_path(reply, "output", rec->opt->output, err);

	(void)request;
	if (!code)
		code = add_path(reply, "trace", chunks_path(rec->chunks), err);
	json_object_object_add(reply, "pid", json_object_new_int(getpid()));
	return code;
}

/* ---- a machine of the trace ------------------------------------------------------- */

struct losses {
	uint64_t bytes, full, nested, big, uncommitted, quota, violations, salvaged;
};

/* Of all boots of the VM. */
static struct losses sum_losses(const struct ivt_trace_info *info, const char *name)
{
	struct losses sum = { 0 };
	size_t i, k;

	for (i = 0; i < info->n_machines; i++) {
		const struct ivt_machine_info *m = &info->machines[i];

		if (m->kind != IVT_GUEST || strcmp(m->name, name) != 0)
			continue;
		for (k = 0; k < m->n_streams; k++) {
			sum.bytes += m->streams[k].bytes;
			sum.full += m->streams[k].lost_full;
			sum.nested += m->streams[k].lost_nested;
			sum.big += m->streams[k].lost_big;
			sum.uncommitted += m->streams[k].lost_uncommitted;
			sum.quota += m->streams[k].lost_quota;
			sum.violations += m->streams[k].violations;
			sum.salvaged += m->streams[k].salvaged;
		}
	}
	return sum;
}

static void add_losses(struct json_object *vm, const struct losses *sum)
{
	struct json_object *lost = json_object_new_object();

	add_number(vm, "bytes", sum->bytes);
	add_number(lost, "full", sum->full);
	add_number(lost, "nested", sum->nested);
	add_number(lost, "big", sum->big);
	add_number(lost, "uncommitted", sum->uncommitted);
	add_number(lost, "quota", sum->quota);
	add(vm, "lost", lost);
	add_number(vm, "violations", sum->violations);
	add_number(vm, "salvaged", sum->salvaged);
}

/* ---- a VM ------------------------------------------------------------------------- */

static const char *state_of(const struct vm *vm)
{
	const struct vm_measure *m = &vm->measure;

	if (vm->retired_ns)
		return "leaving";
	if (vm->is_broken)
		return "broken";
	if (vm->is_spent)
		return "spent";
	if (vm->has_panicked)
		return "panicked";
	if (vm->is_over)
		return "gone";
	if (!vm->has_guest)
		return "waiting";
	if (vm->is_forbidden)
		return "forbidden";
	if (m->beat_ns && now_ns() > m->beat_ns + PAUSED_NS)
		return "paused";
	return "recording";
}

/* What waits in its rings; the guest's words, held against the reader's own. */
static void add_rings(struct json_object *o, struct vm *vm)
{
	uint64_t backlog = 0, fill = 0, waiting;
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels && !vm->is_broken; i++) {
		const struct ivring_reader *r = &vm->channels[i].reader;

		waiting = ivring_load(&r->shared->w_head) - r->tail;
		if (waiting > r->size)
			waiting = r->size;
		backlog += waiting;
		if (waiting * 1000 / r->size > fill)
			fill = waiting * 1000 / r->size;
	}
	add_number(o, "rings", vm->region.sb.nr_channels);
	add_number(o, "fill_permille", fill);
	add_number(o, "backlog_bytes", backlog);
}

static const char *clock_of(const struct vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++)
		if (vm->clock[i].is_known)
			return tsc_sync_source_name(vm->clock[i].last.source);
	return vm->has_handshake ? "handshake" : "unknown";
}

static struct json_object *vm_json(struct recording *rec, struct vm *vm)
{
	const struct ivt_trace_info *info = ivt_trace_writer_info(rec->sink.writer);
	const struct ivt_machine_info *machine =
		ivt_trace_writer_machine(rec->sink.writer, vm->machine);
	struct json_object *o = json_object_new_object();
	struct losses sum;

	vm_account(vm);
	sum = sum_losses(info, vm->spec.name);
	add_text(o, "name", vm->spec.name);
	add_text(o, "region", vm->spec.path);
	add_text(o, "state", state_of(vm));
	add(o, "pid", json_object_new_int(vm->qemu.pid));
	add_text(o, "accel", vm->qemu.accel);
	add_text(o, "release", machine ? machine->guest_release : "");
	add_number(o, "boots", vm->epoch + (vm->has_guest ? 1 : 0));
	add_number(o, "events", vm->measure.n_events);
	add_number(o, "events_per_s", vm->measure.rate);
	add_losses(o, &sum);
	add_rings(o, vm);
	add_text(o, "clock", clock_of(vm));
	add_number(o, "drain_cpu_ns", vm->measure.cpu_ns);
	add_number(o, "turns_passed_over", vm->share.n_skipped);
	add_number(o, "disk_bytes", vm->kept_bytes + vm->chunk_bytes);
	add_number(o, "quota_bytes", vm->quota_bytes);
	return o;
}

static bool is_listed(struct json_object *vms, const char *name)
{
	size_t i;

	for (i = 0; i < json_object_array_length(vms); i++) {
		const char *other = control_text(json_object_array_get_idx(vms, i), "name");

		if (other && !strcmp(other, name))
			return true;
	}
	return false;
}

/* Those that are in the trace and recorded no more. */
static void add_removed(struct recording *rec, struct json_object *vms)
{
	const struct ivt_trace_info *info = ivt_trace_writer_info(rec->sink.writer);
	size_t i;

	for (i = 0; i < info->n_machines; i++) {
		const struct ivt_machine_info *m = &info->machines[i];
		struct losses sum = sum_losses(info, m->name);
		struct json_object *o;

		if (m->kind != IVT_GUEST || is_listed(vms, m->name))
			continue;
		o = json_object_new_object();
		add_text(o, "name", m->name);
		add_text(o, "state", "removed");
		add_losses(o, &sum);
		json_object_array_add(vms, o);
	}
}

/* ---- the recording ------------------------------------------------------------------ */

static void add_overhead(struct json_object *host, const struct host_trace *ht)
{
	struct json_object *o = json_object_new_object();
	struct ivt_overhead overhead;

	host_trace_overhead(ht, &overhead);
	add_number(o, "runs", overhead.runs);
	add_number(o, "run_ns", overhead.run_ns);
	add_number(o, "measured_ns", overhead.measured_ns);
	add(host, "overhead", o);
}

static struct json_object *host_json(struct recording *rec)
{
	struct json_object *o = json_object_new_object();
	uint64_t lost = rec->ht ? host_trace_account(rec->ht) : 0;

	if (rec->script)
		lost += stap_script_lost(rec->script);
	add(o, "is_traced", json_object_new_boolean(rec->ht != NULL));
	add_number(o, "events", rec->sink.n_records);
	add_number(o, "events_per_s", rec->measure.rate);
	add_number(o, "lost", lost);
	if (rec->ht)
		add_overhead(o, rec->ht);
	return o;
}

int control_status(struct recording *rec, struct json_object *request, struct json_object *reply,
		   struct ivt_error *err)
{
	const struct ivt_trace_info *info = ivt_trace_writer_info(rec->sink.writer);
	struct json_object *vms = json_object_new_array();
	size_t i;
	int code = control_who(rec, request, reply, err);

	if (code) {
		json_object_put(vms);
		return code;
	}
	add_text(reply, "mode", rec->flight ? "flight" : "stream");
	add_number(reply, "began_real_ns", info->created_real_ns);
	add_number(reply, "recorded_ns", now_ns() - rec->started_ns);
	add_number(reply, "bytes", ivt_trace_writer_bytes(rec->sink.writer));
	add(reply, "is_disk_full", json_object_new_boolean(rec->sink.is_full));
	add_number(reply, "cpu_ns", rec->measure.cpu_ns);
	add_number(reply, "wakeups", rec->measure.n_wakeups);
	add(reply, "host", host_json(rec));
	for (i = 0; i < rec->n_vms; i++)
		json_object_array_add(vms, vm_json(rec, rec->vms[i]));
	add_removed(rec, vms);
	add(reply, "vms", vms);
	return 0;
}
