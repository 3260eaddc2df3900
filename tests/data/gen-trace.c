// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gen-trace OUT.ivt [options]: a trace with known truth.
 *
 * A small simulation in host CLOCK_MONOTONIC ns: VMs "a", "b", ... whose threads
 * write to one serial disk of the host.  Each request passes guest thread ->
 * vCPU exit -> QEMU worker -> host disk -> interrupt -> worker -> guest
 * interrupt -> guest thread, and each step leaves the records that the real
 * probes would leave.  With contention, b floods the disk with large writes.
 * What is true of each request goes to OUT.truth.json.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "trace/packet.h"
#include "trace/trace_writer.h"

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
#define PACKET_BYTES (64u << 10)

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
	uint64_t requests, noise_hz, duration_ns, seed;
	bool contention;
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

/* ---- set-up ------------------------------------------------------------------------------ */

static void thread_add(unsigned int vm, unsigned int index, bool is_flood)
{
	struct thread *t = &vms[vm].threads[vms[vm].n_threads++];

	*t = (struct thread){ .vm = vm,
			      .vcpu = index % opt.n_vcpus,
			      .left = opt.duration_ns ? UINT64_MAX : opt.requests,
			      .sectors = is_flood ? 1024 : 8,
			      .think_ns = is_flood ? 10 * US : 1 * MS,
			      .is_flood = is_flood };
	t->task.tid = 300 + (int32_t)index;
	snprintf(t->task.comm, sizeof(t->task.comm), "%s/%u", is_flood ? "flood" : "writer", index);
	t->worker.tid = vms[vm].pid + 100 + (int32_t)index;
	snprintf(t->worker.comm, sizeof(t->worker.comm), "worker");
	t->at_ns = START_NS + 200 * US + rnd(1 * MS);
}

static void noise_add(unsigned int vm, unsigned int vcpu)
{
	struct thread *t = &vms[vm].threads[vms[vm].n_threads++];

	*t = (struct thread){ .vm = vm, .vcpu = vcpu, .is_noise = true };
	t->task.tid = 500 + (int32_t)vcpu;
	snprintf(t->task.comm, sizeof(t->task.comm), "noise/%u", vcpu);
	t->think_ns = 1000000000ull * 14 / opt.noise_hz; /* 14 records each time */
	t->at_ns = START_NS + 200 * US + rnd(t->think_ns);
}

static void dump_task(struct stream *s, uint64_t ns, const struct task *task, int32_t pid)
{
	struct ivt_ev_lttng_statedump_process_state e = {
		.tid = task->tid,
		.pid = pid,
		.ppid = 1,
		.type = IVT_TASK_USER,
		.mode = IVT_TASK_MODE_UNKNOWN,
		.status = IVT_TASK_STATUS_WAIT,
	};

	memcpy(e.name, task->comm, sizeof(e.name));
	put(s, ns, IVT_TYPE_lttng_statedump_process_state, ctx_of(1, 0), &e, sizeof(e));
}

static void dump_disk(struct stream *s, uint64_t ns, uint32_t dev, uint64_t sectors,
		      const char *name)
{
	struct {
		uint64_t sectors;
		uint32_t dev;
	} __attribute__((packed)) fixed = { sectors, dev };

	put_text(s, ns, IVT_TYPE_lttng_statedump_block_device, ctx_of(1, 0), &fixed, sizeof(fixed),
		 name);
}

static void vm_init(unsigned int i)
{
	struct vm *vm = &vms[i];
	struct stream *s = &vm->cpu[0], *host = &host_cpu[0];
	unsigned int n = i == 1 && opt.contention ? MAX_THREADS : 1;
	uint64_t ns = START_NS + 100 * i;
	struct task qemu = { .tid = 1000 * ((int32_t)i + 1), .comm = "qemu-system-x86" };

	vm->pid = qemu.tid;
	vm->tsc_offset = -(int64_t)(HOST_TSC0 + (i + 1) * 100000000ull);
	if (i < 26)
		snprintf(vm->name, sizeof(vm->name), "%c", 'a' + i);
	else
		snprintf(vm->name, sizeof(vm->name), "vm%u", i);
	for (unsigned int k = 0; k < n; k++)
		thread_add(i, k, n > 1);
	for (unsigned int k = 0; k < opt.n_vcpus && opt.noise_hz; k++)
		noise_add(i, k);

	PUT(s, ns, lttng_statedump_start, ctx_of(1, 0));
	for (unsigned int k = 0; k < vm->n_threads; k++)
		dump_task(s, ns + 1 + k, &vm->threads[k].task, 300);
	dump_disk(s, ns + 50, GUEST_DISK, 1u << 20, "vda");
	PUT(s, ns + 60, lttng_statedump_end, ctx_of(1, 0));

	dump_task(host, ns + 1, &qemu, vm->pid);
	for (unsigned int k = 0; k < opt.n_vcpus; k++) {
		struct task task = vcpu_task(i, k);

		dump_task(host, ns + 2 + k, &task, vm->pid);
	}
	for (unsigned int k = 0; k < n; k++)
		dump_task(host, ns + 40 + k, &vm->threads[k].worker, vm->pid);
}

