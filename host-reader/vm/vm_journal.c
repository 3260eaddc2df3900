// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"
#include "trace/file_replace.h"

#define STATE_MAGIC   0x01454d5553455249ULL /* "IRESUME\1" */
#define STATE_VERSION 2
#define STATE_SUFFIX  ".state"
#define MAX_BYTES     (1u << 20)

struct vm_journal {
	struct ivring_journal journal;
	uint32_t generation;
	bool is_unsaved; /* the state on the disk is an older one */
	char path[PATH_MAX];
	char state_path[PATH_MAX];
};

static void state_name(char *ret, size_t ret_bytes, const char *name)
{
	snprintf(ret, ret_bytes, IVT_RECORDER_FILES "%s" STATE_SUFFIX, name);
}

/* ---- the state ------------------------------------------------------------------ */

static size_t state_bytes(uint32_t nr_channels)
{
	return sizeof(struct vm_state) + nr_channels * sizeof(struct vm_state_channel);
}

static uint32_t state_crc(struct vm_state *s)
{
	uint32_t said = s->crc32c, crc;

	s->crc32c = 0;
	crc = ivring_crc32c(s, (uint32_t)state_bytes(s->id.nr_channels));
	s->crc32c = said;
	return crc;
}

/* The trace's number for the journal: of another trace's nothing is believed. */
static uint64_t recording_of(const struct vm *vm)
{
	uint64_t number;

	memcpy(&number, ivt_trace_writer_info(vm->sink->writer)->uuid, sizeof(number));
	return number;
}

static uint32_t state_flags(const struct vm *vm)
{
	return (vm->has_guest ? VM_STATE_HAS_GUEST : 0) | (vm->is_awaited ? VM_STATE_AWAITED : 0) |
	       (vm->is_salvaged ? VM_STATE_SALVAGED : 0) | (vm->is_over ? VM_STATE_OVER : 0) |
	       (vm->is_arriving ? VM_STATE_ARRIVING : 0) | (vm->has_arrived ? VM_STATE_ARRIVED : 0);
}

static void channels_fill(const struct vm *vm, struct vm_state *s)
{
	uint32_t i;

	for (i = 0; i < s->id.nr_channels; i++) {
		const struct channel *c = &vm->channels[i];

		s->channels[i] = (struct vm_state_channel){
			.base_full = c->base_full,
			.base_nested = c->base_nested,
			.base_big = c->base_big,
			.n_given_up = c->n_given_up,
			.n_over_quota = c->n_over_quota,
			.n_uncommitted = c->n_uncommitted,
			.violations = c->reader.violations,
			.is_arriving = c->is_arriving,
		};
	}
}

static void id_fill(const struct vm *vm, struct ivring_journal_id *ret)
{
	*ret = (struct ivring_journal_id){
		.host_epoch = vm->region.sb.host_epoch,
		.guest_epoch = vm->guest_epoch,
		.recording = recording_of(vm),
		.region_bytes = vm->region.sb.region_size,
		.nr_channels = vm->region.sb.nr_channels,
		.subbuf_shift = vm->region.sb.subbuf_shift,
		.subbufs_per_chan_shift = vm->region.sb.subbufs_per_chan_shift,
	};
}

static int state_write(const struct vm *vm, const struct vm_journal *j)
{
	size_t bytes = state_bytes(vm->region.sb.nr_channels);
	struct vm_state *s = calloc(1, bytes);
	char name[128];
	int ret;

	if (!s)
		return -ENOMEM;
	s->magic = STATE_MAGIC;
	s->version = STATE_VERSION;
	id_fill(vm, &s->id);
	s->qemu_pid = vm->qemu.pid;
	s->qemu_starttime = vm->qemu.starttime;
	s->epoch = vm->epoch;
	s->generation = j->generation;
	s->arrival_tsc = vm->arrival_tsc;
	s->arrival_host_tsc = vm->arrival_host_tsc;
	s->arrival_ns = vm->arrival_ns;
	s->arrival_error_ns = vm->arrival_error_ns;
	s->arrived_tsc = vm->arrived_tsc;
	s->flags = state_flags(vm);
	s->spec = vm->spec;
	channels_fill(vm, s);
	s->crc32c = state_crc(s);
	state_name(name, sizeof(name), vm->spec.name);
	ret = ivt_file_replace(ivt_trace_writer_dirfd(vm->sink->writer), name, s, bytes);
	free(s);
	return ret;
}

static int state_check(struct vm_state *s, size_t bytes)
{
	if (bytes < sizeof(*s) || s->magic != STATE_MAGIC)
		return -EILSEQ;
	if (s->version != STATE_VERSION)
		return -EPROTONOSUPPORT;
	if (s->id.nr_channels > IVRING_MAX_CHANNELS || bytes != state_bytes(s->id.nr_channels) ||
	    s->crc32c != state_crc(s) || !memchr(s->spec.name, 0, sizeof(s->spec.name)) ||
	    !memchr(s->spec.path, 0, sizeof(s->spec.path)))
		return -EILSEQ;
	return 0;
}

static int state_read_file(int dirfd, const char *file, struct vm_state **ret)
{
	struct vm_state *s;
	size_t bytes;
	char *data;
	int err = ivt_file_read(dirfd, file, MAX_BYTES, &data, &bytes);

	if (err)
		return err;
	s = (struct vm_state *)data;
	err = state_check(s, bytes);
	if (err)
		free(data);
	else
		*ret = s;
	return err;
}

