// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VM whose recorder was killed goes on in the same trace.  Its files are cut to
 * what was journalled, its rings are read from there: the guest has written on
 * meanwhile and has kept what it could.  If it was rebooted meanwhile, it has
 * waited a second for somebody to take what was left, and has cleared it then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/guest_facts.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"

static int cannot(const struct vm *vm, int code, const char *why, struct ivt_error *err)
{
	return ivt_error_set(err, code, "cannot go on with '%s' in '%s': %s", vm->spec.name,
			     ivt_trace_writer_path(vm->sink->writer), why);
}

/* ---- what the dead recorder wrote ------------------------------------------------- */

static int journal_take(struct vm *vm, const char *dir, const struct vm_state *s,
			struct ivt_error *err)
{
	int ret = vm_journal_resume(vm, dir, s);

	switch (ret) {
	case 0:
		return 0;
	case -EBUSY:
		return cannot(vm, ret, "another recorder has its journal (end that one first)",
			      err);
	case -ESTALE:
		return cannot(vm, ret, "its journal is another recording's (choose another name)",
			      err);
	case -ENOENT:
	case -EMEDIUMTYPE:
	case -EMSGSIZE:
	case -EILSEQ:
		return cannot(vm, ret,
			      "its journal is damaged (what was recorded can be read: "
			      "ivtrace-report summary; choose another name)",
			      err);
	default:
		return cannot(vm, ret, strerror(-ret), err);
	}
}

static int positions_read(struct vm *vm, uint32_t n, struct ivring_journal_pos *ret,
			  struct ivt_error *err)
{
	uint32_t i;
	int code = 0;

	for (i = 0; i < n && !code; i++)
		code = vm_journal_position(vm, i, &ret[i]);
	if (code)
		return cannot(vm, code,
			      "its journal is damaged (what was recorded can be read: "
			      "ivtrace-report summary; choose another name)",
			      err);
	return 0;
}

static int streams_cut(struct vm *vm, const struct vm_state *s,
		       const struct ivring_journal_pos *pos, struct ivt_error *err)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < s->id.nr_channels && !ret; i++) {
		struct ivt_stream_pos at = { pos[i].file_offset, pos[i].packet_seq };

		ret = ivt_trace_writer_reopen_stream(vm->sink->writer, vm->machine, i, &at, err);
		vm->n_bytes += at.bytes;
	}
	return ret;
}

/* ---- the rings ------------------------------------------------------------------------ */

/* The ring is not what the journal knows: the guest lied, or somebody wrote there. */
static void channel_distrust(struct vm *vm, uint32_t cpu)
{
	struct channel *c = &vm->channels[cpu];

	message("%s: CPU %u's ring contradicts the journal (it is read from its present end on)",
		vm->spec.name, cpu);
	ivring_region_reader(&vm->region, cpu, &c->reader);
	c->reader.violations++;
}

/* As the dead recorder had it. */
static void channel_take(struct vm *vm, uint32_t cpu, const struct vm_state_channel *s,
			 const struct ivring_journal_pos *pos)
{
	struct channel *c = &vm->channels[cpu];
	struct ivring_reader *r = &c->reader;

	memset(c, 0, sizeof(*c));
	c->base_full = s->base_full;
	c->base_nested = s->base_nested;
	c->base_big = s->base_big;
	c->n_given_up = s->n_given_up;
	c->n_over_quota = s->n_over_quota;
	c->n_uncommitted = s->n_uncommitted;
	c->has_stream = pos->file_offset > 0;
	c->is_arriving = s->is_arriving;
	ivring_reader_init(r, vm->region.base, vm->region.reader_area, &vm->region.sb, cpu,
			   pos->tail);
	r->head = pos->tail;
	r->lost_full = pos->lost_full;
	r->lost_nested = pos->lost_nested;
	r->lost_big = pos->lost_big;
	r->violations = s->violations;
}

static void channel_go_on(struct vm *vm, uint32_t cpu, const struct vm_state_channel *s,
			  const struct ivring_journal_pos *pos)
{
	struct channel *c = &vm->channels[cpu];
	struct ivring_reader *r = &c->reader;
	uint64_t head = 0;

	channel_take(vm, cpu, s, pos);
	if (ivring_reader_load(r, (__u64 *)&head) || !ivring_head_is_sane(r, pos->tail) ||
	    (head > pos->tail ? head - pos->tail : pos->tail - head) > r->size)
		channel_distrust(vm, cpu);
	else
		r->head = head;
	if (r->tail > r->head) { /* salvaged, and not published since */
		c->resume_pos = r->tail;
		r->tail = r->head;
	}
	c->is_stopped = r->violations >= IVRING_MAX_VIOLATIONS;
	ivring_reader_release(r);
}