static void world_init(void)
{
	n_host_cpus = opt.n_vms * (opt.n_vcpus + 1) + 1;
	host_cpu = calloc(n_host_cpus, sizeof(*host_cpu));
	if (!host_cpu)
		die("no memory");
	end_ns = START_NS;
	PUT(&host_cpu[0], START_NS, lttng_statedump_start, ctx_of(1, 0));
	for (unsigned int i = 0; i < opt.n_vms; i++)
		vm_init(i);
	dump_disk(&host_cpu[0], START_NS + 100 * opt.n_vms, HOST_DISK, (uint64_t)opt.n_vms << 21,
		  "nvme0n1");
	PUT(&host_cpu[0], START_NS + 100 * opt.n_vms + 1, lttng_statedump_end, ctx_of(1, 0));
}

/* ---- the trace ------------------------------------------------------------------------------ */

static struct ivt_error error;

static void check(int status)
{
	if (status)
		die(error.msg);
}

static int rec_compare(const void *a, const void *b)
{
	const struct rec *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static uint64_t host_tsc(uint64_t ns)
{
	return HOST_TSC0 + ns * TICKS_PER_NS;
}

static void stream_write(struct ivt_trace_writer *w, uint32_t machine, uint32_t cpu,
			 struct stream *s, const struct vm *vm)
{
	static char packet[PACKET_BYTES];
	struct iovec iov = { packet, 0 };

	check(ivt_trace_writer_add_stream(w, machine, cpu, &error));
	if (s->n)
		qsort(s->recs, s->n, sizeof(*s->recs), rec_compare);
	for (size_t i = 0; i < s->n; i++) {
		const struct rec *rec = &s->recs[i];
		uint64_t raw = vm ? host_tsc(rec->ns) + (uint64_t)vm->tsc_offset : rec->ns;

		if (iov.iov_len + rec->size > sizeof(packet)) {
			check(ivt_trace_writer_append(w, machine, cpu, &iov, 1, 0, 0, &error));
			iov.iov_len = 0;
		}
		memcpy(packet + iov.iov_len, s->bytes + rec->at, rec->size);
		memcpy(packet + iov.iov_len, &raw, sizeof(raw));
		iov.iov_len += rec->size;
	}
	check(ivt_trace_writer_append(w, machine, cpu, &iov, 1, 0, 0, &error));
}

static uint32_t vm_machine_add(struct ivt_trace_writer *w, unsigned int i)
{
	struct ivt_extent extents[2] = {
		{ 0, (uint64_t)i * (2u << 20) + (1u << 19), 1u << 19 },
		{ 1u << 19, (uint64_t)i * (2u << 20), 1u << 19 },
	};
	struct ivt_disk disk = {
		.host_dev = HOST_DISK, .sectors = 1u << 20, .extents = extents, .n_extents = 2
	};
	struct ivt_vcpu vcpus[MAX_VCPUS];
	struct ivt_machine_info info = { .kind = IVT_GUEST,
					 .clock = IVT_CLOCK_TSC,
					 .qemu_pid = vms[i].pid,
					 .accel = "kvm",
					 .vcpus = vcpus,
					 .n_vcpus = opt.n_vcpus,
					 .disks = &disk,
					 .n_disks = 1,
					 .guest_release = "6.1.0-synthetic",
					 .guest_cpus = opt.n_vcpus,
					 .guest_tsc_khz = TICKS_PER_NS * 1000000 };
	uint32_t machine;

	memcpy(info.name, vms[i].name, sizeof(vms[i].name));
	snprintf(disk.path, sizeof(disk.path), "/dev/nvme0n1 (vm %s)", vms[i].name);
	for (unsigned int k = 0; k < opt.n_vcpus; k++)
		vcpus[k] = (struct ivt_vcpu){ k, vcpu_task(i, k).tid };
	check(ivt_trace_writer_add_machine(w, &info, &machine, &error));
	for (unsigned int k = 0; k < opt.n_vcpus; k++) {
		struct tsc_sync_entry entry = { .from_host_tsc = host_tsc(START_NS - SNAPSHOT_NS),
						.scale = tsc_sync_scale_unscaled(vms[i].tsc_offset),
						.vcpu = k,
						.source = TSC_SYNC_BPF };

		check(ivt_trace_writer_clock(w, machine, &entry,
					     entry.from_host_tsc + (uint64_t)vms[i].tsc_offset,
					     &error));
	}
	return machine;
}

static void trace_write(const char *path)
{
	struct ivt_machine_info host = { .kind = IVT_HOST, .name = "host", .qemu_pid = -1 };
	struct ivt_trace_writer *w;
	uint32_t machine;

	check(ivt_trace_writer_create(path, IVT_VERSION, &w, &error));
	ivt_trace_writer_info(w)->tsc_khz = TICKS_PER_NS * 1000000;
	ivt_trace_writer_info(w)->nr_cpus = n_host_cpus;
	for (uint64_t ns = START_NS - SNAPSHOT_NS; ns < end_ns + 2 * SNAPSHOT_NS;
	     ns += SNAPSHOT_NS) {
		struct tsc_sync_snapshot snap = { .host_tsc = host_tsc(ns),
						  .mono_ns = ns,
						  .real_ns = REAL_NS + ns,
						  .mono_raw_ns = ns,
						  .boot_ns = ns,
						  .half_width_tsc = 30 };

		check(ivt_trace_writer_snapshot(w, &snap, &error));
	}
	check(ivt_trace_writer_add_machine(w, &host, &machine, &error));
	for (unsigned int cpu = 0; cpu < n_host_cpus; cpu++)
		stream_write(w, machine, cpu, &host_cpu[cpu], NULL);
	for (unsigned int i = 0; i < opt.n_vms; i++) {
		machine = vm_machine_add(w, i);
		for (unsigned int cpu = 0; cpu < opt.n_vcpus; cpu++)
			stream_write(w, machine, cpu, &vms[i].cpu[cpu], &vms[i]);
	}
	check(ivt_trace_writer_close(w, &error));
}

/* ---- the truth --------------------------------------------------------------------------------- */

/* Whom @r waited behind: the disk serves in the order of service_ns, and the
 * wait is [host_queue_ns, service_ns). */
static void truth_behind(FILE *f, const struct request *r)
{
	uint64_t behind[MAX_VMS] = { 0 }, none = r->service_ns - r->host_queue_ns;

	for (size_t i = 0; i < n_requests && r->service_ns; i++) {
		const struct request *o = &requests[i];
		uint64_t from = later(o->service_ns, r->host_queue_ns);
		uint64_t to = o->host_complete_ns < r->service_ns ? o->host_complete_ns
								  : r->service_ns;

		if (o != r && o->service_ns && to > from) {
			behind[o->vm] += to - from;
			none -= to - from;
		}
	}
	fprintf(f, "\"behind_ns\": {");
	for (unsigned int i = 0; i < opt.n_vms; i++)
		fprintf(f, "\"%s\": %" PRIu64 ", ", vms[i].name, behind[i]);
	fprintf(f, "\"none\": %" PRIu64 "}", r->service_ns ? none : 0);
}

static void truth_request(FILE *f, const struct request *r, bool is_last)
{
	fprintf(f, "    {\"vm\": \"%s\", \"tid\": %d, \"host_tid\": %d, ", vms[r->vm].name, r->tid,
		r->host_tid);
	fprintf(f, "\"sector\": %" PRIu64 ", \"nr_sector\": %u, \"host_sector\": %" PRIu64 ", ",
		r->sector, r->sectors, r->host_sector);
	fprintf(f,
		"\"start_ns\": %" PRIu64 ", \"issue_ns\": %" PRIu64 ", \"complete_ns\": %" PRIu64
		", ",
		r->start_ns, r->issue_ns, r->complete_ns);
	fprintf(f,
		"\"host_queue_ns\": %" PRIu64 ", \"host_issue_ns\": %" PRIu64
		", \"service_ns\": %" PRIu64 ", \"host_complete_ns\": %" PRIu64 ", ",
		r->host_queue_ns, r->host_issue_ns, r->service_ns, r->host_complete_ns);
	truth_behind(f, r);
	fprintf(f, "}%s\n", is_last ? "" : ",");
}

static void truth_write(const char *path)
{
	size_t len = strlen(path);
	size_t stem = len > 4 && strcmp(path + len - 4, ".ivt") == 0 ? len - 4 : len;
	uint64_t records = 0;
	char name[4096];
	FILE *f;

	for (unsigned int cpu = 0; cpu < n_host_cpus; cpu++)
		records += host_cpu[cpu].n;
	snprintf(name, sizeof(name), "%.*s.truth.json", (int)stem, path);
	f = fopen(name, "we");
	if (!f)
		die("cannot write the truth");
	fprintf(f, "{\n  \"start_ns\": %llu, \"end_ns\": %" PRIu64 ",\n  \"records\": {", START_NS,
		end_ns);
	for (unsigned int i = 0; i < opt.n_vms; i++) {
		uint64_t n = 0;

		for (unsigned int cpu = 0; cpu < opt.n_vcpus; cpu++)
			n += vms[i].cpu[cpu].n;
		fprintf(f, "\"%s\": %" PRIu64 ", ", vms[i].name, n);
	}
	fprintf(f, "\"host\": %" PRIu64 "},\n  \"requests\": [\n", records);
	for (size_t i = 0; i < n_requests; i++)
		truth_request(f, &requests[i], i + 1 == n_requests);
	fprintf(f, "  ]\n}\n");
	if (fclose(f))
		die("cannot write the truth");
}

/* ---- main --------------------------------------------------------------------------------------- */

static const char usage_text[] =
	"usage: gen-trace OUT.ivt [options]\n"
	"  --requests N      writes per thread of a VM without contention's flood (200)\n"
	"  --contention 0|1  VM b floods the disk with 512 KiB writes (1)\n"
	"  --vms N           VMs: a, b, c ... (2)\n"
	"  --vcpus N         of each VM (2)\n"
	"  --noise N         other records per second and vCPU (0)\n"
	"  --duration MS     stop after this time, not after a number of writes\n"
	"  --seed N          (1)\n";

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || end == text || n < least || n > most) {
		fprintf(stderr, "gen-trace: '%s' is not a number in %" PRIu64 "..%" PRIu64 "\n",
			text, least, most);
		exit(2);
	}
	return n;
}

