/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world of gen-trace: VMs' threads, vCPUs, QEMU's workers and one serial
 * disk, in steps; what the probes would record goes to streams in memory.
 */
#ifndef TESTS_DATA_SIMULATION_H
#define TESTS_DATA_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>

#define MAX_VMS	     64
#define MAX_VCPUS    16
#define MAX_THREADS  8 /* per VM */
#define US	     1000u
#define MS	     1000000u
#define START_NS     5000000000ull /* CLOCK_MONOTONIC at the start */
#define REAL_NS	     1700000000000000000ull
#define HOST_TSC0    4000000000000ull
#define TICKS_PER_NS 3u
#define SNAPSHOT_NS  (100 * MS)
#define HOST_DISK    (259u << 20)
#define GUEST_DISK   (254u << 20)
#define DISK_IRQ     40
#define VIRTIO_IRQ   24
#define NR_PWRITE64  18
#define NR_FUTEX     202

/* ---- streams: records kept until the end, then sorted and written ------------- */

struct rec {
	uint64_t ns;
	uint64_t order;
	uint32_t at; /* in stream.bytes */
	uint32_t size;
};

struct stream {
	struct rec *recs;
	size_t n;
	char *bytes;
	size_t used;
	size_t room;
};

static void die(const char *what)
{
	fprintf(stderr, "gen-trace: %s\n", what);
	exit(1);
}

static void *grow(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (!p)
		die("no memory");
	return p;
}

static void put(struct stream *s, uint64_t ns, uint16_t type, uint32_t ctx, const void *payload,
		size_t bytes)
{
	size_t size = (sizeof(struct ivring_record) + bytes + 7) & ~(size_t)7;
	struct ivring_record hdr = { .type = type, .size = (uint16_t)size, .ctx = ctx };

	if (s->used + size > s->room) {
		s->room = s->room ? s->room * 2 : 1 << 16;
		s->bytes = grow(s->bytes, s->room);
	}
	if ((s->n & (s->n - 1)) == 0)
		s->recs = grow(s->recs, (s->n ? s->n * 2 : 1) * sizeof(*s->recs));
	memset(s->bytes + s->used, 0, size);
	memcpy(s->bytes + s->used, &hdr, sizeof(hdr));
	memcpy(s->bytes + s->used + sizeof(hdr), payload, bytes);
	s->recs[s->n] = (struct rec){ ns, s->n, (uint32_t)s->used, (uint32_t)size };
	s->used += size;
	s->n++;
}