/* ---- what was lost ---------------------------------------------------------------------- */

static void raise_to(uint64_t *count, uint64_t n)
{
	if (*count < n)
		*count = n;
}

/*
 * Nothing more comes of the machine: what the journal knows of its losses is in the
 * trace from here on, whose manifest may be some seconds older, or a moment younger.
 * @pos has the larger ones then.
 */
static void losses_settle(struct vm *vm, const struct vm_state *s, struct ivring_journal_pos *pos)
{
	uint32_t i;

	for (i = 0; i < s->id.nr_channels; i++) {
		const struct vm_state_channel *c = &s->channels[i];
		uint64_t full = pos[i].lost_full - c->base_full + c->n_given_up;
		uint64_t nested = pos[i].lost_nested - c->base_nested;
		uint64_t big = pos[i].lost_big - c->base_big;
		struct ivt_stream_info *info = sink_stream(vm->sink, vm->machine, i);

		if (!info && (full || nested || big || c->n_over_quota || c->n_uncommitted) &&
		    !sink_open_stream(vm->sink, vm->machine, i))
			info = sink_stream(vm->sink, vm->machine, i);
		if (!info)
			continue;
		raise_to(&info->lost_full, full);
		raise_to(&info->lost_nested, nested);
		raise_to(&info->lost_big, big);
		raise_to(&info->lost_quota, c->n_over_quota);
		raise_to(&info->lost_uncommitted, c->n_uncommitted);
		pos[i].lost_full += info->lost_full - full;
		pos[i].lost_nested += info->lost_nested - nested;
		pos[i].lost_big += info->lost_big - big;
	}
}

/* ---- what happened meanwhile ------------------------------------------------------------ */

/* The boot before has its machine: in this trace, or in the chunk before. */
static void leave_machine(struct vm *vm, const struct vm_state *s, struct ivring_journal_pos *pos,
			  bool is_here)
{
	if (!is_here)
		vm_forget_boot(vm);
	else if (!vm->is_awaited) /* else it was accounted for */
		losses_settle(vm, s, pos);
	vm_finish_clock(vm);
}

/* A boot that nobody saw: all that it wrote is there; what the one before it had
 * not got rid of is not. */
static int go_on_in_a_later_boot(struct vm *vm, const struct vm_state *s,
				 struct ivring_journal_pos *pos, uint64_t epoch, bool is_here)
{
	uint64_t *from = calloc(s->id.nr_channels, sizeof(*from)), unread = 0;
	uint32_t i;
	int ret;

	if (!from)
		return -ENOMEM;
	for (i = 0; i < s->id.nr_channels; i++) {
		channel_take(vm, i, &s->channels[i], &pos[i]);
		from[i] = vm_boot_start(vm, i, epoch);
		if (s->flags & VM_STATE_HAS_GUEST && from[i] > pos[i].tail)
			unread += from[i] - pos[i].tail;
	}
	vm_tell_cleared(vm, unread); /* killed behind it, the next recorder says it again */
	leave_machine(vm, s, pos, is_here);
	ret = vm_take_boot(vm, epoch, from);
	free(from);
	return ret;
}

/* The region was made anew: as a VM that is recorded for the first time. */
static int go_on_in_another_region(struct vm *vm, const struct vm_state *s,
				   struct ivring_journal_pos *pos, bool is_here)
{
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		struct channel *c = &vm->channels[i];

		ivring_region_reader(&vm->region, i, &c->reader);
		c->base_full = c->reader.lost_full;
		c->base_nested = c->reader.lost_nested;
		c->base_big = c->reader.lost_big;
	}
	message("%s: its region was made anew while nobody recorded (what the old one held is "
		"lost, and not counted)",
		vm->spec.name);
	leave_machine(vm, s, pos, is_here);
	return vm_take_boot(vm, 0, NULL);
}

static void go_on_in_the_same_boot(struct vm *vm, const struct vm_state *s,
				   const struct ivring_journal_pos *pos)
{
	struct qemu was = { .pid = s->qemu_pid, .starttime = s->qemu_starttime };
	uint64_t waiting = 0;
	uint32_t i;

	for (i = 0; i < s->id.nr_channels; i++) {
		channel_go_on(vm, i, &s->channels[i], &pos[i]);
		waiting += vm->channels[i].reader.head - vm->channels[i].reader.tail;
	}
	/* Its end was not seen: it comes with the first look at the process. */
	if (was.pid > 0 && !qemu_is_alive(&was)) {
		vm->qemu.pid = was.pid;
		vm->qemu.starttime = was.starttime;
	}
	message("%s: goes on; %" PRIu64 " bytes wait in its rings", vm->spec.name, waiting);
}

