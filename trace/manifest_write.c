// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/manifest.h"

#include <errno.h>
#include <json.h>
#include <string.h>

#include "trace/file_replace.h"
#include "trace/names.h"

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static void add_u64(struct json_object *to, const char *key, uint64_t value)
{
	add(to, key, json_object_new_uint64(value));
}

static void add_i64(struct json_object *to, const char *key, int64_t value)
{
	add(to, key, json_object_new_int64(value));
}

static void add_text(struct json_object *to, const char *key, const char *text)
{
	char clean[512];

	ivt_name_clean(clean, sizeof(clean), text);
	add(to, key, json_object_new_string(clean));
}

static void add_uuid(struct json_object *to, const uint8_t uuid[16])
{
	char text[IVT_UUID_TEXT_BYTES];

	ivt_uuid_format(uuid, text);
	add(to, "uuid", json_object_new_string(text));
}

static struct json_object *stream_json(const struct ivt_stream_info *s)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "file", s->file);
	add_u64(o, "cpu", s->cpu);
	add_u64(o, "packets", s->packets);
	add_u64(o, "records", s->records);
	add_u64(o, "bytes", s->bytes);
	if (s->compressed_bytes)
		add_u64(o, "compressed_bytes", s->compressed_bytes);
	add_u64(o, "lost_full", s->lost_full);
	add_u64(o, "lost_nested", s->lost_nested);
	add_u64(o, "lost_big", s->lost_big);
	add_u64(o, "lost_uncommitted", s->lost_uncommitted);
	add_u64(o, "lost_quota", s->lost_quota);
	add_u64(o, "violations", s->violations);
	add_u64(o, "refused_bytes", s->refused_bytes);
	add_u64(o, "salvaged", s->salvaged);
	if (s->overwritten)
		add_u64(o, "overwritten", s->overwritten);
	return o;
}

/* Extents as [guest sector, host sector, sectors]: a fragmented image has many. */
static struct json_object *disk_json(const struct ivt_disk *d)
{
	struct json_object *o = json_object_new_object();
	struct json_object *extents = json_object_new_array();

	add_text(o, "path", d->path);
	add_u64(o, "host_dev", d->host_dev);
	add_u64(o, "sectors", d->sectors);
	for (size_t i = 0; i < d->n_extents; i++) {
		struct json_object *e = json_object_new_array_ext(3);

		json_object_array_add(e, json_object_new_uint64(d->extents[i].guest_sector));
		json_object_array_add(e, json_object_new_uint64(d->extents[i].host_sector));
		json_object_array_add(e, json_object_new_uint64(d->extents[i].sectors));
		json_object_array_add(extents, e);
	}
	add(o, "extents", extents);
	return o;
}

static void add_guest(struct json_object *o, const struct ivt_machine_info *m)
{
	struct json_object *qemu = json_object_new_object();
	struct json_object *guest = json_object_new_object();
	struct json_object *vcpus = json_object_new_array();
	struct json_object *disks = json_object_new_array();

	add_i64(qemu, "pid", m->qemu_pid);
	add_u64(qemu, "starttime", m->qemu_starttime);
	add_text(qemu, "accel", m->accel);
	add(o, "qemu", qemu);
	for (size_t i = 0; i < m->n_vcpus; i++) {
		struct json_object *v = json_object_new_object();

		add_u64(v, "index", m->vcpus[i].index);
		add_i64(v, "tid", m->vcpus[i].tid);
		json_object_array_add(vcpus, v);
	}
	add(o, "vcpus", vcpus);
	for (size_t i = 0; i < m->n_disks; i++)
		json_object_array_add(disks, disk_json(&m->disks[i]));
	add(o, "disks", disks);
	add_text(guest, "release", m->guest_release);
	add_u64(guest, "cpus", m->guest_cpus);
	add_u64(guest, "tsc_khz", m->guest_tsc_khz);
	if (m->filter[0])
		add_text(guest, "filter", m->filter);
	add(o, "guest", guest);
}

static struct json_object *part_json(const struct ivt_machine_part *part)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "dir", part->dir);
	add_uuid(o, part->uuid);
	add_u64(o, "freq_hz", part->freq_hz);
	add_u64(o, "offset_s", part->offset_s);
	add_u64(o, "offset", part->offset);
	add_u64(o, "line_residual_ns", part->line_residual_ns);
	return o;
}

static void add_parts(struct json_object *o, const struct ivt_machine_info *m)
{
	struct json_object *parts = json_object_new_array();

	for (size_t i = 0; i < m->n_parts; i++)
		json_object_array_add(parts, part_json(&m->parts[i]));
	add(o, "parts", parts);
}

static void add_overhead(struct json_object *o, const struct ivt_overhead *overhead)
{
	struct json_object *e = json_object_new_object();

	add_u64(e, "runs", overhead->runs);
	add_u64(e, "run_ns", overhead->run_ns);
	add_u64(e, "measured_ns", overhead->measured_ns);
	add(o, "overhead", e);
}

