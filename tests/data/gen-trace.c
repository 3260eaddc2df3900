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

#include "data/simulation.h"
#include "trace/trace_writer.h"

#define PACKET_BYTES (64u << 10)

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

/* What a program of the VM says, each ms: a span of half a ms that ends on the last
 * vCPU, in it a value and ten marks 1 us apart. */
static void say_marks(struct vm *vm)
{
	struct stream *first = &vm->cpu[0], *last = &vm->cpu[opt.n_vcpus - 1];
	uint32_t ctx = ctx_of(vm->threads[0].task.tid, 0);

	for (uint64_t id = 1; id <= opt.n_marks; id++) {
		uint64_t ns = START_NS + id * MS;

		if (end_ns < ns + MS)
			end_ns = ns + MS;
		put_text(first, ns, IVT_TYPE_ivtrace_span_begin, ctx, &id, sizeof(id), "job");
		put_text(first, ns + 100 * US, IVT_TYPE_ivtrace_value, ctx, &id, sizeof(id),
			 "depth");
		for (uint64_t k = 0; k < 10; k++)
			put_text(first, ns + (200 + k) * US, IVT_TYPE_ivtrace_mark, ctx, "", 0,
				 "step");
		put_text(last, ns + 500 * US, IVT_TYPE_ivtrace_span_end, ctx, &id, sizeof(id),
			 "job");
	}
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
	if (!i)
		say_marks(vm);

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
	/* the kernel closes what a killed recorder had open */
	if (opt.is_unclosed)
		check(ivt_trace_writer_checkpoint(w, &error));
	else
		check(ivt_trace_writer_close(w, &error));
	if (opt.is_finalised)
		check(ivt_trace_finalise(path, &error));
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
	"  --marks N         jobs that a program of VM a marks, one per ms (0)\n"
	"  --duration MS     stop after this time, not after a number of writes\n"
	"  --seed N          (1)\n"
	"  --finalise        as after a recording's orderly end\n"
	"  --unclosed        as if the recorder had been killed\n";

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
		{ "requests", 1, NULL, 'r' }, { "contention", 1, NULL, 'c' },
		{ "vms", 1, NULL, 'm' },      { "vcpus", 1, NULL, 'v' },
		{ "noise", 1, NULL, 'n' },    { "marks", 1, NULL, 'k' },
		{ "duration", 1, NULL, 'd' }, { "finalise", 0, NULL, 'f' },
		{ "unclosed", 0, NULL, 'u' }, { "seed", 1, NULL, 's' },
		{ "help", 0, NULL, 'h' },     { 0 },
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
		else if (c == 'k')
			opt.n_marks = number(optarg, 0, 1000000);
		else if (c == 'd')
			opt.duration_ns = number(optarg, 1, 1u << 30) * MS;
		else if (c == 'f')
			opt.is_finalised = true;
		else if (c == 'u')
			opt.is_unclosed = true;
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
