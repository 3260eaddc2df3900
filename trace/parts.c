// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/clock_line.h"
#include "trace/file_replace.h"
#include "trace/names.h"

#define HEADER_BYTES	sizeof(struct ivt_packet_header)
#define DIR_NAMES_TRIED (2 * IVT_MAX_PARTS)

/* ---- the packets ----------------------------------------------------------------- */

/* A file of a part, being written. */
struct copy {
	const struct ivt_stream_file *file;
	const uint8_t *uuid;
	int fd;
	uint64_t seq;
	uint64_t lost_base; /* of the stream, where the part begins */
};

static struct ivt_packet_header header_at(const struct ivt_stream_file *f, size_t packet)
{
	struct ivt_packet_header h;

	memcpy(&h, ivt_packet_at(f, packet), sizeof(h));
	return h;
}

/* Bytes behind the header of packet @i up to the next packet: what lies between is
 * taken along, so that it stays counted. */
static uint64_t body_bytes(const struct ivt_stream_file *f, size_t i)
{
	uint64_t end = i + 1 < f->n_packets ? f->packets[i + 1].at_bytes : f->pieces[0].bytes;

	return end - f->packets[i].at_bytes - HEADER_BYTES;
}

static int packet_write(struct copy *c, struct ivt_packet_header *h, const uint8_t *body,
			uint64_t bytes, uint64_t record_bytes)
{
	int ret;

	memcpy(h->uuid, c->uuid, sizeof(h->uuid));
	h->packet_seq_num = c->seq++;
	h->content_bits = (HEADER_BYTES + record_bytes) * 8;
	h->packet_bits = (HEADER_BYTES + bytes) * 8;
	h->ivt_flags &= ~IVT_PACKET_BOUNDS;
	ret = ivt_file_write_all(c->fd, h, sizeof(*h));
	return ret ? ret : ivt_file_write_all(c->fd, body, bytes);
}

/* Records of packet @i from byte @from up to @to; UINT64_MAX: all that follows. */
static int packet_copy(struct copy *c, size_t i, uint64_t from, uint64_t to)
{
	const struct ivt_packet_ref *ref = &c->file->packets[i];
	struct ivt_packet_header h = header_at(c->file, i);
	uint64_t all = body_bytes(c->file, i), record_bytes = ref->record_bytes;

	if (to > all)
		to = all;
	if (record_bytes > to)
		record_bytes = to;
	/* a packet begins at a multiple of 8, what is between two need not be */
	if (from >= to)
		return 0;
	if (h.events_discarded < c->lost_base || (h.ivt_flags & IVT_PACKET_LOSS_RESTART))
		c->lost_base = 0;
	h.events_discarded -= c->lost_base;
	return packet_write(c, &h, ivt_packet_at(c->file, i) + HEADER_BYTES + from, to - from,
			    record_bytes > from ? record_bytes - from : 0);
}

/* From turn @turn up to the next: as the writer does, an empty packet first. */
static int turn_copy(struct copy *c, size_t turn)
{
	const struct ivt_stream_file *f = c->file;
	const struct ivt_turn *from = &f->turns[turn];
	const struct ivt_turn *to = turn + 1 < f->n_turns ? from + 1 : NULL;
	size_t last = to ? to->packet : f->n_packets - 1;
	struct ivt_packet_header empty = { .magic = IVT_PACKET_MAGIC,
					   .stream_instance_id = f->cpu,
					   .cpu_id = ivt_stream_cpu(f->cpu) };
	int ret = packet_write(c, &empty, NULL, 0, 0);

	/* the counter of a packet that is cut stays with its first half */
	c->lost_base = header_at(f, from->packet - (from->at_bytes == 0)).events_discarded;
	for (size_t i = from->packet; i <= last && !ret; i++)
		ret = packet_copy(c, i, i == from->packet ? from->at_bytes : 0,
				  to && i == to->packet ? to->at_bytes : UINT64_MAX);
	return ret;
}

/* ---- the directories --------------------------------------------------------------- */

