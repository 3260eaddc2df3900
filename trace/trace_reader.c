// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/manifest.h"
#include "trace/metadata.h"
#include "trace/reader_state.h"
#include "trace/stream_list.h"

#define MAX_WARNINGS 1000
#define NSEC_PER_SEC 1000000000

/* Records may be drained after the last snapshot, but not by this much: a later
 * stamp is damage, and would hold up all that follows it. */
#define LATE_SLACK_NS (10ull * NSEC_PER_SEC)

__attribute__((format(printf, 2, 3))) static void warn(struct ivt_trace *t, const char *fmt, ...)
{
	char **grown;
	va_list ap;
	char *text;
	int len;

	if (t->n_warnings >= MAX_WARNINGS)
		return;
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	grown = realloc(t->warnings, (t->n_warnings + 1) * sizeof(*grown));
	if (!grown) {
		free(text);
		return;
	}
	t->warnings = grown;
	t->warnings[t->n_warnings++] = text;
}

/* ---- clocks ------------------------------------------------------------------------ */

/* real - mono, of the first snapshot or else as the host's clock line says. */
static int64_t real_minus_mono(const struct ivt_trace *t)
{
	if (t->log.n_snapshots > 0)
		return (int64_t)(t->log.snapshots[0].real_ns - t->log.snapshots[0].mono_ns);
	for (size_t i = 0; i < t->info.n_machines; i++) {
		const struct ivt_machine_info *m = &t->info.machines[i];

		if (m->kind == IVT_HOST && m->freq_hz == NSEC_PER_SEC)
			return (int64_t)(m->offset_s * NSEC_PER_SEC + m->offset);
	}
	return 0;
}

static struct ivt_clock_map clock_map(const struct ivt_trace *t, uint32_t machine, uint32_t vcpu)
{
	const struct ivt_machine_info *m = &t->info.machines[machine];
	struct ivt_clock_map map = { .kind = IVT_MAP_TSC,
				     .snapshots = t->log.snapshots,
				     .n_snapshots = t->log.n_snapshots,
				     .line = m,
				     .real_minus_mono_ns = real_minus_mono(t) };
	struct ivt_clock_reach *reach;

	if (m->clock == IVT_CLOCK_MONO_NS) {
		map.kind = IVT_MAP_NS;
		return map;
	}
	if (m->kind == IVT_GUEST) {
		map.history = ivt_trace_history(t, machine, vcpu, &map.n_history);
		if (map.n_history == 0) {
			map.kind = IVT_MAP_LINE;
		} else {
			reach = t->reach + (map.history - t->entries);
			ivt_clock_reach_fill(map.history, map.n_history, reach);
			map.reach = reach;
		}
	}
	if (map.n_snapshots < 2)
		map.kind = IVT_MAP_LINE;
	return map;
}

/* ---- opening -------------------------------------------------------------------------- */

static void compression_check(struct ivt_trace *t, const struct ivt_machine_info *m,
			      const char *name, const struct ivt_stream_file *f)
{
	for (size_t i = 0; i < f->n_pieces; i++) {
		const struct ivt_stream_piece *piece = &f->pieces[i];
		const char *dir = i ? m->parts[i - 1].dir : m->dir;
		const char *why = piece->damage == -EBADMSG ? "damaged or cut"
				  : piece->damage == -EFBIG ? "larger than may be"
							    : strerror(-piece->damage);

		if (piece->damage)
			warn(t, "'%s/%s.zst': %s (the first %zu bytes of what it holds are read%s)",
			     dir, name, why, piece->bytes,
			     piece->damage == -EBADMSG || piece->damage == -EFBIG
				     ? ""
				     : "; set TMPDIR to a folder with room");
	}
}