#define PUT(s, ns, event, ctx, ...)                                   \
	do {                                                          \
		struct ivt_ev_##event ev_ = { __VA_ARGS__ };          \
		put(s, ns, IVT_TYPE_##event, ctx, &ev_, sizeof(ev_)); \
	} while (0)

static void put_text(struct stream *s, uint64_t ns, uint16_t type, uint32_t ctx, const void *fixed,
		     size_t bytes, const char *text)
{
	char payload[256];

	memcpy(payload, fixed, bytes);
	strcpy(payload + bytes, text);
	put(s, ns, type, ctx, payload, bytes + strlen(text) + 1);
}

/* ---- the world ------------------------------------------------------------------- */

struct task {
	int32_t tid;
	char comm[16];
};

enum step {
	STEP_SUBMIT, /* the guest's thread begins a write */
	STEP_WORKER, /* QEMU's worker submits it on the host */
	STEP_DISPATCH,
	STEP_COMPLETE,
	STEP_WORKER_END,
	STEP_GUEST_IRQ,
	STEP_DONE
};

struct request {
	unsigned int vm;
	int32_t tid, host_tid;
	uint64_t sector, host_sector, rq, host_rq;
	uint32_t sectors;
	uint64_t start_ns, issue_ns, complete_ns; /* in the guest */
	uint64_t host_queue_ns, host_issue_ns, service_ns, host_complete_ns;
};

struct thread {
	struct task task;
	struct task worker;
	unsigned int vm, vcpu;
	enum step step;
	uint64_t at_ns;
	uint64_t left; /* requests */
	uint32_t sectors;
	uint64_t think_ns;
	size_t request;
	bool is_noise;
	bool is_flood; /* goes on as long as others have work */
};

struct vm {
	char name[16];
	int32_t pid;
	int64_t tsc_offset;
	struct stream cpu[MAX_VCPUS];
	uint64_t cpu_free_ns[MAX_VCPUS];
	uint64_t io_free_ns;
	struct thread threads[MAX_THREADS + MAX_VCPUS];
	unsigned int n_threads;
};

static struct {
	unsigned int n_vms, n_vcpus;
	uint64_t requests, noise_hz, n_marks, duration_ns, seed;
	bool contention, is_finalised, is_unclosed;
} opt = { .n_vms = 2, .n_vcpus = 2, .requests = 200, .contention = true, .seed = 1 };

static struct vm vms[MAX_VMS];
static struct stream *host_cpu;
static unsigned int n_host_cpus;
static uint64_t disk_free_ns;
static struct request *requests;
static size_t n_requests;
static uint64_t end_ns;

static uint64_t rnd(uint64_t below)
{
	opt.seed ^= opt.seed << 13;
	opt.seed ^= opt.seed >> 7;
	opt.seed ^= opt.seed << 17;
	return opt.seed % below;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint32_t ctx_of(int32_t tid, unsigned int exec)
{
	return (uint32_t)tid | exec << IVRING_CTX_EXEC_SHIFT;
}

static struct task idle_task(unsigned int cpu)
{
	struct task t = { 0 };

	snprintf(t.comm, sizeof(t.comm), "swapper/%u", cpu);
	return t;
}

/* Host CPUs: per VM one for each vCPU's thread and one for its workers, and a
 * last one for the disk's interrupts. */
static unsigned int vcpu_host_cpu(unsigned int vm, unsigned int vcpu)
{
	return vm * (opt.n_vcpus + 1) + vcpu;
}

static unsigned int io_host_cpu(unsigned int vm)
{
	return vcpu_host_cpu(vm, opt.n_vcpus);
}

static struct task vcpu_task(unsigned int vm, unsigned int vcpu)
{
	struct task t = { .tid = vms[vm].pid + 1 + (int32_t)vcpu };

	snprintf(t.comm, sizeof(t.comm), "CPU %u/KVM", vcpu);
	return t;
}

/* ---- what happens, as records ------------------------------------------------------ */

static void put_switch(struct stream *s, uint64_t ns, const struct task *prev, int64_t state,
		       const struct task *next)
{
	struct ivt_ev_sched_switch e = { .prev_tid = prev->tid,
					 .prev_prio = 20,
					 .prev_state = state,
					 .next_tid = next->tid,
					 .next_prio = 20 };

	memcpy(e.prev_comm, prev->comm, sizeof(e.prev_comm));
	memcpy(e.next_comm, next->comm, sizeof(e.next_comm));
	put(s, ns, IVT_TYPE_sched_switch, ctx_of(prev->tid, IVRING_EXEC_TASK), &e, sizeof(e));
}

static void put_waking(struct stream *s, uint64_t ns, uint32_t ctx, const struct task *task,
		       unsigned int cpu)
{
	struct ivt_ev_sched_waking e = { .tid = task->tid, .prio = 20, .target_cpu = (int32_t)cpu };

	memcpy(e.comm, task->comm, sizeof(e.comm));
	put(s, ns, IVT_TYPE_sched_waking, ctx, &e, sizeof(e));
}

static void put_pwrite(struct stream *s, uint64_t ns, int32_t tid, uint64_t bytes, uint64_t pos)
{
	uint64_t args[4] = { 3, 0x7f0000001000, bytes, pos };

	put(s, ns, IVT_TYPE_SYSCALL_ENTRY + NR_PWRITE64, ctx_of(tid, 0), args, sizeof(args));
}

static void put_exit(struct stream *s, uint64_t ns, unsigned int nr, int32_t tid, int64_t ret)
{
	put(s, ns, (uint16_t)(IVT_TYPE_SYSCALL_EXIT + nr), ctx_of(tid, 0), &ret, sizeof(ret));
}

/* bio at @ns, insert 1 us, issue 2 us later. */
static void put_block(struct stream *s, uint64_t ns, const struct task *task, uint32_t dev,
		      uint64_t sector, uint32_t sectors, uint64_t rq)
{
	struct ivt_ev_block_bio_queue bio = { .sector = sector,
					      .dev = dev,
					      .nr_sector = sectors,
					      .rwbs = IVT_RWBS_WRITE | IVT_RWBS_SYNC,
					      .tid = task->tid };
	struct ivt_ev_block_rq_insert e = { .sector = sector,
					    .rq = rq,
					    .dev = dev,
					    .nr_sector = sectors,
					    .bytes = sectors * 512,
					    .tid = task->tid,
					    .rwbs = IVT_RWBS_WRITE | IVT_RWBS_SYNC };
	uint32_t ctx = ctx_of(task->tid, 0);

	memcpy(bio.comm, task->comm, sizeof(bio.comm));
	memcpy(e.comm, task->comm, sizeof(e.comm));
	put(s, ns, IVT_TYPE_block_bio_queue, ctx, &bio, sizeof(bio));
	put(s, ns + 1 * US, IVT_TYPE_block_rq_insert, ctx, &e, sizeof(e));
	put(s, ns + 2 * US, IVT_TYPE_block_rq_issue, ctx, &e, sizeof(e));
}

/* irq entry at @ns, completion 500 ns, waking 1 us, irq exit 1.5 us later. */
static void put_irq_complete(struct stream *s, uint64_t ns, int irq, const char *name, uint32_t dev,
			     uint64_t sector, uint32_t sectors, uint64_t rq,
			     const struct task *waiter, unsigned int cpu)
{
	uint32_t ctx = ctx_of(0, IVRING_EXEC_HARDIRQ);
	int32_t number = irq;

	put_text(s, ns, IVT_TYPE_irq_handler_entry, ctx, &number, sizeof(number), name);
	PUT(s, ns + 500, block_rq_complete, ctx, .sector = sector, .rq = rq, .dev = dev,
	    .nr_sector = sectors, .rwbs = IVT_RWBS_WRITE | IVT_RWBS_SYNC);
	put_waking(s, ns + 1 * US, ctx, waiter, cpu);
	PUT(s, ns + 1500, irq_handler_exit, ctx, .irq = irq, .ret = 1);
}

static void put_kvm(unsigned int vm, unsigned int vcpu, uint64_t ns, bool is_entry, uint32_t reason)
{
	struct stream *s = &host_cpu[vcpu_host_cpu(vm, vcpu)];
	uint32_t ctx = ctx_of(vcpu_task(vm, vcpu).tid, 0);

	if (is_entry)
		PUT(s, ns, kvm_x86_entry, ctx, .vcpu_id = vcpu);
	else
		PUT(s, ns, kvm_x86_exit, ctx, .exit_reason = reason, .isa = 1, .vcpu_id = vcpu);
}

/* The vCPU's thread runs on the host and enters the guest; the guest's code may
 * run from 2 us later on. */
static uint64_t vcpu_begin(unsigned int vm, unsigned int vcpu, uint64_t ns)
{
	unsigned int cpu = vcpu_host_cpu(vm, vcpu);
	struct task idle = idle_task(cpu), task = vcpu_task(vm, vcpu);
	uint64_t at = later(ns, vms[vm].cpu_free_ns[vcpu]);

	put_switch(&host_cpu[cpu], at, &idle, 0, &task);
	put_kvm(vm, vcpu, at + 1 * US, true, 0);
	return at + 2 * US;
}

/* The guest halts at @ns. */
static void vcpu_end(unsigned int vm, unsigned int vcpu, uint64_t ns)
{
	unsigned int cpu = vcpu_host_cpu(vm, vcpu);
	struct task idle = idle_task(cpu), task = vcpu_task(vm, vcpu);

	put_kvm(vm, vcpu, ns + 500, false, 12 /* HLT */);
	put_switch(&host_cpu[cpu], ns + 1 * US, &task, 1, &idle);
	vms[vm].cpu_free_ns[vcpu] = ns + 2 * US;
	end_ns = later(end_ns, ns + 2 * US);
}

/* ---- steps of a request --------------------------------------------------------------- */

static struct request *request_begin(struct thread *t)
{
	struct request *r;

	if ((n_requests & (n_requests - 1)) == 0)
		requests = grow(requests, (n_requests ? n_requests * 2 : 1) * sizeof(*requests));
	t->request = n_requests++;
	r = &requests[t->request];
	memset(r, 0, sizeof(*r));
	r->vm = t->vm;
	r->tid = t->task.tid;
	r->host_tid = t->worker.tid;
	r->sectors = t->sectors;
	r->sector = rnd((1u << 20) / t->sectors) * t->sectors;
	/* two extents of half the disk each, swapped */
	r->host_sector = (uint64_t)t->vm * (2u << 20) + (r->sector ^ (1u << 19));
	r->rq = 0xffff888000000000ull + t->task.tid % 64 * 0x400u;
	r->host_rq = 0xffff9990000000ull + t->vm * 0x10000u + t->task.tid % 64 * 0x400u;
	return r;
}

/* A timer's soft interrupt wakes the thread, which then runs. */
static uint64_t thread_wakes(struct thread *t)
{
	struct stream *s = &vms[t->vm].cpu[t->vcpu];
	struct task idle = idle_task(t->vcpu);
	uint64_t at = vcpu_begin(t->vm, t->vcpu, t->at_ns);
	uint32_t ctx = ctx_of(0, IVRING_EXEC_SOFTIRQ);

	PUT(s, at, irq_softirq_entry, ctx, .vec = 1);
	put_waking(s, at + 300, ctx, &t->task, t->vcpu);
	PUT(s, at + 600, irq_softirq_exit, ctx, .vec = 1);
	put_switch(s, at + 1 * US, &idle, 0, &t->task);
	return at + 1 * US;
}

static void step_submit(struct thread *t)
{
	struct stream *s = &vms[t->vm].cpu[t->vcpu];
	struct task idle = idle_task(t->vcpu);
	struct request *r = request_begin(t);
	uint64_t at = thread_wakes(t);

	put_pwrite(s, at + 1 * US, t->task.tid, r->sectors * 512ull, r->sector * 512);
	put_block(s, at + 2 * US, &t->task, GUEST_DISK, r->sector, r->sectors, r->rq);
	r->start_ns = at + 2 * US;
	r->issue_ns = at + 4 * US;
	put_kvm(t->vm, t->vcpu, at + 5 * US, false, 48 /* EPT misconfiguration: the kick */);
	put_waking(&host_cpu[vcpu_host_cpu(t->vm, t->vcpu)], at + 6 * US,
		   ctx_of(vcpu_task(t->vm, t->vcpu).tid, 0), &t->worker, io_host_cpu(t->vm));
	put_kvm(t->vm, t->vcpu, at + 7 * US, true, 0);
	put_switch(s, at + 9 * US, &t->task, 2, &idle);
	vcpu_end(t->vm, t->vcpu, at + 10 * US);
	t->at_ns = at + 8 * US;
	t->step = STEP_WORKER;
}

static void step_worker(struct thread *t)
{
	unsigned int cpu = io_host_cpu(t->vm);
	struct request *r = &requests[t->request];
	struct task idle = idle_task(cpu);
	uint64_t at = later(t->at_ns, vms[t->vm].io_free_ns);

	put_switch(&host_cpu[cpu], at, &idle, 0, &t->worker);
	put_pwrite(&host_cpu[cpu], at + 1 * US, t->worker.tid, r->sectors * 512ull,
		   r->sector * 512);
	put_block(&host_cpu[cpu], at + 2 * US, &t->worker, HOST_DISK, r->host_sector, r->sectors,
		  r->host_rq);
	put_switch(&host_cpu[cpu], at + 5 * US, &t->worker, 2, &idle);
	vms[t->vm].io_free_ns = at + 6 * US;
	r->host_queue_ns = at + 2 * US;
	r->host_issue_ns = at + 4 * US;
	t->at_ns = r->host_issue_ns;
	t->step = STEP_DISPATCH;
}

/* The disk serves one request after the other: 100 us and 1 us a sector. */
static void step_dispatch(struct thread *t)
{
	struct request *r = &requests[t->request];

	r->service_ns = later(r->host_issue_ns, disk_free_ns);
	disk_free_ns = r->service_ns + 100 * US + r->sectors * 1 * US + rnd(20 * US);
	r->host_complete_ns = disk_free_ns;
	t->at_ns = disk_free_ns;
	t->step = STEP_COMPLETE;
}

static void step_complete(struct thread *t)
{
	struct request *r = &requests[t->request];

	put_irq_complete(&host_cpu[n_host_cpus - 1], t->at_ns - 500, DISK_IRQ, "nvme0q1", HOST_DISK,
			 r->host_sector, r->sectors, r->host_rq, &t->worker, io_host_cpu(t->vm));
	t->at_ns += 2 * US;
	t->step = STEP_WORKER_END;
}

static void step_worker_end(struct thread *t)
{
	unsigned int cpu = io_host_cpu(t->vm);
	struct task idle = idle_task(cpu), vcpu = vcpu_task(t->vm, t->vcpu);
	struct request *r = &requests[t->request];
	uint64_t at = later(t->at_ns, vms[t->vm].io_free_ns);

	put_switch(&host_cpu[cpu], at, &idle, 0, &t->worker);
	put_exit(&host_cpu[cpu], at + 1 * US, NR_PWRITE64, t->worker.tid, r->sectors * 512ll);
	put_waking(&host_cpu[cpu], at + 2 * US, ctx_of(t->worker.tid, 0), &vcpu,
		   vcpu_host_cpu(t->vm, t->vcpu));
	put_switch(&host_cpu[cpu], at + 3 * US, &t->worker, 1, &idle);
	vms[t->vm].io_free_ns = at + 4 * US;
	t->at_ns = at + 4 * US;
	t->step = STEP_GUEST_IRQ;
}

static void step_guest_irq(struct thread *t)
{
	struct stream *s = &vms[t->vm].cpu[t->vcpu];
	struct request *r = &requests[t->request];
	struct task idle = idle_task(t->vcpu);
	uint64_t at = vcpu_begin(t->vm, t->vcpu, t->at_ns);

	put_irq_complete(s, at, VIRTIO_IRQ, "virtio1-req.0", GUEST_DISK, r->sector, r->sectors,
			 r->rq, &t->task, t->vcpu);
	r->complete_ns = at + 500;
	put_switch(s, at + 2 * US, &idle, 0, &t->task);
	put_exit(s, at + 3 * US, NR_PWRITE64, t->task.tid, r->sectors * 512ll);
	put_switch(s, at + 4 * US, &t->task, 1, &idle);
	vcpu_end(t->vm, t->vcpu, at + 5 * US);
	if (!t->is_flood)
		t->left--;
	t->at_ns = at + 5 * US + t->think_ns + rnd(t->think_ns / 4 + 1);
	t->step = t->left ? STEP_SUBMIT : STEP_DONE;
}

/* Ten records on the vCPU: a timer wakes a thread that calls futex(). */
static void step_noise(struct thread *t)
{
	struct stream *s = &vms[t->vm].cpu[t->vcpu];
	struct task idle = idle_task(t->vcpu);
	uint64_t args[6] = { 0x7f0000002000, 129, 1, 0, 0, 0 };
	uint64_t at = thread_wakes(t);

	for (unsigned int i = 0; i < 2; i++) {
		put(s, at + 500, IVT_TYPE_SYSCALL_ENTRY + NR_FUTEX, ctx_of(t->task.tid, 0), args,
		    sizeof(args));
		put_exit(s, at + 1000, NR_FUTEX, t->task.tid, 0);
		at += 1000;
	}
	put_switch(s, at + 500, &t->task, 1, &idle);
	vcpu_end(t->vm, t->vcpu, at + 1000);
	t->at_ns += t->think_ns;
}

static void thread_step(struct thread *t)
{
	static void (*const steps[])(struct thread *) = {
		[STEP_SUBMIT] = step_submit,	     [STEP_WORKER] = step_worker,
		[STEP_DISPATCH] = step_dispatch,     [STEP_COMPLETE] = step_complete,
		[STEP_WORKER_END] = step_worker_end, [STEP_GUEST_IRQ] = step_guest_irq,
	};

	if (t->is_noise)
		step_noise(t);
	else
		steps[t->step](t);
}

/* The next thread to do something; NULL when all requests are done. */
static struct thread *thread_next(void)
{
	struct thread *next = NULL;
	bool has_work = opt.duration_ns > 0;

	for (unsigned int i = 0; i < opt.n_vms; i++)
		for (unsigned int k = 0; k < vms[i].n_threads; k++)
			has_work |= !vms[i].threads[k].is_noise && !vms[i].threads[k].is_flood &&
				    vms[i].threads[k].step != STEP_DONE;
	for (unsigned int i = 0; i < opt.n_vms; i++) {
		for (unsigned int k = 0; k < vms[i].n_threads; k++) {
			struct thread *t = &vms[i].threads[k];

			if (t->step == STEP_DONE || (!has_work && t->step == STEP_SUBMIT))
				continue;
			if (!next || t->at_ns < next->at_ns)
				next = t;
		}
	}
	if (next && opt.duration_ns && next->at_ns >= START_NS + opt.duration_ns)
		return NULL;
	return next;
}

#endif /* TESTS_DATA_SIMULATION_H */
