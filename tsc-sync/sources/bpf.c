// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's numbers as eBPF programs see them, at each entry of a guest.
 */
#include <asm/types.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kvm_clock.skel.h"
#include "tsc-sync/sources/bpf_programs.h"
#include "tsc-sync/sources/kvm_clock_record.h"
#include "tsc-sync/sources/kvm_feed_internal.h"
#include "tsc-sync/sources/snapshot.h"

/* A vCPU without a timer tick on its CPU may stay in its guest for long: longer
 * than this and it is seen at its next entry, as all others. */
#define SETTLE_TSC (1ull << 33) /* 2..4 s */

struct bpf_feed {
	struct kvm_feed feed;
	struct kvm_clock *skel;
	struct ring_buffer *ring;
	bool is_vmx;
	uint64_t opened_tsc;
};

static const struct tsc_source_ops source_ops = {
	.name = "bpf",
	.what = "KVM's offset at each entry of a vCPU, by eBPF",
	.tells_instant = true,
	.poll = kvm_feed_source_poll,
	.check = kvm_feed_source_check,
	.close = kvm_feed_source_close,
};

static int take_one(void *ctx, void *data, size_t bytes)
{
	const struct kvm_clock_record *r = data;
	struct bpf_feed *b = ctx;
	struct kvm_feed_record rec;

	if (bytes < sizeof(*r))
		return 0;
	rec = (struct kvm_feed_record){
		.mono_ns = r->mono_ns,
		.scale = kvm_feed_scale((int64_t)r->offset, r->ratio, b->is_vmx),
		.pid = (pid_t)r->tgid,
		.tid = (pid_t)r->tid,
		.vcpu = r->vcpu,
	};
	kvm_feed_add(&b->feed, &rec);
	return 0;
}

static int bpf_take(struct kvm_feed *feed)
{
	struct bpf_feed *b = (struct bpf_feed *)feed;
	int n = ring_buffer__consume(b->ring);

	if (tsc_sync_host_tsc() - b->opened_tsc > SETTLE_TSC)
		b->skel->bss->is_settled = true;
	return n < 0 ? n : 0;
}

static int bpf_begin(struct kvm_feed *feed)
{
	struct bpf_feed *b = (struct bpf_feed *)feed;

	b->opened_tsc = tsc_sync_host_tsc();
	return kvm_clock__attach(b->skel);
}

static void bpf_finish(struct kvm_feed *feed)
{
	kvm_clock__detach(((struct bpf_feed *)feed)->skel);
}

static uint64_t bpf_lost(const struct kvm_feed *feed)
{
	return ((const struct bpf_feed *)feed)->skel->bss->n_lost;
}

static void bpf_forget(struct kvm_feed *feed, pid_t tid)
{
	uint32_t key = (uint32_t)tid;

	bpf_map_delete_elem(bpf_map__fd(((struct bpf_feed *)feed)->skel->maps.threads), &key);
}

static void bpf_close(struct kvm_feed *feed)
{
	struct bpf_feed *b = (struct bpf_feed *)feed;
	struct bpf_programs programs = { .n = 0 };

	if (b->skel) {
		bpf_programs_note(b->skel->obj, &programs);
		kvm_clock__detach(b->skel);
	}
	kvm_feed_deinit(feed);
	ring_buffer__free(b->ring);
	kvm_clock__destroy(b->skel);
	bpf_programs_await_end(&programs);
	free(b);
}

static const struct kvm_feed_ops feed_ops = {
	.source_ops = &source_ops,
	.source = TSC_SYNC_BPF,
	.begin = bpf_begin,
	.take = bpf_take,
	.finish = bpf_finish,
	.lost = bpf_lost,
	.forget = bpf_forget,
	.close = bpf_close,
};

/* Are KVM's tracepoints in this kernel, or in its module? */
static int find_tracepoints(void)
{
	struct btf *kernel = btf__load_vmlinux_btf(), *module = NULL;
	const struct btf *btf = kernel;
	int ret = 0;

	if (!kernel)
		return -ENOTSUP;
	if (!access("/sys/kernel/btf/kvm", R_OK)) {
		module = btf__load_module_btf("kvm", kernel);
		btf = module;
	}
	if (!btf || btf__find_by_name_kind(btf, "btf_trace_kvm_entry", BTF_KIND_TYPEDEF) < 0)
		ret = -ENOENT;
	btf__free(module);
	btf__free(kernel);
	return ret;
}

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static int load(struct bpf_feed *b)
{
	int ret = find_tracepoints();

	if (ret)
		return ret;
	b->is_vmx = kvm_feed_host_is_vmx();
	b->skel = kvm_clock__open();
	if (!b->skel)
		return -errno;
	ret = kvm_clock__load(b->skel);
	if (ret)
		return ret == -EACCES ? -EPERM : ret;
	b->ring = ring_buffer__new(bpf_map__fd(b->skel->maps.records), take_one, b, NULL);
	if (!b->ring)
		return -errno;
	return kvm_feed_init(&b->feed, &feed_ops);
}

int kvm_feed_open_bpf(struct kvm_feed **ret)
{
	struct bpf_feed *b = calloc(1, sizeof(*b));
	libbpf_print_fn_t print;
	int err;

	if (!b)
		return -ENOMEM;
	print = libbpf_set_print(say_nothing);
	err = load(b);
	libbpf_set_print(print);
	if (err) {
		bpf_close(&b->feed);
		return err;
	}
	*ret = &b->feed;
	return 0;
}
