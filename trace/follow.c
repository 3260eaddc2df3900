// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In each poll the clock log is read first, then the directories, then the
 * streams: what the watermark promises is in the files by then.
 */
#include "trace/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <ivring/events.h>
#include "trace/follow_clock.h"
#include "trace/follow_stream.h"
#include "trace/file_replace.h"
#include "trace/manifest.h"
#include "trace/reader_state.h"
#include "trace/stream_list.h"

#define NSEC_PER_SEC   1000000000ull
#define LATE_SLACK_NS  (10 * NSEC_PER_SEC) /* as trace_reader.c */
#define UNPLACED_NS    NSEC_PER_SEC	   /* others wait for a clock */
#define SILENCE_NS     NSEC_PER_SEC	   /* of the clock log: is its recorder dead? */
#define MTIME_GRAIN_NS (100 * 1000000ull)  /* a directory that changed just now may again */

struct follow_machine {
	int dirfd; /* -1: not there (yet) */
	uint8_t uuid[16];
	struct timespec scanned; /* the directory's mtime then */
	bool is_scan_certain;
	uint64_t seen_ns; /* host time when its records first wanted a clock; 0: never */
};

struct ivt_follow {
	struct ivt_trace trace; /* path, directory, manifest; formats of ftrace */
	struct follow_machine machines[IVT_MAX_MACHINES];
	size_t n_machines;
	struct stat manifest;
	struct ivt_follow_clock clock;
	struct ivt_follow_stream **streams;
	size_t n_streams;
	struct ivt_follow_stream **heap; /* those with a head; the earliest first */
	size_t n_heap;
	uint64_t watermark_ns;
	uint64_t last_ns;     /* of what was handed out */
	uint64_t progress_ns; /* local time when the clock log last grew */
	bool from_now;
	bool is_lent; /* the heap's first was handed out */
	bool is_last; /* nothing comes any more */
	bool was_killed;
	bool is_begun; /* its recorder was seen, or not */
	uint64_t n_records, n_late;
};

static uint64_t local_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- the heap -------------------------------------------------------------------------- */

/* As the merge orders: by time, machine, stream. */
static bool is_before(const struct ivt_follow_stream *a, const struct ivt_follow_stream *b)
{
	if (a->head.host_ns != b->head.host_ns)
		return a->head.host_ns < b->head.host_ns;
	if (a->file.machine != b->file.machine)
		return a->file.machine < b->file.machine;
	return a->file.cpu < b->file.cpu;
}

static void heap_sink(struct ivt_follow *f, size_t i)
{
	struct ivt_follow_stream *s = f->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < f->n_heap && is_before(f->heap[child + 1], f->heap[child]))
			child++;
		if (child >= f->n_heap || !is_before(f->heap[child], s))
			break;
		f->heap[i] = f->heap[child];
		i = child;
	}
	f->heap[i] = s;
}

static void heap_build(struct ivt_follow *f)
{
	f->n_heap = 0;
	for (size_t i = 0; i < f->n_streams; i++)
		if (f->streams[i]->has_head)
			f->heap[f->n_heap++] = f->streams[i];
	for (size_t i = f->n_heap / 2; i-- > 0;)
		heap_sink(f, i);
}

/* The one that was handed out last is passed only now: its payload was lent. */
static void pass_last(struct ivt_follow *f)
{
	struct ivt_follow_stream *s = f->heap[0];

	f->is_lent = false;
	/* an error shows up as the stream's end, and again in the next poll */
	ivt_follow_stream_advance(s, f->is_last);
	if (!s->has_head)
		f->heap[0] = f->heap[--f->n_heap];
	if (f->n_heap)
		heap_sink(f, 0);
}

/* ---- machines and their streams ------------------------------------------------------------ */

/* Where the recorder was when it wrote the manifest: a packet's first byte. */
static uint64_t start_of(const struct ivt_follow *f, uint32_t machine, const char *name)
{
	const struct ivt_machine_info *m = &f->trace.info.machines[machine];

	for (size_t i = 0; f->from_now && i < m->n_streams; i++)
		if (!strcmp(m->streams[i].file, name))
			return m->streams[i].bytes;
	return 0;
}

static bool has_stream(const struct ivt_follow *f, uint32_t machine, uint32_t number)
{
	for (size_t i = 0; i < f->n_streams; i++)
		if (f->streams[i]->file.machine == machine && f->streams[i]->file.cpu == number)
			return true;
	return false;
}

