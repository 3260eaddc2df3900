// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The trace of a recording: begun, or one whose recorder was killed (record
 * --resume).  Each VM goes on by itself (vm_resume.c).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/recording.h"
#include "host-reader/vm/vm_journal.h"

/* The host is machine 0 in every trace, with or without events of its own. */
static int add_host(struct recording *rec, struct ivt_error *err)
{
	struct ivt_machine_info info;
	uint32_t machine;

	chunks_describe(rec->chunks, false, &ivt_trace_writer_info(rec->sink.writer)->chunk);
	memset(&info, 0, sizeof(info));
	snprintf(info.name, sizeof(info.name), "host");
	info.kind = IVT_HOST;
	info.clock = IVT_CLOCK_MONO_NS;
	info.freq_hz = 1000000000u;
	info.qemu_pid = -1;
	return ivt_trace_writer_add_machine(rec->sink.writer, &info, &machine, err);
}

static int begin(struct recording *rec, struct ivt_error *err)
{
	int ret;

	if (rec->flight)
		ret = ivt_trace_writer_create_memory(rec->opt->flight.host_memory_bytes,
						     IVT_VERSION, &rec->sink.writer, err);
	else
		ret = ivt_trace_writer_create(chunks_path(rec->chunks), IVT_VERSION,
					      &rec->sink.writer, err);
	return ret ? ret : add_host(rec, err);
}

/* What the host did meanwhile was seen by nobody. */
static int note_gap(struct recording *rec, struct ivt_error *err)
{
	const struct tsc_sync_snapshot *last = ivt_trace_writer_last_snapshot(rec->sink.writer);
	struct ivt_gap gap = { .to_ns = now_ns() };
	int ret;

	gap.from_ns = last ? last->mono_ns : gap.to_ns;
	ret = ivt_trace_info_add_gap(ivt_trace_writer_info(rec->sink.writer), &gap);
	if (ret)
		return ivt_error_set(err, ret, "cannot go on in '%s': %s", chunks_path(rec->chunks),
				     ret == -ENOSPC ? "its recorders died too often"
						    : strerror(-ret));
	message("going on in '%s', which nobody recorded for %.3f s", chunks_path(rec->chunks),
		(double)(gap.to_ns - gap.from_ns) / 1e9);
	ret = ivt_trace_writer_checkpoint(rec->sink.writer, err);
	return ret == -ENOSPC ? 0 : ret; /* the next checkpoint says it */
}

static int go_on_with_host(struct recording *rec, struct ivt_error *err)
{
	const struct ivt_machine_info *host = ivt_trace_writer_machine(rec->sink.writer, 0);
	size_t i;
	int ret = 0;

	if (!host)
		return add_host(rec, err);
	for (i = 0; i < host->n_streams && !ret; i++)
		ret = ivt_trace_writer_reopen_stream(rec->sink.writer, 0, host->streams[i].cpu,
						     NULL, err);
	return ret;
}

int recording_open_trace(struct recording *rec, struct ivt_error *err)
{
	int ret;

	if (!rec->opt->does_resume)
		return begin(rec, err);
	ret = ivt_trace_writer_resume(chunks_path(rec->chunks), &rec->sink.writer, err);
	/* Of chunks the last one may have been closed; then the next is due. */
	if (ret == -EALREADY && rotation_is_wanted(&rec->opt->rotation)) {
		chunks_skip(rec->chunks);
		ret = -ENOENT;
	}
	if (ret == -ENOENT)
		return begin(rec, err);
	if (!ret)
		ret = note_gap(rec, err);
	return ret ? ret : go_on_with_host(rec, err);
}

/* The next VM of the trace @dirfd that nobody named this time: 0 with *ret. */
static int next_unnamed(struct recording *rec, int dirfd, size_t *i, struct vm_spec *ret)
{
	struct vm_state *s;
	int err;

	while (!(err = vm_state_read_nth(dirfd, *i, &s)) || err == -EILSEQ) {
		bool is_unnamed;

		(*i)++;
		if (err)
			continue;
		is_unnamed = !recording_find_vm(rec, s->spec.name);
		*ret = s->spec;
		free(s);
		if (is_unnamed)
			return 0;
	}
	return err;
}

static void go_on_with_unnamed(struct recording *rec, const struct vm_spec *spec)
{
	struct ivt_error err = { "" };

	if (access(spec->path, F_OK))
		message("%s: its region '%s' is gone (it is not recorded any more)", spec->name,
			spec->path);
	else if (recording_add_vm(rec, spec, &err))
		message("%s (it is not recorded any more)", err.msg);
}

static void go_on_with_all_of(struct recording *rec, int dirfd)
{
	struct vm_spec *specs = calloc(RECORDING_MAX_VMS, sizeof(*specs));
	size_t i = 0, n = 0;

	/* All, before the first is begun: that makes and removes such files. */
	while (specs && n < RECORDING_MAX_VMS && !next_unnamed(rec, dirfd, &i, &specs[n]))
		n++;
	for (i = 0; i < n; i++)
		go_on_with_unnamed(rec, &specs[i]);
	free(specs);
}

void recording_resume_vms(struct recording *rec)
{
	char before[PATH_MAX];
	int dirfd;

	go_on_with_all_of(rec, ivt_trace_writer_dirfd(rec->sink.writer));
	/* Killed between two chunks it left some of them there. */
	dirfd = vm_open_chunk_before(rec->sink.writer, before, sizeof(before));
	if (dirfd < 0)
		return;
	go_on_with_all_of(rec, dirfd);
	close(dirfd);
}

void recording_abandon_trace(struct recording *rec)
{
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		rec->vms[i]->sink = NULL; /* their guests record on */
	ivt_trace_writer_abandon(rec->sink.writer);
	rec->sink.writer = NULL;
}