/* Does the guest of the epoch @epoch, which nobody saw come, live in a process that was
 * started to take one that migrates hither, and was it not there before? */
static bool has_migrated(const struct vm *vm, const struct vm_state *s, uint64_t epoch)
{
	struct qemu qemu = { .pid = -1 };
	bool is_incoming;
	pid_t pid;

	if (s->flags & VM_STATE_ARRIVING && epoch == s->id.guest_epoch)
		return true;
	if (vm->flight || epoch == s->id.guest_epoch ||
	    qemu_find(vm->region.dev, vm->region.ino, &pid) || qemu_read(pid, &qemu))
		return false;
	is_incoming = qemu.is_incoming && (!s->id.guest_epoch || s->qemu_pid != pid ||
					   s->qemu_starttime != qemu.starttime);
	qemu_reset(&qemu);
	return is_incoming;
}

/* @is_here: what the state and the journal say is of this trace, not of the chunk before. */
static int go_on(struct vm *vm, const struct vm_state *s, struct ivring_journal_pos *pos,
		 bool is_here)
{
	const struct ivring_guest_page *page = guest_facts_page(&vm->region);
	const struct ivring_superblock *sb = &vm->region.sb;
	uint64_t epoch = ivring_load_acquire(&page->guest_epoch);

	if (sb->host_epoch != s->id.host_epoch || sb->region_size != s->id.region_bytes ||
	    sb->nr_channels != s->id.nr_channels || sb->subbuf_shift != s->id.subbuf_shift)
		return go_on_in_another_region(vm, s, pos, is_here);
	if (ivring_load_acquire(&page->state) == IVRING_GUEST_READY && has_migrated(vm, s, epoch)) {
		leave_machine(vm, s, pos, is_here);
		return vm_arrival_resume(vm, epoch);
	}
	/* Of one that comes just now, the boot before it has left what is there. */
	if (ivring_load_acquire(&page->state) == IVRING_GUEST_INIT) {
		go_on_in_the_same_boot(vm, s, pos);
		if (ivring_load_acquire(&page->state) == IVRING_GUEST_INIT)
			return 0;
	} else if (epoch == s->id.guest_epoch && !(s->flags & VM_STATE_AWAITED)) {
		go_on_in_the_same_boot(vm, s, pos);
		return 0;
	}
	return go_on_in_a_later_boot(vm, s, pos, epoch, is_here);
}

/* Where no clock of the guest came to be known its records' arrival tells a little. */
static void arrival_take(struct vm *vm, const struct vm_state *s)
{
	if (ivt_trace_writer_has_clock(vm->sink->writer, vm->machine))
		return;
	vm->arrival_tsc = s->arrival_tsc;
	vm->arrival_host_tsc = s->arrival_host_tsc;
	vm->arrival_ns = s->arrival_ns;
	vm->arrival_error_ns = s->arrival_error_ns;
}

static void state_take(struct vm *vm, const struct vm_state *s)
{
	vm->guest_epoch = s->id.guest_epoch;
	vm->has_guest = s->flags & VM_STATE_HAS_GUEST;
	vm->is_awaited = s->flags & VM_STATE_AWAITED;
	vm->is_salvaged = s->flags & VM_STATE_SALVAGED;
	vm->is_over = s->flags & VM_STATE_OVER;
	vm->has_arrived = s->flags & VM_STATE_ARRIVED;
	vm->arrived_tsc = s->arrived_tsc;
	vm->is_watched = true;
	vm->epoch_began_ns = now_ns();
}

static int in_this_trace(struct vm *vm, const struct vm_state *s, struct ivring_journal_pos *pos,
			 struct ivt_error *err)
{
	int machine = ivt_trace_writer_find_machine(vm->sink->writer, vm->spec.name, s->epoch), ret;
	const uint8_t *uuid = ivt_trace_writer_info(vm->sink->writer)->uuid;

	if (memcmp(&s->id.recording, uuid, sizeof(s->id.recording)))
		return cannot(vm, -ESTALE,
			      "its journal is another recording's (choose another name)", err);
	if (machine < 0)
		return cannot(vm, -EINVAL, "its manifest does not name it (choose another name)",
			      err);
	vm->machine = (uint32_t)machine;
	vm->epoch = s->epoch;
	arrival_take(vm, s);
	ret = streams_cut(vm, s, pos, err);
	if (ret)
		return ret;
	ret = go_on(vm, s, pos, true);
	return ret ? cannot(vm, ret, strerror(-ret), err) : 0;
}

