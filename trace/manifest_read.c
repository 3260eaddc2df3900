// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/file_replace.h"
#include "trace/names.h"

#define MANIFEST_MAX_BYTES (256u << 20)
#define MAX_DISKS	   64

static struct json_object *get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) && json_object_is_type(value, type) ? value
											     : NULL;
}

static uint64_t get_u64(struct json_object *o, const char *key)
{
	return json_object_get_uint64(get(o, key, json_type_int));
}

static uint32_t get_u32(struct json_object *o, const char *key)
{
	uint64_t value = get_u64(o, key);

	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* A thread or process number; -1 when it is none. */
static int32_t get_id(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key, json_type_int);
	int64_t id = value ? json_object_get_int64(value) : -1;

	return id < 0 || id > INT32_MAX ? -1 : (int32_t)id;
}

static void get_text(struct json_object *o, const char *key, char *ret, size_t ret_bytes)
{
	const char *text = json_object_get_string(get(o, key, json_type_string));

	ivt_name_clean(ret, ret_bytes, text ? text : "");
}

static int get_uuid(struct json_object *o, uint8_t ret[16])
{
	const char *text = json_object_get_string(get(o, "uuid", json_type_string));

	return text ? ivt_uuid_parse(text, ret) : -EINVAL;
}

/* The object as text, for the next manifest; NULL: none. */
static int get_json(struct json_object *o, const char *key, char **ret)
{
	const char *text;

	o = get(o, key, json_type_object);
	*ret = NULL;
	if (!o)
		return 0;
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	*ret = text ? strdup(text) : NULL;
	return *ret ? 0 : -ENOMEM;
}

/* A zeroed array for the elements of list @key, at most @max of them. */
static int list_alloc(struct json_object *list, size_t max, size_t element_bytes, void **ret,
		      size_t *ret_n)
{
	size_t n = list ? json_object_array_length(list) : 0;

	if (n > max)
		return -EINVAL;
	*ret = calloc(n ? n : 1, element_bytes);
	*ret_n = *ret ? n : 0;
	return *ret ? 0 : -ENOMEM;
}

static bool is_plain_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

static int read_streams(struct json_object *o, struct ivt_machine_info *m)
{
	struct json_object *list = get(o, "streams", json_type_array);
	int ret = list_alloc(list, IVT_MAX_STREAMS, sizeof(*m->streams), (void **)&m->streams,
			     &m->n_streams);

	for (size_t i = 0; i < m->n_streams; i++) {
		struct json_object *e = json_object_array_get_idx(list, i);
		struct ivt_stream_info *s = &m->streams[i];

		get_text(e, "file", s->file, sizeof(s->file));
		s->cpu = get_u32(e, "cpu");
		s->packets = get_u64(e, "packets");
		s->records = get_u64(e, "records");
		s->bytes = get_u64(e, "bytes");
		s->compressed_bytes = get_u64(e, "compressed_bytes");
		s->lost_full = get_u64(e, "lost_full");
		s->lost_nested = get_u64(e, "lost_nested");
		s->lost_big = get_u64(e, "lost_big");
		s->lost_uncommitted = get_u64(e, "lost_uncommitted");
		s->lost_quota = get_u64(e, "lost_quota");
		s->violations = get_u64(e, "violations");
		s->refused_bytes = get_u64(e, "refused_bytes");
		s->salvaged = get_u64(e, "salvaged");
		s->overwritten = get_u64(e, "overwritten");
		if (!is_plain_name(s->file) || s->cpu >= IVT_MAX_STREAMS)
			return -EINVAL;
	}
	return ret;
}

static int read_disk(struct json_object *o, struct ivt_disk *d)
{
	struct json_object *list = get(o, "extents", json_type_array);
	int ret = list_alloc(list, MANIFEST_MAX_BYTES / 8, sizeof(*d->extents),
			     (void **)&d->extents, &d->n_extents);

	get_text(o, "path", d->path, sizeof(d->path));
	d->host_dev = get_u32(o, "host_dev");
	d->sectors = get_u64(o, "sectors");
	for (size_t i = 0; i < d->n_extents; i++) {
		struct json_object *e = json_object_array_get_idx(list, i);

		if (!json_object_is_type(e, json_type_array) || json_object_array_length(e) != 3)
			return -EINVAL;
		d->extents[i].guest_sector =
			json_object_get_uint64(json_object_array_get_idx(e, 0));
		d->extents[i].host_sector = json_object_get_uint64(json_object_array_get_idx(e, 1));
		d->extents[i].sectors = json_object_get_uint64(json_object_array_get_idx(e, 2));
	}
	return ret;
}