int vm_state_read(int dirfd, const char *name, struct vm_state **ret)
{
	char file[128];

	state_name(file, sizeof(file), name);
	return state_read_file(dirfd, file, ret);
}

static bool is_state_name(const char *name)
{
	size_t n = strlen(name), suffix = strlen(STATE_SUFFIX);

	return !strncmp(name, IVT_RECORDER_FILES, strlen(IVT_RECORDER_FILES)) && n > suffix &&
	       !strcmp(name + n - suffix, STATE_SUFFIX);
}

int vm_state_read_nth(int dirfd, size_t i, struct vm_state **ret)
{
	DIR *dir = ivt_dir_open(dirfd);
	struct dirent *entry;
	int err = -ENOENT;

	if (!dir)
		return -errno;
	while (err == -ENOENT && (entry = readdir(dir)))
		if (is_state_name(entry->d_name) && !i--)
			err = state_read_file(dirfd, entry->d_name, ret);
	closedir(dir);
	return err;
}

/* ---- the journal ------------------------------------------------------------------ */

static void journal_free(struct vm_journal *j)
{
	if (!j)
		return;
	ivring_journal_close(&j->journal);
	free(j);
}

static struct vm_journal *journal_new(const struct vm *vm, const char *dir, uint32_t generation)
{
	struct vm_journal *j = calloc(1, sizeof(*j));
	char name[128];

	if (!j)
		return NULL;
	j->generation = generation;
	snprintf(j->path, sizeof(j->path), "%s/" IVT_RECORDER_FILES "%s.journal.%u", dir,
		 vm->spec.name, generation);
	state_name(name, sizeof(name), vm->spec.name);
	snprintf(j->state_path, sizeof(j->state_path), "%s/%s", dir, name);
	return j;
}

static void commit(const struct vm *vm, struct vm_journal *j, uint32_t cpu)
{
	const struct channel *c = &vm->channels[cpu];
	struct ivring_journal_pos pos = {
		/* salvaged records lie behind what the guest published */
		.tail = c->resume_pos > c->reader.tail ? c->resume_pos : c->reader.tail,
		.lost_full = c->reader.lost_full,
		.lost_nested = c->reader.lost_nested,
		.lost_big = c->reader.lost_big,
	};
	struct ivt_stream_pos at;

	ivt_trace_writer_position(vm->sink->writer, vm->machine, cpu, &at);
	pos.file_offset = at.bytes;
	pos.packet_seq = at.packets;
	ivring_journal_commit(&j->journal, cpu, &pos);
}

static int journal_make(const struct vm *vm, struct vm_journal *j)
{
	struct ivring_journal_id id;
	uint32_t i;
	int err;

	id_fill(vm, &id);
	unlink(j->path); /* one that no state came to name */
	err = ivring_journal_create(j->path, &id, &j->journal);
	if (err)
		return err;
	for (i = 0; i < id.nr_channels; i++)
		commit(vm, j, i);
	return state_write(vm, j);
}

void vm_journal_begin(struct vm *vm)
{
	struct vm_journal *old = vm->journal;
	struct vm_journal *j;
	int err;

	if (vm->flight) /* what it has is in memory, or still in the rings */
		return;
	j = journal_new(vm, ivt_trace_writer_path(vm->sink->writer), old ? old->generation + 1 : 1);
	err = j ? journal_make(vm, j) : -ENOMEM;
	if (err) {
		if (!vm->has_no_journal)
			message("%s: WARNING: no journal: %s (should this recorder be killed, what "
				"waits in the VM's rings is lost)",
				vm->spec.name, strerror(-err));
		if (j)
			unlink(j->path);
		journal_free(j);
		j = NULL;
	}
	/* That of another trace, too: what it says is over. */
	if (old && (!j || strcmp(old->state_path, j->state_path)))
		unlink(old->state_path);
	if (old)
		unlink(old->path);
	journal_free(old);
	vm->journal = j;
	vm->has_no_journal = !j;
}

void vm_journal_save(struct vm *vm)
{
	if (vm->journal)
		vm->journal->is_unsaved = state_write(vm, vm->journal) != 0;
}

void vm_journal_note(struct vm *vm)
{
	if (vm->journal)
		vm->journal->is_unsaved = true;
}

void vm_journal_retry(struct vm *vm)
{
	if (vm->journal && vm->journal->is_unsaved)
		vm_journal_save(vm);
	if (vm->has_no_journal && !vm->sink->is_full)
		vm_journal_begin(vm);
}

void vm_journal_commit(struct vm *vm, uint32_t cpu)
{
	if (vm->journal)
		commit(vm, vm->journal, cpu);
}

void vm_journal_settle(struct vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++)
		vm_journal_commit(vm, i);
	vm_journal_save(vm);
}

void vm_journal_close(struct vm *vm)
{
	journal_free(vm->journal);
	vm->journal = NULL;
}

void vm_journal_remove(struct vm *vm)
{
	if (!vm->journal)
		return;
	unlink(vm->journal->state_path);
	unlink(vm->journal->path);
	vm_journal_close(vm);
}

int vm_journal_resume(struct vm *vm, const char *dir, const struct vm_state *state)
{
	struct vm_journal *j = journal_new(vm, dir, state->generation);
	int err;

	if (!j)
		return -ENOMEM;
	err = ivring_journal_open(j->path, &state->id, &j->journal);
	if (err)
		journal_free(j);
	else
		vm->journal = j;
	return err;
}

int vm_journal_position(const struct vm *vm, uint32_t cpu, struct ivring_journal_pos *ret)
{
	return ivring_journal_read(&vm->journal->journal, cpu, ret);
}