static void stream_check(struct ivt_trace *t, const struct ivt_machine_info *m, const char *name,
			 const struct ivt_stream_file *f)
{
	compression_check(t, m, name, f);
	if (f->is_cut)
		warn(t, "'%s/%s' ends inside a packet", m->dir, name);
	if (f->framing_refused_bytes > 0)
		warn(t, "'%s/%s': %llu bytes are damaged and left out", m->dir, name,
		     (unsigned long long)f->framing_refused_bytes);
	if (f->missing_packets > 0)
		warn(t, "'%s/%s': %llu packets are missing", m->dir, name,
		     (unsigned long long)f->missing_packets);
}

/* What was taken out of stream @i when its guest's TSC was set back. */
static int parts_open(struct ivt_trace *t, const struct ivt_machine_info *m, size_t i,
		      struct ivt_stream_file *f)
{
	const char *name = m->streams[i].file;

	for (size_t k = 0; k < m->n_parts; k++) {
		const struct ivt_machine_part *part = &m->parts[k];
		int dirfd = openat(t->dirfd, part->dir,
				   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		int ret = ivt_stream_file_add(f, dirfd, name, part->uuid, UINT64_MAX);

		if (dirfd >= 0)
			close(dirfd);
		else if (i == 0)
			warn(t, "'%s' of '%s' cannot be read", part->dir, m->name);
		if (ret == -ENOMEM)
			return ret;
		/* not every vCPU was set back as often */
		if (ret && ret != -ENOENT && dirfd >= 0)
			warn(t, "'%s/%s' cannot be read: %s", part->dir, name, strerror(-ret));
	}
	return 0;
}

static int stream_open(struct ivt_trace *t, uint32_t machine, int dirfd, size_t i)
{
	const struct ivt_machine_info *m = &t->info.machines[machine];
	const struct ivt_stream_info *info = &m->streams[i];
	struct ivt_stream_file *f = &t->machines[machine].files[i];
	int ret;

	f->machine = machine;
	f->cpu = info->cpu;
	f->said_bytes = info->bytes;
	ret = ivt_stream_file_add(f, dirfd, info->file, m->uuid,
				  m->n_parts ? info->bytes : UINT64_MAX);
	if (ret == -ENOMEM)
		return ret;
	if (ret)
		warn(t, "'%s/%s' cannot be read: %s", m->dir, info->file, strerror(-ret));
	ret = parts_open(t, m, i, f);
	if (ret)
		return ret;
	stream_check(t, m, info->file, f);
	/* losses after the last packet are in the manifest alone */
	if (ivt_stream_lost(info) > f->lost)
		f->lost = ivt_stream_lost(info);
	f->map = clock_map(t, machine, f->cpu);
	if (f->map.kind != IVT_MAP_LINE && t->log.n_snapshots > 0)
		f->limit_ns = t->log.snapshots[t->log.n_snapshots - 1].mono_ns + LATE_SLACK_NS;
	return ivt_turns_find(f);
}

static int streams_open(struct ivt_trace *t, uint32_t machine, int dirfd)
{
	const struct ivt_machine_info *m = &t->info.machines[machine];
	struct ivt_machine_streams *streams = &t->machines[machine];
	int ret = 0;

	streams->files = calloc(m->n_streams ? m->n_streams : 1, sizeof(*streams->files));
	if (!streams->files)
		return -ENOMEM;
	streams->n_files = m->n_streams;
	for (size_t i = 0; i < m->n_streams && !ret; i++)
		ret = stream_open(t, machine, dirfd, i);
	return ret;
}

static void metadata_check(struct ivt_trace *t, const struct ivt_machine_info *m, int dirfd)
{
	struct ivt_machine_info said = { 0 };
	int ret = ivt_metadata_read(dirfd, &said);

	if (ret)
		warn(t,
		     "'%s/metadata': %s (babeltrace2 cannot read this trace; "
		     "'ivtrace-report repair' writes it anew)",
		     m->dir, ret == -EINVAL ? "not written by ivtrace" : strerror(-ret));
	else if (memcmp(said.uuid, m->uuid, sizeof(said.uuid)) != 0)
		warn(t, "'%s/metadata' belongs to another trace", m->dir);
}

static int machine_open(struct ivt_trace *t, uint32_t machine)
{
	struct ivt_machine_info *m = &t->info.machines[machine];
	int dirfd = openat(t->dirfd, m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int ret;

	if (dirfd < 0) {
		warn(t, "'%s' cannot be read: %s", m->dir, strerror(errno));
		m->n_streams = 0;
		return 0;
	}
	metadata_check(t, m, dirfd);
	ret = ivt_streams_scan(dirfd, m);
	if (ret == 0)
		ret = streams_open(t, machine, dirfd);
	close(dirfd);
	if (ret == 0 && m->kind == IVT_GUEST && m->clock == IVT_CLOCK_TSC &&
	    !ivt_sync_log_find(&t->log, machine, UINT32_MAX, &(size_t){ 0 }))
		warn(t,
		     "the clock log has no offset of '%s': its times are those of the "
		     "manifest's straight line",
		     m->name);
	return ret;
}

static int log_open(struct ivt_trace *t)
{
	int ret = ivt_sync_log_read(t->dirfd, &t->log);
	size_t n;

	if (ret == -ENOMEM)
		return ret;
	if (ret)
		warn(t, "'sync.bin': %s: guests are placed by the manifest's straight lines",
		     ret == -EINVAL ? "not a clock log" : strerror(-ret));
	else if (t->log.n_snapshots < 2)
		warn(t, "'sync.bin' has fewer than two clock snapshots: guests are placed by the "
			"manifest's straight lines");
	if (t->log.skipped > 0)
		warn(t, "'sync.bin': %zu records are left out", t->log.skipped);
	n = t->log.n_clocks + t->log.n_checks;
	t->entries = calloc(n ? n : 1, sizeof(*t->entries));
	t->reach = calloc(n ? n : 1, sizeof(*t->reach));
	if (!t->entries || !t->reach)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		t->entries[i] = t->log.clocks[i].entry;
	return 0;
}

static int trace_open(struct ivt_trace *t, struct ivt_error *err)
{
	struct ivt_error why = { "" };
	int ret = ivt_manifest_read(t->dirfd, &t->info, &why);

	if (ret == -ENOENT)
		return ivt_error_set(err, -EINVAL, "'%s' is not a trace: it has no manifest.json",
				     t->path);
	if (ret)
		return ivt_error_set(err, ret, "cannot read '%s': %s", t->path, why.msg);
	if (!t->info.is_closed)
		warn(t, "the recording was not closed: the recorder runs or was killed");
	ret = log_open(t);
	t->machines = calloc(t->info.n_machines ? t->info.n_machines : 1, sizeof(*t->machines));
	if (!t->machines)
		ret = -ENOMEM;
	for (uint32_t i = 0; i < t->info.n_machines && !ret; i++)
		ret = machine_open(t, i);
	return ret ? ivt_error_set(err, ret, "cannot read '%s': %s", t->path, strerror(-ret)) : 0;
}

int ivt_trace_open(const char *path, struct ivt_trace **ret, struct ivt_error *err)
{
	struct ivt_trace *t = calloc(1, sizeof(*t));
	int status;

	if (!t)
		return ivt_error_set(err, -ENOMEM, "no memory for a trace");
	t->path = strdup(path);
	t->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dirfd < 0)
		status = ivt_error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	else if (!t->path)
		status = ivt_error_set(err, -ENOMEM, "no memory for a trace");
	else
		status = trace_open(t, err);
	if (status) {
		ivt_trace_close(t);
		return status;
	}
	*ret = t;
	return 0;
}

void ivt_trace_close(struct ivt_trace *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->machines && i < t->info.n_machines; i++) {
		for (size_t k = 0; k < t->machines[i].n_files; k++)
			ivt_stream_file_close(&t->machines[i].files[k]);
		free(t->machines[i].files);
		ivt_ftrace_formats_destroy(t->machines[i].ftrace);
	}
	free(t->machines);
	for (size_t i = 0; i < t->n_warnings; i++)
		free(t->warnings[i]);
	free(t->warnings);
	free(t->entries);
	free(t->reach);
	ivt_sync_log_deinit(&t->log);
	ivt_trace_info_deinit(&t->info);
	if (t->dirfd >= 0)
		close(t->dirfd);
	free(t->path);
	free(t);
}

