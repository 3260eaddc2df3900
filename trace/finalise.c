// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The step after recording: walk the records in the files, cut what is not as
 * metadata says, fill in what was not known while recording.  Each packet's
 * header is rewritten in place by one pwrite(), and the metadata that declares
 * the time bounds valid comes last: a run that is interrupted is simply
 * repeated.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/clock_line.h"
#include "trace/file_replace.h"
#include "trace/manifest.h"
#include "trace/parts.h"
#include "trace/reader_state.h"
#include "trace/recorder_lock.h"
#include "trace/trace_writer.h"

#define HEADER_BYTES sizeof(struct ivt_packet_header)

/* One stream being finalised. */
struct job {
	int fd;
	struct ivt_stream_file *file;
	uint32_t piece; /* of the stream, the file that is written */
	size_t first;	/* its packets */
	size_t end;
	const uint8_t *uuid;
	struct ivt_stream_info *info;
	uint64_t last_raw; /* end of the packet before */
	uint64_t seq;
	uint64_t violations;
	uint64_t refused_bytes;
};

static int header_write(const struct job *job, uint64_t at, const struct ivt_packet_header *h)
{
	ssize_t n = pwrite(job->fd, h, sizeof(*h), (off_t)at);

	return n < 0 ? -errno : n == sizeof(*h) ? 0 : -EIO;
}

static void header_fill(struct job *job, struct ivt_packet_header *h,
			const struct ivt_good_records *found)
{
	h->stream_instance_id = job->file->cpu;
	h->cpu_id = ivt_stream_cpu(job->file->cpu);
	h->packet_seq_num = job->seq;
	h->timestamp_begin = found->first_raw;
	h->timestamp_end = found->last_raw;
	h->content_bits = (HEADER_BYTES + found->bytes) * 8;
	h->ivt_flags |= IVT_PACKET_BOUNDS;
}

/* Empty packets at the start begin where the first record does: 0 would stretch
 * the trace back to the machine's boot. */
static uint64_t stream_first_raw(const struct job *job)
{
	struct ivt_walk walk;

	ivt_walk_init(&walk, job->file);
	walk.is_partial = true;
	for (size_t i = job->first; i < job->end; i++) {
		struct ivt_good_records found;

		ivt_walk_packet(&walk, i, job->last_raw, &found);
		if (found.records > 0)
			return found.first_raw;
	}
	return 0;
}

/*
 * The i-th packet, which from now on reaches to @end_bytes: bytes in no packet
 * become the padding of the one before them, so that other readers step over.
 * A record whose stamp lies before its predecessor's ends it: other readers end
 * there.  One that our clock alone places before its predecessor does not: the
 * readers move it up and count it.
 */
static int packet_finalise(struct job *job, struct ivt_walk *walk, size_t i, uint64_t end_bytes)
{
	const struct ivt_packet_ref *packet = &job->file->packets[i];
	struct ivt_packet_header old, h;
	struct ivt_good_records found;

	ivt_walk_packet(walk, i, job->last_raw, &found);
	memcpy(&old, ivt_packet_at(job->file, i), sizeof(old));
	h = old;
	if (job->seq == 0 || old.packet_seq_num > job->seq)
		job->seq = old.packet_seq_num;
	header_fill(job, &h, &found);
	h.packet_bits = (end_bytes - packet->at_bytes) * 8;
	/* the writer leaves no padding */
	if (h.content_bits < h.packet_bits)
		h.ivt_flags |= IVT_PACKET_VIOLATION;
	if (h.ivt_flags & IVT_PACKET_VIOLATION) {
		job->violations++;
		job->refused_bytes += (h.packet_bits - h.content_bits) / 8;
	}
	job->info->records += found.records;
	if (h.ivt_flags & IVT_PACKET_SALVAGED)
		job->info->salvaged += found.records;
	job->info->packets++;
	job->last_raw = h.timestamp_end;
	job->seq++;
	return memcmp(&h, &old, sizeof(h)) ? header_write(job, packet->at_bytes, &h) : 0;
}

/* Nothing in the file is a packet at its start: the bytes up to @end_bytes, where
 * one begins, become the padding of an empty packet. */
static int first_packet_make(struct job *job, uint64_t end_bytes)
{
	struct ivt_packet_header h = { .magic = IVT_PACKET_MAGIC,
				       .stream_instance_id = job->file->cpu,
				       .timestamp_begin = job->last_raw,
				       .timestamp_end = job->last_raw,
				       .content_bits = HEADER_BYTES * 8,
				       .packet_bits = end_bytes * 8,
				       .cpu_id = ivt_stream_cpu(job->file->cpu),
				       .ivt_flags = IVT_PACKET_BOUNDS | IVT_PACKET_VIOLATION };

	memcpy(h.uuid, job->uuid, sizeof(h.uuid));
	job->violations++;
	job->info->packets++;
	job->refused_bytes += end_bytes - HEADER_BYTES;
	job->seq = 1;
	return header_write(job, 0, &h);
}

