// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "trace/clock_line.h"
#include "trace/file_replace.h"
#include "trace/manifest.h"
#include "trace/metadata.h"
#include "trace/names.h"
#include "trace/packet.h"
#include "trace/trace_memory.h"
#include "trace/writer_state.h"

#define UNKNOWN_CLOCK_HZ 1000000000u  /* until the clock log tells */
#define RESERVE_BYTES	 (512u << 10) /* for the last manifest and metadata */

/* ---- writing ----------------------------------------------------------------- */

/* For a clean-up after a failure that is being reported. */
static void ignore_result(int result)
{
	(void)result;
}

/* pwritev() until done; changes @iov. 0 or -errno. */
static int pwritev_all(int fd, struct iovec *iov, int n_iov, uint64_t offset_bytes)
{
	while (n_iov > 0) {
		ssize_t n = pwritev(fd, iov, n_iov, (off_t)offset_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 && iov->iov_len > 0)
			return -EIO;
		offset_bytes += (uint64_t)n;
		while (n_iov > 0 && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			n_iov--;
		}
		if (n_iov > 0) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

static int append_packet(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
			 const struct iovec *iov, int n_iov, uint64_t lost, uint32_t flags)
{
	struct ivt_machine_info *m = &w->info.machines[machine];
	struct stream *stream = &w->machines[machine].streams[cpu];
	struct ivt_stream_info *info = &m->streams[stream->info];
	struct ivt_packet_header header = {
		.magic = IVT_PACKET_MAGIC,
		.stream_instance_id = cpu,
		.packet_seq_num = stream->packets,
		.events_discarded = lost,
		.cpu_id = ivt_stream_cpu(cpu),
		.ivt_flags = flags & ~IVT_PACKET_BOUNDS,
	};
	struct iovec all[3] = { { &header, sizeof(header) } };
	uint64_t bytes = sizeof(header);
	int ret;

	for (int i = 0; i < n_iov; i++) {
		all[1 + i] = iov[i];
		bytes += iov[i].iov_len;
	}
	memcpy(header.uuid, m->uuid, sizeof(header.uuid));
	header.content_bits = bytes * 8;
	header.packet_bits = bytes * 8;
	ret = pwritev_all(stream->fd, all, 1 + n_iov, stream->offset_bytes);
	/* A file ends with a whole packet; where even this fails the reader
	 * cuts it. */
	if (ret) {
		ignore_result(ftruncate(stream->fd, (off_t)stream->offset_bytes));
		return ret;
	}
	stream->offset_bytes += bytes;
	stream->packets++;
	info->packets = stream->packets;
	info->bytes = stream->offset_bytes;
	w->bytes += bytes;
	return 0;
}

bool ivt_trace_writer_has_stream(const struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu)
{
	return machine < w->info.n_machines && cpu < w->machines[machine].n_streams &&
	       (w->machines[machine].streams[cpu].fd >= 0 ||
		w->machines[machine].streams[cpu].is_in_memory);
}

int ivt_trace_writer_append(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
			    const struct iovec *iov, int n_iov, uint64_t lost, uint32_t flags,
			    struct ivt_error *err)
{
	uint64_t bytes = 0;
	int ret;

	if (!ivt_trace_writer_has_stream(w, machine, cpu) || n_iov < 0 || n_iov > 2)
		return ivt_error_set(err, -EINVAL, "no stream %u of machine %u", cpu, machine);
	for (int i = 0; i < n_iov; i++) {
		if (iov[i].iov_len > IVT_PACKET_MAX_BYTES)
			return ivt_error_set(err, -EINVAL, "a packet of %zu bytes is too large",
					     iov[i].iov_len);
		bytes += iov[i].iov_len;
	}
	if (bytes > IVT_PACKET_MAX_BYTES - sizeof(struct ivt_packet_header) || bytes % 8)
		return ivt_error_set(err, -EINVAL, "a packet cannot hold %llu bytes",
				     (unsigned long long)bytes);
	if (bytes == 0) /* only the first packet of a file may be empty */
		return 0;
	if (w->memory)
		ret = ivt_trace_memory_append(w->memory, &w->info, machine, cpu, iov, n_iov, lost,
					      flags);
	else
		ret = append_packet(w, machine, cpu, iov, n_iov, lost, flags);
	if (ret)
		return ivt_error_set(err, ret, "cannot write '%s/%s/cpu_%u': %s", w->path,
				     w->info.machines[machine].dir, cpu, strerror(-ret));
	return 0;
}

static int append_sync(struct ivt_trace_writer *w, const uint8_t rec[IVT_SYNC_BYTES],
		       struct ivt_error *err)
{
	uint8_t copy[IVT_SYNC_BYTES];
	struct iovec iov = { copy, sizeof(copy) };
	int ret;

	if (w->memory) /* the log is there, too */
		return 0;
	memcpy(copy, rec, sizeof(copy));
	ret = pwritev_all(w->sync_fd, &iov, 1, w->sync_bytes);
	if (ret) {
		ignore_result(ftruncate(w->sync_fd, (off_t)w->sync_bytes));
		return ivt_error_set(err, ret, "cannot write '%s/sync.bin': %s", w->path,
				     strerror(-ret));
	}
	w->sync_bytes += IVT_SYNC_BYTES;
	return 0;
}

/* Clock entries come once each: those that found no room on the disk follow. */
static int clocks_write(struct ivt_trace_writer *w, struct ivt_error *err)
{
	uint8_t rec[IVT_SYNC_BYTES];
	int ret = 0;

	if (w->memory)
		return 0;
	while (!ret && w->n_clocks_written < w->log.n_clocks) {
		ivt_sync_clock_encode(rec, &w->log.clocks[w->n_clocks_written]);
		ret = append_sync(w, rec, err);
		w->n_clocks_written += !ret;
	}
	return ret;
}

int ivt_trace_writer_snapshot(struct ivt_trace_writer *w, const struct tsc_sync_snapshot *snap,
			      struct ivt_error *err)
{
	uint8_t rec[IVT_SYNC_BYTES];
	int ret = clocks_write(w, err);

	ivt_sync_snapshot_encode(rec, snap);
	if (!ret)
		ret = append_sync(w, rec, err);
	if (!ret && ivt_sync_log_add_snapshot(&w->log, snap))
		ret = ivt_error_set(err, -ENOMEM, "no memory for the clock log");
	if (!ret && !w->memory)
		ivt_sync_log_thin(&w->log);
	return ret;
}

int ivt_trace_writer_inherit(struct ivt_trace_writer *w, const struct ivt_trace_writer *from,
			     size_t max, struct ivt_error *err)
{
	size_t n = from->log.n_snapshots;
	int ret = 0;

	for (size_t i = n > max ? n - max : 0; i < n && !ret; i++)
		ret = ivt_trace_writer_snapshot(w, &from->log.snapshots[i], err);
	return ret;
}

/* They come by the second, for days: of a trace on the disk one stays in memory. */
static bool is_repeated(const struct ivt_trace_writer *w, uint32_t machine,
			const struct tsc_sync_entry *entry)
{
	return !w->memory && entry->source == TSC_SYNC_HANDSHAKE &&
	       w->machines[machine].has_handshake;
}

int ivt_trace_writer_clock(struct ivt_trace_writer *w, uint32_t machine,
			   const struct tsc_sync_entry *entry, uint64_t guest_tsc,
			   struct ivt_error *err)
{
	struct ivt_sync_clock clock = { .machine = machine, .guest_tsc = guest_tsc };
	uint8_t rec[IVT_SYNC_BYTES];

	if (machine >= w->info.n_machines || entry->scale.ratio == 0 || entry->scale.frac_bits > 63)
		return ivt_error_set(err, -EINVAL, "no clock of machine %u", machine);
	clock.epoch = w->info.machines[machine].epoch;
	clock.entry = *entry;
	if (is_repeated(w, machine, entry)) {
		ivt_sync_clock_encode(rec, &clock);
		return append_sync(w, rec, err);
	}
	if (ivt_sync_log_add_clock(&w->log, &clock))
		return ivt_error_set(err, -ENOMEM, "no memory for the clock log");
	w->machines[machine].has_handshake |= entry->source == TSC_SYNC_HANDSHAKE;
	return clocks_write(w, err);
}

void ivt_trace_writer_position(const struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
			       struct ivt_stream_pos *ret)
{
	const struct stream *s;

	*ret = (struct ivt_stream_pos){ 0 };
	if (!ivt_trace_writer_has_stream(w, machine, cpu))
		return;
	s = &w->machines[machine].streams[cpu];
	ret->bytes = s->offset_bytes;
	ret->packets = s->packets;
}

uint64_t ivt_trace_writer_bytes(const struct ivt_trace_writer *w)
{
	return w->bytes;
}

/* ---- streams ------------------------------------------------------------------- */

int ivt_writer_streams_grow(struct machine *machine, uint32_t cpu)
{
	struct stream *grown;

	if (cpu < machine->n_streams)
		return 0;
	grown = realloc(machine->streams, (cpu + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (size_t i = machine->n_streams; i <= cpu; i++)
		grown[i] = (struct stream){ .fd = -1 };
	machine->streams = grown;
	machine->n_streams = cpu + 1;
	return 0;
}

static int stream_info_add(struct ivt_machine_info *m, uint32_t cpu)
{
	struct ivt_stream_info *grown =
		realloc(m->streams, (m->n_streams + 1) * sizeof(*m->streams));

	if (!grown)
		return -ENOMEM;
	m->streams = grown;
	memset(&grown[m->n_streams], 0, sizeof(*grown));
	grown[m->n_streams].cpu = cpu;
	snprintf(grown[m->n_streams].file, sizeof(grown->file), "cpu_%u", cpu);
	m->n_streams++;
	return 0;
}

int ivt_trace_writer_add_stream(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
				struct ivt_error *err)
{
	struct ivt_machine_info *m;
	struct stream *stream;
	char file[32];
	int ret;

	if (machine >= w->info.n_machines || cpu >= IVT_MAX_STREAMS)
		return ivt_error_set(err, -EINVAL, "no stream %u of machine %u", cpu, machine);
	m = &w->info.machines[machine];
	if (ivt_trace_writer_has_stream(w, machine, cpu))
		return ivt_error_set(err, -EEXIST, "stream %u of '%s' is open already", cpu,
				     m->name);
	if (ivt_writer_streams_grow(&w->machines[machine], cpu) || stream_info_add(m, cpu))
		return ivt_error_set(err, -ENOMEM, "no memory for stream %u of '%s'", cpu, m->name);
	stream = &w->machines[machine].streams[cpu];
	snprintf(file, sizeof(file), "cpu_%u", cpu);
	stream->info = m->n_streams - 1;
	stream->is_in_memory = w->memory != NULL;
	if (w->memory)
		return 0;
	stream->fd = openat(w->machines[machine].dirfd, file,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	ret = stream->fd < 0 ? -errno : append_packet(w, machine, cpu, NULL, 0, 0, 0);
	if (!ret)
		return 0;
	if (stream->fd >= 0) { /* not in the way of the next attempt */
		unlinkat(w->machines[machine].dirfd, file, 0);
		close(stream->fd);
	}
	stream->fd = -1;
	m->n_streams--;
	return ivt_error_set(err, ret, "cannot create '%s/%s/%s': %s", w->path, m->dir, file,
			     strerror(-ret));
}

/* ---- machines ------------------------------------------------------------------- */

static bool dir_is_taken(const struct ivt_trace_writer *w, const char *dir)
{
	for (size_t i = 0; i < w->info.n_machines; i++)
		if (strcmp(w->info.machines[i].dir, dir) == 0)
			return true;
	return false;
}

/* "host", "vm-NAME", "vm-NAME.EPOCH"; two names that read the same on disk get
 * a number ("a/b" and "a_b"). */
static void dir_choose(const struct ivt_trace_writer *w, struct ivt_machine_info *m)
{
	char name[IVT_NAME_BYTES], epoch[16] = "", suffix[16] = "";

	ivt_name_file(name, sizeof(name), m->name);
	if (m->epoch > 0)
		snprintf(epoch, sizeof(epoch), ".%u", m->epoch);
	for (unsigned int i = 2;; i++) {
		if (m->kind == IVT_HOST)
			snprintf(m->dir, sizeof(m->dir), "host%s", suffix);
		else
			snprintf(m->dir, sizeof(m->dir), "vm-%.40s%s%s", name, suffix, epoch);
		if (!dir_is_taken(w, m->dir))
			return;
		snprintf(suffix, sizeof(suffix), "-%u", i);
	}
}

/* A copy of @info without streams. */
static int machine_info_copy(struct ivt_machine_info *m, const struct ivt_machine_info *info)
{
	int ret = ivt_machine_info_copy(m, info);

	free(m->streams);
	m->streams = NULL;
	m->n_streams = 0;
	return ret;
}

static int metadata_write(struct ivt_trace_writer *w, uint32_t machine, struct ivt_error *err)
{
	struct ivt_machine_info *m = &w->info.machines[machine];
	struct ivt_metadata_options opt = { .ratio = 1 };

	if (!ivt_clock_line_fit(&w->log, machine, m, &opt))
		w->machines[machine].has_line = true;
	return ivt_metadata_write(w->machines[machine].dirfd, &w->info, m, &opt, err);
}

/* What the directory's metadata says holds until there is a line. */
static int line_write(struct ivt_trace_writer *w, uint32_t machine, struct ivt_error *err)
{
	struct ivt_machine_info *m = &w->info.machines[machine];
	struct ivt_metadata_options opt = { .ratio = 1 };

	if (ivt_clock_line_fit(&w->log, machine, m, &opt))
		return 0;
	w->machines[machine].has_line = true;
	return ivt_metadata_write(w->machines[machine].dirfd, &w->info, m, &opt, err);
}

static int machine_dir_make(struct ivt_trace_writer *w, uint32_t number, struct ivt_error *err)
{
	struct ivt_machine_info *m = &w->info.machines[number];
	int ret = 0;

	if (mkdirat(w->dirfd, m->dir, 0777))
		ret = -errno;
	if (!ret) {
		w->machines[number].dirfd =
			openat(w->dirfd, m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (w->machines[number].dirfd < 0)
			ret = -errno;
	}
	if (ret)
		return ivt_error_set(err, ret, "cannot create '%s/%s': %s", w->path, m->dir,
				     strerror(-ret));
	return metadata_write(w, number, err);
}

/* It could not be added: out of the way of the next attempt. */
static void machine_undo(struct ivt_trace_writer *w, uint32_t number)
{
	struct machine *machine = &w->machines[number];
	struct ivt_machine_info *m = &w->info.machines[number];

	if (machine->dirfd >= 0) { /* it was made just now */
		unlinkat(machine->dirfd, "metadata", 0);
		close(machine->dirfd);
		unlinkat(w->dirfd, m->dir, AT_REMOVEDIR);
	}
	*machine = (struct machine){ .dirfd = -1 };
	ivt_machine_info_deinit(m);
}

static int machine_check(const struct ivt_trace_writer *w, const struct ivt_machine_info *info,
			 struct ivt_error *err)
{
	if (w->info.n_machines >= IVT_MAX_MACHINES)
		return ivt_error_set(err, -E2BIG, "a trace holds at most %d machines",
				     IVT_MAX_MACHINES);
	for (size_t i = 0; i < w->info.n_machines; i++) {
		const struct ivt_machine_info *m = &w->info.machines[i];

		if (m->kind == info->kind && m->epoch == info->epoch &&
		    strcmp(m->name, info->name) == 0)
			return ivt_error_set(err, -EEXIST, "machine '%s' is there already",
					     info->name);
	}
	return 0;
}

/* In memory a machine's new boot takes the place of its last one. */
static struct ivt_machine_info *machine_again(struct ivt_trace_writer *w,
					      const struct ivt_machine_info *info)
{
	for (size_t i = 0; w->memory && i < w->info.n_machines; i++) {
		struct ivt_machine_info *m = &w->info.machines[i];

		if (m->kind == info->kind && strcmp(m->name, info->name) == 0)
			return m;
	}
	return NULL;
}

static int machine_renew(struct ivt_trace_writer *w, struct ivt_machine_info *m,
			 const struct ivt_machine_info *info, struct ivt_error *err)
{
	uint32_t number = (uint32_t)(m - w->info.machines);
	struct ivt_machine_info fresh;
	int ret = machine_info_copy(&fresh, info);

	if (!ret)
		ret = ivt_uuid_make(fresh.uuid);
	if (ret) {
		ivt_machine_info_deinit(&fresh);
		return ivt_error_set(err, ret, "cannot add machine '%s': %s", info->name,
				     strerror(-ret));
	}
	if (fresh.freq_hz == 0)
		fresh.freq_hz = UNKNOWN_CLOCK_HZ;
	ivt_machine_info_deinit(m);
	*m = fresh;
	free(w->machines[number].streams);
	w->machines[number] = (struct machine){ .dirfd = -1 };
	ivt_sync_log_forget_machine(&w->log, number);
	return 0;
}

int ivt_trace_writer_add_machine(struct ivt_trace_writer *w, const struct ivt_machine_info *info,
				 uint32_t *ret_machine, struct ivt_error *err)
{
	uint32_t number = (uint32_t)w->info.n_machines;
	struct ivt_machine_info *m = machine_again(w, info), *grown;
	int ret;

	if (m) {
		*ret_machine = (uint32_t)(m - w->info.machines);
		return machine_renew(w, m, info, err);
	}
	ret = machine_check(w, info, err);
	if (ret)
		return ret;
	grown = realloc(w->info.machines, (number + 1) * sizeof(*grown));
	if (!grown)
		return ivt_error_set(err, -ENOMEM, "no memory for machine '%s'", info->name);
	w->info.machines = grown;
	m = &grown[number];
	ret = machine_info_copy(m, info);
	if (!ret)
		ret = ivt_uuid_make(m->uuid);
	w->machines[number] = (struct machine){ .dirfd = -1 };
	if (m->freq_hz == 0)
		m->freq_hz = UNKNOWN_CLOCK_HZ;
	dir_choose(w, m);
	if (ret)
		ivt_error_set(err, ret, "cannot add machine '%s': %s", info->name, strerror(-ret));
	else if (!w->memory)
		ret = machine_dir_make(w, number, err);
	w->info.n_machines++;
	if (!ret && !w->memory)
		ret = ivt_manifest_write(w->dirfd, &w->info, err);
	if (ret) {
		w->info.n_machines--;
		machine_undo(w, number);
		return ret;
	}
	*ret_machine = number;
	return 0;
}

static void streams_close(struct machine *machine)
{
	for (size_t cpu = 0; cpu < machine->n_streams; cpu++)
		if (machine->streams[cpu].fd >= 0)
			close(machine->streams[cpu].fd);
	free(machine->streams);
	machine->streams = NULL;
	machine->n_streams = 0;
}

void ivt_trace_writer_end_machine(struct ivt_trace_writer *w, uint32_t machine)
{
	if (machine < w->info.n_machines && !w->memory)
		streams_close(&w->machines[machine]);
}

struct ivt_machine_info *ivt_trace_writer_machine(struct ivt_trace_writer *w, uint32_t machine)
{
	return machine < w->info.n_machines ? &w->info.machines[machine] : NULL;
}

int ivt_trace_writer_find_machine(const struct ivt_trace_writer *w, const char *name,
				  uint32_t epoch)
{
	for (size_t i = 0; i < w->info.n_machines; i++)
		if (w->info.machines[i].kind == IVT_GUEST && w->info.machines[i].epoch == epoch &&
		    strcmp(w->info.machines[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *ivt_trace_writer_path(const struct ivt_trace_writer *w)
{
	return w->path;
}

int ivt_trace_writer_dirfd(const struct ivt_trace_writer *w)
{
	return w->dirfd;
}

struct ivt_trace_info *ivt_trace_writer_info(struct ivt_trace_writer *w)
{
	return &w->info;
}

const struct ivt_sync_log *ivt_trace_writer_log(const struct ivt_trace_writer *w)
{
	return &w->log;
}

struct ivt_trace_memory *ivt_trace_writer_memory(struct ivt_trace_writer *w)
{
	return w->memory;
}

void ivt_trace_writer_forget(struct ivt_trace_writer *w, uint64_t host_tsc)
{
	ivt_sync_log_forget(&w->log, host_tsc);
}

/* ---- the whole -------------------------------------------------------------------- */

static void reserve_release(struct ivt_trace_writer *w)
{
	if (w->reserve_fd >= 0)
		close(w->reserve_fd);
	w->reserve_fd = -1;
}

static void info_init(struct ivt_trace_info *info, const char *tool_version)
{
	struct timespec now;
	struct utsname uts;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	clock_gettime(CLOCK_REALTIME, &now);
	info->created_real_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	info->nr_cpus = cpus > 0 ? (uint32_t)cpus : 1;
	ivt_writer_boot_id(info->boot_id, sizeof(info->boot_id));
	snprintf(info->tool_version, sizeof(info->tool_version), "%s", tool_version);
	if (uname(&uts) == 0) {
		ivt_name_clean(info->hostname, sizeof(info->hostname), uts.nodename);
		ivt_name_clean(info->kernel_release, sizeof(info->kernel_release), uts.release);
	}
}

static int sync_create(struct ivt_trace_writer *w)
{
	uint8_t header[IVT_SYNC_BYTES];

	w->sync_fd = openat(w->dirfd, "sync.bin", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	/* locked until the recorder closes it or dies: see ivt_trace_finalise() */
	if (w->sync_fd < 0 || flock(w->sync_fd, LOCK_EX | LOCK_NB))
		return -errno;
	ivt_sync_header_encode(header, w->info.uuid, w->info.tsc_khz * 1000);
	return append_sync(w, header, NULL);
}

/* Not to be had is no failure: then the end of a full disk is an unclosed trace. */
void ivt_writer_reserve_make(struct ivt_trace_writer *w)
{
	static const char name[] = ".reserve";

	w->reserve_fd = openat(w->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->reserve_fd < 0)
		return;
	unlinkat(w->dirfd, name, 0);
	if (posix_fallocate(w->reserve_fd, 0, RESERVE_BYTES))
		reserve_release(w);
}

void ivt_writer_free(struct ivt_trace_writer *w)
{
	for (size_t i = 0; i < w->info.n_machines; i++) {
		streams_close(&w->machines[i]);
		if (w->machines[i].dirfd >= 0)
			close(w->machines[i].dirfd);
	}
	reserve_release(w);
	ivt_trace_memory_destroy(w->memory);
	if (w->sync_fd >= 0)
		close(w->sync_fd);
	if (w->dirfd >= 0)
		close(w->dirfd);
	ivt_sync_log_deinit(&w->log);
	ivt_trace_info_deinit(&w->info);
	free(w);
}

/* What could not be begun is not in the way of the next attempt. */
static void nothing_leave(struct ivt_trace_writer *w, const char *path)
{
	if (w->dirfd < 0)
		return;
	unlinkat(w->dirfd, "manifest.json", 0);
	unlinkat(w->dirfd, "sync.bin", 0);
	ignore_result(rmdir(path));
}

int ivt_trace_writer_create(const char *path, const char *tool_version,
			    struct ivt_trace_writer **ret, struct ivt_error *err)
{
	struct ivt_trace_writer *w = calloc(1, sizeof(*w));
	int status = 0;

	if (!w)
		return ivt_error_set(err, -ENOMEM, "no memory for a trace writer");
	w->dirfd = w->sync_fd = w->reserve_fd = -1;
	if (snprintf(w->path, sizeof(w->path), "%s", path) >= (int)sizeof(w->path))
		status = -ENAMETOOLONG;
	else if (mkdir(path, 0777))
		status = -errno;
	if (!status) {
		w->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		status = w->dirfd < 0 ? -errno : ivt_uuid_make(w->info.uuid);
	}
	if (!status) {
		info_init(&w->info, tool_version);
		status = sync_create(w);
	}
	if (!status)
		ivt_writer_reserve_make(w);
	if (status)
		ivt_error_set(err, status, "cannot create '%s': %s", path, strerror(-status));
	else
		status = ivt_trace_writer_checkpoint(w, err);
	if (status) {
		nothing_leave(w, path);
		ivt_writer_free(w);
		return status;
	}
	*ret = w;
	return 0;
}

int ivt_trace_writer_create_memory(uint64_t limit_bytes, const char *tool_version,
				   struct ivt_trace_writer **ret, struct ivt_error *err)
{
	struct ivt_trace_writer *w = calloc(1, sizeof(*w));

	if (!w || ivt_trace_memory_create(limit_bytes, &w->memory)) {
		free(w);
		return ivt_error_set(err, -ENOMEM, "no memory for a trace writer");
	}
	w->dirfd = w->sync_fd = w->reserve_fd = -1;
	info_init(&w->info, tool_version);
	*ret = w;
	return 0;
}

int ivt_trace_writer_checkpoint(struct ivt_trace_writer *w, struct ivt_error *err)
{
	if (w->memory)
		return 0;
	/* The metadata of a recording that dies says the best line known: as
	 * soon as the log has one, it is written. */
	for (uint32_t i = 0; i < w->info.n_machines; i++) {
		int ret = w->machines[i].has_line ? 0 : line_write(w, i, err);

		if (ret)
			return ret;
	}
	return ivt_manifest_write(w->dirfd, &w->info, err);
}

int ivt_trace_writer_rename(struct ivt_trace_writer *w, const char *path, struct ivt_error *err)
{
	int ret = 0;

	if (strlen(path) >= sizeof(w->path))
		ret = -ENAMETOOLONG;
	else if (renameat2(AT_FDCWD, w->path, AT_FDCWD, path, RENAME_NOREPLACE))
		ret = -errno;
	if (ret)
		return ivt_error_set(err, ret, "cannot create '%s': %s", path, strerror(-ret));
	strcpy(w->path, path);
	return 0;
}

int ivt_trace_writer_leave(struct ivt_trace_writer *w, struct ivt_error *err)
{
	int ret;

	reserve_release(w);
	clocks_write(w, NULL);
	w->info.is_closed = true;
	ret = ivt_manifest_write(w->dirfd, &w->info, err);
	ivt_writer_free(w);
	return ret;
}

int ivt_trace_writer_close(struct ivt_trace_writer *w, struct ivt_error *err)
{
	int ret = 0;

	if (!w)
		return 0;
	if (w->memory) {
		ivt_writer_free(w);
		return 0;
	}
	reserve_release(w);
	clocks_write(w, NULL);
	for (uint32_t i = 0; i < w->info.n_machines; i++) {
		int status = metadata_write(w, i, err);

		if (status)
			ret = status;
	}
	w->info.is_closed = ret == 0;
	if (!ret)
		ret = ivt_manifest_write(w->dirfd, &w->info, err);
	ivt_writer_free(w);
	return ret;
}