/* @dir may stand in the part that it is for. */
static bool dir_is_used(const struct ivt_trace *t, const char *dir)
{
	for (size_t i = 0; i < t->info.n_machines; i++) {
		const struct ivt_machine_info *m = &t->info.machines[i];

		if (strcmp(m->dir, dir) == 0)
			return true;
		for (size_t k = 0; k < m->n_parts; k++)
			if (m->parts[k].dir != dir && strcmp(m->parts[k].dir, dir) == 0)
				return true;
	}
	return false;
}

/* An open directory for the part; one that an interrupted run left, which has no
 * metadata and is nobody's, is taken again. */
static int dir_make(struct ivt_trace *t, const struct ivt_machine_info *m,
		    struct ivt_machine_part *part)
{
	for (unsigned int k = 1; k < DIR_NAMES_TRIED; k++) {
		int fd, len = snprintf(part->dir, sizeof(part->dir), "%s.b%u", m->dir, k);

		if (len < 0 || (size_t)len >= sizeof(part->dir))
			return -ENAMETOOLONG;
		if (dir_is_used(t, part->dir))
			continue;
		if (mkdirat(t->dirfd, part->dir, 0777) && errno != EEXIST)
			return -errno;
		fd = openat(t->dirfd, part->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && faccessat(fd, "metadata", F_OK, AT_SYMLINK_NOFOLLOW) &&
		    errno == ENOENT)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -EEXIST;
}

/* Part @k: the files of the streams that have so many turns. */
static int part_make(struct ivt_trace *t, uint32_t machine, size_t k)
{
	struct ivt_machine_info *m = &t->info.machines[machine];
	struct ivt_machine_part *part = &m->parts[k];
	int dirfd = dir_make(t, m, part), ret = ivt_uuid_make(part->uuid);

	if (dirfd < 0)
		return dirfd;
	for (size_t i = 0; i < m->n_streams && !ret; i++) {
		struct copy c = { .file = &t->machines[machine].files[i], .uuid = part->uuid };

		if (c.file->n_turns <= k)
			continue;
		c.fd = openat(dirfd, m->streams[i].file,
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
		ret = c.fd < 0 ? -errno : turn_copy(&c, k);
		if (c.fd >= 0 && close(c.fd) && !ret)
			ret = -errno;
	}
	close(dirfd);
	return ret;
}

/* Where the stream ends that was cut at its first turn. */
static uint64_t bytes_before(const struct ivt_stream_file *f)
{
	const struct ivt_turn *turn = f->turns;

	if (f->n_turns == 0)
		return f->n_pieces ? f->pieces[0].bytes : 0;
	return f->packets[turn->packet].at_bytes +
	       (turn->at_bytes ? HEADER_BYTES + turn->at_bytes : 0);
}

int ivt_parts_make(struct ivt_trace *t, uint32_t machine, struct ivt_error *err)
{
	struct ivt_machine_info *m = &t->info.machines[machine];
	struct ivt_machine_streams *streams = &t->machines[machine];
	size_t n = 0;
	int ret = 0;

	if (m->n_parts > 0) /* done before */
		return 0;
	for (size_t i = 0; i < m->n_streams; i++)
		if (streams->files[i].n_turns > n)
			n = streams->files[i].n_turns;
	if (n == 0)
		return 0;
	free(m->parts); /* of no elements */
	m->parts = calloc(n, sizeof(*m->parts));
	if (!m->parts)
		return ivt_error_set(err, -ENOMEM, "no memory to finalise '%s'", t->path);
	for (size_t k = 0; k < n && !ret; k++) {
		m->n_parts = k + 1;
		ret = part_make(t, machine, k);
	}
	if (ret)
		return ivt_error_set(err, ret, "cannot write '%s/%s': %s", t->path,
				     m->parts[m->n_parts - 1].dir, strerror(-ret));
	for (size_t i = 0; i < m->n_streams; i++)
		m->streams[i].bytes = bytes_before(&streams->files[i]);
	return 1;
}

/* ---- the clock's line ---------------------------------------------------------------- */

/* The map in force in piece @piece of the machine, of the first stream that has
 * one and changes its map. */
static const struct ivt_clock_map *map_of(const struct ivt_trace *t, uint32_t machine, size_t piece)
{
	const struct ivt_machine_streams *streams = &t->machines[machine];

	for (size_t i = 0; i < streams->n_files; i++) {
		const struct ivt_stream_file *f = &streams->files[i];

		if (f->n_turns > 0 && f->n_turns >= piece)
			return piece ? &f->turns[piece - 1].map : &f->map;
	}
	return NULL;
}

/* A copy, for free(), of the snapshots from the last before @from to the first
 * behind @to, host TSC, with the distance real - mono of the first of all. */
static int snapshots_window(struct ivt_sync_log *log, uint64_t from, uint64_t to)
{
	size_t lo = 0, hi = log->n_snapshots;
	struct tsc_sync_snapshot *copy;
	uint64_t delta;

	if (hi == 0)
		return -ENOENT;
	delta = log->snapshots[0].real_ns - log->snapshots[0].mono_ns;
	while (lo + 2 < hi && log->snapshots[lo + 1].host_tsc <= from)
		lo++;
	while (hi > lo + 2 && log->snapshots[hi - 2].host_tsc >= to)
		hi--;
	copy = malloc((hi - lo) * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, log->snapshots + lo, (hi - lo) * sizeof(*copy));
	for (size_t i = 0; i < hi - lo; i++)
		copy[i].real_ns = copy[i].mono_ns + delta;
	log->snapshots = copy;
	log->n_snapshots = hi - lo;
	return 0;
}

/* How far the line of @m lies from @map, at most, where an entry begins. */
static uint64_t line_error(const struct ivt_trace *t, const struct ivt_clock_map *map,
			   const struct ivt_machine_info *m)
{
	const struct tsc_sync_snapshot *first = t->log.snapshots;
	uint64_t most = 0;

	for (size_t i = 0; i < map->n_history; i++) {
		const struct tsc_sync_entry *entry = &map->history[i];
		uint64_t tsc = entry->from_host_tsc, guest_tsc, line_ns, ns;

		if (tsc < first->host_tsc)
			tsc = first->host_tsc;
		if (tsc_sync_host_to_guest(&entry->scale, tsc, &guest_tsc) ||
		    tsc_sync_tsc_to_mono(first, t->log.n_snapshots, tsc, &ns) ||
		    ivt_clock_line_mono(m, map->real_minus_mono_ns, guest_tsc, &line_ns))
			return UINT64_MAX;
		line_ns = line_ns > ns ? line_ns - ns : ns - line_ns;
		most = line_ns > most ? line_ns : most;
	}
	return most;
}

/* One line for all vCPUs, which may have been set back by different amounts: the
 * residual says by how much it is wrong. */
static void residual_widen(const struct ivt_trace *t, uint32_t machine, size_t piece,
			   struct ivt_machine_info *m)
{
	const struct ivt_machine_streams *streams = &t->machines[machine];

	for (size_t i = 0; i < streams->n_files; i++) {
		const struct ivt_stream_file *f = &streams->files[i];
		uint64_t error;

		if (f->n_turns < piece || f->map.kind != IVT_MAP_TSC)
			continue;
		error = line_error(t, piece ? &f->turns[piece - 1].map : &f->map, m);
		if (error > m->line_residual_ns)
			m->line_residual_ns = error;
	}
}

int ivt_parts_line_fit(const struct ivt_trace *t, uint32_t machine, size_t piece,
		       struct ivt_machine_info *m, struct ivt_metadata_options *opt)
{
	const struct ivt_clock_map *map = map_of(t, machine, piece);
	struct ivt_sync_log log = t->log; /* borrows */
	const struct ivt_sync_clock *next, *all_end = t->log.clocks + t->log.n_clocks;
	bool has_next;
	int ret;

	if (!map || !map->n_history)
		return ivt_clock_line_fit(&t->log, machine, m, opt);
	log.clocks += map->history - t->entries;
	log.n_clocks = map->n_history;
	log.n_checks = 0;
	next = log.clocks + log.n_clocks;
	has_next = next < all_end && next->machine == machine &&
		   next->entry.vcpu == log.clocks->entry.vcpu;
	ret = snapshots_window(&log, piece ? log.clocks->entry.from_host_tsc : 0,
			       has_next ? next->entry.from_host_tsc : UINT64_MAX);
	if (ret)
		return ret;
	ret = ivt_clock_line_fit(&log, machine, m, opt);
	free(log.snapshots);
	if (!ret)
		residual_widen(t, machine, piece, m);
	return ret;
}