int vm_open_chunk_before(struct ivt_trace_writer *w, char *ret, size_t ret_bytes)
{
	const char *path = ivt_trace_writer_path(w), *slash = strrchr(path, '/');
	const char *name = ivt_trace_writer_info(w)->chunk.previous;
	int fd;

	if (!name[0])
		return -ENOENT;
	snprintf(ret, ret_bytes, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
	fd = open(ret, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -ENOENT : fd;
}

/* What the chunk before, @dir, does not say yet: its losses; and, where it has no clock of
 * the guest, its records' arrival, which is all. */
static void complete_chunk_before(struct vm *vm, const char *dir, const struct vm_state *s,
				  struct ivring_journal_pos *pos)
{
	struct ivt_trace_writer *present = vm->sink->writer, *w;
	uint32_t machine = vm->machine;
	int before;

	if (ivt_trace_writer_resume(dir, &w, NULL))
		return;
	before = ivt_trace_writer_find_machine(w, vm->spec.name, s->epoch);
	if (before >= 0) {
		vm->sink->writer = w;
		vm->machine = (uint32_t)before;
		arrival_take(vm, s);
		vm_finish_clock(vm);
		if (!vm->is_awaited)
			losses_settle(vm, s, pos);
		ivt_trace_writer_checkpoint(w, NULL);
		vm->sink->writer = present;
		vm->machine = machine;
		vm->arrival_host_tsc = 0;
	}
	ivt_trace_writer_abandon(w);
}

/* What was lost since the last packet of the chunk before is this one's. */
static void losses_take(struct vm *vm, const struct ivring_journal_pos *pos)
{
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels; i++) {
		vm->channels[i].reader.lost_full = pos[i].lost_full;
		vm->channels[i].reader.lost_nested = pos[i].lost_nested;
		vm->channels[i].reader.lost_big = pos[i].lost_big;
	}
}

/* The recorder was killed between two chunks: what was taken into the one before is
 * journalled there, and nothing was taken since. */
static int in_the_next_chunk(struct vm *vm, const struct vm_state *s,
			     struct ivring_journal_pos *pos, struct ivt_error *err)
{
	const struct vm_journal *before = vm->journal;
	char dir[PATH_MAX];
	int ret = vm_add_machine(vm, 0, err);
	int fd = vm_open_chunk_before(vm->sink->writer, dir, sizeof(dir));

	if (fd >= 0) {
		complete_chunk_before(vm, dir, s, pos);
		close(fd);
	}
	if (ret)
		return ret;
	vm->epoch = 0;
	ret = go_on(vm, s, pos, false);
	if (ret)
		return cannot(vm, ret, strerror(-ret), err);
	if (vm->journal == before) { /* the boot is the same */
		losses_take(vm, pos);
		vm_begin_chunk(vm);
	}
	return 0;
}

typedef int go_on_fn(struct vm *vm, const struct vm_state *s, struct ivring_journal_pos *pos,
		     struct ivt_error *err);

/* With the state in the trace's directory @dir. 0; 1: there is none; -errno. */
static int resume_from(struct vm *vm, const char *dir, int dirfd, go_on_fn *fn,
		       struct ivt_error *err)
{
	struct ivring_journal_pos *pos;
	struct vm_state *s;
	int ret = vm_state_read(dirfd, vm->spec.name, &s);

	if (ret == -ENOENT)
		return 1;
	if (ret == -EPROTONOSUPPORT)
		return cannot(vm, ret,
			      "its recorder was of another version (go on with that one, or choose "
			      "another name)",
			      err);
	if (ret)
		return cannot(vm, ret,
			      "its journal's state is damaged (what was recorded can be read: "
			      "ivtrace-report summary; choose another name)",
			      err);
	pos = calloc(s->id.nr_channels, sizeof(*pos));
	ret = pos ? journal_take(vm, dir, s, err) : cannot(vm, -ENOMEM, strerror(ENOMEM), err);
	if (!ret)
		ret = positions_read(vm, s->id.nr_channels, pos, err);
	state_take(vm, s);
	if (!ret)
		ret = fn(vm, s, pos, err);
	if (ret)
		vm_journal_close(vm);
	free(pos);
	free(s);
	return ret;
}

int vm_resume(struct vm *vm, struct ivt_error *err)
{
	struct ivt_trace_writer *w = vm->sink->writer;
	char before[PATH_MAX];
	int ret, dirfd;

	ret = resume_from(vm, ivt_trace_writer_path(w), ivt_trace_writer_dirfd(w), in_this_trace,
			  err);
	if (ret != 1)
		return ret;
	dirfd = vm_open_chunk_before(w, before, sizeof(before));
	if (dirfd < 0)
		return 1;
	ret = resume_from(vm, before, dirfd, in_the_next_chunk, err);
	close(dirfd);
	return ret;
}