static int stream_add(struct ivt_follow *f, uint32_t machine, uint32_t number)
{
	size_t bytes = (f->n_streams + 1) * sizeof(struct ivt_follow_stream *);
	struct ivt_follow_stream **grown, *s;
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "cpu_%u", number);
	grown = realloc(f->streams, bytes);
	if (!grown)
		return -ENOMEM;
	f->streams = grown;
	grown = realloc(f->heap, bytes);
	if (!grown)
		return -ENOMEM;
	f->heap = grown;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	ret = ivt_follow_stream_open(s, f->machines[machine].dirfd, name, machine, number,
				     f->machines[machine].uuid, start_of(f, machine, name));
	if (ret) {
		free(s);
		/* one that cannot be read is no reason to leave the others */
		return ret == -ENOMEM ? ret : 0;
	}
	f->streams[f->n_streams++] = s;
	return 0;
}

static int machine_scan(struct ivt_follow *f, uint32_t machine)
{
	DIR *dir = ivt_dir_open(f->machines[machine].dirfd);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		uint32_t number = ivt_stream_number(entry->d_name);

		if (number != UINT32_MAX && !has_stream(f, machine, number))
			ret = stream_add(f, machine, number);
	}
	closedir(dir);
	return ret;
}

/* New files since the last look?  An mtime has the kernel's tick as its grain. */
static int machine_look(struct ivt_follow *f, uint32_t machine)
{
	struct follow_machine *m = &f->machines[machine];
	struct timespec now;
	struct stat st;
	int64_t age_ns;

	if (m->dirfd < 0)
		m->dirfd = openat(f->trace.dirfd, f->trace.info.machines[machine].dir,
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (m->dirfd < 0 || fstat(m->dirfd, &st))
		return 0;
	if (m->is_scan_certain && st.st_mtim.tv_sec == m->scanned.tv_sec &&
	    st.st_mtim.tv_nsec == m->scanned.tv_nsec)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	age_ns = (now.tv_sec - st.st_mtim.tv_sec) * (int64_t)NSEC_PER_SEC +
		 (now.tv_nsec - st.st_mtim.tv_nsec);
	m->scanned = st.st_mtim;
	m->is_scan_certain = age_ns > (int64_t)MTIME_GRAIN_NS;
	return machine_scan(f, machine);
}

/* ---- the manifest --------------------------------------------------------------------------- */

/* Machines are added, never changed. */
static bool is_grown(const struct ivt_follow *f, const struct ivt_trace_info *info)
{
	if (info->n_machines < f->n_machines)
		return false;
	for (size_t i = 0; i < f->n_machines; i++)
		if (memcmp(info->machines[i].uuid, f->machines[i].uuid, 16) != 0)
			return false;
	return true;
}

static void info_take(struct ivt_follow *f, const struct ivt_trace_info *info)
{
	struct ivt_machine_streams *grown;

	grown = realloc(f->trace.machines, (info->n_machines + 1) * sizeof(*grown));
	if (!grown)
		return;
	f->trace.machines = grown;
	ivt_trace_info_deinit(&f->trace.info);
	f->trace.info = *info;
	for (; f->n_machines < info->n_machines; f->n_machines++) {
		struct follow_machine *m = &f->machines[f->n_machines];

		*m = (struct follow_machine){ .dirfd = -1 };
		memcpy(m->uuid, info->machines[f->n_machines].uuid, sizeof(m->uuid));
		grown[f->n_machines] = (struct ivt_machine_streams){ .files = NULL };
	}
}

/* One that cannot be read is taken for one that is being written. */
static void manifest_look(struct ivt_follow *f)
{
	struct ivt_trace_info info;
	struct stat st;

	if (fstatat(f->trace.dirfd, "manifest.json", &st, AT_SYMLINK_NOFOLLOW) ||
	    (st.st_ino == f->manifest.st_ino && st.st_size == f->manifest.st_size &&
	     st.st_mtim.tv_sec == f->manifest.st_mtim.tv_sec &&
	     st.st_mtim.tv_nsec == f->manifest.st_mtim.tv_nsec))
		return;
	if (ivt_manifest_read(f->trace.dirfd, &info, NULL))
		return;
	f->manifest = st;
	if (!is_grown(f, &info) || info.n_machines > IVT_MAX_MACHINES) {
		ivt_trace_info_deinit(&info);
		return;
	}
	info_take(f, &info);
}

/* ---- the end ---------------------------------------------------------------------------------- */

/*
 * Does anybody hold the recorder's lock on the clock log?  Asking by taking it
 * would be in the way of who wants it in earnest.
 */
static bool is_locked(const struct ivt_follow *f)
{
	char line[256], want[64];
	bool found = false;
	struct stat st;
	FILE *locks;

	if (f->clock.fd < 0 || fstat(f->clock.fd, &st))
		return false;
	locks = fopen("/proc/locks", "re");
	if (!locks)
		return true;
	/* the device is not what stat() says on some file systems */
	snprintf(want, sizeof(want), ":%llu ", (unsigned long long)st.st_ino);
	while (!found && fgets(line, sizeof(line), locks))
		found = strstr(line, "FLOCK") && strstr(line, "WRITE") && strstr(line, want);
	fclose(locks);
	return found;
}

static void end_look(struct ivt_follow *f)
{
	uint64_t now = local_ns();

	if (f->trace.info.is_closed) {
		f->is_last = true;
	} else if (now - f->progress_ns > SILENCE_NS || (!f->is_begun && f->clock.at_bytes)) {
		f->progress_ns = now;
		f->is_begun = true;
		f->is_last = !is_locked(f);
		/* or was it closed since the manifest was read? */
		if (f->is_last)
			manifest_look(f);
		f->was_killed = f->is_last && !f->trace.info.is_closed;
	}
}

/* ---- a poll ------------------------------------------------------------------------------------ */

static int clock_look(struct ivt_follow *f, struct ivt_error *err)
{
	int ret = ivt_follow_clock_poll(&f->clock, f->trace.dirfd);

	if (ret < 0)
		return ivt_error_set(err, ret, "cannot follow '%s/sync.bin': %s", f->trace.path,
				     ret == -EINVAL ? "not a clock log" : strerror(-ret));
	if (ret)
		f->progress_ns = local_ns();
	return 0;
}

static uint64_t last_snapshot_ns(const struct ivt_follow *f)
{
	return f->clock.n_snapshots ? f->clock.snapshots[f->clock.n_snapshots - 1].mono_ns : 0;
}

static int stream_look(struct ivt_follow *f, struct ivt_follow_stream *s)
{
	uint32_t machine = s->file.machine;
	uint64_t snapshot_ns = last_snapshot_ns(f);

	s->is_placed = ivt_follow_clock_map(&f->clock, machine, &f->trace.info.machines[machine],
					    s->file.cpu, f->is_last, &s->file.map);
	if (!s->is_placed)
		return 0;
	if (s->file.map.kind != IVT_MAP_LINE && snapshot_ns)
		s->file.limit_ns = snapshot_ns + LATE_SLACK_NS;
	ivt_clock_cursor_init(&s->walk.clock);
	ivt_follow_stream_redo(s);
	return s->has_head ? 0 : ivt_follow_stream_advance(s, f->is_last);
}

/* Is there a stream that has not waited long enough for its clock? */
static bool is_clock_awaited(struct ivt_follow *f)
{
	uint64_t now_ns = last_snapshot_ns(f);
	bool is_awaited = false;

	for (size_t i = 0; i < f->n_streams; i++) {
		struct ivt_follow_stream *s = f->streams[i];
		struct follow_machine *m = &f->machines[s->file.machine];

		if (s->is_placed)
			continue;
		if (!m->seen_ns && ivt_follow_stream_is_waiting(s))
			m->seen_ns = now_ns;
		is_awaited |= m->seen_ns && now_ns - m->seen_ns < UNPLACED_NS;
	}
	return is_awaited;
}

static void watermark_move(struct ivt_follow *f)
{
	uint64_t ns = last_snapshot_ns(f);

	if (f->is_last)
		f->watermark_ns = UINT64_MAX;
	else if (ns > IVT_FOLLOW_HOLD_NS && !is_clock_awaited(f))
		f->watermark_ns = ns - IVT_FOLLOW_HOLD_NS;
}

int ivt_follow_poll(struct ivt_follow *f, struct ivt_error *err)
{
	int ret;

	if (f->is_lent)
		pass_last(f);
	ret = clock_look(f, err);
	if (ret)
		return ret;
	manifest_look(f);
	if (!f->is_last)
		end_look(f);
	/* what was written before that end was noticed */
	if (f->is_last)
		ret = clock_look(f, err);
	for (uint32_t i = 0; i < f->n_machines && !ret; i++)
		ret = machine_look(f, i);
	for (size_t i = 0; i < f->n_streams && !ret; i++)
		ret = stream_look(f, f->streams[i]);
	if (ret)
		return ivt_error_set(err, ret, "cannot follow '%s': %s", f->trace.path,
				     strerror(-ret));
	watermark_move(f);
	heap_build(f);
	return 0;
}

/* ---- handing out --------------------------------------------------------------------------------- */

static void formats_take(struct ivt_follow *f, const struct ivt_event *ev)
{
	struct ivt_machine_streams *streams = &f->trace.machines[ev->machine];
	struct ivt_ftrace_formats *grown = ivt_ftrace_formats_add(streams->ftrace, ev);

	if (grown)
		streams->ftrace = grown;
}

int ivt_follow_next(struct ivt_follow *f, struct ivt_event *ret)
{
	if (f->is_lent)
		pass_last(f);
	if (!f->n_heap || f->heap[0]->head.host_ns > f->watermark_ns)
		return 0;
	*ret = f->heap[0]->head;
	f->is_lent = true;
	f->n_records++;
	f->n_late += ret->host_ns < f->last_ns;
	if (ret->host_ns > f->last_ns)
		f->last_ns = ret->host_ns;
	if (ret->type == IVT_TYPE_ivtrace_format)
		formats_take(f, ret);
	return 1;
}

bool ivt_follow_is_over(const struct ivt_follow *f)
{
	return f->is_last && !f->n_heap;
}

/* ---- open and close --------------------------------------------------------------------------------- */

static int follow_open(struct ivt_follow *f, struct ivt_error *err)
{
	struct ivt_error why = { "" };
	int ret = ivt_manifest_read(f->trace.dirfd, &f->trace.info, &why);

	if (ret == -ENOENT)
		return ivt_error_set(err, -EINVAL, "'%s' is not a trace: it has no manifest.json",
				     f->trace.path);
	if (ret)
		return ivt_error_set(err, ret, "cannot read '%s': %s", f->trace.path, why.msg);
	/* read again in the first poll, which takes its machines */
	ivt_trace_info_deinit(&f->trace.info);
	memset(&f->trace.info, 0, sizeof(f->trace.info));
	return ivt_follow_poll(f, err);
}

int ivt_follow_open(const char *path, bool from_now, struct ivt_follow **ret, struct ivt_error *err)
{
	struct ivt_follow *f = calloc(1, sizeof(*f));
	int status;

	if (!f)
		return ivt_error_set(err, -ENOMEM, "no memory for a trace");
	ivt_follow_clock_init(&f->clock);
	f->from_now = from_now;
	f->progress_ns = local_ns();
	f->trace.path = strdup(path);
	f->trace.dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->trace.dirfd < 0)
		status = ivt_error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	else if (!f->trace.path)
		status = ivt_error_set(err, -ENOMEM, "no memory for a trace");
	else
		status = follow_open(f, err);
	if (status) {
		ivt_follow_close(f);
		return status;
	}
	*ret = f;
	return 0;
}

