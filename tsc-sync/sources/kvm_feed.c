// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tsc-sync/sources/kvm_feed_internal.h"
#include "tsc-sync/sources/snapshot.h"

#define MAX_VCPU     65535
#define MAX_WAITING  (1u << 20) /* entries of one vCPU that nobody asks for */
#define MAX_UNOPENED 1024	/* VMs that nobody asks for */
#define KEEP_WAITING 256	/* entries kept of each of their vCPUs */

/* Entries of one vCPU that were not polled yet: [first, n). */
struct feed_vcpu {
	struct tsc_sync_entry *entries;
	size_t first, n, capacity;
	pid_t tid;
};

struct feed_vm {
	struct feed_vm *next;
	pid_t pid;
	bool is_open;
	struct feed_vcpu *vcpus;
	uint32_t n_vcpus;
};

struct feed_source {
	struct tsc_source source;
	struct kvm_feed *feed;
	struct feed_vm *vm;
};

struct tsc_sync_scale kvm_feed_scale(int64_t offset_tsc, uint64_t ratio, bool is_vmx)
{
	struct tsc_sync_scale scale = tsc_sync_scale_unscaled(offset_tsc);

	if (ratio > 1) {
		scale.ratio = ratio;
		scale.frac_bits = is_vmx ? 48 : 32;
	}
	return scale;
}

bool kvm_feed_host_is_vmx(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	bool is_vmx = false;
	char *line = NULL;
	size_t bytes = 0;

	while (f && getline(&line, &bytes, f) > 0)
		if (!strncmp(line, "flags", 5)) {
			is_vmx = strstr(line, " vmx ") || strstr(line, " vmx\n");
			break;
		}
	free(line);
	if (f)
		fclose(f);
	return is_vmx;
}

/* ---- VMs -------------------------------------------------------------------- */

static void vm_free(struct kvm_feed *feed, struct feed_vm *vm)
{
	uint32_t i;

	for (i = 0; i < vm->n_vcpus; i++) {
		if (vm->vcpus[i].tid && feed->ops->forget)
			feed->ops->forget(feed, vm->vcpus[i].tid);
		free(vm->vcpus[i].entries);
	}
	free(vm->vcpus);
	free(vm);
}

/* Of the VMs that nobody asked for the oldest goes: it is the list's last. */
static void drop_unopened(struct kvm_feed *feed)
{
	struct feed_vm **at, **last = NULL, *vm;

	for (at = &feed->vms; *at; at = &(*at)->next)
		if (!(*at)->is_open)
			last = at;
	if (!last)
		return;
	vm = *last;
	*last = vm->next;
	feed->n_unopened--;
	vm_free(feed, vm);
}

static struct feed_vm *vm_get(struct kvm_feed *feed, pid_t pid)
{
	struct feed_vm *vm;

	for (vm = feed->vms; vm; vm = vm->next)
		if (vm->pid == pid)
			return vm;
	if (feed->n_unopened >= MAX_UNOPENED)
		drop_unopened(feed);
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return NULL;
	vm->pid = pid;
	vm->next = feed->vms;
	feed->vms = vm;
	feed->n_unopened++;
	return vm;
}

static struct feed_vcpu *vcpu_get(struct feed_vm *vm, uint32_t vcpu)
{
	struct feed_vcpu *vcpus;
	uint32_t n = vcpu + 1;

	if (vcpu < vm->n_vcpus)
		return &vm->vcpus[vcpu];
	if (vcpu > MAX_VCPU)
		return NULL;
	vcpus = realloc(vm->vcpus, n * sizeof(*vcpus));
	if (!vcpus)
		return NULL;
	memset(vcpus + vm->n_vcpus, 0, (n - vm->n_vcpus) * sizeof(*vcpus));
	vm->vcpus = vcpus;
	vm->n_vcpus = n;
	return &vcpus[vcpu];
}

/* ---- entries ---------------------------------------------------------------- */

