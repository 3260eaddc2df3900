// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/chunks.h"
#include "host-reader/recording/rotation.h"
#include "host-reader/vm/vm_journal.h"
#include "trace/remove.h"

#define POLL_NS		  100000000u
#define RETRY_NS	  1000000000u
#define MACHINES_PER_TURN 4  /* some ms */
#define OLD_SNAPSHOTS	  64 /* 6 s: records in the rings are older than the chunk */

static bool is_due(const struct recording *rec, uint64_t now)
{
	const struct rotation_options *opt = &rec->opt->rotation;

	if (rec->sink.is_broken || now < rec->rotate_after_ns)
		return false;
	return (opt->time_ns && now - rec->chunk_began_ns >= opt->time_ns) ||
	       (opt->size_bytes && ivt_trace_writer_bytes(rec->sink.writer) >= opt->size_bytes);
}

/* ---- the next one is made ---------------------------------------------------------- */

/* The machine @number of the present chunk, as far as it holds in the next one. */
static int add_machine(struct recording *rec, uint32_t number, struct ivt_error *err)
{
	struct ivt_machine_info info = *ivt_trace_writer_machine(rec->sink.writer, number);
	uint32_t ret_number;

	info.epoch = 0;
	info.freq_hz = info.kind == IVT_HOST ? 1000000000u : 0;
	info.offset_s = info.offset = info.line_residual_ns = 0;
	return ivt_trace_writer_add_machine(rec->next, &info, &ret_number, err);
}

/* What a recorder that was killed had made of it. */
static void remove_half_made(const char *path)
{
	struct ivt_trace_writer *w;

	if (access(path, F_OK) || !ivt_trace_remove(path, NULL))
		return;
	/* No trace yet: the attempt to go on in it removes that. */
	if (!ivt_trace_writer_resume(path, &w, NULL))
		ivt_trace_writer_abandon(w);
}

/* Under a name of its own: nobody takes it for a chunk until it is one. */
static int begin_next(struct recording *rec, struct ivt_error *err)
{
	struct ivt_trace_info *info;
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s.new", chunks_next_path(rec->chunks));
	remove_half_made(path);
	ret = ivt_trace_writer_create(path, IVT_VERSION, &rec->next, err);
	if (ret)
		return ret;
	info = ivt_trace_writer_info(rec->next);
	chunks_describe(rec->chunks, true, &info->chunk);
	info->tsc_khz = ivt_trace_writer_info(rec->sink.writer)->tsc_khz;
	return add_machine(rec, 0, err);
}

static bool has_machine(const struct recording *rec, const struct vm *vm)
{
	return ivt_trace_writer_find_machine(rec->next, vm->spec.name, 0) >= 0;
}

/* Some machines in each turn: the rings do not wait.  1 when all are there; 0; -errno. */
static int make_next(struct recording *rec, struct ivt_error *err)
{
	unsigned int n = 0;
	size_t i;
	int ret = rec->next ? 0 : begin_next(rec, err);

	for (i = 0; i < rec->n_vms && !ret && n < MACHINES_PER_TURN; i++) {
		if (has_machine(rec, rec->vms[i]))
			continue;
		ret = add_machine(rec, rec->vms[i]->machine, err);
		n++;
	}
	return ret ? ret : n < MACHINES_PER_TURN;
}

/* It was not begun: out of the way of the next attempt. */
static void abandon_next(struct recording *rec)
{
	char path[PATH_MAX];

	if (!rec->next)
		return;
	snprintf(path, sizeof(path), "%s", ivt_trace_writer_path(rec->next));
	ivt_trace_writer_leave(rec->next, NULL);
	ivt_trace_remove(path, NULL);
	rec->next = NULL;
}

/* ---- the present one ends ----------------------------------------------------------- */

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
	if (ivt_trace_writer_leave(writer, &err))
		message("%s (it is not closed, and can be read)", err.msg);
}

/* What has become known of the machine while the next chunk was made. */
static void renew_machine(const struct recording *rec, struct vm *vm, uint32_t number)
{
	const struct ivt_machine_info *from =
		ivt_trace_writer_machine(rec->sink.writer, vm->machine);
	struct ivt_machine_info *to = ivt_trace_writer_machine(rec->next, number);

	memcpy(to->guest_release, from->guest_release, sizeof(to->guest_release));
	memcpy(to->filter, from->filter, sizeof(to->filter));
	to->guest_cpus = from->guest_cpus;
	to->guest_tsc_khz = from->guest_tsc_khz;
}

/* From here on records come into the next chunk. */
static void go_on(struct recording *rec)
{
	struct ivt_trace_writer *present = rec->sink.writer;
	struct ivt_error err = { "" };
	struct vm *vm;
	size_t i;

	for (i = 0; i < rec->n_vms; i++) {
		int number = ivt_trace_writer_find_machine(rec->next, rec->vms[i]->spec.name, 0);

		renew_machine(rec, rec->vms[i], (uint32_t)number);
		rec->vms[i]->machine = (uint32_t)number;
	}
	rec->sink.writer = rec->next;
	rec->next = NULL;
	if (recording_snapshot_clocks(rec, &err) && !rec->sink.is_full)
		message("%s", err.msg);
	if (rec->ht)
		host_trace_begin_chunk(rec->ht);
	for (i = 0; i < rec->n_vms; i++)
		vm_begin_chunk(rec->vms[i]);
	for (vm = rec->leaving; vm; vm = vm->next_leaving)
		vm->is_pending = true; /* it has no machine any more */
	close_present(rec, present);
	rec->chunk_began_ns = now_ns();
	rotation_update_quotas(rec);
}

/* Killed from here on, this recorder leaves a chunk whose counts are exact. */
static void settle_present(struct recording *rec)
{
	size_t i;

	if (rec->ht)
		host_trace_account(rec->ht);
	for (i = 0; i < rec->n_vms; i++) {
		vm_account(rec->vms[i]);
		vm_journal_settle(rec->vms[i]);
	}
	/* On a full disk it is as old as its last one. */
	ivt_trace_writer_checkpoint(rec->sink.writer, NULL);
}

/* 0 when it is made and has its name. */
static int try_next(struct recording *rec, struct ivt_error *err)
{
	int ret = make_next(rec, err);

	if (ret == 0)
		return -EAGAIN;
	if (ret == 1)
		ret = ivt_trace_writer_inherit(rec->next, rec->sink.writer, OLD_SNAPSHOTS, err);
	if (!ret)
		settle_present(rec);
	if (!ret)
		ret = ivt_trace_writer_rename(rec->next, chunks_next_path(rec->chunks), err);
	if (ret)
		abandon_next(rec);
	return ret;
}

static void rotate(struct recording *rec, uint64_t now)
{
	struct ivt_error err = { "" };
	int ret = try_next(rec, &err);

	if (ret == -EAGAIN)
		return;
	if (ret) { /* the disk may have room again later */
		if (!rec->is_rotation_told)
			message("cannot begin the next chunk: %s (the recording goes on in '%s')",
				err.msg, chunks_path(rec->chunks));
		rec->is_rotation_told = true;
		rec->rotate_after_ns = now + RETRY_NS;
		return;
	}
	account_all(rec);
	go_on(rec);
	rec->is_rotation_told = false;
	message("goes on in '%s'", chunks_path(rec->chunks));
}

void rotation_end(struct recording *rec)
{
	abandon_next(rec);
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
