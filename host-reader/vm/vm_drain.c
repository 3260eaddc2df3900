// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/guest_facts.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_journal.h"
#include "trace/packet.h"

/* What waits is taken at the latest after this.  With the guest's flush (10 ms), our
 * sleep before it is seen and before it is taken (10 ms each), a record is in its file
 * within 50 ms, and a VM that does little costs no more than 50 packets a second. */
#define PATIENCE_NS 20000000u
#define ARRIVAL_NS  20000000u /* the guest's flush timer and our sleep */
/* At most, per turn: one busy vCPU starves no other, one busy VM no other. */
#define CHANNEL_TURN_BYTES (1 << 20)
#define VM_TURN_BYTES	   (4 << 20)

void vm_start_channel(struct vm *vm, uint32_t cpu, uint64_t from)
{
	struct channel *c = &vm->channels[cpu];

	memset(c, 0, sizeof(*c));
	c->has_stream = sink_stream(vm->sink, vm->machine, cpu) != NULL;
	ivring_region_reader(&vm->region, cpu, &c->reader);
	/* Before the release: what it gives back, the guest overwrites at once. */
	if (from <= c->reader.tail && c->reader.tail - from <= c->reader.size)
		c->reader.tail = from;
	ivring_reader_release(&c->reader);
	if (vm->flight) { /* it looks only; the first time at what is new */
		c->reader.tail = from == UINT64_MAX ? c->reader.head : c->reader.tail;
		ivring_snapshot_begin(&c->reader);
	} else {
		ivring_reader_fetch(&c->reader);
	}
	c->base_full = c->reader.lost_full;
	c->base_nested = c->reader.lost_nested;
	c->base_big = c->reader.lost_big;
}

static uint64_t lost_of(const struct channel *c)
{
	return c->reader.lost_full - c->base_full + c->reader.lost_nested - c->base_nested +
	       c->reader.lost_big - c->base_big + c->n_uncommitted + c->n_over_quota;
}

/* The guest wrote what cannot be: once for people, counted for the trace.  Unless
 * its file was cut (bus_error.h shows zeros then): @before are its own. */
static void tell_violation(struct vm *vm, uint32_t cpu, uint64_t before)
{
	struct channel *c = &vm->channels[cpu];

	vm_check_region(vm);
	if (vm->is_broken) {
		c->reader.violations = before;
		return;
	}
	vm_journal_save(vm);
	if (!vm->is_violation_told)
		message("%s: CPU %u wrote an impossible position %" PRIu64
			" (its records up to the next good one are skipped and counted)",
			vm->spec.name, cpu, (uint64_t)c->reader.violation_pos);
	vm->is_violation_told = true;
	if (c->reader.violations >= IVRING_MAX_VIOLATIONS && !c->is_stopped) {
		message("%s: CPU %u is read no more: %u impossible positions (reload the "
			"guest's driver)",
			vm->spec.name, cpu, IVRING_MAX_VIOLATIONS);
		vm->channels[cpu].is_stopped = true;
	}
}

int vm_open_stream(struct vm *vm, uint32_t cpu)
{
	int ret = 0;

	if (!vm->channels[cpu].has_stream)
		ret = sink_open_stream(vm->sink, vm->machine, cpu);
	if (ret)
		return ret;
	if (!vm->channels[cpu].has_stream)
		vm->chunk_bytes += sizeof(struct ivt_packet_header); /* its first packet */
	vm->channels[cpu].has_stream = true;
	return 0;
}

static void region_vanished(struct vm *vm)
{
	if (vm->is_broken)
		return;
	message("%s: the region '%s' was cut (nothing more can be read from it; stop the VM and "
		"remove the file)",
		vm->spec.name, vm->spec.path);
	vm->is_broken = true;
}

int vm_append(struct vm *vm, uint32_t cpu, const struct iovec *iov, int n_iov, uint32_t flags)
{
	uint64_t bytes = sizeof(struct ivt_packet_header);
	int ret = 0, i;

	for (i = 0; i < n_iov; i++)
		bytes += iov[i].iov_len;
	if (vm_is_over_quota(vm, bytes + sizeof(struct ivt_packet_header)))
		return -EDQUOT;
	ret = vm_open_stream(vm, cpu);
	if (!ret)
		ret = sink_append(vm->sink, vm->machine, cpu, iov, n_iov,
				  lost_of(&vm->channels[cpu]), flags);
	if (ret == -EFAULT)
		region_vanished(vm);
	if (!ret) {
		vm->chunk_bytes += bytes;
		vm->n_bytes += bytes - sizeof(struct ivt_packet_header);
		vm_journal_commit(vm, cpu);
	}
	return ret;
}

