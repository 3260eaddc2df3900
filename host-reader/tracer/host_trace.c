// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/tracer/cpu_buffer.h"
#include "host-reader/tracer/host_trace.h"
#include "host-reader/tracer/state_dump.h"
#include "host_events.skel.h"
#include "trace/event_table.h"
#include "tsc-sync/sources/bpf_programs.h"

#define HOLD_BACK_NS  5000000u	 /* no interrupt nests longer between stamp and reserve */
#define PATIENCE_NS   100000000u /* a packet is written at the latest after this */
#define PACKET_BYTES  (256u << 10)
#define RING_BYTES    (4u << 20)
#define MANY_CPUS     64
#define DRAIN_ROUNDS  8 /* buffers per CPU and call: one busy CPU starves nobody */
#define LIBBPF_EXCUSE 1024
#define SPARE_FILES   640 /* streams, regions, programs */

struct host_cpu {
	struct ring_buffer *ring;
	int map_fd;
	struct cpu_buffer buffer;
	uint64_t flushed_at_ns;
	uint64_t n_taken_bytes;
	uint64_t n_lost_before; /* by a recorder that was killed, in this stream */
	uint64_t n_dropped;	/* records that a full disk had no room for at the end */
	uint64_t n_lost;	/* in all, when that was accounted */
	uint64_t base_lost;	/* of it in the chunks before */
	bool has_stream;
	bool is_dropping;
};

struct host_trace {
	struct host_events *skel;
	struct bpf_link *links[BPF_PROGRAMS_MAX];
	size_t n_links;
	uint64_t n_nested_before; /* as n_lost_before, in the first stream */
	struct sink *sink;
	uint32_t machine;
	uint32_t n_cpus;
	uint32_t ring_bytes;
	uint64_t n_nested; /* as n_lost and base_lost, of programs that interrupted themselves */
	uint64_t base_nested;
	struct host_cpu *cpus;
	const struct bpf_stats *stats;
};

/* libbpf explains a failed load on its log only: the last lines are kept. */
static char libbpf_log[LIBBPF_EXCUSE];

static int keep_log(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_WARN)
		vsnprintf(libbpf_log, sizeof(libbpf_log), fmt, args);
	return 0;
}

/* Is the tracepoint of @prog in this kernel?  @kvm: the types of KVM's module, or
 * NULL: it is built in, or not there. */
static bool has_tracepoint(const struct bpf_program *prog, const struct btf *btf,
			   const struct btf *kvm)
{
	const char *section = bpf_program__section_name(prog), *name = strrchr(section, '/') + 1;
	char type[128], path[160];

	if (!strncmp(section, "tp/", 3)) {
		snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/id", section + 3);
		if (!access(path, R_OK))
			return true;
		snprintf(path, sizeof(path), "/sys/kernel/debug/tracing/events/%s/id", section + 3);
		return !access(path, R_OK);
	}
	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) >= 0 ||
	       (kvm && btf__find_by_name_kind(kvm, type, BTF_KIND_TYPEDEF) >= 0);
}

static bool is_wanted(const struct bpf_program *prog, const struct event_set *events)
{
	const char *name = bpf_program__name(prog);
	const struct ivt_event_desc *desc = ivt_event_desc_by_name(name);

	if (!strcmp(name, "syscall_entry") || !strcmp(name, "syscall_exit"))
		return event_set_has_group(events, "syscall");
	return desc && event_set_has(events, desc->type);
}

static int choose_programs(struct host_trace *ht, const struct event_set *events,
			   struct ivt_error *err)
{
	struct btf *btf = btf__load_vmlinux_btf(), *kvm = NULL;
	struct bpf_program *prog;

	if (!btf)
		return ivt_error_set(err, -ENOTSUP,
				     "cannot trace the host: its kernel has no type information in "
				     "/sys/kernel/btf/vmlinux (use a kernel with "
				     "CONFIG_DEBUG_INFO_BTF; --host none records the guests only)");
	if (!access("/sys/kernel/btf/kvm", R_OK))
		kvm = btf__load_module_btf("kvm", btf);
	bpf_object__for_each_program(prog, ht->skel->obj)
	{
		bool is_on = is_wanted(prog, events) && has_tracepoint(prog, btf, kvm);

		bpf_program__set_autoload(prog, is_on);
	}
	btf__free(kvm);
	btf__free(btf);
	return 0;
}