static struct json_object *machine_json(const struct ivt_machine_info *m)
{
	struct json_object *o = json_object_new_object();
	struct json_object *streams = json_object_new_array();

	add_text(o, "dir", m->dir);
	add_text(o, "kind", m->kind == IVT_HOST ? "host" : "guest");
	add_text(o, "name", m->name);
	add_uuid(o, m->uuid);
	add_u64(o, "epoch", m->epoch);
	add_text(o, "clock", m->clock == IVT_CLOCK_TSC ? "tsc" : "mono");
	add_u64(o, "freq_hz", m->freq_hz);
	add_u64(o, "offset_s", m->offset_s);
	add_u64(o, "offset", m->offset);
	add_u64(o, "line_residual_ns", m->line_residual_ns);
	if (m->overhead.measured_ns)
		add_overhead(o, &m->overhead);
	if (m->kind == IVT_GUEST)
		add_guest(o, m);
	for (size_t i = 0; i < m->n_streams; i++)
		json_object_array_add(streams, stream_json(&m->streams[i]));
	add(o, "streams", streams);
	if (m->n_parts)
		add_parts(o, m);
	return o;
}

static void add_chunk(struct json_object *to, const struct ivt_chunk *chunk)
{
	struct json_object *o;

	if (!chunk->is_one)
		return;
	o = json_object_new_object();
	add_u64(o, "number", chunk->number);
	if (chunk->previous[0])
		add_text(o, "previous", chunk->previous);
	if (chunk->next[0])
		add_text(o, "next", chunk->next);
	add(to, "chunk", o);
}

static void add_gaps(struct json_object *o, const struct ivt_trace_info *info)
{
	struct json_object *gaps = json_object_new_array();

	for (size_t i = 0; i < info->n_gaps; i++) {
		struct json_object *gap = json_object_new_object();

		add_u64(gap, "from_ns", info->gaps[i].from_ns);
		add_u64(gap, "to_ns", info->gaps[i].to_ns);
		add_u64(gap, "unread_bytes", info->gaps[i].unread_bytes);
		json_object_array_add(gaps, gap);
	}
	add(o, "gaps", gaps);
}

static void add_snapshot(struct json_object *o, const struct ivt_snapshot_info *snapshot)
{
	struct json_object *s = json_object_new_object();

	add_text(s, "reason", snapshot->reason);
	if (snapshot->vm[0])
		add_text(s, "vm", snapshot->vm);
	add_u64(s, "host_ns", snapshot->host_ns);
	add(o, "snapshot", s);
}

static struct json_object *manifest_json(const struct ivt_trace_info *info)
{
	struct json_object *o = json_object_new_object();
	struct json_object *version = json_object_new_array_ext(2);
	struct json_object *tool = json_object_new_object();
	struct json_object *host = json_object_new_object();
	struct json_object *machines = json_object_new_array();

	add_text(o, "format", "ivtrace");
	json_object_array_add(version, json_object_new_int(IVT_FORMAT_MAJOR));
	json_object_array_add(version, json_object_new_int(IVT_FORMAT_MINOR));
	add(o, "version", version);
	add_uuid(o, info->uuid);
	add_u64(o, "created_ns", info->created_real_ns);
	add(o, "closed", json_object_new_boolean(info->is_closed));
	add(o, "finalised", json_object_new_boolean(info->is_finalised));
	add_text(tool, "name", "ivtrace");
	add_text(tool, "version", info->tool_version);
	add(o, "tool", tool);
	add_text(host, "hostname", info->hostname);
	add_text(host, "kernel_release", info->kernel_release);
	if (info->boot_id[0])
		add_text(host, "boot_id", info->boot_id);
	add_u64(host, "cpus", info->nr_cpus);
	add_u64(host, "tsc_khz", info->tsc_khz);
	add(o, "host", host);
	add_chunk(o, &info->chunk);
	if (info->n_gaps)
		add_gaps(o, info);
	for (size_t i = 0; i < info->n_machines; i++)
		json_object_array_add(machines, machine_json(&info->machines[i]));
	add(o, "machines", machines);
	if (info->snapshot.reason[0])
		add_snapshot(o, &info->snapshot);
	if (info->sync_json)
		add(o, "sync", json_tokener_parse(info->sync_json));
	return o;
}

int ivt_manifest_write(int dirfd, const struct ivt_trace_info *info, struct ivt_error *err)
{
	struct json_object *o = manifest_json(info);
	const char *text = json_object_to_json_string_ext(
		o,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	int ret = text ? ivt_file_replace(dirfd, "manifest.json", text, strlen(text)) : -ENOMEM;

	json_object_put(o);
	if (ret)
		ivt_error_set(err, ret, "cannot write 'manifest.json': %s", strerror(-ret));
	return ret;
}