/* Each size is bounded, and only the count depends on it. */
static uint64_t count_records(const unsigned char *at, uint64_t bytes)
{
	uint64_t n = 0, size;

	while (bytes >= IVRING_REC_HDR_BYTES) {
		size = ivring_load((const uint64_t *)at + 1) >> 16 & 0xffff;
		if (size < IVRING_REC_HDR_BYTES || size & 7 || size > bytes)
			break;
		n++;
		at += size;
		bytes -= size;
	}
	return n;
}

/* What its quota has no room for. */
static void drop(struct vm *vm, uint32_t cpu, const struct iovec *iov, int n_iov)
{
	int i;

	for (i = 0; i < n_iov; i++)
		vm->channels[cpu].n_over_quota += count_records(iov[i].iov_base, iov[i].iov_len);
	vm_journal_commit(vm, cpu);
	vm_journal_note(vm);
	vm_tell_quota(vm);
}

/* A packet was taken.  Taken for dead, the guest lives; or its clock is known a
 * little from now on: the recorder that comes after this one is to know. */
static void note_taken(struct vm *vm, bool had_arrival)
{
	if (!vm->is_salvaged && had_arrival == (vm->arrival_host_tsc != 0))
		return;
	vm->is_salvaged = false;
	vm_journal_save(vm);
}

/* A ring is cleared from its beginning on: of a sub-buffer whose header stands nothing was
 * cleared before. */
static bool is_cleared(const struct channel *c, uint64_t pos)
{
	uint64_t base = pos & ~(uint64_t)(c->reader.subbuf - 1);
	const struct ivring_subbuf *s =
		(const struct ivring_subbuf *)(c->reader.data + (base & (c->reader.size - 1)));

	ivring_rmb();
	return ivring_load(&s->magic) != IVRING_SUBBUF_MAGIC ||
	       ivring_load(&s->seq) != base / c->reader.subbuf;
}

/* As ivring_reader_next(), @ret is what to take.  A boot that ends is copied, and then
 * looked at whether it was still there; if not, nothing of its ring is worth taking. */
static int next_range(struct vm *vm, struct channel *c, unsigned char *copy, struct iovec *ret)
{
	uint64_t tail = c->reader.tail, before = c->reader.violations;
	struct ivring_range range;
	int got = ivring_reader_next(&c->reader, &range);

	if (got == 1) {
		ret->iov_base = (void *)(c->reader.data + range.offset);
		ret->iov_len = range.bytes;
	}
	if (!copy || !got)
		return got;
	if (got == 1)
		ret->iov_base = memcpy(copy, ret->iov_base, ret->iov_len);
	if (!is_cleared(c, got == 1 ? range.pos : tail))
		return got;
	vm->cleared_bytes += c->reader.head - tail;
	c->reader.violations = before;
	c->reader.tail = c->reader.head;
	return 0;
}

/* One packet: up to two ranges.  0 when there was one. */
static int take_packet(struct vm *vm, uint32_t cpu, uint64_t *bytes)
{
	struct channel *c = &vm->channels[cpu];
	uint64_t tail = c->reader.tail, before = c->reader.violations, tsc;
	unsigned char *copy = vm->copy;
	struct iovec iov[2];
	bool had_arrival = vm->arrival_host_tsc != 0;
	int n = 0, got = 0, ret;

	*bytes = 0;
	while (n < 2 && (got = next_range(vm, c, copy, &iov[n])) == 1) {
		*bytes += iov[n].iov_len;
		copy = copy ? copy + iov[n].iov_len : NULL;
		n++;
	}
	if (got < 0)
		tell_violation(vm, cpu, before);
	if (!n)
		return -ENODATA;
	/* For the clock alone: nothing on the way to the file depends on it.  But if
	 * the file was cut, that load put zeros where a write now finds them. */
	tsc = ivring_load((const uint64_t *)iov[0].iov_base);
	vm_check_region(vm);
	if (vm->is_broken) {
		c->reader.tail = tail;
		return -EFAULT;
	}
	vm_note_arrival(vm, tsc, vm->tsc ? ARRIVAL_NS + PATIENCE_NS : ARRIVAL_NS);
	ret = vm_append(vm, cpu, iov, n, 0);
	if (ret == -EDQUOT) {
		drop(vm, cpu, iov, n);
	} else if (ret) {
		c->reader.tail = tail;
		return ret;
	}
	vm_note_recent(vm, tsc); /* not what waits on a full disk, and gets old */
	ivring_reader_release(&c->reader);
	note_taken(vm, had_arrival);
	return 0;
}