static int load_failed(int code, struct ivt_error *err)
{
	if (code == -EPERM || code == -EACCES)
		return ivt_error_set(err, -EPERM,
				     "cannot trace the host: %s (run as root, or with CAP_BPF and "
				     "CAP_PERFMON; --host none records the guests only)",
				     strerror(-code));
	return ivt_error_set(err, code,
			     "cannot trace the host: the kernel refused a program: %s: %s "
			     "(ivtrace-host doctor; --host none records the guests only)",
			     strerror(-code), libbpf_log);
}

/* Two descriptors per CPU: hundreds of CPUs are more than the usual limit. */
static void raise_file_limit(uint32_t n_cpus)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= 2 * n_cpus + SPARE_FILES)
		return;
	limit.rlim_cur = 2 * n_cpus + SPARE_FILES;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* where this is refused, a ring cannot be made */
}

/* A ring buffer for each CPU, in the outer map at the CPU's number. */
static int make_rings(struct host_trace *ht)
{
	int outer = bpf_map__fd(ht->skel->maps.rings);
	uint32_t cpu;

	for (cpu = 0; cpu < ht->n_cpus; cpu++) {
		struct host_cpu *c = &ht->cpus[cpu];

		c->map_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ivt_ring", 0, 0, ht->ring_bytes,
					   NULL);
		if (c->map_fd < 0 || bpf_map_update_elem(outer, &cpu, &c->map_fd, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int take_record(void *ctx, void *data, size_t bytes)
{
	struct host_cpu *c = ctx;

	c->n_taken_bytes += bytes;
	if (c->is_dropping) {
		c->n_dropped++;
		return 0;
	}
	/* A record that is none of ours cannot be here: our programs wrote it. */
	return cpu_buffer_add(&c->buffer, data, bytes) == -ENOBUFS ? -ENOBUFS : 0;
}

static int open_readers(struct host_trace *ht)
{
	uint32_t cpu;

	for (cpu = 0; cpu < ht->n_cpus; cpu++) {
		struct host_cpu *c = &ht->cpus[cpu];
		int err = cpu_buffer_init(&c->buffer, cpu);

		if (err)
			return err;
		c->ring = ring_buffer__new(c->map_fd, take_record, c, NULL);
		if (!c->ring)
			return -errno;
	}
	return 0;
}

int host_trace_open(const struct event_set *events, struct sink *sink, uint32_t machine,
		    struct host_trace **ret, struct ivt_error *err)
{
	struct host_trace *ht = calloc(1, sizeof(*ht));
	int code = -ENOMEM;
	uint32_t cpu;

	libbpf_set_print(keep_log);
	if (!ht)
		return ivt_error_set(err, code, "cannot trace the host: %s", strerror(ENOMEM));
	ht->sink = sink;
	ht->machine = machine;
	ht->n_cpus = (uint32_t)libbpf_num_possible_cpus();
	ht->ring_bytes = ht->n_cpus > MANY_CPUS ? RING_BYTES / 4 : RING_BYTES;
	ht->cpus = calloc(ht->n_cpus, sizeof(*ht->cpus));
	ht->skel = host_events__open();
	if (!ht->cpus || !ht->skel) {
		load_failed(code, err);
		goto err_close;
	}
	for (cpu = 0; cpu < ht->n_cpus; cpu++)
		ht->cpus[cpu].map_fd = -1;
	code = choose_programs(ht, events, err);
	if (code)
		goto err_close;
	bpf_map__set_max_entries(ht->skel->maps.rings, ht->n_cpus);
	raise_file_limit(ht->n_cpus);
	code = host_events__load(ht->skel);
	if (!code)
		code = make_rings(ht);
	if (!code)
		code = open_readers(ht);
	if (code) {
		code = load_failed(code, err);
		goto err_close;
	}
	*ret = ht;
	return 0;
err_close:
	host_trace_close(ht);
	return code;
}

/* Append what is ripe; the buffer keeps what was not taken. */
static int flush_cpu(struct host_trace *ht, struct host_cpu *c, uint64_t until_ns)
{
	struct ivt_stream_info *stream;
	struct iovec iov;
	int ret;

	iov.iov_base = c->buffer.data;
	iov.iov_len = cpu_buffer_ripe(&c->buffer, until_ns);
	if (!iov.iov_len)
		return 0;
	if (!c->has_stream) {
		ret = sink_open_stream(ht->sink, ht->machine, c->buffer.cpu);
		if (ret)
			return ret;
		c->has_stream = true;
	}
	stream = sink_stream(ht->sink, ht->machine, c->buffer.cpu);
	ret = sink_append(ht->sink, ht->machine, c->buffer.cpu, &iov, 1,
			  stream ? stream->lost_full + stream->lost_nested : 0, 0);
	if (ret)
		return ret;
	c->flushed_at_ns = now_ns();
	ht->sink->n_records += cpu_buffer_drop(&c->buffer, iov.iov_len);
	return 0;
}

/* Put one record of our own into the first CPU's stream. */
static int add_dumped(void *ctx, const void *record, size_t bytes)
{
	struct host_trace *ht = ctx;
	struct host_cpu *c = &ht->cpus[0];

	if (cpu_buffer_add(&c->buffer, record, bytes) == -ENOBUFS)
		return flush_cpu(ht, c, UINT64_MAX);
	return 0;
}

/* In a trace that goes on, the streams count on. */
static void take_counts(struct host_trace *ht)
{
	const struct ivt_stream_info *stream;
	uint32_t cpu;

	for (cpu = 0; cpu < ht->n_cpus; cpu++) {
		stream = sink_stream(ht->sink, ht->machine, cpu);
		if (!stream)
			continue;
		ht->cpus[cpu].n_lost_before = stream->lost_full;
		if (!cpu)
			ht->n_nested_before = stream->lost_nested;
	}
}

int host_trace_start(struct host_trace *ht, struct ivt_error *err)
{
	struct bpf_program *prog;

	take_counts(ht);

	/* Before the programs: the dump's stamps are older than all that follow. */
	state_dump(add_dumped, ht);
	bpf_object__for_each_program(prog, ht->skel->obj)
	{
		struct bpf_link *link;

		if (!bpf_program__autoload(prog))
			continue;
		if (ht->n_links == BPF_PROGRAMS_MAX)
			return ivt_error_set(err, -E2BIG,
					     "cannot trace the host: more than %d programs (name "
					     "fewer events with --host)",
					     BPF_PROGRAMS_MAX);
		link = bpf_program__attach(prog);
		if (!link)
			return ivt_error_set(err, -errno,
					     "cannot trace the host's '%s': %s (leave it out of "
					     "--host)",
					     bpf_program__name(prog), strerror(errno));
		ht->links[ht->n_links++] = link;
	}
	ht->skel->bss->is_recording = true;
	return 0;
}

void host_trace_process(struct host_trace *ht, pid_t pid, bool is_on)
{
	int map = bpf_map__fd(ht->skel->maps.traced_tgids);
	uint32_t tgid = (uint32_t)pid;
	uint8_t one = 1;

	if (is_on)
		bpf_map_update_elem(map, &tgid, &one, BPF_ANY);
	else
		bpf_map_delete_elem(map, &tgid);
}

/* Returns the bytes taken from the ring. */
static uint64_t drain_cpu(struct host_trace *ht, struct host_cpu *c, bool is_last)
{
	uint64_t before = c->n_taken_bytes, ripe_ns, now;
	int round;

	/* At the end nothing is added: it is as long as the ring. */
	for (round = 0; is_last || round < DRAIN_ROUNDS; round++) {
		bool is_due, was_full;

		if (!c->buffer.is_full)
			ring_buffer__consume(c->ring);
		was_full = c->buffer.is_full; /* then the ring may hold more */
		now = now_ns();
		ripe_ns = is_last || c->buffer.is_full ? UINT64_MAX : now - HOLD_BACK_NS;
		is_due = is_last || c->buffer.is_full || now - c->flushed_at_ns >= PATIENCE_NS ||
			 c->buffer.used_bytes >= PACKET_BYTES;
		if (!is_due || flush_cpu(ht, c, ripe_ns) || !was_full)
			break;
	}
	if (is_last && c->buffer.n) { /* nobody comes after this: count what is left */
		c->n_dropped += c->buffer.n;
		c->is_dropping = true;
		ring_buffer__consume(c->ring);
	}
	return c->n_taken_bytes - before;
}

unsigned int host_trace_drain(struct host_trace *ht, bool is_last)
{
	uint64_t most = 0;
	uint32_t cpu;

	for (cpu = 0; cpu < ht->n_cpus; cpu++) {
		uint64_t taken = drain_cpu(ht, &ht->cpus[cpu], is_last);

		if (taken > most)
			most = taken;
	}
	return (unsigned int)(most * 1000 / ht->ring_bytes);
}

void host_trace_flush(struct host_trace *ht)
{
	uint32_t cpu;

	for (cpu = 0; cpu < ht->n_cpus; cpu++)
		ht->cpus[cpu].flushed_at_ns = 0; /* long ago: all is due */
	host_trace_drain(ht, false);
}

void host_trace_stop(struct host_trace *ht)
{
	ht->skel->bss->is_recording = false;
	while (ht->n_links)
		bpf_link__destroy(ht->links[--ht->n_links]);
}

void host_trace_measure_by(struct host_trace *ht, const struct bpf_stats *stats)
{
	ht->stats = stats;
}

void host_trace_overhead(const struct host_trace *ht, struct ivt_overhead *ret)
{
	struct bpf_program *prog;

	*ret = (struct ivt_overhead){ .measured_ns = bpf_stats_measured_ns(ht->stats) };
	bpf_object__for_each_program(prog, ht->skel->obj)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t bytes = sizeof(info);

		if (bpf_program__fd(prog) < 0 ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &bytes))
			continue;
		ret->runs += info.run_cnt;
		ret->run_ns += info.run_time_ns;
	}
}

/* Runs that a program missed because it was interrupted by itself. */
static uint64_t count_recursion(struct host_trace *ht)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, ht->skel->obj)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t bytes = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &bytes))
			sum += info.recursion_misses;
	}
	return sum;
}

