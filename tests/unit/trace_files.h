/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces for the tests of trace/: a folder that goes away, a writer with
 * snapshots, streams of heartbeats and marks, and what a merge gives of them.
 */
#ifndef IVT_TESTS_TRACE_FILES_H
#define IVT_TESTS_TRACE_FILES_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>
#include <ivring/events.h>
#include "trace/packet.h"
#include "trace/trace_reader.h"
#include "trace/trace_writer.h"

static char folder[64], trace_path[80];
static struct ivt_error err;

#define OK(call) ck_assert_msg((call) == 0, "%s: %s", #call, err.msg)

static inline void folder_make(void)
{
	/* in memory where there is such a place: thousands of small files */
	strcpy(folder,
	       access("/dev/shm", W_OK) ? "/tmp/ivt-unit-XXXXXX" : "/dev/shm/ivt-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(trace_path, sizeof(trace_path), "%s/t.ivt", folder);
}

static inline void folder_remove(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

static inline struct ivt_trace_writer *writer_make(void)
{
	struct ivt_trace_writer *w;

	OK(ivt_trace_writer_create(trace_path, "test", &w, &err));
	return w;
}

static inline uint32_t machine_add(struct ivt_trace_writer *w, const char *name)
{
	struct ivt_machine_info info = { .qemu_pid = -1 };
	uint32_t machine;

	info.kind = strcmp(name, "host") ? IVT_GUEST : IVT_HOST;
	info.clock = info.kind == IVT_HOST ? IVT_CLOCK_MONO_NS : IVT_CLOCK_TSC;
	strcpy(info.name, name);
	OK(ivt_trace_writer_add_machine(w, &info, &machine, &err));
	return machine;
}

static inline void clock_add(struct ivt_trace_writer *w, uint32_t machine, uint32_t vcpu,
			     uint64_t from_host_tsc, struct tsc_sync_scale scale)
{
	struct tsc_sync_entry entry = { .from_host_tsc = from_host_tsc,
					.scale = scale,
					.vcpu = vcpu };

	OK(ivt_trace_writer_clock(w, machine, &entry, 0, &err));
}

static inline void snapshot_add(struct ivt_trace_writer *w, uint64_t tsc, uint64_t mono_ns)
{
	struct tsc_sync_snapshot snap = { .host_tsc = tsc,
					  .mono_ns = mono_ns,
					  .real_ns = 1700000000000000000ull + mono_ns,
					  .half_width_tsc = 30 };

	OK(ivt_trace_writer_snapshot(w, &snap, &err));
}

/* A heartbeat, or with @text a mark; returns its size. */
static inline size_t record_put(void *to, uint64_t tsc, uint32_t tid, const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;
	struct ivring_record rec = { .tsc = tsc,
				     .type = text ? IVT_TYPE_ivtrace_mark : IVT_TYPE_ivtrace_beat,
				     .size = (uint16_t)((sizeof(rec) + len + 7) & ~7u),
				     .ctx = tid };

	memset(to, 0, rec.size);
	memcpy(to, &rec, sizeof(rec));
	if (text)
		memcpy((char *)to + sizeof(rec), text, len);
	return rec.size;
}

/* Heartbeats at @tsc[0..n), tid = index + @tid, in one packet. */
static inline void beats_append(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
				const uint64_t *tsc, size_t n, uint32_t tid, uint64_t lost)
{
	char *bytes = malloc(n * sizeof(struct ivring_record) + 1);
	struct iovec iov = { bytes, 0 };

	for (size_t i = 0; i < n; i++)
		iov.iov_len += record_put(bytes + iov.iov_len, tsc[i], tid + (uint32_t)i, NULL);
	OK(ivt_trace_writer_append(w, machine, cpu, &iov, 1, lost, 0, &err));
	free(bytes);
}

static inline struct ivt_trace *trace_open(void)
{
	struct ivt_trace *t;

	OK(ivt_trace_open(trace_path, &t, &err));
	return t;
}

/* All events of a merge; *ret_n of them; free() them. */
static inline struct ivt_event *events_of(struct ivt_trace *t, const struct ivt_merge_options *opt,
					  size_t *ret_n)
{
	struct ivt_event *all = NULL, event;
	struct ivt_merge *m;
	size_t n = 0;

	OK(ivt_merge_create(t, opt, &m, &err));
	while (ivt_merge_next(m, &event)) {
		if ((n & (n - 1)) == 0)
			all = realloc(all, (n ? 2 * n : 1) * sizeof(*all));
		all[n++] = event;
	}
	ivt_merge_destroy(m);
	*ret_n = n;
	return all;
}

static inline bool has_warning(const struct ivt_trace *t, const char *part)
{
	const char *text;

	for (size_t i = 0; (text = ivt_trace_warning(t, i)); i++)
		if (strstr(text, part))
			return true;
	return false;
}

static inline char *in_trace(const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", trace_path, name);
	return path;
}

static inline uint64_t file_bytes(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(in_trace(name), &st), 0);
	return (uint64_t)st.st_size;
}

static inline char *file_get(const char *name, size_t *ret_bytes)
{
	FILE *f = fopen(in_trace(name), "re");
	char *data = malloc(file_bytes(name) + 1);

	ck_assert_ptr_nonnull(f);
	*ret_bytes = fread(data, 1, file_bytes(name) + 1, f);
	fclose(f);
	return data;
}

static inline void file_put(const char *name, const void *data, size_t bytes)
{
	FILE *f = fopen(in_trace(name), "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, bytes, f), bytes);
	ck_assert_int_eq(fclose(f), 0);
}

#endif /* IVT_TESTS_TRACE_FILES_H */