/* ---- questions --------------------------------------------------------------------------- */

const struct ivt_trace_info *ivt_trace_info_of(const struct ivt_trace *t)
{
	return &t->info;
}

const char *ivt_trace_path(const struct ivt_trace *t)
{
	return t->path;
}

const char *ivt_trace_warning(const struct ivt_trace *t, size_t i)
{
	return i < t->n_warnings ? t->warnings[i] : NULL;
}

const struct tsc_sync_snapshot *ivt_trace_snapshots(const struct ivt_trace *t, size_t *ret_n)
{
	*ret_n = t->log.n_snapshots;
	return t->log.snapshots;
}

const struct tsc_sync_entry *ivt_trace_history(const struct ivt_trace *t, uint32_t machine,
					       uint32_t vcpu, size_t *ret_n)
{
	const struct ivt_sync_clock *clock = ivt_sync_log_find(&t->log, machine, vcpu, ret_n);

	/* a source may know one clock for all vCPUs */
	if (!clock)
		clock = ivt_sync_log_find(&t->log, machine, UINT32_MAX, ret_n);
	return clock ? &t->entries[clock - t->log.clocks] : NULL;
}

const struct tsc_sync_entry *ivt_trace_handshakes(const struct ivt_trace *t, uint32_t machine,
						  uint32_t vcpu, size_t *ret_n)
{
	const struct ivt_sync_clock *check;

	check = ivt_sync_log_find_checks(&t->log, machine, vcpu, ret_n);
	if (!check) /* one that does not say which vCPU answered */
		check = ivt_sync_log_find_checks(&t->log, machine, UINT32_MAX, ret_n);
	return check ? &t->entries[check - t->log.clocks] : NULL;
}