/* Into the manifest. */
static void publish_overhead(struct host_trace *ht)
{
	struct ivt_machine_info *m = ivt_trace_writer_machine(ht->sink->writer, ht->machine);

	if (m)
		host_trace_overhead(ht, &m->overhead);
}

/* The stream of @cpu; where nothing but losses came, it is opened for these. */
static struct ivt_stream_info *lossy_stream(struct host_trace *ht, uint32_t cpu, uint64_t n_lost)
{
	struct ivt_stream_info *stream = sink_stream(ht->sink, ht->machine, cpu);

	if (stream || !n_lost || sink_open_stream(ht->sink, ht->machine, cpu))
		return stream;
	ht->cpus[cpu].has_stream = true;
	return sink_stream(ht->sink, ht->machine, cpu);
}

uint64_t host_trace_account(struct host_trace *ht)
{
	uint64_t *lost = calloc(ht->n_cpus, sizeof(*lost)), sum = 0;
	struct ivt_stream_info *stream;
	uint32_t cpu, zero = 0;

	if (!lost || bpf_map_lookup_elem(bpf_map__fd(ht->skel->maps.lost), &zero, lost)) {
		free(lost);
		return 0;
	}
	for (cpu = 0; cpu < ht->n_cpus; cpu++) {
		struct host_cpu *c = &ht->cpus[cpu];

		c->n_lost = lost[cpu] + c->n_dropped;
		sum += c->n_lost - c->base_lost;
		stream = lossy_stream(ht, cpu, c->n_lost - c->base_lost);
		if (stream)
			stream->lost_full = c->n_lost_before + c->n_lost - c->base_lost;
	}
	free(lost);
	publish_overhead(ht);
	/* The kernel counts these per program, not per CPU: the first has all. */
	ht->n_nested = count_recursion(ht);
	stream = lossy_stream(ht, 0, ht->n_nested - ht->base_nested);
	if (stream)
		stream->lost_nested = ht->n_nested_before + ht->n_nested - ht->base_nested;
	return sum + ht->n_nested - ht->base_nested;
}