/* The file up to the end of its last whole packet. */
static uint64_t whole_bytes(const struct job *job)
{
	const struct ivt_packet_ref *last;

	if (job->end == job->first)
		return 0;
	last = &job->file->packets[job->end - 1];
	return last->at_bytes + last->packet_bytes;
}

/* What the file has behind its end is in another piece now. */
static int rest_remove(const struct job *job, uint64_t end)
{
	const struct ivt_stream_piece *pieces = job->file->pieces;

	if (!pieces[job->piece].is_limited || job->file->n_pieces < 2 || !pieces[1].data)
		return 0; /* or ought to be: then it stays */
	return ftruncate(job->fd, (off_t)end) ? -errno : 0;
}

static int piece_finalise(struct job *job, struct ivt_walk *walk)
{
	struct ivt_stream_file *f = job->file;
	uint64_t end = whole_bytes(job), bytes = f->pieces[job->piece].bytes;
	size_t first = job->first;
	int ret = 0;

	job->seq = 0;
	job->last_raw = 0; /* of the piece before */
	job->last_raw = stream_first_raw(job);
	if (job->piece == 0)
		job->info->bytes = end;
	if (end < bytes) {
		job->violations++;
		job->refused_bytes += bytes - end;
		ret = ftruncate(job->fd, (off_t)end) ? -errno : 0;
	}
	if (!ret && first < job->end && f->packets[first].at_bytes > 0) {
		uint64_t at = f->packets[first].at_bytes;

		/* one that leaves no room for a header before it (the writer's
		 * first is empty) is padding, too */
		first += at < HEADER_BYTES;
		ret = first_packet_make(job, first < job->end ? f->packets[first].at_bytes : end);
	}
	for (size_t i = first; i < job->end && !ret; i++)
		ret = packet_finalise(job, walk, i,
				      i + 1 < job->end ? f->packets[i + 1].at_bytes : end);
	return ret ? ret : rest_remove(job, end);
}

static void job_done(const struct job *job)
{
	/* what an earlier run cut off is not seen any more */
	if (job->violations > job->info->violations)
		job->info->violations = job->violations;
	if (job->refused_bytes > job->info->refused_bytes)
		job->info->refused_bytes = job->refused_bytes;
}