int ivt_trace_real_ns(const struct ivt_trace *t, uint64_t host_ns, uint64_t *ret_real_ns)
{
	const struct tsc_sync_snapshot *snap = t->log.snapshots;
	size_t lo = 0, hi = t->log.n_snapshots;

	if (hi == 0 && real_minus_mono(t) == 0)
		return -ENOENT;
	while (hi > lo + 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (snap[mid].mono_ns <= host_ns)
			lo = mid;
		else
			hi = mid;
	}
	*ret_real_ns =
		host_ns + (hi ? snap[lo].real_ns - snap[lo].mono_ns : (uint64_t)real_minus_mono(t));
	return 0;
}

/* First and last record of one stream; false: it has none. */
static bool stream_bounds(struct ivt_stream_file *f, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	struct ivt_event event;
	struct ivt_walk walk;

	ivt_walk_init(&walk, f);
	if (!ivt_walk_next(&walk, &event))
		return false;
	*ret_first_ns = *ret_last_ns = event.host_ns;
	for (size_t i = f->n_packets; i-- > 0;) {
		bool found = false;

		ivt_walk_jump(&walk, i);
		while (walk.packet <= i + 1 && ivt_walk_next(&walk, &event)) {
			*ret_last_ns = event.host_ns > *ret_last_ns ? event.host_ns : *ret_last_ns;
			found = true;
		}
		if (found)
			break;
	}
	return true;
}

void ivt_trace_bounds(struct ivt_trace *t, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	bool is_first = true;

	for (size_t i = 0; i < t->info.n_machines && !t->has_bounds; i++) {
		for (size_t k = 0; k < t->machines[i].n_files; k++) {
			uint64_t first_ns, last_ns;

			if (!stream_bounds(&t->machines[i].files[k], &first_ns, &last_ns))
				continue;
			if (is_first || first_ns < t->first_ns)
				t->first_ns = first_ns;
			if (is_first || last_ns > t->last_ns)
				t->last_ns = last_ns;
			is_first = false;
		}
	}
	t->has_bounds = true;
	*ret_first_ns = t->first_ns;
	*ret_last_ns = t->last_ns;
}