void ivt_follow_close(struct ivt_follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_streams; i++) {
		ivt_follow_stream_close(f->streams[i]);
		free(f->streams[i]);
	}
	free(f->streams);
	free(f->heap);
	for (size_t i = 0; i < f->n_machines; i++) {
		if (f->machines[i].dirfd >= 0)
			close(f->machines[i].dirfd);
		ivt_ftrace_formats_destroy(f->trace.machines[i].ftrace);
	}
	free(f->trace.machines);
	ivt_follow_clock_deinit(&f->clock);
	ivt_trace_info_deinit(&f->trace.info);
	if (f->trace.dirfd >= 0)
		close(f->trace.dirfd);
	free(f->trace.path);
	free(f);
}

/* ---- questions ----------------------------------------------------------------------------------------- */

bool ivt_follow_was_killed(const struct ivt_follow *f)
{
	return f->was_killed;
}

const struct ivt_trace_info *ivt_follow_info(const struct ivt_follow *f)
{
	return &f->trace.info;
}

struct ivt_trace *ivt_follow_trace(struct ivt_follow *f)
{
	return &f->trace;
}

void ivt_follow_stats(const struct ivt_follow *f, struct ivt_follow_stats *ret)
{
	*ret = (struct ivt_follow_stats){ .records = f->n_records, .late = f->n_late };
	for (size_t i = 0; i < f->n_streams; i++) {
		const struct ivt_follow_stream *s = f->streams[i];

		ret->lost += s->file.lost;
		ret->refused_bytes += s->walk.state.refused_bytes;
		ret->n_unplaced += !s->is_placed;
	}
}