/* The pieces of stream @i, those in @dirfds. */
static int stream_finalise(struct job *job, const int *dirfds)
{
	struct ivt_stream_file *f = job->file;
	struct ivt_walk walk;
	int ret = 0;

	job->info->packets = job->info->records = job->info->salvaged = 0;
	ivt_walk_init(&walk, f);
	walk.is_partial = true; /* the headers change under its feet */
	for (job->piece = 0; job->piece < f->n_pieces && !ret; job->piece++) {
		job->first = job->end;
		while (job->end < f->n_packets && f->packets[job->end].piece == job->piece)
			job->end++;
		if (!f->pieces[job->piece].data)
			continue;
		job->fd = openat(dirfds[job->piece], job->info->file,
				 O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		ret = job->fd < 0 ? -errno : piece_finalise(job, &walk);
		if (job->fd >= 0 && close(job->fd) && !ret)
			ret = -errno;
	}
	job_done(job);
	return ret;
}

/* Then it was finalised before. */
static bool is_compressed(const struct ivt_stream_file *f)
{
	for (size_t i = 0; i < f->n_pieces; i++)
		if (f->pieces[i].is_compressed)
			return true;
	return false;
}

static int machine_streams_finalise(struct ivt_trace *t, uint32_t machine, const int *dirfds,
				    struct ivt_error *err)
{
	struct ivt_machine_info *m = &t->info.machines[machine];

	for (size_t i = 0; i < m->n_streams; i++) {
		struct ivt_stream_file *f = &t->machines[machine].files[i];
		struct job job = { .file = f, .uuid = m->uuid, .info = &m->streams[i] };
		int ret;

		if (f->n_pieces == 0 || !f->pieces[0].data || is_compressed(f))
			continue;
		ret = stream_finalise(&job, dirfds);
		if (ret)
			return ivt_error_set(err, ret, "cannot finalise '%s/%s/%s': %s", t->path,
					     m->dir, m->streams[i].file, strerror(-ret));
	}
	return 0;
}

/* Metadata of the machine's directory (@piece 0) or of one of its parts. */
static int piece_metadata_write(struct ivt_trace *t, uint32_t machine, size_t piece, int dirfd,
				struct ivt_error *err)
{
	struct ivt_metadata_options opt = { .has_bounds = true, .ratio = 1 };
	struct ivt_machine_info *m = &t->info.machines[machine], part;

	if (m->n_parts == 0) {
		ivt_clock_line_fit(&t->log, machine, m, &opt);
		return ivt_metadata_write(dirfd, &t->info, m, &opt, err);
	}
	part = *m;
	ivt_parts_line_fit(t, machine, piece, &part, &opt);
	if (piece == 0) {
		*m = part;
	} else {
		struct ivt_machine_part *p = &m->parts[piece - 1];

		memcpy(part.dir, p->dir, sizeof(part.dir));
		memcpy(part.uuid, p->uuid, sizeof(part.uuid));
		p->freq_hz = part.freq_hz;
		p->offset_s = part.offset_s;
		p->offset = part.offset;
		p->line_residual_ns = part.line_residual_ns;
	}
	return ivt_metadata_write(dirfd, &t->info, &part, &opt, err);
}

static int dir_open(const struct ivt_trace *t, const char *dir)
{
	return openat(t->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int machine_finalise(struct ivt_trace *t, uint32_t machine, struct ivt_error *err)
{
	struct ivt_machine_info *m = &t->info.machines[machine];
	int *dirfds = calloc(m->n_parts + 1, sizeof(*dirfds));
	int ret = 0;

	if (!dirfds)
		return ivt_error_set(err, -ENOMEM, "no memory to finalise '%s'", t->path);
	for (size_t i = 0; i <= m->n_parts; i++) {
		const char *dir = i ? m->parts[i - 1].dir : m->dir;

		dirfds[i] = dir_open(t, dir);
		if (dirfds[i] < 0 && errno != ENOENT && !ret)
			ret = ivt_error_set(err, -errno, "cannot open '%s/%s': %s", t->path, dir,
					    strerror(errno));
	}
	if (!ret && dirfds[0] >= 0)
		ret = machine_streams_finalise(t, machine, dirfds, err);
	for (size_t i = 0; i <= m->n_parts; i++) {
		if (dirfds[i] < 0)
			continue;
		if (!ret)
			ret = piece_metadata_write(t, machine, i, dirfds[i], err);
		close(dirfds[i]);
	}
	free(dirfds);
	return ret;
}

/* The rest of streams that go back into directories of their own; the trace is then
 * opened anew. */
static int trace_split(struct ivt_trace **t, const char *path, struct ivt_error *err)
{
	struct ivt_trace *again;
	bool is_split = false;
	int ret = 0;

	for (uint32_t i = 0; i < (*t)->info.n_machines && !ret; i++) {
		ret = ivt_parts_make(*t, i, err);
		is_split |= ret > 0;
		ret = ret > 0 ? 0 : ret;
	}
	if (ret || !is_split)
		return ret;
	ret = ivt_manifest_write((*t)->dirfd, &(*t)->info, err);
	if (!ret)
		ret = ivt_trace_open(path, &again, err);
	if (ret)
		return ret;
	ivt_trace_close(*t);
	*t = again;
	return 0;
}

/* Nobody goes on in a trace that is finalised. */
static void recorder_files_remove(int dirfd)
{
	DIR *dir = ivt_dir_open(dirfd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		/* a copy that was not in its place yet has another dot before it */
		const char *name = entry->d_name + (entry->d_name[1] == '.');

		if (strncmp(name, IVT_RECORDER_FILES, strlen(IVT_RECORDER_FILES)) == 0)
			unlinkat(dirfd, entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

int ivt_trace_finalise(const char *path, struct ivt_error *err)
{
	struct ivt_trace *t;
	int lock_fd = -1, ret = ivt_trace_open(path, &t, err);

	if (ret)
		return ret;
	ret = ivt_recorder_lock(t->dirfd, "finalise", path, &lock_fd, err);
	if (!ret)
		ret = trace_split(&t, path, err);
	for (uint32_t i = 0; i < t->info.n_machines && !ret; i++)
		ret = machine_finalise(t, i, err);
	if (!ret) {
		t->info.is_closed = true;
		t->info.is_finalised = true;
		ret = ivt_manifest_write(t->dirfd, &t->info, err);
	}
	if (!ret)
		recorder_files_remove(t->dirfd);
	if (lock_fd >= 0)
		close(lock_fd);
	ivt_trace_close(t);
	return ret;
}

static int sync_set(int dirfd, const char *json, struct ivt_error *err)
{
	struct ivt_trace_info info = { 0 };
	int ret = ivt_manifest_read(dirfd, &info, err);

	if (ret)
		return ret;
	free(info.sync_json);
	info.sync_json = strdup(json);
	ret = info.sync_json ? ivt_manifest_write(dirfd, &info, err)
			     : ivt_error_set(err, -ENOMEM, "no memory for a manifest");
	ivt_trace_info_deinit(&info);
	return ret;
}

int ivt_trace_set_sync(const char *path, const char *json, struct ivt_error *err)
{
	struct json_object *o = json_tokener_parse(json);
	bool is_object = json_object_is_type(o, json_type_object);
	int dirfd, lock_fd = -1, ret;

	json_object_put(o);
	if (!is_object)
		return ivt_error_set(err, -EINVAL, "not a JSON object: '%.40s'", json);
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return ivt_error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	ret = ivt_recorder_lock(dirfd, "write to", path, &lock_fd, err);
	if (!ret)
		ret = sync_set(dirfd, json, err);
	if (lock_fd >= 0)
		close(lock_fd);
	close(dirfd);
	return ret;
}
