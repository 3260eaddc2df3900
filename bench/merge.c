// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a trace in the order of the host's time: checked, rebased and merged
 * records per second of CPU time, with 1, 10 and 100 streams, beside babeltrace2
 * (its utils.dummy sink) on the same trace.
 *
 *	merge [--quick]		files go to TMPDIR
 */
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ivring/events.h>
#include "trace/trace_reader.h"
#include "trace/trace_writer.h"

#define HZ	     2900000000ull
#define TSC0	     1000000000000ull
#define NS0	     1000000000ull
#define PACKET_BYTES (256u << 10)

static unsigned long n_records = 2000000;
static unsigned int n_runs = 10;
static struct ivt_error error;
static char path[PATH_MAX];

static int fail(const char *what)
{
	fprintf(stderr, "merge: cannot %s: %s\n", what, error.msg[0] ? error.msg : strerror(errno));
	return -1;
}

/* What a busy guest records: switches, wake-ups, system calls. */
static size_t record_put(char *to, unsigned long i, uint64_t tsc)
{
	static const struct {
		uint16_t type;
		uint16_t bytes;
	} mix[] = {
		{ IVT_TYPE_SYSCALL_ENTRY, 24 },	      { IVT_TYPE_SYSCALL_EXIT, 8 },
		{ IVT_TYPE_sched_waking, 32 },	      { IVT_TYPE_sched_switch, 56 },
		{ IVT_TYPE_SYSCALL_ENTRY + 202, 48 }, { IVT_TYPE_SYSCALL_EXIT + 202, 8 },
	};
	size_t k = i % (sizeof(mix) / sizeof(mix[0]));
	struct ivring_record rec = { .tsc = tsc,
				     .type = mix[k].type,
				     .size = (uint16_t)(16 + mix[k].bytes),
				     .ctx = (uint32_t)i % 1000 };

	memcpy(to, &rec, sizeof(rec));
	memset(to + sizeof(rec), 0, mix[k].bytes);
	return rec.size;
}

/* Which of @n streams holds record @i: no pattern that a CPU could learn. */
static unsigned int stream_of(unsigned long i, unsigned int n)
{
	uint64_t h = (i + 1) * 0x9e3779b97f4a7c15ull;

	return (unsigned int)((h ^ h >> 29) * 0xbf58476d1ce4e5b9ull >> 40) % n;
}

/* Stream @cpu of @n: all streams together have a record each microsecond. */
static int stream_write(struct ivt_trace_writer *w, unsigned int cpu, unsigned int n)
{
	static char packet[PACKET_BYTES];
	struct iovec iov = { packet, 0 };

	if (ivt_trace_writer_add_stream(w, 0, cpu, &error))
		return fail("add a stream");
	for (unsigned long i = 0; i < n_records; i++) {
		if (stream_of(i, n) != cpu)
			continue;
		iov.iov_len += record_put(packet + iov.iov_len, i, i * 2900);
		if (iov.iov_len + 128 < sizeof(packet))
			continue;
		if (ivt_trace_writer_append(w, 0, cpu, &iov, 1, 0, 0, &error))
			return fail("write a packet");
		iov.iov_len = 0;
	}
	return ivt_trace_writer_append(w, 0, cpu, &iov, 1, 0, 0, &error) ? fail("write a packet")
									 : 0;
}

static int trace_write(unsigned int n_streams)
{
	struct ivt_machine_info vm = {
		.kind = IVT_GUEST, .clock = IVT_CLOCK_TSC, .name = "a", .qemu_pid = -1
	};
	struct tsc_sync_entry entry = { .from_host_tsc = TSC0,
					.scale = tsc_sync_scale_unscaled(-(int64_t)TSC0) };
	struct ivt_trace_writer *w;
	uint32_t machine;
	int ret = 0;

	if (ivt_trace_writer_create(path, IVT_VERSION, &w, &error))
		return fail("create a trace");
	for (uint64_t i = 0; i * 100000 < n_records + 200000; i++) {
		struct tsc_sync_snapshot snap = { .host_tsc = TSC0 + i * HZ / 10,
						  .mono_ns = NS0 + i * 100000000 + i % 3,
						  .real_ns = 1700000000 * NS0 + i * 100000000 };

		ret |= ivt_trace_writer_snapshot(w, &snap, &error);
	}
	ret |= ivt_trace_writer_add_machine(w, &vm, &machine, &error);
	ret |= ivt_trace_writer_clock(w, machine, &entry, 0, &error);
	for (unsigned int cpu = 0; cpu < n_streams && !ret; cpu++)
		ret = stream_write(w, cpu, n_streams);
	return ivt_trace_writer_close(w, &error) || ret ? fail("write a trace") : 0;
}

/* M records per second; 0 when something is wrong. */
static double ours(void)
{
	unsigned long n = 0;
	uint64_t start_ns = bench_cpu_ns(), last_ns = 0;
	struct ivt_event event;
	struct ivt_merge *m;
	struct ivt_trace *t;
	bool is_ordered = true;

	if (ivt_trace_open(path, &t, &error))
		return fail("open the trace"), 0;
	if (ivt_merge_create(t, NULL, &m, &error)) {
		ivt_trace_close(t);
		return fail("merge"), 0;
	}
	for (; ivt_merge_next(m, &event); n++) {
		is_ordered &= event.host_ns >= last_ns;
		last_ns = event.host_ns;
	}
	start_ns = bench_cpu_ns() - start_ns;
	ivt_merge_destroy(m);
	ivt_trace_close(t);
	return n == n_records && is_ordered ? (double)n * 1000 / (double)start_ns : 0;
}

/* The same of babeltrace2; 0 when there is none. */
static double babeltrace(void)
{
	struct rusage before, after;
	int status = -1, fd;
	double us;
	pid_t pid;

	getrusage(RUSAGE_CHILDREN, &before);
	pid = fork();
	if (pid == 0) {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execlp("babeltrace2", "babeltrace2", path, "-o", "dummy", NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return 0;
	getrusage(RUSAGE_CHILDREN, &after);
	us = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1e6 +
	     (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
	     (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e6 +
	     (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
	return us > 0 ? (double)n_records / us : 0;
}

static int measure(const char *folder, unsigned int n_streams)
{
	struct bench_samples merge = { .name = "ivtrace" }, other = { .name = "babeltrace2" };
	char metric[32], command[PATH_MAX + 16];
	int ret;

	snprintf(path, sizeof(path), "%s/bench-merge-%d.ivt", folder, (int)getpid());
	snprintf(metric, sizeof(metric), "streams_%u", n_streams);
	ret = trace_write(n_streams);
	if (!ret && ours() == 0) /* also warms the page cache */
		ret = fail("read the trace back as it was written");
	for (unsigned int i = 0; i < n_runs && !ret; i++) {
		double theirs = babeltrace();

		bench_add(&merge, ours());
		if (theirs > 0)
			bench_add(&other, theirs);
	}
	if (!ret) {
		bench_report("merge", metric, "M_records/s", &merge, other.n ? &other : NULL);
		if (other.n)
			bench_report("merge", metric, "M_records/s", &other, NULL);
		else
			bench_skip("merge", metric, other.name, "no babeltrace2 here");
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	return system(command) || ret ? -1 : 0;
}

int main(int argc, char **argv)
{
	static const unsigned int streams[] = { 1, 10, 100 };
	const char *folder = getenv("TMPDIR");

	if (argc > 1 && !strcmp(argv[1], "--quick")) {
		n_records = 100000;
		n_runs = 2;
	}
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		if (measure(folder && *folder ? folder : "/tmp", streams[i]))
			return 1;
	return 0;
}