/* Room for one more: what was polled goes, and of what nobody wants the older half. */
static int make_room(struct kvm_feed *feed, const struct feed_vm *vm, struct feed_vcpu *v)
{
	size_t waiting = v->n - v->first, capacity;
	struct tsc_sync_entry *entries;

	if (waiting >= (vm->is_open ? MAX_WAITING : KEEP_WAITING)) {
		v->first += waiting / 2;
		if (vm->is_open)
			feed->n_dropped += waiting / 2;
		waiting = v->n - v->first;
	}
	if (v->first) {
		memmove(v->entries, v->entries + v->first, waiting * sizeof(*v->entries));
		v->first = 0;
		v->n = waiting;
	}
	if (v->n < v->capacity)
		return 0;
	capacity = v->capacity ? v->capacity * 2 : 4;
	entries = realloc(v->entries, capacity * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	v->entries = entries;
	v->capacity = capacity;
	return 0;
}

static void sort_in(struct kvm_feed *feed, const struct kvm_feed_record *rec)
{
	struct feed_vm *vm = vm_get(feed, rec->pid);
	struct feed_vcpu *v = vm ? vcpu_get(vm, rec->vcpu) : NULL;

	if (!v || (v->n == v->capacity && make_room(feed, vm, v))) {
		feed->n_dropped++;
		return;
	}
	if (v->tid != rec->tid && v->tid && feed->ops->forget)
		feed->ops->forget(feed, v->tid);
	v->tid = rec->tid;
	v->entries[v->n++] = (struct tsc_sync_entry){
		.from_host_tsc = rec->host_tsc,
		.scale = rec->scale,
		.vcpu = rec->vcpu,
		.source = feed->ops->source,
	};
}

int kvm_feed_add(struct kvm_feed *feed, const struct kvm_feed_record *rec)
{
	if (feed->n_pending == feed->pending_capacity) {
		size_t capacity = feed->pending_capacity ? feed->pending_capacity * 2 : 64;
		struct kvm_feed_record *pending =
			realloc(feed->pending, capacity * sizeof(*pending));

		if (!pending) {
			feed->n_dropped++;
			return -ENOMEM;
		}
		feed->pending = pending;
		feed->pending_capacity = capacity;
	}
	feed->pending[feed->n_pending++] = *rec;
	return 0;
}

/*
 * eBPF cannot read the TSC: its stamps are CLOCK_MONOTONIC.  They lie between
 * the snapshot before and one that is taken now, so the error of the conversion
 * is a snapshot's: some 40 ns, and KVM takes longer from an exit to the next entry.
 */
static int pending_sort_in(struct kvm_feed *feed)
{
	struct tsc_sync_snapshot snap[2] = { feed->before };
	int ret = tsc_sync_snapshot_take(&snap[1]);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < feed->n_pending; i++) {
		struct kvm_feed_record *rec = &feed->pending[i];

		if (!rec->host_tsc && tsc_sync_mono_to_tsc(snap, 2, rec->mono_ns, &rec->host_tsc)) {
			feed->n_dropped++;
			continue;
		}
		sort_in(feed, rec);
	}
	feed->n_pending = 0;
	feed->before = snap[1];
	return 0;
}

int kvm_feed_begin(struct kvm_feed *feed)
{
	int err;

	if (feed->has_begun)
		return 0;
	/* The snapshot before the first record. */
	err = tsc_sync_snapshot_take(&feed->before);
	if (!err && feed->ops->begin)
		err = feed->ops->begin(feed);
	feed->has_begun = !err;
	return err;
}

int kvm_feed_pull(struct kvm_feed *feed)
{
	int ret, err;

	if (!feed->has_begun)
		return 0;
	ret = feed->ops->take(feed);
	/* The slope since the last snapshot is as good as it was recent. */
	err = pending_sort_in(feed);
	return ret ? ret : err;
}

uint64_t kvm_feed_lost(const struct kvm_feed *feed)
{
	return feed->n_dropped + (feed->ops->lost ? feed->ops->lost(feed) : 0);
}

void kvm_feed_finish(struct kvm_feed *feed)
{
	if (feed->ops->finish)
		feed->ops->finish(feed);
	kvm_feed_pull(feed);
}

int kvm_feed_init(struct kvm_feed *feed, const struct kvm_feed_ops *ops)
{
	memset(feed, 0, sizeof(*feed));
	feed->ops = ops;
	feed->has_begun = !ops->begin;
	return tsc_sync_snapshot_take(&feed->before);
}

void kvm_feed_deinit(struct kvm_feed *feed)
{
	while (feed->vms) {
		struct feed_vm *vm = feed->vms;

		feed->vms = vm->next;
		vm_free(feed, vm);
	}
	free(feed->pending);
	memset(feed, 0, sizeof(*feed));
}

void kvm_feed_close(struct kvm_feed *feed)
{
	if (feed)
		feed->ops->close(feed);
}

/* ---- the source of one VM ------------------------------------------------------ */

int kvm_feed_source_open(struct kvm_feed *feed, pid_t pid, struct tsc_source **ret)
{
	struct feed_source *s = calloc(1, sizeof(*s));
	struct feed_vm *vm = s ? vm_get(feed, pid) : NULL;

	if (!vm) {
		free(s);
		return -ENOMEM;
	}
	if (!vm->is_open)
		feed->n_unopened--;
	vm->is_open = true;
	s->source.ops = feed->ops->source_ops;
	s->feed = feed;
	s->vm = vm;
	*ret = &s->source;
	return 0;
}

int kvm_feed_source_poll(struct tsc_source *source, uint32_t vcpu, struct tsc_sync_entry *ret)
{
	struct feed_source *s = (struct feed_source *)source;
	struct feed_vcpu *v;

	if (vcpu >= s->vm->n_vcpus)
		return 0;
	v = &s->vm->vcpus[vcpu];
	if (v->first == v->n)
		return 0;
	*ret = v->entries[v->first++];
	return 1;
}

int kvm_feed_source_check(struct tsc_source *source, uint64_t guest_tsc)
{
	(void)source;
	(void)guest_tsc;
	return 0; /* KVM's word needs no proof */
}

void kvm_feed_source_close(struct tsc_source *source)
{
	struct feed_source *s = (struct feed_source *)source;
	struct feed_vm **at;

	if (!s)
		return;
	for (at = &s->feed->vms; *at && *at != s->vm; at = &(*at)->next)
		;
	if (*at)
		*at = s->vm->next;
	vm_free(s->feed, s->vm);
	free(s);
}
