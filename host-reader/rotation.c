// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host-reader/chunks.h"
#include "host-reader/message.h"
#include "host-reader/rotation.h"
#include "trace/remove.h"

#define POLL_NS	      100000000u
#define RETRY_NS      1000000000u
#define OLD_SNAPSHOTS 64 /* 6 s: records in the rings are older than the chunk */

/* A chunk that is begun: the machines' numbers in it. */
struct next {
	struct ivt_trace_writer *writer;
	uint32_t *machines; /* of rec->vms */
};

static bool is_due(const struct recording *rec, uint64_t now)
{
	const struct rotation_options *opt = &rec->opt->rotation;

	if (rec->sink.is_broken || now < rec->rotate_after_ns)
		return false;
	return (opt->time_ns && now - rec->chunk_began_ns >= opt->time_ns) ||
	       (opt->size_bytes && ivt_trace_writer_bytes(rec->sink.writer) >= opt->size_bytes);
}

/* The machine @number of the present chunk, as far as it holds in the next one. */
static int add_machine(struct recording *rec, struct next *next, uint32_t number,
		       uint32_t *ret_number, struct ivt_error *err)
{
	const struct ivt_machine_info *m = ivt_trace_writer_machine(rec->sink.writer, number);
	struct ivt_machine_info info = *m;

	info.epoch = 0;
	info.freq_hz = info.kind == IVT_HOST ? 1000000000u : 0;
	info.offset_s = info.offset = info.line_residual_ns = 0;
	return ivt_trace_writer_add_machine(next->writer, &info, ret_number, err);
}

static int fill(struct recording *rec, struct next *next, struct ivt_error *err)
{
	struct ivt_trace_info *info = ivt_trace_writer_info(next->writer);
	uint32_t host;
	size_t i;
	int ret;

	chunks_describe(rec->chunks, true, &info->chunk);
	info->tsc_khz = ivt_trace_writer_info(rec->sink.writer)->tsc_khz;
	ret = add_machine(rec, next, 0, &host, err);
	for (i = 0; i < rec->n_vms && !ret; i++)
		ret = add_machine(rec, next, rec->vms[i]->machine, &next->machines[i], err);
	if (!ret)
		ret = ivt_trace_writer_inherit(next->writer, rec->sink.writer, OLD_SNAPSHOTS, err);
	return ret;
}

/* It was not begun: out of the way of the next attempt. */
static void abandon(struct recording *rec, struct next *next)
{
	ivt_trace_writer_close(next->writer, NULL);
	ivt_trace_remove(chunks_next_path(rec->chunks), NULL);
}

static int begin_next(struct recording *rec, struct next *next, struct ivt_error *err)
{
	int ret;

	next->machines = calloc(rec->n_vms ? rec->n_vms : 1, sizeof(*next->machines));
	if (!next->machines)
		return ivt_error_set(err, -ENOMEM, "no memory for the next chunk");
	ret = ivt_trace_writer_create(chunks_next_path(rec->chunks), IVT_VERSION, &next->writer,
				      err);
	if (ret)
		return ret;
	ret = fill(rec, next, err);
	if (ret)
		abandon(rec, next);
	return ret;
}

/* All that the present chunk is to say of what it has. */
static void account_all(struct recording *rec)
{
	struct ivt_error err = { "" };
	size_t i;

	if (recording_snapshot_clocks(rec, &err) && !rec->sink.is_full)
		message("%s", err.msg);
	if (rec->ht)
		host_trace_account(rec->ht);
	for (i = 0; i < rec->n_vms; i++) {
		vm_account(rec->vms[i]);
		vm_finish_clock(rec->vms[i]);
	}
}

static void close_present(struct recording *rec, struct ivt_trace_writer *writer)
{
	struct ivt_trace_info *info = ivt_trace_writer_info(writer);
	const char *next = strrchr(chunks_next_path(rec->chunks), '/');
	struct ivt_error err = { "" };

	next = next ? next + 1 : chunks_next_path(rec->chunks);
	snprintf(info->chunk.next, sizeof(info->chunk.next), "%s", next);
	chunks_advance(rec->chunks, info);
	if (ivt_trace_writer_close(writer, &err))
		message("%s (it is not closed, and can be read)", err.msg);
}

/* From here on records come into the next chunk. */
static void go_on(struct recording *rec, const struct next *next)
{
	struct ivt_trace_writer *present = rec->sink.writer;
	struct ivt_error err = { "" };
	struct vm *vm;
	size_t i;

	rec->sink.writer = next->writer;
	if (recording_snapshot_clocks(rec, &err) && !rec->sink.is_full)
		message("%s", err.msg);
	if (rec->ht)
		host_trace_begin_chunk(rec->ht);
	for (i = 0; i < rec->n_vms; i++)
		vm_begin_chunk(rec->vms[i], next->machines[i]);
	for (vm = rec->leaving; vm; vm = vm->next_leaving)
		vm->is_pending = true; /* it has no machine any more */
	close_present(rec, present);
	rec->chunk_began_ns = now_ns();
	rotation_update_quotas(rec);
}

static void rotate(struct recording *rec, uint64_t now)
{
	struct next next = { 0 };
	struct ivt_error err = { "" };

	/* The disk may have room again later. */
	if (begin_next(rec, &next, &err)) {
		if (!rec->is_rotation_told)
			message("cannot begin the next chunk: %s (the recording goes on in '%s')",
				err.msg, chunks_path(rec->chunks));
		rec->is_rotation_told = true;
		rec->rotate_after_ns = now + RETRY_NS;
	} else {
		account_all(rec);
		go_on(rec, &next);
		rec->is_rotation_told = false;
		message("goes on in '%s'", chunks_path(rec->chunks));
	}
	free(next.machines);
}

void rotation_update_quotas(struct recording *rec)
{
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		vm_set_kept_bytes(rec->vms[i],
				  chunks_vm_bytes(rec->chunks, rec->vms[i]->spec.name));
}

void rotation_keep_house(struct recording *rec)
{
	uint64_t now = now_ns();

	if (is_due(rec, now))
		rotate(rec, now);
	if (now - rec->chunks_polled_ns < POLL_NS)
		return;
	rec->chunks_polled_ns = now;
	if (chunks_poll(rec->chunks))
		rotation_update_quotas(rec);
}