static void options_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "requests", 1, NULL, 'r' },
		{ "contention", 1, NULL, 'c' },
		{ "vms", 1, NULL, 'm' },
		{ "vcpus", 1, NULL, 'v' },
		{ "noise", 1, NULL, 'n' },
		{ "duration", 1, NULL, 'd' },
		{ "seed", 1, NULL, 's' },
		{ "help", 0, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'r')
			opt.requests = number(optarg, 1, 1u << 30);
		else if (c == 'c')
			opt.contention = number(optarg, 0, 1);
		else if (c == 'm')
			opt.n_vms = (unsigned int)number(optarg, 1, MAX_VMS);
		else if (c == 'v')
			opt.n_vcpus = (unsigned int)number(optarg, 1, MAX_VCPUS);
		else if (c == 'n')
			opt.noise_hz = number(optarg, 0, 1000000);
		else if (c == 'd')
			opt.duration_ns = number(optarg, 1, 1u << 30) * MS;
		else if (c == 's')
			opt.seed = number(optarg, 1, UINT64_MAX);
		else
			exit((fputs(usage_text, c == 'h' ? stdout : stderr), c == 'h' ? 0 : 2));
	}
	if (optind + 1 != argc)
		exit((fputs(usage_text, stderr), 2));
}

int main(int argc, char **argv)
{
	struct thread *t;

	options_parse(argc, argv);
	world_init();
	while ((t = thread_next()))
		thread_step(t);
	trace_write(argv[optind]);
	truth_write(argv[optind]);
	return 0;
}