/* A guest that was taken for dead publishes again what was salvaged. */
static bool skip_salvaged(struct channel *c)
{
	if (ivring_load(&c->reader.shared->w_head) < c->resume_pos)
		return false;
	if (c->resume_pos)
		c->reader.tail = c->resume_pos;
	c->resume_pos = 0;
	return true;
}

static bool may_take(const struct vm *vm, uint64_t taken, bool is_last)
{
	return is_last || (taken < CHANNEL_TURN_BYTES && vm->turn_left_bytes > 0);
}

/* A driver that nobody answered clears its rings and begins behind the old head, which
 * then covers zeros.  It has announced itself before: asked behind the head, the page
 * tells.  The next look at the page takes what is still there. */
static bool has_next_boot_begun(const struct vm *vm)
{
	return ivring_load(&guest_facts_page(&vm->region)->guest_epoch) != vm->guest_epoch;
}

/* Returns how full its ring was, in permille; all of it where its turn was over first. */
static unsigned int drain_channel(struct vm *vm, uint32_t cpu, uint64_t now, bool is_last)
{
	struct channel *c = &vm->channels[cpu];
	uint64_t waiting, taken = 0, bytes, before;
	bool was_empty;

	/* First, as of an idle ring nothing else is touched. */
	if (!is_last && ivring_reader_is_idle(&c->reader))
		return 0;
	if (c->is_stopped || !skip_salvaged(c))
		return 0;
	was_empty = c->reader.head == c->reader.tail;
	before = c->reader.violations;
	if (ivring_reader_fetch(&c->reader)) {
		tell_violation(vm, cpu, before);
		return 0;
	}
	if (!is_last && has_next_boot_begun(vm))
		return 0;
	vm_arrival_pass(vm, cpu);
	waiting = c->reader.head - c->reader.tail;
	if (was_empty)
		c->taken_ns = now; /* patience begins with the first byte */
	if (!waiting)
		return 0;
	/* Where its arrival is all that places a record, it is taken at once. */
	if (!is_last && vm->tsc && waiting < c->reader.subbuf && now - c->taken_ns < PATIENCE_NS)
		return (unsigned int)(waiting * 1000 / c->reader.size);
	c->taken_ns = now;
	while (may_take(vm, taken, is_last) && !take_packet(vm, cpu, &bytes)) {
		vm->turn_left_bytes -= (int64_t)bytes;
		taken += bytes;
	}
	if (!may_take(vm, taken, is_last))
		return 1000; /* not what is left: the next turn is due at once */
	return (unsigned int)(waiting * 1000 / c->reader.size);
}

void vm_check_region(struct vm *vm)
{
	if (!vm->is_broken && ivring_region_check(&vm->region))
		region_vanished(vm);
}

uint64_t vm_give_up_unread(struct vm *vm)
{
	struct ivring_range range;
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < vm->region.sb.nr_channels && !vm->is_broken; i++) {
		struct channel *c = &vm->channels[i];
		struct ivring_reader reader = c->reader; /* what is there stays there */

		while (!c->is_stopped && ivring_reader_next(&reader, &range) == 1) {
			c->n_given_up += count_records(reader.data + range.offset, range.bytes);
			bytes += range.bytes;
		}
	}
	return bytes;
}

unsigned int vm_drain(struct vm *vm, bool is_last)
{
	uint32_t i, n = vm->region.sb.nr_channels;
	unsigned int most = 0;
	uint64_t now = now_ns();

	if (is_last) /* else it was checked in this turn */
		vm_check_region(vm);
	/* Between two epochs the driver clears its rings. */
	if (vm->flight || vm->is_awaited || vm->is_pending || vm->is_arriving)
		return 0;
	vm->turn_left_bytes = VM_TURN_BYTES;
	for (i = 0; i < n && !vm->is_broken; i++) {
		unsigned int fill = drain_channel(vm, (vm->first_cpu + i) % n, now, is_last);

		if (fill > most)
			most = fill;
	}
	/* Where the turn was over before all had theirs, another one is the first. */
	vm->first_cpu = (vm->first_cpu + 1) % n;
	return most;
}
