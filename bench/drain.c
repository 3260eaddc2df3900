// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way from a ring to the disk: ranges of a mapped region through the real
 * ring reader and trace writer, beside plain write() of the same bytes from
 * private memory to the same file system, in pieces of the same size, and beside
 * memcpy() of them, which is what a copy costs without any file.  Bytes per second
 * of CPU time: what one core does.
 *
 *	drain [--quick]		files go to TMPDIR; a second table is for /dev/shm
 */
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/mman.h>
#include <ivring/ring.h>
#include "trace/trace_writer.h"

static struct ivring_superblock sb;
static unsigned char *region;	  /* shared mapping, the guest's side */
static const unsigned char *view; /* the reader's read-only mapping */
static unsigned char *private_copy;
static struct ivring_writer writer;
static unsigned int n_fills = 32; /* of the 4 MiB ring, per run */
static const unsigned int n_runs = 12;

/* Until the ring is full. */
static void fill(void)
{
	uint64_t payload[2] = { 1, 2 };

	while (ivring_emit(&writer, 16, 1, payload, sizeof(payload)))
		;
	ivring_flush(&writer);
}

static int map_region(void)
{
	int fd = memfd_create("ivtrace-bench", MFD_CLOEXEC);
	void *p;

	if (ivring_layout(8 << 20, 1, 16, &sb) || fd < 0 || ftruncate(fd, (off_t)sb.region_size))
		return -1;
	p = mmap(NULL, sb.region_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	region = p == MAP_FAILED ? NULL : p;
	p = mmap(NULL, sb.region_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	view = p == MAP_FAILED ? NULL : p;
	close(fd);
	private_copy = malloc((size_t)ivring_chan_bytes(&sb));
	return region && view && private_copy ? 0 : -1;
}

struct pair {
	int fd; /* of the plain file */
	struct ivt_trace_writer *trace;
	uint32_t machine;
	struct ivring_reader reader;
	uint64_t drain_ns, copy_ns, plain_ns, bytes;
};

/* Drain what the ring holds.  The ranges are noted for copy_and_write(). */
static int drain_fill(struct pair *p, struct ivring_range *ranges, unsigned int *ret_n)
{
	uint64_t start = bench_cpu_ns();
	struct ivring_range range;
	struct ivt_error err;
	struct iovec iov;
	unsigned int n = 0;

	if (ivring_reader_fetch(&p->reader))
		return -1;
	while (ivring_reader_next(&p->reader, &range) == 1) {
		iov.iov_base = (void *)(uintptr_t)(p->reader.data + range.offset);
		iov.iov_len = range.bytes;
		if (ivt_trace_writer_append(p->trace, p->machine, 0, &iov, 1, p->reader.lost_full,
					    0, &err))
			return -1;
		ranges[n++] = range;
	}
	*ret_n = n;
	p->drain_ns += bench_cpu_ns() - start;
	return 0;
}

static int copy_and_write(struct pair *p, const struct ivring_range *ranges, unsigned int n)
{
	uint64_t start;
	unsigned int i;

	start = bench_cpu_ns();
	for (i = 0; i < n; i++)
		memcpy(private_copy + ranges[i].offset, p->reader.data + ranges[i].offset,
		       ranges[i].bytes);
	p->copy_ns += bench_cpu_ns() - start;
	start = bench_cpu_ns();
	for (i = 0; i < n; i++) {
		if (write(p->fd, private_copy + ranges[i].offset, ranges[i].bytes) !=
		    (ssize_t)ranges[i].bytes)
			return -1;
		p->bytes += ranges[i].bytes;
	}
	p->plain_ns += bench_cpu_ns() - start;
	return 0;
}

static int run_fills(struct pair *p)
{
	struct ivring_range ranges[512];
	unsigned int i, n;

	memset(region, 0, sb.data_off);
	ivring_writer_init(&writer, region, &sb, 0, 1);
	ivring_reader_init(&p->reader, view, region + sb.reader_off, &sb, 0, 0);
	for (i = 0; i < n_fills; i++) {
		fill();
		if (drain_fill(p, ranges, &n) || copy_and_write(p, ranges, n))
			return -1;
		ivring_reader_release(&p->reader);
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

struct rates {
	struct bench_samples drain, plain, copy;
};

static void add_rate(struct bench_samples *s, uint64_t bytes, uint64_t ns)
{
	bench_add(s, (double)bytes * 1e9 / (double)ns);
}

/* New files each time, so that both allocate their pages. */
static int run_once(const char *folder, struct rates *rates)
{
	struct ivt_machine_info guest = {
		.name = "a", .kind = IVT_GUEST, .clock = IVT_CLOCK_TSC, .qemu_pid = -1
	};
	char trace_path[PATH_MAX], plain_path[PATH_MAX];
	struct ivt_error err = { 0 };
	struct pair p = { .fd = -1 };
	int ret = -1;

	snprintf(trace_path, sizeof(trace_path), "%s/bench-drain.%d.ivt", folder, getpid());
	snprintf(plain_path, sizeof(plain_path), "%s/bench-plain.%d", folder, getpid());
	p.fd = open(plain_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (p.fd >= 0 && !ivt_trace_writer_create(trace_path, IVT_VERSION, &p.trace, &err) &&
	    !ivt_trace_writer_add_machine(p.trace, &guest, &p.machine, &err) &&
	    !ivt_trace_writer_add_stream(p.trace, p.machine, 0, &err) && !run_fills(&p)) {
		add_rate(&rates->drain, p.bytes, p.drain_ns);
		add_rate(&rates->plain, p.bytes, p.plain_ns);
		add_rate(&rates->copy, p.bytes, p.copy_ns);
		ret = 0;
	} else {
		fprintf(stderr, "drain: cannot write in '%s': %s\n", folder, strerror(errno));
	}
	ivt_trace_writer_close(p.trace, &err);
	if (p.fd >= 0)
		close(p.fd);
	unlink(plain_path);
	nftw(trace_path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return ret;
}

static int measure(const char *folder, const char *metric)
{
	struct rates rates = { .drain.name = "drain",
			       .plain.name = "write",
			       .copy.name = "memcpy" };
	unsigned int run;

	for (run = 0; run < n_runs; run++)
		if (run_once(folder, &rates))
			return -1;
	bench_report("drain", metric, "B/s", &rates.drain, &rates.plain);
	bench_report("drain", metric, "B/s", &rates.drain, &rates.copy);
	bench_report("drain", metric, "B/s", &rates.plain, NULL);
	bench_report("drain", metric, "B/s", &rates.copy, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	const char *folder = getenv("TMPDIR");

	if (argc > 1 && !strcmp(argv[1], "--quick"))
		n_fills = 2;
	if (map_region()) {
		fprintf(stderr, "drain: cannot map a region: %s\n", strerror(errno));
		return 1;
	}
	if (measure(folder && *folder ? folder : "/tmp", "bytes_per_s.file"))
		return 1;
	if (!access("/dev/shm", W_OK) && measure("/dev/shm", "bytes_per_s.tmpfs"))
		return 1;
	return 0;
}