static int read_guest(struct json_object *o, struct ivt_machine_info *m)
{
	struct json_object *qemu = get(o, "qemu", json_type_object);
	struct json_object *guest = get(o, "guest", json_type_object);
	struct json_object *list = get(o, "vcpus", json_type_array);
	int ret;

	m->qemu_pid = get_id(qemu, "pid");
	m->qemu_starttime = get_u64(qemu, "starttime");
	get_text(qemu, "accel", m->accel, sizeof(m->accel));
	get_text(guest, "release", m->guest_release, sizeof(m->guest_release));
	m->guest_cpus = get_u32(guest, "cpus");
	m->guest_tsc_khz = get_u64(guest, "tsc_khz");
	get_text(guest, "filter", m->filter, sizeof(m->filter));
	ret = list_alloc(list, IVT_MAX_VCPUS, sizeof(*m->vcpus), (void **)&m->vcpus, &m->n_vcpus);
	for (size_t i = 0; i < m->n_vcpus; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		m->vcpus[i].index = get_u32(v, "index");
		m->vcpus[i].tid = get_id(v, "tid");
	}
	if (ret)
		return ret;
	list = get(o, "disks", json_type_array);
	ret = list_alloc(list, MAX_DISKS, sizeof(*m->disks), (void **)&m->disks, &m->n_disks);
	for (size_t i = 0; i < m->n_disks && !ret; i++)
		ret = read_disk(json_object_array_get_idx(list, i), &m->disks[i]);
	return ret;
}

static int read_parts(struct json_object *o, struct ivt_machine_info *m)
{
	struct json_object *list = get(o, "parts", json_type_array);
	int ret =
		list_alloc(list, IVT_MAX_PARTS, sizeof(*m->parts), (void **)&m->parts, &m->n_parts);

	for (size_t i = 0; i < m->n_parts; i++) {
		struct json_object *e = json_object_array_get_idx(list, i);
		struct ivt_machine_part *part = &m->parts[i];

		get_text(e, "dir", part->dir, sizeof(part->dir));
		part->freq_hz = get_u64(e, "freq_hz");
		part->offset_s = get_u64(e, "offset_s");
		part->offset = get_u64(e, "offset");
		part->line_residual_ns = get_u64(e, "line_residual_ns");
		if (!is_plain_name(part->dir) || get_uuid(e, part->uuid))
			return -EINVAL;
	}
	return ret;
}

static void read_overhead(struct json_object *o, struct ivt_overhead *ret)
{
	ret->runs = get_u64(o, "runs");
	ret->run_ns = get_u64(o, "run_ns");
	ret->measured_ns = get_u64(o, "measured_ns");
}

static int read_machine(struct json_object *o, struct ivt_machine_info *m)
{
	char text[8];
	int ret;

	get_text(o, "dir", m->dir, sizeof(m->dir));
	get_text(o, "name", m->name, sizeof(m->name));
	get_text(o, "kind", text, sizeof(text));
	m->kind = strcmp(text, "host") == 0 ? IVT_HOST : IVT_GUEST;
	get_text(o, "clock", text, sizeof(text));
	m->clock = strcmp(text, "tsc") == 0 ? IVT_CLOCK_TSC : IVT_CLOCK_MONO_NS;
	m->epoch = get_u32(o, "epoch");
	m->freq_hz = get_u64(o, "freq_hz");
	m->offset_s = get_u64(o, "offset_s");
	m->offset = get_u64(o, "offset");
	m->line_residual_ns = get_u64(o, "line_residual_ns");
	read_overhead(get(o, "overhead", json_type_object), &m->overhead);
	m->qemu_pid = -1;
	if (!is_plain_name(m->dir) || get_uuid(o, m->uuid))
		return -EINVAL;
	ret = m->kind == IVT_GUEST ? read_guest(o, m) : 0;
	if (!ret)
		ret = read_streams(o, m);
	return ret ? ret : read_parts(o, m);
}

static int read_version(struct json_object *o, struct ivt_error *err)
{
	const char *format = json_object_get_string(get(o, "format", json_type_string));
	struct json_object *version = get(o, "version", json_type_array);
	int64_t major;

	if (!format || strcmp(format, "ivtrace") != 0 || !version ||
	    json_object_array_length(version) < 1)
		return ivt_error_set(err, -EINVAL, "'manifest.json' is not of an ivtrace trace");
	major = json_object_get_int64(json_object_array_get_idx(version, 0));
	if (major > IVT_FORMAT_MAJOR)
		return ivt_error_set(err, -EPROTONOSUPPORT,
				     "the trace has format version %lld, this program reads up to "
				     "%d (use a newer ivtrace)",
				     (long long)major, IVT_FORMAT_MAJOR);
	return 0;
}

