// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A recorder died, another goes on in its directory.  What the dead one had half
 * made is told by the order in which the writer makes things: a directory before
 * its manifest, a machine's directory before the manifest that names it, a file
 * beside the one that it replaces.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/file_replace.h"
#include "trace/manifest.h"
#include "trace/stream_file.h"
#include "trace/stream_list.h"
#include "trace/writer_state.h"

static const char *const half_made[] = { ".manifest.json.new", ".metadata.new", ".reserve" };

void ivt_writer_boot_id(char *ret, size_t ret_bytes)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	ret[0] = '\0';
	if (!f)
		return;
	if (!fgets(ret, (int)ret_bytes, f))
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	fclose(f);
}

static void half_made_remove(int dirfd)
{
	for (size_t i = 0; i < sizeof(half_made) / sizeof(half_made[0]); i++)
		unlinkat(dirfd, half_made[i], 0);
}

/* ---- opening ------------------------------------------------------------------- */

static int cannot(const struct ivt_trace_writer *w, int code, const char *why,
		  struct ivt_error *err)
{
	return ivt_error_set(err, code, "cannot go on in '%s': %s", w->path, why);
}

/* Ours until it is closed, as the dead recorder's ended with it. */
static int lock_take(struct ivt_trace_writer *w, struct ivt_error *err)
{
	w->sync_fd = openat(w->dirfd, "sync.bin", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (w->sync_fd < 0)
		return errno == ENOENT ? 0 : cannot(w, -errno, strerror(errno), err);
	if (!flock(w->sync_fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return cannot(w, -errno, strerror(errno), err);
	return cannot(w, -EBUSY, "it is being recorded (end that recorder first)", err);
}

static bool is_half_made(const char *name)
{
	for (size_t i = 0; i < sizeof(half_made) / sizeof(half_made[0]); i++)
		if (!strcmp(name, half_made[i]))
			return true;
	return false;
}

/* Nothing is there but what is made before the manifest? */
static bool is_unbegun(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool is_it = dir != NULL;

	if (!dir && fd >= 0)
		close(fd);
	while (is_it && (entry = readdir(dir)))
		is_it = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			!strcmp(entry->d_name, "sync.bin") || is_half_made(entry->d_name);
	if (dir)
		closedir(dir);
	return is_it;
}

static int unbegun_remove(struct ivt_trace_writer *w)
{
	half_made_remove(w->dirfd);
	if (w->sync_fd >= 0)
		unlinkat(w->dirfd, "sync.bin", 0);
	return rmdir(w->path);
}

/* A directory without a manifest: its recorder died while it made it, or it is
 * somebody else's, or a trace that lost it: of those nothing is touched. */
static int unbegun_take(struct ivt_trace_writer *w, struct ivt_error *err)
{
	if (!is_unbegun(w->dirfd) || unbegun_remove(w))
		return cannot(w, -EINVAL,
			      "it is not a trace: it has no manifest.json (choose another name)",
			      err);
	return -ENOENT;
}

static int manifest_take(struct ivt_trace_writer *w, struct ivt_error *err)
{
	struct ivt_error why = { "" };
	char boot_id[sizeof(w->info.boot_id)];
	int ret = ivt_manifest_read(w->dirfd, &w->info, &why);

	if (ret == -ENOENT)
		return unbegun_take(w, err);
	if (ret)
		return cannot(w, ret, why.msg, err);
	if (w->info.is_closed)
		return cannot(w, -EALREADY, "its recording has ended (choose another name)", err);
	if (w->sync_fd < 0)
		return cannot(w, -EINVAL, "its 'sync.bin' is missing (choose another name)", err);
	ivt_writer_boot_id(boot_id, sizeof(boot_id));
	if (strcmp(boot_id, w->info.boot_id) != 0)
		return cannot(w, -ESTALE,
			      "the host was rebooted since, its clocks began anew (choose another "
			      "name)",
			      err);
	return 0;
}

static int sync_take(struct ivt_trace_writer *w, struct ivt_error *err)
{
	struct stat st;
	int ret = ivt_sync_log_resume(w->dirfd, &w->log);

	w->n_clocks_written = w->log.n_clocks;
	if (!ret && memcmp(w->log.uuid, w->info.uuid, sizeof(w->log.uuid)) != 0)
		ret = -EINVAL;
	if (!ret && fstat(w->sync_fd, &st))
		ret = -errno;
	if (!ret) {
		w->sync_bytes = (uint64_t)st.st_size - (uint64_t)st.st_size % IVT_SYNC_BYTES;
		ret = ftruncate(w->sync_fd, (off_t)w->sync_bytes) ? -errno : 0;
	}
	if (ret == -EINVAL)
		return cannot(w, ret, "its 'sync.bin' is damaged (choose another name)", err);
	return ret ? cannot(w, ret, strerror(-ret), err) : 0;
}

/* ---- machines --------------------------------------------------------------------- */

static int machine_take(struct ivt_trace_writer *w, uint32_t number, struct ivt_error *err)
{
	struct ivt_machine_info *m = &w->info.machines[number];
	struct machine *machine = &w->machines[number];
	int ret;

	machine->dirfd = openat(w->dirfd, m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (machine->dirfd < 0)
		return ivt_error_set(err, -errno, "cannot go on in '%s': '%s': %s", w->path, m->dir,
				     strerror(errno));
	half_made_remove(machine->dirfd);
	ret = ivt_streams_scan(machine->dirfd, m);
	if (ret)
		return cannot(w, ret, strerror(-ret), err);
	for (size_t i = 0; i < m->n_streams; i++)
		w->bytes += m->streams[i].bytes;
	return 0;
}

static bool is_listed(const struct ivt_trace_writer *w, const char *dir)
{
	for (size_t i = 0; i < w->info.n_machines; i++)
		if (strcmp(w->info.machines[i].dir, dir) == 0)
			return true;
	return false;
}

static void unlisted_remove(const struct ivt_trace_writer *w, const char *dir)
{
	int fd = openat(w->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	unlinkat(fd, "metadata", 0);
	half_made_remove(fd);
	close(fd);
	unlinkat(w->dirfd, dir, AT_REMOVEDIR); /* unless there is more in it */
}

/* The recorder may have died between a machine's directory and its manifest. */
static void unlisted_machines_remove(const struct ivt_trace_writer *w)
{
	DIR *dir = ivt_dir_open(w->dirfd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if ((strncmp(entry->d_name, "vm-", 3) == 0 ||
		     strncmp(entry->d_name, "host", 4) == 0) &&
		    !is_listed(w, entry->d_name))
			unlisted_remove(w, entry->d_name);
	if (dir)
		closedir(dir);
}

static int machines_take(struct ivt_trace_writer *w, struct ivt_error *err)
{
	int ret = 0;

	for (uint32_t i = 0; i < w->info.n_machines && !ret; i++)
		ret = machine_take(w, i, err);
	if (!ret)
		unlisted_machines_remove(w);
	return ret;
}

int ivt_trace_writer_resume(const char *path, struct ivt_trace_writer **ret, struct ivt_error *err)
{
	struct ivt_trace_writer *w = calloc(1, sizeof(*w));
	int status = 0;

	if (!w)
		return ivt_error_set(err, -ENOMEM, "no memory for a trace writer");
	w->sync_fd = w->reserve_fd = -1;
	for (size_t i = 0; i < IVT_MAX_MACHINES; i++)
		w->machines[i].dirfd = -1;
	snprintf(w->path, sizeof(w->path), "%s", path);
	w->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->dirfd < 0)
		status = errno == ENOENT ? -ENOENT : cannot(w, -errno, strerror(errno), err);
	if (!status)
		status = lock_take(w, err);
	if (!status)
		status = manifest_take(w, err);
	if (!status)
		status = sync_take(w, err);
	if (!status)
		status = machines_take(w, err);
	if (status) {
		ivt_writer_free(w);
		return status;
	}
	half_made_remove(w->dirfd);
	ivt_writer_reserve_make(w);
	*ret = w;
	return 0;
}

void ivt_trace_writer_abandon(struct ivt_trace_writer *w)
{
	if (w)
		ivt_writer_free(w);
}

const struct tsc_sync_snapshot *ivt_trace_writer_last_snapshot(const struct ivt_trace_writer *w)
{
	return w->log.n_snapshots ? &w->log.snapshots[w->log.n_snapshots - 1] : NULL;
}

bool ivt_trace_writer_has_clock(const struct ivt_trace_writer *w, uint32_t machine)
{
	size_t n;

	return ivt_sync_log_find(&w->log, machine, UINT32_MAX, &n) != NULL;
}

/* ---- streams ------------------------------------------------------------------------ */

/* From @pos, where a packet begins or the file ends, to the end of the last whole
 * packet; @ret_lost: its losses. */
static int end_find(int fd, const uint8_t uuid[16], uint64_t file_bytes, struct ivt_stream_pos *pos,
		    uint64_t *ret_lost)
{
	struct ivt_packet_header h;

	while (file_bytes - pos->bytes >= sizeof(h)) {
		ssize_t n = pread(fd, &h, sizeof(h), (off_t)pos->bytes);

		if (n < 0)
			return -errno;
		if (n != sizeof(h) || !ivt_packet_is_sane(&h, uuid, file_bytes - pos->bytes))
			break;
		pos->bytes += h.packet_bits / 8;
		pos->packets = h.packet_seq_num + 1;
		*ret_lost = h.events_discarded;
	}
	return 0;
}

/* Where a stream goes on of which nothing is known but what lies there: the last
 * manifest tells a place to begin the search. */
static int position_find(int fd, const struct ivt_machine_info *m, struct ivt_stream_info *s,
			 uint64_t file_bytes, struct ivt_stream_pos *ret)
{
	struct ivt_stream_pos pos = { s->bytes, s->packets };
	uint64_t lost = ivt_stream_lost(s), known = lost;
	int err;

	if (pos.bytes > file_bytes)
		pos = (struct ivt_stream_pos){ 0 };
	err = end_find(fd, m->uuid, file_bytes, &pos, &lost);
	if (lost > known)
		s->lost_full += lost - known;
	*ret = pos;
	return err;
}

static struct ivt_stream_info *stream_info_find(struct ivt_machine_info *m, uint32_t cpu)
{
	for (size_t i = 0; i < m->n_streams; i++)
		if (m->streams[i].cpu == cpu)
			return &m->streams[i];
	return NULL;
}

static int stream_cut(struct ivt_trace_writer *w, uint32_t machine, struct ivt_stream_info *s,
		      const struct ivt_stream_pos *wanted, struct stream *ret)
{
	struct ivt_stream_pos pos = { 0 };
	struct stat st;
	int err = 0;

	ret->fd = openat(w->machines[machine].dirfd, s->file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (ret->fd < 0)
		return -errno;
	if (fstat(ret->fd, &st))
		err = -errno;
	else if (wanted)
		pos = *wanted;
	else
		err = position_find(ret->fd, &w->info.machines[machine], s, (uint64_t)st.st_size,
				    &pos);
	if (!err && (uint64_t)st.st_size < pos.bytes)
		err = -EMSGSIZE;
	if (!err && ftruncate(ret->fd, (off_t)pos.bytes))
		err = -errno;
	if (err) {
		close(ret->fd);
		ret->fd = -1;
	}
	ret->offset_bytes = pos.bytes;
	ret->packets = pos.packets;
	return err;
}

static int stream_drop(struct ivt_trace_writer *w, uint32_t machine, struct ivt_stream_info *s)
{
	struct ivt_machine_info *m = &w->info.machines[machine];
	struct ivt_stream_info *end = m->streams + m->n_streams;

	if (unlinkat(w->machines[machine].dirfd, s->file, 0) && errno != ENOENT)
		return -errno;
	memmove(s, s + 1, (size_t)(end - s - 1) * sizeof(*s));
	m->n_streams--;
	/* those behind it have another place now */
	for (size_t i = 0; i < w->machines[machine].n_streams; i++) {
		struct stream *other = &w->machines[machine].streams[i];

		if (other->fd >= 0 && other->info > (size_t)(s - m->streams))
			other->info--;
	}
	return 0;
}

static int stream_take(struct ivt_trace_writer *w, uint32_t machine, struct ivt_stream_info *s,
		       const struct ivt_stream_pos *pos)
{
	struct machine *to = &w->machines[machine];
	struct stream stream = { .fd = -1 };
	int ret = ivt_writer_streams_grow(to, s->cpu);

	if (!ret)
		ret = stream_cut(w, machine, s, pos, &stream);
	if (ret)
		return ret;
	w->bytes += stream.offset_bytes - s->bytes;
	s->bytes = stream.offset_bytes;
	s->packets = stream.packets;
	stream.info = (size_t)(s - w->info.machines[machine].streams);
	to->streams[s->cpu] = stream;
	return 0;
}

int ivt_trace_writer_reopen_stream(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
				   const struct ivt_stream_pos *pos, struct ivt_error *err)
{
	bool is_none = pos && !pos->bytes;
	struct ivt_stream_info *s;
	int ret;

	if (machine >= w->info.n_machines)
		return ivt_error_set(err, -EINVAL, "no machine %u", machine);
	s = stream_info_find(&w->info.machines[machine], cpu);
	if (!s && is_none)
		return 0;
	if (!s)
		ret = -ENOENT;
	else
		ret = is_none ? stream_drop(w, machine, s) : stream_take(w, machine, s, pos);
	if (ret == -EMSGSIZE)
		return ivt_error_set(err, ret,
				     "cannot go on in '%s/%s/cpu_%u': it is shorter than its "
				     "recorder left it",
				     w->path, w->info.machines[machine].dir, cpu);
	if (ret)
		ivt_error_set(err, ret, "cannot go on in '%s/%s/cpu_%u': %s", w->path,
			      w->info.machines[machine].dir, cpu, strerror(-ret));
	return ret;
}