void host_trace_begin_chunk(struct host_trace *ht)
{
	uint32_t cpu;

	for (cpu = 0; cpu < ht->n_cpus; cpu++) {
		ht->cpus[cpu].has_stream = false;
		ht->cpus[cpu].n_lost_before = 0;
		ht->cpus[cpu].base_lost = ht->cpus[cpu].n_lost;
	}
	ht->n_nested_before = 0;
	ht->base_nested = ht->n_nested;
	/* What waits goes before it; where the dump fills the buffer, what comes
	 * later with an older stamp is moved up behind it. */
	drain_cpu(ht, &ht->cpus[0], false);
	state_dump(add_dumped, ht);
}

void host_trace_close(struct host_trace *ht)
{
	struct bpf_programs programs = { .n = 0 };
	uint32_t cpu;

	if (!ht)
		return;
	if (ht->skel) {
		bpf_programs_note(ht->skel->obj, &programs);
		host_trace_stop(ht);
	}
	for (cpu = 0; ht->cpus && cpu < ht->n_cpus; cpu++) {
		ring_buffer__free(ht->cpus[cpu].ring);
		if (ht->cpus[cpu].map_fd >= 0)
			close(ht->cpus[cpu].map_fd);
		cpu_buffer_deinit(&ht->cpus[cpu].buffer);
	}
	host_events__destroy(ht->skel);
	bpf_programs_await_end(&programs);
	free(ht->cpus);
	free(ht);
}