/* Names of directories beside this one; what is none is left out. */
static void read_chunk(struct json_object *o, struct ivt_chunk *chunk)
{
	o = get(o, "chunk", json_type_object);
	chunk->is_one = o != NULL;
	if (!o)
		return;
	chunk->number = get_u32(o, "number");
	get_text(o, "previous", chunk->previous, sizeof(chunk->previous));
	get_text(o, "next", chunk->next, sizeof(chunk->next));
	if (!is_plain_name(chunk->previous))
		chunk->previous[0] = '\0';
	if (!is_plain_name(chunk->next))
		chunk->next[0] = '\0';
}

static int read_gaps(struct json_object *o, struct ivt_trace_info *info)
{
	struct json_object *list = get(o, "gaps", json_type_array);
	int ret = list_alloc(list, IVT_MAX_GAPS, sizeof(*info->gaps), (void **)&info->gaps,
			     &info->n_gaps);

	for (size_t i = 0; i < info->n_gaps; i++) {
		struct json_object *e = json_object_array_get_idx(list, i);

		info->gaps[i].from_ns = get_u64(e, "from_ns");
		info->gaps[i].to_ns = get_u64(e, "to_ns");
		info->gaps[i].unread_bytes = get_u64(e, "unread_bytes");
	}
	return ret;
}

static void read_snapshot(struct json_object *o, struct ivt_snapshot_info *ret)
{
	get_text(o, "reason", ret->reason, sizeof(ret->reason));
	get_text(o, "vm", ret->vm, sizeof(ret->vm));
	ret->host_ns = get_u64(o, "host_ns");
}

static int read_info(struct json_object *o, struct ivt_trace_info *info, struct ivt_error *err)
{
	struct json_object *host = get(o, "host", json_type_object);
	struct json_object *list = get(o, "machines", json_type_array);
	int ret = read_version(o, err);

	if (ret)
		return ret;
	if (get_uuid(o, info->uuid))
		return ivt_error_set(err, -EINVAL, "'manifest.json' has no uuid");
	info->created_real_ns = get_u64(o, "created_ns");
	info->is_closed = json_object_get_boolean(get(o, "closed", json_type_boolean));
	info->is_finalised = json_object_get_boolean(get(o, "finalised", json_type_boolean));
	get_text(get(o, "tool", json_type_object), "version", info->tool_version,
		 sizeof(info->tool_version));
	get_text(host, "hostname", info->hostname, sizeof(info->hostname));
	get_text(host, "kernel_release", info->kernel_release, sizeof(info->kernel_release));
	get_text(host, "boot_id", info->boot_id, sizeof(info->boot_id));
	info->nr_cpus = get_u32(host, "cpus");
	info->tsc_khz = get_u64(host, "tsc_khz");
	read_chunk(o, &info->chunk);
	read_snapshot(get(o, "snapshot", json_type_object), &info->snapshot);
	ret = get_json(o, "sync", &info->sync_json);
	if (!ret)
		ret = read_gaps(o, info);
	if (ret)
		return ret;
	ret = list_alloc(list, IVT_MAX_MACHINES, sizeof(*info->machines), (void **)&info->machines,
			 &info->n_machines);
	for (size_t i = 0; i < info->n_machines && !ret; i++) {
		ret = read_machine(json_object_array_get_idx(list, i), &info->machines[i]);
		if (ret)
			ivt_error_set(err, ret, "'manifest.json': machine %zu is damaged", i);
	}
	return ret;
}

int ivt_manifest_read(int dirfd, struct ivt_trace_info *ret, struct ivt_error *err)
{
	struct ivt_trace_info info = { 0 };
	struct json_object *o;
	size_t bytes;
	char *text;
	int status = ivt_file_read(dirfd, "manifest.json", MANIFEST_MAX_BYTES, &text, &bytes);

	if (status)
		return ivt_error_set(err, status, "cannot read 'manifest.json': %s",
				     strerror(-status));
	o = json_tokener_parse(text);
	free(text);
	if (!o)
		return ivt_error_set(err, -EINVAL, "'manifest.json' is not JSON");
	status = read_info(o, &info, err);
	json_object_put(o);
	if (status)
		ivt_trace_info_deinit(&info);
	else
		*ret = info;
	return status;
}

int ivt_trace_info_read(const char *path, struct ivt_trace_info *ret, struct ivt_error *err)
{
	int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;

	if (dirfd < 0)
		return ivt_error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	status = ivt_manifest_read(dirfd, ret, err);
	close(dirfd);
	return status;
}
